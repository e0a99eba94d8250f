"""A game's own components, as `--components` names them."""

from __future__ import annotations

from engine.objects.objects import Component

__all__ = ["Lamp"]


class Lamp(Component):
    """A component that the project does not know."""
