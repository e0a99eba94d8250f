"""The thread that saves: it groups what piled up, so that a frame never waits for a disk.

`put` only queues: it applies nothing and takes no lock, since the first call after a frame's
sleep pays for each line of memory that it touches. Whoever reads or saves applies what is queued.

A caller that needs its change on the disk calls `commit`, which saves everything queued so far
on the caller's own thread: handing it to another thread and back would cost as much as the flush
itself. Whoever holds the commit lock saves for all.

The thread is a daemon, joined with a deadline on close: a disk that hangs must not hang the
game's exit, and a thread that dies at any point leaves a file that is whole. A game that is
ended without `close` loses at most the last moment of changes that nobody waited for.

What preferences tell: the signals, and the way to the main thread.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from engine.core.events import Dispatcher, Signal, Subscription
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

__all__ = ["Channel", "KeptSignal", "PrefsWriter"]


_log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0  # how long the thread leaves a disk alone that refused


class PrefsWriter:
    """The values in memory, what of them is not saved yet, and the thread that saves it."""

    refusal = ""

    def __init__(
        self,
        log: PrefsLog,
        values: dict[str, Value],
        *,
        live: int,
        inbox: WriteQueue,
        group_seconds: float,
        on_trouble: Callable[[OSError | None], object],
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self.live = live  # about the bytes that the values took in a file, at the last commit
        self._values = values
        self._log = log
        self._group_seconds = group_seconds
        self._retry_seconds = retry_seconds
        self._on_trouble = on_trouble
        self._trouble = log.trouble
        self._inbox = inbox
        inbox.is_guarded = live > MAX_TOTAL_BYTES
        inbox.wake = self._wake
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
        """Queue a change. Waits for nothing.

        Whoever calls `commit` next need not wake the thread.
        """
        self._inbox.add(change)
        if wake and self._inbox.is_asleep:
            self._wake()

    @property
    def values(self) -> dict[str, Value]:
        """What is set now, with all that was put."""
        if self._inbox.queue:
            with self._memory_lock:
                self._apply_queue()
        return self._values

    def _apply_queue(self) -> None:
        queue, values = self._inbox.queue, self._values
        while queue:
            change = queue[0]
            old = apply_change(values, change)
            if len(change) < 2 or not is_same(change[1], old):
                self._pending.append((change, old))
            queue.popleft()  # last: who finds the queue empty reads the values without the lock

    def _wake(self) -> None:
        with self._memory_lock:
            if not self._inbox.is_asleep:
                return
            self._inbox.is_asleep = False
        self._rouse()

    def _rouse(self) -> None:
        # Started by the first change that nobody waits for: reading needs no thread.
        if not self._is_started:
            self._is_started = True
            self._thread.start()
        self._work.release()

    def commit(self) -> None:
        """Return when everything queued so far is on the disk. Raises OSError."""
        with self._commit_lock:
            before, now = self._trouble, self._commit()
            self._trouble = now
        if (now is None) != (before is None):
            self._on_trouble(now)  # outside the lock: whoever hears it may want to save
        if now is not None:
            self._wake()  # the thread tries again later
            raise now

    def _commit(self) -> OSError | None:
        changes = self._drain()
        if not changes and self._trouble is None:
            return None
        try:
            self._log.commit(changes, self.live, self._snapshot)
        except OSError as error:
            return error
        return None

    def _drain(self) -> list[Change]:
        with self._memory_lock:
            self._apply_queue()
            pending, self._pending = self._pending, []
        for change, old in pending:
            self.live = weigh(self.live, change, old)
        if self.live > MAX_TOTAL_BYTES:
            self._inbox.is_guarded = True
        return [change for change, _ in pending]

    def _snapshot(self) -> dict[str, Value]:
        # What is queued meanwhile is in the copy; appending it again could step back in time.
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
        # Staying awake for one more round spares the frame the waking, which is a system call.
        while True:
            self._stop.wait(self._retry_seconds if self._trouble else self._group_seconds)
            with self._memory_lock:
                # Before the look at the queue: who puts afterwards finds that it has to wake us.
                self._inbox.is_asleep = True
                if self._stop.is_set() or not self._has_work():
                    return
                self._inbox.is_asleep = False
            self._commit_quietly()

    def _has_work(self) -> bool:
        return bool(self._inbox.queue or self._pending or self._trouble)

    def _commit_quietly(self) -> None:
        try:
            self.commit()
        except OSError as error:
            _log.debug("not saved yet: %s", error.strerror)  # on_trouble has told the player

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
        return self._trouble is None


_KEPT = 4  # sentences that nobody has heard yet


class KeptSignal(Signal[str]):
    """A signal that keeps what nobody heard for the first who subscribes."""

    __slots__ = ("_unheard",)

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._unheard: list[str] = []

    def emit(self, value: str) -> None:
        """Hand `value` to every handler, or keep it when there is none."""
        if len(self):
            super().emit(value)
        else:
            self._unheard = [*self._unheard[1 - _KEPT :], value]

    def subscribe(self, handler: Callable[[str], object]) -> Subscription:
        """Call `handler` for what nobody heard, and for every later value."""
        subscription = super().subscribe(handler)
        unheard, self._unheard = self._unheard, []
        for value in unheard:
            super().emit(value)
        return subscription


class Channel:
    """The signals, and the way to the main thread."""

    def __init__(self, path: Path, dispatcher: Dispatcher | None) -> None:
        self.changed: Signal[str] = Signal("PlayerPrefs.changed")
        self.problem: Signal[str] = KeptSignal("PlayerPrefs.problem")
        self.trouble = ""
        self._path = path
        self._dispatcher = dispatcher
        self._home = threading.get_ident()

    def tell_change(self, key: str) -> None:
        """Tell that a key was set or deleted."""
        self._tell(lambda: self.changed.emit(key))

    def tell_at_start(self, problem: str, trouble: OSError | None) -> None:
        """Tell what opening found, in one sentence or two."""
        if trouble is not None:
            self.trouble = self.sentence(trouble)
        text = " ".join(filter(None, (problem, self.trouble)))
        if text:
            _log.warning("%s", text)
            self._tell(lambda: self.problem.emit(text))

    def tell_trouble(self, trouble: OSError | None) -> None:
        """Tell why nothing is saved any more, or with None that it is saved again."""
        self.trouble = "" if trouble is None else self.sentence(trouble)
        text = self.trouble or f"Settings are saved again to {self._path.name}."
        _log.warning("%s", text)
        self._tell(lambda: self.problem.emit(text))

    def sentence(self, trouble: OSError) -> str:
        """Return what an error of the disk means to the player."""
        return (
            f"Settings could not be saved to {self._path}: {trouble.strerror or trouble}. They "
            "are kept while the game runs and tried again. Make room on the disk, or check its "
            "permissions."
        )

    def _tell(self, action: Callable[[], object]) -> None:
        if self._dispatcher is not None and threading.get_ident() != self._home:
            self._dispatcher.post(action)
        else:
            action()
