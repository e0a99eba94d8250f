"""Sessions and transcripts in SQLite; every call blocks.

What was said is in `talks`, what lasts of a player in `memory`. For the event loop there is the
`repository`.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import starmap
from pathlib import Path
from typing import Any

from characters.english import ENGLISH
from characters.protocol.failures import CharactersError
from characters.service.branches import LogPlace
from characters.service.database import connect, may_be_sound, put_aside
from characters.service.directory import expired
from characters.service.effects import (
    Entry,
    PendingReply,
    PersistEntry,
)
from characters.service.memory import (
    KnownFact,
    Pair,
    correct,
    forget_all,
    forget_fact,
    from_json,
    known,
    known_elsewhere,
    known_in,
    learn,
    merged,
    pin,
    remove_copies,
    saved_memory,
    unlearn,
    write_memory,
)
from characters.service.registry import RefusalError, ServiceSession
from characters.service.tables import Database
from characters.service.talks import MAX_TURNS, Exchange, TalkTables, family_of, roots_of
from engine.core.file_system import expect_database

__all__ = [
    "database_of", "FencedError", "lasting_pair", "RoomHistory", "SessionStore",
    "StoredSession", "StoredSessions", "Undone",
]  # fmt: skip


log = logging.getLogger(__name__)

DAY = 86400.0


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
    is_saved: bool = False
    """Whether it was made for a save slot."""
    is_lasting: bool = False
    """Whether what is learnt in it of the player is known in other sessions, too."""
    epoch: int = 1
    """How often it has changed its owner; see `directory`."""
    is_stored: bool = False
    """Whether it was written before: if it is gone then, it was removed."""

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
    is_untouched: bool = False  # a branch that goes on as if there had been no break


@dataclass(frozen=True, slots=True)
class Undone:
    """The last exchange, which was taken back, and what there was before it."""

    exchange: Exchange
    memory: dict[str, Any]
    turns: tuple[PersistEntry, ...]


def database_of(data: Path) -> Path:
    """Return the place of the embedded service's database in a data folder."""
    return data / "service" / "sessions.sqlite3"


class FencedError(CharactersError):
    """A session is another node's now, or was removed: this node must not write it."""


