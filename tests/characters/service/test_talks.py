from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from characters.agents.agent import Do, Say
from characters.protocol.messages import Action
from characters.service.access import AccessSettings, KeyRing
from characters.service.agent_factory import PersonaAgentFactory
from characters.service.database import SqliteDatabase
from characters.service.effects import (
    BeginExchange,
    Entry,
    PendingReply,
    PersistActions,
    PersistEntry,
    PlayerLine,
)
from characters.service.memory import Pair
from characters.service.registry import Limits
from characters.service.service import ServiceSettings
from characters.service.store import SessionStore, StoredSession
from tests.characters.service.client import Bare, Guest, kind, serve, words_in
from tests.characters.service.histories import dump
from tests.characters.transport.stages import AT_ONCE

PAIR = Pair("ada", "nurse")
ADA = StoredSession("s1", "nurse", "ada", 100.0)
BRANCH = StoredSession("b1", "nurse", "ada", 100.0, is_saved=True)


def exchange(number: int, before: dict[str, Any], *more: Entry) -> list[Entry]:
    """Return what is written of a line and its answer."""
    line = PersistEntry("player", f"line {number}", f"m{number}")
    return [BeginExchange(before), line, *more, PersistEntry("character", f"answer {number}")]


def talked(*, exchanges: int = 2, path: Path | None = None) -> SessionStore:
    """Return a store with a session in which something was said."""
    store = SessionStore(path)
    for number in range(1, exchanges + 1):
        before, after = {"facts": {"n": str(number - 1)}}, {"facts": {"n": str(number)}}
        store.save(ADA, after, exchange(number, before))
    return store


def said(store: SessionStore, session_id: str) -> list[str]:
    return [turn.text for turn in store.turns(session_id)]


# --- branches -----------------------------------------------------------------------------------


def test_a_branch_shares_the_past_and_nothing_that_follows() -> None:
    store = talked(exchanges=1)
    assert store.branch("s1", BRANCH) == 2
    store.save(ADA, {"facts": {"secret": "x"}}, exchange(2, {}))
    assert said(store, "b1") == ["line 1", "answer 1"]
    assert store.memory("b1") == {"facts": {"n": "1"}}
    store.save(BRANCH, {"facts": {}}, exchange(3, {}))
    assert said(store, "b1") == ["line 1", "answer 1", "line 3", "answer 3"]
    assert said(store, "s1") == ["line 1", "answer 1", "line 2", "answer 2"]


def test_a_branch_may_begin_at_an_earlier_exchange() -> None:
    store = talked(exchanges=3)
    assert store.branch("s1", BRANCH, 2) == 2
    assert said(store, "b1") == ["line 1", "answer 1"]
    assert store.memory("b1") == {"facts": {"n": "1"}}


def test_within_an_exchange_the_one_before_it_counts() -> None:
    store = talked(exchanges=3)
    assert store.branch("s1", BRANCH, 3) == 2


def test_there_is_no_branch_of_what_is_not_kept() -> None:
    store = talked(exchanges=250)
    assert store.branch("s1", BRANCH, 10) is None
    assert store.branch("nobody", BRANCH) is None
    assert [s.session_id for s in store.load().sessions] == ["s1"]


def test_how_a_talk_began_is_kept_however_long_it_is() -> None:
    store = talked(exchanges=250)
    assert store.branch("s1", BRANCH, 0) == 0
    assert said(store, "b1") == []
    assert store.memory("b1") == {"facts": {"n": "0"}}


def test_a_branch_costs_a_row_and_not_the_past() -> None:
    store = talked(exchanges=100)

    def rows() -> int:
        tables = ("turns", "lines", "known", "segments")
        return sum(
            int(store._db.execute(f"SELECT count(*) FROM {t}").fetchone()[0]) for t in tables
        )

    before = rows()
    for number in range(50):
        store.branch("s1", StoredSession(f"b{number}", "nurse", "ada", 0.0))
    assert rows() == before


