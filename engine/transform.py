"""Transform: where an object is, and what moves with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.game_object import GameObject

__all__ = ["Transform"]

Vector = tuple[float, float]


class Transform:
    """Where an object is: in the world, and beside its parent. y grows downwards."""

    __slots__ = ("_children", "_game_object", "_local", "_parent")

    def __init__(self, game_object: GameObject, local: Vector, parent: Transform | None) -> None:
        self._game_object = game_object
        self._local = local
        self._parent = parent
        self._children: dict[Transform, None] = {}  # a dict: leaving costs the same among many

    @property
    def game_object(self) -> GameObject:
        """The object whose place this is."""
        return self._game_object

    @property
    def position(self) -> Vector:
        """The place in the world, in pixels of the level."""
        parent = self._parent
        if parent is None:
            return self._local
        (x, y), (px, py) = self._local, parent.position
        return (x + px, y + py)

    @position.setter
    def position(self, value: Vector) -> None:
        if self._parent is not None:
            px, py = self._parent.position
            value = (value[0] - px, value[1] - py)
        self.local_position = value

    @property
    def local_position(self) -> Vector:
        """The place beside the parent; the same as `position` without one."""
        return self._local

    @local_position.setter
    def local_position(self, value: Vector) -> None:
        x, y = value
        scene = self._game_object._scene
        if scene is not None and (x, y) != self._local:
            scene._lifecycle.moved(self._game_object, y != self._local[1])
        self._local = (x, y)

    @property
    def parent(self) -> Transform | None:
        """What this moves with; setting it keeps the place in the world."""
        return self._parent

    @parent.setter
    def parent(self, parent: Transform | None) -> None:
        self.set_parent(parent, keep_world_position=True)

    @property
    def children(self) -> tuple[Transform, ...]:
        """What moves with this, the oldest first."""
        return tuple(self._children)

    def set_parent(self, parent: Transform | None, *, keep_world_position: bool = True) -> None:
        """Hang this under another transform, or none. Raises ValueError for a circle."""
        self._game_object._guard()
        above = parent
        while above is not None:
            if above is self:
                raise ValueError(f"{self._game_object.name!r} cannot be its own ancestor.")
            above = above._parent
        place = self.position if keep_world_position else None
        if self._parent is not None:
            self._parent._children.pop(self, None)
        self._parent = parent
        if parent is not None:
            parent._children[self] = None
        scene = self._game_object._scene
        if place is not None:
            self.position = place
        elif scene is not None:
            scene._lifecycle.moved(self._game_object, True)
        self._game_object._parent_changed(parent)

    def translate(self, dx: float, dy: float) -> None:
        """Move by so many pixels."""
        x, y = self._local
        self.local_position = (x + dx, y + dy)