class SessionStore:
    """The database file; `path` None keeps everything in memory. Of each talk it keeps the end.

    A file that is damaged, or another program's, is put aside, never deleted; `warning` says so.
    With a `database` it is that one instead of a file, shared by nodes of which this one has the
    name `node`: what it writes of a session raises FencedError unless it is the session's owner.
    """

    def __init__(
        self,
        path: Path | None,
        most_turns: int = MAX_TURNS,
        *,
        database: Database | None = None,
        node: str = "",
    ) -> None:
        self._path = path
        self._node = node
        self._writes = 0
        self.warning = ""
        """What the player has to know about the store."""
        if database is None:
            database = connect(":memory:") if path is None else self._open(path)
        self._db = database
        self._talks = TalkTables(self._db, from_json, most_turns)
        if self._db.execute("SELECT 1 FROM unpurged").fetchone() is not None:
            self._db.purge()  # the last process was killed before it came to that

    @property
    def is_shared(self) -> bool:
        """Whether other nodes write it, too."""
        return bool(self._node)

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

    def _open(self, path: Path) -> Database:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        expect_database(path)
        path.touch(mode=0o600, exist_ok=True)
        try:
            return connect(str(path))
        except sqlite3.DatabaseError as error:
            if may_be_sound(path, error):
                raise
            aside = put_aside(path)
        self.warning = ENGLISH("service.damaged", file=path.name, aside=aside.name)
        log.error("%s", self.warning)
        return connect(str(path))

    # --- reading ---

    def load(self) -> StoredSessions:
        """Return every session, without what was said in it."""
        rows = self._db.execute(
            "SELECT session_id, character_id, end_user_id, used_at, coalesce(seconds, 0.0),"
            " is_saved != 0 FROM sessions LEFT JOIN unused USING (session_id)"
        )
        sessions = tuple(starmap(StoredSession, rows))
        ended = self._db.execute("SELECT session_id FROM ended ORDER BY ended_at")
        return StoredSessions(sessions, tuple(row[0] for row in ended))

    def memory(self, session_id: str) -> dict[str, Any]:
        """Return what the character remembers; empty for an unknown session."""
        return self._memory(session_id)[0]

    def _memory(self, session_id: str) -> tuple[dict[str, Any], bool]:
        """Return what the character remembers, and whether that is a branch nobody was in yet."""
        row = self._db.execute(
            "SELECT is_untouched FROM sessions WHERE session_id = ?", (session_id,)
        ).fetchone()
        return saved_memory(self._db, session_id), bool(row and row[0])

    def turns(self, session_id: str) -> tuple[PersistEntry, ...]:
        """Return the last turns of a session, oldest first, without their ids."""
        return self._talks.turns(session_id) if self._has(session_id) else ()

    def message_ids(self, session_id: str) -> frozenset[str]:
        """Return the ids of the last typed lines of a session."""
        return self._talks.message_ids(session_id) if self._has(session_id) else frozenset()

    def _has(self, session_id: str) -> bool:
        found = self._db.execute("SELECT 1 FROM sessions WHERE session_id = ?", (session_id,))
        return found.fetchone() is not None

    def pending(self, session_id: str) -> tuple[PendingReply, ...]:
        """Return the replies that are pending, oldest first, each for one line."""
        return self._talks.pending(session_id)

    def history(
        self,
        session_id: str,
        heard: str | None,
        at: float,
        pair: Pair | None = None,
        own: StoredSession | None = None,
    ) -> RoomHistory:
        """Return what a new room of a session begins with.

        `heard` is the last line whose answer the client received whole: answers up to it were
        received too, of which an earlier room may not know. They are written at `at`. What the
        character knows of the player from other sessions is in it, if it is told who the `pair` is;
        with a branch that nobody was in yet it is the other way: what it knows is all that lasts.
        `own` is the session as this node has it. Raises FencedError when it is another's.
        """
        with self._db:
            if own is not None and own.is_stored:
                self._expect_own(own)
            self._receive_until(session_id, heard, at)
            memory, is_untouched = self._memory(session_id)
            if pair is not None and is_untouched:
                learn(self._db, pair, session_id, memory, at, anew=True)
        pending = self.pending(session_id)
        if pair is not None and not is_untouched:
            memory = merged(self._db, pair, memory)
        turns, message_ids = self.turns(session_id), self.message_ids(session_id)
        return RoomHistory(memory, turns, message_ids, pending, is_untouched)

    def _receive_until(self, session_id: str, heard: str | None, at: float) -> None:
        """Note that the answers up to that of a line were received whole."""
        if heard is not None and self._has(session_id):
            self._talks.receive_until(session_id, heard, at)

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
        session_id = session.session_id
        with self._db:
            if not session.is_stored and not self._has(session_id):
                self._insert(session, self._talks.begin())
            self._expect_own(session)
            self._db.execute(
                "UPDATE sessions SET used_at = ? WHERE session_id = ?",
                (session.used_at, session_id),
            )
            self._db.execute("DELETE FROM unused WHERE session_id = ?", (session_id,))
            for entry in entries:
                self._talks.write(session_id, entry, at)
            if memory is not None:
                if pair := lasting_pair(session):
                    learn(self._db, pair, session_id, memory, at)
                self._db.execute(
                    "UPDATE sessions SET memory = ?, is_untouched = 0 WHERE session_id = ?",
                    (json.dumps(memory), session_id),
                )

    def _insert(self, session: StoredSession, place: LogPlace) -> None:
        self._db.execute(
            "INSERT INTO sessions"
            " (session_id, character_id, end_user_id, used_at, is_saved, segment, last)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                session.session_id, session.character_id, session.end_user_id, session.used_at,
                session.is_saved, place.segment, place.number,
            ),
        )  # fmt: skip
        if self._node:
            self._db.execute(
                "INSERT INTO owners (session_id, node, epoch) VALUES (?, ?, ?)",
                (session.session_id, self._node, session.epoch),
            )

    def _expect_own(self, session: StoredSession) -> None:
        """Raise FencedError unless this node owns the session; nobody takes it before the end.

        The mark proves later that the transaction was committed. Sessions with a common past are
        written one by one.
        """
        if not self._node:
            return
        session_id, self._writes = session.session_id, self._writes + 1
        mark = f"{self._node}.{self._writes}"
        mine = self._db.execute(
            "UPDATE owners SET mark = ? WHERE session_id = ? AND node = ? AND epoch = ?"
            " RETURNING epoch",
            (mark, session_id, self._node, session.epoch),
        ).fetchone()
        if mine is None:
            raise FencedError("the session is another node's, or was removed")
        self._db.proven_by(
            "SELECT 1 FROM owners WHERE session_id = ? AND mark = ?", (session_id, mark)
        )
        self._db.execute(
            "SELECT segment FROM segments WHERE segment = (SELECT root FROM segments"
            f" JOIN sessions USING (segment) WHERE session_id = ?){self._db.for_update}",
            (session_id,),
        )

    def branch(
        self,
        session_id: str,
        branch: StoredSession,
        number: int | None = None,
        *,
        heard: str | None = None,
        at: float = 0.0,
        own: StoredSession | None = None,
        most_saved: int | None = None,
    ) -> int | None:
        """Make a session that shares another's past, and return the number of its last entry.

        That is `number`, or the last one before it at which an exchange began; None is all that
        was said, with the replies that are pending. None is returned, and nothing made, where
        nothing so old is kept. `heard` and `own` are as for `history`. Raises RefusalError when
        the branch is to be saved, and `most_saved` of the player are.
        """
        if not self._has(session_id):
            return None
        with self._db:
            if own is not None:
                self._expect_own(own)
            if branch.is_saved and most_saved is not None:
                self._expect_room_for(branch.end_user_id, most_saved)
            end = self._talks.end(session_id)
            is_whole = number is None or number >= end.number
            known = (end, self.memory(session_id)) if is_whole else None
            if number is not None and not is_whole:
                known = self._talks.known(session_id, number)
            if known is None:
                return None
            place, memory = known
            self._insert(branch, place)
            self._db.execute(
                "UPDATE sessions SET memory = ?, is_untouched = 1 WHERE session_id = ?",
                (json.dumps(memory), branch.session_id),
            )
            if is_whole:
                self._talks.copy_pending(session_id, branch.session_id)
                self._receive_until(branch.session_id, heard, at)
            return self._talks.end(branch.session_id).number

    def _expect_room_for(self, end_user_id: str | None, most_saved: int) -> None:
        self._db.one_at_a_time(f"save of {end_user_id}")
        (saved,) = self._db.execute(
            "SELECT count(*) FROM sessions WHERE is_saved != 0"
            " AND (end_user_id = ?1 OR (end_user_id IS NULL AND ?1 IS NULL))",
            (end_user_id,),
        ).fetchone()
        if saved >= most_saved:
            raise RefusalError(409, "too much is saved of this player; delete some of it first")

    def take_back(self, session: StoredSession, at: float) -> Undone | None:
        """Undo the last exchange; None where there is none, or what was before is not kept.

        What no other session needs of it is deleted.
        """
        session_id = session.session_id
        with self._db:
            self._expect_own(session)
            exchange = self._talks.last_exchange(session_id) if self._has(session_id) else None
            if exchange is None:
                return None
            known = self._talks.known(session_id, exchange.begin)
            if known is None or known[0].number != exchange.begin:
                return None
            place, memory = known
            if pair := lasting_pair(session):
                unlearn(self._db, session_id, exchange.begin)
                learn(self._db, pair, session_id, memory, at)
            write_memory(self._db, session_id, memory)
            self._talks.move(session_id, place)
        return Undone(exchange, memory, self.turns(session_id))

    def expire(
        self, ttl: float, saved_ttl: float, keep: int | None = None, most: int = 100
    ) -> tuple[str, ...]:
        """Remove some sessions of no living node; return them.

        Those that were not used for so many seconds, and what is more than `keep` altogether.
        """
        with self._db:
            (now,) = self._db.execute(f"SELECT {self._db.clock}").fetchone()
            ids = expired(self._db, now, (ttl, saved_ttl), keep, most)
            if ids:
                self._remove(ids, now)
        return ids

    def of_player(self, end_user_id: str) -> tuple[str, ...]:
        """Return the ids of all sessions of a player."""
        rows = self._db.execute(
            "SELECT session_id FROM sessions WHERE end_user_id = ?", (end_user_id,)
        )
        return tuple(row[0] for row in rows)

    def count_unused(self, seconds: Mapping[str, float]) -> None:
        """Write for how many seconds sessions were not used."""
        with self._db:
            self._db.executemany(
                "INSERT INTO unused VALUES (?, ?)"
                " ON CONFLICT (session_id) DO UPDATE SET seconds = excluded.seconds",
                seconds.items(),
            )

    def remove(self, session_ids: Iterable[str], ended_at: float) -> None:
        """Delete sessions and what was said in them; their ids are known as ended.

        What sessions that branched off share of it stays, for them.
        """
        with self._db:
            self._remove(tuple(session_ids), ended_at)

    def _remove(self, session_ids: Collection[str], ended_at: float) -> None:
        roots = roots_of(self._db, session_ids)
        for table in ("owners", "sessions") if self._node else ("sessions",):
            self._db.executemany(
                f"DELETE FROM {table} WHERE session_id = ?", ((it,) for it in session_ids)
            )
        self._talks.forget_unneeded(roots)
        self._db.executemany(
            "INSERT INTO ended VALUES (?, ?)"
            " ON CONFLICT (session_id) DO UPDATE SET ended_at = excluded.ended_at",
            ((it, ended_at) for it in session_ids),
        )
        self._db.execute(
            "DELETE FROM ended WHERE session_id NOT IN"
            " (SELECT session_id FROM ended ORDER BY ended_at DESC LIMIT 10000)"
        )

    def family(self, session_id: str) -> tuple[str, ...]:
        """Return the ids of all sessions that share anything with one, its own too."""
        return family_of(self._db, (session_id,))

    def forget(
        self,
        session_ids: Iterable[str],
        at: float,
        end_user_id: str,
        character_id: str | None = None,
    ) -> None:
        """Delete sessions for good, with all that share anything with them, and what lasts.

        That is what lasts of a player, with one character or with all. All of it goes or nothing;
        if the process is killed before no word is left in the file, the next one sees to that.
        """
        with self._for_good() as words:
            self._remove(family_of(self._db, session_ids), at)
            words += forget_all(self._db, end_user_id, character_id)
            words.append(end_user_id)

    # --- what lasts ---

    def pairs(self) -> tuple[Pair, ...]:
        """Return which character may know which player."""
        rows = self._db.execute(
            "SELECT end_user_id, character_id FROM learnt UNION"
            " SELECT end_user_id, character_id FROM sessions WHERE end_user_id IS NOT NULL"
        )
        return tuple(Pair(*row) for row in rows)

    def lasts(self, pair: Pair) -> bool:
        """Return whether the character has known the player in more than one session."""
        of_pair = "end_user_id = ? AND character_id = ?"
        found = self._db.execute(
            f"SELECT 1 FROM learnt WHERE {of_pair} LIMIT 1", (pair.end_user_id, pair.character_id)
        )
        return found.fetchone() is not None

    def facts(self, pair: Pair) -> tuple[KnownFact, ...]:
        """Return what a character knows of a player, `learnt_at` None for one talk alone."""
        return known(self._db, pair)

    def facts_in(self, pair: Pair, session_id: str) -> tuple[KnownFact, ...]:
        """Return what is known in one session of the two, and where it comes from."""
        told = self._talks.told(session_id) if self._has(session_id) else ()
        return known_in(self._db, pair, session_id, told)

    def facts_elsewhere(self, pair: Pair, session_id: str) -> tuple[KnownFact, ...]:
        """Return what is known in other sessions of the two, and not in this one."""
        return known_elsewhere(self._db, pair, session_id)

    def pin(self, pair: Pair, session_id: str, key: str, is_pinned: bool) -> bool:
        """Hold on to what is known under a key, or let go of it; return whether anything is."""
        with self._db:
            self._disown(pair)
            return pin(self._db, pair, session_id, key, is_pinned=is_pinned)

    def correct(self, pair: Pair, key: str, value: str, at: float) -> bool:
        """Write another value of what is known; return whether anything of that key was."""
        with self._db:
            self._disown(pair)
            return correct(self._db, pair, key, value, at)

    def _disown(self, pair: Pair) -> None:
        """Take the talks of the two from their nodes, which remember what is changed now."""
        if self._node:
            self._db.execute(
                "UPDATE owners SET node = '', epoch = epoch + 1 WHERE session_id IN"
                " (SELECT session_id FROM sessions WHERE end_user_id = ? AND character_id = ?)",
                (pair.end_user_id, pair.character_id),
            )

    def forget_fact(self, pair: Pair, key: str) -> tuple[str, ...]:
        """Delete one thing that is known, for good; return the words that it was told with."""
        with self._for_good() as words:
            self._disown(pair)
            words += forget_fact(self._db, pair, key)
        return tuple(words)

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
        self.forget(ids, at, pair.end_user_id, pair.character_id)
        return len(ids)

    @contextmanager
    def _for_good(self) -> Iterator[list[str]]:
        """Delete in one transaction, whose words (the list) are nowhere in any file afterwards."""
        words: list[str] = []
        with self._db:
            self._db.execute("INSERT INTO unpurged VALUES (1) ON CONFLICT DO NOTHING")
            yield words
            if self._path is not None:
                remove_copies(self._path, words)
        self._db.purge()

    def close(self) -> None:
        """Close the database."""
        self._db.close()


def lasting_pair(session: ServiceSession | StoredSession) -> Pair | None:
    """Return who knows whom beyond a session; None where nothing of it lasts."""
    if not session.is_lasting or session.end_user_id is None:
        return None
    return Pair(session.end_user_id, session.character_id)
