from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from characters.agents.agent import Do, Feel, Say
from characters.protocol.messages import Action
from characters.service.conversation import Entry, PersistEntry, ResolveReply
from characters.service.registry import Room, ServiceSession
from characters.service.store import (
    MAX_OWED,
    MAX_TURNS,
    MAX_UNSAVED,
    OwedAnswer,
    SessionStore,
    Settled,
    SpokenTurn,
    StoredEntry,
    StoredSession,
    WriteBehindQueue,
    read_answer,
    written_answer,
)

ADA = StoredSession("s1", "nurse", "ada", 100.0)
BOB = StoredSession("s2", "nurse", "bob", 200.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "service" / "sessions.sqlite3"


def test_sessions_memory_and_turns_survive_a_restart(path: Path) -> None:
    store = SessionStore(path)
    turn = SpokenTurn("player", "my name is Ada", 1.0)
    store.save(ADA, {"facts": {"name": "Ada"}}, [turn])
    store.close()
    again = SessionStore(path)
    assert again.load().sessions == (ADA,)
    assert again.memory("s1") == {"facts": {"name": "Ada"}}
    assert again.turns("s1") == (turn,)


def test_what_was_saved_is_there_without_a_close(path: Path) -> None:
    SessionStore(path).save(ADA, {"a": 1})
    assert SessionStore(path).memory("s1") == {"a": 1}


def test_saving_without_memory_keeps_the_memory(path: Path) -> None:
    store = SessionStore(path)
    store.save(ADA, {"a": 1})
    store.save(StoredSession("s1", "nurse", "ada", 300.0))
    assert store.memory("s1") == {"a": 1}
    assert store.load().sessions[0].used_at == 300.0


def test_an_unknown_session_remembers_nothing(path: Path) -> None:
    assert SessionStore(path).memory("nobody") == {}


def test_a_removed_session_leaves_its_id_and_nothing_else(path: Path) -> None:
    store = SessionStore(path)
    store.save(ADA, {"secret": "treasure"}, [SpokenTurn("player", "treasure", 1.0)])
    store.save(BOB)
    store.remove(["s1"], ended_at=5.0)
    assert store.load().sessions == (BOB,)
    assert store.load().ended == ("s1",)
    assert store.turns("s1") == ()
    store.close()
    assert b"treasure" not in path.read_bytes()


def test_only_the_last_turns_are_kept(path: Path) -> None:
    store = SessionStore(path)
    store.save(ADA, None, [SpokenTurn("player", str(n), 0.0) for n in range(MAX_TURNS + 5)])
    assert store.turns("s1")[0].text == "5"
    assert len(store.turns("s1")) == MAX_TURNS


@pytest.mark.parametrize("damage", [b"", b"not a database at all, by any means" * 50])
def test_a_foreign_or_empty_file_never_stops_the_service(path: Path, damage: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(damage)
    store = SessionStore(path)
    store.save(ADA)
    assert store.load().sessions == (ADA,)


def test_a_damaged_file_is_put_aside_and_not_thrown_away(path: Path) -> None:
    store = SessionStore(path)
    store.save(BOB, None, [SpokenTurn("player", "x" * 200, 0.0) for _ in range(300)])
    store.close()
    raw = bytearray(path.read_bytes())
    raw[4096:20_000] = os.urandom(20_000 - 4096)
    path.write_bytes(raw)
    again = SessionStore(path)
    again.save(ADA)
    assert path.with_name("sessions.sqlite3.damaged").read_bytes() == bytes(raw)


def test_only_the_owner_may_read_the_file(path: Path) -> None:
    SessionStore(path).close()
    assert path.stat().st_mode & 0o077 == 0


def test_the_ids_of_typed_lines_survive_a_restart_and_go_with_the_session(path: Path) -> None:
    store = SessionStore(path)
    told = SpokenTurn("player", "my name is Ada", 1.0, "m1")
    store.save(ADA, {}, [told, SpokenTurn("character", "Good day.", 2.0)])
    store.close()
    again = SessionStore(path)
    assert again.lines("s1") == {"m1"}
    again.remove(["s1"], ended_at=5.0)
    assert again.lines("s1") == frozenset()


def test_only_the_ids_of_the_last_turns_are_kept(path: Path) -> None:
    store = SessionStore(path)
    for number in range(3):
        turns = [SpokenTurn("player", "x", 1.0, f"{number}.{i}") for i in range(MAX_TURNS)]
        store.save(ADA, None, turns)
    assert store.lines("s1") == {f"2.{i}" for i in range(MAX_TURNS)}


# --- answers that are owed ----------------------------------------------------------------------

FIRST, SECOND = (SpokenTurn("player", f"line {n}", 1.0, f"m{n}") for n in (1, 2))


def test_a_decided_answer_survives_a_restart_until_it_is_settled(path: Path) -> None:
    store = SessionStore(path)
    store.save(ADA, {}, [FIRST, OwedAnswer(("m1",), "[]")])
    store.close()
    again = SessionStore(path)
    assert again.owed("s1") == (OwedAnswer(("m1",), "[]", "line 1"),)
    again.save(ADA, None, [Settled("m1")])
    assert again.owed("s1") == ()


def test_up_to_the_last_answer_that_was_heard_all_that_is_decided_was() -> None:
    store = SessionStore(None)
    undecided = SpokenTurn("player", "line 0", 1.0, "m0")
    owed: list[StoredEntry] = [undecided, OwedAnswer(("m0",), None)]
    owed += [FIRST, OwedAnswer(("m1",), "[1]"), SECOND, OwedAnswer(("m2",), "[2]")]
    store.save(ADA, {}, owed)
    assert [item.is_heard for item in store.owed("s1")] == [False] * 3
    assert [item.is_heard for item in store.owed("s1", heard="m1")] == [False, True, False]
    assert [item.is_heard for item in store.owed("s1", heard="m2")] == [False, True, True]
    assert [item.is_heard for item in store.owed("s1", heard="never seen")] == [False] * 3


def test_lines_that_are_answered_together_are_owed_one_answer() -> None:
    store = SessionStore(None)
    store.save(ADA, {}, [FIRST, OwedAnswer(("m1",), None), SECOND, OwedAnswer(("m2",), None)])
    assert [item.answer for item in store.owed("s1", heard="m2")] == [None, None]
    store.save(ADA, {}, [OwedAnswer(("m1", "m2"), "[]")])
    assert store.owed("s1") == (OwedAnswer(("m2",), "[]", "line 2"),)


def test_an_answer_that_is_told_again_is_written_once() -> None:
    store = SessionStore(None)
    answer = SpokenTurn("character", "Good day.", 2.0, answers="m1")
    store.save(ADA, {}, [FIRST, OwedAnswer(("m1",), "[]"), answer])
    store.save(ADA, {}, [answer])
    assert [turn.text for turn in store.turns("s1")] == ["line 1", "Good day."]


def test_only_the_last_answers_are_owed_to_who_never_confirms_any() -> None:
    store = SessionStore(None)
    for number in range(MAX_OWED + 5):
        line = SpokenTurn("player", "x", 1.0, f"m{number}")
        store.save(ADA, {}, [line, OwedAnswer((f"m{number}",), "[]")])
    owed = [item.message_ids[0] for item in store.owed("s1")]
    assert owed == [f"m{number}" for number in range(5, MAX_OWED + 5)]


def test_what_is_owed_goes_with_its_line(path: Path) -> None:
    store = SessionStore(None)
    store.save(ADA, {}, [FIRST, OwedAnswer(("m1",), None)])
    store.save(ADA, {}, [SpokenTurn("player", "x", 1.0) for _ in range(MAX_TURNS)])
    assert store.owed("s1") == ()


ROOM = Room("r", ServiceSession("s", "nurse", None, 0.0), 60.0, "fresh", None, 0.0)


class Disk:
    """Keeps turns, unless it is broken; a write takes a few steps of the event loop."""

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.confirmed: list[PersistEntry] = []
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


def run(play: Callable[[WriteBehindQueue, Disk], Awaitable[None]]) -> Disk:
    disk = Disk()

    async def bounded() -> None:
        async with asyncio.timeout(5):
            saver = WriteBehindQueue(ROOM, disk.keep, dict, disk.confirmed.append)
            await play(saver, disk)
            await saver.close()

    asyncio.run(bounded())
    return disk


def test_everything_is_kept_once_and_in_order() -> None:
    async def play(saver: WriteBehindQueue, disk: Disk) -> None:
        for number in range(20):
            saver.add(PersistEntry("player", str(number)))
            await asyncio.sleep(0)

    disk = run(play)
    assert [said.text for said in disk.kept] == [str(number) for number in range(20)]
    assert disk.writes < 20


def test_what_was_said_during_a_write_is_in_the_next() -> None:
    async def play(saver: WriteBehindQueue, disk: Disk) -> None:
        saver.add(PersistEntry("player", "before"))
        while not disk.is_busy:  # noqa: ASYNC110  # one step at a time
            await asyncio.sleep(0)
        saver.add(PersistEntry("player", "during"))

    assert [said.text for said in run(play).kept] == ["before", "during"]


def test_a_disk_that_recovers_gets_what_it_refused() -> None:
    async def play(saver: WriteBehindQueue, disk: Disk) -> None:
        disk.is_broken = True
        saver.add(PersistEntry("player", "refused"))
        for _ in range(10):
            await asyncio.sleep(0)
        disk.is_broken = False

    assert run(play).kept == [PersistEntry("player", "refused")]


def test_a_disk_that_stays_broken_costs_bounded_memory_and_no_talk() -> None:
    async def play(saver: WriteBehindQueue, disk: Disk) -> None:
        disk.is_broken = True
        for number in range(MAX_UNSAVED + 50):
            saver.add(PersistEntry("player", str(number)))
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(saver._entries) == MAX_UNSAVED

    assert run(play).kept == []


def test_a_flush_returns_when_all_is_written() -> None:
    async def play(saver: WriteBehindQueue, disk: Disk) -> None:
        saver.add(PersistEntry("player", "told"))
        await saver.flush()
        assert disk.kept == [PersistEntry("player", "told")]

    run(play)


def test_a_flush_does_not_wait_for_a_disk_that_refuses() -> None:
    async def play(saver: WriteBehindQueue, disk: Disk) -> None:
        disk.is_broken = True
        await saver.flush()
        assert disk.kept == []

    run(play)


def test_what_is_durable_is_confirmed_and_nothing_before() -> None:
    async def play(saver: WriteBehindQueue, disk: Disk) -> None:
        disk.is_broken = True
        saver.add(PersistEntry("player", "told", "m1"))
        await saver.flush()
        assert disk.confirmed == []
        disk.is_broken = False
        await saver.flush()
        assert disk.confirmed == disk.kept == [PersistEntry("player", "told", "m1")]

    run(play)


def test_answers_that_were_heard_are_settled_with_the_next_save_even_if_one_fails() -> None:
    disk, heard = Disk(), [("m1",), (), ()]

    async def play() -> None:
        saver = WriteBehindQueue(ROOM, disk.keep, dict, disk.confirmed.append, lambda: heard.pop(0))
        disk.is_broken = True
        await saver.flush()
        disk.is_broken = False
        await saver.close()

    asyncio.run(play())
    assert disk.kept == [ResolveReply("m1")]


def test_an_answer_is_read_as_it_was_written() -> None:
    parts = (
        Feel("joy", 2),
        Do((Action("Wave"), Action("Point", "door"))),
        Say("Good day, Ad\u00e9."),
    )
    assert read_answer(written_answer(parts)) == parts
