"""Component: behaviour that is added to a GameObject; its public annotations are its fields.

GameObject: a named thing with a place, children, and components.

Transform: where an object is, and what moves with it.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Generator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from enum import IntEnum
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from engine.core.input import Input
    from engine.objects.coroutine import Coroutine
    from engine.objects.scene import Scene

__all__ = ["Component", "ComponentError", "GameObject", "LifecycleState", "Transform"]


C = TypeVar("C")

_LOOPS = ("fixed_update", "update", "late_update")
_DRAWS = ("draw", "on_gui")
_ENDS = ("on_disable", "on_destroy")
_HOOKS = ("awake", "on_enable", "start", *_LOOPS, *_DRAWS, "on_validate", *_ENDS)


class LifecycleState(IntEnum):
    """How far a component has come in its life; it never goes back."""

    NEW = 0
    AWAKE = 1
    STARTED = 2
    DESTROYED = 3


@dataclass_transform(eq_default=False, field_specifiers=(field,))
class Component:
    """Override the hooks that are needed; the scene never calls one that is not overridden.

    Public annotated attributes are fields, as in a dataclass: they are the arguments of the
    constructor and what a scene file may set. Names with a leading underscore and ClassVars are
    not; give private names a default. A class that defines `__init__` itself has no fields.

        class Door(Component):
            target: str
            spawn: str = "default"

    In order: awake (once, even while disabled), on_enable, start (once, before the first
    update), each frame fixed_update, update, late_update, draw, on_gui, and at the end
    on_disable, on_destroy.
    """

    execution_order: ClassVar[int] = 0
    """Lower awakes (where a level is built), starts and runs earlier; equal ones in the order of
    their creation."""

    fixed_fields: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Fields that an edit of the level's file does not reach while it runs: what to do instead."""

    draw_reach: ClassVar[tuple[float, float, float, float] | None] = None
    """How far `draw` paints to the left, up, right and down of the object; the scene does not
    call it while all of that is out of the picture. None: it paints anywhere."""

    _hooks: ClassVar[frozenset[str]] = frozenset()
    _loops: ClassVar[tuple[str, ...]] = ()
    _draws: ClassVar[tuple[str, ...]] = ()
    _has_own_init: ClassVar[bool] = False

    # Engine state lives in slots: were it in __dict__, the keys that Python shares between the
    # dictionaries of a class would overflow when many are made before the first is added, and
    # each frame over thousands of them would take a fifth longer.
    __slots__ = ("_active", "_doomed", "_enabled", "_failures", "_game_object", "_key", "_stage")

    _game_object: GameObject | None
    _enabled: bool
    _active: bool
    _doomed: bool
    _stage: LifecycleState
    _key: int
    _failures: int

    if not TYPE_CHECKING:  # its signature would hide that of the fields

        def __new__(cls, *_args: Any, **_kwargs: Any) -> Component:
            """Prepare the engine's own state: `__init__` belongs to the subclass."""
            self = object.__new__(cls)
            self._game_object = None
            self._enabled = True
            self._active = False
            self._doomed = False
            self._stage = LifecycleState.NEW
            self._key = 0
            self._failures = 0
            return self

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._hooks = frozenset(h for h in _HOOKS if getattr(cls, h) is not getattr(Component, h))
        cls._loops = tuple(h for h in _LOOPS if h in cls._hooks)
        cls._draws = tuple(h for h in _DRAWS if h in cls._hooks)
        if cls._has_own_init or "__init__" in cls.__dict__:
            cls._has_own_init = True
        else:
            _make_fields(cls)

    # hooks

    def awake(self) -> None:
        """Prepare: called once, when the object is first active, before anything else."""

    def on_enable(self) -> None:
        """Begin to take part: called each time the component becomes active and enabled."""

    def start(self) -> None:
        """Look for others: called once, before the first update."""

    def fixed_update(self, dt: float) -> None:
        """Step physics: called zero or more times a frame with the same `dt`."""

    def update(self, dt: float) -> None:
        """Act: called once a frame with the scaled seconds since the last one."""

    def late_update(self, dt: float) -> None:
        """Follow: called once a frame after every update and coroutine."""

    def draw(self, surface: Any) -> None:
        """Draw in the world; `scene.camera.to_screen` gives pixels."""

    def on_gui(self, surface: Any) -> None:
        """Draw on the screen, over the world."""

    def on_validate(self) -> None:
        """Take notice: called after an edit of the level's file changed fields of this."""

    def on_disable(self) -> None:
        """Stop taking part: called each time the component ceases to be active or enabled."""

    def on_destroy(self) -> None:
        """Let go: called once at the end, if `awake` was called."""

    # the surroundings

    @property
    def game_object(self) -> GameObject:
        """The object that this component belongs to. Raises RuntimeError before it is added."""
        if self._game_object is None:
            raise RuntimeError(
                f"{type(self).__name__} belongs to no GameObject yet: add it with "
                "game_object.add(component) or scene.add(component) first."
            )
        return self._game_object

    @property
    def transform(self) -> Transform:
        """Where the object is."""
        return self.game_object.transform

    @property
    def scene(self) -> Scene:
        """The scene that the object lives in. Raises RuntimeError while it lives in none."""
        return self.game_object.scene

    @property
    def input(self) -> Input:
        """The player's input, as this scene hears it."""
        return self.scene.input

    @property
    def enabled(self) -> bool:
        """Whether the component wants to run; it does while its object is active too."""
        return self._enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        if value == self._enabled:
            return
        self._enabled = value
        if self._game_object is not None:
            self._game_object._component_switched(self)

    @property
    def is_active_and_enabled(self) -> bool:
        """Whether the component takes part in the frame: Unity's isActiveAndEnabled."""
        return self._active

    @property
    def is_destroyed(self) -> bool:
        """Whether the component was destroyed, or will be at the end of this frame."""
        return self._doomed or self._stage is LifecycleState.DESTROYED

    def get_component(self, kind: type[C]) -> C | None:
        """Return the first component of the kind on the same object, or None."""
        return self.game_object.get_component(kind)

    def require_component(self, kind: type[C]) -> C:
        """Return the first component of the kind on the same object. Raises LookupError."""
        return self.game_object.require_component(kind)

    def start_coroutine(self, generator: Generator[Any, None, Any]) -> Coroutine:
        """Run a generator beside the frame: `yield` waits a frame, `yield 1.5` so many seconds.

        Raises RuntimeError on an inactive or destroyed object, whose end would not stop it.
        """
        owner = self.game_object
        if self.is_destroyed or not owner.active_in_hierarchy:
            state = "was destroyed" if self.is_destroyed else "is inactive"
            raise RuntimeError(
                f"A coroutine of {type(self).__name__} cannot start: object {owner.name!r} {state}."
            )
        return self.scene.coroutines.start(generator, owner=self)

    def stop_coroutines(self) -> None:
        """Stop every coroutine that this component started."""
        self.scene.coroutines.stop_owned_by(self)


