"""Sessions and transcripts in SQLite, and what each room writes there while it goes on.

* `SessionStore`: the database file; its calls block.
* `SessionRepository`: the same for the event loop, by one worker thread, in the order of the
  calls. The two clocks meet here: the registry's monotonic one, and the wall clock, which is what
  is written, because nothing else survives a restart.
* `RoomStore`: one room's entries, written behind its back; confirms the lines that are durable.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from characters.agents.agent import Do, Feel, Part, Say
from characters.english import ENGLISH
from characters.protocol.messages import Action
from characters.service.conversation import (
    Entry,
    PendingReply,
    PersistEntry,
    PlayerLine,
    ResolveReply,
)
from characters.service.memory import (
    MEMORY_SCHEMA,
    KnownFact,
    Pair,
    correct,
    forget_all,
    forget_fact,
    from_json,
    known,
    learn,
    merged,
    purge,
    remove_copies,
    saved_memory,
    write_memory,
)
from characters.service.registry import Registry, ServiceSession
from engine.core.file_system import expect_file

__all__ = [
    "database_of", "MAX_TURNS", "RoomHistory", "RoomStore", "Save", "SessionRepository",
    "SessionStore", "StoredSession", "StoredSessions",
]  # fmt: skip


log = logging.getLogger(__name__)

DAY = 86400.0
MAX_TURNS = 400
MAX_PENDING = 16  # answers that are repeated at most: more turns than can wait for an agent
_VERSION = 1  # of what stands in the tables; 0 is a file that has none yet
_SETTINGS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA fullfsync = ON;  -- macOS: the drive's cache too
PRAGMA foreign_keys = ON;
PRAGMA secure_delete = ON;
"""
_SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS sessions (
    session_id TEXT PRIMARY KEY,
    character_id TEXT NOT NULL,
    end_user_id TEXT,
    used_at REAL NOT NULL,
    memory TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE TABLE IF NOT EXISTS turns (
    session_id TEXT NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    speaker TEXT NOT NULL,
    text TEXT NOT NULL,
    said_at REAL NOT NULL,
    PRIMARY KEY (session_id, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lines (
    session_id TEXT NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
    message_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (session_id, message_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS owed (
    session_id TEXT NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
    message_id TEXT NOT NULL,
    answer TEXT,
    is_kept INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (session_id, message_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ended (session_id TEXT PRIMARY KEY, ended_at REAL NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS unused (
    session_id TEXT PRIMARY KEY REFERENCES sessions (session_id) ON DELETE CASCADE,
    seconds REAL NOT NULL
) STRICT;
"""
    + MEMORY_SCHEMA
)


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as it is on disk; `used_at` in wall-clock seconds.

    `unused` are the seconds since the last use that services have counted (`counted`).
    """

    session_id: str
    character_id: str
    end_user_id: str | None
    used_at: float
    unused: float = 0.0
    is_lasting: bool = False
    """Whether what is learnt in it of the player is known in other sessions, too."""

    def counted(self, wall: float) -> float:
        """Return how long a session was not used, for all that a wall clock may say at a start.

        What lies between two runs counts as a day at most: a clock that jumps ends no session.
        """
        return max(self.unused, min(self.unused + DAY, wall - self.used_at))


@dataclass(frozen=True, slots=True)
class StoredSessions:
    """What the store holds when it is opened; `ended` are the ids of removed sessions."""

    sessions: tuple[StoredSession, ...]
    ended: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoomHistory:
    """What a room begins with."""

    memory: dict[str, Any] = field(default_factory=dict)  # the agent's
    turns: tuple[PersistEntry, ...] = ()  # what was said, oldest first
    message_ids: frozenset[str] = frozenset()  # of the typed lines that the session has
    pending: tuple[PendingReply, ...] = ()


def database_of(data: Path) -> Path:
    """Return the place of the embedded service's database in a data folder."""
    return data / "service" / "sessions.sqlite3"


class SessionStore:
    """The database file; `path` None keeps everything in memory.

    A file that is damaged, or another program's, is put aside, never deleted; `warning` says so.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.warning = ""
        """What the player has to know about the store."""
        self._db = _connect(":memory:") if path is None else self._open(path)

    @classmethod
    def open(cls, path: Path | None) -> SessionStore:
        """Return the store at `path`, or one in memory where none can be: `warning` says why."""
        try:
            return cls(path)
        except (OSError, sqlite3.Error) as error:
            assert path is not None  # memory refuses nothing
            store = cls(None)
            reason = getattr(error, "strerror", None) or str(error)
            store.warning = ENGLISH("service.not_kept", folder=str(path.parent), why=reason)
            log.warning("%s", store.warning)
            return store

    def _open(self, path: Path) -> sqlite3.Connection:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for ending in ("", "-wal", "-shm"):
            expect_file(path.with_name(path.name + ending))
        path.touch(mode=0o600, exist_ok=True)
        try:
            return _connect(str(path))
        except sqlite3.DatabaseError as error:
            if _may_be_sound(path, error):
                raise
            aside = _put_aside(path)
        self.warning = ENGLISH("service.damaged", file=path.name, aside=aside.name)
        log.error("%s", self.warning)
        return _connect(str(path))

    # --- reading ---

    def load(self) -> StoredSessions:
        """Return every session, without what was said in it."""
        rows = self._db.execute(
            "SELECT session_id, character_id, end_user_id, used_at, coalesce(seconds, 0.0)"
            " FROM sessions LEFT JOIN unused USING (session_id)"
        )
        sessions = tuple(StoredSession(*row) for row in rows)
        ended = self._db.execute("SELECT session_id FROM ended ORDER BY ended_at")
        return StoredSessions(sessions, tuple(row[0] for row in ended))

    def memory(self, session_id: str) -> dict[str, Any]:
        """Return what the character remembers; empty for an unknown session."""
        return saved_memory(self._db, session_id)

    def turns(self, session_id: str) -> tuple[PersistEntry, ...]:
        """Return the last turns of a session, oldest first, without their ids."""
        rows = self._db.execute(
            "SELECT speaker, text FROM turns WHERE session_id = ? ORDER BY number", (session_id,)
        )
        return tuple(PersistEntry(*row) for row in rows)

    def message_ids(self, session_id: str) -> frozenset[str]:
        """Return the ids of the last typed lines of a session."""
        rows = self._db.execute("SELECT message_id FROM lines WHERE session_id = ?", (session_id,))
        return frozenset(row[0] for row in rows)

    def pending(self, session_id: str) -> tuple[PendingReply, ...]:
        """Return the replies that are pending, oldest first, each for one line."""
        return tuple(reply for _, reply in self._pending(session_id))

    def _pending(self, session_id: str) -> Iterator[tuple[int, PendingReply]]:
        rows = self._db.execute(
            "SELECT number, text, message_id, answer, is_kept FROM owed"
            " JOIN lines USING (session_id, message_id) JOIN turns USING (session_id, number)"
            " WHERE session_id = ? ORDER BY number",
            (session_id,),
        )
        for number, text, message_id, answer, is_kept in rows:
            line = PlayerLine(text, message_id, is_kept=True)
            parts = None if answer is None else _decode(answer)
            yield number, PendingReply((line,), parts, bool(is_kept))

    def history(
        self, session_id: str, heard: str | None, at: float, pair: Pair | None = None
    ) -> RoomHistory:
        """Return what a new room of a session begins with.

        `heard` is the last line whose answer the client received whole: answers up to it were
        received too, of which an earlier room may not know. They are written at `at`. What the
        character knows of the player from other sessions is in it, if it is told who the `pair` is.
        """
        found = self._db.execute(
            "SELECT number FROM lines WHERE session_id = ? AND message_id = ?", (session_id, heard)
        ).fetchone()
        last = found[0] if found else 0
        with self._db:
            for number, reply in tuple(self._pending(session_id)):
                if reply.parts is not None and number <= last:
                    self._add_received(session_id, reply.message_ids[0], reply.parts, at)
        pending, memory = self.pending(session_id), self.memory(session_id)
        if pair is not None:
            memory = merged(self._db, pair, memory)
        return RoomHistory(memory, self.turns(session_id), self.message_ids(session_id), pending)

    def _add_received(
        self, session_id: str, message_id: str, parts: tuple[Part, ...], at: float
    ) -> None:
        said = "".join(part.text for part in parts if isinstance(part, Say))
        if said:
            self._add_turn(session_id, PersistEntry("character", said, answers=message_id), at)
        self._resolve(session_id, ResolveReply(message_id), at)

    # --- writing ---

    def save(
        self,
        session: StoredSession,
        memory: dict[str, Any] | None = None,
        entries: Iterable[Entry] = (),
        at: float = 0.0,
    ) -> None:
        """Write a session, its memory and new entries in their order; durable on return.

        `at` is when it was said, in wall-clock seconds; without `memory` the old one stays.
        """
        with self._db:
            self._db.execute(
                "INSERT INTO sessions (session_id, character_id, end_user_id, used_at)"
                " VALUES (?, ?, ?, ?)"
                " ON CONFLICT (session_id) DO UPDATE SET used_at = excluded.used_at",
                (session.session_id, session.character_id, session.end_user_id, session.used_at),
            )
            self._db.execute("DELETE FROM unused WHERE session_id = ?", (session.session_id,))
            for entry in entries:
                self._WRITERS[type(entry)](self, session.session_id, entry, at)
            if memory is not None:
                if pair := _lasting_pair(session):
                    learn(self._db, pair, session.session_id, memory, at)
                write_memory(self._db, session.session_id, memory)

    def count_unused(self, seconds: Mapping[str, float]) -> None:
        """Write for how many seconds sessions were not used."""
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO unused VALUES (?, ?)", seconds.items())

    def _add_turn(self, session_id: str, entry: PersistEntry, at: float) -> None:
        if entry.answers is not None and self._is_answered(session_id, entry.answers):
            return
        last = self._db.execute(
            "SELECT coalesce(max(number), 0) FROM turns WHERE session_id = ?", (session_id,)
        ).fetchone()[0]
        number = last + 1
        self._db.execute(
            "INSERT INTO turns (session_id, number, speaker, text, said_at) VALUES (?, ?, ?, ?, ?)",
            (session_id, number, entry.speaker, entry.text, at),
        )
        if entry.message_id is not None:
            self._db.execute(
                "INSERT OR IGNORE INTO lines (session_id, message_id, number) VALUES (?, ?, ?)",
                (session_id, entry.message_id, number),
            )
        self._forget_turns(session_id, number - MAX_TURNS)

    def _forget_turns(self, session_id: str, last: int) -> None:
        """Delete the turns up to a number, and what belongs to them."""
        gone = (session_id, last)
        self._db.execute(
            "DELETE FROM owed WHERE (session_id, message_id) IN"
            " (SELECT session_id, message_id FROM lines WHERE session_id = ? AND number <= ?)",
            gone,
        )
        for table in ("turns", "lines"):
            self._db.execute(f"DELETE FROM {table} WHERE session_id = ? AND number <= ?", gone)

    def _is_answered(self, session_id: str, message_id: str) -> bool:
        """Tell whether that line's answer is written already; else note that it is now."""
        line = (session_id, message_id)
        where = "WHERE session_id = ? AND message_id = ?"
        found = self._db.execute(f"SELECT is_kept FROM owed {where}", line).fetchone()
        self._db.execute(f"UPDATE owed SET is_kept = 1 {where}", line)
        return bool(found and found[0])

    def _add_pending(self, session_id: str, reply: PendingReply, at: float) -> None:
        *others, last = reply.message_ids
        answer = None if reply.parts is None else json.dumps(reply.parts, default=_encode)
        for message_id in others if answer is not None else ():
            self._resolve(session_id, ResolveReply(message_id), at)
        for message_id in (last,) if answer is not None else reply.message_ids:
            self._db.execute(
                "INSERT INTO owed (session_id, message_id, answer) VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET answer = excluded.answer",
                (session_id, message_id, answer),
            )
        # A client that never confirms anything does not get half the conversation repeated.
        self._db.execute(
            "DELETE FROM owed WHERE session_id = ?1 AND answer IS NOT NULL AND message_id NOT IN"
            " (SELECT message_id FROM owed JOIN lines USING (session_id, message_id)"
            " WHERE session_id = ?1 AND answer IS NOT NULL ORDER BY number DESC LIMIT ?2)",
            (session_id, MAX_PENDING),
        )

    def _resolve(self, session_id: str, resolved: ResolveReply, at: float) -> None:
        self._db.execute(
            "DELETE FROM owed WHERE session_id = ?1"
            " AND (message_id = ?2 OR (?2 IS NULL AND answer IS NOT NULL))",
            (session_id, resolved.message_id),
        )

    _WRITERS: Mapping[type[Entry], Callable[[Any, str, Any, float], None]] = {
        PersistEntry: _add_turn,
        PendingReply: _add_pending,
        ResolveReply: _resolve,
    }

    def remove(self, session_ids: Iterable[str], ended_at: float) -> None:
        """Delete sessions and all that was said in them; their ids are known as ended."""
        ids = tuple((item,) for item in session_ids)
        with self._db:
            self._db.executemany("DELETE FROM sessions WHERE session_id = ?", ids)
            self._db.executemany(
                "INSERT OR REPLACE INTO ended VALUES (?, ?)", [(*item, ended_at) for item in ids]
            )
            self._db.execute(
                "DELETE FROM ended WHERE session_id NOT IN"
                " (SELECT session_id FROM ended ORDER BY ended_at DESC LIMIT 10000)"
            )

    # --- what lasts ---

    def pairs(self) -> tuple[Pair, ...]:
        """Return which character may know which player."""
        rows = self._db.execute(
            "SELECT end_user_id, character_id FROM learnt UNION"
            " SELECT end_user_id, character_id FROM sessions WHERE end_user_id IS NOT NULL"
        )
        return tuple(Pair(*row) for row in rows)

    def facts(self, pair: Pair) -> tuple[KnownFact, ...]:
        """Return what a character knows of a player, `learnt_at` None for one talk alone."""
        return known(self._db, pair)

    def correct(self, pair: Pair, key: str, value: str, at: float) -> bool:
        """Write another value of what is known; return whether anything of that key was."""
        with self._db:
            return correct(self._db, pair, key, value, at)

    def forget_fact(self, pair: Pair, key: str) -> bool:
        """Delete one thing that is known, for good; return whether anything of that key was."""
        with self._db:
            words = forget_fact(self._db, pair, key)
        self._leave_nothing(words)
        return bool(words)

    def sessions_of(self, pair: Pair) -> tuple[str, ...]:
        """Return the ids of the talks of a player with a character, the newest first."""
        rows = self._db.execute(
            "SELECT session_id FROM sessions WHERE end_user_id = ? AND character_id = ?"
            " ORDER BY used_at DESC",
            (pair.end_user_id, pair.character_id),
        )
        return tuple(row[0] for row in rows)

    def forget_pair(self, pair: Pair, at: float) -> int:
        """Delete the talks of the two and all that lasts; return how many talks that was."""
        ids = self.sessions_of(pair)
        self.remove(ids, at)
        self.forget_lasting(pair.end_user_id, pair.character_id)
        return len(ids)

    def forget_lasting(self, end_user_id: str, character_id: str | None = None) -> None:
        """Delete for good what lasts of a player, with one character or with all."""
        with self._db:
            words = forget_all(self._db, end_user_id, character_id)
        self._leave_nothing((*words, end_user_id))

    def _leave_nothing(self, words: Iterable[str]) -> None:
        purge(self._db)
        if self._path is not None:
            remove_copies(self._path, words)

    def close(self) -> None:
        """Fold the log into the file and close it."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()


def _put_aside(path: Path) -> Path:
    """Rename a database with its log, to names that no earlier one has; return the new name."""
    nth = 1
    aside = path.with_name(f"{path.name}.damaged")
    while aside.exists():
        nth += 1
        aside = path.with_name(f"{path.name}.damaged{nth}")
    for ending in ("-wal", "-shm", ""):
        beside = path.with_name(path.name + ending)
        if beside.exists():
            beside.replace(aside.with_name(aside.name + ending))
    return aside


# What SQLite says of the disk, of rights and of other processes: the file itself may be sound.
_NOT_OF_THE_FILE = frozenset(
    {
        sqlite3.SQLITE_AUTH, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOLFS, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PERM, sqlite3.SQLITE_PROTOCOL,
    }
)  # fmt: skip


def _may_be_sound(path: Path, error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_READONLY:  # it says so of a version that it can only read, too
        return not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))
    return code in _NOT_OF_THE_FILE


def _connect(database: str) -> sqlite3.Connection:
    db = sqlite3.connect(database, check_same_thread=False, timeout=5.0)
    db.text_factory = lambda raw: raw.decode("utf-8", "replace")  # a bit may have flipped
    try:
        if db.execute("PRAGMA user_version").fetchone()[0] not in (0, _VERSION):
            raise sqlite3.DatabaseError("it is of another version")
        if not _is_ours(_columns(db)):
            raise sqlite3.DatabaseError("it is another program's")
        db.executescript(_SETTINGS + _SCHEMA)
        if db.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("quick_check failed")
        db.execute(f"PRAGMA user_version = {_VERSION}")  # what can only be read refuses here
    except sqlite3.Error:
        db.close()
        raise
    return db


Columns: TypeAlias = Mapping[str, tuple[str, ...]]
"""The names of the columns of each table."""


def _columns(db: sqlite3.Connection) -> Columns:
    tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {
        name: tuple(row[0] for row in db.execute("SELECT name FROM pragma_table_info(?)", (name,)))
        for (name,) in tables
    }


def _is_ours(found: Columns) -> bool:
    """Tell whether a database is empty, or has our tables and none that differs from them."""
    with closing(sqlite3.connect(":memory:")) as model:
        model.executescript(_SCHEMA)
        ours = _columns(model)
    return not found or (
        "sessions" in found and all(ours.get(name) == found[name] for name in found)
    )


def _encode(part: Part) -> dict[str, Any]:
    """Return one part of an answer as JSON values."""
    if isinstance(part, Say):
        return {"say": part.text}
    if isinstance(part, Feel):
        return {"feel": part.emotion, "scale": part.scale}
    assert isinstance(part, Do)  # a turn keeps nothing else
    return {"do": [[action.name, action.target, action.arguments] for action in part.actions]}


def _decode(answer: str) -> tuple[Part, ...] | None:
    """Return the parts of an answer that was encoded, None for one that cannot be read."""
    try:
        return tuple(map(_decode_part, from_json(answer)))
    except (TypeError, KeyError, ValueError):
        return None


def _decode_part(raw: dict[str, Any]) -> Part:
    if "say" in raw:
        return Say(raw["say"])
    if "feel" in raw:
        return Feel(raw["feel"], raw["scale"])
    return Do(tuple(Action(*row) for row in raw["do"]))  # an older version kept two values


def _lasting_pair(session: ServiceSession | StoredSession) -> Pair | None:
    """Return who knows whom beyond a session; None where nothing of it lasts."""
    if not session.is_lasting or session.end_user_id is None:
        return None
    return Pair(session.end_user_id, session.character_id)


T = TypeVar("T")


class SessionRepository:
    """The store for the event loop; every call is durable when it returns."""

    def __init__(
        self,
        store: SessionStore,
        registry: Registry,
        *,
        now: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._store = store
        self._registry = registry
        self._now = now
        self._wall = wall
        self._thread = ThreadPoolExecutor(1, "store")
        self._to_remove: dict[str, None] = {}  # ids that are still on the disk

    async def restore(self) -> int:
        """Hand the stored sessions to the registry; return how many there are."""
        stored = await self._call(self._store.load)
        now, wall = self._now(), self._wall()
        sessions = []
        for s in stored.sessions:
            unused = max(0.0, s.counted(wall))
            away = max(0.0, wall - s.used_at - unused)
            sessions.append(
                ServiceSession(
                    s.session_id, s.character_id, s.end_user_id, now - unused, more_away=away
                )
            )
        self._registry.restore(sessions, stored.ended)
        await self._count_unused()
        return len(sessions)

    async def _count_unused(self) -> None:
        """Write how old the sessions are; a disk that refuses makes them no older."""
        now = self._now()
        unused = {s.session_id: now - s.used_at for s in self._registry.sessions}
        try:
            await self._call(self._store.count_unused, unused)
        except (OSError, sqlite3.Error) as error:
            log.warning("the age of the sessions is not written: %s", error)

    async def history(self, session: ServiceSession, heard: str | None = None) -> RoomHistory:
        """Return what a new room begins with; `heard` as in `SessionStore.history`."""
        pair = _lasting_pair(session)
        return await self._call(self._store.history, session.session_id, heard, self._wall(), pair)

    async def save(
        self,
        session: ServiceSession,
        memory: dict[str, Any] | None = None,
        entries: tuple[Entry, ...] = (),
    ) -> None:
        """Write a session, unless it has been removed by the time that its turn comes."""
        wall = self._wall()
        stored = StoredSession(
            session.session_id,
            session.character_id,
            session.end_user_id,
            wall - max(0.0, self._now() - session.used_at),
            is_lasting=session.is_lasting,
        )

        def write() -> None:
            self._remove_now()
            if self._registry.session(session.session_id) is not None:
                self._store.save(stored, memory, entries, wall)

        await self._call(write)

    async def remove(self, session_ids: Iterable[str]) -> None:
        """Delete sessions and all that was said in them.

        What the disk refuses to delete is deleted before the next write: what a player wanted to
        be deleted must not come back with the next start.
        """
        self._to_remove.update(dict.fromkeys(session_ids))
        await self._call(self._remove_now)

    def _remove_now(self) -> None:
        ids = tuple(self._to_remove)
        if ids:
            self._store.remove(ids, self._wall())
            for session_id in ids:
                del self._to_remove[session_id]

    async def facts(self, pair: Pair) -> tuple[KnownFact, ...]:
        """Return what a character knows of a player."""
        return await self._call(self._store.facts, pair)

    async def correct(self, pair: Pair, key: str, value: str) -> bool:
        """Write another value; return whether anything of that key was known."""
        return await self._call(self._store.correct, pair, key, value, self._wall())

    async def forget_fact(self, pair: Pair, key: str) -> bool:
        """Delete one thing that is known; return whether anything of that key was."""
        return await self._call(self._store.forget_fact, pair, key)

    async def forget_lasting(self, end_user_id: str, character_id: str | None = None) -> None:
        """Delete for good what lasts of a player, with one character or with all."""
        await self._call(self._store.forget_lasting, end_user_id, character_id)

    async def close(self) -> None:
        """Finish what was asked for, then close the file."""
        with suppress(Exception):  # its caller was told that it failed
            await self._call(self._remove_now)
        await self._count_unused()
        await self._call(self._store.close)
        self._thread.shutdown()

    async def _call(self, work: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)


MAX_UNSAVED = 600  # entries, while the disk refuses

Save: TypeAlias = Callable[
    [ServiceSession, dict[str, Any] | None, tuple[Entry, ...]], Awaitable[None]
]
"""Writes a session, its agent's memory and new entries; durable when it returns."""


class RoomStore:
    """Collects what one room has to persist and writes it in the background, one write at a time.

    `start` it in the event loop; `close` it, so that nothing is lost when the room ends.
    `confirm` is called with each line that has an id when it is durable. `heard` returns the lines
    whose answers the client received whole since the last call.
    """

    def __init__(
        self,
        session: ServiceSession,
        save: Save,
        *,
        memory: Callable[[], dict[str, Any]],
        confirm: Callable[[PersistEntry], object],
        heard: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self._session = session
        self._write = save
        self._memory = memory
        self._confirm = confirm
        self._heard = heard
        self._entries: list[Entry] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._dirty = asyncio.Event()
        self._is_closing = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write."""
        # Never cancelled: a cancelled write may be on disk or not, and would be written twice.
        self._task = asyncio.create_task(self._run())

    def append(self, entry: Entry) -> None:
        """Persist an entry soon."""
        self._entries.append(entry)
        self._dirty.set()

    def save_soon(self) -> None:
        """Save although nothing was appended, because an answer was received."""
        self._dirty.set()

    async def flush(self) -> None:
        """Return when all that was appended is durable, or the disk has refused it."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._dirty.set()
        await waiter

    async def close(self) -> None:
        """Save what is left, then stop."""
        self._is_closing = True
        self._dirty.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        is_last = False
        while not is_last:
            await self._dirty.wait()
            self._dirty.clear()
            is_last = self._is_closing
            await self._save()

    async def _save(self) -> None:
        self._entries += map(ResolveReply, self._heard())
        entries = tuple(self._entries)
        waiters, self._waiters = self._waiters, []
        try:
            await self._write(self._session, self._memory(), entries)
        except Exception as error:
            # The conversation goes on; the next save tries again with all that is there by then.
            log.error("a session could not be saved: %s", type(error).__name__)
            self._entries = self._entries[-MAX_UNSAVED:]
        else:
            del self._entries[: len(entries)]
            for entry in entries:
                if isinstance(entry, PersistEntry) and entry.message_id is not None:
                    self._confirm(entry)
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