def test_the_parents_end_takes_from_its_branches_only_what_they_do_not_share() -> None:
    store = talked(exchanges=1)
    store.branch("s1", BRANCH)
    store.save(ADA, {"facts": {"secret": "treasure"}}, exchange(2, {"facts": {"n": "treasure"}}))
    store.remove(["s1"], ended_at=9.0)
    assert said(store, "b1") == ["line 1", "answer 1"]
    assert "line 2" not in dump(store)
    assert "treasure" not in dump(store)
    store.remove(["b1"], ended_at=9.0)
    assert "line 1" not in dump(store)


def test_a_long_talk_keeps_what_a_branch_needs_of_its_beginning() -> None:
    store = talked(exchanges=5)
    store.branch("s1", BRANCH)
    for number in range(6, 300):
        store.save(ADA, {}, exchange(number, {}))
    assert said(store, "b1")[0] == "line 1"
    assert len(said(store, "b1")) == 10
    assert len(said(store, "s1")) == 400


def test_a_branch_gets_the_answers_that_are_still_to_come_but_not_those_that_were_heard() -> None:
    store = SessionStore(None)
    lines = [PersistEntry("player", f"line {n}", f"m{n}") for n in (1, 2, 3)]
    replies = [
        PendingReply((PlayerLine("", "m1"),), (Say("One."),)),
        PendingReply((PlayerLine("", "m2"),), (Do((Action("Wave"),)), Say("Two."))),
        PendingReply((PlayerLine("", "m3"),), None),
    ]
    store.save(ADA, {}, [part for pair in zip(lines, replies, strict=True) for part in pair])
    assert store.branch("s1", BRANCH, heard="m1") is not None
    owed = [(reply.message_ids, reply.parts) for reply in store.pending("b1")]
    assert owed == [(("m2",), replies[1].parts), (("m3",), None)]
    assert said(store, "b1")[-1] == "One."
    assert len(store.pending("s1")) == 3


def test_a_branch_knows_what_lasted_when_it_was_made_and_that_lasts_from_then_on() -> None:
    store, lasting = SessionStore(None), StoredSession("s1", "nurse", "ada", 1.0, is_lasting=True)
    store.save(lasting, {"facts": {"name": "Ada"}}, at=1.0)
    store.branch("s1", BRANCH)
    store.save(lasting, {"facts": {"name": "Bob", "secret": "x"}}, at=2.0)
    assert store.history("b1", None, 3.0, PAIR).memory == {"facts": {"name": "Ada"}}
    assert {fact.key: fact.value for fact in store.facts(PAIR) if fact.learnt_at} == {"name": "Ada"}
    store.save(
        StoredSession("b1", "nurse", "ada", 1.0, is_lasting=True), {"facts": {"name": "Ada"}}
    )
    assert store.history("new", None, 4.0, PAIR).memory == {"facts": {"name": "Ada"}}


# --- the last exchange --------------------------------------------------------------------------


def test_the_last_exchange_is_undone_with_all_that_it_left() -> None:
    store = talked(exchanges=1)
    wave = PersistActions((Action("Open", "gate"), Action("Wave")))
    store.save(ADA, {"facts": {"n": "2"}}, exchange(2, {"facts": {"n": "1"}}, wave))
    undone = store.take_back(ADA, 5.0)
    assert undone is not None
    assert (undone.exchange.lines, undone.exchange.answers) == (("line 2",), ("answer 2",))
    assert undone.exchange.actions == (Action("Wave"), Action("Open", "gate"))
    assert undone.memory == store.memory("s1") == {"facts": {"n": "1"}}
    assert said(store, "s1") == ["line 1", "answer 1"] == [turn.text for turn in undone.turns]
    assert store.message_ids("s1") == {"m1"}
    assert "line 2" not in dump(store)


