"""PlayerPrefs: a game's settings in one file that survives a crash, as Unity's of that name.

prefs = PlayerPrefs.open(folder / "prefs.msgpack", dispatcher=dispatcher)
prefs.set_float("volume", 0.8)                      # queued; saved within a moment
prefs.set_string("session", "7f3a", durable=True)   # on the disk when it returns
slot = prefs.namespace("slot1.")
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

from engine.core.errors import EngineError
from engine.core.events import Dispatcher, Signal
from engine.core.file_system import FileLock, FileSystem, LockHeldError, disk_advice
from engine.core.words import ENGINE_WORDS, joined
from engine.prefs.format import (
    MAX_TOTAL_BYTES,
    Change,
    Value,
    WriteQueue,
    apply_change,
    is_same,
)
from engine.prefs.log import PrefsLog, RecoveryReport
from engine.prefs.writer import PrefsSignals, PrefsWriter

__all__ = [
    "MAX_KEY_BYTES", "MAX_VALUE_BYTES", "PlayerPrefs", "PrefsError", "PrefsLockedError",
    "PrefsView",
]  # fmt: skip


_T = TypeVar("_T")

_log = logging.getLogger(__name__)

MAX_KEY_BYTES = 512
MAX_VALUE_BYTES = 1024 * 1024
_SHORT_KEY = MAX_KEY_BYTES // 4  # a key of fewer characters is never too long
_INT_LIMIT = 2**63
_SHORT = MAX_VALUE_BYTES // 4  # a text of fewer characters is never too long


class PrefsError(EngineError):
    """Settings could not be saved; they are kept in memory."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class PrefsLockedError(PrefsError):
    """Another process has the file open; `pid` is its id, where it is known."""

    def __init__(self, path: Path, pid: int | None) -> None:
        who = f"process {pid}" if pid is not None else "another process"
        super().__init__(
            f"This game is open already: {path} is in use by {who}. Close that game first.",
            retryable=True,
        )
        self.pid = pid


