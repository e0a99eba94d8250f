"""Two characters in a game that has its own loop, hero, camera and pictures.

Walk with the arrows. Enter types, T held talks.
"""

import pygame

from characters import Character, CharacterManager, Hud, Player
from engine import Scene, feed_event

__all__ = ["main"]

SCREEN, WORLD = (800, 480), (1600, 960)
PEOPLE = {"porter-3e8f": ("Bram", (420, 300)), "nurse-21c4": ("Nurse Okafor", (1200, 640))}
KEYS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}


def main() -> None:
    """Run until the window is closed."""
    screen = pygame.display.set_mode(SCREEN)
    clock = pygame.time.Clock()
    hero = pygame.Vector2(300, 340)

    scene = Scene(size=WORLD)
    scene.add(CharacterManager())
    scene.add(Hud())
    you = scene.create("You")
    player = you.add(Player(name="Ada", speed=0))  # the game moves it
    for character_id, (name, place) in PEOPLE.items():
        scene.create(name, position=place).add(Character(character_id))

    running = True
    while running:
        seconds = clock.tick(60) / 1000
        for event in pygame.event.get():
            running = running and event.type != pygame.QUIT
            feed_event(event, scene.input)
        if scene.input.captured is None:  # nobody types, no menu is open
            for key, (x, y) in KEYS.items():
                if scene.input.get_key(key):
                    player.look_at((hero.x + x, hero.y + y))
                    hero += pygame.Vector2(x, y) * 200 * seconds
        you.transform.position = (hero.x, hero.y)
        scene.camera.follow((hero.x, hero.y), WORLD)
        scene.update(seconds)

        screen.fill("darkseagreen")
        for _, place in PEOPLE.values():
            pygame.draw.circle(screen, "firebrick", scene.camera.to_screen(place), 16)
        pygame.draw.circle(screen, "gold", scene.camera.to_screen((hero.x, hero.y)), 16)
        scene.draw(screen, clears=False)  # captions, badges, menus: over what is there
        pygame.display.flip()
    scene.close()


if __name__ == "__main__":
    main()