def test_one_exchange_after_the_other_is_undone_until_there_is_none() -> None:
    store = talked(exchanges=40)
    for number in range(40, 0, -1):
        undone = store.take_back(ADA, 5.0)
        assert undone is not None and undone.exchange.lines == (f"line {number}",)
        assert undone.memory == {"facts": {"n": str(number - 1)}}
    assert store.take_back(ADA, 5.0) is None


def test_what_a_save_slot_shares_stays_for_it_when_it_is_undone() -> None:
    store = talked(exchanges=2)
    store.branch("s1", BRANCH)
    store.take_back(ADA, 5.0)
    store.save(ADA, {}, exchange(3, {}))
    assert said(store, "b1") == ["line 1", "answer 1", "line 2", "answer 2"]
    assert said(store, "s1") == ["line 1", "answer 1", "line 3", "answer 3"]


def test_what_was_learnt_in_an_exchange_that_is_undone_lasts_no_longer() -> None:
    lasting, store = StoredSession("s1", "nurse", "ada", 1.0, is_lasting=True), SessionStore(None)
    store.save(lasting, {"facts": {"name": "Ada"}}, exchange(1, {"facts": {}}))
    store.save(lasting, {"facts": {"name": "Zed"}}, exchange(2, {"facts": {"name": "Ada"}}))
    store.take_back(lasting, 5.0)
    assert store.history("new", None, 6.0, PAIR).memory["facts"] == {"name": "Ada"}
    assert "Zed" not in dump(store)


def test_a_fact_that_is_forgotten_is_in_no_earlier_state_and_one_corrected_is_in_all() -> None:
    store = SessionStore(None)
    told = {"facts": {"name": "Zanzibar", "age": "9"}, "heard": "I am Zanzibar"}
    store.save(ADA, told, [BeginExchange({"facts": {}}), PersistEntry("player", "I am Zanzibar")])
    store.save(ADA, told, exchange(2, told, PersistActions((Action("Greet", "Zanzibar"),))))
    store.save(ADA, told, exchange(3, told))
    store.branch("s1", BRANCH)
    store.correct(PAIR, "age", "10", 5.0)
    assert store.forget_fact(PAIR, "name")
    assert "Zanzibar" not in dump(store)
    undone = store.take_back(ADA, 6.0)
    assert undone is not None and undone.memory["facts"] == {"age": "10"}


# --- forgetting ---------------------------------------------------------------------------------


def test_what_is_forgotten_goes_with_every_branch_and_what_lasts(tmp_path: Path) -> None:
    path = tmp_path / "sessions.sqlite3"
    store = known_as("Zanzibar", path)
    store.branch("s1", BRANCH)
    store.branch("b1", StoredSession("b2", "nurse", "ada", 100.0))
    store.save(StoredSession("other", "nurse", "ada", 100.0))
    assert set(store.family("b2")) == {"s1", "b1", "b2"}
    store.forget(["b2"], 5.0, "ada", "nurse")
    assert [it.session_id for it in store.load().sessions] == ["other"]
    assert store.facts(PAIR) == ()
    assert held_by(tmp_path, b"Zanzibar") == []


@pytest.mark.parametrize("step", ["remove", "forget_all", "remove_copies", "purge"])
def test_who_is_forgotten_is_forgotten_whole_whenever_the_process_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "sessions.sqlite3"
    store = known_as("Zanzibar", path)
    store.branch("s1", BRANCH)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    place = f"characters.service.store.{step}"
    if step == "remove":
        place = "characters.service.store.SessionStore._remove"
    if step == "purge":
        place = "characters.service.database.SqliteDatabase.purge"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(place, die)
        store.forget(["s1"], 5.0, "ada", "nurse")
    assert isinstance(store._db, SqliteDatabase)
    sqlite3.Connection.close(store._db)  # no goodbye: nothing is folded into the file
    store = SessionStore(path)
    if step == "purge":
        assert store.load().sessions == ()
    else:  # all of it is there, so that whoever asked asks again
        assert {it.session_id for it in store.load().sessions} == {"s1", "b1"}
        assert store.facts(PAIR) != ()
        store.forget(["s1"], 5.0, "ada", "nurse")
    assert store.facts(PAIR) == ()
    assert held_by(tmp_path, b"Zanzibar") == []
    assert store._db.execute("SELECT * FROM unpurged").fetchall() == []


