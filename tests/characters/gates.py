"""A gate of a game's own, which a character may open: an action that is a function."""

from __future__ import annotations

from typing import Literal

from characters import Character
from engine import Component

__all__ = ["Gate"]


class Gate(Component):
    """A gate with two sides, of which only one opens."""

    def open_gate(self, side: Literal["north", "south"]) -> str:
        """Open a side of the gate."""
        if side == "south":
            raise ValueError("the south side is walled up")
        return f"the {side} side is open"

    def start(self) -> None:
        """Let the character of the level open it."""
        character = self.scene.find_component(Character)
        assert character is not None
        character.can(self.open_gate)
