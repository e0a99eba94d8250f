"""Makes the drawn components known to scene files."""

from __future__ import annotations

from typing import Protocol

from characters.overlay.hud import Hud
from characters.overlay.visuals import Backdrop, CharacterSprite, PlayerSprite, Prop
from engine.component import Component

__all__ = ["VisualRegistry", "register_visuals"]


class VisualRegistry(Protocol):
    """The part of `engine.ComponentRegistry` that is used here."""

    def register(self, *component_types: type[Component]) -> object:
        """Take the component types into scene files."""


def register_visuals(registry: VisualRegistry) -> None:
    """Register every component that is there to be seen."""
    registry.register(Backdrop, CharacterSprite, Hud, PlayerSprite, Prop)