@dataclass(frozen=True, slots=True)
class ComponentError:
    """A hook of a component raised; the frame went on."""

    component: Component | None
    hook: str
    error: Exception
    count: int = 1
    """How often the component has failed by now."""

    def __str__(self) -> str:
        if self.component is None:
            return f"{self.hook}: {self.error!r}"
        owner = self.component._game_object
        where = "no object" if owner is None else f"object {owner.name!r}"
        return f"{type(self.component).__name__}.{self.hook} of {where}: {self.error!r}"


def _make_fields(cls: type[Component]) -> None:
    for name in _own_annotations(cls):
        if name.startswith("_"):
            _hide(cls, name)
    dataclass(eq=False)(cls)
    for made in fields(cls):  # type: ignore[arg-type]  # the line above made it a dataclass
        if made.name in Component.__dict__ and not made.name.startswith("_"):
            raise TypeError(
                f"{cls.__name__}.{made.name} would hide Component.{made.name}: give the field "
                "another name, or mark it ClassVar."
            )


def _own_annotations(cls: type[Component]) -> Mapping[str, Any]:
    if sys.version_info >= (3, 14):  # evaluated late there: names may exist for checkers only
        import annotationlib

        return annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)
    return inspect.get_annotations(cls)


def _hide(cls: type[Component], name: str) -> None:
    """Keep a private name out of the constructor, with its default."""
    default = cls.__dict__.get(name, MISSING)
    if isinstance(default, Field):
        default.init = default.repr = False
    elif default is MISSING:
        setattr(cls, name, field(init=False, repr=False))
    else:
        setattr(cls, name, field(init=False, repr=False, default=default))


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


K = TypeVar("K", bound=Component)


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
