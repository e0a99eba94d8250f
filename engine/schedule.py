"""Flat lists of bound methods: what a frame runs, compiled when the scene changes.

A frame does nothing for each component but call its method: no check for enabled, no guard to
enter. Each list has one `try` around the whole loop; when a method fails, the same iterator goes
on behind it. Who leaves in mid-frame is replaced by a method that does nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.component import Component

__all__ = ["DrawList", "MethodList", "Phase", "Report"]

Method = Callable[[Any], object]
Report = Callable[[Method, Exception], object]

_FEW_HOLES = 32  # below this, sweeping costs more than it saves


class MethodList:
    """Methods that run one after the other; compiled by a subclass, only after a change."""

    def __init__(self, report: Report) -> None:
        self.changed = False
        """Set by whoever changes what a run should look like; the next run compiles anew."""
        self._report = report
        self._methods: list[Method] = []

    def run(self, argument: Any) -> None:
        """Call every method with the argument; one that raises is reported, the rest goes on."""
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


class Phase(MethodList):
    """The methods of one hook, in the order of their keys, each in a slot of its own.

    Two parallel lists: a slot is found by bisection, so removing one of many costs little, and a
    method that returns finds its old place. Who has no slot waits for the next run: an insertion
    under a running iterator would call somebody twice.
    """

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.is_used = False
        """Whether anybody may be in it: a run that finds nobody is not worth its call."""
        self._keys: list[int] = []
        self._waiting: dict[int, Method] = {}
        self._holes = 0

    def __len__(self) -> int:
        return len(self._methods) - self._holes + len(self._waiting)

    def add(self, key: int, method: Method) -> None:
        """Let the method run from the next time on, or from now on if its old slot is free."""
        keys = self._keys
        at = bisect_left(keys, key) if keys and key <= keys[-1] else len(keys)
        if at < len(keys) and keys[at] == key:
            self._holes -= self._methods[at] is _idle
            self._methods[at] = method
        else:
            self._waiting[key] = method
            self.is_used = self.changed = True

    def remove(self, key: int) -> None:
        """Silence the method at once; an unknown key does nothing."""
        keys = self._keys
        at = bisect_left(keys, key)
        if at == len(keys) or keys[at] != key:
            self._waiting.pop(key, None)
        elif self._methods[at] is not _idle:
            self._methods[at] = _idle
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
        kept = [i for i, method in enumerate(self._methods) if method is not _idle]
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
        """Draw the component no more, from now on."""
        method = self._members.pop(component, None)
        if method is None:
            return
        self.changed = True
        if self._is_drawing:
            # In place: the running iterator has to see it.
            self._methods[:] = [_idle if m == method else m for m in self._methods]

    def run(self, argument: Any) -> None:
        """Draw every member on the surface, the farthest first."""
        self._is_drawing = True
        try:
            super().run(argument)
        finally:
            self._is_drawing = False

    def _compile(self) -> None:
        members = self._members
        self._methods = [members[c] for c in sorted(members, key=self._depth)]


def _idle(_: Any) -> None:
    """Fill the slot of a method that left."""
