"""Sessions and transcripts on SQLite: what survives a restart of the service.

Times on disk are wall-clock seconds, because nothing else survives a restart; the ages are
worked out once, when the store is opened, and the registry goes on from there on its own clock.
All calls block; the shell makes them from one worker thread.

Keeps sessions on disk from the event loop: one worker thread, calls in the order they were made.

Here the two clocks meet: the registry's, which nothing can turn back, and the wall clock that is
written down.

Saves one room as it goes on: one write at a time, nothing lost when the room ends in between.

An answer as it is written down: decided once, told until the player has had it whole.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from characters.agents.agent import Do, Feel, Part, Say
from characters.protocol.messages import Action
from characters.service.conversation import (
    Entry,
    PendingReply,
    PersistEntry,
    PlayerLine,
    ResolveReply,
)
from characters.service.registry import Registry, Room, ServiceSession

__all__ = [
    "Keeping",
    "OwedAnswer",
    "read_answer",
    "RoomHistory",
    "SessionRepository",
    "SessionStore",
    "Settled",
    "SpokenTurn",
    "StoredEntry",
    "StoredSession",
    "WriteBehindQueue",
    "written_answer",
]


log = logging.getLogger(__name__)

MAX_TURNS = 400
MAX_OWED = 16  # answers that are told again at most: more than can wait for a mind
_SETTINGS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA secure_delete = ON;
"""
_SCHEMA = """
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
"""


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as it lies on disk; `used_at` in wall-clock seconds."""

    session_id: str
    character_id: str
    end_user_id: str | None
    used_at: float


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """One thing said, speaker "player" or "character"; `said_at` in wall-clock seconds.

    `message_id` is what the client called a typed line; it is written, and read by `lines`.
    `answers` is the line that is answered: an answer that is owed is written once.
    """

    speaker: str
    text: str
    said_at: float
    message_id: str | None = None
    answers: str | None = None


@dataclass(frozen=True, slots=True)
class OwedAnswer:
    """Lines that are answered together: `answer` is JSON, None while it is undecided.

    Read back (`SessionStore.owed`), it is one line, with its text, and whether the client has
    had the answer whole.
    """

    message_ids: tuple[str, ...]
    answer: str | None
    text: str = ""
    is_heard: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """A line to which no answer is owed any more; None for all whose answer is decided."""

    message_id: str | None


StoredEntry: TypeAlias = SpokenTurn | OwedAnswer | Settled


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store holds when it is opened."""

    sessions: tuple[StoredSession, ...]
    ended: tuple[str, ...]


