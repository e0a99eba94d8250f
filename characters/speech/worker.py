"""Recognisers whose calls block, on one worker thread: the event loop goes on meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Protocol, TypeVar

from characters.speech.interfaces import Completeness, Heard, Rejected

__all__ = ["InWorker"]


T = TypeVar("T")


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


class InWorker:
    """Implements `Recogniser` by a blocking one.

    It has one thread for all rooms: decoding holds the interpreter anyway, and frames stay in
    order.
    """

    def __init__(self, recogniser: BlockingRecogniser) -> None:
        self._recogniser = recogniser
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="recognition")

    def prepare(self, phrases: tuple[str, ...]) -> None:
        """Get ready for phrases that will be expected soon."""
        self._worker.submit(self._recogniser.prepare, phrases)

    async def open(self, phrases: tuple[str, ...]) -> UtteranceInWorker | None:
        """Begin an utterance; None when overloaded."""
        opening = self._worker.submit(self._recogniser.open, phrases)
        try:
            utterance = await asyncio.wrap_future(opening)
        except asyncio.CancelledError:
            # It may be open by now all the same, and nothing else would release it.
            opening.add_done_callback(_drop)
            raise
        return None if utterance is None else UtteranceInWorker(utterance, self._worker)

    async def close(self) -> None:
        """Stop the thread."""
        await asyncio.to_thread(self._worker.shutdown, wait=True, cancel_futures=True)


class UtteranceInWorker:
    """Implements `Utterance` by a blocking one."""

    def __init__(self, utterance: BlockingUtterance, worker: ThreadPoolExecutor) -> None:
        self._utterance = utterance
        self._worker = worker

    async def feed(self, pcm: bytes) -> None:
        """Take more of the utterance."""
        await self._run(lambda: self._utterance.feed(pcm))

    async def completeness(self) -> Completeness:
        """Return what it is so far, in a pause."""
        return await self._run(self._utterance.completeness)

    async def finish(self) -> Heard | Rejected:
        """End the utterance; return what it was."""
        return await self._run(self._utterance.finish)

    async def cancel(self) -> None:
        """Drop the utterance."""
        with suppress(RuntimeError):  # the whole service is closing, and its worker is gone
            await self._run(self._utterance.cancel)

    async def _run(self, action: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, action)


def _drop(opening: Future[BlockingUtterance | None]) -> None:
    utterance = None if opening.cancelled() or opening.exception() else opening.result()
    if utterance is not None:
        utterance.cancel()
