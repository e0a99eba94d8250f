"""Camera: which part of the level is on the screen."""

from __future__ import annotations

__all__ = ["Camera"]

Vector = tuple[float, float]


class Camera:
    """Map between the level and the screen; (x, y) is the middle of the view, in the level."""

    def __init__(self, x: float, y: float, size: tuple[float, float]) -> None:
        self.x = x
        self.y = y
        self.size = size
        """Width and height of the view in logical pixels; the window sets it."""

    def to_screen(self, position: Vector) -> Vector:
        """Return where a place in the level is on the screen."""
        return (
            position[0] - self.x + self.size[0] / 2,
            position[1] - self.y + self.size[1] / 2,
        )

    def to_world(self, position: Vector) -> Vector:
        """Return which place in the level is at this pixel of the screen."""
        return (
            position[0] + self.x - self.size[0] / 2,
            position[1] + self.y - self.size[1] / 2,
        )

    def follow(self, target: Vector, bounds: tuple[float, float]) -> None:
        """Look at the target, but not beyond a level of (width, height); a small one is centred."""
        self.x = _within(target[0], self.size[0], bounds[0])
        self.y = _within(target[1], self.size[1], bounds[1])


def _within(target: float, view: float, level: float) -> float:
    if view >= level:
        return level / 2
    return max(view / 2, min(level - view / 2, target))
