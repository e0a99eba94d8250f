"""What characters know of players beyond one conversation, in tables beside the sessions.

Each thing that was learnt, changed or found untrue is a row of its own, with the session and the
turn in it: the newest row of a key counts, and what was known at an earlier point can be told.
Forgetting deletes the rows, and blacks the words out of everything else that is kept. A row can be
pinned: then only a correction changes what is known, and no limit drops it.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from characters.protocol.codec import black_out, whole_text
from characters.service.tables import Database
from engine.core.file_system import open_file

__all__ = [
    "correct", "current", "forget_all", "forget_fact", "from_json", "is_value", "known",
    "KnownFact", "known_elsewhere", "known_in", "learn", "MEMORY_SCHEMA", "merged", "MOST_VALUE",
    "Pair", "pin", "PINNED_COLUMN", "remove_copies", "saved_memory", "unlearn",
    "write_memory",
]  # fmt: skip

log = logging.getLogger(__name__)

PINNED_COLUMN = "is_pinned INTEGER NOT NULL DEFAULT 0"
# An empty session_id is a correction from outside of any talk; turn is the last of the session's
# when the row was written.
MEMORY_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS learnt (
    id INTEGER PRIMARY KEY,
    end_user_id TEXT NOT NULL,
    character_id TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT,  -- NULL: it is no longer so
    learnt_at REAL NOT NULL,
    session_id TEXT NOT NULL,
    turn INTEGER NOT NULL,
    {PINNED_COLUMN}
) STRICT;
CREATE INDEX IF NOT EXISTS learnt_of ON learnt (end_user_id, character_id, id);
"""
MOST_ROWS = 500  # of one player and character; the oldest that no longer count go
MOST_VALUE = 200  # characters of what is known under one key, where somebody corrects it

_BY_KEY = frozenset({"facts", "pinned", "corrected"})  # what a memory has by the keys of facts
_Rewrite: TypeAlias = Callable[[Mapping[str, Any]], dict[str, Any]]
Told: TypeAlias = tuple[float, Mapping[str, Any]]
"""When an exchange began, and what was known before it."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A player and a character that may know him."""

    end_user_id: str
    character_id: str


@dataclass(frozen=True, slots=True)
class KnownFact:
    """One thing that a character knows of a player; times in wall-clock seconds.

    Without `learnt_at` the fact is of one session, and known in no other. `since` is when it was
    told, as far as that is kept, and `told_in` the session in which that was: "" where somebody
    corrected it from outside. `also_in` are the other sessions of the two that know the same.
    """

    key: str
    value: str
    learnt_at: float | None = None
    is_pinned: bool = False
    since: float | None = None
    told_in: str = ""
    also_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Row:
    """The newest row of a key."""

    id: int
    value: str | None
    learnt_at: float
    session_id: str
    is_pinned: bool


def _rows(db: Database, pair: Pair) -> dict[str, _Row]:
    found = db.execute(
        "SELECT key, id, value, learnt_at, session_id, is_pinned != 0 FROM learnt"
        " WHERE end_user_id = ? AND character_id = ? ORDER BY id",
        (pair.end_user_id, pair.character_id),
    )
    newest: dict[str, _Row] = {}
    for key, id_, value, learnt_at, session_id, is_pinned in found:
        newest.pop(key, None)
        newest[key] = _Row(id_, value, learnt_at, session_id, bool(is_pinned))
    return newest


def current(db: Database, pair: Pair) -> tuple[KnownFact, ...]:
    """Return what a character knows of a player now, what was learnt last at the end."""
    return tuple(
        KnownFact(key, row.value, row.learnt_at, row.is_pinned)
        for key, row in _rows(db, pair).items()
        if row.value
    )


def known(db: Database, pair: Pair) -> tuple[KnownFact, ...]:
    """Return what lasts, and what is known in single sessions only."""
    lasting = {fact.key: fact for fact in current(db, pair)}
    of_talks: dict[str, KnownFact] = {}
    for _, memory in _memories(db, pair):
        pins = _flags(memory, "pinned")
        of_talks |= {k: KnownFact(k, v, is_pinned=k in pins) for k, v in _facts(memory).items()}
    return tuple({**of_talks, **lasting}.values())


