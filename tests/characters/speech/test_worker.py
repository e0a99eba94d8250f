from __future__ import annotations

import asyncio
import os
import threading

import pytest

from characters.speech import worker
from characters.speech.interfaces import SAY_AGAIN, Completeness, Heard, Rejected
from characters.speech.worker import (
    BATCH_BYTES,
    BoundedPool,
    InProcess,
    InWorker,
    PlacesTakenError,
    RecogniserHost,
    SpreadRecogniser,
)


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

    def close(self) -> None:
        self.closed = True


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


def test_a_call_that_waits_and_is_cancelled_leaves_its_place_to_another() -> None:
    async def talk() -> None:
        pool = BoundedPool(1, 1, "pool")
        first = asyncio.create_task(pool.run(lambda: go_on.wait(30.0)))
        second = asyncio.create_task(pool.run(lambda: made.append("second")))
        await asyncio.sleep(0)
        with pytest.raises(PlacesTakenError):
            await pool.run(lambda: made.append("too much"))
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        third = asyncio.create_task(pool.run(lambda: made.append("third")))
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(first, third)
        await pool.close()

    go_on, made = threading.Event(), list[str]()
    asyncio.run(talk())
    assert made == ["third"]


def test_the_first_of_the_least_busy_gets_the_next_utterance() -> None:
    async def talk() -> list[bytes]:
        many = SpreadRecogniser([InWorker(it) for it in slow])
        many.prepare(("hello",))
        utterances = [await many.open(()) for _ in range(2)]
        for number, utterance in enumerate(utterances):
            assert utterance is not None
            await utterance.feed(bytes([number]) * BATCH_BYTES)
            await utterance.finish()
        third = await many.open(())
        assert third is not None
        await third.feed(b"2" * BATCH_BYTES)
        await many.close()
        return [it.sound[:1] + it.sound[BATCH_BYTES : BATCH_BYTES + 1] for it in slow]

    slow = [Slow(), Slow()]
    assert asyncio.run(talk()) == [b"\x002", b"\x01"]
    assert [it.prepared for it in slow] == [[("hello",)], []]


def test_whoever_begins_while_others_are_followed_too_slowly_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def talk() -> list[bool]:
        one = InWorker(Slow())
        first = await one.open(())
        assert first is not None
        found = [await one.open(()) is not None]
        monkeypatch.setattr(worker, "LAG_SECONDS", -1.0)
        await first.feed(b"1" * BATCH_BYTES)
        found.append(await one.open(()) is not None)
        await one.close()
        return found

    assert asyncio.run(talk()) == [True, False]


class Echo:
    """A recogniser, and its utterances, of a process: what it hears it says."""

    def __init__(self, text: str = "") -> None:
        self.text = text

    def prepare(self, phrases: tuple[str, ...]) -> None:
        pass

    def open(self, phrases: tuple[str, ...]) -> Echo | None:
        return Echo() if phrases else None

    def feed(self, pcm: bytes) -> None:
        self.text += pcm.decode()
        if self.text == "crash":
            os._exit(1)

    def completeness(self) -> Completeness:
        return Completeness.WHOLE

    def finish(self) -> Heard | Rejected:
        return Heard(self.text)

    def cancel(self) -> None:
        pass

    def close(self) -> None:
        pass


def make_echo() -> RecogniserHost:
    return RecogniserHost(Echo())


def test_a_process_hears_for_us_and_another_comes_where_it_crashed() -> None:
    remote = InProcess(make_echo, "The echo")
    heard = []
    for said in (b"one", b"crash", b"two"):
        utterance = remote.open(("hello",))
        assert utterance is not None and utterance.completeness() is Completeness.WHOLE
        utterance.feed(said)
        heard.append(utterance.finish())
    assert remote.open(()) is None
    remote.close()
    assert heard == [Heard("one"), Rejected(SAY_AGAIN), Heard("two")]
