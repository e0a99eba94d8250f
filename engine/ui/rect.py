"""Rect: a frozen rectangle in logical pixels, with the few cuts that layouts need."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Rect"]


class Rect(NamedTuple):
    """Left, top, width and height; a tuple, so drawing libraries take it as it is."""

    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        """The first x to the right of it."""
        return self.x + self.w

    @property
    def bottom(self) -> float:
        """The first y below it."""
        return self.y + self.h

    @property
    def center(self) -> tuple[float, float]:
        """The middle."""
        return self.x + self.w / 2, self.y + self.h / 2

    def contains(self, point: tuple[float, float]) -> bool:
        """Tell whether the point lies inside."""
        return self.x <= point[0] < self.right and self.y <= point[1] < self.bottom

    def overlaps(self, other: Rect) -> bool:
        """Tell whether the two share some area."""
        x, y, w, h = self
        other_x, other_y, other_w, other_h = other
        return (
            x < other_x + other_w and other_x < x + w and y < other_y + other_h and other_y < y + h
        )

    def inset(self, dx: float, dy: float | None = None) -> Rect:
        """Return it with a margin taken off each side (`dy` defaults to `dx`)."""
        dy = dx if dy is None else dy
        return Rect(self.x + dx, self.y + dy, self.w - 2 * dx, self.h - 2 * dy)

    def moved(self, dx: float, dy: float) -> Rect:
        """Return it moved."""
        return Rect(self.x + dx, self.y + dy, self.w, self.h)

    def inside(self, frame: Rect) -> Rect:
        """Return it moved just enough to lie in the frame; at its left top if it is too big."""
        x = max(frame.x, min(self.x, frame.right - self.w))
        y = max(frame.y, min(self.y, frame.bottom - self.h))
        return Rect(x, y, self.w, self.h)
