"""Work that takes long, beside the event loop: on threads, on every core, and never too much.

* `BoundedPool`: threads for calls that block; who would have to wait too long is told so
* `InWorker`: a recogniser whose calls block, on one thread
* `InProcess`, `RecogniserHost`: the two ends of such a recogniser in a process of its own
* `SpreadRecogniser`: the one that is least busy, of several
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from time import monotonic
from typing import Any, Protocol, TypeVar

from characters.protocol.failures import CharactersError
from characters.speech.interfaces import SAY_AGAIN, Completeness, Heard, Rejected
from characters.speech.process import SpeechProcess, SpeechProcessError

__all__ = ["BoundedPool", "InProcess", "InWorker", "PlacesTakenError", "RecogniserHost",
           "SpreadRecogniser"]  # fmt: skip


T = TypeVar("T")
# A tenth of a second of 16 kHz at once: a call for each frame would cost more than its work.
BATCH_BYTES = 3_200
# Where such a call takes so long, those who speak already are all that can be followed.
LAG_SECONDS = 0.6


class PlacesTakenError(CharactersError):
    """So much waits already that whoever came now would wait too long. Retryable."""

    retryable = True


class BoundedPool:
    """Threads for calls that block; at most `most_waiting` calls wait for one of them."""

    def __init__(self, threads: int, most_waiting: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._places = threads + most_waiting
        self._taken = 0

    async def run(self, call: Callable[[], T]) -> T:
        """Make a call. Raises PlacesTakenError at once where too many wait.

        A call whose task is cancelled while it waits is never made: its place is free again.
        """
        if self._taken >= self._places:
            raise PlacesTakenError("too much waits already")
        self._taken += 1
        try:
            return await asyncio.wrap_future(self._threads.submit(call))
        finally:
            self._taken -= 1

    def submit(self, call: Callable[[], object]) -> None:
        """Make a call some time, whatever comes of it."""
        self._threads.submit(call)

    async def close(self) -> None:
        """Wait for what is under way; what still waits is not done."""
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)


class BlockingUtterance(Protocol):
    """An utterance whose calls block; one thread at a time uses it."""

    def feed(self, pcm: bytes) -> None:
        """Take more of the utterance."""

    def completeness(self) -> Completeness:
        """Return what it is so far, in a pause."""

    def finish(self) -> Heard | Rejected:
        """End the utterance; return what it was."""

    def cancel(self) -> None:
        """Drop the utterance."""


class BlockingRecogniser(Protocol):
    """A recogniser whose calls block."""

    def prepare(self, phrases: tuple[str, ...]) -> None:
        """Get ready for phrases that will be expected soon."""

    def open(self, phrases: tuple[str, ...]) -> BlockingUtterance | None:
        """Begin an utterance; None when overloaded."""

    def close(self) -> None:
        """Release everything; a call that is under way ends."""


class InWorker:
    """Implements `Recogniser` by a blocking one, on one thread: frames stay in order."""

    def __init__(self, recogniser: BlockingRecogniser) -> None:
        self._recogniser = recogniser
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="recognition")
        self.busy = 0
        """How many utterances are open."""
        self._lag = 0.0  # seconds that the last call of one of them took

    def prepare(self, phrases: tuple[str, ...]) -> None:
        """Get ready for phrases that will be expected soon."""
        self._worker.submit(self._recogniser.prepare, phrases)

    async def open(self, phrases: tuple[str, ...]) -> UtteranceInWorker | None:
        """Begin an utterance; None when overloaded."""
        if self.busy and self._lag > LAG_SECONDS:
            return None
        self.busy += 1
        opening = self._worker.submit(self._recogniser.open, phrases)
        try:
            utterance = await asyncio.wrap_future(opening)
        except BaseException:
            # It may be open by now all the same, and nothing else would release it.
            opening.add_done_callback(_drop)
            self.busy -= 1
            raise
        if utterance is None:
            self.busy -= 1
            return None
        return UtteranceInWorker(utterance, self._worker, self._has_ended, self._has_taken)

    def _has_ended(self) -> None:
        self.busy -= 1

    def _has_taken(self, seconds: float) -> None:
        self._lag = seconds

    async def close(self) -> None:
        """Stop the thread."""
        self._recogniser.close()
        await asyncio.to_thread(self._worker.shutdown, wait=True, cancel_futures=True)


class UtteranceInWorker:
    """Implements `Utterance` by a blocking one."""

    def __init__(
        self,
        utterance: BlockingUtterance,
        worker: ThreadPoolExecutor,
        ended: Callable[[], None],
        took: Callable[[float], None],
    ) -> None:
        self._utterance = utterance
        self._worker = worker
        self._ended = ended
        self._took = took
        self._sound = bytearray()

    async def feed(self, pcm: bytes) -> None:
        """Take more of the utterance."""
        self._sound += pcm
        if len(self._sound) >= BATCH_BYTES:
            sound, began = self._take(), monotonic()
            await self._run(lambda: self._utterance.feed(sound))
            self._took(monotonic() - began)

    async def completeness(self) -> Completeness:
        """Return what it is so far, in a pause."""
        return await self._run(self._after_the_rest(self._utterance.completeness))

    async def finish(self) -> Heard | Rejected:
        """End the utterance; return what it was."""
        self._end()
        return await self._run(self._after_the_rest(self._utterance.finish))

    async def cancel(self) -> None:
        """Drop the utterance."""
        self._end()
        with suppress(RuntimeError):  # the whole service is closing, and its worker is gone
            await self._run(self._utterance.cancel)

    def _end(self) -> None:
        self._ended()
        self._ended = lambda: None

    def _take(self) -> bytes:
        sound, self._sound = bytes(self._sound), bytearray()
        return sound

    def _after_the_rest(self, action: Callable[[], T]) -> Callable[[], T]:
        sound = self._take()

        def run() -> T:
            if sound:
                self._utterance.feed(sound)
            return action()

        return run

    async def _run(self, action: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, action)


def _drop(opening: Future[BlockingUtterance | None]) -> None:
    utterance = None if opening.cancelled() or opening.exception() else opening.result()
    if utterance is not None:
        utterance.cancel()


class SpreadRecogniser:
    """Implements `Recogniser` by several: the first of those that are least busy gets the next."""

    def __init__(self, workers: Sequence[InWorker]) -> None:
        self._workers = tuple(workers)

    def prepare(self, phrases: tuple[str, ...]) -> None:
        """Get ready: one does, which is enough for one player."""
        self._workers[0].prepare(phrases)

    async def open(self, phrases: tuple[str, ...]) -> UtteranceInWorker | None:
        """Begin an utterance; None when all are overloaded."""
        return await min(self._workers, key=lambda worker: worker.busy).open(phrases)

    async def close(self) -> None:
        """Stop all of them."""
        for worker in self._workers:
            await worker.close()


class InProcess:
    """Implements `BlockingRecogniser` by the one that `make` makes in a process of its own.

    That ends after `rests_after` seconds without a call, until the next one.
    """

    def __init__(
        self, make: Callable[[], object], what: str, rests_after: float = math.inf
    ) -> None:
        self._process = SpeechProcess(make, what, rests_after)
        self._keys = count()

    def prepare(self, phrases: tuple[str, ...]) -> None:
        """Get ready for phrases that will be expected soon."""
        with suppress(SpeechProcessError):  # it is told with the first utterance, or was
            self._process.call("prepare", phrases)

    def open(self, phrases: tuple[str, ...]) -> UtteranceInProcess | None:
        """Begin an utterance; one that a broken process cannot take is rejected at its end."""
        utterance = UtteranceInProcess(self._process, next(self._keys))
        return utterance if utterance.ask(True, "open", phrases) else None

    def close(self) -> None:
        """End the process."""
        self._process.close()


class UtteranceInProcess:
    """Implements `BlockingUtterance`; what a process that has ended cannot answer is rejected."""

    def __init__(self, process: SpeechProcess, key: int) -> None:
        self._process = process
        self._key = key

    def ask(self, otherwise: T, method: str, *arguments: Any) -> T:
        """Return what the process answers, or `otherwise` where it cannot."""
        try:
            answer: T = self._process.call(method, self._key, *arguments)
        except SpeechProcessError:
            return otherwise
        return answer

    def feed(self, pcm: bytes) -> None:
        """Take more of the utterance."""
        self.ask(None, "feed", pcm)

    def completeness(self) -> Completeness:
        """Return what it is so far, in a pause."""
        return self.ask(Completeness.UNKNOWN, "completeness")

    def finish(self) -> Heard | Rejected:
        """End the utterance; return what it was."""
        return self.ask(Rejected(SAY_AGAIN), "finish")

    def cancel(self) -> None:
        """Drop the utterance."""
        self.ask(None, "cancel")


class RecogniserHost:
    """What an `InProcess` calls: a recogniser and its open utterances, by their keys."""

    def __init__(self, recogniser: BlockingRecogniser) -> None:
        self._recogniser = recogniser
        self._open: dict[int, BlockingUtterance] = {}

    def prepare(self, phrases: tuple[str, ...]) -> None:
        """Get ready for phrases that will be expected soon."""
        self._recogniser.prepare(phrases)

    def open(self, key: int, phrases: tuple[str, ...]) -> bool:
        """Begin an utterance; return False when overloaded."""
        utterance = self._recogniser.open(phrases)
        if utterance is not None:
            self._open[key] = utterance
        return utterance is not None

    # Below, a key may be unknown: the process before this one ended in the middle of its utterance.

    def feed(self, key: int, pcm: bytes) -> None:
        """Take more of an utterance."""
        if key in self._open:
            self._open[key].feed(pcm)

    def completeness(self, key: int) -> Completeness:
        """Return what an utterance is so far, in a pause."""
        utterance = self._open.get(key)
        return Completeness.UNKNOWN if utterance is None else utterance.completeness()

    def finish(self, key: int) -> Heard | Rejected:
        """End an utterance; return what it was."""
        utterance = self._open.pop(key, None)
        return Rejected(SAY_AGAIN) if utterance is None else utterance.finish()

    def cancel(self, key: int) -> None:
        """Drop an utterance."""
        utterance = self._open.pop(key, None)
        if utterance is not None:
            utterance.cancel()
