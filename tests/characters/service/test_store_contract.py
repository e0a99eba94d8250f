"""What every store keeps: a file, memory, and PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import TypeAlias

import pytest

from characters.agents.agent import Do, Feel, Part, Say
from characters.protocol.messages import Action
from characters.service.database import VERSION
from characters.service.effects import (
    BeginExchange,
    Entry,
    PendingReply,
    PersistEntry,
    PlayerLine,
    ResolveReply,
)
from characters.service.memory import Pair
from characters.service.postgres import PostgresDatabase, prepare
from characters.service.registry import RefusalError
from characters.service.store import FencedError, SessionStore, StoredSession
from characters.service.tables import StoreError
from characters.service.talks import MAX_PENDING
from tests.characters.service.histories import Histories, dump
from tests.postgres import PostgresServer

Opened: TypeAlias = Callable[[], SessionStore]

ADA = StoredSession("s1", "nurse", "ada", 100.0)
MOST = 40  # turns that are kept
BOB = StoredSession("s2", "nurse", "bob", 200.0)


class InMemory(SessionStore):
    """Is there when it is opened again."""

    def close(self) -> None:
        pass


@pytest.fixture(params=["file", "memory", "postgres"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """Open the same store, any number of times."""
    if request.param == "file":
        yield lambda: SessionStore(tmp_path / "sessions.sqlite3", MOST)
    elif request.param == "memory":
        in_memory = InMemory(None, MOST)
        yield lambda: in_memory
    else:
        url = request.getfixturevalue("postgres").fresh()
        stores: list[SessionStore] = []

        def open_one() -> SessionStore:
            stores.append(SessionStore(None, MOST, database=prepared(url), node="n1"))
            return stores[-1]

        yield open_one
        for store in stores:
            store.close()


def prepared(url: str) -> PostgresDatabase:
    db = PostgresDatabase(url)
    prepare(db)
    return db


def test_sessions_memory_and_turns_survive_a_restart(opened: Opened) -> None:
    store = opened()
    turn = PersistEntry("player", "my name is Ada")
    store.save(ADA, {"facts": {"name": "Ada"}}, [turn])
    store.close()
    again = opened()
    assert again.load().sessions == (ADA,)
    assert again.memory("s1") == {"facts": {"name": "Ada"}}
    assert again.turns("s1") == (turn,)


def test_what_was_saved_is_there_without_a_close(opened: Opened) -> None:
    opened().save(ADA, {"a": 1})
    assert opened().memory("s1") == {"a": 1}


def test_saving_without_memory_keeps_the_memory(opened: Opened) -> None:
    store = opened()
    store.save(ADA, {"a": 1})
    store.save(StoredSession("s1", "nurse", "ada", 300.0))
    assert store.memory("s1") == {"a": 1}
    assert store.load().sessions[0].used_at == 300.0


def test_an_unknown_session_remembers_nothing(opened: Opened) -> None:
    assert opened().memory("nobody") == {}


def test_only_the_last_turns_are_kept(opened: Opened) -> None:
    store = opened()
    store.save(ADA, None, [PersistEntry("player", str(n)) for n in range(MOST + 5)])
    assert store.turns("s1")[0].text == "5"
    assert len(store.turns("s1")) == MOST


def test_the_ids_of_typed_lines_survive_a_restart_and_go_with_the_session(opened: Opened) -> None:
    store = opened()
    line = PersistEntry("player", "my name is Ada", "m1")
    store.save(ADA, {}, [line, PersistEntry("character", "Good day.")])
    store.close()
    again = opened()
    assert again.message_ids("s1") == {"m1"}
    again.remove(["s1"], ended_at=5.0)
    assert again.message_ids("s1") == frozenset()


def test_only_the_ids_of_the_last_turns_are_kept(opened: Opened) -> None:
    store = opened()
    for number in range(3):
        turns = [PersistEntry("player", "x", f"{number}.{i}") for i in range(MOST)]
        store.save(ADA, None, turns)
    assert store.message_ids("s1") == {f"2.{i}" for i in range(MOST)}


# --- pending replies ----------------------------------------------------------------------------

FIRST, SECOND = (PersistEntry("player", f"line {n}", f"m{n}") for n in (1, 2))
ONE, TWO = (Say("One."),), (Say("Two."),)


def reply(*ids: str, parts: tuple[Part, ...] | None = ()) -> PendingReply:
    """Return the reply to lines that were typed."""
    return PendingReply(tuple(PlayerLine("", message_id) for message_id in ids), parts)


def ids(replies: tuple[PendingReply, ...]) -> list[str]:
    return [message_id for reply in replies for message_id in reply.message_ids]


def test_a_decided_answer_survives_a_restart_until_it_is_resolved(opened: Opened) -> None:
    store = opened()
    parts = (
        Feel("joy", 2),
        Do((Action("Wave"), Action("Point", "door"))),
        Say("Good day, Ad\u00e9."),
    )
    store.save(ADA, {}, [FIRST, reply("m1", parts=parts)])
    store.close()
    again = opened()
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
    opened: Opened, heard: str | None, pending: list[str]
) -> None:
    store = opened()
    entries: list[Entry] = [PersistEntry("player", "line 0", "m0"), reply("m0", parts=None)]
    entries += [FIRST, reply("m1", parts=ONE), SECOND, reply("m2", parts=TWO)]
    store.save(ADA, {"a": 1}, entries)
    history = store.history("s1", heard, at=2.0)
    assert ids(history.pending) == pending
    assert history.memory == {"a": 1}
    assert history.message_ids == {"m0", "m1", "m2"}
    said = [turn.text for turn in store.turns("s1") if turn.speaker == "character"]
    assert said == [text for id_, text in (("m1", "One."), ("m2", "Two.")) if id_ not in pending]


def test_lines_that_are_answered_together_have_one_pending_reply(opened: Opened) -> None:
    store = opened()
    store.save(ADA, {}, [FIRST, reply("m1", parts=None), SECOND, reply("m2", parts=None)])
    assert [item.parts for item in store.history("s1", "m2", at=0.0).pending] == [None, None]
    store.save(ADA, {}, [reply("m1", "m2")])
    line = PlayerLine("line 2", "m2", is_kept=True)
    assert store.pending("s1") == (PendingReply((line,), ()),)


def test_an_answer_that_is_repeated_is_written_once(opened: Opened) -> None:
    store = opened()
    answer = PersistEntry("character", "Good day.", answers="m1")
    store.save(ADA, {}, [FIRST, reply("m1"), answer])
    store.save(ADA, {}, [answer])
    assert [turn.text for turn in store.turns("s1")] == ["line 1", "Good day."]


def test_only_the_last_answers_stay_pending_for_a_client_that_never_confirms_any(
    opened: Opened,
) -> None:
    store = opened()
    for number in range(MAX_PENDING + 5):
        line = PersistEntry("player", "x", f"m{number}")
        store.save(ADA, {}, [line, reply(f"m{number}")])
    assert ids(store.pending("s1")) == [f"m{number}" for number in range(5, MAX_PENDING + 5)]


def test_a_pending_reply_goes_with_its_line(opened: Opened) -> None:
    store = opened()
    store.save(ADA, {}, [FIRST, reply("m1", parts=None)])
    store.save(ADA, {}, [PersistEntry("player", "x") for _ in range(MOST)])
    assert store.pending("s1") == ()


def test_a_use_begins_the_time_without_use_anew(opened: Opened) -> None:
    store = opened()
    store.save(ADA)
    store.count_unused({"s1": 5.0})
    assert store.load().sessions[0].unused == 5.0
    store.save(ADA)
    assert store.load().sessions[0].unused == 0.0


@pytest.mark.parametrize(
    "seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(100, 140))]
)
def test_a_random_history_leaves_what_a_plain_model_says(opened: Opened, seed: int) -> None:
    history = Histories(opened(), seed, opened)
    history.live(steps=40)
    words = set(re.findall(r"word\d+", history.leave_one()))
    assert words <= history.talks[history.now].words


def test_who_is_forgotten_is_forgotten_with_every_branch_and_what_lasts(opened: Opened) -> None:
    store, pair = opened(), Pair("ada", "nurse")
    talk = replace(ADA, is_lasting=True)
    entries: list[Entry] = [BeginExchange({"facts": {}}), PersistEntry("player", "I am Zanzibar.")]
    store.save(talk, {"facts": {"name": "Zanzibar"}}, entries, at=7.0)
    store.branch("s1", replace(talk, session_id="slot", is_saved=True))
    store.branch("slot", replace(talk, session_id="loaded"))
    store.save(replace(ADA, session_id="other"))
    assert set(store.family("loaded")) == {"s1", "slot", "loaded"}
    store.forget(["loaded"], 5.0, "ada", "nurse")
    again = opened()
    assert [session.session_id for session in again.load().sessions] == ["other"]
    assert again.facts(pair) == ()
    assert "Zanzibar" not in dump(again)


@pytest.mark.parametrize("player", ["ada", None])
def test_only_so_much_is_saved_of_one_player(opened: Opened, player: str | None) -> None:
    store, mine = opened(), replace(ADA, end_user_id=player)
    store.save(mine, {})
    store.save(BOB, {})

    def save(session_id: str, slot: str, user: str | None, *, is_saved: bool = True) -> None:
        branch = StoredSession(slot, "nurse", user, 100.0, is_saved=is_saved)
        assert store.branch(session_id, branch, most_saved=2) is not None

    save("s1", "one", player)
    save("s1", "two", player)
    with pytest.raises(RefusalError) as caught:
        save("s1", "three", player)
    assert caught.value.status == 409
    save("s2", "of another", "bob")
    save("s1", "to go on", player, is_saved=False)
    store.remove(["one"], 5.0)
    save("s1", "three", player)
    assert "two" in {session.session_id for session in opened().load().sessions}


# --- the fence ----------------------------------------------------------------------------------


@pytest.fixture
def shared(opened: Opened) -> SessionStore:
    """A store that several nodes write."""
    store = opened()
    if not store.is_shared:
        pytest.skip("one node has it alone")
    return store


def test_only_the_owner_at_the_present_epoch_writes(shared: SessionStore) -> None:
    shared.save(ADA, {"a": 1}, [FIRST])
    for epoch in (0, 2):
        stale = replace(ADA, epoch=epoch, is_stored=True)
        with pytest.raises(FencedError):
            shared.save(stale, {"a": 2}, [SECOND])
        with pytest.raises(FencedError):
            shared.take_back(stale, 5.0)
    assert shared.memory("s1") == {"a": 1}
    assert [turn.text for turn in shared.turns("s1")] == ["line 1"]


def test_nodes_that_save_at_once_save_no_more_than_one_does(postgres: PostgresServer) -> None:
    url, at_once = postgres.fresh(), Barrier(4)

    def save(node: str) -> int:
        store = SessionStore(None, database=prepared(url), node=node)
        store.save(replace(ADA, session_id=node), {})
        at_once.wait(30.0)
        for number in range(10):
            slot = replace(ADA, session_id=f"{node}.{number}", is_saved=True)
            with suppress(RefusalError):
                store.branch(node, slot, most_saved=3)
        saved = sum(session.is_saved for session in store.load().sessions)
        store.close()
        return saved

    with ThreadPoolExecutor(4) as pool:
        assert max(pool.map(save, ("n1", "n2", "n3", "n4"))) == 3


def test_what_was_removed_is_never_written_again(shared: SessionStore) -> None:
    shared.save(ADA, {"a": 1})
    shared.remove(["s1"], ended_at=5.0)
    with pytest.raises(FencedError):
        shared.save(replace(ADA, is_stored=True), {"a": 2}, [FIRST])
    assert shared.load().sessions == ()


def test_the_tables_of_a_newer_version_are_refused(postgres: PostgresServer) -> None:
    db = prepared(postgres.fresh())
    db.execute("UPDATE schema_version SET version = version + 1")
    newer = f"version {VERSION + 1}, this service knows {VERSION}"
    with pytest.raises(StoreError, match=newer):
        prepare(db)
    db.close()


def test_the_tables_of_an_older_version_are_brought_forward_or_stay(
    postgres: PostgresServer,
) -> None:
    url = postgres.fresh()
    prepared(url).close()
    db, step = PostgresDatabase(url), "CREATE TABLE new (id INTEGER); INSERT INTO new VALUES (1)"
    with pytest.raises(StoreError):
        prepare(db, {VERSION: f"{step}; SELECT nonsense"}, version=VERSION + 1)
    assert db.execute("SELECT version FROM schema_version").fetchone() == (VERSION,)
    prepare(db, {VERSION: step}, version=VERSION + 1)
    assert db.execute("SELECT id FROM new").fetchall() == [(1,)]
    assert db.execute("SELECT version FROM schema_version").fetchone() == (VERSION + 1,)
    db.close()


def test_tables_of_before_there_were_pins_are_brought_forward(postgres: PostgresServer) -> None:
    db = prepared(postgres.fresh())
    db.execute("ALTER TABLE learnt DROP COLUMN is_pinned")
    db.execute("UPDATE schema_version SET version = 2")
    prepare(db)
    assert db.execute("SELECT is_pinned FROM learnt").fetchall() == []
    db.close()


def test_a_fact_is_known_with_its_time_and_its_pin_in_a_branch_too(opened: Opened) -> None:
    store, pair = opened(), Pair("ada", "nurse")
    talk = replace(ADA, is_lasting=True)
    begin = BeginExchange({"facts": {}})
    store.save(talk, {"facts": {"name": "Ada"}}, [begin, FIRST], at=7.0)
    store.branch("s1", replace(ADA, session_id="slot", is_saved=True))
    assert store.pin(pair, "s1", "name", is_pinned=True)
    for session in ("s1", "slot"):
        (fact,) = store.facts_in(pair, session)
        assert (fact.value, fact.since, fact.is_pinned) == ("Ada", 7.0, True)
        assert store.facts_elsewhere(pair, session) == ()
