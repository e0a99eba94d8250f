"""The thread that saves: it groups what piled up, so that a frame never waits for a disk.

`put` only queues. A caller that needs its change on the disk calls `commit`, which saves
everything queued so far on the caller's own thread: handing it to another thread and back
would cost as much as the flush itself. Whoever holds the commit lock saves for all.

The thread is a daemon, joined with a deadline on close: a disk that hangs must not hang the
game's exit, and a thread that dies at any point leaves a file that is whole. A game that is
ended without `close` loses at most the last moment of changes that nobody waited for.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from engine.prefs_format import Change, Value, apply_change
from engine.prefs_log import PrefsLog

__all__ = ["PrefsWriter"]

_log = logging.getLogger(__name__)

_RETRY_SECONDS = 5.0  # how long the thread leaves a disk alone that refused


class PrefsWriter:
    """The values in memory, what of them is not saved yet, and the thread that saves it."""

    refusal = ""

    def __init__(
        self,
        log: PrefsLog,
        values: dict[str, Value],
        *,
        live: int,
        group_seconds: float,
        on_trouble: Callable[[OSError | None], object],
    ) -> None:
        self.values = values
        self._live = live
        self._log = log
        self._group_seconds = group_seconds
        self._on_trouble = on_trouble
        self._trouble = log.trouble
        self._pending: deque[Change] = deque()
        self._memory_lock = threading.Lock()  # held for nanoseconds, never during I/O
        self._commit_lock = threading.Lock()
        self._work = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="prefs-writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def put(self, change: Change) -> None:
        """Apply a change to the values and queue it. Never waits for a disk."""
        with self._memory_lock:
            self._live += apply_change(self.values, change)
            self._pending.append(change)
        if not self._work.is_set():
            self._work.set()

    def commit(self) -> None:
        """Return when everything queued so far is on the disk. Raises OSError."""
        with self._commit_lock:
            self._commit()

    def _commit(self) -> None:
        with self._memory_lock:
            changes = list(self._pending)
            self._pending.clear()
        if not changes and self._trouble is None and self._log.is_ready:
            return
        try:
            self._log.commit(changes, self._live, self._snapshot)
        except OSError as error:
            self._note(error)
            raise
        self._note(None)

    def _snapshot(self) -> dict[str, Value]:
        # What is queued meanwhile is in the copy; appending it again could step back in time.
        with self._memory_lock:
            self._pending.clear()
            return dict(self.values)

    def _note(self, trouble: OSError | None) -> None:
        changed = (trouble is None) != (self._trouble is None)
        self._trouble = trouble
        if changed:
            self._on_trouble(trouble)

    @property
    def live(self) -> int:
        """About the bytes that the values take in a file."""
        return self._live

    def _run(self) -> None:
        while not self._stop.is_set():
            self._work.wait()
            self._stop.wait(_RETRY_SECONDS if self._trouble else self._group_seconds)
            self._work.clear()
            if not self._commit_quietly():
                self._work.set()  # and once more, later
        self._commit_quietly()

    def _commit_quietly(self) -> bool:
        try:
            self.commit()
        except OSError:
            return False  # on_trouble has told
        return True

    def close(self, deadline_seconds: float) -> bool:
        """Save the rest and end the thread; False when that took longer than the deadline."""
        self._stop.set()
        self._work.set()
        self._thread.join(deadline_seconds)
        if self._thread.is_alive():
            return False
        with self._commit_lock:
            self._log.close()
        return self._trouble is None
