"""What is remembered of each session, by its key: the protocol, and the default over a store."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields
from types import MappingProxyType
from typing import Protocol

from characters.core.state import SessionRecord
from characters.persistence.key_value import KeyValueStore, ListableStore, PersistenceError

__all__ = ["KeyValueSessionPersistence", "SessionPersistence"]

_log = logging.getLogger(__name__)

_FIELDS = {item.name for item in fields(SessionRecord)}
_TEXTS, _NUMBERS = {"session_id", "endpoint_id", "room_name"}, {"dropped_at", "saved_at"}


class SessionPersistence(Protocol):
    """Session records by session key. Called from a worker thread; may wait.

    Each call raises PersistenceError when it cannot be done.
    """

    def load(self, key: str) -> SessionRecord | None:
        """Return what is stored of a session."""
        ...

    def store(self, key: str, record: SessionRecord) -> None:
        """Store a record; durable on return."""
        ...

    def clear(self, key: str) -> None:
        """Forget a session; durable on return."""
        ...

    def all(self) -> Mapping[str, SessionRecord]:
        """Return a snapshot of every record by session key."""
        ...


class KeyValueSessionPersistence:
    """Session records as JSON texts in a store, under `convai.session.<key>`.

    A bare text is read as a session id, as the original writes it. A store that cannot list
    its keys gets one more entry with the list, `convai.sessions`.
    """

    def __init__(self, store: KeyValueStore, prefix: str = "convai.session.") -> None:
        self._store = store
        self._prefix = prefix
        self._index = prefix.rstrip(".") + "s"

    def load(self, key: str) -> SessionRecord | None:
        """Return what is stored of a session. Raises PersistenceError."""
        with _explained("read", key):
            text = self._store.get_string(self._prefix + key, None)
        return _decode(key, text) if text else None

    def store(self, key: str, record: SessionRecord) -> None:
        """Store a record; durable on return. Raises PersistenceError."""
        text = json.dumps({k: v for k, v in asdict(record).items() if v is not None})
        with _explained("stored", key):
            self._store.set_string(self._prefix + key, text)
            self._note_key(key, present=True)
            self._store.save()

    def clear(self, key: str) -> None:
        """Forget a session; durable on return. Raises PersistenceError."""
        with _explained("cleared", key):
            self._store.delete_key(self._prefix + key)
            self._note_key(key, present=False)
            self._store.save()

    def all(self) -> Mapping[str, SessionRecord]:
        """Return a snapshot of every record by session key. Raises PersistenceError."""
        with _explained("listed", "all"):
            names = self._keys()
        found = {name: self.load(name) for name in names}
        return MappingProxyType({k: v for k, v in found.items() if v is not None})

    def _keys(self) -> list[str]:
        if isinstance(self._store, ListableStore):
            return [name[len(self._prefix) :] for name in self._store.keys(self._prefix)]
        return list(json.loads(self._store.get_string(self._index, None) or "[]"))

    def _note_key(self, key: str, *, present: bool) -> None:
        if isinstance(self._store, ListableStore):
            return
        names = set(self._keys())
        if (key in names) != present:
            names = names | {key} if present else names - {key}
            self._store.set_string(self._index, json.dumps(sorted(names)))


@contextmanager
def _explained(done: str, key: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # a user's own store raises what it likes
        raise PersistenceError(
            f"The session of {key!r} could not be {done}: {error} It is worth another try; if it "
            "goes on, check the store."
        ) from error


def _decode(key: str, text: str) -> SessionRecord | None:
    if not text.lstrip().startswith("{"):
        return SessionRecord(text.strip())
    try:
        data = json.loads(text)
    except ValueError:
        data = {}
    if not _is_record(data):
        _log.warning("What is stored of session %r is no session record; it starts fresh.", key)
        return None
    return SessionRecord(**{name: data[name] for name in _FIELDS & data.keys()})


def _is_record(data: dict[str, object]) -> bool:
    """Tell whether each field has its type; fields that a later version added do not matter."""
    texts = all(isinstance(data.get(name, ""), str) for name in _TEXTS)
    numbers = all(type(data.get(name, 0)) in (int, float) for name in _NUMBERS)
    return texts and numbers and bool(data.get("session_id"))