def known_in(
    db: Database,
    pair: Pair,
    session_id: str,
    told: Iterable[Told],
) -> tuple[KnownFact, ...]:
    """Return what is known in one session of the two, and where it comes from.

    `told` is what was known before each of its exchanges, the oldest first, with when that began.
    """
    rows, memory = _rows(db, pair), _known_to(db, pair, session_id)
    facts, pins, by_hand = _facts(memory), _flags(memory, "pinned"), _flags(memory, "corrected")
    since, found = _since(facts, told), []
    for key, value in facts.items():
        row = rows.get(key)
        is_lasting = row is not None and row.value == value
        at, source = since.get(key), session_id
        if row is not None and is_lasting:
            at, source = row.learnt_at, row.session_id
        elif key in by_hand:
            at, source = float(by_hand[key]), ""
        also_in = tuple(it for it, each in _others(db, pair, session_id) if each.get(key) == value)
        learnt_at = at if is_lasting else None
        found.append(KnownFact(key, value, learnt_at, key in pins, at, source, also_in))
    return tuple(found)


def known_elsewhere(db: Database, pair: Pair, session_id: str) -> tuple[KnownFact, ...]:
    """Return what is known in other sessions of the two, and not in this one."""
    here = _facts(_known_to(db, pair, session_id))
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for other, facts in _others(db, pair, session_id):
        for fact in facts.items() - here.items():
            found[fact] = (*found.get(fact, ()), other)
    return tuple(KnownFact(*fact, also_in=ids) for fact, ids in sorted(found.items()))


def _others(db: Database, pair: Pair, session_id: str) -> tuple[tuple[str, dict[str, str]], ...]:
    found = db.execute(
        "SELECT session_id, memory, is_untouched FROM sessions"
        " WHERE end_user_id = ? AND character_id = ? AND session_id != ?",
        (pair.end_user_id, pair.character_id, session_id),
    ).fetchall()
    rows, facts = _rows(db, pair), dict[tuple[str, bool], dict[str, str]]()
    for _, text, is_untouched in found:  # of branches many are alike
        like = (text, bool(is_untouched))
        if like not in facts:
            memory = _parsed(text)
            facts[like] = _facts(memory if is_untouched else _merged(rows, memory))
    return tuple((id_, facts[text, bool(untouched)]) for id_, text, untouched in found)


def _known_to(db: Database, pair: Pair, session_id: str) -> dict[str, Any]:
    """Return what a room of a session would begin with."""
    memory = saved_memory(db, session_id)
    row = db.execute(
        "SELECT is_untouched FROM sessions WHERE session_id = ?", (session_id,)
    ).fetchone()
    return memory if row and row[0] else merged(db, pair, memory)


def _since(facts: Mapping[str, str], told: Iterable[Told]) -> dict[str, float]:
    """Return when each fact was told: in the exchange that went before what first has it."""
    values: dict[str, str] = {}
    since: dict[str, float] = {}
    began = None
    for at, known in ((None, {}), *told, (None, {"facts": facts})):
        for key, value in _facts(known).items():
            if values.get(key) != value:
                since.pop(key, None)
                if began is not None:
                    since[key] = began
        values, began = _facts(known), at
    return since


def merged(db: Database, pair: Pair, memory: Mapping[str, Any]) -> dict[str, Any]:
    """Return an agent's memory of one session with what the character knows of the player."""
    return _merged(_rows(db, pair), memory)


def _merged(rows: Mapping[str, _Row], memory: Mapping[str, Any]) -> dict[str, Any]:
    facts = _facts(memory)
    own = {key: value for key, value in facts.items() if key not in rows}
    lasting = {key: row.value for key, row in rows.items() if row.value}
    pins = {key: True for key in _flags(memory, "pinned") if key in own}
    pins |= {key: True for key in lasting if rows[key].is_pinned}
    return {**memory, "facts": own | lasting} | (
        {"pinned": pins} if pins or "pinned" in memory else {}
    )


