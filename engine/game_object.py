"""GameObject: a named thing with a place, children, and components."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from engine.component import Component
from engine.transform import Transform

if TYPE_CHECKING:
    from engine.scene import Scene

__all__ = ["GameObject"]

C = TypeVar("C")
K = TypeVar("K", bound=Component)
Vector = tuple[float, float]


class GameObject:
    """A thing in a scene. What it does comes from its components.

    `scene.create(...)` makes one in a scene. One that is made by hand lives in no scene, and its
    components sleep, until `scene.adopt(game_object)`.
    """

    __slots__ = (
        "__weakref__",
        "_active",
        "_active_self",
        "_components",
        "_doomed",
        "_layer",
        "_scene",
        "name",
        "tag",
        "transform",
    )

    def __init__(
        self,
        name: str = "GameObject",
        position: Vector = (0.0, 0.0),
        parent: GameObject | None = None,
        tag: str = "",
        layer: int = 0,
        *,
        active: bool = True,
    ) -> None:
        """Make an object; `position` is in the world, or beside the parent if there is one."""
        self.name = name
        self.tag = tag
        self._layer = layer
        self._scene: Scene | None = None
        self._components: list[Component] = []
        self._active_self = active
        self._active: bool = active and (parent is None or parent._active)
        self._doomed = False
        above = None if parent is None else parent.transform
        self.transform: Transform = Transform(self, (position[0], position[1]), above)
        if parent is not None:
            parent.transform._children[self.transform] = None
            if parent._scene is not None:
                parent._scene.adopt(self)

    def __repr__(self) -> str:
        return f"<GameObject {self.name!r}>"

    @property
    def scene(self) -> Scene:
        """The scene that this lives in. Raises RuntimeError while it lives in none."""
        if self._scene is None:
            raise RuntimeError(
                f"GameObject {self.name!r} lives in no scene: make it with scene.create(...), "
                "or call scene.adopt(game_object)."
            )
        return self._scene

    @property
    def layer(self) -> int:
        """Drawn from the lowest layer to the highest, and within one by depth (y)."""
        return self._layer

    @layer.setter
    def layer(self, value: int) -> None:
        self._layer = value
        if self._scene is not None:
            self._scene._lifecycle.layer_changed()

    @property
    def components(self) -> tuple[Component, ...]:
        """Every component, in the order in which they were added."""
        return tuple(self._components)

    @property
    def active_self(self) -> bool:
        """Whether the object itself wants to be active."""
        return self._active_self

    @property
    def active_in_hierarchy(self) -> bool:
        """Whether the object and every ancestor are active."""
        return self._active

    @property
    def is_destroyed(self) -> bool:
        """Whether it was destroyed, or will be at the end of this frame."""
        return self._doomed

    def add(self, component: K) -> K:
        """Add a component and return it; on an active object it awakes at once.

        Raises ValueError if it belongs to an object already.
        """
        self._guard()
        if component._game_object is not None:
            raise ValueError(
                f"{type(component).__name__} belongs to {component._game_object.name!r} already; "
                "make a new one for every object."
            )
        component._game_object = self
        self._components.append(component)
        if self._scene is not None:
            self._scene._lifecycle.attach(component)
        return component

    def get_component(self, kind: type[C]) -> C | None:
        """Return the first component of the kind, or None."""
        for component in self._components:
            if isinstance(component, kind):
                return component
        return None

    def require_component(self, kind: type[C]) -> C:
        """Return the first component of the kind. Raises LookupError with what there is."""
        found = self.get_component(kind)
        if found is None:
            have = ", ".join(type(c).__name__ for c in self._components) or "none"
            raise LookupError(
                f"GameObject {self.name!r} has no {kind.__name__} (it has: {have}). "
                f"Add one with game_object.add({kind.__name__}(...))."
            )
        return found

    def get_components(self, kind: type[C]) -> list[C]:
        """Return every component of the kind, in the order in which they were added."""
        return [c for c in self._components if isinstance(c, kind)]

    def get_component_in_children(self, kind: type[C]) -> C | None:
        """Return the first component of the kind here or below, depth first, or None."""
        for member in self._family():
            found = member.get_component(kind)
            if found is not None:
                return found
        return None

    def get_components_in_children(self, kind: type[C]) -> list[C]:
        """Return every component of the kind here and below, depth first."""
        return [c for member in self._family() for c in member.get_components(kind)]

    def get_component_in_parent(self, kind: type[C]) -> C | None:
        """Return the first component of the kind here or above, or None."""
        above: Transform | None = self.transform
        while above is not None:
            found = above.game_object.get_component(kind)
            if found is not None:
                return found
            above = above.parent
        return None

    def set_active(self, value: bool) -> None:
        """Switch the object on or off, with everything below it."""
        self._guard()
        self._active_self = value
        self._refresh_active()

    def destroy(self) -> None:
        """Silence the object and its children now; they end with this frame."""
        (self._scene or self.scene).destroy(self)  # the property only says what is missing

    # for the engine

    def _family(self) -> list[GameObject]:
        family = [self]
        for child in self.transform._children:
            family += child.game_object._family()
        return family

    def _leave_parent(self) -> None:
        """Make a surviving parent forget this destroyed child."""
        parent = self.transform._parent
        if parent is not None and not parent.game_object._doomed:
            parent._children.pop(self.transform, None)

    def _guard(self) -> None:
        if self._scene is not None:
            self._scene._guard()

    def _component_switched(self, component: Component) -> None:
        if self._scene is not None:
            self._scene._guard()
            self._scene._lifecycle.refresh(component)

    def _parent_changed(self, parent: Transform | None) -> None:
        if parent is not None and parent.game_object._scene is not self._scene:
            if parent.game_object._scene is None:
                raise ValueError(f"{parent.game_object.name!r} lives in no scene: adopt it first.")
            parent.game_object._scene.adopt(self)
        if self._scene is not None and (self._doomed or (parent and parent.game_object._doomed)):
            self._scene._lifecycle.doom(self)  # again: the parent's end may not reach it now
        self._refresh_active()

    def _refresh_active(self) -> None:
        if not self._follow_parent():
            return
        scene = self._scene
        if scene is not None:
            for component in tuple(self._components):
                scene._lifecycle.object_switched(component)
        for child in self.transform.children:
            child.game_object._refresh_active()

    def _follow_parent(self) -> bool:
        """Become active or inactive; tell whether that is new."""
        above, before = self.transform._parent, self._active
        self._active = self._active_self and (above is None or above.game_object._active)
        return self._active != before

    def _switched_family(self) -> list[GameObject]:
        """Return those who are active or inactive now and were not before, the parents first."""
        if not self._follow_parent():
            return []
        below = [child.game_object._switched_family() for child in self.transform._children]
        return [self, *chain.from_iterable(below)]
