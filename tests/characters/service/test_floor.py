from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from pathlib import Path
from typing import Any

from characters.core.messages import ConnectRequest
from characters.core.respond import RespondMode
from characters.service.dialogue.mind import Mind, Part, PlayerSaid, Prompt, Say
from characters.service.floor import Floor, Floors
from characters.service.pace import Pace
from characters.service.service import Settings
from tests.characters.service.client import Bare, Guest, serve, words_in


class PoliteMind:
    """Greets in eight words, and answers in one."""

    async def reply(self, prompt: Prompt, context: Mapping[str, Any]) -> AsyncGenerator[Part, None]:
        yield Say(
            "Yes." if isinstance(prompt, PlayerSaid) else "Good day to you, it is a pleasure."
        )

    def note(self, text: str) -> None: ...

    def phrases(self) -> Iterable[str]:
        return ()

    def memory(self) -> dict[str, Any]:
        return {}


class PoliteCast:
    def mind(self, ask: ConnectRequest, memory: dict[str, Any]) -> Mind:
        return PoliteMind()

    def voice(self, ask: ConnectRequest) -> None:
        return None


class SilentGreeting(PoliteMind):
    """Answers, and greets nobody."""

    async def reply(self, prompt: Prompt, context: Mapping[str, Any]) -> AsyncGenerator[Part, None]:
        if isinstance(prompt, PlayerSaid):
            yield Say("Yes, of course.")


class AnswersAlone(PoliteCast):
    def mind(self, ask: ConnectRequest, memory: dict[str, Any]) -> Mind:
        return SilentGreeting()


MANUAL = dict(RespondMode.MANUAL.lanes)
AUDIBLE = Settings(pace=Pace(words_per_second=20.0, think_seconds=0.0))


def test_one_begins_and_the_others_wait_for_their_turn() -> None:
    floor, begun = Floor(), list[str]()
    for who in ("a", "b", "c"):
        floor.ask(who, lambda who=who: begun.append(who))  # type: ignore[misc]  # the default binds the loop's value
    assert begun == ["a"]
    floor.done("a")
    assert begun == ["a", "b"]


def test_who_left_or_had_enough_of_waiting_is_passed_over() -> None:
    floor, begun = Floor(), list[str]()
    for who in ("a", "b", "c"):
        floor.ask(who, lambda who=who: begun.append(who))  # type: ignore[misc]  # as above
    floor.done("b")
    floor.done("a")
    assert begun == ["a", "c"]
    floor.done("c")
    assert floor.is_free


def test_who_is_done_at_once_passes_the_word_on() -> None:
    floor, begun = Floor(), list[str]()

    def greet(who: str) -> None:
        begun.append(who)
        floor.done(who)

    for who in ("a", "b"):
        floor.ask(who, lambda who=who: greet(who))  # type: ignore[misc]  # as above
    assert (begun, floor.is_free) == (["a", "b"], True)


def test_each_player_has_a_floor_and_who_has_no_name_has_one_alone() -> None:
    floors = Floors()
    floors.of("ada").ask("nurse", lambda: None)
    assert not floors.of("ada").is_free
    assert floors.of("bob").is_free
    assert floors.of(None).is_free


async def entered(bare: Bare, guest: Guest) -> None:
    await guest.link("hello", received=0)
    await guest.until("bot-ready")


def test_two_characters_greet_the_same_player_one_after_the_other() -> None:
    async def play(bare: Bare) -> None:
        grants = [await bare.connect(end_user_id="ada") for _ in range(2)]
        async with bare.enter(grants[0]) as first, bare.enter(grants[1]) as second:
            await entered(bare, first)
            await entered(bare, second)
            waits = asyncio.ensure_future(second.until("bot-llm-text"))
            for _ in range(5):
                await first.until("bot-llm-text")
            assert not waits.done()
            assert words_in(await waits) != ""

    serve(play, AUDIBLE, cast=PoliteCast())


