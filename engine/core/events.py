"""Signals, the dispatcher that leads back to the main thread, and services by their class.

A handler or a posted action that raises is logged and never stops the others.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from engine.core.clock import Clock, SystemClock

__all__ = ["Dispatcher", "Services", "Signal", "Subscription"]


T = TypeVar("T")

_log = logging.getLogger(__name__)


class Subscription:
    """One handler of one signal, to be cancelled."""

    __slots__ = ("_cancel",)

    def __init__(self, cancel: Callable[[], object]) -> None:
        self._cancel: Callable[[], object] | None = cancel

    def cancel(self) -> None:
        """Stop the handler from being called; a second call does nothing."""
        cancel, self._cancel = self._cancel, None
        if cancel is not None:
            cancel()


class Signal(Generic[T]):
    """Calls every subscribed handler with one value, in the order in which they subscribed.

    Handlers run in the thread that emits. A handler that is cancelled while the signal is being
    emitted is not called any more; one that subscribes meanwhile gets the next value.
    """

    __slots__ = ("_handlers", "_name")

    def __init__(self, name: str = "signal") -> None:
        self._name = name
        self._handlers: tuple[Callable[[T], object], ...] = ()

    def __len__(self) -> int:
        return len(self._handlers)

    def __bool__(self) -> bool:
        return True

    def subscribe(self, handler: Callable[[T], object]) -> Subscription:
        """Call `handler` for every later value; subscribing it twice counts once."""
        if handler not in self._handlers:
            self._handlers = (*self._handlers, handler)
        return Subscription(lambda: self._remove(handler))

    def emit(self, value: T) -> None:
        """Call every handler with `value`; what a handler raises is logged."""
        for handler in self._handlers:
            if handler not in self._handlers:
                continue
            try:
                handler(value)
            except Exception:
                name = _name(handler)
                _log.exception("%s: handler %s failed; the others go on.", self._name, name)

    def clear(self) -> None:
        """Remove every handler."""
        self._handlers = ()

    def _remove(self, handler: Callable[[T], object]) -> None:
        # == and not `is`: every access to a method makes a new bound method that equals the last.
        self._handlers = tuple(other for other in self._handlers if other != handler)


def _name(handler: object) -> str:
    return str(getattr(handler, "__qualname__", None) or type(handler).__qualname__)


class Dispatcher:
    """Actions that any thread posts and the main thread runs, in their order."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        # deque.append and popleft are atomic: posting takes no lock that a frame could wait for.
        self.waiting: deque[Callable[[], object]] = deque()
        self.post: Callable[[Callable[[], object]], object] = self.waiting.append
        """Queue an action for the main thread; callable from any thread, never waits."""

    def __len__(self) -> int:
        return len(self.waiting)

    def __bool__(self) -> bool:
        return True

    def drain(self, budget_seconds: float | None = None) -> int:
        """Run the queued actions and return how many ran; main thread only.

        With a budget at least one action runs, and those that exceed it stay for the next frame.
        What an action posts waits for the next drain, so this always ends.
        """
        actions = self.waiting
        waiting = len(actions)
        if not waiting:
            return 0
        deadline = None if budget_seconds is None else self._clock.now() + budget_seconds
        for ran in range(1, waiting + 1):
            self._run(actions.popleft())
            if deadline is not None and self._clock.now() >= deadline:
                return ran
        return waiting

    def _run(self, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception:
            _log.exception("Posted action %s failed; the others go on.", _name(action))


class Services:
    """One object for each class, in the place of global variables."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._by_kind: dict[type[Any], Any] = {}

    def provide(self, service: object, kind: type[Any] | None = None) -> None:
        """Offer a service under its own class, or under `kind`; the last one offered counts."""
        self._by_kind[kind or type(service)] = service

    def find(self, kind: type[T]) -> T | None:
        """Return the service of the class, else of a subclass of it, else None.

        A Protocol is known by its shape if it is `@runtime_checkable`; else only what was offered
        under it is found. Raises TypeError for one under which nothing was.
        """
        if kind in self._by_kind:
            exact: T = self._by_kind[kind]
            return exact
        try:
            return next((s for s in self._by_kind.values() if isinstance(s, kind)), None)
        except TypeError:
            raise TypeError(
                f"{self._owner} cannot tell a {kind.__name__} by its shape: decorate the Protocol "
                f"with @runtime_checkable, or call scene.provide(service, {kind.__name__})."
            ) from None

    def get(self, kind: type[T]) -> T:
        """Return the service of the class. Raises LookupError that names the ones there are."""
        found = self.find(kind)
        if found is None:
            have = ", ".join(sorted(k.__name__ for k in self._by_kind)) or "nothing"
            raise LookupError(
                f"{self._owner} was given no {kind.__name__} (it has: {have}). "
                "Call scene.provide(...) before the components that need it start."
            )
        return found
