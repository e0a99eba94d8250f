"""PlayerPrefs: Unity's small store of settings, in one file that cannot be lost.

prefs = PlayerPrefs.open(folder / "prefs.msgpack", dispatcher=dispatcher)
prefs.set_float("volume", 0.8)                      # queued; saved within a moment
prefs.set_string("session", "7f3a", durable=True)   # on the disk when it returns
slot = prefs.namespace("slot1.")

PrefsError              saving failed, or cannot work: the message says what to do
+-- PrefsLockedError    another process has the file; `pid` names it
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Protocol

from engine.dispatcher import Dispatcher
from engine.prefs_channel import Channel
from engine.prefs_disk import FileSystem, Lock, RealFileSystem
from engine.prefs_lock import LockHeldError
from engine.prefs_log import PrefsLog, RecoveryReport
from engine.prefs_values import MAX_TOTAL_BYTES, Change, Inbox, Value, apply_change, is_same
from engine.prefs_view import PrefsView
from engine.prefs_writer import PrefsWriter
from engine.signal import Signal

__all__ = ["MAX_TOTAL_BYTES", "PlayerPrefs", "PrefsError", "PrefsLockedError"]

_log = logging.getLogger(__name__)


class PrefsError(Exception):
    """Settings could not be saved; they live on in memory."""


class PrefsLockedError(PrefsError):
    """Another process has the file open; `pid` is its process, where it is known."""

    def __init__(self, path: Path, pid: int | None) -> None:
        who = f"process {pid}" if pid is not None else "another process"
        super().__init__(
            f"The settings file {path} is in use by {who}. Close that game first, or open the "
            "file with read_only=True."
        )
        self.pid = pid


class PlayerPrefs(PrefsView):
    """The settings of one game. Made by `open`; close it, or use it in a `with` statement.

    Callable from every thread. `changed` tells the key of each change; `problem` a sentence
    for the player, when saving stops working, works again, or the file was found damaged: what
    nobody listened to is told to the first who subscribes, so that each is told once.
    What happens on other threads reaches them through the dispatcher, on the main thread.
    """

    def __init__(
        self,
        backing: _Backing,
        inbox: Inbox,
        report: RecoveryReport,
        lock: Lock | None,
        channel: Channel,
    ) -> None:
        super().__init__(inbox=inbox)
        self._backing = backing
        self._lock = lock
        self._channel = channel
        self.report = report
        self.problem = channel.problem

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
        disk = disk or RealFileSystem()
        channel = Channel(path, dispatcher)
        lock, refusal = (None, "") if read_only else _take_lock(path, disk)
        log = PrefsLog(path, disk)
        contents, report = log.open(read_only=lock is None)
        inbox = Inbox()
        backing: _Backing
        if read_only or refusal or report.unsavable:
            refusal = refusal or report.unsavable or f"{path} was opened for reading only."
            backing = _Unsaved(contents.values, refusal, accepts=not read_only)
        else:
            backing = PrefsWriter(
                log,
                contents.values,
                live=contents.live,
                inbox=inbox,
                group_seconds=group_seconds,
                on_trouble=channel.tell_trouble,
            )
        problem = "" if report.is_clean else str(report)
        channel.tell_at_start(problem or ("" if read_only else refusal), log.trouble)
        return cls(backing, inbox, report, lock, channel)

    @property
    def values(self) -> Mapping[str, Value]:
        """What is set now."""
        return self._backing.values

    @property
    def changed(self) -> Signal[str]:
        """The key of each change, told on the thread that made it."""
        self._inbox.is_guarded = True  # from now on somebody may listen
        return self._channel.changed

    @property
    def trouble(self) -> str:
        """Why nothing is being saved at this moment; empty when all is well."""
        return self._backing.refusal or self._channel.trouble

    def change(self, change: Change, *, durable: bool = False) -> None:
        """Apply one change: `(key, value)` sets, `(key,)` deletes, `()` deletes everything."""
        if self._backing.live > MAX_TOTAL_BYTES and len(change) == 2:
            raise ValueError(f"All settings together take more than {MAX_TOTAL_BYTES} bytes.")
        news = self._news(change) if len(self._channel.changed) else ""
        self._backing.put(change, wake=not durable)
        if durable:
            self.save()
        if news:
            self._channel.tell_change(news)

    def _news(self, change: Change) -> str:
        if len(change) == 2 and is_same(change[1], self.values.get(change[0])):
            return ""
        return change[0] if change else ""

    def delete_all(self, *, durable: bool = False) -> None:
        """Delete everything. Raises PrefsError."""
        keys = self.keys()
        self.change((), durable=durable)
        for key in keys:
            self._channel.tell_change(key)

    def save(self) -> None:
        """Return when everything set so far is on the disk. Raises PrefsError when it cannot be.

        This waits for the disk. After an error the settings live on in memory, and the next
        save tries again.
        """
        if self._backing.refusal:
            raise PrefsError(self._backing.refusal)
        try:
            self._backing.commit()
        except OSError as error:
            raise PrefsError(self._channel.sentence(error)) from error

    def close(self, deadline_seconds: float = 2.0) -> bool:
        """Save the rest and let go of the file; False, and a log line, when that failed."""
        saved = self._backing.close(deadline_seconds)
        if not saved:
            _log.error("The settings were not all saved in time. %s", self.trouble)
        # A writer that still hangs in a system call keeps the lock until the process ends.
        if self._lock is not None and self._backing.is_idle:
            self._lock.release()
        self._inbox.is_guarded = True
        closed = f"The settings file {self.report.path.name} was closed."
        self._backing = _Unsaved(self._backing.values, closed, accepts=False)
        return saved

    def __enter__(self) -> PlayerPrefs:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
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


def _take_lock(path: Path, disk: FileSystem) -> tuple[Lock | None, str]:
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
        return None, (
            f"Nothing can be saved in {path.parent}: {error.strerror}. What is set in this run "
            "is not saved. Check the permissions of the folder."
        )