def test_who_waits_to_greet_does_so_at_once_when_the_player_turns_to_him() -> None:
    async def play(bare: Bare) -> None:
        grants = [await bare.connect(end_user_id="ada") for _ in range(2)]
        async with bare.enter(grants[0]) as first, bare.enter(grants[1]) as second:
            await entered(bare, first)
            await entered(bare, second)
            busy = asyncio.ensure_future(first.until("bot-turn-completed"))
            await second.say("hello", seq=1)
            assert not busy.done()
            greeting = await second.until("bot-turn-completed")
            answer = await second.until("bot-turn-completed")
            assert "pleasure" in words_in(greeting) and "Yes" in words_in(answer)
            await busy

    serve(play, AUDIBLE, cast=PoliteCast())


def test_players_do_not_wait_for_each_other() -> None:
    async def play(bare: Bare) -> None:
        grants = [await bare.connect(end_user_id=name) for name in ("ada", "bob")]
        async with bare.enter(grants[0]) as first, bare.enter(grants[1]) as second:
            await entered(bare, first)
            busy = asyncio.ensure_future(first.until("bot-turn-completed"))
            await entered(bare, second)
            await second.until("bot-llm-text")
            assert not busy.done()
            await busy

    serve(play, AUDIBLE, cast=PoliteCast())


def test_the_next_one_greets_when_the_first_is_gone() -> None:
    async def play(bare: Bare) -> None:
        grants = [await bare.connect(end_user_id="ada") for _ in range(2)]
        async with bare.enter(grants[1]) as second:
            async with bare.enter(grants[0]) as first:
                await entered(bare, first)
                await entered(bare, second)
                await first.link("bye", reason="disconnect")
            await second.until("bot-turn-completed")

    serve(play, AUDIBLE, cast=PoliteCast())


def test_who_is_asked_for_an_answer_to_an_earlier_line_does_not_wait_for_the_greetings(
    tmp_path: Path,
) -> None:
    path, ask = tmp_path / "sessions.sqlite3", {"end_user_id": "ada", "respond_modes": MANUAL}
    sessions = list[str]()

    async def type_it(bare: Bare) -> None:
        async with bare.room(**ask) as (guest, grant):
            sessions.append(grant["character_session_id"])
            await guest.type_line("hello", "m1")
            await guest.until("server-response")

    async def come_back(bare: Bare) -> None:
        grants = [
            await bare.connect(end_user_id="ada"),
            await bare.connect(**ask, character_session_id=sessions[0]),
        ]
        async with bare.enter(grants[0]) as first, bare.enter(grants[1]) as second:
            await entered(bare, first)
            await entered(bare, second)
            await second.ask_to_respond(message_id="m1")
            await second.until("bot-turn-completed")
            assert "Yes" in words_in(await second.until("bot-turn-completed"))

    serve(type_it, cast=PoliteCast(), path=path)
    serve(come_back, AUDIBLE, cast=PoliteCast(), path=path)


def test_who_was_cut_in_an_answer_goes_on_without_waiting_for_the_greetings(tmp_path: Path) -> None:
    path, sessions = tmp_path / "sessions.sqlite3", list[str]()

    async def ask(bare: Bare) -> None:
        async with bare.room(end_user_id="ada") as (guest, grant):
            sessions.append(grant["character_session_id"])
            await guest.type_line("hello", "m1")
            await guest.until("server-response")

    async def come_back(bare: Bare) -> None:
        grants = [
            await bare.connect(end_user_id="ada"),
            await bare.connect(end_user_id="ada", character_session_id=sessions[0]),
        ]
        async with bare.enter(grants[0]) as first, bare.enter(grants[1]) as second:
            await entered(bare, first)
            busy = asyncio.ensure_future(first.until("bot-turn-completed"))
            await entered(bare, second)
            await second.until("bot-llm-text")
            assert not busy.done()
            await busy

    serve(
        ask,
        Settings(pace=Pace(words_per_second=0.5, think_seconds=0.0)),
        cast=AnswersAlone(),
        path=path,
    )
    serve(come_back, AUDIBLE, cast=PoliteCast(), path=path)