def known_as(name: str, path: Path) -> SessionStore:
    """Return a store in which a name was said, and lasts."""
    store = SessionStore(path)
    ada = StoredSession("s1", "nurse", "ada", 100.0, is_lasting=True)
    said = [PersistEntry("player", f"I am {name}."), PersistEntry("character", f"Oh, {name}.")]
    for nth in range(30):
        memory = {"facts": {"name": name, "n": f"{nth} {name}"}}
        store.save(ada, memory, [BeginExchange(memory), *said])
    return store


def held_by(folder: Path, word: bytes) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and word in path.read_bytes()]


# --- over the service -----------------------------------------------------------------------------

PERSONA = """
name = "Bea"
fallback = ["Hm."]
[mood]
emotion = "calm"
[greeting]
first = ["Good day."]
back = ["Back again, {name}?"]
[memory]
learned_name = ["Hello {name}."]
recall = ["I know that {recall}."]
unknown = ["You never said."]
[[topic]]
id = "gate"
says = ["gate"]
lines = ["It is open.", "There you go.", "As you wish."]
feel = { emotion = "joy", scale = 2 }
do = [{ name = "OpenGate", target = "north" }]
"""


def bea(folder: Path, *, is_lasting: bool = False) -> PersonaAgentFactory:
    file = folder / "personas" / "counter.toml"
    file.parent.mkdir(exist_ok=True)
    persona = PERSONA.replace("[memory]", "[memory]\nlasting = true") if is_lasting else PERSONA
    file.write_text(persona, encoding="utf-8")
    return PersonaAgentFactory([folder], lambda: Random(1))


async def branch(bare: Bare, session_id: str, **body: Any) -> str:
    status, answer = await bare.post(f"/sessions/{session_id}/branch", **body)
    assert status == 200, answer
    return str(answer["character_session_id"])


async def answered(guest: Guest, line: str) -> str:
    await guest.say(line)
    return words_in(await guest.until("bot-turn-completed"))


@asynccontextmanager
async def entered(bare: Bare, session_id: str, **body: Any) -> AsyncIterator[Guest]:
    """Enter the room of a session, whether somebody is greeted there or not."""
    grant = await bare.connect(character_session_id=session_id, **body)
    async with bare.enter(grant) as guest:
        await guest.link("hello", received=0)
        yield guest


async def taken_back(guest: Guest, *, answer_again: bool = False) -> dict[str, Any]:
    await guest.send(type="take-back", data={"answer_again": answer_again})
    return dict((await guest.until("taken-back"))[-1]["data"])


def test_who_loads_meets_the_character_as_it_was_and_the_other_branch_goes_on(
    tmp_path: Path,
) -> None:
    async def play(bare: Bare) -> None:
        async with bare.room(end_user_id="me") as (guest, grant):
            session = str(grant["character_session_id"])
            await answered(guest, "My name is Ada")
            await answered(guest, "Open the gate")
            slot = await branch(bare, session, save=True)
            assert "Bob" in await answered(guest, "My name is Bob")
        one, other = await branch(bare, slot), await branch(bare, session)
        async with entered(bare, one, end_user_id="me") as guest:
            shown = await guest.until("bot-emotion")
            assert shown[-1]["data"] == {"type": "bot-emotion", "emotion": "joy", "scale": 2}
            assert words_in(shown) == ""
            assert "name is Ada" in await answered(guest, "What is my name?")
        async with entered(bare, other, end_user_id="me") as guest:
            assert "name is Bob" in await answered(guest, "What is my name?")
        async with entered(bare, one, end_user_id="me") as guest:  # the next time it is a return
            assert "Back again, Ada?" in words_in(await guest.until("bot-turn-completed"))

    serve(play, agents=bea(tmp_path))


