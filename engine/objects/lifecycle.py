"""Lifecycle: when each component of a scene is woken, enabled, started, run, drawn and destroyed.

    NEW -- object active --> AWAKE -- before first update --> STARTED -- end of frame --> DESTROYED

Beside its state a component is active or not: active means enabled, on an active object, and not
destroyed. Every change of that calls on_enable or on_disable. Only active, started components
are in the lists that a frame runs.

The lists hold bound methods and are compiled when the scene changes: a frame does nothing for
each component but call its method. One `try` surrounds a whole loop; when a method fails, the same
iterator goes on behind it. A method that is removed in mid-frame is replaced by one that does
nothing.

Components that say how far they paint (`Component.draw_reach`) are kept sorted by depth, so that
a view cuts a strip out of the list and the rest of a level costs nothing.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, TypeVar

from engine.core.clock import Time
from engine.objects.coroutine import CoroutineRunner
from engine.objects.objects import Component, ComponentError, GameObject, LifecycleState

__all__ = ["Lifecycle", "UpdatePhase"]


T = TypeVar("T", bound=Component)

Method = Callable[[Any], object]
Report = Callable[[Method, Exception], object]

_FEW_HOLES = 32  # below this, sweeping costs more than it saves


class MethodList:
    """Methods that run one after the other; a subclass compiles the list after a change."""

    def __init__(self, report: Report) -> None:
        self.changed = False
        """Whether the next run has to compile the list first."""
        self._report = report
        self._methods: list[Method] = []

    def run(self, argument: Any) -> None:
        """Call every method with the argument; report one that raises and go on with the rest."""
        if self.changed:
            self.changed = False
            self._compile()
        rest = iter(self._methods)
        while True:
            try:
                for method in rest:
                    method(argument)
                return
            except Exception as error:
                self._report(method, error)

    def _compile(self) -> None:
        raise NotImplementedError


class UpdatePhase(MethodList):
    """The methods of one hook, in the order of their keys, each in a slot of its own.

    Two parallel lists: a slot is found by bisection, so removing one of many costs little, and a
    method that returns finds its old place. A new method waits for the next run: an insertion
    under a running iterator would make it call a method twice.
    """

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.is_used = False
        """Whether there may be methods; if not, the frame does not call `run`."""
        self._keys: list[int] = []
        self._waiting: dict[int, Method] = {}
        self._holes = 0

    def __len__(self) -> int:
        return len(self._methods) - self._holes + len(self._waiting)

    def add(self, key: int, method: Method) -> None:
        """Call the method from the next run on, or from now on if its old slot is there."""
        keys = self._keys
        at = bisect_left(keys, key) if keys and key <= keys[-1] else len(keys)
        if at < len(keys) and keys[at] == key:
            self._holes -= self._methods[at] is _no_op
            self._methods[at] = method
        else:
            self._waiting[key] = method
            self.is_used = self.changed = True

    def remove(self, key: int) -> None:
        """Stop calling the method at once; an unknown key does nothing."""
        keys = self._keys
        at = bisect_left(keys, key)
        if at == len(keys) or keys[at] != key:
            self._waiting.pop(key, None)
        elif self._methods[at] is not _no_op:
            self._methods[at] = _no_op
            self._holes += 1
            if self._holes > _FEW_HOLES and self._holes * 4 > len(keys):
                self.changed = True

    def _compile(self) -> None:
        if self._holes > _FEW_HOLES:
            self._sweep()
        keys, methods = self._keys, self._methods
        for key, method in self._waiting.items():
            at = len(keys) if not keys or key > keys[-1] else bisect_left(keys, key)
            keys.insert(at, key)
            methods.insert(at, method)
        self._waiting = {}
        self.is_used = bool(keys)

    def _sweep(self) -> None:
        kept = [i for i, method in enumerate(self._methods) if method is not _no_op]
        self._keys = [self._keys[i] for i in kept]
        self._methods = [self._methods[i] for i in kept]
        self._holes = 0


class DrawList(MethodList):
    """The methods of one drawing hook, sorted anew only after something moved or changed."""

    def __init__(self, report: Report, depth: Callable[[Component], Any]) -> None:
        super().__init__(report)
        self._depth = depth
        self._members: dict[Component, Method] = {}
        self._is_drawing = False

    def __len__(self) -> int:
        return len(self._members)

    def add(self, component: Component, method: Method) -> None:
        """Draw the component from the next time on."""
        self._members[component] = method
        self.changed = True

    def remove(self, component: Component) -> None:
        """Stop drawing the component at once."""
        method = self._members.pop(component, None)
        if method is None:
            return
        self.changed = True
        if self._is_drawing:
            # In place, as the running iterator has to see it.
            self._methods[:] = [_no_op if m == method else m for m in self._methods]

    def run(self, argument: Any) -> None:
        """Draw every member on the surface, the farthest first."""
        self._is_drawing = True
        try:
            if hasattr(argument, "plain"):
                self._run_scaled(argument)
            else:
                super().run(argument)
        finally:
            self._is_drawing = False

    def _run_scaled(self, surface: Any) -> None:
        """Draw on a ScaledSurface, those that know nothing of it on its plain one."""
        if self.changed:
            self.changed = False
            self._compile()
        for method in self._methods:
            is_sharp = getattr(getattr(method, "__self__", None), "draws_sharp", False)
            try:
                method(surface if is_sharp else surface.plain())
            except Exception as error:
                self._report(method, error)
        surface.flush()

    def _compile(self) -> None:
        members = self._members
        self._methods = [members[c] for c in sorted(members, key=self._depth)]


def _no_op(_: Any) -> None:
    """Do nothing, in the slot of a method that was removed."""


# Layer, y and key are the order; then the x that it reaches to on the left and on the right.
Entry = tuple[int, float, int, float, float, "Component"]
View = tuple[float, float, float, float]

_EVERYWHERE = (math.inf,) * 4
_MANY = 64  # objects moved in one frame: from here on sorting all of them is faster


class CulledDrawList(DrawList):
    """The methods of `draw`, the farthest first, of the components that reach into the view."""

    def __init__(self, report: Report) -> None:
        super().__init__(report, _entry)
        self._view: View | None = None
        self._is_stale = False
        self._moved: set[GameObject] = set()
        self._entries: dict[Component, Entry] = {}
        self._everywhere: list[Entry] = []
        self._bounded: list[Entry] = []
        self._up = self._down = 0.0  # the farthest reach of any component

    def look(self, view: View) -> None:
        """Set left, top, right and bottom of the visible part of the level."""
        if view != self._view:
            self._view = view
            self._is_stale |= bool(self._bounded)

    def moved(self, game_object: GameObject, is_depth_changed: bool) -> None:
        """Note that an object has moved, with its children."""
        # Before the first picture, or without any, nothing is kept.
        if not self.changed and (is_depth_changed or self._bounded):
            self._moved.add(game_object)
            self.changed = len(self._moved) > _MANY

    def add(self, component: Component, method: Method) -> None:
        """Draw the component from the next time on."""
        self._members[component] = method
        if not self.changed:
            self._put(component)

    def remove(self, component: Component) -> None:
        """Stop drawing the component at once."""
        was_changed = self.changed
        super().remove(component)
        self.changed = was_changed
        if not was_changed and component in self._entries:
            self._take(component)

    def run(self, argument: Any) -> None:
        """Draw on the surface."""
        if self._moved and not self.changed:
            self._sort_moved()
        if self.changed:
            self._sort_all()
        self.changed = self._is_stale
        self._is_stale = False
        super().run(argument)

    def seen(self, kind: type[T] | tuple[type[T], ...]) -> list[T]:
        """Return the components of the kind that were drawn last, the farthest first."""
        owners = (getattr(method, "__self__", None) for method in self._methods)
        return [one for one in owners if isinstance(one, kind) and not one.is_destroyed]

    def _compile(self) -> None:
        members = self._members
        seen = [*self._everywhere, *self._in_view()]
        seen.sort()  # two sorted runs: a merge
        self._methods = [members[entry[-1]] for entry in seen]

    def _in_view(self) -> list[Entry]:
        if self._view is None:
            return self._bounded
        left, top, right, bottom = self._view
        seen: list[Entry] = []
        order, start = self._bounded, 0
        while start < len(order):
            layer = order[start][0]
            first = bisect_left(order, (layer, top - self._down), start)
            last = bisect_left(order, (layer, bottom + self._up), first)
            seen += [e for e in order[first:last] if e[3] <= right and e[4] >= left]
            start = bisect_left(order, (layer + 1,), last)
        return seen

    def _sort_all(self) -> None:
        self._entries = {c: _entry(c) for c in self._members}
        entries = sorted(self._entries.values())
        self._everywhere = [e for e in entries if e[-1].draw_reach is None]
        self._bounded = [e for e in entries if e[-1].draw_reach is not None]
        for entry in self._bounded:
            self._stretch(entry[-1])
        self._moved.clear()
        self._is_stale = True

    def _sort_moved(self) -> None:
        for game_object in self._moved:
            for member in game_object._family():
                for component in member._components:
                    old = self._entries.get(component)
                    if old is not None and old != _entry(component):
                        self._take(component)
                        self._put(component)
        self._moved.clear()

    def _put(self, component: Component) -> None:
        entry = self._entries[component] = _entry(component)
        insort(self._everywhere if component.draw_reach is None else self._bounded, entry)
        self._stretch(component)
        self._is_stale = True

    def _take(self, component: Component) -> None:
        entry = self._entries.pop(component)
        entries = self._everywhere if component.draw_reach is None else self._bounded
        at = bisect_left(entries, entry)
        if at < len(entries) and entries[at] is entry:
            del entries[at]
            self._is_stale = True
        else:
            self.changed = True  # a position that is not a number has spoilt the order

    def _stretch(self, component: Component) -> None:
        if component.draw_reach is not None:
            self._up = max(self._up, component.draw_reach[1])
            self._down = max(self._down, component.draw_reach[3])


def _entry(component: Component) -> Entry:
    owner = component._game_object
    assert owner is not None
    x, y = owner.transform.position
    left, _, right, _ = component.draw_reach or _EVERYWHERE
    return owner._layer, y, component._key, x - left, x + right, component


_ORDER_SHIFT = 48  # room for 2**48 components in the order of their creation


class Lifecycle:
    """Move the components of one scene through their lives and keep the frame's lists."""

    def __init__(
        self, on_error: Callable[[ComponentError], object], time: Callable[[], Time]
    ) -> None:
        self._on_error = on_error
        self.coroutines = CoroutineRunner(self._coroutine_failed, time)
        self._serial = count(1)
        self.to_start: dict[Component, None] = {}
        self.to_destroy: list[GameObject | Component] = []
        self._by_type: dict[type[Component], dict[Component, None]] = {}
        self._exact_types: dict[
            type[Any], tuple[type[Component], ...]
        ] = {}  # by the class asked for
        self.fixed_update = UpdatePhase(self._report)
        self.update = UpdatePhase(self._report)
        self.late_update = UpdatePhase(self._report)
        self.draw = CulledDrawList(self._report)
        self.on_gui = DrawList(self._report, _depth_on_screen)
        self._phases = {
            "fixed_update": self.fixed_update,
            "update": self.update,
            "late_update": self.late_update,
        }
        self._draws: dict[str, DrawList] = {"draw": self.draw, "on_gui": self.on_gui}

    def moved(self, game_object: GameObject, is_depth_changed: bool) -> None:
        """Note that an object moved: it may be drawn in another order, or not at all."""
        self.draw.moved(game_object, is_depth_changed)

    def layer_changed(self) -> None:
        """Note that an object changed its layer."""
        for drawn in self._draws.values():
            drawn.changed = True

    def of_kind(self, kind: type[Any]) -> list[Component]:
        """Return every component of the kind, the oldest first within one class."""
        exacts = self._exact_types.get(kind)
        if exacts is None:
            exacts = tuple(exact for exact in self._by_type if issubclass(exact, kind))
            self._exact_types[kind] = exacts
        found: list[Component] = []
        for exact in exacts:
            found += self._by_type[exact]
        return found

    # arriving

    def attach(self, component: Component) -> None:
        """Take in a component; wake it if its object is active."""
        self._register(component)
        if component.game_object.is_destroyed:
            self.mark_destroyed(component)
        if component.game_object.active_in_hierarchy:
            self.wake(component)

    def wake(self, component: Component) -> None:
        """Call awake, once; then activate the component if it is enabled."""
        if component._life_state is LifecycleState.NEW:
            component._life_state = LifecycleState.AWAKE
            if "awake" in component._hooks and not self._call(component, "awake"):
                component._enabled = False  # as Unity does: a half prepared one must not run
        self.refresh(component)

    def switch_on(self, objects: Sequence[GameObject]) -> Iterator[Component]:
        """Activate objects together, in execution order; yield each component that was woken."""
        for game_object in objects:
            game_object._active_self = True
        families = [game_object._switched_family() for game_object in objects]
        components = [c for family in families for member in family for c in member._components]
        for component in sorted(components, key=_order):
            # An earlier one may have destroyed it or deactivated its object.
            if not component._destroyed and component.game_object.active_in_hierarchy:
                self.wake(component)
                yield component

    def refresh(self, component: Component) -> None:
        """Activate or deactivate a component after it or its object was switched."""
        owner = component._game_object
        should_run = (
            component._enabled
            and not component._destroyed
            and component._life_state is not LifecycleState.NEW
            and owner is not None
            and owner.active_in_hierarchy
        )
        if should_run == component._active:
            return
        component._active = should_run
        if should_run:
            self._enter(component)
        else:
            self._stop(component)
            if "on_disable" in component._hooks:
                self._call(component, "on_disable")

    def object_switched(self, component: Component) -> None:
        """Follow a component whose object became active or inactive."""
        if component.game_object.active_in_hierarchy:
            self.wake(component)
        else:
            self.coroutines.stop_owned_by(component)
            self.refresh(component)

    def start_new(self) -> None:
        """Call start of each component that became active since, and of those that they create."""
        waiting = self.to_start
        while waiting:
            for component in sorted(waiting, key=_order):
                # One that an earlier start moved to another scene starts there.
                if component in waiting:
                    del waiting[component]
                    self._start(component)

    def validate(self, component: Component) -> None:
        """Call on_validate of a component whose fields an editor changed."""
        is_alive = component._life_state is not LifecycleState.NEW and not component._destroyed
        if is_alive and "on_validate" in component._hooks:
            self._call(component, "on_validate")

    # leaving

    def mark_destroyed(self, target: GameObject | Component) -> None:
        """Stop a component, or an object with its children, at once; `finalize` ends it."""
        self.to_destroy.append(target)
        if isinstance(target, Component):
            self._mark_component(target)
        else:
            self._mark_object(target)

    def finalize(self) -> list[GameObject]:
        """Call on_disable, then on_destroy, of what was marked; return the destroyed objects."""
        destroyed: list[GameObject] = []
        while self.to_destroy:
            targets, self.to_destroy = self.to_destroy, []
            for target in targets:
                if isinstance(target, Component):
                    self._end((target,))
                    if target._game_object is not None:
                        target._game_object._components.remove(target)
                elif target.transform._children:
                    family = target._family()
                    self._end([c for member in family for c in member._components])
                    destroyed += family
                else:
                    self._end(target._components)
                    destroyed.append(target)
        return destroyed

    # moving to another scene

    def move_to(self, component: Component, other: Lifecycle) -> None:
        """Move a component to another scene; it keeps its state and none of its hooks is called."""
        self._release(component)
        other._receive(component)
        self.coroutines.move_owned_by(component, other.coroutines)

    def report(self, component: Component | None, hook: str, error: Exception) -> None:
        """Count a failure and report it."""
        count = 1
        if component is not None:
            component._failures += 1
            count = component._failures
        self._on_error(ComponentError(component, hook, error, count))

    # the steps

    def _register(self, component: Component) -> None:
        component._key = (component.execution_order << _ORDER_SHIFT) + next(self._serial)
        if type(component) not in self._by_type:
            self._by_type[type(component)] = {}
            self._exact_types.clear()
        self._by_type[type(component)][component] = None

    def _release(self, component: Component) -> None:
        if component._active:
            self._stop(component)
        self.to_start.pop(component, None)
        self._by_type[type(component)].pop(component, None)

    def _receive(self, component: Component) -> None:
        self._register(component)
        if component._active:
            self._enlist(component)

    def _enter(self, component: Component) -> None:
        # In the lists before the call, as on_enable may disable the component again.
        self._enlist(component)
        if "on_enable" in component._hooks:
            self._call(component, "on_enable")

    def _enlist(self, component: Component) -> None:
        if component._life_state is LifecycleState.STARTED:
            self._join(component)
        elif component._loops or component._draws or "start" in component._hooks:
            self.to_start[component] = None

    def _start(self, component: Component) -> None:
        if component._life_state is not LifecycleState.AWAKE or not _is_running(component):
            return
        component._life_state = LifecycleState.STARTED
        if "start" in component._hooks:
            self._call(component, "start")
        if _is_running(component):
            self._join(component)

    def _join(self, component: Component) -> None:
        for name in component._loops:
            self._phases[name].add(component._key, getattr(component, name))
        for name in component._draws:
            self._draws[name].add(component, getattr(component, name))

    def _stop(self, component: Component) -> None:
        key = component._key
        for name in component._loops:
            self._phases[name].remove(key)
        for name in component._draws:
            self._draws[name].remove(component)

    def _mark_object(self, target: GameObject) -> None:
        target._destroyed = True
        for component in target._components:
            self._mark_component(component)
        for child in target.transform._children:
            self._mark_object(child._game_object)

    def _mark_component(self, component: Component) -> None:
        component._destroyed = True
        if component._active:
            self._stop(component)
        if self.coroutines.running:
            self.coroutines.stop_owned_by(component)

    def _end(self, components: Sequence[Component]) -> None:
        """Disable all of them before destroying the first, as Unity does with a hierarchy."""
        for component in components:
            if component._active:
                component._active = False
                if "on_disable" in component._hooks:
                    self._call(component, "on_disable")
        for component in components:
            state, component._life_state = component._life_state, LifecycleState.DESTROYED
            if state is LifecycleState.DESTROYED:
                continue
            if state is not LifecycleState.NEW and "on_destroy" in component._hooks:
                self._call(component, "on_destroy")
            del self._by_type[type(component)][component]

    def _call(self, component: Component, hook: str) -> bool:
        """Call one hook; return whether it succeeded."""
        try:
            getattr(component, hook)()
        except Exception as error:
            self.report(component, hook, error)
            return False
        return True

    def _coroutine_failed(self, owner: object, error: Exception) -> None:
        component = owner if isinstance(owner, Component) else None
        self.report(component, "coroutine", error)

    def _report(self, method: Method, error: Exception) -> None:
        owner = getattr(method, "__self__", None)
        component = owner if isinstance(owner, Component) else None
        self.report(component, getattr(method, "__name__", "hook"), error)


def _is_running(component: Component) -> bool:
    return component._active and not component._destroyed


def _order(component: Component) -> int:
    return component._key


def _depth_on_screen(component: Component) -> tuple[int, int]:
    return component.game_object.layer, component._key
