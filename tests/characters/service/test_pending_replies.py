"""An answer that was decided is told, once, whatever becomes of the service in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from characters.service.pace import TimingConfig
from characters.service.service import ServiceSettings
from characters.service.store import SessionStore
from tests.characters.service.client import Bare, Guest, serve, words_in

# So slow that a restart finds every answer in its middle.
SLOW = ServiceSettings(timing=TimingConfig(words_per_second=0.5, think_seconds=0.0))
Play = Callable[[Guest, dict[str, Any]], Awaitable[None]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions.sqlite3"


def live(path: Path, play: Play, settings: ServiceSettings | None = None, **ask: Any) -> None:
    """Play with a guest in one life of a service."""

    async def with_a_guest(bare: Bare) -> None:
        async with bare.room(**ask) as (guest, grant):
            await play(guest, grant)

    serve(with_a_guest, settings, path=path)


def a_talk(path: Path, settings: ServiceSettings | None = None) -> str:
    """Ask for three numbers; return the session when the line is durable."""
    sessions: list[str] = []

    async def ask(guest: Guest, grant: dict[str, Any]) -> None:
        sessions.append(grant["character_session_id"])
        await guest.type_line("count 3", "m1")
        await guest.until("server-response" if settings else "bot-turn-completed")

    live(path, ask, settings)
    return sessions[0]


def test_an_answer_that_a_restart_cut_is_told_whole(path: Path) -> None:
    async def listen(guest: Guest, grant: dict[str, Any]) -> None:
        frames = await guest.until("bot-turn-completed")
        assert (words_in(frames), frames[-1]["data"]["message_id"]) == ("1 2 3", "m1")

    session = a_talk(path, SLOW)
    live(path, listen, character_session_id=session)
    turns = [turn.text for turn in SessionStore(path).turns(session)]
    assert turns == ["count 3", "1 2 3"]


def test_the_mind_is_not_asked_again(path: Path) -> None:
    async def listen(guest: Guest, grant: dict[str, Any]) -> None:
        await guest.until("bot-turn-completed")

    session = a_talk(path, SLOW)
    live(path, listen, character_session_id=session)
    assert SessionStore(path).memory(session) == {"heard": []}


def test_an_answer_that_the_client_had_is_not_repeated(path: Path) -> None:
    async def listen(guest: Guest, grant: dict[str, Any]) -> None:
        await guest.say("count 1")
        frames = await guest.until("bot-turn-completed")
        assert words_in(frames) == "1"

    live(path, listen, character_session_id=a_talk(path), heard="m1")


def test_an_answer_that_the_client_had_is_written_down_and_pending_no_more(path: Path) -> None:
    async def nothing(guest: Guest, grant: dict[str, Any]) -> None: ...

    # A restart in its middle: only the client knows that it came whole.
    session = a_talk(path, SLOW)
    live(path, nothing, character_session_id=session, heard="m1")
    store = SessionStore(path)
    assert [turn.text for turn in store.turns(session)] == ["count 3", "1 2 3"]
    assert store.pending(session) == ()
    store.close()


def test_a_confirmation_is_written_down_although_nothing_more_is_said(path: Path) -> None:
    sessions: list[str] = []

    async def play(guest: Guest, grant: dict[str, Any]) -> None:
        sessions.append(grant["character_session_id"])
        await guest.type_line("count 1", "m1")
        completed = (await guest.until("bot-turn-completed"))[-1]
        await guest.link("ack", received=completed["seq"])
        store = SessionStore(path)
        async with asyncio.timeout(60):
            while store.pending(sessions[0]):  # noqa: ASYNC110  # another connection's rows announce nothing
                await asyncio.sleep(0.005)
        store.close()

    live(path, play)


def test_an_answer_that_was_confirmed_is_not_pending(path: Path) -> None:
    sessions: list[str] = []

    async def play(guest: Guest, grant: dict[str, Any]) -> None:
        sessions.append(grant["character_session_id"])
        await guest.type_line("count 1", "m1")
        completed = (await guest.until("bot-turn-completed"))[-1]
        await guest.link("ack", received=completed["seq"])
        await guest.type_line("count 1", "m2")
        await guest.until("bot-turn-completed")

    live(path, play)
    assert [owed.message_ids for owed in SessionStore(path).pending(sessions[0])] == [("m2",)]


def test_who_says_goodbye_waits_for_no_answer(path: Path) -> None:
    sessions: list[str] = []

    async def leave(guest: Guest, grant: dict[str, Any]) -> None:
        sessions.append(grant["character_session_id"])
        await guest.type_line("count 3", "m1")
        await guest.until("server-response")
        await guest.link("bye", reason="disconnect")
        await guest.ended()

    live(path, leave, SLOW)
    assert SessionStore(path).pending(sessions[0]) == ()
