"""Points and rectangles of the screen, and those that can be clicked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

__all__ = ["Hotspots", "Point", "Rect", "scale_of", "snapped"]


Point: TypeAlias = tuple[float, float]


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
        """Return whether the point lies inside."""
        return self.x <= point[0] < self.right and self.y <= point[1] < self.bottom

    def overlaps(self, other: Rect) -> bool:
        """Return whether the two share some area."""
        return self.first_overlap((other,)) is not None

    def first_overlap(self, others: Iterable[Rect]) -> Rect | None:
        """Return the first of some rectangles with which it shares some area, or None."""
        x, y, w, h = self
        right, bottom = x + w, y + h
        for other in others:
            other_x, other_y, other_w, other_h = other
            if (
                x < other_x + other_w
                and other_x < right
                and y < other_y + other_h
                and other_y < bottom
            ):
                return other
        return None

    def shared_area(self, other: Rect) -> float:
        """Return how large the part is that the two share."""
        w = min(self.right, other.right) - max(self.x, other.x)
        h = min(self.bottom, other.bottom) - max(self.y, other.y)
        return max(0.0, w) * max(0.0, h)

    def inset(self, dx: float, dy: float | None = None) -> Rect:
        """Return it with a margin taken off each side (`dy` defaults to `dx`)."""
        dy = dx if dy is None else dy
        return Rect(self.x + dx, self.y + dy, self.w - 2 * dx, self.h - 2 * dy)

    def moved(self, dx: float, dy: float) -> Rect:
        """Return it moved."""
        return Rect(self.x + dx, self.y + dy, self.w, self.h)

    def inside(self, frame: Rect) -> Rect:
        """Return it moved just enough to lie in the frame; at its left top if it is too big."""
        x, y, w, h = self
        left, top, wide, high = frame
        return Rect(max(left, min(x, left + wide - w)), max(top, min(y, top + high - h)), w, h)


def scale_of(surface: object) -> float:
    """Return how many pixels of the screen a logical pixel of a surface is: 1 for pygame's own."""
    scale: float = getattr(surface, "scale", 1.0)
    return scale


def snapped(point: Point, scale: float) -> Point:
    """Return the place that lies at the nearest pixel of a screen of that scale."""
    if scale == 1:
        return round(point[0]), round(point[1])
    return round(point[0] * scale) / scale, round(point[1] * scale) / scale


class Hotspots:
    """The clickable rectangles of the picture on the screen, noted while it is drawn."""

    def __init__(self) -> None:
        self._spots: list[tuple[Rect, Callable[[], object]]] = []

    def begin(self) -> None:
        """Remove all rectangles; called before a picture is drawn."""
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
