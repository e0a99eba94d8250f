"""A store in an SQLite database of its own, for games that keep their data there."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from characters.persistence.key_value import PersistenceError

__all__ = ["SQLiteStore"]

_SCHEMA = "CREATE TABLE IF NOT EXISTS strings (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID"
_SET = "INSERT INTO strings VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"


class SQLiteStore:
    """A store in the database file at `path`, readable by its owner only.

    `set_string` and `delete_key` are part of a transaction that `save` commits. Callable from
    every thread. Raises PersistenceError.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        with self._explained():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            self._database = sqlite3.connect(self._path, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute(_SCHEMA)

    def get_string(self, key: str, default: str | None = None) -> str | None:
        """Return the text of a key, or the default."""
        rows = self._run("SELECT value FROM strings WHERE key = ?", key)
        return rows[0][0] if rows else default

    def set_string(self, key: str, value: str) -> None:
        """Set the text of a key."""
        self._run(_SET, key, value)

    def has_key(self, key: str) -> bool:
        """Tell whether a key is set."""
        return self.get_string(key) is not None

    def delete_key(self, key: str) -> None:
        """Delete a key; one that is not set is no error."""
        self._run("DELETE FROM strings WHERE key = ?", key)

    def save(self) -> None:
        """Commit what was set."""
        with self._lock, self._explained():
            self._database.commit()

    def keys(self, prefix: str = "") -> tuple[str, ...]:
        """Return the keys that begin with `prefix`."""
        # Not LIKE: a prefix may hold its wildcards.
        rows = self._run(
            "SELECT key FROM strings WHERE substr(key, 1, ?) = ? ORDER BY key", len(prefix), prefix
        )
        return tuple(row[0] for row in rows)

    def close(self) -> None:
        """Commit what was set and close the database."""
        self.save()
        with self._lock, self._explained():
            self._database.close()

    def _run(self, statement: str, *values: str | int) -> list[tuple[str, ...]]:
        with self._lock, self._explained():
            return self._database.execute(statement, values).fetchall()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise PersistenceError(
                f"The store {self._path} does not work: {error}. Check the disk, and that the "
                "file is an SQLite database nobody else holds locked."
            ) from error
