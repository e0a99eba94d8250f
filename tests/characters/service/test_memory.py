from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from characters.service.access import AccessSettings
from characters.service.agent_factory import PersonaAgentFactory
from characters.service.effects import BeginExchange, PersistEntry
from characters.service.memory import MOST_ROWS, KnownFact, Pair
from characters.service.store import SessionStore, StoredSession
from tests.characters.service.client import Bare, serve, words_in

ADA = Pair("ada", "nurse")
FIRST = StoredSession("s1", "nurse", "ada", 100.0, is_lasting=True)
SECOND = StoredSession("s2", "nurse", "ada", 200.0, is_lasting=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "service" / "sessions.sqlite3"


def facts(**known: str) -> dict[str, object]:
    return {"facts": known, "visits": 1}


def found_in(folder: Path, word: str) -> list[str]:
    """Return the names of the files below a folder that hold a word, in any encoding of it."""
    needles = [word.lower().encode(form) for form in ("utf-8", "utf-16-le", "utf-16-be")]
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [f.name for f in files if any(n in f.read_bytes().lower() for n in needles)]


def test_what_was_learnt_in_one_talk_is_known_in_the_next(path: Path) -> None:
    store = SessionStore(path)
    store.save(FIRST, facts(name="Ada"), at=7.0)
    assert store.history("s2", None, 9.0, ADA).memory == {"facts": {"name": "Ada"}}
    assert store.facts(ADA) == (KnownFact("name", "Ada", 7.0),)


def test_another_player_and_another_character_know_nothing_of_it(path: Path) -> None:
    store = SessionStore(path)
    store.save(FIRST, facts(name="Ada"))
    for pair in (Pair("bob", "nurse"), Pair("ada", "porter")):
        assert store.history("s3", None, 9.0, pair).memory == {"facts": {}}


def test_a_session_that_does_not_last_leaves_nothing_to_the_next(path: Path) -> None:
    store = SessionStore(path)
    store.save(StoredSession("s1", "nurse", "ada", 100.0), facts(name="Ada"))
    assert store.history("s2", None, 9.0, ADA).memory == {"facts": {}}
    assert store.facts(ADA) == (KnownFact("name", "Ada"),)


def test_what_is_said_to_be_wrong_in_a_talk_is_corrected_for_all_that_follow(path: Path) -> None:
    store = SessionStore(path)
    store.save(FIRST, facts(name="Ada", dog="Rex"), at=1.0)
    store.save(FIRST, facts(name="Eve"), at=2.0)
    assert store.facts(ADA) == (KnownFact("name", "Eve", 2.0),)
    assert store.history("s2", None, 9.0, ADA).memory["facts"] == {"name": "Eve"}


def test_an_older_session_brings_nothing_back_that_was_corrected_in_a_newer_one(path: Path) -> None:
    store = SessionStore(path)
    store.save(FIRST, facts(name="Ada", dog="Rex"))
    store.save(SECOND, store.history("s2", None, 9.0, ADA).memory)
    store.save(SECOND, facts(name="Eve"))
    store.save(FIRST, facts(name="Ada", dog="Rex", home="Bristol"))
    known = {fact.key: fact.value for fact in store.facts(ADA) if fact.learnt_at is not None}
    assert known == {"name": "Eve", "home": "Bristol"}
    assert store.history("s1", None, 9.0, ADA).memory["facts"] == known


def test_a_fact_that_is_denied_in_the_first_line_of_a_new_talk_is_gone(path: Path) -> None:
    store = SessionStore(path)
    store.save(FIRST, facts(name="Ada", dog="Rex"))
    store.save(SECOND)
    store.save(SECOND, facts(name="Ada"))
    assert store.history("s3", None, 9.0, ADA).memory["facts"] == {"name": "Ada"}


def test_each_change_is_a_row_with_the_session_and_the_turn_at_which_it_was_learnt(
    path: Path,
) -> None:
    store = SessionStore(path)
    store.save(FIRST, facts(name="Ada"), [PersistEntry("player", "I am Ada")], at=1.0)
    lines = [PersistEntry("character", "Hello Ada."), PersistEntry("player", "I am Eve")]
    store.save(FIRST, facts(name="Eve"), lines, at=2.0)
    store.save(FIRST, facts(name="Eve"), at=3.0)
    store.close()
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT key, value, learnt_at, session_id, turn FROM learnt ORDER BY id")
        assert rows.fetchall() == [
            ("name", "Ada", 1.0, "s1", 1),
            ("name", "Eve", 2.0, "s1", 3),
        ]


def test_what_was_corrected_counts_in_every_session_and_in_new_ones(path: Path) -> None:
    store = SessionStore(path)
    store.save(FIRST, facts(name="Ada"))
    assert store.correct(ADA, "name", "Eve", at=5.0)
    assert store.memory("s1")["facts"] == {"name": "Eve"}
    assert store.history("s2", None, 9.0, ADA).memory["facts"] == {"name": "Eve"}
    assert not store.correct(ADA, "shoe size", "9", at=5.0)


def test_after_forgetting_a_fact_no_file_holds_it(path: Path) -> None:
    store = SessionStore(path)
    for nth in range(40):  # so that pages are split and moved, in the file and in its log
        said = [
            PersistEntry("player", f"My dog is called Zanzibar, number {nth}. " + "x" * nth * 9)
        ]
        said.append(PersistEntry("character", f"ZANZIBAR! {nth}"))
        known = facts(dog="Zanzibar", name="Ada") | {"heard": "Zanzibar is my dog", "n": nth}
        store.save(StoredSession(f"s{nth}", "nurse", "ada", 1.0, is_lasting=True), known, said)
    store.save(FIRST, facts(dog="Rex, the second", name="Ada"))
    path.with_name(path.name + ".damaged").write_bytes(b"\0not a database Zanzibar\0")
    path.with_name(path.name + ".damaged2").write_bytes(b"another player's")
    assert found_in(path.parent, "zanzibar")
    assert store.forget_fact(ADA, "dog")
    assert found_in(path.parent, "zanzibar") == []
    assert path.with_name(path.name + ".damaged2").exists()
    assert [fact.key for fact in store.facts(ADA)] == ["name"]
    assert store.turns("s3")[0].text.startswith("My dog is called \u2026, number 3.")
    store.close()
    assert found_in(path.parent, "zanzibar") == []


@pytest.mark.posix("Windows has no pipes in folders")
def test_forgetting_waits_for_no_pipe_among_the_damaged_files(path: Path) -> None:
    store = SessionStore(path)
    store.save(FIRST, facts(name="Ada"))
    os.mkfifo(path.with_name(path.name + ".damaged"))
    assert store.forget_fact(ADA, "name")
    store.close()


def test_after_forgetting_a_pair_nothing_is_left_of_it(path: Path) -> None:
    store = SessionStore(path)
    store.save(FIRST, facts(name="Zuleika"), [PersistEntry("player", "I am Zuleika")])
    store.save(SECOND, facts(name="Zuleika"), [PersistEntry("player", "Zuleika again")])
    store.save(StoredSession("s3", "porter", "ada", 1.0, is_lasting=True), facts(name="Bo"))
    assert store.forget_pair(ADA, at=9.0) == 2
    assert found_in(path.parent, "zuleika") == []
    assert store.facts(Pair("ada", "porter")) == (KnownFact("name", "Bo", 0.0),)


def test_a_word_inside_of_another_stays(path: Path) -> None:
    store = SessionStore(path)
    turn = PersistEntry("player", "Ada lives in Adamstown (ada!)")
    store.save(FIRST, facts(name="Ada"), [turn])
    store.forget_fact(ADA, "name")
    assert store.turns("s1")[0].text == "\u2026 lives in Adamstown (\u2026!)"


def test_what_no_longer_counts_is_kept_up_to_a_number_of_rows(path: Path) -> None:
    store = SessionStore(path)
    store.save(FIRST, facts(name="Ada", age="0"))
    for age in range(1, MOST_ROWS + 30):
        store.correct(ADA, "age", str(age), at=float(age))
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM learnt").fetchone()[0] == MOST_ROWS + 1
    assert {fact.key for fact in store.facts(ADA)} == {"name", "age"}


def test_a_store_of_before_there_was_a_memory_is_opened_as_it_is(path: Path) -> None:
    store = SessionStore(path)
    store.save(FIRST, facts(name="Ada"))
    store.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE learnt")
    again = SessionStore(path)
    assert not again.warning
    assert again.history("s1", None, 1.0, ADA).memory["facts"] == {"name": "Ada"}


def exchange(nth: int, **known: str) -> list[Any]:
    line = PersistEntry("player", f"line {nth}", f"m{nth}")
    return [BeginExchange(facts(**known)), line, PersistEntry("character", "Hm.")]


def test_a_fact_is_known_since_the_exchange_in_which_it_was_told(path: Path) -> None:
    store, talk = SessionStore(path), StoredSession("s1", "nurse", "ada", 1.0)
    store.save(talk, facts(name="Ada"), exchange(1), at=10.0)
    store.save(talk, facts(name="Ada", dog="Rex"), exchange(2, name="Ada"), at=20.0)
    store.save(talk, facts(name="Eve", dog="Rex"), exchange(3, name="Ada", dog="Rex"), at=30.0)
    known = {fact.key: (fact.value, fact.since, fact.told_in) for fact in store.facts_in(ADA, "s1")}
    assert known == {"name": ("Eve", 30.0, "s1"), "dog": ("Rex", 20.0, "s1")}


def test_a_branch_knows_what_was_told_before_it_and_each_says_where_else_it_is_known(
    path: Path,
) -> None:
    store, talk = SessionStore(path), StoredSession("s1", "nurse", "ada", 1.0)
    store.save(talk, facts(name="Ada"), exchange(1), at=10.0)
    store.branch("s1", StoredSession("slot", "nurse", "ada", 1.0, is_saved=True))
    store.save(talk, facts(name="Ada", dog="Rex"), exchange(2, name="Ada"), at=20.0)
    (name, dog) = store.facts_in(ADA, "s1")
    assert (name.also_in, dog.also_in) == (("slot",), ())
    (shared,) = store.facts_in(ADA, "slot")
    assert (shared.value, shared.since) == ("Ada", 10.0)
    assert store.facts_elsewhere(ADA, "slot") == (KnownFact("dog", "Rex", also_in=("s1",)),)
    assert store.facts_elsewhere(ADA, "s1") == ()


def test_what_was_corrected_by_hand_says_so_and_is_not_of_any_talk(path: Path) -> None:
    store = SessionStore(path)
    store.save(FIRST, facts(name="Ada"), exchange(1), at=10.0)
    store.save(StoredSession("s3", "porter", "ada", 1.0), facts(name="Ada"), exchange(1), at=10.0)
    for session, pair in (("s1", ADA), ("s3", Pair("ada", "porter"))):
        store.correct(pair, "name", "Eve", at=50.0)
        (fact,) = store.facts_in(pair, session)
        assert (fact.value, fact.since, fact.told_in) == ("Eve", 50.0, "")


def test_a_pin_holds_in_the_session_its_branches_and_in_new_ones_until_it_is_taken_off(
    path: Path,
) -> None:
    store = SessionStore(path)
    store.save(FIRST, facts(name="Ada"), exchange(1))
    store.branch("s1", StoredSession("slot", "nurse", "ada", 1.0, is_saved=True))
    assert store.pin(ADA, "s1", "name", is_pinned=True)
    assert not store.pin(ADA, "s1", "shoe size", is_pinned=True)
    for session in ("s1", "slot", "s2"):
        assert store.history(session, None, 9.0, ADA).memory["pinned"] == {"name": True}
        assert [fact.is_pinned for fact in store.facts_in(ADA, session)] == [True]
    assert store.correct(ADA, "name", "Eve", at=5.0)
    assert [fact.is_pinned for fact in store.facts(ADA)] == [True]
    store.pin(ADA, "s1", "name", is_pinned=False)
    assert [fact.is_pinned for fact in store.facts_in(ADA, "slot")] == [False]


def test_a_store_of_before_there_were_pins_is_brought_forward(path: Path) -> None:
    store = SessionStore(path)
    store.save(FIRST, facts(name="Ada"))
    store.close()
    with closing(sqlite3.connect(path)) as db:
        db.executescript("ALTER TABLE learnt DROP COLUMN is_pinned; PRAGMA user_version = 2")
    again = SessionStore(path)
    assert not again.warning
    assert again.pin(ADA, "s1", "name", is_pinned=True)
    assert [(fact.value, fact.is_pinned) for fact in again.facts(ADA)] == [("Ada", True)]


# --- over the service -----------------------------------------------------------------------------

PERSONA = """
name = "Bea"
fallback = ["Hm."]
[greeting]
first = ["Good day.", "Hello {name}, it is {dog|cold}."]
[memory]
lasting = true
learned = ["Noted."]
learned_name = ["Hello {name}."]
recall = ["I know that {recall}."]
unknown = ["You never said."]
[[topic]]
id = "weather"
says = ["snow"]
lines = ["Cold."]
"""


def bea(folder: Path, persona: str = PERSONA) -> PersonaAgentFactory:
    file = folder / "personas" / "counter.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(persona, encoding="utf-8")
    return PersonaAgentFactory([folder], lambda: Random(1))


async def answer(bare: Bare, line: str, **body: Any) -> tuple[str, str]:
    """Say a line in a room of its own; return what was answered, and the session's id."""
    async with bare.room(**body) as (guest, grant):
        await guest.say(line)
        said = words_in(await guest.until("bot-turn-completed"))
    return said, str(grant["character_session_id"])


async def ask(bare: Bare, method: str, session: str, query: str = "", **body: str) -> Any:
    url = f"{bare.url}/sessions/{session}/memory{query}"
    async with bare.http.request(method, url, json=body or None) as response:
        return response.status, await response.json()


def test_a_character_knows_its_player_in_a_new_session(tmp_path: Path) -> None:
    async def play(bare: Bare) -> None:
        _, first = await answer(bare, "My name is Ada", end_user_id="me")
        said, second = await answer(bare, "What is my name?", end_user_id="me")
        assert second != first
        assert "your name is Ada" in said
        said, _ = await answer(bare, "What is my name?", end_user_id="you")
        assert said == "You never said."

    serve(play, agents=bea(tmp_path))


def test_a_correction_in_a_talk_holds_in_the_next(tmp_path: Path) -> None:
    async def play(bare: Bare) -> None:
        await answer(bare, "My name is Ada", end_user_id="me")
        await answer(bare, "My name is not Ada, it is Eve", end_user_id="me")
        said, _ = await answer(bare, "What is my name?", end_user_id="me")
        assert "your name is Eve" in said

    serve(play, agents=bea(tmp_path))


def test_a_kiosk_and_a_character_without_a_lasting_memory_meet_a_stranger(tmp_path: Path) -> None:
    async def play(bare: Bare) -> None:
        kiosk: dict[str, Any] = {"end_user_id": "me", "lasting_memory": False}
        await answer(bare, "My name is Ada", **kiosk)
        for who in (kiosk, {"end_user_id": "me"}):
            assert (await answer(bare, "What is my name?", **who))[0] == "You never said."

    async def forgetful(bare: Bare) -> None:
        await answer(bare, "My name is Ada", end_user_id="me")
        said, _ = await answer(bare, "What is my name?", end_user_id="me")
        assert said == "You never said."

    serve(play, agents=bea(tmp_path))
    serve(forgetful, agents=bea(tmp_path, PERSONA.replace("lasting = true", "lasting = false")))


def test_what_is_known_is_listed_corrected_and_forgotten_while_the_talk_goes_on(
    tmp_path: Path,
) -> None:
    path = tmp_path / "store" / "sessions.sqlite3"

    async def play(bare: Bare) -> None:
        async with bare.room(end_user_id="me") as (guest, grant):
            session = str(grant["character_session_id"])
            await guest.say("My name is Zanzibar")
            await guest.until("bot-turn-completed")
            status, known = await ask(bare, "GET", session)
            assert (status, known["facts"][0]["value"]) == (200, "Zanzibar")
            assert known["facts"][0]["learnt_at"] > 1e9
            assert (await ask(bare, "PATCH", session, key="name", value="Eve"))[0] == 200
            assert (await guest.ended())[-1]["reason"] == "drain"
        again = {"end_user_id": "me", "character_session_id": session}
        grant = await bare.connect(**again)
        async with bare.enter(grant) as guest:
            await guest.link("hello", received=0)
            await guest.until("bot-turn-completed")
            await guest.say("What is my name?")
            assert "your name is Eve" in words_in(await guest.until("bot-turn-completed"))
            assert (await ask(bare, "DELETE", session, "?key=name"))[0] == 200
        assert found_in(path.parent, "eve") == []
        said, _ = await answer(bare, "What is my name?", end_user_id="me")
        assert said == "You never said."
        assert (await ask(bare, "DELETE", session, "?key=name"))[0] == 404
        assert (await ask(bare, "PATCH", session, key="name", value="\n"))[0] == 422
        assert (await ask(bare, "GET", "nobody"))[0] == 404

    serve(play, agents=bea(tmp_path), path=path)


def test_a_service_for_others_tells_nothing_to_who_only_says_a_players_name(tmp_path: Path) -> None:
    async def play(bare: Bare) -> None:
        await answer(bare, "My name is Ada", end_user_id="me")
        said, _ = await answer(bare, "What is my name?", end_user_id="me")
        assert said == "You never said."

    serve(play, agents=bea(tmp_path), access=AccessSettings(allow_remote=True))


def test_removing_a_session_takes_what_lasts_along_unless_it_only_expires(tmp_path: Path) -> None:
    async def play(bare: Bare) -> None:
        for query, known in (("?memory=keep", True), ("", False)):
            _, session = await answer(bare, "My name is Ada", end_user_id="me")
            async with bare.http.delete(f"{bare.url}/sessions/{session}{query}") as response:
                assert response.status == 200
            said, _ = await answer(bare, "What is my name?", end_user_id="me")
            assert ("your name is Ada" in said) is known

    serve(play, agents=bea(tmp_path))


def test_a_player_who_is_forgotten_leaves_nothing_that_lasts(tmp_path: Path) -> None:
    path = tmp_path / "store" / "sessions.sqlite3"

    async def play(bare: Bare) -> None:
        _, session = await answer(bare, "My name is Zanzibar", end_user_id="me")
        await bare.post("/forget", end_user_id="me", character_session_id=session)
        assert found_in(path.parent, "zanzibar") == []

    serve(play, agents=bea(tmp_path), path=path)


def test_what_is_pinned_stays_whatever_is_said_by_the_way_and_a_correction_changes_it(
    tmp_path: Path,
) -> None:
    async def play(bare: Bare) -> None:
        _, session = await answer(bare, "My name is Ada", end_user_id="me")
        body = {"key": "name", "pinned": True}
        url = f"{bare.url}/sessions/{session}/memory"
        async with bare.http.patch(url, json=body) as response:
            assert response.status == 200
        said, _ = await answer(bare, "My name is Zoe", end_user_id="me")
        assert "your name is Ada" in said
        assert "your name is Ada" in (await answer(bare, "What is my name?", end_user_id="me"))[0]
        said, _ = await answer(bare, "My name is not Ada, it is Eve", end_user_id="me")
        assert said == "Hello Eve."
        _, known = await ask(bare, "GET", session)
        assert [(it["value"], it["is_pinned"]) for it in known["facts"]] == [("Eve", True)]

    serve(play, agents=bea(tmp_path))


def test_what_is_forgotten_is_in_no_file_with_saved_slots_too(tmp_path: Path) -> None:
    path = tmp_path / "store" / "sessions.sqlite3"

    async def play(bare: Bare) -> None:
        _, session = await answer(bare, "My dog is called Zanzibar", end_user_id="me")
        slots = []
        for _ in range(3):
            status, made = await bare.post(f"/sessions/{session}/branch", save=True)
            assert status == 200
            slots.append(made["character_session_id"])
            again = {"end_user_id": "me", "character_session_id": session}
            await answer(bare, "Zanzibar is my dog", **again)
        assert found_in(path.parent, "zanzibar")
        status, answered = await ask(bare, "DELETE", slots[0], "?key=dog")
        assert (status, answered["words"]) == (200, ["Zanzibar"])
        assert found_in(path.parent, "zanzibar") == []
        for slot in slots:
            _, known = await ask(bare, "GET", slot)
            assert (known["facts"], known["elsewhere"]) == ([], [])

    serve(play, agents=bea(tmp_path), path=path)
