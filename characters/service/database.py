"""The database file: its tables, their versions, and what is done with a file that is damaged.

The tables have a version. A file of an older one is brought forward when it is opened, in one
transaction, so that a kill leaves it as it was; one of a newer version is put aside.

1. each session had its turns for itself
2. turns lie in segments, which sessions share (`branches`)
3. what is known of a player can be pinned
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeAlias

from characters.service.memory import MEMORY_SCHEMA, PINNED_COLUMN
from engine.core.file_system import SQLITE_ENDINGS

__all__ = [
    "connect", "may_be_sound", "named_errors", "put_aside", "SCHEMA", "SqliteDatabase", "VERSION",
]  # fmt: skip

VERSION = 3
"""Of what stands in the tables; 0 is a file that has none yet."""
_SETTINGS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA fullfsync = ON;  -- macOS: the drive's cache too
PRAGMA foreign_keys = ON;
PRAGMA secure_delete = ON;
"""
_BESIDE = """
CREATE TABLE IF NOT EXISTS ended (session_id TEXT PRIMARY KEY, ended_at REAL NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS unused (
    session_id TEXT PRIMARY KEY REFERENCES sessions (session_id) ON DELETE CASCADE,
    seconds REAL NOT NULL
) STRICT;
-- A row says that something was forgotten whose words may still be in free pages or in the log.
CREATE TABLE IF NOT EXISTS unpurged (id INTEGER PRIMARY KEY) STRICT;
"""
_MEMORY_1 = MEMORY_SCHEMA.replace(f",\n    {PINNED_COLUMN}", "")
_SESSIONS_1 = """
CREATE TABLE IF NOT EXISTS sessions (
    session_id TEXT PRIMARY KEY,
    character_id TEXT NOT NULL,
    end_user_id TEXT,
    used_at REAL NOT NULL,
    memory TEXT NOT NULL DEFAULT '{}'
) STRICT;
"""
_SCHEMA_1 = (
    _SESSIONS_1
    + """
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
"""
    + _BESIDE
    + _MEMORY_1
)
# `last` is the number of the session's last entry in its segment. A session that is saved was made
# for a save slot; one that is untouched is a branch in which nothing was said yet.
_NEW_COLUMNS = """
ALTER TABLE sessions ADD COLUMN segment INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN last INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN is_saved INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN is_untouched INTEGER NOT NULL DEFAULT 0;
"""
# `known` is what was known before an entry: all of it, or what had changed since the one before.
_SEGMENTS = """
CREATE TABLE segments (
    segment INTEGER PRIMARY KEY,
    root INTEGER NOT NULL,
    parent INTEGER,
    begins INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE turns (
    segment INTEGER NOT NULL REFERENCES segments (segment) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    speaker TEXT NOT NULL,
    text TEXT NOT NULL,
    said_at REAL NOT NULL,
    was_cut INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (segment, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE lines (
    segment INTEGER NOT NULL REFERENCES segments (segment) ON DELETE CASCADE,
    message_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (segment, message_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE actions (
    segment INTEGER NOT NULL REFERENCES segments (segment) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    done TEXT NOT NULL,
    PRIMARY KEY (segment, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE known (
    segment INTEGER NOT NULL REFERENCES segments (segment) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    memory TEXT NOT NULL,
    changes INTEGER NOT NULL,
    PRIMARY KEY (segment, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE owed (
    session_id TEXT NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
    message_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    text TEXT NOT NULL,
    answer TEXT,
    is_kept INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (session_id, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX segments_of ON segments (root);
CREATE INDEX segments_after ON segments (parent);
CREATE INDEX sessions_in ON sessions (segment);
"""
_SCHEMA_2 = f"{_SESSIONS_1}{_NEW_COLUMNS}{_SEGMENTS}{_BESIDE}{_MEMORY_1}"
SCHEMA = f"{_SESSIONS_1}{_NEW_COLUMNS}{_SEGMENTS}{_BESIDE}{MEMORY_SCHEMA}"
"""The tables of now."""
_TO_3 = f"{_MEMORY_1}ALTER TABLE learnt ADD COLUMN {PINNED_COLUMN};"
_TO_2 = f"""
{_SCHEMA_1}{_NEW_COLUMNS}
ALTER TABLE turns RENAME TO turns_1;
ALTER TABLE lines RENAME TO lines_1;
ALTER TABLE owed RENAME TO owed_1;
{_SEGMENTS}
UPDATE sessions SET segment = rowid, last = coalesce(
    (SELECT max(number) FROM turns_1 WHERE turns_1.session_id = sessions.session_id), 0);
INSERT INTO segments (segment, root) SELECT segment, segment FROM sessions;
INSERT INTO turns (segment, number, speaker, text, said_at)
    SELECT segment, number, speaker, text, said_at FROM turns_1 JOIN sessions USING (session_id);
INSERT INTO lines (segment, message_id, number)
    SELECT segment, message_id, number FROM lines_1 JOIN sessions USING (session_id);
INSERT INTO owed (session_id, message_id, number, text, answer, is_kept)
    SELECT session_id, message_id, number, text, answer, is_kept FROM owed_1
    JOIN lines_1 USING (session_id, message_id) JOIN turns_1 USING (session_id, number);
DROP TABLE owed_1;
DROP TABLE lines_1;
DROP TABLE turns_1;
"""
_SCHEMAS: Mapping[int, str] = {2: _SCHEMA_2, VERSION: SCHEMA}  # of others the first