def learn(
    db: Database,
    pair: Pair,
    session_id: str,
    memory: Mapping[str, Any],
    at: float,
    *,
    anew: bool = False,
) -> None:
    """Write what the agent's memory of a session has that it had not when it was saved last.

    Call it before that memory is written. With `anew` nothing lasts but what this memory has.
    """
    now, rows = _facts(memory), _rows(db, pair)
    known = {key: row.value for key, row in rows.items() if row.value}
    pins = _flags(memory, "pinned")
    saved = {} if anew else saved_memory(db, session_id)
    before = _facts(saved) if "facts" in saved else None
    gone = [key for key in (known if before is None else before) if key not in now]
    changes: dict[str, str | None] = dict.fromkeys((key for key in gone if key in known), None)
    changes |= {k: v for k, v in now.items() if (before or {}).get(k) != v and known.get(k) != v}
    if changes:
        turn = db.execute(
            "SELECT last FROM sessions WHERE session_id = ?", (session_id,)
        ).fetchone()[0]
        for key, value in changes.items():
            _add(db, pair, key, value, at, session_id, turn, is_pinned=key in pins)
        _limit(db, pair)


def unlearn(db: Database, session_id: str, turn: int) -> None:
    """Delete what a session wrote after a turn."""
    db.execute("DELETE FROM learnt WHERE session_id = ? AND turn > ?", (session_id, turn))


def _add(
    db: Database,
    pair: Pair,
    key: str,
    value: str | None,
    at: float,
    session_id: str = "",
    turn: int = 0,
    *,
    is_pinned: bool = False,
) -> None:
    db.execute(
        "INSERT INTO learnt"
        " (end_user_id, character_id, key, value, learnt_at, session_id, turn, is_pinned)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (pair.end_user_id, pair.character_id, key, value, at, session_id, turn, is_pinned),
    )


def _limit(db: Database, pair: Pair) -> None:
    db.execute(
        "DELETE FROM learnt WHERE end_user_id = ?1 AND character_id = ?2 AND id NOT IN"
        " (SELECT max(id) FROM learnt WHERE end_user_id = ?1 AND character_id = ?2 GROUP BY key)"
        " AND id NOT IN (SELECT id FROM learnt WHERE end_user_id = ?1 AND character_id = ?2"
        " ORDER BY id DESC LIMIT ?3)",
        (pair.end_user_id, pair.character_id, MOST_ROWS),
    )


def _facts(memory: Mapping[str, Any]) -> dict[str, str]:
    facts = memory.get("facts")
    found = facts if isinstance(facts, dict) else {}
    return {key: value for key, value in found.items() if isinstance(value, str) and value}


