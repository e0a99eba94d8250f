"""What was said in each session and what is still pending, in tables: entries that branches share.

`branches` says what belongs to a session and what nobody needs any more; here it is read and
written. Every call belongs to a transaction of its caller.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from characters.agents.agent import Do, Feel, Part, Say
from characters.protocol.messages import Action
from characters.service.branches import (
    MAX_CHANGES,
    LogPlace,
    SegmentTree,
    change,
    changed,
    exchange_begin,
    rebuilt,
)
from characters.service.effects import (
    BeginExchange,
    Entry,
    PendingReply,
    PersistActions,
    PersistEntry,
    PlayerLine,
    ResolveReply,
)
from characters.service.tables import Database

__all__ = ["Exchange", "family_of", "MAX_PENDING", "MAX_TURNS", "roots_of", "TalkTables"]

MAX_TURNS = 400
MAX_PENDING = 16  # answers that are repeated at most: more turns than can wait for an agent


@dataclass(frozen=True, slots=True)
class Exchange:
    """The last exchange of a session: where it begins, what was said, and what was done."""

    begin: int
    lines: tuple[str, ...]
    answers: tuple[str, ...]
    actions: tuple[Action, ...]


class TalkTables:
    """The last entries of all sessions, `most` of each; `parsed` reads a JSON text of the file."""

    def __init__(self, db: Database, parsed: Callable[[str], Any], most: int = MAX_TURNS) -> None:
        self._db = db
        self._parsed = parsed
        self._most = most

    def begin(self) -> LogPlace:
        """Return the place of a new session, in which nothing was said."""
        row = self._db.execute(
            "INSERT INTO segments (root) VALUES (0) RETURNING segment"
        ).fetchone()
        self._db.execute("UPDATE segments SET root = segment WHERE segment = ?", row)
        return LogPlace(row[0], 0)

    def end(self, session_id: str) -> LogPlace:
        """Return the place of a session. Raises LookupError for an unknown one."""
        row = self._db.execute(
            "SELECT segment, last FROM sessions WHERE session_id = ?", (session_id,)
        ).fetchone()
        if row is None:
            raise LookupError("there is no such session")
        return LogPlace(*row)

    # --- reading ---

    def turns(self, session_id: str) -> tuple[PersistEntry, ...]:
        """Return the last turns of a session, oldest first, without their ids."""
        rows = [
            PersistEntry(speaker, text, was_cut=bool(was_cut))
            for _, speaker, text, was_cut in self._newest_turns(session_id)
        ]
        return tuple(reversed(rows))

    def message_ids(self, session_id: str) -> frozenset[str]:
        """Return the ids of the last typed lines of a session."""
        rows = self._rows(session_id, "SELECT message_id FROM lines", "")
        return frozenset(row[0] for row in rows)

    def line(self, session_id: str, message_id: str | None) -> tuple[int, str] | None:
        """Return the number and the text of a line, None for one that the session has not."""
        end = self.end(session_id)
        for place in self._tree(end.segment).path(end):
            found = self._db.execute(
                "SELECT number, text FROM lines JOIN turns USING (segment, number)"
                " WHERE segment = ? AND message_id = ? AND number <= ?",
                (place.segment, message_id, place.number),
            ).fetchone()
            if found is not None:
                return int(found[0]), str(found[1])
        return None

    def last_exchange(self, session_id: str) -> Exchange | None:
        """Return what was said and done last, None if the player has said nothing yet."""
        turns = tuple(self._newest_turns(session_id))
        begin = exchange_begin((number, speaker) for number, speaker, _, _ in turns)
        if begin is None:
            return None
        said = [(speaker, text) for number, speaker, text, _ in reversed(turns) if number > begin]
        lines = tuple(text for speaker, text in said if speaker == "player")
        answers = tuple(text for speaker, text in said if speaker == "character")
        return Exchange(begin, lines, answers, self._actions(session_id, begin))

    def _actions(self, session_id: str, begin: int) -> tuple[Action, ...]:
        """Return what was done after an entry, the latest first: in this order it is undone."""
        rows = self._rows(session_id, "SELECT number, done FROM actions", "ORDER BY number DESC")
        done = [self._parsed(text) for number, text in rows if number > begin]
        return tuple(Action(*row) for part in done for row in reversed(part or ()))

    def known(self, session_id: str, number: int) -> tuple[LogPlace, dict[str, Any]] | None:
        """Return what was known after an entry, or after the last one before it that was noted.

        It comes with the place of that entry; None if nothing so old is kept. How all began (0) is
        kept for good.
        """
        end = self.end(session_id)
        if 0 < number <= end.number - self._most:
            return None
        tree = self._tree(end.segment)
        for place in tree.path(end):
            found = self._db.execute(
                "SELECT max(number) FROM known WHERE segment = ? AND number <= ?",
                (place.segment, min(number + 1, place.number)),
            ).fetchone()[0]
            if found is not None:
                return tree.place_of(end, found - 1), self._known(LogPlace(place.segment, found))
        return None

    def told(self, session_id: str) -> Iterator[tuple[float, dict[str, Any]]]:
        """Yield what was known before each exchange that is kept, and when that began."""
        end, memory = self.end(session_id), dict[str, Any]()
        for place in reversed(tuple(self._tree(end.segment).path(end))):
            rows = self._db.execute(
                "SELECT memory, changes, (SELECT said_at FROM turns WHERE segment = known.segment"
                " AND turns.number >= known.number ORDER BY number LIMIT 1) FROM known"
                " WHERE segment = ? AND number <= ? ORDER BY number",
                (place.segment, place.number),
            )
            for text, changes, at in rows.fetchall():
                part = self._parsed(text) or {}
                memory = changed(memory, part) if changes else part
                if at is not None:
                    yield at, memory

    def _known(self, place: LogPlace) -> dict[str, Any]:
        rows = self._db.execute(
            "SELECT memory FROM known WHERE segment = ?1 AND number <= ?2 AND number >="
            " (SELECT max(number) FROM known"
            " WHERE segment = ?1 AND number <= ?2 AND changes = 0) ORDER BY number",
            (place.segment, place.number),
        )
        return rebuilt(self._parsed(text) or {} for (text,) in rows)

    def _newest_turns(self, session_id: str) -> Iterator[tuple[int, str, str, int]]:
        """Yield number, speaker, text and whether it was cut, the newest first."""
        rows = self._rows(
            session_id, "SELECT number, speaker, text, was_cut FROM turns", "ORDER BY number DESC"
        )
        for (number, speaker, text, was_cut), _ in zip(rows, range(self._most), strict=False):
            yield number, speaker, text, was_cut

    def _rows(self, session_id: str, select: str, order: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a session, its newest segment first."""
        end = self.end(session_id)
        for place in self._tree(end.segment).path(end):
            if place.number <= end.number - self._most:
                return
            yield from self._db.execute(
                f"{select} WHERE segment = ? AND number > ? AND number <= ? {order}",
                (place.segment, end.number - self._most, place.number),
            ).fetchall()

    def _tree(self, segment: int) -> SegmentTree:
        rows = self._db.execute(
            "SELECT segment, parent, begins FROM segments WHERE root ="
            " (SELECT root FROM segments WHERE segment = ?)",
            (segment,),
        )
        return SegmentTree({s: None if p is None else LogPlace(p, b) for s, p, b in rows})

    # --- writing ---

    def write(self, session_id: str, entry: Entry, at: float) -> None:
        """Write an entry; `at` is when it was said, in wall-clock seconds."""
        self._WRITERS[type(entry)](self, session_id, entry, at)

    def _add_turn(self, session_id: str, entry: PersistEntry, at: float) -> None:
        if entry.answers is not None and self._is_answered(session_id, entry.answers):
            return
        place = self._next(session_id)
        self._db.execute(
            "INSERT INTO turns (segment, number, speaker, text, said_at, was_cut)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (*_key(place), entry.speaker, entry.text, at, entry.was_cut),
        )
        if entry.message_id is not None:
            self._db.execute(
                "INSERT INTO lines (segment, message_id, number) VALUES (?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (place.segment, entry.message_id, place.number),
            )
        self._forget_old(session_id, place)

    def _add_actions(self, session_id: str, entry: PersistActions, at: float) -> None:
        place = self._next(session_id)
        done = [[action.name, action.target, action.arguments] for action in entry.actions]
        self._db.execute(
            "INSERT INTO actions (segment, number, done) VALUES (?, ?, ?)",
            (*_key(place), json.dumps(done)),
        )

    def _note_known(self, session_id: str, entry: BeginExchange, at: float) -> None:
        """Write what is known before an exchange: what has changed since the one before.

        It goes with the entry that follows: who shares what was said before does not share it.
        """
        end = self._free_end(session_id)
        place = LogPlace(end.segment, end.number + 1)
        before = self._db.execute(
            "SELECT number, changes FROM known WHERE segment = ? AND number < ?"
            " ORDER BY number DESC LIMIT 1",
            (place.segment, place.number),
        ).fetchone()
        part, changes = None, 0
        if before is not None and before[1] < MAX_CHANGES:
            part = change(self._known(LogPlace(place.segment, before[0])), entry.memory)
            changes = 0 if part is None else before[1] + 1
        self._db.execute(
            "INSERT INTO known (segment, number, memory, changes) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (segment, number)"
            " DO UPDATE SET memory = excluded.memory, changes = excluded.changes",
            (*_key(place), json.dumps(entry.memory if part is None else part), changes),
        )

    def move(self, session_id: str, place: LogPlace) -> None:
        """Let a session end at another place; what nobody needs then is deleted."""
        self._db.execute(
            "DELETE FROM owed WHERE session_id = ? AND number > ?", (session_id, place.number)
        )
        self._move(session_id, place)
        self.forget_unneeded(roots_of(self._db, [session_id]))

    def forget_unneeded(self, roots: Iterable[int]) -> None:
        """Delete what no session needs any more of the segments below these first ones."""
        for root in tuple(roots):
            tree = self._tree(root)
            rows = self._db.execute(
                "SELECT segment, last FROM sessions JOIN segments USING (segment) WHERE root = ?",
                (root,),
            )
            needed = tree.needed((LogPlace(*row) for row in rows), self._most)
            for segment in tree.begins:
                if segment not in needed:
                    self._db.execute("DELETE FROM segments WHERE segment = ?", (segment,))
                    continue
                span = needed[segment]
                self._forget_after(segment, span.last)
                self._forget_until(segment, span.after)

    def _move(self, session_id: str, place: LogPlace) -> None:
        self._db.execute(
            "UPDATE sessions SET segment = ?, last = ? WHERE session_id = ?",
            (*_key(place), session_id),
        )

    def _next(self, session_id: str) -> LogPlace:
        """Move a session on by one entry, and return its place."""
        end = self._free_end(session_id)
        place = LogPlace(end.segment, end.number + 1)
        self._move(session_id, place)
        return place

    def _free_end(self, session_id: str) -> LogPlace:
        """Return the end of a session: in a segment of its own where others went on behind it."""
        end = self.end(session_id)
        is_free = not self._db.execute(
            "SELECT 1 FROM turns WHERE segment = ?1 AND number > ?2"
            " UNION ALL SELECT 1 FROM actions WHERE segment = ?1 AND number > ?2 LIMIT 1",
            _key(end),
        ).fetchone()
        if is_free:
            return end
        (segment,) = self._db.execute(
            "INSERT INTO segments (root, parent, begins)"
            " SELECT root, segment, ?2 FROM segments WHERE segment = ?1 RETURNING segment",
            _key(end),
        ).fetchone()
        place = LogPlace(segment, end.number)
        self._move(session_id, place)
        return place

    def _forget_old(self, session_id: str, place: LogPlace) -> None:
        """Delete the turns of a segment that are too old for all who need any of it."""
        oldest = self._db.execute(
            "SELECT min(number) FROM (SELECT last AS number FROM sessions WHERE segment = ?1"
            " UNION ALL SELECT begins FROM segments WHERE parent = ?1) AS needed",
            (place.segment,),
        ).fetchone()[0]
        self._forget_until(place.segment, oldest - self._most)
        self._db.execute(
            "DELETE FROM owed WHERE session_id = ? AND number <= ?",
            (session_id, place.number - self._most),
        )

    def _forget_until(self, segment: int, number: int) -> None:
        for table in ("turns", "lines", "actions"):
            self._db.execute(
                f"DELETE FROM {table} WHERE segment = ? AND number <= ?", (segment, number)
            )
        # What is left must still begin with all that was known; how all began is kept for good.
        self._db.execute(
            "DELETE FROM known WHERE segment = ?1 AND number > 1 AND number <"
            " (SELECT max(number) FROM known WHERE segment = ?1 AND number <= ?2 AND changes = 0)",
            (segment, number),
        )

    def _forget_after(self, segment: int, number: int) -> None:
        for table in ("turns", "lines", "actions", "known"):
            self._db.execute(
                f"DELETE FROM {table} WHERE segment = ? AND number > ?", (segment, number)
            )

    # --- replies that are pending ---

    def pending(self, session_id: str) -> tuple[PendingReply, ...]:
        """Return the replies that are pending, oldest first, each for one line."""
        return tuple(reply for _, reply in self._pending(session_id))

    def _pending(self, session_id: str) -> Iterator[tuple[int, PendingReply]]:
        rows = self._db.execute(
            "SELECT number, text, message_id, answer, is_kept FROM owed"
            " WHERE session_id = ? ORDER BY number",
            (session_id,),
        )
        for number, text, message_id, answer, is_kept in rows:
            line = PlayerLine(text, message_id, is_kept=True)
            parts = None if answer is None else self._decoded(answer)
            yield number, PendingReply((line,), parts, bool(is_kept))

    def _decoded(self, answer: str) -> tuple[Part, ...] | None:
        """Return the parts of an answer that was encoded, None for one that cannot be read."""
        try:
            return tuple(map(_decode_part, self._parsed(answer)))
        except (TypeError, KeyError, ValueError):
            return None

    def receive_until(self, session_id: str, heard: str, at: float) -> None:
        """Note that the answers up to that of a line were received whole."""
        last, _ = self.line(session_id, heard) or (0, "")
        for number, reply in tuple(self._pending(session_id)):
            if reply.parts is not None and number <= last:
                self._add_received(session_id, reply.message_ids[0], reply.parts, at)

    def _add_received(
        self, session_id: str, message_id: str, parts: tuple[Part, ...], at: float
    ) -> None:
        said = "".join(part.text for part in parts if isinstance(part, Say))
        if said:
            self._add_turn(session_id, PersistEntry("character", said, answers=message_id), at)
        self._resolve(session_id, ResolveReply(message_id), at)

    def copy_pending(self, session_id: str, branch_id: str) -> None:
        """Let what is pending in a session be pending in its branch, too."""
        self._db.execute(
            "INSERT INTO owed (session_id, message_id, number, text, answer, is_kept)"
            " SELECT ?, message_id, number, text, answer, is_kept FROM owed WHERE session_id = ?",
            (branch_id, session_id),
        )

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
            line = self.line(session_id, message_id)
            if line is not None:
                self._db.execute(
                    "INSERT INTO owed (session_id, message_id, number, text, answer)"
                    " VALUES (?, ?, ?, ?, ?)"
                    " ON CONFLICT (session_id, message_id) DO UPDATE SET answer = excluded.answer",
                    (session_id, message_id, *line, answer),
                )
        # A client that never confirms anything does not get half the conversation repeated.
        self._db.execute(
            "DELETE FROM owed WHERE session_id = ?1 AND answer IS NOT NULL AND message_id NOT IN"
            " (SELECT message_id FROM owed WHERE session_id = ?1 AND answer IS NOT NULL"
            " ORDER BY number DESC LIMIT ?2)",
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
        PersistActions: _add_actions,
        BeginExchange: _note_known,
        PendingReply: _add_pending,
        ResolveReply: _resolve,
    }


