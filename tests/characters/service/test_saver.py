from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from characters.service.effects import Entry, Keep, Settle
from characters.service.rooms import Room, Session
from characters.service.saver import MAX_UNSAVED, Saver

ROOM = Room("r", Session("s", "nurse", None, 0.0), 60.0, "fresh", None, 0.0)


class Disk:
    """Keeps turns, unless it is broken; a write takes a few steps of the event loop."""

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.confirmed: list[Keep] = []
        self.writes = 0
        self.is_broken = False
        self.is_busy = False

    async def keep(
        self, room: Room, memory: dict[str, Any] | None, turns: tuple[Entry, ...]
    ) -> None:
        assert not self.is_busy, "two writes at once"
        self.is_busy = True
        for _ in range(5):
            await asyncio.sleep(0)
        self.is_busy = False
        if self.is_broken:
            raise OSError
        self.writes += 1
        self.kept += turns


def run(play: Callable[[Saver, Disk], Awaitable[None]]) -> Disk:
    disk = Disk()

    async def bounded() -> None:
        async with asyncio.timeout(5):
            saver = Saver(ROOM, disk.keep, dict, disk.confirmed.append)
            await play(saver, disk)
            await saver.close()

    asyncio.run(bounded())
    return disk


def test_everything_is_kept_once_and_in_order() -> None:
    async def play(saver: Saver, disk: Disk) -> None:
        for number in range(20):
            saver.add(Keep("player", str(number)))
            await asyncio.sleep(0)

    disk = run(play)
    assert [said.text for said in disk.kept] == [str(number) for number in range(20)]
    assert disk.writes < 20


def test_what_was_said_during_a_write_is_in_the_next() -> None:
    async def play(saver: Saver, disk: Disk) -> None:
        saver.add(Keep("player", "before"))
        while not disk.is_busy:  # noqa: ASYNC110  # one step at a time
            await asyncio.sleep(0)
        saver.add(Keep("player", "during"))

    assert [said.text for said in run(play).kept] == ["before", "during"]


def test_a_disk_that_recovers_gets_what_it_refused() -> None:
    async def play(saver: Saver, disk: Disk) -> None:
        disk.is_broken = True
        saver.add(Keep("player", "refused"))
        for _ in range(10):
            await asyncio.sleep(0)
        disk.is_broken = False

    assert run(play).kept == [Keep("player", "refused")]


def test_a_disk_that_stays_broken_costs_bounded_memory_and_no_talk() -> None:
    async def play(saver: Saver, disk: Disk) -> None:
        disk.is_broken = True
        for number in range(MAX_UNSAVED + 50):
            saver.add(Keep("player", str(number)))
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(saver._entries) == MAX_UNSAVED

    assert run(play).kept == []


def test_a_flush_returns_when_all_is_written() -> None:
    async def play(saver: Saver, disk: Disk) -> None:
        saver.add(Keep("player", "told"))
        await saver.flush()
        assert disk.kept == [Keep("player", "told")]

    run(play)


def test_a_flush_does_not_wait_for_a_disk_that_refuses() -> None:
    async def play(saver: Saver, disk: Disk) -> None:
        disk.is_broken = True
        await saver.flush()
        assert disk.kept == []

    run(play)


def test_what_is_durable_is_confirmed_and_nothing_before() -> None:
    async def play(saver: Saver, disk: Disk) -> None:
        disk.is_broken = True
        saver.add(Keep("player", "told", "m1"))
        await saver.flush()
        assert disk.confirmed == []
        disk.is_broken = False
        await saver.flush()
        assert disk.confirmed == disk.kept == [Keep("player", "told", "m1")]

    run(play)


def test_answers_that_were_heard_are_settled_with_the_next_save_even_if_one_fails() -> None:
    disk, heard = Disk(), [("m1",), (), ()]

    async def play() -> None:
        saver = Saver(ROOM, disk.keep, dict, disk.confirmed.append, lambda: heard.pop(0))
        disk.is_broken = True
        await saver.flush()
        disk.is_broken = False
        await saver.close()

    asyncio.run(play())
    assert disk.kept == [Settle("m1")]
