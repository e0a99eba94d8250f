"""A component of one's own: a lamp that shines while the character on its object speaks.

Its annotated attributes are its fields: arguments here, keys in a scene file.
"""

from typing import Any

import pygame

from characters import Backdrop, Character, CharacterManager, CharacterSprite, Hud, Player
from engine import Application, Component, Scene

__all__ = ["Lamp", "main"]


class Lamp(Component):
    """Draws a light over its object, bright while the character there speaks."""

    radius: float = 10.0
    colour: tuple[int, int, int] = (255, 214, 120)

    _glow: float = 0.0  # private: no field

    def update(self, dt: float) -> None:
        """Fade towards what the session says now."""
        character = self.require_component(Character)
        is_speaking = character.has_session and character.view.is_speaking
        self._glow += (float(is_speaking) - self._glow) * min(1.0, 6.0 * dt)

    def draw(self, surface: Any) -> None:
        """Draw the lamp where the camera sees its object."""
        x, y = self.scene.camera.to_screen(self.transform.position)
        shade = tuple(int(part * (0.3 + 0.7 * self._glow)) for part in self.colour)
        pygame.draw.circle(surface, shade, (x + 60, y - 120), self.radius)


def level(app: Application) -> Scene:
    """Build a level with one lamp."""
    scene = app.new_scene("Lobby")
    for part in (Backdrop("lobby"), CharacterManager(), Hud()):
        scene.add(part)
    scene.create("You", position=(420, 430)).add(Player(name="Ada"))
    porter = scene.create("Bram", position=(480, 330))
    porter.add(CharacterSprite("porter"))
    porter.add(Character("porter-3e8f"))
    porter.add(Lamp(radius=14.0))
    return scene


def main() -> None:
    """Run until the window is closed."""
    with Application("Own component", open_scene=lambda name: level(app)) as app:
        app.scenes.load("lobby")
        app.run()


if __name__ == "__main__":
    main()
