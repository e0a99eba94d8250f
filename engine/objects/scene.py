"""Scene: a tree of objects and one frame of their lives, for anybody's pygame loop.

scene.update(dt)
scene.draw(screen)
"""

from __future__ import annotations

import logging
from threading import current_thread, get_ident
from typing import Any, TypeVar

from engine.core.clock import Clock, SystemClock, Time
from engine.core.errors import EngineError
from engine.core.events import Dispatcher, Services, Signal
from engine.core.input import Input
from engine.objects.lifecycle import Lifecycle
from engine.objects.objects import Component, ComponentError, GameObject
from engine.objects.physics import Camera

__all__ = ["Scene", "WrongThreadError"]


T = TypeVar("T")
K = TypeVar("K", bound=Component)
Vector = tuple[float, float]

_log = logging.getLogger(__name__)

FIXED_DELTA = 0.02
MAX_FIXED_STEPS = 10  # after a long frame physics lags behind rather than slow the next one
_NEVER = float("inf")
DISPATCH_BUDGET = 0.004  # a quarter of a frame at 60 Hz


class WrongThreadError(EngineError, RuntimeError):
    """Somebody touched a scene from a thread that is not its own; post it instead."""


class Scene:
    """Hold objects and run their frames, in the thread that made it.

    An input or dispatcher that is handed in is shared: its owner ends the input's frame. One
    that the scene makes itself is ended by the scene.
    """

    def __init__(
        self,
        name: str = "Scene",
        *,
        clock: Clock | None = None,
        dispatcher: Dispatcher | None = None,
        input: Input | None = None,  # noqa: A002 - the word that every reader expects
        size: tuple[float, float] = (960, 600),
        fixed_delta: float = FIXED_DELTA,
    ) -> None:
        self.name = name
        self.size = size
        self.clock = clock or SystemClock()
        self.dispatcher = dispatcher or Dispatcher(self.clock)
        self.input = input or Input()
        self.camera = Camera(size[0] / 2, size[1] / 2, size)
        self.background: tuple[int, int, int] = (0, 0, 0)
        self.spawn: str | None = None
        """The spawn point that whoever loaded this scene asked for."""
        self._time_scale = 1.0
        self.on_error: Signal[ComponentError] = Signal("scene.on_error")
        self.closed: Signal[Scene] = Signal("scene.closed")
        self._owns_input = input is None
        self._objects: dict[GameObject, None] = {}
        self._lifecycle = Lifecycle(self._failed, lambda: self.time)
        self.coroutines = self._lifecycle.coroutines
        self._services = Services(f"Scene {name!r}")
        self._time: Time | None = None
        self._frame = 0
        self._dt = self._elapsed = 0.0
        self._fixed_delta = fixed_delta
        self._not_yet_stepped = 0.0
        self._thread = get_ident()
        self._may_update = self._thread  # no thread while an update is running
        self._is_closed = self._is_closing = False

    def __repr__(self) -> str:
        return f"<Scene {self.name!r} with {len(self._objects)} objects>"

    @property
    def objects(self) -> tuple[GameObject, ...]:
        """Every object, the oldest first."""
        return tuple(self._objects)

    @property
    def roots(self) -> tuple[GameObject, ...]:
        """Every object without a parent."""
        return tuple(o for o in self._objects if o.transform.parent is None)

    @property
    def time(self) -> Time:
        """What this frame knows of time; the clock is read once a frame, by who asks first."""
        if self._time is None:
            self._time = Time(
                now=self.clock.now(),
                delta=self._dt * self._time_scale,
                frame=self._frame,
                scale=self._time_scale,
                unscaled_delta=self._dt,
                fixed_delta=self._fixed_delta,
                elapsed=self._elapsed,
            )
        return self._time

    @property
    def time_scale(self) -> float:
        """How fast game time goes: 1 as the clock, 0 for a pause."""
        return self._time_scale

    @time_scale.setter
    def time_scale(self, value: float) -> None:
        if value < 0.0:
            raise ValueError(f"Game time cannot run backwards (got a time_scale of {value}).")
        self._time = self.time  # of this frame, before it changes
        self._time_scale = value

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._is_closed

    @property
    def is_closing(self) -> bool:
        """Whether the level is being left, or was: who is destroyed then goes with it."""
        return self._is_closing

    # building

    def create(
        self,
        name: str = "GameObject",
        position: Vector = (0.0, 0.0),
        *,
        parent: GameObject | None = None,
        tag: str = "",
        layer: int = 0,
        active: bool = True,
    ) -> GameObject:
        """Make an object in this scene; `position` is beside the parent if there is one.

        An object with `active=False` sleeps until `set_active(True)`: so all its components can
        be added before the first of them awakes.
        """
        made = GameObject(name, position, parent, tag, layer, active=active)
        return made if made._scene is self else self.adopt(made)

    def adopt(self, game_object: GameObject) -> GameObject:
        """Take an object with its children into this scene, from none or from another."""
        self._guard()
        if self._is_closing:
            raise RuntimeError(f"{self!r} is closed; nothing can be added to it.")
        above = game_object.transform._parent
        if above is not None and above._game_object._scene is not self:
            raise ValueError(f"{game_object.name!r} has a parent elsewhere: adopt the parent.")
        for member in game_object._family():
            if member._scene is self:
                continue
            old, member._scene = member._scene, self
            self._objects[member] = None
            for component in tuple(member._components):
                if old is None:
                    self._lifecycle.attach(component)
                else:
                    old._lifecycle.hand_over(component, self._lifecycle)
            if old is not None:
                old._objects.pop(member, None)
        if above is not None and above._game_object._doomed:
            self.destroy(game_object)
        return game_object

    def add(self, component: K, name: str | None = None) -> K:
        """Add a component on a new object of its own and return the component."""
        return self.create(name or type(component).__name__).add(component)

    def destroy(self, victim: GameObject | Component) -> None:
        """Silence an object with its children, or a component, now; they end with this frame."""
        if get_ident() != self._thread:
            self._guard()
        if not victim._doomed:
            self._lifecycle.doom(victim)

    # finding

    def find(self, name: str) -> GameObject | None:
        """Return the oldest active object of that name, or None."""
        for candidate in self._objects:
            if candidate.name == name and candidate._active and not candidate._doomed:
                return candidate
        return None

    def find_with_tag(self, tag: str) -> list[GameObject]:
        """Return every active object with that tag, the oldest first."""
        return [o for o in self._objects if o.tag == tag and o._active and not o._doomed]

    def find_components(self, kind: type[T], *, include_inactive: bool = False) -> list[T]:
        """Return every component of the kind (a class or a runtime protocol) on active objects."""
        found: list[Any] = self._lifecycle.of_kind(kind)
        return [
            c
            for c in found
            if not c._doomed and (include_inactive or c._game_object.active_in_hierarchy)
        ]

    def find_component(self, kind: type[T]) -> T | None:
        """Return the oldest component of the kind on an active object, or None."""
        found = self.find_components(kind)
        return found[0] if found else None

    # services

    def provide(self, service: object, kind: type[Any] | None = None) -> None:
        """Let components of this scene reach a service, under its own class or `kind`."""
        self._services.provide(service, kind)

    def find_service(self, kind: type[T]) -> T | None:
        """Return the service that was provided for the class or a subclass of it, or None."""
        return self._services.find(kind)

    def get_service(self, kind: type[T]) -> T:
        """Return the service that was provided for the class. Raises LookupError."""
        return self._services.get(kind)

    # one frame

    def update(self, dt: float) -> None:
        """Run one frame: `dt` is the real seconds since the last one; they are scaled here.

        In order: posted actions, start of what is new, fixed updates, updates, coroutines, late
        updates, the end of what was destroyed. Raises RuntimeError when called from inside,
        ValueError for seconds below 0, endless ones, and what is no number.
        """
        # Each step is entered only where there is something to do: with a hundred objects the
        # calls of nine empty steps would cost as much as a tenth of the updates.
        if get_ident() != self._may_update or not 0.0 <= dt < _NEVER:
            self._refuse_update(dt)
        self._may_update = 0
        try:
            self._dt = dt
            delta = dt * self._time_scale
            self._elapsed += delta
            self._frame += 1
            self._time = None
            life = self._lifecycle
            if self.dispatcher.waiting:
                self.dispatcher.drain(DISPATCH_BUDGET)
            if life.to_start:
                life.start_new()
            if life.fixed_update.is_used:
                self._fixed_updates(delta)
            if life.update.is_used:
                life.update.run(delta)
            if self.coroutines.running:
                self.coroutines.resume()
            if life.late_update.is_used:
                life.late_update.run(delta)
            if life.doomed:
                self._bury()
            if self._owns_input and self.input.has_news:
                self.input.end_frame()
        finally:
            self._may_update = self._thread

    def draw(self, surface: Any) -> None:
        """Draw the world from far to near, then the screen on top of it."""
        self._guard()
        camera, size = self.camera, getattr(surface, "get_size", None)
        view = camera.size if size is None else size()
        self._lifecycle.draw.look((*camera.to_world((0.0, 0.0)), *camera.to_world(view)))
        self._lifecycle.draw.run(surface)
        self._lifecycle.on_gui.run(surface)

    def close(self) -> None:
        """Destroy everything, at once, in the order of creation; a second call does nothing."""
        self._guard()
        if self._is_closed:
            return
        self._is_closing = True
        for root in self.roots:
            self.destroy(root)
        self._bury()
        self.coroutines.stop_all()
        self._is_closed = True
        self.closed.emit(self)

    def _fixed_updates(self, delta: float) -> None:
        step = self._fixed_delta
        self._not_yet_stepped = min(self._not_yet_stepped + delta, step * MAX_FIXED_STEPS)
        while self._not_yet_stepped >= step - 1e-9:  # 0.1 is five steps of 0.02, whatever the sum
            self._not_yet_stepped -= step
            self._lifecycle.fixed_update.run(step)

    def _bury(self) -> None:
        for gone in self._lifecycle.bury():
            self._objects.pop(gone, None)
            if gone.transform._parent is not None:
                gone._leave_parent()

    # for the engine

    def _guard(self) -> None:
        if get_ident() != self._thread:
            raise WrongThreadError(
                f"{self!r} was touched by thread {current_thread().name!r}; only the "
                "thread that made it may. Call scene.dispatcher.post(action) instead."
            )

    def _refuse_update(self, dt: float) -> None:
        self._guard()
        if self._may_update:
            raise ValueError(f"A frame takes 0 or more seconds (got {dt!r}).")
        raise RuntimeError(f"{self!r} is being updated already: do not call update in a hook.")

    def _failed(self, what: ComponentError) -> None:
        count = what.count
        if count == 1:
            _log.error("Scene %r: %s", self.name, what, exc_info=what.error)
        elif str(count).rstrip("0") == "1":  # 10, 100, 1000: a hook may fail in every frame
            _log.error("Scene %r: %s (%d times by now)", self.name, what, count)
        self.on_error.emit(what)
