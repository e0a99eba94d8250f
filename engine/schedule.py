"""Flat lists of bound methods: what a frame runs, compiled when the scene changes.

A frame does nothing for each component but call its method: no check for enabled, no guard to
enter. Each list has one `try` around the whole loop; when a method fails, the same iterator goes
on behind it. Who leaves in mid-frame is replaced by a method that does nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.component import Component

__all__ = ["DrawList", "Phase", "Report", "run_all"]

Method = Callable[[Any], object]
Report = Callable[[Method, Exception], object]

_MIN_HOLES = 32  # below this, sweeping costs more than it saves


def run_all(methods: Iterable[Method], argument: Any, report: Report) -> None:
    """Call every method with the argument; one that raises is reported, and the rest goes on."""
    rest = iter(methods)
    while True:
        try:
            for method in rest:
                method(argument)
            return
        except Exception as error:
            report(method, error)


class Phase:
    """The methods of one hook, in the order of their keys, each in a slot of its own.

    Two parallel lists: a slot is found by bisection, so adding at the end and removing cost no
    more with many objects than with few, and a method that returns finds its old place.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._keys: list[int] = []
        self._methods: list[Method] = []
        self._late: dict[int, Method] = {}
        self._holes = 0
        self._running = False

    def __len__(self) -> int:
        return len(self._methods) - self._holes

    def add(self, key: int, method: Method) -> None:
        """Let the method run from the next time on, or from now on if its old slot is free."""
        keys = self._keys
        at = len(keys) if not keys or key > keys[-1] else bisect_left(keys, key)
        if at < len(keys) and keys[at] == key:
            self._holes -= self._methods[at] is _idle
            self._methods[at] = method
        elif self._running:
            # Inserting under a running iterator would call somebody twice.
            self._late[key] = method
        else:
            keys.insert(at, key)
            self._methods.insert(at, method)

    def remove(self, key: int) -> None:
        """Silence the method at once; an unknown key does nothing."""
        if self._late:
            self._late.pop(key, None)
        keys = self._keys
        at = bisect_left(keys, key)
        if at < len(keys) and keys[at] == key and self._methods[at] is not _idle:
            self._methods[at] = _idle
            self._holes += 1

    def run(self, argument: Any) -> None:
        """Call every method with the argument."""
        if self._holes > _MIN_HOLES and self._holes * 4 > len(self._keys):
            self._sweep()
        self._running = True
        try:
            run_all(self._methods, argument, self._report)
        finally:
            self._running = False
            if self._late:
                self._settle()

    def _settle(self) -> None:
        late, self._late = self._late, {}
        for key, method in late.items():
            self.add(key, method)

    def _sweep(self) -> None:
        kept = [i for i, method in enumerate(self._methods) if method is not _idle]
        self._keys = [self._keys[i] for i in kept]
        self._methods = [self._methods[i] for i in kept]
        self._holes = 0


class DrawList:
    """The methods of one drawing hook, sorted anew only after something moved or changed."""

    def __init__(self, report: Report, depth: Callable[[Component], Any]) -> None:
        self._report = report
        self._depth = depth
        self._members: dict[Component, Method] = {}
        self._methods: list[Method] = []
        self._running = False
        self.changed = False
        """Set by whoever moves something that may be drawn."""

    def __len__(self) -> int:
        return len(self._members)

    def add(self, component: Component, method: Method) -> None:
        """Draw the component from the next time on."""
        self._members[component] = method
        self.changed = True

    def remove(self, component: Component) -> None:
        """Draw the component no more, from now on."""
        method = self._members.pop(component, None)
        if method is None:
            return
        self.changed = True
        if self._running:
            # In place: the running iterator has to see it.
            self._methods[:] = [_idle if m == method else m for m in self._methods]

    def run(self, surface: Any) -> None:
        """Call every method with the surface, the farthest first."""
        if self.changed:
            self.changed = False
            members = self._members
            self._methods = [members[c] for c in sorted(members, key=self._depth)]
        self._running = True
        try:
            run_all(self._methods, surface, self._report)
        finally:
            self._running = False


def _idle(_: Any) -> None:
    """Fill the slot of a method that left."""
