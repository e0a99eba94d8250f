"""The life of components: who is woken, enabled, started, silenced and destroyed, and when.

    NEW -- object active --> AWAKE -- before first update --> STARTED -- end of frame --> DESTROYED

Beside its stage a component is active or not: active means enabled, on an active object, and not
destroyed. Every change of that calls on_enable or on_disable. Only active, started components
stand in the lists that a frame runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

from engine.clock import Time
from engine.component import Component, ComponentError, Stage
from engine.coroutine import CoroutineRunner
from engine.schedule import DrawList, Method, Phase
from engine.world_list import WorldList

if TYPE_CHECKING:
    from engine.game_object import GameObject

__all__ = ["Lifecycle"]

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
        self.doomed: list[GameObject | Component] = []
        self._by_type: dict[type[Component], dict[Component, None]] = {}
        self._exact_types: dict[type[Any], tuple[type[Component], ...]] = {}  # by what is asked for
        self.fixed_update = Phase(self._report)
        self.update = Phase(self._report)
        self.late_update = Phase(self._report)
        self.draw = WorldList(self._report)
        self.on_gui = DrawList(self._report, _depth_on_screen)
        self._phases = {
            "fixed_update": self.fixed_update,
            "update": self.update,
            "late_update": self.late_update,
        }
        self._draws: dict[str, DrawList] = {"draw": self.draw, "on_gui": self.on_gui}

    def moved(self, mover: GameObject, is_depth_changed: bool) -> None:
        """Note that an object moved, and so may be drawn in another order, or not at all."""
        self.draw.moved(mover, is_depth_changed)

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
        """Give a component its place in the order, and wake it if its object is active."""
        self._register(component)
        if component.game_object.is_destroyed:
            self.doom(component)
        if component.game_object.active_in_hierarchy:
            self.wake(component)

    def wake(self, component: Component) -> None:
        """Call awake, once; then let the component become active if it is enabled."""
        if component._stage is Stage.NEW:
            component._stage = Stage.AWAKE
            if "awake" in component._hooks and not self._call(component, "awake"):
                component._enabled = False  # as Unity does: what is half prepared must not run
        self.refresh(component)

    def switch_on(self, objects: Sequence[GameObject]) -> Iterator[Component]:
        """Activate objects together, so that who runs earlier awakes earlier; yields each woken."""
        for switched in objects:
            switched._active_self = True
        families = [switched._switched_family() for switched in objects]
        components = [c for family in families for member in family for c in member._components]
        for component in sorted(components, key=_order):
            # An earlier one may have destroyed it, or switched its object off.
            if not component._doomed and component.game_object.active_in_hierarchy:
                self.wake(component)
                yield component

    def refresh(self, component: Component) -> None:
        """Bring what a component does in line with what it and its object want."""
        owner = component._game_object
        wanted = (
            component._enabled
            and not component._doomed
            and component._stage is not Stage.NEW
            and owner is not None
            and owner.active_in_hierarchy
        )
        if wanted == component._active:
            return
        component._active = wanted
        if wanted:
            self._enter(component)
        else:
            self._silence(component)
            if "on_disable" in component._hooks:
                self._call(component, "on_disable")

    def object_switched(self, component: Component) -> None:
        """Follow its object, which became active or inactive."""
        if component.game_object.active_in_hierarchy:
            self.wake(component)
        else:
            self.coroutines.stop_owned_by(component)
            self.refresh(component)

    def start_new(self) -> None:
        """Call start of everybody who became active since, their creations included."""
        waiting = self.to_start
        while waiting:
            for component in sorted(waiting, key=_order):
                # Who moved to another scene in an earlier start begins there.
                if component in waiting:
                    del waiting[component]
                    self._start(component)

    def validate(self, component: Component) -> None:
        """Tell a living component that somebody changed its fields from outside."""
        is_alive = component._stage is not Stage.NEW and not component._doomed
        if is_alive and "on_validate" in component._hooks:
            self._call(component, "on_validate")

    # leaving

    def doom(self, victim: GameObject | Component) -> None:
        """Silence a component, or an object with its children, at once; the end comes later."""
        self.doomed.append(victim)
        if isinstance(victim, Component):
            self._doom_component(victim)
        else:
            self._doom_object(victim)

    def bury(self) -> list[GameObject]:
        """Call on_disable, then on_destroy, of everything doomed; return the destroyed objects."""
        gone: list[GameObject] = []
        while self.doomed:
            doomed, self.doomed = self.doomed, []
            for victim in doomed:
                if isinstance(victim, Component):
                    self._end((victim,))
                    if victim._game_object is not None:
                        victim._game_object._components.remove(victim)
                elif victim.transform._children:
                    family = victim._family()
                    self._end([c for member in family for c in member._components])
                    gone += family
                else:
                    self._end(victim._components)
                    gone.append(victim)
        return gone

    # moving to another scene

    def hand_over(self, component: Component, other: Lifecycle) -> None:
        """Let a living component go on in another scene, without a word to it."""
        self._release(component)
        other._receive(component)
        self.coroutines.move_owned_by(component, other.coroutines)

    def report(self, component: Component | None, hook: str, error: Exception) -> None:
        """Count a failure and pass it on."""
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
            self._silence(component)
        self.to_start.pop(component, None)
        self._by_type[type(component)].pop(component, None)

    def _receive(self, component: Component) -> None:
        self._register(component)
        if component._active:
            self._enlist(component)

    def _enter(self, component: Component) -> None:
        # In the lists before the call: on_enable may disable the component again.
        self._enlist(component)
        if "on_enable" in component._hooks:
            self._call(component, "on_enable")

    def _enlist(self, component: Component) -> None:
        if component._stage is Stage.STARTED:
            self._join(component)
        elif component._loops or component._draws or "start" in component._hooks:
            self.to_start[component] = None

    def _start(self, component: Component) -> None:
        if component._stage is not Stage.AWAKE or not _runs(component):
            return
        component._stage = Stage.STARTED
        if "start" in component._hooks:
            self._call(component, "start")
        if _runs(component):
            self._join(component)

    def _join(self, component: Component) -> None:
        for name in component._loops:
            self._phases[name].add(component._key, getattr(component, name))
        for name in component._draws:
            self._draws[name].add(component, getattr(component, name))

    def _silence(self, component: Component) -> None:
        key = component._key
        for name in component._loops:
            self._phases[name].remove(key)
        for name in component._draws:
            self._draws[name].remove(component)

    def _doom_object(self, victim: GameObject) -> None:
        victim._doomed = True
        for component in victim._components:
            self._doom_component(component)
        for child in victim.transform._children:
            self._doom_object(child._game_object)

    def _doom_component(self, component: Component) -> None:
        component._doomed = True
        if component._active:
            self._silence(component)
        if self.coroutines.running:
            self.coroutines.stop_owned_by(component)

    def _end(self, components: Sequence[Component]) -> None:
        """Disable all of them before the first is destroyed, as Unity does with a hierarchy."""
        for component in components:
            if component._active:
                component._active = False
                if "on_disable" in component._hooks:
                    self._call(component, "on_disable")
        for component in components:
            stage, component._stage = component._stage, Stage.DESTROYED
            if stage is Stage.DESTROYED:
                continue
            if stage is not Stage.NEW and "on_destroy" in component._hooks:
                self._call(component, "on_destroy")
            del self._by_type[type(component)][component]

    def _call(self, component: Component, hook: str) -> bool:
        """Call one hook; tell whether it went well."""
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


def _runs(component: Component) -> bool:
    return component._active and not component._doomed


def _order(component: Component) -> int:
    return component._key


def _depth_on_screen(component: Component) -> tuple[int, int]:
    return component.game_object.layer, component._key
