"""Scene: one level: its objects, its services, its camera, and what one frame does with them.

A game with a loop of its own calls this each frame:

    scene.update(dt)
    scene.draw(screen)
"""

from __future__ import annotations

import logging
from pathlib import Path
from threading import current_thread, get_ident
from typing import Any, TypeVar

from engine.core.clock import Clock, SystemClock, Time
from engine.core.errors import EngineError
from engine.core.events import Dispatcher, Services, Signal
from engine.core.input import Input
from engine.objects.lifecycle import Lifecycle
from engine.objects.objects import Component, ComponentError, GameObject

__all__ = ["Camera", "Scene", "WrongThreadError"]


T = TypeVar("T")
K = TypeVar("K", bound=Component)
Vector = tuple[float, float]

_log = logging.getLogger(__name__)

FIXED_DELTA = 0.02
MAX_FIXED_STEPS = 10  # after a long frame physics lags behind rather than slow the next one
_NEVER = float("inf")
_MANY_LONG = 30
DISPATCH_BUDGET = 0.004  # a quarter of a frame at 60 Hz


class Camera:
    """Maps between the level and the screen; (x, y) is the middle of the view, in the level."""

    def __init__(self, x: float, y: float, size: tuple[float, float]) -> None:
        self.x = x
        self.y = y
        self._size = size
        self._is_sized = False
        self.shift: Vector = (0.0, 0.0)
        """How far the picture is moved to the right and down, as what lies over it asks for."""
        self.scale = 1.0
        """How many pixels of the screen a logical pixel is; the window sets it."""

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the view in logical pixels: what a window or the game has set.

        Without either it is that of the surface that was drawn on last.
        """
        return self._size

    @size.setter
    def size(self, size: tuple[float, float]) -> None:
        self._size, self._is_sized = size, True

    def fit(self, size: tuple[float, float]) -> None:
        """Take the size of a surface that is drawn on, unless one was set; the left top stays."""
        if not self._is_sized and size != self._size:
            self.x += (size[0] - self._size[0]) / 2
            self.y += (size[1] - self._size[1]) / 2
            self._size = size

    def to_screen(self, position: Vector) -> Vector:
        """Return where a place in the level is on the screen."""
        return (
            position[0] - self.x + self.size[0] / 2 + self.shift[0],
            position[1] - self.y + self.size[1] / 2 + self.shift[1],
        )

    def to_world(self, position: Vector) -> Vector:
        """Return which place in the level is at this pixel of the screen."""
        return (
            position[0] + self.x - self.size[0] / 2 - self.shift[0],
            position[1] + self.y - self.size[1] / 2 - self.shift[1],
        )

    def follow(self, target: Vector, bounds: tuple[float, float]) -> None:
        """Look at the target, but not beyond a level of (width, height); a small one is centred."""
        self.x = _within(target[0], self.size[0], bounds[0])
        self.y = _within(target[1], self.size[1], bounds[1])


def _within(target: float, view: float, level: float) -> float:
    if view >= level:
        return level / 2
    return max(view / 2, min(level - view / 2, target))


class WrongThreadError(EngineError, RuntimeError):
    """A scene was used from another thread than its own; call `scene.dispatcher.post` there."""


class Scene:
    """The objects of a level; only the thread that made it may use it.

    `update` ends the frame of an input that the scene made itself; the owner of an `input`
    that is passed in calls its `end_frame`.
    """

    def __init__(
        self,
        name: str = "Scene",
        *,
        clock: Clock | None = None,
        dispatcher: Dispatcher | None = None,
        input: Input | None = None,  # noqa: A002 - as `component.input`
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
        self.music: Path | None = None
        """The file that an Application with a window plays, looped, while the scene is active."""
        self.spawn: str | None = None
        """The name of the spawn point at which the player shall appear, if one was asked for."""
        self.level = ""
        """The name by which a SceneManager has loaded it; empty for one that was made by hand."""
        self._time_scale = 1.0
        self.on_error: Signal[ComponentError] = Signal("scene.on_error")
        self.closed: Signal[Scene] = Signal("scene.closed")
        self._owns_input = input is None
        self._objects: dict[GameObject, None] = {}
        self.lifecycle = Lifecycle(self._failed, lambda: self.time)
        """For the engine itself: it wakes, validates and counts the components."""
        self.coroutines = self.lifecycle.coroutines
        self._services = Services(f"Scene {name!r}")
        self._time: Time | None = None
        self._frame = 0
        self._dt = self._elapsed = 0.0
        self._fixed_delta = fixed_delta
        self._not_yet_stepped = 0.0
        self._long_frames = 0  # in a row
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
        """The time of this frame; the clock is read when it is first asked for."""
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
        """How fast game time runs: 1 is real time, 0 a pause."""
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
        """Whether the scene is being closed, or was."""
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

        With `active=False` nothing awakes before `set_active(True)`: so all components of an
        object can be added first.
        """
        made = GameObject(name, position, parent, tag, layer, active=active)
        return made if made._scene is self else self.adopt(made)

    def adopt(self, game_object: GameObject) -> GameObject:
        """Move an object with its children into this scene, from none or from another one."""
        self.check_thread()
        if self._is_closing:
            raise RuntimeError(f"{self!r} is closed; nothing can be added to it.")
        above = game_object.transform._parent
        if above is not None and above._game_object._scene is not self:
            raise ValueError(f"{game_object.name!r} has a parent elsewhere: adopt the parent.")
        for member in game_object._family():
            if member._scene is self:
                continue
            old, member._scene = member._scene, self
            member._owner = self.lifecycle
            self._objects[member] = None
            for component in tuple(member._components):
                if old is None:
                    self.lifecycle.attach(component)
                else:
                    old.lifecycle.move_to(component, self.lifecycle)
            if old is not None:
                old._objects.pop(member, None)
        if above is not None and above._game_object._destroyed:
            self.destroy(game_object)
        return game_object

    def add(self, component: K, name: str | None = None) -> K:
        """Add a component on a new object of its own and return the component."""
        return self.create(name or type(component).__name__).add(component)

    def destroy(self, target: GameObject | Component) -> None:
        """Stop an object with its children, or a component; it is destroyed when the frame ends."""
        if get_ident() != self._thread:
            self.check_thread()
        if not target._destroyed:
            self.lifecycle.mark_destroyed(target)

    # finding

    def find(self, name: str) -> GameObject | None:
        """Return the oldest active object of that name, or None."""
        for candidate in self._objects:
            if candidate.name == name and candidate._active and not candidate._destroyed:
                return candidate
        return None

    def find_with_tag(self, tag: str) -> list[GameObject]:
        """Return every active object with that tag, the oldest first."""
        return [o for o in self._objects if o.tag == tag and o._active and not o._destroyed]

    def find_components(self, kind: type[T], *, include_inactive: bool = False) -> list[T]:
        """Return every component of the kind (a class or a runtime protocol) on active objects."""
        found: list[Any] = self.lifecycle.of_kind(kind)
        return [
            c
            for c in found
            if not c._destroyed and (include_inactive or c._game_object.active_in_hierarchy)
        ]

    def find_component(self, kind: type[T]) -> T | None:
        """Return the oldest component of the kind on an active object, or None."""
        found = self.find_components(kind)
        return found[0] if found else None

    def find_drawn(self, kind: type[K] | tuple[type[K], ...]) -> list[K]:
        """Return every component of the kind that the last picture shows, from far to near."""
        return self.lifecycle.draw.seen(kind)

    # services

    def provide(self, service: object, kind: type[Any] | None = None) -> None:
        """Offer a service to the components of this scene, under its own class or `kind`."""
        self._services.provide(service, kind)

    def find_service(self, kind: type[T]) -> T | None:
        """Return the service that was provided for the class or a subclass of it, or None.

        A Protocol is known by its shape, if it is `@runtime_checkable`. Raises TypeError for
        another, unless a service was provided under it.
        """
        return self._services.find(kind)

    def get_service(self, kind: type[T]) -> T:
        """Return the service that was provided for the class. Raises LookupError."""
        return self._services.get(kind)

    # one frame

    def update(self, dt: float) -> None:
        """Run one frame: `dt` is the real seconds since the last one; they are scaled here.

        In order: posted actions, start of new components, fixed updates, updates, coroutines, late
        updates, on_destroy. Raises RuntimeError when a hook calls it, ValueError for a `dt` that
        is negative, infinite or not a number.
        """
        # A step is called only if there is something to do: with a hundred objects the calls of
        # nine empty steps would cost as much as a tenth of the updates.
        if get_ident() != self._may_update or not 0.0 <= dt < _NEVER:
            self._refuse_update(dt)
        self._may_update = 0
        try:
            self._dt = dt
            if dt >= 1.0 or self._long_frames:
                self._count_long(dt)
            delta = dt * self._time_scale
            self._elapsed += delta
            self._frame += 1
            self._time = None
            life = self.lifecycle
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
            if life.to_destroy:
                self._finalize()
            if self._owns_input and self.input.has_changed:
                self.input.end_frame()
        finally:
            self._may_update = self._thread

    def draw(self, surface: Any, *, clears: bool = True) -> None:
        """Fill with the background, call every `draw` from far to near, then every `on_gui`.

        With `clears=False` it is drawn over what is there, as a second scene in a window is.
        """
        self.check_thread()
        fill = getattr(surface, "fill", None)
        if clears and fill is not None:
            fill(self.background)
        camera, size = self.camera, getattr(surface, "get_size", None)
        view = camera.size if size is None else size()
        camera.fit(view)
        self.lifecycle.draw.look((*camera.to_world((0.0, 0.0)), *camera.to_world(view)))
        self.lifecycle.draw.run(surface)
        self.lifecycle.on_gui.run(surface)

    def close(self) -> None:
        """Destroy everything, at once, in the order of creation; a second call does nothing."""
        self.check_thread()
        if self._is_closed:
            return
        self._is_closing = True
        for root in self.roots:
            self.destroy(root)
        self._finalize()
        self.coroutines.stop_all()
        self._is_closed = True
        self.closed.emit(self)

    def _fixed_updates(self, delta: float) -> None:
        step = self._fixed_delta
        self._not_yet_stepped = min(self._not_yet_stepped + delta, step * MAX_FIXED_STEPS)
        while self._not_yet_stepped >= step - 1e-9:  # 0.1 is five steps of 0.02, whatever the sum
            self._not_yet_stepped -= step
            self.lifecycle.fixed_update.run(step)

    def _finalize(self) -> None:
        for gone in self.lifecycle.finalize():
            self._objects.pop(gone, None)
            if gone.transform._parent is not None:
                gone._leave_parent()

    # for the engine

    def check_thread(self) -> None:
        """Raise WrongThreadError in any thread but the one that made the scene."""
        if get_ident() != self._thread:
            raise WrongThreadError(
                f"{self!r} was touched by thread {current_thread().name!r}; only the "
                "thread that made it may. Call scene.dispatcher.post(action) instead."
            )

    def _count_long(self, dt: float) -> None:
        """Log once that the frames look like milliseconds; a single long one may be a real one."""
        self._long_frames = self._long_frames + 1 if dt >= 1.0 else 0
        if self._long_frames == _MANY_LONG:
            _log.warning(
                "The last %d frames took a second or more each, %g s the last: scene.update takes "
                "seconds, as clock.tick(60) / 1000.",
                _MANY_LONG,
                dt,
            )

    def _refuse_update(self, dt: float) -> None:
        self.check_thread()
        if self._may_update:
            raise ValueError(f"A frame takes 0 or more seconds (got {dt!r}).")
        raise RuntimeError(f"{self!r} is being updated already: do not call update in a hook.")

    def _failed(self, report: ComponentError) -> None:
        count = report.count
        if count == 1:
            _log.error("Scene %r: %s", self.name, report, exc_info=report.error)
        elif str(count).rstrip("0") == "1":  # 10, 100, 1000: a hook may fail in every frame
            _log.error("Scene %r: %s (%d times by now)", self.name, report, count)
        self.on_error.emit(report)
