"""Typed reading and writing of preferences, for the whole file or for one prefix of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import TypeVar

from engine.prefs_values import Change, Inbox, Value

__all__ = ["MAX_KEY_BYTES", "MAX_VALUE_BYTES", "PrefsView"]

_T = TypeVar("_T")

_log = logging.getLogger(__name__)

MAX_KEY_BYTES = 512
MAX_VALUE_BYTES = 1024 * 1024
_SHORT_KEY = MAX_KEY_BYTES // 4  # a key of fewer characters is never too long
_INT_LIMIT = 2**63
_SHORT = MAX_VALUE_BYTES // 4  # a text of fewer characters is never too long


class PrefsView:
    """Unity's calls on the keys that begin with a prefix.

    Every `set_*` only queues and returns, unless `durable` is asked for: then it returns when
    the value is on the disk, or raises PrefsError. Every `get_*` returns the default when the
    key is missing or holds a value of another type.
    """

    # What every `set_*` ends with is written out in each: the first call after a frame's sleep
    # pays for each function and line of memory on its way, a third of it for one helper.

    def __init__(self, prefix: str = "", inbox: Inbox | None = None) -> None:
        self._prefix = prefix
        self._inbox = inbox or Inbox()
        self._room = _SHORT_KEY - len(prefix) if prefix.isascii() else 0
        self._mismatched: set[str] = set()

    @property
    def values(self) -> Mapping[str, Value]:
        """What is set now, by whole keys."""
        raise NotImplementedError

    def change(self, change: Change, *, durable: bool = False) -> None:
        """Apply a change whose key is whole; with `durable` return when it is on the disk."""
        raise NotImplementedError

    def save(self) -> None:
        """Return when everything set so far is on the disk. Raises PrefsError."""
        raise NotImplementedError

    def set_int(self, key: str, value: int, *, durable: bool = False) -> None:
        """Set a whole number of at most 64 bits. Raises TypeError, ValueError, PrefsError."""
        if type(value) is not int:
            raise _wrong_type("set_int", key, "an int", value)
        if not -_INT_LIMIT <= value < _INT_LIMIT:
            raise ValueError(f"set_int({key!r}): the number does not fit in 64 bits.")
        if type(key) is not str or not 0 < len(key) <= self._room or not key.isascii():
            self._check_key(key)
        change, inbox = (self._prefix + key, value), self._inbox
        if durable or inbox.is_guarded:
            self.change(change, durable=durable)
        else:
            inbox.add(change)
            if inbox.is_asleep:
                inbox.wake()

    def set_float(self, key: str, value: float, *, durable: bool = False) -> None:
        """Set a number. Raises TypeError, ValueError, PrefsError."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise _wrong_type("set_float", key, "a number", value)
        if type(key) is not str or not 0 < len(key) <= self._room or not key.isascii():
            self._check_key(key)
        change, inbox = (self._prefix + key, float(value)), self._inbox
        if durable or inbox.is_guarded:
            self.change(change, durable=durable)
        else:
            inbox.add(change)
            if inbox.is_asleep:
                inbox.wake()

    def set_string(self, key: str, value: str, *, durable: bool = False) -> None:
        """Set a text. Raises TypeError, ValueError, PrefsError."""
        if type(value) is not str:
            raise _wrong_type("set_string", key, "a str", value)
        if len(value) > _SHORT or not value.isascii():
            _check_size("set_string", key, _text_size("set_string", key, value))
        if type(key) is not str or not 0 < len(key) <= self._room or not key.isascii():
            self._check_key(key)
        change, inbox = (self._prefix + key, value), self._inbox
        if durable or inbox.is_guarded:
            self.change(change, durable=durable)
        else:
            inbox.add(change)
            if inbox.is_asleep:
                inbox.wake()

    def set_bool(self, key: str, value: bool, *, durable: bool = False) -> None:
        """Set a yes or no. Raises TypeError, ValueError, PrefsError."""
        if not isinstance(value, bool):
            raise _wrong_type("set_bool", key, "a bool", value)
        if type(key) is not str or not 0 < len(key) <= self._room or not key.isascii():
            self._check_key(key)
        change, inbox = (self._prefix + key, value), self._inbox
        if durable or inbox.is_guarded:
            self.change(change, durable=durable)
        else:
            inbox.add(change)
            if inbox.is_asleep:
                inbox.wake()

    def set_bytes(self, key: str, value: bytes, *, durable: bool = False) -> None:
        """Set raw bytes. Raises TypeError, ValueError, PrefsError."""
        if type(value) is not bytes:
            raise _wrong_type("set_bytes", key, "bytes", value)
        _check_size("set_bytes", key, len(value))
        if type(key) is not str or not 0 < len(key) <= self._room or not key.isascii():
            self._check_key(key)
        change, inbox = (self._prefix + key, value), self._inbox
        if durable or inbox.is_guarded:
            self.change(change, durable=durable)
        else:
            inbox.add(change)
            if inbox.is_asleep:
                inbox.wake()

    def get_int(self, key: str, default: int = 0) -> int:
        """Return a whole number, or the default."""
        value = self.values.get(self._prefix + key)
        return value if type(value) is int else self._default(key, value, default)

    def get_float(self, key: str, default: float = 0.0) -> float:
        """Return a number, or the default; a whole number counts."""
        value = self.values.get(self._prefix + key)
        if type(value) is float or type(value) is int:
            return float(value)
        return self._default(key, value, default)

    def get_string(self, key: str, default: str = "") -> str:
        """Return a text, or the default."""
        value = self.values.get(self._prefix + key)
        return value if isinstance(value, str) else self._default(key, value, default)

    def get_bool(self, key: str, default: bool = False) -> bool:
        """Return a yes or no, or the default."""
        value = self.values.get(self._prefix + key)
        return value if isinstance(value, bool) else self._default(key, value, default)

    def get_bytes(self, key: str, default: bytes = b"") -> bytes:
        """Return raw bytes, or the default."""
        value = self.values.get(self._prefix + key)
        return value if isinstance(value, bytes) else self._default(key, value, default)

    def has_key(self, key: str) -> bool:
        """Tell whether a key is set."""
        return self._prefix + key in self.values

    def delete_key(self, key: str, *, durable: bool = False) -> None:
        """Delete a key; one that is not set is no error. Raises PrefsError."""
        if self.has_key(key):
            self.change((self._prefix + key,), durable=durable)
        elif durable:
            self.save()

    def delete_all(self, *, durable: bool = False) -> None:
        """Delete every key of this view. Raises PrefsError."""
        for key in self.keys():
            self.delete_key(key)
        if durable:
            self.save()

    def keys(self, prefix: str = "") -> tuple[str, ...]:
        """Return the keys that begin with `prefix`, in order."""
        whole, cut = self._prefix + prefix, len(self._prefix)
        # list() of a dict is one step for other threads: none can change it meanwhile.
        names = sorted(key for key in list(self.values) if key.startswith(whole))
        return tuple(name[cut:] for name in names)

    def namespace(self, prefix: str) -> PrefsView:
        """Return a view of the keys that begin with `prefix`, under their shorter names."""
        return _Namespace(self, self._prefix + prefix)

    def __contains__(self, key: str) -> bool:
        return self.has_key(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys()) if self._prefix else len(self.values)

    def __bool__(self) -> bool:
        return True

    def _check_key(self, key: object) -> None:
        if type(key) is not str:
            raise TypeError(f"A key is a text, not {key!r}.")
        name = self._prefix + key
        if not name:
            raise ValueError("A key has at least one character.")
        if _text_size("set", key, name) > MAX_KEY_BYTES:
            raise ValueError(
                f"The key {name[:20]!r}… is too long: at most {MAX_KEY_BYTES} bytes. Put the long "
                "part into the value."
            )

    def _default(self, key: str, found: Value | None, default: _T) -> _T:
        if found is not None and key not in self._mismatched:
            self._mismatched.add(key)
            kind, wanted = type(found).__name__, type(default).__name__
            _log.warning("Setting %r holds a %s, not a %s.", key, kind, wanted)
        return default


class _Namespace(PrefsView):
    def __init__(self, root: PrefsView, prefix: str) -> None:
        super().__init__(prefix, root._inbox)
        self._root = root

    @property
    def values(self) -> Mapping[str, Value]:
        return self._root.values

    def change(self, change: Change, *, durable: bool = False) -> None:
        self._root.change(change, durable=durable)

    def save(self) -> None:
        self._root.save()


def _wrong_type(call: str, key: object, wanted: str, value: object) -> TypeError:
    return TypeError(f"{call}({key!r}) takes {wanted}, not {type(value).__name__}.")


def _text_size(call: str, key: str, text: str) -> int:
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise ValueError(f"{call}({key!r}): half of a surrogate pair is not a text.") from None


def _check_size(call: str, key: str, size: int) -> None:
    if size > MAX_VALUE_BYTES:
        raise ValueError(
            f"{call}({key!r}): {size} bytes are too much for a setting, at most "
            f"{MAX_VALUE_BYTES}. Keep it in a file of its own and its name here."
        )
