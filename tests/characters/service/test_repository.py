"""What one room hands to the store while it goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from characters.service.effects import Entry, PersistEntry, ResolveReply
from characters.service.memory import Pair
from characters.service.registry import ServiceSession
from characters.service.repository import MAX_UNSAVED, RoomStore, SessionRepository

SESSION = ServiceSession("s", "nurse", None, 0.0)


class Disk:
    """Keeps turns, unless it is broken; a write takes a few steps of the event loop."""

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.confirmed: list[PersistEntry] = []
        self.writes = 0
        self.is_broken = False
        self.is_busy = False

    def room_store(self, heard: Callable[[], Iterable[str]] = tuple) -> RoomStore:
        return RoomStore(
            SESSION, self.save, memory=dict, confirm=self.confirmed.append, heard=heard
        )

    async def save(
        self, session: ServiceSession, memory: dict[str, Any] | None, entries: tuple[Entry, ...]
    ) -> None:
        assert not self.is_busy, "two writes at once"
        self.is_busy = True
        for _ in range(5):
            await asyncio.sleep(0)
        self.is_busy = False
        if self.is_broken:
            raise OSError
        self.writes += 1
        self.kept += entries


def run(play: Callable[[RoomStore, Disk], Awaitable[None]]) -> Disk:
    disk = Disk()

    async def bounded() -> None:
        async with asyncio.timeout(60):
            store = disk.room_store()
            store.start()
            await play(store, disk)
            await store.close()

    asyncio.run(bounded())
    return disk


def test_everything_is_kept_once_and_in_order() -> None:
    async def play(store: RoomStore, disk: Disk) -> None:
        for number in range(20):
            store.append(PersistEntry("player", str(number)))
            await asyncio.sleep(0)

    disk = run(play)
    assert [said.text for said in disk.kept] == [str(number) for number in range(20)]
    assert disk.writes < 20


def test_what_was_said_during_a_write_is_in_the_next() -> None:
    async def play(store: RoomStore, disk: Disk) -> None:
        store.append(PersistEntry("player", "before"))
        while not disk.is_busy:  # noqa: ASYNC110  # one step at a time
            await asyncio.sleep(0)
        store.append(PersistEntry("player", "during"))

    assert [said.text for said in run(play).kept] == ["before", "during"]


def test_a_disk_that_recovers_gets_what_it_refused() -> None:
    async def play(store: RoomStore, disk: Disk) -> None:
        disk.is_broken = True
        store.append(PersistEntry("player", "refused"))
        for _ in range(10):
            await asyncio.sleep(0)
        disk.is_broken = False

    assert run(play).kept == [PersistEntry("player", "refused")]


def test_a_disk_that_stays_broken_costs_bounded_memory_and_no_talk() -> None:
    async def play(store: RoomStore, disk: Disk) -> None:
        disk.is_broken = True
        for number in range(MAX_UNSAVED + 50):
            store.append(PersistEntry("player", str(number)))
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(store._entries) == MAX_UNSAVED

    assert run(play).kept == []


def test_a_flush_returns_when_all_is_written() -> None:
    async def play(store: RoomStore, disk: Disk) -> None:
        store.append(PersistEntry("player", "told"))
        await store.flush()
        assert disk.kept == [PersistEntry("player", "told")]

    run(play)


def test_other_work_is_done_between_two_writes_when_all_is_durable() -> None:
    async def play(store: RoomStore, disk: Disk) -> None:
        async def work() -> int:
            assert disk.kept == [PersistEntry("player", "before")]
            store.append(PersistEntry("player", "meanwhile"))
            for _ in range(20):
                await asyncio.sleep(0)
                assert not disk.is_busy, "a write in the middle of the work"
            return 7

        store.append(PersistEntry("player", "before"))
        assert await store.alone(work) == 7

    assert [said.text for said in run(play).kept] == ["before", "meanwhile"]


def test_work_that_nobody_waits_for_any_more_is_done_before_the_last_write() -> None:
    done: list[str] = []

    async def play(store: RoomStore, disk: Disk) -> None:
        begun = asyncio.Event()

        async def work() -> None:
            begun.set()
            for _ in range(20):
                await asyncio.sleep(0)
            done.append("work")

        waiting = asyncio.create_task(store.alone(work))
        await begun.wait()
        waiting.cancel()
        writes = disk.writes
        await store.close()
        assert done == ["work"] and disk.writes == writes + 1

    run(play)


def test_a_flush_does_not_wait_for_a_disk_that_refuses() -> None:
    async def play(store: RoomStore, disk: Disk) -> None:
        disk.is_broken = True
        await store.flush()
        assert disk.kept == []

    run(play)


def test_what_is_durable_is_confirmed_and_nothing_before() -> None:
    async def play(store: RoomStore, disk: Disk) -> None:
        disk.is_broken = True
        store.append(PersistEntry("player", "told", "m1"))
        await store.flush()
        assert disk.confirmed == []
        disk.is_broken = False
        await store.flush()
        assert disk.confirmed == disk.kept == [PersistEntry("player", "told", "m1")]

    run(play)


def test_answers_that_were_heard_are_settled_with_the_next_save_even_if_one_fails() -> None:
    disk, heard = Disk(), [("m1",), (), ()]

    async def play() -> None:
        store = disk.room_store(lambda: heard.pop(0))
        store.start()
        disk.is_broken = True
        await store.flush()
        disk.is_broken = False
        await store.close()

    asyncio.run(play())
    assert disk.kept == [ResolveReply("m1")]


class SlowStore:
    """Notes what is asked, in the order in which the thread does it."""

    is_shared = True

    def __init__(self) -> None:
        self.done: list[str] = []

    def facts_in(self, pair: Pair, session_id: str) -> tuple[()]:
        time.sleep(0.01)
        self.done.append(pair.end_user_id)
        return ()

    def turns(self, session_id: str) -> tuple[()]:
        self.done.append("turns")
        return ()

    def close(self) -> None:
        return


def test_who_asks_again_and_again_what_is_known_keeps_nobody_waiting() -> None:
    store: Any = SlowStore()

    async def play() -> None:
        parts: Any = (None, None, None)
        repository = SessionRepository(store, *parts, now=float, wall=float)
        asked = [repository.facts_in(Pair("me", "nurse"), "s") for _ in range(20)]
        asking = [asyncio.create_task(it) for it in asked]
        await asyncio.sleep(0)
        await asyncio.gather(
            repository.turns("s"), repository.facts_in(Pair("another", "nurse"), "s")
        )
        assert not all(task.done() for task in asking)
        await asyncio.gather(*asking)
        await repository.close()

    asyncio.run(play())
    assert store.done.index("turns") <= 1
    assert store.done.index("another") <= 3
    assert store.done.count("me") == 20
