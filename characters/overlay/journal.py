"""Journal: the last wire messages of each character as types and sizes, never as words."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable

from characters.core.state import SessionStateChanged
from engine.signal import Signal, Subscription

__all__ = ["Journal", "line"]

_KEPT = 12
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def line(event: object) -> str | None:
    """Return how an event stands in the journal, None for one that stands elsewhere."""
    if isinstance(event, SessionStateChanged):
        return None
    name = _CAPITAL.sub("-", type(event).__name__).lower()
    text = getattr(event, "text", None)
    return f"{name}, {len(text)} letters" if isinstance(text, str) else name


class Journal:
    """Listens to the events of characters; `line` of each is kept, the last twelve."""

    def __init__(self, on_event: Callable[[str, object], object] | None = None) -> None:
        self._on_event = on_event
        self._lines: dict[str, deque[tuple[str, int]]] = {}
        self._subscriptions: dict[str, tuple[object, Subscription]] = {}

    def follow(self, key: str, events: Signal[object]) -> None:
        """Listen to a character, once; a new signal under an old key takes its place."""
        known = self._subscriptions.get(key)
        if known is not None and known[0] is events:
            return
        if known is not None:
            known[1].cancel()
        # Held here by name, as signals know their handlers by identity.
        handler = self._handler(key)
        self._subscriptions[key] = (events, events.subscribe(handler))

    def lines(self, key: str) -> tuple[str, ...]:
        """Return the last lines of a character, the newest last."""
        kept = self._lines.get(key, ())
        return tuple(words if n == 1 else f"{words}, {n} times" for words, n in kept)

    def close(self) -> None:
        """Stop listening."""
        for _, subscription in self._subscriptions.values():
            subscription.cancel()
        self._subscriptions.clear()

    def _handler(self, key: str) -> Callable[[object], object]:
        def note(event: object) -> None:
            words = line(event)
            if words is not None:
                self._write(self._lines.setdefault(key, deque(maxlen=_KEPT)), words)
            if self._on_event is not None:
                self._on_event(key, event)

        return note

    def _write(self, lines: deque[tuple[str, int]], words: str) -> None:
        """Add a line, or count it when it is the last one again, as visemes are."""
        times = lines.pop()[1] if lines and lines[-1][0] == words else 0
        lines.append((words, times + 1))
