"""BoxCollider: boxes to walk against and zones to walk into, for a level seen from above."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import PositiveFloat

from engine.objects.objects import Component, GameObject

__all__ = ["Box", "BoxCollider", "move_and_slide", "solid_boxes"]


Vector = tuple[float, float]

_TOUCH = 1e-6  # the sum of two halves may leave a mover this far inside the wall it touches


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle by its middle and its size, in pixels of the level."""

    x: float
    y: float
    width: float
    height: float

    def contains(self, point: Vector) -> bool:
        """Return whether the point is inside or on the edge."""
        return (
            abs(point[0] - self.x) * 2 <= self.width and abs(point[1] - self.y) * 2 <= self.height
        )

    def overlaps(self, other: Box) -> bool:
        """Return whether the two share an area; touching edges do not count."""
        return (
            abs(other.x - self.x) * 2 < self.width + other.width
            and abs(other.y - self.y) * 2 < self.height + other.height
        )


class BoxCollider(Component):
    """A box around the object's position: solid, or a trigger that only notices overlaps."""

    size: tuple[PositiveFloat, PositiveFloat] = (32.0, 32.0)
    offset: Vector = (0.0, 0.0)
    is_trigger: bool = False

    @property
    def box(self) -> Box:
        """The box in the level, where the object is now."""
        x, y = self.transform.position
        return Box(x + self.offset[0], y + self.offset[1], *self.size)

    def contains(self, point: Vector) -> bool:
        """Return whether the point of the level is inside."""
        return self.box.contains(point)

    def overlaps(self, other: BoxCollider) -> bool:
        """Return whether the two boxes share an area."""
        return self.box.overlaps(other.box)


def solid_boxes(walker: GameObject) -> list[Box]:
    """Return every solid box of an object's scene but its own, to walk against."""
    colliders = walker.scene.find_components(BoxCollider)
    solid = (c for c in colliders if c.enabled and not c.is_trigger)
    return [collider.box for collider in solid if collider.game_object is not walker]


def move_and_slide(position: Vector, motion: Vector, size: Vector, boxes: Iterable[Box]) -> Vector:
    """Return where a box of `size` ends that moves by `motion`, one axis after the other.

    Nothing is passed through however long the motion is; a box that starts inside another can
    walk out of it.
    """
    solid = tuple(boxes)
    x, y = position
    x += _clear(motion[0], [_gap(x, y, size, b) for b in solid])
    swapped = (size[1], size[0])
    gaps = [_gap(y, x, swapped, Box(b.y, b.x, b.height, b.width)) for b in solid]
    return x, y + _clear(motion[1], gaps)


def _gap(x: float, y: float, size: Vector, box: Box) -> tuple[float, float] | None:
    """Return how far the mover may go left and right before the box, None if it lies aside."""
    if abs(box.y - y) * 2 >= box.height + size[1]:
        return None
    reach = (box.width + size[0]) / 2
    return (box.x + reach - x, box.x - reach - x)


def _clear(motion: float, gaps: Iterable[tuple[float, float] | None]) -> float:
    for gap in gaps:
        if gap is None:
            continue
        left, right = gap
        if motion > 0.0 and right >= -_TOUCH:
            motion = min(motion, right)
        elif motion < 0.0 and left <= _TOUCH:
            motion = max(motion, left)
    return motion