class PrefsView:
    """Unity's calls, on the keys that begin with a prefix.

    Every `set_*` only queues, unless it is `durable`: then it returns when the value is on the
    disk, or raises PrefsError. Every `get_*` returns the default when the key is missing or
    holds a value of another type.
    """

    def __init__(self, prefix: str = "", queue: WriteQueue | None = None) -> None:
        self._prefix = prefix
        self._queue = queue or WriteQueue()
        self._room = _SHORT_KEY - len(prefix) if prefix.isascii() else 0
        self._mismatched: set[str] = set()

    @property
    def values(self) -> Mapping[str, Value]:
        """All values, by whole keys."""
        raise NotImplementedError

    def change(self, change: Change, *, durable: bool = False) -> None:
        """Apply a change of a whole key; if `durable`, return when it is on the disk."""
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
        self._put(key, value, durable)

    def set_float(self, key: str, value: float, *, durable: bool = False) -> None:
        """Set a number. Raises TypeError, ValueError, PrefsError."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise _wrong_type("set_float", key, "a number", value)
        self._put(key, float(value), durable)

    def set_string(self, key: str, value: str, *, durable: bool = False) -> None:
        """Set a text. Raises TypeError, ValueError, PrefsError."""
        if type(value) is not str:
            raise _wrong_type("set_string", key, "a str", value)
        if len(value) > _SHORT or not value.isascii():
            _check_size("set_string", key, _text_size("set_string", key, value))
        self._put(key, value, durable)

    def set_bool(self, key: str, value: bool, *, durable: bool = False) -> None:
        """Set a truth value. Raises TypeError, ValueError, PrefsError."""
        if not isinstance(value, bool):
            raise _wrong_type("set_bool", key, "a bool", value)
        self._put(key, value, durable)

    def set_bytes(self, key: str, value: bytes, *, durable: bool = False) -> None:
        """Set raw bytes. Raises TypeError, ValueError, PrefsError."""
        if type(value) is not bytes:
            raise _wrong_type("set_bytes", key, "bytes", value)
        _check_size("set_bytes", key, len(value))
        self._put(key, value, durable)

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
        """Return a truth value, or the default."""
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
        # list() of a dict is atomic: no other thread can change it meanwhile.
        names = sorted(key for key in list(self.values) if key.startswith(whole))
        return tuple(name[cut:] for name in names)

    def namespace(self, prefix: str) -> PrefsView:
        """Return a view of the keys that begin with `prefix`; it uses them without the prefix."""
        return _Namespace(self, self._prefix + prefix)

    def __contains__(self, key: str) -> bool:
        return self.has_key(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys()) if self._prefix else len(self.values)

    def __bool__(self) -> bool:
        return True

    def _put(self, key: str, value: Value, durable: bool) -> None:
        if type(key) is not str or not 0 < len(key) <= self._room or not key.isascii():
            self._check_key(key)
        change, queue = (self._prefix + key, value), self._queue
        if durable or queue.is_guarded:
            self.change(change, durable=durable)
        else:
            queue.add(change)
            if queue.is_asleep:
                queue.wake()

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
            kind, expected = type(found).__name__, type(default).__name__
            _log.warning("Setting %r holds a %s, not a %s.", key, kind, expected)
        return default


class _Namespace(PrefsView):
    def __init__(self, root: PrefsView, prefix: str) -> None:
        super().__init__(prefix, root._queue)
        self._root = root

    @property
    def values(self) -> Mapping[str, Value]:
        return self._root.values

    def change(self, change: Change, *, durable: bool = False) -> None:
        self._root.change(change, durable=durable)

    def save(self) -> None:
        self._root.save()


def _wrong_type(call: str, key: object, expected: str, value: object) -> TypeError:
    return TypeError(f"{call}({key!r}) takes {expected}, not {type(value).__name__}.")


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


class PlayerPrefs(PrefsView):
    """The settings of one game. Made by `open`; close it, or use it in a `with` statement.

    Callable from every thread. `changed` emits the key of each change; `problem` a sentence for
    the player when saving stops working, works again, or the file was damaged. A problem without
    a subscriber is kept for the first one. What happens on other threads is emitted through the
    dispatcher, on the main thread.
    """

    def __init__(
        self,
        backing: _Backing,
        queue: WriteQueue,
        report: RecoveryReport,
        lock: FileLock | None,
        signals: PrefsSignals,
    ) -> None:
        super().__init__(queue=queue)
        self._backing = backing
        self._lock = lock
        self._signals = signals
        self._is_closed = False
        self.report = report
        self.problem = signals.problem

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        read_only: bool = False,
        dispatcher: Dispatcher | None = None,
        disk: FileSystem | None = None,
        group_seconds: float = 0.05,
    ) -> PlayerPrefs:
        """Open the settings file at `path`; it is made when it is missing.

        Whatever the file holds, this returns: `report` says what was found. Where nothing can
        be saved the settings live in memory, `problem` says so, and the game runs on.
        `group_seconds` is how long queued changes are gathered before they are written.
        Raises PrefsLockedError when another process has the file and `read_only` is not asked.
        """
        path = Path(path).absolute()
        disk = disk or FileSystem()
        signals = PrefsSignals(path, dispatcher)
        lock, refusal = (None, "") if read_only else _take_lock(path, disk)
        log = PrefsLog(path, disk)
        contents, report = log.open(read_only=lock is None)
        queue = WriteQueue()
        backing: _Backing
        if read_only or refusal or report.unsavable:
            refusal = refusal or report.unsavable or f"{path} was opened for reading only."
            backing = _Unsaved(contents.values, refusal, accepts=not read_only)
        else:
            backing = PrefsWriter(
                log,
                contents.values,
                live=contents.live,
                queue=queue,
                group_seconds=group_seconds,
                on_save_state=signals.save_state_changed,
            )
        problem = "" if report.is_clean else report.told
        signals.opened(problem or ("" if read_only else refusal), log.open_error)
        return cls(backing, queue, report, lock, signals)

    @classmethod
    def in_memory(cls, why: str, *, dispatcher: Dispatcher | None = None) -> PlayerPrefs:
        """Return settings that begin empty and are never saved; `problem` says why."""
        signals = PrefsSignals(Path(), dispatcher)
        signals.opened(why, None)
        backing = _Unsaved({}, why, accepts=True)
        return cls(backing, WriteQueue(), RecoveryReport(Path()), None, signals)

    @property
    def values(self) -> Mapping[str, Value]:
        """What is set now."""
        return self._backing.values

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._is_closed

    @property
    def changed(self) -> Signal[str]:
        """Emits the key of each change."""
        self._queue.is_guarded = True  # from now on there may be subscribers
        return self._signals.changed

    @property
    def save_error(self) -> str:
        """Why nothing is being saved at this moment; empty when all is well."""
        return self._backing.refusal or self._signals.save_error

    def change(self, change: Change, *, durable: bool = False) -> None:
        """Apply one change: `(key, value)` sets, `(key,)` deletes, `()` deletes everything."""
        key = self._check(change) if self._queue.is_guarded else ""
        self._backing.put(change, wake=not durable)
        if durable:
            self.save()
        if key:
            self._signals.key_changed(key)

    def _check(self, change: Change) -> str:
        """Return the key whose change somebody waits for. Raises ValueError for a full file."""
        if self._backing.live > MAX_TOTAL_BYTES and len(change) == 2:
            raise ValueError(f"All settings together take more than {MAX_TOTAL_BYTES} bytes.")
        return self._changed_key(change) if len(self._signals.changed) else ""

    def _changed_key(self, change: Change) -> str:
        if len(change) == 2 and is_same(change[1], self.values.get(change[0])):
            return ""
        return change[0] if change else ""

    def delete_all(self, *, durable: bool = False) -> None:
        """Delete everything. Raises PrefsError."""
        keys = self.keys()
        self.change((), durable=durable)
        for key in keys:
            self._signals.key_changed(key)

    def save(self) -> None:
        """Return when everything set so far is on the disk. Raises PrefsError if that fails.

        This waits for the disk. After an error the settings live on in memory, and the next
        save tries again.
        """
        if self._backing.refusal:
            raise PrefsError(self._backing.refusal)
        try:
            self._backing.commit()
        except OSError as error:
            raise PrefsError(self._signals.sentence(error), retryable=True) from error

    def close(self, deadline_seconds: float = 2.0) -> bool:
        """Save the rest and close the file; return False, and log why, if that failed."""
        saved = self._backing.close(deadline_seconds)
        if not saved:
            _log.error("The settings were not all saved in time. %s", self.save_error)
        # A writer that still hangs in a system call keeps the lock until the process ends.
        if self._lock is not None and self._backing.is_idle:
            self._lock.release()
        self._queue.is_guarded = self._is_closed = True
        closed = f"The settings file {self.report.path.name} was closed."
        self._backing = _Unsaved(self._backing.values, closed, accepts=False)
        return saved

    def __enter__(self) -> PlayerPrefs:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Backing(Protocol):
    refusal: str
    live: int

    @property
    def values(self) -> dict[str, Value]: ...
    @property
    def is_idle(self) -> bool: ...
    def put(self, change: Change, *, wake: bool) -> None: ...
    def commit(self) -> None: ...
    def close(self, deadline_seconds: float) -> bool: ...


class _Unsaved:
    """Settings that live in memory only."""

    def __init__(self, values: dict[str, Value], refusal: str, *, accepts: bool) -> None:
        self.values = values
        self.refusal = refusal
        self.live = 0
        self.is_idle = True
        self._accepts = accepts

    def put(self, change: Change, *, wake: bool) -> None:
        if not self._accepts:
            raise PrefsError(self.refusal)
        apply_change(self.values, change)

    def commit(self) -> None:
        raise PrefsError(self.refusal)

    def close(self, deadline_seconds: float) -> bool:
        return True


def _take_lock(path: Path, disk: FileSystem) -> tuple[FileLock | None, str]:
    beside = path.with_name(path.name + ".lock")
    try:
        try:
            return disk.lock(beside), ""
        except FileNotFoundError:
            disk.make_folder(path.parent)
            return disk.lock(beside), ""
    except LockHeldError as held:
        raise PrefsLockedError(path, held.pid) from None
    except OSError as error:
        folder, why = str(path.parent), error.strerror
        problem = ENGINE_WORDS("settings.nothing_saved", folder=folder, why=why)
        return None, joined(problem, disk_advice(error))