def roots_of(db: Database, session_ids: Iterable[str]) -> set[int]:
    """Return the first segments of some sessions."""
    rows = (
        db.execute(
            "SELECT root FROM sessions JOIN segments USING (segment) WHERE session_id = ?", (it,)
        ).fetchone()
        for it in session_ids
    )
    return {row[0] for row in rows if row is not None}


def family_of(db: Database, session_ids: Iterable[str]) -> tuple[str, ...]:
    """Return the sessions that share anything with these, them too."""
    found: dict[str, None] = {}
    for root in roots_of(db, session_ids):
        rows = db.execute(
            "SELECT session_id FROM sessions JOIN segments USING (segment) WHERE root = ?", (root,)
        )
        found |= dict.fromkeys(row[0] for row in rows)
    return tuple(found)


def _key(place: LogPlace) -> tuple[int, int]:
    return place.segment, place.number


def _encode(part: Part) -> dict[str, Any]:
    """Return one part of an answer as JSON values."""
    if isinstance(part, Say):
        return {"say": part.text}
    if isinstance(part, Feel):
        return {"feel": part.emotion, "scale": part.scale}
    assert isinstance(part, Do)  # a turn keeps nothing else
    return {"do": [[action.name, action.target, action.arguments] for action in part.actions]}


def _decode_part(raw: dict[str, Any]) -> Part:
    if "say" in raw:
        return Say(raw["say"])
    if "feel" in raw:
        return Feel(raw["feel"], raw["scale"])
    return Do(tuple(Action(*row) for row in raw["do"]))  # an older version kept two values