def test_the_last_exchange_is_taken_back_in_the_talk_and_answered_again(tmp_path: Path) -> None:
    async def play(bare: Bare) -> None:
        async with bare.room(end_user_id="me") as (guest, _):
            await answered(guest, "My name is Ada")
            answers = [await answered(guest, "Open the gate")]
            for _ in range(2):
                undone = await taken_back(guest, answer_again=True)
                assert (undone["text"], undone["is_repeated"]) == ("Open the gate", True)
                assert undone["actions"] == [{"name": "OpenGate", "target": "north"}]
                answers.append(words_in(await guest.until("bot-turn-completed")))
            assert len(set(answers)) == 3
            assert (await taken_back(guest))["text"] == "Open the gate"
            assert (await taken_back(guest))["text"] == "My name is Ada"
            assert await answered(guest, "What is my name?") == "You never said."

    serve(play, agents=bea(tmp_path))


def test_where_nothing_was_said_there_is_nothing_to_take_back(tmp_path: Path) -> None:
    async def play(bare: Bare) -> None:
        async with bare.room(end_user_id="me") as (guest, _):
            await guest.send(type="take-back")
            ack = (await guest.until("server-response"))[-1]
            assert (ack["status"], ack["message"]) == ("error", "There is nothing to take back")
            assert await answered(guest, "What is my name?") == "You never said."

    serve(play, agents=bea(tmp_path))


def test_a_line_that_comes_while_an_exchange_is_undone_is_answered_after_it(tmp_path: Path) -> None:
    async def play(bare: Bare) -> None:
        async with bare.room(end_user_id="me") as (guest, _):
            await answered(guest, "My name is Ada")
            await guest.send(type="take-back")
            await guest.say("What is my name?")
            frames = await guest.until("bot-turn-completed")
            assert [kind(f) for f in frames].index("taken-back") == 1
            assert words_in(frames) == "You never said."

    serve(play, agents=bea(tmp_path))


def test_who_goes_back_to_the_begin_of_a_talk_meets_the_character_for_the_first_time(
    tmp_path: Path,
) -> None:
    async def play(bare: Bare) -> None:
        async with bare.room(end_user_id="me") as (guest, grant):
            session = str(grant["character_session_id"])
            await answered(guest, "My name is Bob")
        status, begun = await bare.post(f"/sessions/{session}/branch", at=0)
        assert (status, begun["at"], begun["turns"], begun["lasts"]) == (200, 0, [], True)
        first = str(begun["character_session_id"])
        async with entered(bare, first, end_user_id="me") as guest:
            assert words_in(await guest.until("bot-turn-completed")) == "Good day."
            assert await answered(guest, "What is my name?") == "You never said."
        async with bare.room(end_user_id="me") as (guest, _):  # what lasts went back with it
            assert await answered(guest, "What is my name?") == "You never said."

    serve(play, agents=bea(tmp_path, is_lasting=True))


def test_a_room_that_was_left_teaches_nothing_to_who_was_put_back(tmp_path: Path) -> None:
    async def play(bare: Bare) -> None:
        async with bare.room(end_user_id="me") as (left, grant):
            session = str(grant["character_session_id"])
            await answered(left, "My name is Ada")
            slot = await branch(bare, session, save=True)
            await answered(left, "My name is Bob")
            played = await branch(bare, slot)
            async with entered(bare, played, end_user_id="me") as guest:
                await guest.until("bot-emotion")
                assert (await left.ended())[-1]["reason"] == "drain"
                assert "Ada" in await answered(guest, "What is my name?")
        async with bare.room(end_user_id="me") as (guest, _):
            assert "Ada" in await answered(guest, "What is my name?")

    serve(play, agents=bea(tmp_path, is_lasting=True))


