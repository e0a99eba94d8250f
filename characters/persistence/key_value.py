"""The store that everything kept between runs goes through, as a protocol anybody can fill.

Five methods are a store:

    class CloudStore:
        def get_string(self, key, default=None): return cloud.get(key, default)
        def set_string(self, key, value): cloud.put(key, value)
        def has_key(self, key): return cloud.has(key)
        def delete_key(self, key): cloud.delete(key)
        def save(self): cloud.flush()

They are called from one worker thread at a time, never from a frame: they may wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

__all__ = ["KeyValueStore", "ListableStore", "MemoryStore", "PersistenceError"]


class PersistenceError(Exception):
    """Something could not be stored or read; the message says what to do. Worth a retry."""


class KeyValueStore(Protocol):
    """Texts by key. A method that fails raises, whatever it likes."""

    def get_string(self, key: str, default: str | None = None) -> str | None:
        """Return the text of a key, or the default."""
        ...

    def set_string(self, key: str, value: str) -> None:
        """Set the text of a key."""
        ...

    def has_key(self, key: str) -> bool:
        """Tell whether a key is set."""
        ...

    def delete_key(self, key: str) -> None:
        """Delete a key; one that is not set is no error."""
        ...

    def save(self) -> None:
        """Return when everything set so far outlives the process and the power."""
        ...


@runtime_checkable
class ListableStore(Protocol):
    """A store that can also say which keys it has."""

    def keys(self, prefix: str = "") -> Sequence[str]:
        """Return the keys that begin with `prefix`."""
        ...


class MemoryStore:
    """A store that forgets with the process: for tests, and for players who want that."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def get_string(self, key: str, default: str | None = None) -> str | None:
        """Return the text of a key, or the default."""
        return self._values.get(key, default)

    def set_string(self, key: str, value: str) -> None:
        """Set the text of a key."""
        self._values[key] = value

    def has_key(self, key: str) -> bool:
        """Tell whether a key is set."""
        return key in self._values

    def delete_key(self, key: str) -> None:
        """Delete a key; one that is not set is no error."""
        self._values.pop(key, None)

    def save(self) -> None:
        """Return at once: there is nowhere to save to."""

    def keys(self, prefix: str = "") -> tuple[str, ...]:
        """Return the keys that begin with `prefix`."""
        return tuple(sorted(key for key in list(self._values) if key.startswith(prefix)))