def _flags(memory: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what a memory notes of its facts: which are "pinned", when some were "corrected"."""
    flags = memory.get(name)
    return flags if isinstance(flags, dict) else {}


# --- the agent's memory of one session ------------------------------------------------------------


def saved_memory(db: Database, session_id: str) -> dict[str, Any]:
    """Return what the agent remembers of a session; empty for an unknown one."""
    row = db.execute("SELECT memory FROM sessions WHERE session_id = ?", (session_id,)).fetchone()
    return _parsed(row[0]) if row else {}


def write_memory(db: Database, session_id: str, memory: Mapping[str, Any]) -> None:
    """Write what the agent remembers of a session."""
    db.execute(
        "UPDATE sessions SET memory = ? WHERE session_id = ?", (json.dumps(memory), session_id)
    )


def _parsed(text: str) -> dict[str, Any]:
    value = from_json(text)
    return value if isinstance(value, dict) else {}


def from_json(text: str) -> Any:
    """Return what a text of the file says; None, and a line in the log, if it says nothing."""
    try:
        return _whole(json.loads(text))
    except (ValueError, RecursionError):
        log.error("a value of %d characters in the database could not be read", len(text))
        return None


def _whole(value: Any) -> Any:
    """Return a JSON value whose texts every encoder takes: an older version kept others."""
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {whole_text(key): _whole(item) for key, item in value.items()}
    return value


# --- corrected, pinned and forgotten --------------------------------------------------------------


def is_value(text: str) -> bool:
    """Return whether a text can be put in place of what is known."""
    return 0 < len(text.strip()) <= MOST_VALUE and text.isprintable()


def correct(db: Database, pair: Pair, key: str, value: str, at: float) -> bool:
    """Write another value wherever one of that key is known; return whether it is anywhere."""
    row = _rows(db, pair).get(key)
    lasts = row is not None and bool(row.value)
    if row is not None and lasts:
        _add(db, pair, key, value, at, is_pinned=row.is_pinned)
        _limit(db, pair)
    return _rewrite(db, pair, lambda memory: _corrected(memory, key, value, at)) or lasts


def pin(db: Database, pair: Pair, session_id: str, key: str, *, is_pinned: bool) -> bool:
    """Hold on to what a session knows under a key, wherever the same is known, or let it go.

    Return whether anything of that key is known there.
    """
    value = _facts(_known_to(db, pair, session_id)).get(key)
    row = _rows(db, pair).get(key)
    if value is None:
        return False
    if row is not None and row.value == value:
        db.execute("UPDATE learnt SET is_pinned = ? WHERE id = ?", (is_pinned, row.id))
    _rewrite(db, pair, lambda memory: _pinned(memory, key, value, is_pinned))
    return True


def _rewrite(db: Database, pair: Pair, rewrite: _Rewrite) -> bool:
    """Change what all sessions of the two know, now and earlier; return whether any knows it."""
    changes = [(id_, before, rewrite(before)) for id_, before in _memories(db, pair)]
    for session_id, before, after in changes:
        if after != before:
            write_memory(db, session_id, after)
    _rewrite_known(db, pair, rewrite)
    return any(after != before for _, before, after in changes)


def forget_fact(db: Database, pair: Pair, key: str) -> tuple[str, ...]:
    """Delete one thing and all that it was before; return the words that it was told with.

    They are blacked out of the talks of the two.
    """
    of_key = (pair.end_user_id, pair.character_id, key)
    where = "WHERE end_user_id = ? AND character_id = ? AND key = ?"
    values = {row[0] for row in db.execute(f"SELECT value FROM learnt {where}", of_key) if row[0]}
    memories = tuple(_memories(db, pair))
    values |= {value for _, memory in memories if (value := _facts(memory).get(key))}
    db.execute(f"DELETE FROM learnt {where}", of_key)
    words = _words(values)
    for session_id, memory in memories:
        write_memory(db, session_id, _without(memory, key, words))
        _black_out_owed(db, session_id, words)
    _rewrite_known(db, pair, lambda memory: _without(memory, key, words))
    _black_out_talks(db, pair, words)
    return words


def _corrected(memory: Mapping[str, Any], key: str, value: str, at: float) -> dict[str, Any]:
    facts = _facts(memory)
    if key not in facts:
        return dict(memory)
    noted = {**_flags(memory, "corrected"), key: at}
    return {**memory, "facts": {**facts, key: value}, "corrected": noted}


def _pinned(memory: Mapping[str, Any], key: str, value: str, is_pinned: bool) -> dict[str, Any]:
    pins = _flags(memory, "pinned")
    if _facts(memory).get(key) != value or (key in pins) == is_pinned:
        return dict(memory)
    others = {name: True for name in pins if name != key}
    return {**memory, "pinned": others | ({key: True} if is_pinned else {})}


def _without(memory: Mapping[str, Any], key: str, words: tuple[str, ...]) -> dict[str, Any]:
    clean = {
        name: value if name in _BY_KEY else black_out(value, words)
        for name, value in memory.items()
    }
    for part in _BY_KEY & memory.keys():
        clean[part] = {name: it for name, it in _flags(memory, part).items() if name != key}
    return clean


def forget_all(db: Database, end_user_id: str, character_id: str | None = None) -> tuple[str, ...]:
    """Delete everything that lasts of a player, with one character or with all; return its words.

    What is known in sessions goes with those.
    """
    gone = db.execute(
        "DELETE FROM learnt WHERE end_user_id = ?1 AND (?2 IS NULL OR character_id = ?2)"
        " RETURNING value",
        (end_user_id, character_id),
    ).fetchall()
    return _words({value for (value,) in gone if value})


def _memories(db: Database, pair: Pair) -> Iterable[tuple[str, dict[str, Any]]]:
    rows = db.execute(
        "SELECT session_id, memory FROM sessions WHERE end_user_id = ? AND character_id = ?",
        (pair.end_user_id, pair.character_id),
    ).fetchall()
    return ((session_id, _parsed(text)) for session_id, text in rows)


def _words(values: Iterable[str]) -> tuple[str, ...]:
    """Return what to look for: each value, the items of a list, and their longer words."""
    items = {item.strip() for value in values for item in (value, *value.split(", "))}
    longer = {word for item in items for word in item.split() if len(word) > 3}
    return tuple(sorted(filter(None, items | longer), key=len, reverse=True))


_OF_PAIR = (
    "segment IN (SELECT segment FROM segments WHERE root IN"
    " (SELECT root FROM sessions JOIN segments USING (segment)"
    " WHERE end_user_id = ? AND character_id = ?))"
)


def _rewrite_known(db: Database, pair: Pair, rewrite: _Rewrite) -> None:
    """Change what was known before earlier exchanges of the two: all of it, or what had changed."""
    rows = db.execute(
        f"SELECT segment, number, memory FROM known WHERE {_OF_PAIR}",
        (pair.end_user_id, pair.character_id),
    )
    for segment, number, text in rows.fetchall():
        db.execute(
            "UPDATE known SET memory = ? WHERE segment = ? AND number = ?",
            (json.dumps(rewrite(_parsed(text))), segment, number),
        )


def _black_out_talks(db: Database, pair: Pair, words: tuple[str, ...]) -> None:
    for table, column in (("turns", "text"), ("actions", "done")):
        rows = db.execute(
            f"SELECT segment, number, {column} FROM {table} WHERE {_OF_PAIR}",
            (pair.end_user_id, pair.character_id),
        )
        for segment, number, text in rows.fetchall():
            clean = black_out(text, words) if table == "turns" else _black_out_json(text, words)
            if clean != text:
                db.execute(
                    f"UPDATE {table} SET {column} = ? WHERE segment = ? AND number = ?",
                    (clean, segment, number),
                )


def _black_out_owed(db: Database, session_id: str, words: tuple[str, ...]) -> None:
    owed = db.execute(
        "SELECT message_id, text, answer FROM owed WHERE session_id = ?", (session_id,)
    )
    for message_id, text, answer in owed.fetchall():
        clean = None if answer is None else _black_out_json(answer, words)
        db.execute(
            "UPDATE owed SET text = ?, answer = ? WHERE session_id = ? AND message_id = ?",
            (black_out(text, words), clean, session_id, message_id),
        )


def _black_out_json(text: str, words: tuple[str, ...]) -> str:
    with suppress(ValueError, RecursionError):
        return json.dumps(black_out(json.loads(text), words))
    return text


def remove_copies(database: Path, words: Iterable[str]) -> None:
    """Delete the copies put aside as damaged that hold any of these words.

    Nobody can take a word out of a file that cannot be read.
    """
    sought = {form.encode() for w in words if w for form in (w, json.dumps(w)[1:-1])}
    for path in database.parent.glob(f"{database.name}.damaged*"):
        with suppress(OSError):
            if any(_holds(path, word) for word in sought):
                path.unlink()


def _holds(path: Path, sought: bytes) -> bool:
    tail = b""
    with os.fdopen(open_file(path, follows_links=False), "rb") as file:
        while block := file.read(1 << 20):
            if sought in tail + block:
                return True
            tail = block[-len(sought) :]
    return False
