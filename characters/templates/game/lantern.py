"""A component of this game's own."""

from typing import Any

import pygame

from characters import Character
from engine import Component


class Lantern(Component):
    """A light that is bright while the character on the same object speaks.

    The annotated attributes are its fields: arguments in code, keys in a scene file.
    """

    radius: float = 14.0
    colour: tuple[int, int, int] = (255, 214, 120)

    _glow: float = 0.0  # private: no field

    def update(self, dt: float) -> None:
        """Fade towards what the character does now; `dt` is the seconds since the last frame."""
        character = self.require_component(Character)
        is_speaking = character.has_session and character.view.is_speaking
        self._glow += (float(is_speaking) - self._glow) * min(1.0, 6.0 * dt)

    def draw(self, surface: Any) -> None:
        """Draw it beside the head of its object."""
        x, y = self.scene.camera.to_screen(self.transform.position)
        shade = tuple(int(part * (0.3 + 0.7 * self._glow)) for part in self.colour)
        pygame.draw.circle(surface, shade, (x + 60, y - 120), self.radius)
