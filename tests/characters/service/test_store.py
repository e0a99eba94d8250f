from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from characters.agents.agent import Do, Feel, Part, Say
from characters.protocol.messages import Action
from characters.service.conversation import (
    Entry,
    PendingReply,
    PersistEntry,
    PlayerLine,
    ResolveReply,
)
from characters.service.registry import ServiceSession
from characters.service.room_store import MAX_UNSAVED, RoomStore
from characters.service.store import MAX_PENDING, SessionStore, StoredSession
from characters.service.talks import MAX_TURNS

ADA = StoredSession("s1", "nurse", "ada", 100.0)
BOB = StoredSession("s2", "nurse", "bob", 200.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "service" / "sessions.sqlite3"


def test_sessions_memory_and_turns_survive_a_restart(path: Path) -> None:
    store = SessionStore(path)
    turn = PersistEntry("player", "my name is Ada")
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
    store.save(ADA, {"secret": "treasure"}, [PersistEntry("player", "treasure")])
    store.save(BOB)
    store.remove(["s1"], ended_at=5.0)
    assert store.load().sessions == (BOB,)
    assert store.load().ended == ("s1",)
    assert store.turns("s1") == ()
    store.close()
    assert b"treasure" not in path.read_bytes()


def test_only_the_last_turns_are_kept(path: Path) -> None:
    store = SessionStore(path)
    store.save(ADA, None, [PersistEntry("player", str(n)) for n in range(MAX_TURNS + 5)])
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
    store.save(BOB, None, [PersistEntry("player", "x" * 200) for _ in range(300)])
    store.close()
    raw = bytearray(path.read_bytes())
    raw[4096:20_000] = os.urandom(20_000 - 4096)
    path.write_bytes(raw)
    again = SessionStore(path)
    again.save(ADA)
    assert path.with_name("sessions.sqlite3.damaged").read_bytes() == bytes(raw)


@pytest.mark.posix("Windows has no modes; a user's folders are that user's alone")
def test_only_the_owner_may_read_the_file(path: Path) -> None:
    SessionStore(path).close()
    assert path.stat().st_mode & 0o077 == 0


def test_the_ids_of_typed_lines_survive_a_restart_and_go_with_the_session(path: Path) -> None:
    store = SessionStore(path)
    line = PersistEntry("player", "my name is Ada", "m1")
    store.save(ADA, {}, [line, PersistEntry("character", "Good day.")])
    store.close()
    again = SessionStore(path)
    assert again.message_ids("s1") == {"m1"}
    again.remove(["s1"], ended_at=5.0)
    assert again.message_ids("s1") == frozenset()


def test_only_the_ids_of_the_last_turns_are_kept(path: Path) -> None:
    store = SessionStore(path)
    for number in range(3):
        turns = [PersistEntry("player", "x", f"{number}.{i}") for i in range(MAX_TURNS)]
        store.save(ADA, None, turns)
    assert store.message_ids("s1") == {f"2.{i}" for i in range(MAX_TURNS)}


# --- pending replies ----------------------------------------------------------------------------

FIRST, SECOND = (PersistEntry("player", f"line {n}", f"m{n}") for n in (1, 2))
ONE, TWO = (Say("One."),), (Say("Two."),)


def reply(*ids: str, parts: tuple[Part, ...] | None = ()) -> PendingReply:
    """Return the reply to lines that were typed."""
    return PendingReply(tuple(PlayerLine("", message_id) for message_id in ids), parts)


def ids(replies: tuple[PendingReply, ...]) -> list[str]:
    return [message_id for reply in replies for message_id in reply.message_ids]


def test_a_decided_answer_survives_a_restart_until_it_is_resolved(path: Path) -> None:
    store = SessionStore(path)
    parts = (
        Feel("joy", 2),
        Do((Action("Wave"), Action("Point", "door"))),
        Say("Good day, Ad\u00e9."),
    )
    store.save(ADA, {}, [FIRST, reply("m1", parts=parts)])
    store.close()
    again = SessionStore(path)
    line = PlayerLine("line 1", "m1", is_kept=True)
    assert again.pending("s1") == (PendingReply((line,), parts),)
    again.save(ADA, None, [ResolveReply("m1")])
    assert again.pending("s1") == ()


@pytest.mark.parametrize(
    ("heard", "pending"),
    [
        (None, ["m0", "m1", "m2"]),
        ("m1", ["m0", "m2"]),
        ("m2", ["m0"]),
        ("never seen", ["m0", "m1", "m2"]),
    ],
)
def test_up_to_the_last_answer_that_was_heard_all_that_is_decided_was(
    heard: str | None, pending: list[str]
) -> None:
    store = SessionStore(None)
    entries: list[Entry] = [PersistEntry("player", "line 0", "m0"), reply("m0", parts=None)]
    entries += [FIRST, reply("m1", parts=ONE), SECOND, reply("m2", parts=TWO)]
    store.save(ADA, {"a": 1}, entries)
    history = store.history("s1", heard, at=2.0)
    assert ids(history.pending) == pending
    assert history.memory == {"a": 1}
    assert history.message_ids == {"m0", "m1", "m2"}
    said = [turn.text for turn in store.turns("s1") if turn.speaker == "character"]
    assert said == [text for id_, text in (("m1", "One."), ("m2", "Two.")) if id_ not in pending]


def test_lines_that_are_answered_together_have_one_pending_reply() -> None:
    store = SessionStore(None)
    store.save(ADA, {}, [FIRST, reply("m1", parts=None), SECOND, reply("m2", parts=None)])
    assert [item.parts for item in store.history("s1", "m2", at=0.0).pending] == [None, None]
    store.save(ADA, {}, [reply("m1", "m2")])
    line = PlayerLine("line 2", "m2", is_kept=True)
    assert store.pending("s1") == (PendingReply((line,), ()),)


def test_an_answer_that_is_repeated_is_written_once() -> None:
    store = SessionStore(None)
    answer = PersistEntry("character", "Good day.", answers="m1")
    store.save(ADA, {}, [FIRST, reply("m1"), answer])
    store.save(ADA, {}, [answer])
    assert [turn.text for turn in store.turns("s1")] == ["line 1", "Good day."]


def test_only_the_last_answers_stay_pending_for_a_client_that_never_confirms_any() -> None:
    store = SessionStore(None)
    for number in range(MAX_PENDING + 5):
        line = PersistEntry("player", "x", f"m{number}")
        store.save(ADA, {}, [line, reply(f"m{number}")])
    assert ids(store.pending("s1")) == [f"m{number}" for number in range(5, MAX_PENDING + 5)]


def test_a_pending_reply_goes_with_its_line() -> None:
    store = SessionStore(None)
    store.save(ADA, {}, [FIRST, reply("m1", parts=None)])
    store.save(ADA, {}, [PersistEntry("player", "x") for _ in range(MAX_TURNS)])
    assert store.pending("s1") == ()


# --- one room -----------------------------------------------------------------------------------

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


def test_the_database_of_another_program_is_put_aside_whole(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as foreign, foreign:
        foreign.execute("CREATE TABLE sessions (name TEXT, visits INTEGER)")
        foreign.execute("INSERT INTO sessions VALUES ('Ada', 3)")
    store = SessionStore.open(path)
    assert "sessions.sqlite3.damaged" in store.warning
    assert store.load().sessions == ()
    store.close()
    with closing(sqlite3.connect(path.with_name("sessions.sqlite3.damaged"))) as kept:
        assert kept.execute("SELECT * FROM sessions").fetchall() == [("Ada", 3)]
        assert kept.execute("SELECT name FROM sqlite_master").fetchall() == [("sessions",)]


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        for statement in statements:
            db.execute(statement)


def test_a_database_of_another_version_is_put_aside(path: Path) -> None:
    SessionStore(path).close()
    change(path, "PRAGMA user_version = 3")
    store = SessionStore.open(path)
    assert "another version" in store.warning and "sessions.sqlite3.damaged" in store.warning
    store.save(ADA)
    store.close()
    assert SessionStore.open(path).warning == ""


@pytest.mark.parametrize("at", [18, 19, 44, 45, 46, 47, 56, 57, 58, 59])
def test_whatever_the_header_of_a_database_says_the_service_keeps_talks(
    path: Path, at: int
) -> None:
    store = SessionStore(path)
    store.save(ADA)
    store.close()
    data = bytearray(path.read_bytes())
    data[at] = 9
    path.write_bytes(data)
    store = SessionStore.open(path)
    store.save(BOB)
    assert "cannot be kept" not in store.warning
    assert BOB in SessionStore(path).load().sessions
    if store.warning:
        assert path.with_name("sessions.sqlite3.damaged").read_bytes() == data


def test_values_in_a_database_that_say_nothing_cost_that_value_alone(path: Path) -> None:
    store = SessionStore(path)
    store.save(ADA, {"a": 1}, [PersistEntry("player", "Who?", "m1")])
    line = PlayerLine("Who?", "m1", is_kept=True)
    store.save(ADA, None, [PendingReply((line,), (Say("Me."),))])
    store.close()
    for nonsense in ("not json", "[" * 5000, "5", '{"say": 1'):
        change(path, f"UPDATE sessions SET memory = '{nonsense}'")
        change(path, f"UPDATE owed SET answer = '{nonsense}'")
        found = SessionStore(path).history("s1", None, 0.0)
        assert (found.memory, [reply.parts for reply in found.pending]) == ({}, [None])
    change(path, "UPDATE sessions SET character_id = CAST(x'ff6e' AS TEXT)")
    assert len(SessionStore(path).load().sessions) == 1


@pytest.mark.posix("Windows has no pipes in folders, and a link takes a right that players lack")
@pytest.mark.parametrize("ending", ["", "-wal", "-shm"])
@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_file_in_a_database_s_place_is_told_and_nothing_waits_for_it(
    path: Path, ending: str, kind: str
) -> None:
    odd, victim = path.with_name(path.name + ending), path.parent.parent / "victim"
    path.parent.mkdir()
    make = {"link": lambda: odd.symlink_to(victim), "pipe": lambda: os.mkfifo(odd)}
    make.get(kind, odd.mkdir)()
    store = SessionStore.open(path)
    assert f"{odd.name} is a {kind}" in store.warning
    store.save(ADA)
    assert store.load().sessions == (ADA,)
    assert not victim.exists()


def test_a_disk_that_refuses_leaves_a_database_where_it_is(path: Path) -> None:
    SessionStore(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        store = SessionStore.open(path)
        assert "locked" in store.warning
    assert [file.name for file in path.parent.glob("*damaged*")] == []


def test_a_database_that_may_only_be_read_stays_where_it_is(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    SessionStore(path).close()
    data = bytearray(path.read_bytes())
    data[18] = 9  # SQLite only reads it then, as it does on a disk for reading
    path.write_bytes(data)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "readonly" in SessionStore.open(path).warning
    assert [file.name for file in path.parent.glob("*damaged*")] == []


def test_a_use_begins_the_time_without_use_anew(path: Path) -> None:
    store = SessionStore(path)
    store.save(ADA)
    store.count_unused({"s1": 5.0})
    assert store.load().sessions[0].unused == 5.0
    store.save(ADA)
    assert store.load().sessions[0].unused == 0.0


def test_what_was_put_aside_before_is_never_replaced(path: Path) -> None:
    path.parent.mkdir()
    for content in (b"nonsense one", b"nonsense two"):
        path.write_bytes(content * 100)
        SessionStore(path).close()
    kept = [path.with_name(f"sessions.sqlite3.damaged{nth}") for nth in ("", "2")]
    assert [file.read_bytes()[:12] for file in kept] == [b"nonsense one", b"nonsense two"]


def test_our_own_database_is_opened_again_without_a_word(path: Path) -> None:
    for _ in range(2):
        store = SessionStore.open(path)
        assert store.warning == ""
        store.close()


def test_a_folder_that_cannot_be_made_is_a_store_in_memory_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    store = SessionStore.open(tmp_path / "file" / "sessions.sqlite3")
    assert "cannot be kept" in store.warning
    store.save(StoredSession("id-1", "nurse", None, 0.0))
    assert len(store.load().sessions) == 1
    store.close()
