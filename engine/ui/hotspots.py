"""Hotspots: where on the screen something can be clicked, written down while it is drawn."""

from __future__ import annotations

from collections.abc import Callable

from engine.ui.rect import Rect

__all__ = ["Hotspots"]


class Hotspots:
    """The clickable rectangles of the picture that the player sees, topmost last."""

    def __init__(self) -> None:
        self._spots: list[tuple[Rect, Callable[[], object]]] = []

    def begin(self) -> None:
        """Forget the last picture; called before a new one is drawn."""
        self._spots.clear()

    def add(self, rect: Rect, action: Callable[[], object]) -> None:
        """Let a click in the rectangle call the action."""
        self._spots.append((rect, action))

    def click(self, point: tuple[float, float]) -> bool:
        """Call the action of the topmost rectangle there; return whether there was one."""
        for rect, action in reversed(self._spots):
            if rect.contains(point):
                action()
                return True
        return False
