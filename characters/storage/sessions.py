"""Which session each character has: its id as a game sees it, its record, and the store below.

```
SessionData                    session ids by character, for a game's own loop
SessionPersistence             session records by key: the default is KeyValueSessionPersistence
KeyValueStore                  texts by key: PlayerPrefs, MemoryStore, SQLiteStore, or your own
```

A store's methods are called on one worker thread at a time, never during a frame: they may wait.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, fields
from types import MappingProxyType
from typing import Any, Protocol, cast, runtime_checkable

from characters.protocol.failures import CharactersError
from characters.protocol.messages import MAX_PLAYER_ID
from characters.session.conversation import SessionRecord
from engine.prefs.prefs import PlayerPrefs

__all__ = [
    "ForgetStore", "KeyValueSessionPersistence", "KeyValueStore", "ListableStore", "MemoryStore",
    "OwedForget", "PersistenceError", "PLAYER_ID", "PlayerIdStore", "PlayerPrefsStore",
    "SessionData", "SessionPersistence", "StoredKeys",
]  # fmt: skip

_log = logging.getLogger(__name__)


class PersistenceError(CharactersError):
    """Something could not be stored or read; the message says what to do."""

    retryable = True


@runtime_checkable
class KeyValueStore(Protocol):
    """Texts by key. A method that fails may raise any exception."""

    def get_string(self, key: str, default: str = "", /) -> str | None:
        """Return the text of a key, or the default, which is always given."""
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
    """A store that can also list its keys."""

    def keys(self, prefix: str = "") -> Sequence[str]:
        """Return the keys that begin with `prefix`."""
        ...


def PlayerPrefsStore(prefs: PlayerPrefs) -> KeyValueStore:  # noqa: N802 - the Unity SDK's name
    """Return the preferences as a store: they have its methods already."""
    return prefs


class MemoryStore:
    """A store that ends with the process: for tests, and for players who want no traces."""

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


_FIELDS = {item.name for item in fields(SessionRecord)}
_TEXTS, _NUMBERS = {"session_id", "endpoint_id", "room_name"}, {"dropped_at", "saved_at"}
_MARKS = {"is_refused", "is_always_fresh"}


PLAYER_ID = "player.id"


@runtime_checkable
class PlayerIdStore(Protocol):
    """A SessionPersistence that also knows whose sessions it holds."""

    def player_id(self, made_up: str) -> str:
        """Return the id of the player that is stored; if there is none, store the one given."""
        ...


OWED_FORGETS = "player.forgets"
MOST_OWED = 1000


@dataclass(frozen=True, slots=True)
class OwedForget:
    """A session that its service has still to forget; it is never stored again."""

    key: str
    session_id: str
    endpoint_id: str


@runtime_checkable
class ForgetStore(Protocol):
    """A SessionPersistence that also notes what services have still to forget."""

    def owed_forgets(self) -> tuple[OwedForget, ...]:
        """Return what is to be forgotten, the oldest first."""
        ...

    def owe_forgets(self, forgets: Collection[OwedForget]) -> None:
        """Note sessions that are to be forgotten, and clear them here; durable on return."""
        ...

    def settle_forgets(self, forgets: Collection[OwedForget]) -> None:
        """Note that these are forgotten; durable on return."""
        ...


@runtime_checkable
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
    its keys gets one more entry with the list, `convai.sessions`. The player's id is beside them,
    under `player.id`: a service resumes a session for the player who began it. So is what services
    have still to forget, under `player.forgets`: such a session is neither stored nor found.
    """

    def __init__(self, store: KeyValueStore, prefix: str = "convai.session.") -> None:
        self._store = store
        self._prefix = prefix
        self._index = prefix.rstrip(".") + "s"

    def player_id(self, made_up: str) -> str:
        """Return the id of the player that is stored; if there is none, store the one given.

        Raises PersistenceError when it cannot be read.
        """
        with _explained("read", "The id of the player"):
            known = self._store.get_string(PLAYER_ID, "")
        if known and len(known) <= MAX_PLAYER_ID and known.isprintable():
            return known
        if known:
            _log.warning("What is stored as the player's id is none; the player gets another.")
        try:
            self._store.set_string(PLAYER_ID, made_up)
            self._store.save()
        except Exception as error:  # a store of the game's own may raise anything
            _log.warning("The player's id could not be stored: %s", error)
        return made_up

    def load(self, key: str) -> SessionRecord | None:
        """Return what is stored of a session. Raises PersistenceError."""
        with _explained("read", _session_of(key)):
            text = self._store.get_string(self._prefix + key, "")
        record = _decode(key, text) if text else None
        return None if record is None or self._is_to_be_forgotten(record.session_id) else record

    def store(self, key: str, record: SessionRecord) -> None:
        """Store a record; durable on return. Raises PersistenceError."""
        if self._is_to_be_forgotten(record.session_id):  # whoever wrote it had not heard of that
            self.clear(key)
            return
        text = json.dumps({k: v for k, v in asdict(record).items() if v is not None})
        with _explained("stored", _session_of(key)):
            self._store.set_string(self._prefix + key, text)
            self._note_key(key, present=True)
            self._store.save()

    def clear(self, key: str) -> None:
        """Forget a session; durable on return. Raises PersistenceError."""
        with _explained("cleared", _session_of(key)):
            self._store.delete_key(self._prefix + key)
            self._note_key(key, present=False)
            self._store.save()

    def all(self) -> Mapping[str, SessionRecord]:
        """Return a snapshot of every record by session key. Raises PersistenceError."""
        with _explained("listed", "The sessions"):
            names = self._keys()
        found = {name: self.load(name) for name in names}
        return MappingProxyType({k: v for k, v in found.items() if v is not None})

    def owed_forgets(self) -> tuple[OwedForget, ...]:
        """Return what is to be forgotten, the oldest first. Raises PersistenceError."""
        with _explained("read", "What is still to be forgotten"):
            text = self._store.get_string(OWED_FORGETS, "")
        try:
            return tuple(OwedForget(*map(str, row)) for row in json.loads(text or "[]"))
        except (TypeError, ValueError, RecursionError):
            _log.error("What services have still to forget cannot be read.")
            return ()

    def owe_forgets(self, forgets: Collection[OwedForget]) -> None:
        """Note what is to be forgotten, and clear it here; durable on return.

        Raises PersistenceError.
        """
        self._write_forgets(dict.fromkeys((*self.owed_forgets(), *forgets)))
        for forget in forgets:
            if self.load(forget.key) is None:  # now that it is to be forgotten, or before
                self.clear(forget.key)

    def settle_forgets(self, forgets: Collection[OwedForget]) -> None:
        """Note that these are forgotten; durable on return. Raises PersistenceError."""
        self._write_forgets(it for it in self.owed_forgets() if it not in forgets)

    def _write_forgets(self, forgets: Iterable[OwedForget]) -> None:
        rows = [astuple(forget) for forget in forgets][-MOST_OWED:]
        with _explained("noted", "What is still to be forgotten"):
            self._store.set_string(OWED_FORGETS, json.dumps(rows))
            self._store.save()

    def _is_to_be_forgotten(self, session_id: str) -> bool:
        return any(forget.session_id == session_id for forget in self.owed_forgets())

    def _keys(self) -> list[str]:
        if isinstance(self._store, ListableStore):
            return [name[len(self._prefix) :] for name in self._store.keys(self._prefix)]
        names = _parsed(self._store.get_string(self._index, "") or "[]")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            _log.warning("The list of the stored sessions cannot be read; it begins anew.")
            return []
        return names

    def _note_key(self, key: str, *, present: bool) -> None:
        if isinstance(self._store, ListableStore):
            return
        names = set(self._keys())
        if (key in names) != present:
            names = names | {key} if present else names - {key}
            self._store.set_string(self._index, json.dumps(sorted(names)))


