"""Which sessions are stored: a snapshot that the main thread may ask without a disk."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from characters.core.state import SessionRecord
from characters.persistence import SessionPersistence

__all__ = ["WatchedPersistence"]

_log = logging.getLogger(__name__)

# At a level load, once: a store that takes longer is not waited for by a frame.
FIRST_ANSWER_SECONDS = 0.25


class WatchedPersistence:
    """A persistence that remembers which keys it holds.

    `load`, `store`, `clear` and `all` are called on the store's thread, `has` and `when_known` on
    the main thread, to which `post` leads.
    """

    def __init__(
        self, inner: SessionPersistence, post: Callable[[Callable[[], object]], object]
    ) -> None:
        self._inner = inner
        self._post = post
        self._keys: frozenset[str] = frozenset()
        self._is_known = threading.Event()
        self._patience = FIRST_ANSWER_SECONDS
        self._lock = threading.Lock()
        self._waiting: list[Callable[[], object]] = []

    def read_keys(self) -> None:
        """Take the first snapshot; on the store's thread."""
        try:
            self._keys = frozenset(self._inner.all())
        except Exception:  # a user's own store raises what it likes
            _log.exception("The stored sessions could not be listed.")
        with self._lock:
            self._is_known.set()
            waiting, self._waiting = self._waiting, []
        for action in waiting:
            self._post(action)

    def has(self, key: str) -> bool:
        """Tell whether a session is known to be stored; waits a moment, and only once ever."""
        patience, self._patience = self._patience, 0.0
        self._is_known.wait(patience)
        return key in self._keys

    def when_known(self, action: Callable[[], object]) -> None:
        """Call once the first snapshot is taken: now, or later on the main thread."""
        with self._lock:
            if not self._is_known.is_set():
                self._waiting.append(action)
                return
        action()

    def load(self, key: str) -> SessionRecord | None:
        """Return what is stored of a session."""
        record = self._inner.load(key)
        self._note(key, is_stored=record is not None)
        return record

    def store(self, key: str, record: SessionRecord) -> None:
        """Store a record; durable on return."""
        self._inner.store(key, record)
        self._note(key, is_stored=True)

    def clear(self, key: str) -> None:
        """Forget a session; durable on return."""
        self._inner.clear(key)
        self._note(key, is_stored=False)

    def all(self) -> Mapping[str, SessionRecord]:
        """Return a snapshot of every record."""
        return self._inner.all()

    def _note(self, key: str, *, is_stored: bool) -> None:
        self._keys = self._keys | {key} if is_stored else self._keys - {key}
