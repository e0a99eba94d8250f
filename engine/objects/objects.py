"""GameObject, Component and Transform: what a scene is made of.

A GameObject has a name, a place (its Transform), children, and components: what it does. The
three refer to each other and so share a file. What they report to the scene that they live in is
the protocol Owner; `Lifecycle` implements it.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Generator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from enum import IntEnum
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, dataclass_transform

from engine.objects.choices import accept_words

if TYPE_CHECKING:
    from engine.core.input import Input
    from engine.objects.coroutine import Coroutine
    from engine.objects.scene import Scene

__all__ = ["Component", "ComponentError", "GameObject", "LifecycleState", "Owner", "Transform"]


C = TypeVar("C")
Vector = tuple[float, float]

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


class Owner(Protocol):
    """What objects and components report to the scene that they live in."""

    def attach(self, component: Component) -> None:
        """Take in a component that was added to an object of the scene."""

    def refresh(self, component: Component) -> None:
        """Follow a component that was enabled or disabled."""

    def object_switched(self, component: Component) -> None:
        """Follow a component whose object became active or inactive."""

    def layer_changed(self) -> None:
        """Note that an object changed its layer."""

    def moved(self, game_object: GameObject, is_depth_changed: bool) -> None:
        """Note that an object moved, with its children."""

    def mark_destroyed(self, target: GameObject | Component) -> None:
        """Destroy an object with its children, or a component, at the end of the frame."""


# Why a plain subclass of Component becomes a dataclass without a decorator:
#
# * `class Door(Component): target: str` is all that the author of a component writes. A decorator
#   could be forgotten; the class would then work in code and have no fields in a scene file.
# * `__init_subclass__` calls `dataclass(eq=False)` on each subclass and notes once which hooks it
#   overrides, so that a frame calls no empty hook. `dataclass_transform` tells type checkers.
# * The engine's own state is set in `__new__`, as `__init__` belongs to the subclass: a generated
#   one, or one of the author's that calls no `super().__init__()`. Nothing can forget it.
# * A private annotation (`_timer: float = 0.0`) is state and no argument: `_hide` says so to
#   `dataclass` before it looks.
#
# A traceback through a generated constructor shows `__create_fn__`: an argument is missing there,
# or `__post_init__` raised.
@dataclass_transform(eq_default=False, field_specifiers=(field,))
class Component:
    """Behaviour of a GameObject: override the hooks that you need, the others are never called.

    Public annotated attributes are fields, as in a dataclass: they are the arguments of the
    constructor and what a scene file may set. Names with a leading underscore and ClassVars are
    not; give private names a default. A class that defines `__init__` itself has no fields.

        class Door(Component):
            target: str
            spawn: str = "default"

    A field of an enum, or of a frozen dataclass with presets, also takes a word for its value.
    Values can be checked in `__post_init__`, which raises ValueError. Neither it nor a constructor
    may do more: the linter and the inspector make instances that they throw away. Whatever opens,
    looks for or starts something belongs in `awake` or `start`.

    In order: awake (once, even while disabled), on_enable, start (once, before the first
    update), each frame fixed_update, update, late_update, draw, on_gui, and at the end
    on_disable, on_destroy.
    """

    execution_order: ClassVar[int] = 0
    """Lower values awake (where a level is built), start and run earlier; equal ones in the order
    in which they were added."""

    fixed_fields: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Fields that cannot change while the level runs; the value tells what to do instead."""

    draw_reach: ClassVar[tuple[float, float, float, float] | None] = None
    """How far `draw` paints to the left, up, right and down of the object, in pixels; the scene
    does not call it while all of that is out of the picture. None: it may paint anywhere."""

    draws_sharp: ClassVar[bool] = False
    """Whether `draw` and `on_gui` get, on a large screen, the ScaledSurface of the window, which
    has `blit`, `fill`, `scale` and pygame's surface as `target`. Others get a pygame surface in
    logical pixels, which is enlarged. A class with such a hook of its own says it for itself."""

    _hooks: ClassVar[frozenset[str]] = frozenset()
    _loops: ClassVar[tuple[str, ...]] = ()
    _draws: ClassVar[tuple[str, ...]] = ()
    _has_own_init: ClassVar[bool] = False

    # Engine state lives in slots: were it in __dict__, the keys that Python shares between the
    # dictionaries of a class would overflow when many are made before the first is added, and
    # each frame over thousands of them would take a fifth longer.
    __slots__ = (
        "_active",
        "_destroyed",
        "_enabled",
        "_failures",
        "_game_object",
        "_key",
        "_life_state",
    )

    _game_object: GameObject | None
    _enabled: bool
    _active: bool
    _destroyed: bool
    _life_state: LifecycleState
    _key: int
    _failures: int

    if not TYPE_CHECKING:  # its signature would hide that of the fields

        def __new__(cls, *_args: Any, **_kwargs: Any) -> Component:
            """Prepare the engine's own state: `__init__` belongs to the subclass."""
            self = object.__new__(cls)
            self._game_object = None
            self._enabled = True
            self._active = False
            self._destroyed = False
            self._life_state = LifecycleState.NEW
            self._key = 0
            self._failures = 0
            return self

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._hooks = frozenset(h for h in _HOOKS if getattr(cls, h) is not getattr(Component, h))
        cls._loops = tuple(h for h in _LOOPS if h in cls._hooks)
        cls._draws = tuple(h for h in _DRAWS if h in cls._hooks)
        if "draws_sharp" not in cls.__dict__ and not cls.__dict__.keys().isdisjoint(_DRAWS):
            cls.draws_sharp = False
        if cls._has_own_init or "__init__" in cls.__dict__:
            cls._has_own_init = True
        else:
            _make_fields(cls)

    # hooks

    def awake(self) -> None:
        """Set up: called once, when the object is first active, before every other hook."""

    def on_enable(self) -> None:
        """Called each time the component becomes active and enabled."""

    def start(self) -> None:
        """Find other objects: called once, before the first update."""

    def fixed_update(self, dt: float) -> None:
        """Called zero or more times a frame, always with the same `dt`: for physics."""

    def update(self, dt: float) -> None:
        """Called once a frame; `dt` is the scaled seconds since the last one."""

    def late_update(self, dt: float) -> None:
        """Called once a frame after every update and coroutine: for what follows others."""

    def draw(self, surface: Any) -> None:
        """Draw in the world; `scene.camera.to_screen` gives the pixels of the surface."""

    def on_gui(self, surface: Any) -> None:
        """Draw on the screen, over the world."""

    def on_validate(self) -> None:
        """Called after an edit of the level changed fields of this component."""

    def on_disable(self) -> None:
        """Called each time the component stops being active or enabled."""

    def on_destroy(self) -> None:
        """Clean up: called once at the end, if `awake` was called."""

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
        """The player's input."""
        return self.scene.input

    @property
    def enabled(self) -> bool:
        """Whether the component may run; it does so while its object is active."""
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
        """Whether the component runs in the frame: enabled, on an active object."""
        return self._active

    @property
    def is_destroyed(self) -> bool:
        """Whether the component was destroyed, or will be at the end of this frame."""
        return self._destroyed or self._life_state is LifecycleState.DESTROYED

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
    """A report that a hook of a component raised `error`; the frame went on."""

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


