from __future__ import annotations

import asyncio
import threading

import pytest

from characters.speech.interfaces import Completeness, Heard, Rejected
from characters.speech.worker import InWorker


class Slow:
    """A recogniser, and its only utterance, that notes in which thread it works."""

    def __init__(self) -> None:
        self.may_open = threading.Event()
        self.may_open.set()
        self.threads: set[str] = set()
        self.sound = b""
        self.prepared: list[tuple[str, ...]] = []
        self.cancelled = threading.Event()
        self.is_busy = False

    def prepare(self, phrases: tuple[str, ...]) -> None:
        self.prepared.append(phrases)

    def open(self, phrases: tuple[str, ...]) -> Slow | None:
        self.may_open.wait(5.0)
        return None if self.is_busy else self

    def feed(self, pcm: bytes) -> None:
        self.threads.add(threading.current_thread().name)
        self.sound += pcm

    def completeness(self) -> Completeness:
        return Completeness.WHOLE

    def finish(self) -> Heard | Rejected:
        return Heard("hello")

    def cancel(self) -> None:
        self.cancelled.set()


def test_all_work_is_done_in_one_thread_beside_the_loop() -> None:
    async def talk() -> Heard | Rejected:
        worker = InWorker(slow)
        worker.prepare(("hello",))
        utterance = await worker.open(("hello",))
        assert utterance is not None
        await utterance.feed(b"a")
        await utterance.feed(b"b")
        assert await utterance.completeness() is Completeness.WHOLE
        heard = await utterance.finish()
        await worker.close()
        return heard

    slow = Slow()
    assert asyncio.run(talk()) == Heard("hello") and slow.prepared == [("hello",)]
    assert slow.sound == b"ab" and slow.threads == {"recognition_0"}


def test_an_overloaded_one_says_so() -> None:
    async def talk() -> object:
        slow.is_busy = True
        return await InWorker(slow).open(())

    slow = Slow()
    assert asyncio.run(talk()) is None


def test_who_leaves_while_an_utterance_opens_leaves_none_behind() -> None:
    async def talk() -> None:
        slow.may_open.clear()
        worker = InWorker(slow)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await worker.open(())
        slow.may_open.set()
        await worker.close()

    slow = Slow()
    asyncio.run(talk())
    assert slow.cancelled.is_set()


def test_dropping_an_utterance_after_the_end_harms_nobody() -> None:
    async def talk() -> None:
        worker = InWorker(Slow())
        utterance = await worker.open(())
        assert utterance is not None
        await worker.close()
        await utterance.cancel()

    asyncio.run(talk())