class SessionStore:
    """The database file; `path` None keeps everything in memory."""

    def __init__(self, path: Path | None) -> None:
        self._db = _open(path)

    def load(self) -> Kept:
        """Return every session, without what was said in it."""
        rows = self._db.execute(
            "SELECT session_id, character_id, end_user_id, used_at FROM sessions"
        )
        sessions = tuple(StoredSession(*row) for row in rows)
        ended = self._db.execute("SELECT session_id FROM ended ORDER BY ended_at")
        return Kept(sessions, tuple(row[0] for row in ended))

    def memory(self, session_id: str) -> dict[str, Any]:
        """Return what the character remembers; empty for a session that is not there."""
        row = self._db.execute(
            "SELECT memory FROM sessions WHERE session_id = ?", (session_id,)
        ).fetchone()
        value = json.loads(row[0]) if row else {}
        return value if isinstance(value, dict) else {}

    def turns(self, session_id: str) -> tuple[SpokenTurn, ...]:
        """Return the last turns of a session, oldest first."""
        rows = self._db.execute(
            "SELECT speaker, text, said_at FROM turns WHERE session_id = ? ORDER BY number",
            (session_id,),
        )
        return tuple(SpokenTurn(*row) for row in rows)

    def lines(self, session_id: str) -> frozenset[str]:
        """Return the message ids of the last typed lines of a session."""
        rows = self._db.execute("SELECT message_id FROM lines WHERE session_id = ?", (session_id,))
        return frozenset(row[0] for row in rows)

    def owed(self, session_id: str, heard: str | None = None) -> tuple[OwedAnswer, ...]:
        """Return what is still to be answered or was not settled, oldest first.

        `heard` is the last line whose answer the client had whole: what is decided up to it is.
        """
        found = self._db.execute(
            "SELECT number FROM lines WHERE session_id = ? AND message_id = ?", (session_id, heard)
        ).fetchone()
        rows = self._db.execute(
            "SELECT message_id, answer, text, number FROM owed"
            " JOIN lines USING (session_id, message_id) JOIN turns USING (session_id, number)"
            " WHERE session_id = ? ORDER BY number",
            (session_id,),
        )
        last = found[0] if found else 0
        return tuple(
            OwedAnswer((row[0],), row[1], row[2], row[1] is not None and row[3] <= last)
            for row in rows
        )

    def write(self, session_id: str, entries: Iterable[StoredEntry]) -> None:
        """Write what is new in a session that is there; durable on return."""
        with self._db:
            self._write(session_id, entries)

    def save(
        self,
        session: StoredSession,
        memory: dict[str, Any] | None = None,
        entries: Iterable[StoredEntry] = (),
    ) -> None:
        """Write a session, what it remembers and what is new, in order; durable on return."""
        with self._db:
            self._db.execute(
                "INSERT INTO sessions (session_id, character_id, end_user_id, used_at)"
                " VALUES (?, ?, ?, ?)"
                " ON CONFLICT (session_id) DO UPDATE SET used_at = excluded.used_at",
                (session.session_id, session.character_id, session.end_user_id, session.used_at),
            )
            if memory is not None:
                self._db.execute(
                    "UPDATE sessions SET memory = ? WHERE session_id = ?",
                    (json.dumps(memory), session.session_id),
                )
            self._write(session.session_id, entries)

    def _write(self, session_id: str, entries: Iterable[StoredEntry]) -> None:
        for entry in entries:
            self._WRITERS[type(entry)](self, session_id, entry)

    def _add_turn(self, session_id: str, turn: SpokenTurn) -> None:
        if turn.answers is not None and self._is_kept_already(session_id, turn.answers):
            return
        last = self._db.execute(
            "SELECT coalesce(max(number), 0) FROM turns WHERE session_id = ?", (session_id,)
        ).fetchone()[0]
        number = last + 1
        self._db.execute(
            "INSERT INTO turns (session_id, number, speaker, text, said_at) VALUES (?, ?, ?, ?, ?)",
            (session_id, number, turn.speaker, turn.text, turn.said_at),
        )
        if turn.message_id is not None:
            self._db.execute(
                "INSERT OR IGNORE INTO lines (session_id, message_id, number) VALUES (?, ?, ?)",
                (session_id, turn.message_id, number),
            )
        gone = (session_id, number - MAX_TURNS)
        self._db.execute(
            "DELETE FROM owed WHERE (session_id, message_id) IN"
            " (SELECT session_id, message_id FROM lines WHERE session_id = ? AND number <= ?)",
            gone,
        )
        for table in ("turns", "lines"):
            self._db.execute(f"DELETE FROM {table} WHERE session_id = ? AND number <= ?", gone)

    def _is_kept_already(self, session_id: str, message_id: str) -> bool:
        """Tell whether that line's answer is written; else note that it is now."""
        line = (session_id, message_id)
        where = "WHERE session_id = ? AND message_id = ?"
        found = self._db.execute(f"SELECT is_kept FROM owed {where}", line).fetchone()
        self._db.execute(f"UPDATE owed SET is_kept = 1 {where}", line)
        return bool(found and found[0])

    def _add_owed(self, session_id: str, owed: OwedAnswer) -> None:
        for message_id in owed.message_ids[:-1]:
            self._settle(session_id, Settled(message_id))
        self._db.execute(
            "INSERT INTO owed (session_id, message_id, answer) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET answer = excluded.answer",
            (session_id, owed.message_ids[-1], owed.answer),
        )
        # A client that never confirms anything is not told half the talk when it comes back.
        self._db.execute(
            "DELETE FROM owed WHERE session_id = ?1 AND answer IS NOT NULL AND message_id NOT IN"
            " (SELECT message_id FROM owed JOIN lines USING (session_id, message_id)"
            " WHERE session_id = ?1 AND answer IS NOT NULL ORDER BY number DESC LIMIT ?2)",
            (session_id, MAX_OWED),
        )

    def _settle(self, session_id: str, settled: Settled) -> None:
        self._db.execute(
            "DELETE FROM owed WHERE session_id = ?1"
            " AND (message_id = ?2 OR (?2 IS NULL AND answer IS NOT NULL))",
            (session_id, settled.message_id),
        )

    _WRITERS: Mapping[type[StoredEntry], Callable[[Any, str, Any], None]] = {
        SpokenTurn: _add_turn,
        OwedAnswer: _add_owed,
        Settled: _settle,
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

    def close(self) -> None:
        """Fold the log into the file and close it."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()


def _open(path: Path | None) -> sqlite3.Connection:
    """Open the file; one that is no database, or a damaged one, is put aside and reported."""
    if path is None:
        return _connect(":memory:")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=True)
    try:
        return _connect(str(path))
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise  # Locked, unreadable, full: the file itself may be sound.
        aside = path.with_name(f"{path.name}.damaged")
        log.error("%s is damaged; put aside as %s, all start afresh", path.name, aside.name)
        path.replace(aside)
        for ending in ("-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
        return _connect(str(path))


def _connect(where: str) -> sqlite3.Connection:
    db = sqlite3.connect(where, check_same_thread=False, timeout=5.0)
    try:
        db.executescript(_SETTINGS + _SCHEMA)
        if db.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("quick_check failed")
    except sqlite3.Error:
        db.close()
        raise
    return db


MAX_UNSAVED = 600  # entries, while the disk refuses

Keeping: TypeAlias = Callable[[Room, dict[str, Any] | None, tuple[Entry, ...]], Awaitable[None]]
"""Writes a room's session at once: what is remembered, and what is new."""


class WriteBehindQueue:
    """Collects what is to be kept, and keeps it in the background; `close` it to the end.

    `kept` hears of each thing said when it is durable. `heard` names the lines whose answers the
    client has had whole since it was asked last.
    """

    def __init__(
        self,
        room: Room,
        keep: Keeping,
        memory: Callable[[], dict[str, Any]],
        kept: Callable[[PersistEntry], object],
        heard: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self._room = room
        self._keep = keep
        self._memory = memory
        self._kept = kept
        self._heard = heard
        self._entries: list[Entry] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._dirty = asyncio.Event()
        self._is_closing = False
        # Never cancelled: a cancelled write may be on disk or not, and would be written twice.
        self._task = asyncio.create_task(self._run())

    def add(self, entry: Entry) -> None:
        """Write this down."""
        self._entries.append(entry)
        self._dirty.set()

    def nudge(self) -> None:
        """Save soon, although nothing was added: an answer was heard."""
        self._dirty.set()

    async def flush(self) -> None:
        """Return when what is remembered by now is durable, or the disk has refused it."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._dirty.set()
        await waiter

    async def close(self) -> None:
        """Save what is left, then stop."""
        self._is_closing = True
        self._dirty.set()
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
            await self._keep(self._room, self._memory(), entries)
        except Exception as error:
            # The talk goes on; the next save tries again with what is there by then.
            log.error("a session could not be saved: %s", type(error).__name__)
            self._entries = self._entries[-MAX_UNSAVED:]
        else:
            del self._entries[: len(entries)]
            for entry in entries:
                if isinstance(entry, PersistEntry):
                    self._kept(entry)
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


def written_answer(parts: Iterable[Part]) -> str:
    """Return the parts as JSON."""
    return json.dumps([_written(part) for part in parts])


def read_answer(text: str) -> tuple[Part, ...]:
    """Return the parts that `written_answer` wrote."""
    return tuple(_read(raw) for raw in json.loads(text))


def _written(part: Part) -> dict[str, Any]:
    if isinstance(part, Say):
        return {"say": part.text}
    if isinstance(part, Feel):
        return {"feel": part.emotion, "scale": part.scale}
    return {"do": [[action.name, action.target] for action in part.actions]}


def _read(raw: dict[str, Any]) -> Part:
    if "say" in raw:
        return Say(raw["say"])
    if "feel" in raw:
        return Feel(raw["feel"], raw["scale"])
    return Do(tuple(Action(name, target) for name, target in raw["do"]))


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RoomHistory:
    """What a room begins with: what its character remembers, and what is still to be answered."""

    memory: dict[str, Any] = field(default_factory=dict)
    known: frozenset[str] = frozenset()  # ids of the typed lines that the session has
    left: tuple[tuple[PlayerLine, tuple[Part, ...] | None], ...] = ()


class SessionRepository:
    """The store behind its thread; every call is durable when it returns."""

    def __init__(
        self, store: SessionStore, *, now: Callable[[], float], wall: Callable[[], float]
    ) -> None:
        self._store = store
        self._now = now
        self._wall = wall
        self._thread = ThreadPoolExecutor(1, "store")
        self._to_remove: dict[str, None] = {}  # ids that the disk has still to let go of

    async def restore(self, registry: Registry) -> int:
        """Hand the registry what was kept; return how many sessions that is."""
        kept = await self._call(self._store.load)
        now, wall = self._now(), self._wall()
        # A clock that was set back between two runs must not make a session younger than new.
        sessions = [
            ServiceSession(
                s.session_id, s.character_id, s.end_user_id, now - max(0.0, wall - s.used_at)
            )
            for s in kept.sessions
        ]
        registry.restore(sessions, kept.ended)
        return len(sessions)

    async def past(self, session_id: str, heard: str | None = None) -> RoomHistory:
        """Return what was before; `heard` is the last line whose answer the client had whole."""

        wall = self._wall()

        def read() -> RoomHistory:
            store = self._store
            owed = store.owed(session_id, heard)
            had = [entry for item in owed if item.is_heard for entry in _settled(item, wall)]
            if had:
                store.write(session_id, had)
            left = tuple(_left(item) for item in owed if not item.is_heard)
            return RoomHistory(store.memory(session_id), store.lines(session_id), left)

        return await self._call(read)

    async def keep(
        self,
        session: ServiceSession,
        memory: dict[str, Any] | None,
        entries: Iterable[Entry],
        still_known: Callable[[], bool],
    ) -> None:
        """Write a session, unless it has been removed by the time that its turn comes."""
        wall = self._wall()
        stored = StoredSession(
            session.session_id,
            session.character_id,
            session.end_user_id,
            wall - max(0.0, self._now() - session.used_at),
        )
        new = [_stored(entry, wall) for entry in entries]

        def save() -> None:
            self._remove_owed()
            if still_known():
                self._store.save(stored, memory, new)

        await self._call(save)

    async def remove(self, session_ids: Iterable[str]) -> None:
        """Delete sessions and all that was said in them.

        What the disk refuses is owed, and done before the next write: what somebody wanted to be
        deleted must not come back with the next start.
        """
        self._to_remove.update(dict.fromkeys(session_ids))
        await self._call(self._remove_owed)

    def _remove_owed(self) -> None:
        owed = tuple(self._to_remove)
        if owed:
            self._store.remove(owed, self._wall())
            for session_id in owed:
                del self._to_remove[session_id]

    async def close(self) -> None:
        """Finish what was asked for, then let go of the file."""
        with suppress(Exception):  # whoever asked for it was told that it failed
            await self._call(self._remove_owed)
        await self._call(self._store.close)
        self._thread.shutdown()

    async def _call(self, work: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)


def _stored(entry: Entry, wall: float) -> StoredEntry:
    if isinstance(entry, PersistEntry):
        return SpokenTurn(entry.speaker, entry.text, wall, entry.message_id, entry.answers)
    if isinstance(entry, PendingReply):
        answer = None if entry.parts is None else written_answer(entry.parts)
        return OwedAnswer(entry.message_ids, answer)
    return Settled(entry.message_id)


def _left(owed: OwedAnswer) -> tuple[PlayerLine, tuple[Part, ...] | None]:
    line = PlayerLine(owed.text, owed.message_ids[-1], is_kept=True)
    return line, None if owed.answer is None else read_answer(owed.answer)


def _settled(owed: OwedAnswer, wall: float) -> tuple[StoredEntry, ...]:
    """Return what to write of an answer that came whole, of which the service knew that not."""
    (message_id,) = owed.message_ids
    parts = () if owed.answer is None else read_answer(owed.answer)
    said = "".join(part.text for part in parts if isinstance(part, Say))
    turn = SpokenTurn("character", said, wall, answers=message_id)
    return (turn, Settled(message_id)) if said else (Settled(message_id),)