def test_removing_a_talk_removes_what_was_saved_of_it_unless_it_only_expires(
    tmp_path: Path,
) -> None:
    async def play(bare: Bare) -> None:
        for query, is_kept in (("?memory=keep", True), ("", False)):
            session = str((await bare.connect(end_user_id="me"))["character_session_id"])
            slot = await branch(bare, session, save=True)
            played = await branch(bare, slot)
            async with bare.http.delete(f"{bare.url}/sessions/{played}{query}") as response:
                assert response.status == 200
            status, _ = await bare.post(f"/sessions/{slot}/branch")
            assert (status == 200) is is_kept

    serve(play, agents=bea(tmp_path))


@pytest.mark.parametrize(
    ("body", "status"),
    [({"at": -1}, 422), ({"at": "x"}, 422), ({"at": True}, 422), ({"heard": 3}, 422), ({}, 200)],
)
def test_a_request_for_a_branch_is_checked(
    tmp_path: Path, body: dict[str, Any], status: int
) -> None:
    async def play(bare: Bare) -> None:
        session = (await bare.connect())["character_session_id"]
        assert (await bare.post(f"/sessions/{session}/branch", **body))[0] == status
        assert (await bare.post("/sessions/nobody/branch"))[0] == 404

    serve(play, agents=bea(tmp_path))


def test_only_so_much_is_saved_of_one_player(tmp_path: Path) -> None:
    async def play(bare: Bare) -> None:
        session = (await bare.connect(end_user_id="me"))["character_session_id"]
        asked = f"/sessions/{session}/branch"
        statuses = [(await bare.post(asked, save=True))[0] for _ in range(3)]
        assert statuses == [200, 200, 409]
        assert (await bare.post(asked))[0] == 200

    limits = ServiceSettings(timing=AT_ONCE, limits=Limits(max_saved=2))
    serve(play, limits, agents=bea(tmp_path))


def test_who_is_forgotten_is_forgotten_on_every_branch(tmp_path: Path) -> None:
    path = tmp_path / "store" / "sessions.sqlite3"

    async def play(bare: Bare) -> None:
        async with bare.room(end_user_id="me") as (guest, grant):
            session = str(grant["character_session_id"])
            await answered(guest, "My name is Zanzibar")
            slot = await branch(bare, session, save=True)
            await branch(bare, slot)
        await bare.post("/forget", end_user_id="me", character_session_id=slot)
        assert (await bare.health())["sessions"] == 0
        assert (await bare.post(f"/sessions/{slot}/branch"))[0] == 404
        assert not [f for f in path.parent.iterdir() if b"Zanzibar" in f.read_bytes()]

    serve(play, agents=bea(tmp_path), path=path)


def test_a_saved_session_outlives_the_others(tmp_path: Path) -> None:
    async def play(bare: Bare) -> None:
        session = str((await bare.connect(end_user_id="me"))["character_session_id"])
        slot = await branch(bare, session, save=True)
        async with asyncio.timeout(30):
            while (await bare.health())["sessions"] > 1:  # noqa: ASYNC110  # the sweeper's own time
                await asyncio.sleep(0.01)
        await branch(bare, slot)

    limits = Limits(session_ttl=2.0, token_ttl=0.5)
    settings = ServiceSettings(timing=AT_ONCE, sweep_every=0.01, limits=limits)
    serve(play, settings, agents=bea(tmp_path))


def test_a_branch_is_for_who_may_remove_the_session(tmp_path: Path) -> None:
    async def play(bare: Bare) -> None:
        headers = {"X-API-Key": "key"}
        body = {"character_id": "counter", "end_user_id": "me"}
        async with bare.http.post(bare.url + "/connect", json=body, headers=headers) as answer:
            session = (await answer.json())["character_session_id"]
        url = f"{bare.url}/sessions/{session}/branch"
        for sent, status in ((headers, 200), ({}, 401), ({"X-API-Key": "guess"}, 401)):
            async with bare.http.post(url, json={}, headers=sent) as answer:
                assert answer.status == status

    keys = KeyRing("KEYS", None, {"KEYS": "key"})
    serve(play, agents=bea(tmp_path), access=AccessSettings(keys=keys))
