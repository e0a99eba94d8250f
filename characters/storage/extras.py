"""Two more stores: one in an SQLite database of its own, one that encrypts another's values.

EncryptedStore needs the `cryptography` package.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from characters.storage.sessions import KeyValueStore, ListableStore, PersistenceError
from engine.core.file_system import expect_database

__all__ = ["EncryptedStore", "SQLiteStore"]


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
            expect_database(self._path, follows_links=True)
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            self._database = sqlite3.connect(self._path, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute("PRAGMA fullfsync = ON")  # macOS: the drive's cache too
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


class EncryptedStore:
    """Values encrypted with Fernet in `inner`; the names of the keys stay readable.

    `secret` comes from `EncryptedStore.new_secret()` and is kept elsewhere: in the system's
    keyring, say, never beside the file. A value that was changed, encrypted with another secret
    or moved to another key raises PersistenceError; it is never taken for a missing one.
    """

    def __init__(self, inner: KeyValueStore, secret: bytes | str) -> None:
        from cryptography.fernet import Fernet, InvalidToken

        self._inner = inner
        self._fernet = Fernet(secret)
        self._invalid = InvalidToken
        if isinstance(inner, ListableStore):
            self.keys = inner.keys  # the names are not encrypted; only if there is a list

    @staticmethod
    def new_secret() -> bytes:
        """Make a secret."""
        from cryptography.fernet import Fernet

        return Fernet.generate_key()

    def get_string(self, key: str, default: str | None = None) -> str | None:
        """Return the text of a key, or the default."""
        token = self._inner.get_string(key, "")
        return self._decrypt(key, token) if token else default

    def set_string(self, key: str, value: str) -> None:
        """Set the text of a key."""
        # The key is inside too, so that a token cannot be moved to another key.
        self._inner.set_string(
            key, self._fernet.encrypt(json.dumps([key, value]).encode()).decode()
        )

    def has_key(self, key: str) -> bool:
        """Tell whether a key is set."""
        return self._inner.has_key(key)

    def delete_key(self, key: str) -> None:
        """Delete a key; one that is not set is no error."""
        self._inner.delete_key(key)

    def save(self) -> None:
        """Return when everything set so far is durable."""
        self._inner.save()

    def _decrypt(self, key: str, token: str) -> str:
        try:
            name, value = json.loads(self._fernet.decrypt(token))
        except (self._invalid, ValueError, TypeError):
            name, value = None, ""
        if name != key:
            raise PersistenceError(
                f"The stored value of {key!r} cannot be decrypted: another secret was used, or "
                "it was changed. Give the secret that it was stored with, or delete the key."
            )
        return str(value)
