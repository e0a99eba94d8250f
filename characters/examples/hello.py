"""One character in a plain pygame loop.

Walk with WASD, press Enter to type, hold T to talk.
"""

import pygame

from characters import (
    Backdrop,
    Character,
    CharacterManager,
    CharacterSprite,
    Hud,
    Player,
    PlayerSprite,
)
from engine import Scene, feed_event

__all__ = ["main"]


def main() -> None:
    """Run until the window is closed."""
    screen = pygame.display.set_mode((960, 600))
    clock = pygame.time.Clock()

    scene = Scene()
    scene.add(Backdrop("lobby"))
    scene.add(CharacterManager())  # one per level: it opens the sessions
    scene.add(Hud())

    you = scene.create("You", position=(420, 420))
    you.add(Player(name="Ada"))
    you.add(PlayerSprite())

    porter = scene.create("Bram", position=(520, 330))
    porter.add(CharacterSprite("porter"))
    porter.add(Character("porter-3e8f"))  # the id names its persona and its memory

    running = True
    while running:
        for event in pygame.event.get():
            running = running and event.type != pygame.QUIT
            feed_event(event, scene.input)
        scene.update(clock.tick(60) / 1000)
        scene.draw(screen)
        pygame.display.flip()
    scene.close()  # says goodbye, and keeps the session for the next time


if __name__ == "__main__":
    main()
