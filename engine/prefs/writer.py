"""The thread that saves preferences: it groups changes, so that a frame never waits for a disk.

`put` only queues: it applies nothing and takes no lock, since the first call after a frame's
sleep pays for each line of memory that it touches. Reading or saving applies what is queued.

`commit` saves everything queued so far on the caller's own thread: handing it to another thread
and back would cost as much as the flush itself. The holder of the commit lock saves for all.

The thread is a daemon, joined with a deadline on close: a disk that hangs must not hang the
game's exit, and a thread that dies at any point leaves a file that is whole. A game that ends
without `close` loses at most the last moment of changes that were not durable.

`PrefsSignals` tells the main thread what was changed, and in a sentence what cannot be saved.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from engine.core.events import Dispatcher, Signal, Subscription
from engine.core.file_system import disk_advice
from engine.core.words import ENGINE_WORDS, joined
from engine.prefs.format import (
    MAX_TOTAL_BYTES,
    Change,
    Value,
    WriteQueue,
    apply_change,
    is_same,
    weigh,
    weight,
)
from engine.prefs.log import PrefsLog

__all__ = ["PrefsSignals", "BufferedSignal", "PrefsWriter"]


_log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0  # how long the thread leaves a disk alone that refused


class PrefsWriter:
    """The values in memory, the changes that are not saved yet, and the thread that saves them."""

    refusal = ""

    def __init__(
        self,
        log: PrefsLog,
        values: dict[str, Value],
        *,
        live: int,
        queue: WriteQueue,
        group_seconds: float,
        on_save_state: Callable[[OSError | None], object],
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self.live = live  # about the bytes that the values took in a file, at the last commit
        self._values = values
        self._log = log
        self._group_seconds = group_seconds
        self._retry_seconds = retry_seconds
        self._on_save_state = on_save_state
        self._save_error = log.open_error
        self._queue = queue
        queue.is_guarded = live > MAX_TOTAL_BYTES
        queue.wake = self._wake
        self._pending: list[tuple[Change, Value | None]] = []  # applied; with what was there before
        self._memory_lock = threading.Lock()  # held for nanoseconds, never during I/O
        self._commit_lock = threading.Lock()
        # A bare lock that is released to wake the thread: an Event costs a frame ten times that.
        self._work = threading.Lock()
        self._work.acquire()
        self._is_started = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="prefs-writer", daemon=True)

    def put(self, change: Change, *, wake: bool = True) -> None:
        """Queue a change, without waiting; `wake=False` if the caller commits next."""
        self._queue.add(change)
        if wake and self._queue.is_asleep:
            self._wake()

    @property
    def values(self) -> dict[str, Value]:
        """All values, with what is queued."""
        if self._queue.changes:
            with self._memory_lock:
                self._apply_queue()
        return self._values

    def _apply_queue(self) -> None:
        changes, values, pending = self._queue.changes, self._values, self._pending
        while changes:
            change = changes[0]
            old = apply_change(values, change)
            if len(change) < 2 or not is_same(change[1], old):
                pending.append((change, old))
            changes.popleft()  # last: a reader that finds no changes takes no lock

    def _wake(self) -> None:
        with self._memory_lock:
            if not self._queue.is_asleep:
                return
            self._queue.is_asleep = False
        self._rouse()

    def _rouse(self) -> None:
        # Started by the first change that is not durable: reading needs no thread.
        if not self._is_started:
            self._is_started = True
            self._thread.start()
        self._work.release()

    def commit(self) -> None:
        """Return when everything queued so far is on the disk. Raises OSError."""
        with self._commit_lock:
            before, now, changes = self._save_error, None, self._drain()
            if changes or before is not None:
                try:
                    self._log.commit(changes, self.live, self._snapshot)
                except OSError as error:
                    now = error
            self._save_error = now
        if now is before:  # as a rule: both are None
            return
        if (now is None) != (before is None):
            self._on_save_state(now)  # outside the lock: the callback may save
        if now is not None:
            self._wake()  # the thread tries again later
            raise now

    def _drain(self) -> list[Change]:
        with self._memory_lock:
            self._apply_queue()
            pending, self._pending = self._pending, []
        for change, old in pending:
            self.live = weigh(self.live, change, old)
        if self.live > MAX_TOTAL_BYTES:
            self._queue.is_guarded = True
        return [change for change, _ in pending]

    def _snapshot(self) -> dict[str, Value]:
        # What is queued now is in the copy; appending it again could restore an older value.
        with self._memory_lock:
            self._apply_queue()
            values = dict(self._values)
            self._pending.clear()
        self.live = sum(weight(key, value) for key, value in values.items())
        return values

    @property
    def is_idle(self) -> bool:
        """Whether the thread has ended."""
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._work.acquire()
            self._save_while_changes_come()
        self._commit_quietly()

    def _save_while_changes_come(self) -> None:
        # One more round awake saves the frame from waking the thread, which is a system call.
        while True:
            self._stop.wait(self._retry_seconds if self._save_error else self._group_seconds)
            with self._memory_lock:
                # Before the look at the queue: a put after that look wakes the thread.
                self._queue.is_asleep = True
                if self._stop.is_set() or not self._has_work():
                    return
                self._queue.is_asleep = False
            self._commit_quietly()

    def _has_work(self) -> bool:
        return bool(self._queue.changes or self._pending or self._save_error)

    def _commit_quietly(self) -> None:
        try:
            self.commit()
        except OSError as error:
            _log.debug("not saved yet: %s", error.strerror)  # on_save_state reported it

    def close(self, deadline_seconds: float) -> bool:
        """Save the rest and end the thread; False when that took longer than the deadline."""
        self._stop.set()
        if self._is_started:
            self._wake()
            self._thread.join(deadline_seconds)
        else:
            self._commit_quietly()
        if self._thread.is_alive():
            return False
        with self._commit_lock:
            self._log.close(self._snapshot)
        return self._save_error is None


_MOST_BUFFERED = 4


class BufferedSignal(Signal[str]):
    """A signal that keeps values without a subscriber for the first one."""

    __slots__ = ("_buffered",)

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._buffered: list[str] = []

    def emit(self, value: str) -> None:
        """Call every handler with `value`, or keep it while there is none."""
        if len(self):
            super().emit(value)
        else:
            self._buffered = [*self._buffered[1 - _MOST_BUFFERED :], value]

    def subscribe(self, handler: Callable[[str], object]) -> Subscription:
        """Call `handler` for the values that were kept, and for every later one."""
        subscription = super().subscribe(handler)
        buffered, self._buffered = self._buffered, []
        for value in buffered:
            super().emit(value)
        return subscription


class PrefsSignals:
    """The signals of PlayerPrefs, emitted on the main thread."""

    def __init__(self, path: Path, dispatcher: Dispatcher | None) -> None:
        self.changed: Signal[str] = Signal("PlayerPrefs.changed")
        self.problem: Signal[str] = BufferedSignal("PlayerPrefs.problem")
        self.save_error = ""
        self._path = path
        self._dispatcher = dispatcher
        self._home = threading.get_ident()

    def key_changed(self, key: str) -> None:
        """Emit that a key was set or deleted."""
        self._on_main_thread(lambda: self.changed.emit(key))

    def opened(self, problem: str, error: OSError | None) -> None:
        """Emit what opening found, in one sentence or two."""
        if error is not None:
            self.save_error = self.sentence(error)
        text = joined(problem, self.save_error)
        if text:
            _log.warning("%s", text)
            self._on_main_thread(lambda: self.problem.emit(text))

    def save_state_changed(self, error: OSError | None) -> None:
        """Emit why saving fails, or with None that it works again."""
        self.save_error = "" if error is None else self.sentence(error)
        text = self.save_error or ENGINE_WORDS("settings.saved_again", file=self._path.name)
        _log.warning("%s", text)
        self._on_main_thread(lambda: self.problem.emit(text))

    def sentence(self, error: OSError) -> str:
        """Return an error of the disk as a sentence for the player."""
        why = error.strerror or str(error)
        problem = ENGINE_WORDS("settings.not_saved", path=str(self._path), why=why)
        return joined(problem, disk_advice(error))

    def _on_main_thread(self, action: Callable[[], object]) -> None:
        if self._dispatcher is not None and threading.get_ident() != self._home:
            self._dispatcher.post(action)
        else:
            action()
