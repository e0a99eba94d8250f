"""A component of this game's own."""

from typing import Any

from characters import Character
from engine import Component


class Lantern(Component):
    """A light that is bright while the character on the same object speaks.

    The annotated attributes are its fields: arguments in code, keys in a scene file.
    """

    width: int = 16
    colour: tuple[int, int, int] = (255, 214, 120)

    _glow: float = 0.0  # private: no field

    def update(self, dt: float) -> None:
        """Fade towards what the character does now; `dt` is the seconds since the last frame."""
        character = self.require_component(Character)
        is_speaking = character.has_session and character.view.is_speaking
        self._glow += (float(is_speaking) - self._glow) * min(1.0, 6.0 * dt)

    def draw(self, surface: Any) -> None:
        """Draw it beside the head of its object, on a surface of pygame."""
        x, y = self.scene.camera.to_screen(self.transform.position)
        left, top = int(x) + 60 - self.width // 2, int(y) - 132
        light = [int(part * (0.3 + 0.7 * self._glow)) for part in self.colour]
        surface.fill("#3a2d26", (left - 3, top - 4, self.width + 6, 4))
        surface.fill(light, (left, top, self.width, 22))
        surface.fill("#3a2d26", (left - 3, top + 22, self.width + 6, 4))
