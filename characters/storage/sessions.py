"""The original's session store: which session id each character has.

What is remembered of each session, by its key: the protocol, and the default over a store.

The store that everything kept between runs goes through, as a protocol anybody can fill.

Five methods are a store:

    class CloudStore:
        def get_string(self, key, default=None): return cloud.get(key, default)
        def set_string(self, key, value): cloud.put(key, value)
        def has_key(self, key): return cloud.has(key)
        def delete_key(self, key): cloud.delete(key)
        def save(self): cloud.flush()

They are called from one worker thread at a time, never from a frame: they may wait.

The default store: the game's own preferences file.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from characters.protocol.failures import CharactersError
from characters.session.conversation import SessionRecord
from engine.prefs.prefs import PlayerPrefs

__all__ = [
    "KeyValueSessionPersistence",
    "KeyValueStore",
    "ListableStore",
    "MemoryStore",
    "PersistenceError",
    "PlayerPrefsStore",
    "SessionData",
    "SessionPersistence",
]


class PersistenceError(CharactersError):
    """Something could not be stored or read; the message says what to do."""

    retryable = True


class KeyValueStore(Protocol):
    """Texts by key. A method that fails raises, whatever it likes."""

    def get_string(self, key: str, default: str | None = None) -> str | None:
        """Return the text of a key, or the default."""
        ...

    def set_string(self, key: str, value: str) -> None:
        """Set the text of a key."""
        ...

    def has_key(self, key: str) -> bool:
        """Tell whether a key is set."""
        ...

    def delete_key(self, key: str) -> None:
        """Delete a key; one that is not set is no error."""
        ...

    def save(self) -> None:
        """Return when everything set so far outlives the process and the power."""
        ...


@runtime_checkable
class ListableStore(Protocol):
    """A store that can also say which keys it has."""

    def keys(self, prefix: str = "") -> Sequence[str]:
        """Return the keys that begin with `prefix`."""
        ...


class MemoryStore:
    """A store that forgets with the process: for tests, and for players who want that."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def get_string(self, key: str, default: str | None = None) -> str | None:
        """Return the text of a key, or the default."""
        return self._values.get(key, default)

    def set_string(self, key: str, value: str) -> None:
        """Set the text of a key."""
        self._values[key] = value

    def has_key(self, key: str) -> bool:
        """Tell whether a key is set."""
        return key in self._values

    def delete_key(self, key: str) -> None:
        """Delete a key; one that is not set is no error."""
        self._values.pop(key, None)

    def save(self) -> None:
        """Return at once: there is nowhere to save to."""

    def keys(self, prefix: str = "") -> tuple[str, ...]:
        """Return the keys that begin with `prefix`."""
        return tuple(sorted(key for key in list(self._values) if key.startswith(prefix)))


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


class SessionData:
    """Session ids by character id (or session key), kept by a SessionPersistence.

    Every change is durable on return; every call may wait for a disk and raises
    PersistenceError when it cannot be done.

    A session that is open has its id by heart and stores it again when it ends or drops: let it
    forget with `SessionHandle.clear_session_id`.
    """

    def __init__(
        self, persistence: SessionPersistence, wall_clock: Callable[[], float] = time.time
    ) -> None:
        self._persistence = persistence
        self._wall_clock = wall_clock

    def get_session_id(self, character_id: str) -> str | None:
        """Return the session id of a character, or None."""
        record = self._persistence.load(character_id)
        return None if record is None else record.session_id

    def store_session_id(self, character_id: str, session_id: str) -> None:
        """Store the session id of a character. It is resumed on whatever endpoint is used."""
        record = SessionRecord(session_id=session_id, saved_at=self._wall_clock())
        self._persistence.store(character_id, record)

    def clear_session_id(self, character_id: str) -> None:
        """Forget the session id of a character."""
        self._persistence.clear(character_id)

    def clear_all_session_ids(self) -> None:
        """Forget every session id."""
        for character_id in self._persistence.all():
            self._persistence.clear(character_id)

    def get_all_session_ids(self) -> Mapping[str, str]:
        """Return a read-only snapshot: session id by character id."""
        records = self._persistence.all()
        return MappingProxyType({key: record.session_id for key, record in records.items()})


class PlayerPrefsStore:
    """A store over PlayerPrefs. `save` returns when durable, or raises PrefsError."""

    def __init__(self, prefs: PlayerPrefs) -> None:
        self._prefs = prefs

    def get_string(self, key: str, default: str | None = None) -> str | None:
        """Return the text of a key, or the default."""
        return self._prefs.get_string(key) if self._prefs.has_key(key) else default

    def set_string(self, key: str, value: str) -> None:
        """Set the text of a key."""
        self._prefs.set_string(key, value)

    def has_key(self, key: str) -> bool:
        """Tell whether a key is set."""
        return self._prefs.has_key(key)

    def delete_key(self, key: str) -> None:
        """Delete a key; one that is not set is no error."""
        self._prefs.delete_key(key)

    def save(self) -> None:
        """Return when everything set so far is on the disk."""
        self._prefs.save()

    def keys(self, prefix: str = "") -> tuple[str, ...]:
        """Return the keys that begin with `prefix`."""
        return self._prefs.keys(prefix)
