"""What characters know of players beyond one conversation, in tables beside the sessions.

Each thing that was learnt, changed or found untrue is a row of its own, with the session and the
turn in it: the newest row of a key counts, and what was known at an earlier point can be told.
Forgetting deletes the rows, and blacks the words out of everything else that is kept.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from characters.protocol.codec import whole_text
from characters.service.tables import Database

__all__ = [
    "black_out", "correct", "current", "forget_all", "forget_fact", "from_json", "is_value",
    "known", "KnownFact", "learn", "MEMORY_SCHEMA", "merged", "MOST_VALUE", "Pair",
    "remove_copies", "saved_memory", "unlearn", "write_memory",
]  # fmt: skip

log = logging.getLogger(__name__)

MEMORY_SCHEMA = """
CREATE TABLE IF NOT EXISTS learnt (
    id INTEGER PRIMARY KEY,
    end_user_id TEXT NOT NULL,
    character_id TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT,  -- NULL: it is no longer so
    learnt_at REAL NOT NULL,
    session_id TEXT NOT NULL,  -- '' for a correction from outside of any talk
    turn INTEGER NOT NULL  -- the last of the session's when it was written
) STRICT;
CREATE INDEX IF NOT EXISTS learnt_of ON learnt (end_user_id, character_id, id);
"""
MOST_ROWS = 500  # of one player and character; the oldest that no longer count go
MOST_VALUE = 200  # characters of what is known under one key, where somebody corrects it
BLACKED = "\u2026"


@dataclass(frozen=True, slots=True)
class Pair:
    """A player and a character that may know him."""

    end_user_id: str
    character_id: str


@dataclass(frozen=True, slots=True)
class KnownFact:
    """One thing that a character knows of a player; `learnt_at` in wall-clock seconds.

    Without it the fact is of one session, and known in no other.
    """

    key: str
    value: str
    learnt_at: float | None = None


def _rows(db: Database, pair: Pair) -> dict[str, tuple[str | None, float]]:
    found = db.execute(
        "SELECT key, value, learnt_at FROM learnt WHERE end_user_id = ? AND character_id = ?"
        " ORDER BY id",
        (pair.end_user_id, pair.character_id),
    )
    newest: dict[str, tuple[str | None, float]] = {}
    for key, value, learnt_at in found:
        newest.pop(key, None)
        newest[key] = value, learnt_at
    return newest


def current(db: Database, pair: Pair) -> tuple[KnownFact, ...]:
    """Return what a character knows of a player now, what was learnt last at the end."""
    return tuple(KnownFact(key, value, at) for key, (value, at) in _rows(db, pair).items() if value)


def known(db: Database, pair: Pair) -> tuple[KnownFact, ...]:
    """Return what lasts, and what is known in single sessions only."""
    lasting = {fact.key: fact for fact in current(db, pair)}
    of_talks: dict[str, KnownFact] = {}
    for _, memory in _memories(db, pair):
        of_talks |= {key: KnownFact(key, value) for key, value in _facts(memory).items()}
    return tuple({**of_talks, **lasting}.values())


def merged(db: Database, pair: Pair, memory: Mapping[str, Any]) -> dict[str, Any]:
    """Return an agent's memory of one session with what the character knows of the player."""
    rows, facts = _rows(db, pair), _facts(memory)
    own = {key: value for key, value in facts.items() if key not in rows}
    lasting = {key: value for key, (value, _) in rows.items() if value}
    return {**memory, "facts": own | lasting}


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
    known = {key: value for key, (value, _) in rows.items() if value}
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
            _add(db, pair, key, value, at, session_id, turn)
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
) -> None:
    db.execute(
        "INSERT INTO learnt (end_user_id, character_id, key, value, learnt_at, session_id, turn)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (pair.end_user_id, pair.character_id, key, value, at, session_id, turn),
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


# --- corrected and forgotten ----------------------------------------------------------------------


def is_value(text: str) -> bool:
    """Return whether a text can be put in place of what is known."""
    return 0 < len(text.strip()) <= MOST_VALUE and text.isprintable()


def correct(db: Database, pair: Pair, key: str, value: str, at: float) -> bool:
    """Write another value wherever one of that key is known; return whether it is anywhere."""
    lasts = any(fact.key == key for fact in current(db, pair))
    if lasts:
        _add(db, pair, key, value, at)
        _limit(db, pair)
    knowing = [(id_, memory) for id_, memory in _memories(db, pair) if key in _facts(memory)]
    for session_id, memory in knowing:
        write_memory(db, session_id, _corrected(memory, key, value))
    _rewrite_known(db, pair, lambda memory: _corrected(memory, key, value))
    return lasts or bool(knowing)


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


def _corrected(memory: Mapping[str, Any], key: str, value: str) -> dict[str, Any]:
    facts = _facts(memory)
    return {**memory, "facts": {**facts, key: value}} if key in facts else dict(memory)


def _without(memory: Mapping[str, Any], key: str, words: tuple[str, ...]) -> dict[str, Any]:
    clean = {
        name: value if name == "facts" else black_out(value, words)
        for name, value in memory.items()
    }
    if "facts" in memory:
        clean["facts"] = {name: it for name, it in _facts(memory).items() if name != key}
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


def black_out(value: Any, words: tuple[str, ...]) -> Any:
    """Return a JSON value without these words, in whatever letters they are written."""
    if isinstance(value, str):
        for word in words:
            value = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", BLACKED, value, flags=re.IGNORECASE)
        return value
    if isinstance(value, list):
        return [black_out(item, words) for item in value]
    if isinstance(value, dict):
        return {key: black_out(item, words) for key, item in value.items()}
    return value


_OF_PAIR = (
    "segment IN (SELECT segment FROM segments WHERE root IN"
    " (SELECT root FROM sessions JOIN segments USING (segment)"
    " WHERE end_user_id = ? AND character_id = ?))"
)


def _rewrite_known(
    db: Database, pair: Pair, rewrite: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> None:
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
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            if sought in tail + block:
                return True
            tail = block[-len(sought) :]
    return False
