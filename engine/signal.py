"""Typed events: a handler that fails is logged, and never stops the others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Signal", "Subscription"]

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Subscription:
    """Stand for one handler of one signal, so that it can be taken back."""

    __slots__ = ("_cancel",)

    def __init__(self, cancel: Callable[[], object]) -> None:
        self._cancel: Callable[[], object] | None = cancel

    @property
    def is_active(self) -> bool:
        """Tell whether `cancel` has not been called yet."""
        return self._cancel is not None

    def cancel(self) -> None:
        """Stop the handler from being called; a second call does nothing."""
        cancel, self._cancel = self._cancel, None
        if cancel is not None:
            cancel()


class Signal(Generic[T]):
    """Call every subscribed handler with one value, in the order in which they subscribed.

    Handlers run in the thread that emits. A handler that is cancelled while the signal is being
    emitted is not called any more; one that subscribes meanwhile hears the next value.
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
        """Hand `value` to every handler. Never raises what a handler raises: it is logged."""
        for handler in self._handlers:
            if handler in self._handlers:
                self._call(handler, value)

    def clear(self) -> None:
        """Forget every handler."""
        self._handlers = ()

    def _call(self, handler: Callable[[T], object], value: T) -> None:
        try:
            handler(value)
        except Exception:
            _log.exception("%s: handler %s failed; the others go on.", self._name, _name(handler))

    def _remove(self, handler: Callable[[T], object]) -> None:
        # == and not `is`: every access to a method makes a new bound method that equals the last.
        self._handlers = tuple(other for other in self._handlers if other != handler)


def _name(handler: object) -> str:
    return str(getattr(handler, "__qualname__", None) or type(handler).__qualname__)
