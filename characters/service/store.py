"""Sessions and transcripts on SQLite: what survives a restart of the service.

Times on disk are wall-clock seconds, because nothing else survives a restart; the ages are
worked out once, when the store is opened, and the registry goes on from there on its own clock.
All calls block; the shell makes them from one worker thread.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

__all__ = ["Entry", "Kept", "OwedAnswer", "SessionStore", "Settled", "SpokenTurn", "StoredSession"]

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


Entry: TypeAlias = SpokenTurn | OwedAnswer | Settled


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

    def write(self, session_id: str, entries: Iterable[Entry]) -> None:
        """Write what is new in a session that is there; durable on return."""
        with self._db:
            self._write(session_id, entries)

    def save(
        self,
        session: StoredSession,
        memory: dict[str, Any] | None = None,
        entries: Iterable[Entry] = (),
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

    def _write(self, session_id: str, entries: Iterable[Entry]) -> None:
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

    _WRITERS: Mapping[type[Entry], Callable[[Any, str, Any], None]] = {
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
