"""Component: behaviour that is added to a GameObject; its public annotations are its fields."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Generator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from engine.coroutine import Coroutine
    from engine.game_object import GameObject
    from engine.input import Input
    from engine.scene import Scene
    from engine.transform import Transform

__all__ = ["Component", "ComponentError", "Stage"]

C = TypeVar("C")

_LOOPS = ("fixed_update", "update", "late_update")
_DRAWS = ("draw", "on_gui")
_ENDS = ("on_disable", "on_destroy")
_HOOKS = ("awake", "on_enable", "start", *_LOOPS, *_DRAWS, "on_validate", *_ENDS)


class Stage(IntEnum):
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
    _stage: Stage
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
            self._stage = Stage.NEW
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
        return self._doomed or self._stage is Stage.DESTROYED

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