class SqliteDatabase(sqlite3.Connection):
    """A `Database` (`tables`) in a file, or in memory."""

    for_update = ""  # one connection writes at a time
    clock = "clock()"

    def use_clock(self, now: Callable[[], float]) -> None:
        """Let `clock` be what `now` returns."""
        self.create_function("clock", 0, now)

    def proven_by(self, sql: str, values: tuple[object, ...]) -> None:
        """Do nothing: a commit that fails has changed nothing."""

    def one_at_a_time(self, what: str) -> None:
        """Do nothing: one connection writes at a time."""

    def purge(self) -> None:
        """Leave nothing of what was forgotten in the file: neither in pages nor in its log.

        `unpurged` is what the last process came not to, and is empty afterwards, unless another
        process reads the file at this moment.
        """
        # `secure_delete` overwrites what is deleted, not what moved within a page before: without
        # VACUUM words of removed talks were still in the file in 4 of 12 trials.
        self.execute("VACUUM")
        is_busy, *_ = self.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not is_busy:
            with self:
                self.execute("DELETE FROM unpurged")

    def close(self) -> None:
        """Fold the log into the file and close it."""
        self.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        super().close()


def connect(database: str) -> SqliteDatabase:
    """Open a database with the tables of now. Raises sqlite3.Error for a file that is not ours."""
    db = sqlite3.connect(database, check_same_thread=False, timeout=5.0, factory=SqliteDatabase)
    db.use_clock(time.time)
    db.text_factory = lambda raw: raw.decode("utf-8", "replace")  # a bit may have flipped
    try:
        _check(db)
        db.executescript(_SETTINGS)
        if db.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("quick_check failed")
        _bring_forward(db)
        db.executescript(_BESIDE + MEMORY_SCHEMA)  # one of these may be missing
        # What can only be read refuses here.
        db.execute(f"PRAGMA user_version = {VERSION}")
    except sqlite3.Error:
        sqlite3.Connection.close(db)
        raise
    return db


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _check(db: sqlite3.Connection) -> None:
    """Raise sqlite3.DatabaseError for a newer version, and for tables that are not ours."""
    db.execute("BEGIN")  # another process may bring the file forward meanwhile
    version, found, others = _version(db), _columns(db), _others(db)
    db.rollback()
    if version > VERSION:
        raise sqlite3.DatabaseError("it is of another version")
    if found and not _is_ours(found, others, _SCHEMAS.get(version, _SCHEMA_1)):
        raise sqlite3.DatabaseError("it is another program's")


def _bring_forward(db: sqlite3.Connection) -> None:
    """Make the tables, or bring those of an older version forward, all or nothing."""
    if _version(db) == VERSION:
        return
    db.execute("BEGIN IMMEDIATE")
    with db:
        if _version(db) == VERSION:  # another process was faster
            return
        script = SCHEMA
        if _columns(db):
            script = _TO_3 if _version(db) == 2 else _TO_2 + _TO_3
        for statement in script.split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {VERSION}")


Columns: TypeAlias = Mapping[str, tuple[str, ...]]
"""The names of the columns of each table."""


def _columns(db: sqlite3.Connection) -> Columns:
    tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {
        name: tuple(row[0] for row in db.execute("SELECT name FROM pragma_table_info(?)", (name,)))
        for (name,) in tables
    }


def _others(db: sqlite3.Connection) -> frozenset[str]:
    """Return the names of all that is no table: a trigger may refuse whatever is written."""
    rows = db.execute("SELECT name FROM sqlite_master WHERE type != 'table' AND sql IS NOT NULL")
    return frozenset(name for (name,) in rows)


def _is_ours(found: Columns, others: frozenset[str], schema: str) -> bool:
    """Tell whether a database has the tables of a schema, and nothing that differs from them.

    Those that are made whenever one is opened may be missing.
    """
    with closing(sqlite3.connect(":memory:")) as model:
        model.executescript(_BESIDE + MEMORY_SCHEMA)
        made = _columns(model)
    with closing(sqlite3.connect(":memory:")) as model:
        model.executescript(schema)
        ours, usual = _columns(model), _others(model)
    needed = ours.keys() - made.keys()
    are_same = all(ours.get(name) == columns for name, columns in found.items())
    return are_same and needed <= found.keys() and others <= usual


def put_aside(path: Path) -> Path:
    """Rename a database with its log, to names that no earlier one has; return the new name."""
    nth = 1
    aside = path.with_name(f"{path.name}.damaged")
    while aside.exists():
        nth += 1
        aside = path.with_name(f"{path.name}.damaged{nth}")
    for ending in reversed(SQLITE_ENDINGS):  # a journal left behind would be that of the new one
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


def may_be_sound(path: Path, error: sqlite3.Error) -> bool:
    """Tell whether an error in opening a database says nothing of the file itself."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_READONLY:  # it says so of a version that it can only read, too
        return not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))
    return code in _NOT_OF_THE_FILE


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Raise what SQLite has to say about a file as an OSError that names it, for a terminal."""
    try:
        yield
    except sqlite3.Error as error:
        hint = "May it be written, is its disk full, or does another program hold it?"
        raise OSError(f"{path} cannot be used: {error}. {hint}") from error