def check_component_type(kind: type[Component]) -> None:
    """Raise TypeError for a component that @dataclass has made over: it cannot be hashed."""
    if kind.__hash__ is None:
        raise TypeError(
            f"{kind.__name__} has an __eq__ of its own, as @dataclass makes it: take the decorator "
            "away, the annotated attributes of a Component are its fields already."
        )


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
    accept_words(cls)


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
        owner = self._game_object._owner
        if owner is not None and (x, y) != self._local:
            owner.moved(self._game_object, y != self._local[1])
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
        self._game_object._check_thread()
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
        owner = self._game_object._owner
        if place is not None:
            self.position = place
        elif owner is not None:
            owner.moved(self._game_object, True)
        self._game_object._parent_changed(parent)

    def translate(self, dx: float, dy: float) -> None:
        """Move by so many pixels."""
        x, y = self._local
        self.local_position = (x + dx, y + dy)


K = TypeVar("K", bound=Component)


def _pair(position: Any) -> Vector:
    try:
        x, y = position
        x + 0.0, y + 0.0
    except (TypeError, ValueError):
        raise TypeError(f"A position is two numbers, (x, y), not {position!r}.") from None
    return x, y


def _no_component(given: object) -> str:
    if isinstance(given, type) and issubclass(given, Component):
        return f"Add a component, not its class: {given.__name__}(...)."
    return f"Only a component can be added, not {given!r}."


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
        "_destroyed",
        "_layer",
        "_owner",
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
        """Make an object; `position` is in the world, or beside the parent if there is one.

        Raises TypeError for a position that is no pair of numbers.
        """
        self.name = name
        self.tag = tag
        self._layer = layer
        self._scene: Scene | None = None
        self._owner: Owner | None = None  # of the same scene
        self._components: list[Component] = []
        self._active_self = active
        self._active: bool = active and (parent is None or parent._active)
        self._destroyed = False
        above = None if parent is None else parent.transform
        self.transform: Transform = Transform(self, _pair(position), above)
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
        if self._owner is not None:
            self._owner.layer_changed()

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
        return self._destroyed

    def add(self, component: K) -> K:
        """Add a component and return it; on an active object it awakes at once.

        Raises ValueError if it belongs to an object already, TypeError for what is no component.
        """
        self._check_thread()
        if not isinstance(component, Component):
            raise TypeError(_no_component(component))
        check_component_type(type(component))
        if component._game_object is not None:
            raise ValueError(
                f"{type(component).__name__} belongs to {component._game_object.name!r} already; "
                "make a new one for every object."
            )
        component._game_object = self
        self._components.append(component)
        if self._owner is not None:
            self._owner.attach(component)
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
        self._check_thread()
        self._active_self = value
        self._refresh_active()

    def destroy(self) -> None:
        """Stop the object and its children now; they are destroyed at the end of the frame."""
        (self._scene or self.scene).destroy(self)  # the property raises if there is none

    # for the engine

    def _family(self) -> list[GameObject]:
        family = [self]
        for child in self.transform._children:
            family += child.game_object._family()
        return family

    def _leave_parent(self) -> None:
        """Make a surviving parent forget this destroyed child."""
        parent = self.transform._parent
        if parent is not None and not parent.game_object._destroyed:
            parent._children.pop(self.transform, None)

    def _check_thread(self) -> None:
        if self._scene is not None:
            self._scene.check_thread()

    def _component_switched(self, component: Component) -> None:
        self._check_thread()
        if self._owner is not None:
            self._owner.refresh(component)

    def _parent_changed(self, parent: Transform | None) -> None:
        if parent is not None and parent.game_object._scene is not self._scene:
            if parent.game_object._scene is None:
                raise ValueError(f"{parent.game_object.name!r} lives in no scene: adopt it first.")
            parent.game_object._scene.adopt(self)
        is_ending = self._destroyed or (parent and parent.game_object._destroyed)
        if self._owner is not None and is_ending:
            self._owner.mark_destroyed(self)  # again: the parent's end may not reach it now
        self._refresh_active()

    def _refresh_active(self) -> None:
        if not self._follow_parent():
            return
        owner = self._owner
        if owner is not None:
            for component in tuple(self._components):
                owner.object_switched(component)
        for child in self.transform.children:
            child.game_object._refresh_active()

    def _follow_parent(self) -> bool:
        """Update whether the object is active; tell whether that changed."""
        above, before = self.transform._parent, self._active
        self._active = self._active_self and (above is None or above.game_object._active)
        return self._active != before

    def _switched_family(self) -> list[GameObject]:
        """Update the activity of this and all below; return whose changed, parents first."""
        if not self._follow_parent():
            return []
        below = [child.game_object._switched_family() for child in self.transform._children]
        return [self, *chain.from_iterable(below)]