def _session_of(key: str) -> str:
    return f"The session of {key!r}"


@contextmanager
def _explained(done: str, what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # a store of the game's own may raise anything
        raise PersistenceError(
            f"{what} could not be {done}: {error} It is worth another try; if it goes on, check "
            "the store."
        ) from error


# No service makes others: it would refuse them as malformed, at each start of the game.
_BARE_ID = re.compile(r"(?![\[{])[!-~]{1,1000}")
_NO_JSON = object()


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _NO_JSON


def _decode(key: str, text: str) -> SessionRecord | None:
    found = _parsed(text)
    data: dict[str, Any] = found if isinstance(found, dict) else {}
    if (found is _NO_JSON or type(found) is int) and _BARE_ID.fullmatch(text.strip()):
        data = {"session_id": text.strip()}
    if not _is_record(data):
        _log.warning("What is stored of session %r is no session record; it starts fresh.", key)
        return None
    return SessionRecord(**{name: data[name] for name in _FIELDS & data.keys()})


def _is_record(data: dict[str, object]) -> bool:
    """Tell whether each field has its type; fields that a later version added do not matter."""
    texts = all(isinstance(data.get(name, ""), str) for name in _TEXTS)
    numbers = all(_is_time(data.get(name, 0)) for name in _NUMBERS)
    marks = all(isinstance(data.get(name, False), bool) for name in _MARKS)
    ids = all(_may_be_id(data.get(name, "-")) for name in ("session_id", "room_name"))
    return texts and numbers and marks and ids and "session_id" in data


def _may_be_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= 1000 and value.isprintable()


def _is_time(value: object) -> bool:
    return type(value) in (int, float) and abs(cast(float, value)) < 2**63


class SessionData:
    """Session ids by character id (or session key), in a SessionPersistence.

    Every change is durable on return; every call may wait for a disk and raises
    PersistenceError when it cannot be done.

    An open session holds its id in memory and stores it again when it ends or drops: clear that
    one with `SessionHandle.clear_session_id`. A runtime has its own (`Runtime.session_data`), which
    keeps its snapshot of the stored keys current.
    """

    def __init__(
        self,
        persistence: SessionPersistence,
        wall_clock: Callable[[], float] = time.time,
        stored_keys: StoredKeys | None = None,
    ) -> None:
        self._persistence = persistence
        self._wall_clock = wall_clock
        self._stored_keys = stored_keys

    def get_session_id(self, character_id: str) -> str | None:
        """Return the session id of a character, or None."""
        record = self._persistence.load(character_id)
        return None if record is None else record.session_id

    def store_session_id(self, character_id: str, session_id: str) -> None:
        """Store the session id of a character. It is resumed on whatever endpoint is used."""
        record = SessionRecord(session_id=session_id, saved_at=self._wall_clock())
        self._persistence.store(character_id, record)
        if self._stored_keys is not None:
            self._stored_keys.note(character_id, is_stored=True)

    def clear_session_id(self, character_id: str) -> None:
        """Forget the session id of a character."""
        self._persistence.clear(character_id)
        if self._stored_keys is not None:
            self._stored_keys.note(character_id, is_stored=False)

    def clear_all_session_ids(self) -> None:
        """Forget every session id."""
        for character_id in self._persistence.all():
            self.clear_session_id(character_id)

    def get_all_session_ids(self) -> Mapping[str, str]:
        """Return a read-only snapshot: session id by character id."""
        records = self._persistence.all()
        return MappingProxyType({key: record.session_id for key, record in records.items()})


# How long the first question may wait, once in all: a slow store does not hold up a frame twice.
FIRST_ANSWER_SECONDS = 0.25


class StoredKeys:
    """A snapshot of the keys of all stored sessions, which the main thread may ask without a disk.

    `post` runs an action on the main thread. `read` is called on the store's thread, `note` on any
    after each change of the store, `has` and `when_known` on the main thread.
    """

    def __init__(self, post: Callable[[Callable[[], object]], object]) -> None:
        self._post = post
        self._keys: frozenset[str] = frozenset()
        self._is_known = threading.Event()
        self._first_wait = FIRST_ANSWER_SECONDS
        self._lock = threading.Lock()
        self._waiting: list[Callable[[], object]] = []

    def read(self, persistence: SessionPersistence) -> None:
        """Take the first snapshot; a store that cannot be listed is logged and counts as empty."""
        try:
            self._keys = frozenset(persistence.all())
        except Exception as error:  # a store of the game's own may raise anything
            is_ours = isinstance(error, PersistenceError)  # it says what is wrong by itself
            _log.error("The stored sessions could not be listed: %s", error, exc_info=not is_ours)
        with self._lock:
            self._is_known.set()
            waiting, self._waiting = self._waiting, []
        for action in waiting:
            self._post(action)

    def note(self, key: str, *, is_stored: bool) -> None:
        """Follow a change of the store."""
        with self._lock:  # the store's thread and the main thread may both have changed it
            self._keys = self._keys | {key} if is_stored else self._keys - {key}

    def has(self, key: str) -> bool:
        """Tell whether a session is known to be stored; the first call may wait a moment."""
        timeout, self._first_wait = self._first_wait, 0.0
        self._is_known.wait(timeout)
        return key in self._keys

    def when_known(self, action: Callable[[], object]) -> None:
        """Run the action once the first snapshot is taken: now, or later on the main thread."""
        with self._lock:
            if not self._is_known.is_set():
                self._waiting.append(action)
                return
        action()
