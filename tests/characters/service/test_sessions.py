"""Who may talk to whom, whatever the sessions are kept in: a file, memory, PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp
import pytest

from characters.service.postgres import PostgresDatabase, prepare
from characters.service.store import SessionStore
from tests.characters.service.test_cluster import OneNode, a_node, alive, free_port, serve_at
from tests.characters.service.test_store_contract import InMemory

Begin: TypeAlias = Callable[[], Awaitable[OneNode]]
ASK = {"character_id": "counter", "end_user_id": "me"}


@pytest.fixture(params=["file", "memory", "postgres"])
def begin(request: pytest.FixtureRequest, tmp_path: Path) -> Begin:
    """Begin a service over the same store, one after another."""
    if request.param == "postgres":
        url, names = request.getfixturevalue("postgres").fresh(), iter("abc")
        prepare(PostgresDatabase(url))
        return lambda: a_node(next(names), PostgresDatabase(url), PostgresDatabase(url))
    if request.param == "file":
        return lambda: serve_at(free_port(), SessionStore(tmp_path / "sessions.sqlite3"))
    in_memory = InMemory(None)
    return lambda: serve_at(free_port(), in_memory)


@asynccontextmanager
async def begun(begin: Begin) -> AsyncIterator[OneNode]:
    node = await begin()
    try:
        yield node
    finally:
        await node.service.close()
        await node.runner.cleanup()
        await node.http.close()


def play(begin: Begin, *acts: Callable[[OneNode], Awaitable[None]]) -> None:
    """Let each act be played in a life of the service of its own."""

    async def run() -> None:
        async with asyncio.timeout(60):
            for act in acts:
                async with begun(begin) as node:
                    await act(node)

    asyncio.run(run())


async def talk(node: OneNode, **more: Any) -> dict[str, Any]:
    """Say a line and hear the answer; return the grant."""
    grant = await node.connect(**more)
    async with node.enter(grant) as guest:
        await guest.type_line("count 2", "m1")
        await guest.until("bot-turn-completed")
    return grant


async def refusal(node: OneNode, **more: Any) -> tuple[int, str]:
    status, answer = await node.ask("POST", "/connect", **{**ASK, **more})
    return status, str(answer.get("detail", "")).split(";")[0]


def test_a_session_is_resumed_in_the_next_life_with_all_that_was_said(begin: Begin) -> None:
    kept: dict[str, str] = {}

    async def first(node: OneNode) -> None:
        kept["id"] = (await talk(node))["character_session_id"]

    async def next_life(node: OneNode) -> None:
        again = await node.connect(character_session_id=kept["id"])
        assert again["character_session_id"] == kept["id"]
        said = [turn.text for turn in await node.service.turns(kept["id"])]
        assert "count 2" in said

    play(begin, first, next_life)


def test_a_session_is_its_players_and_its_characters_alone(begin: Begin) -> None:
    async def act(node: OneNode) -> None:
        session = (await talk(node))["character_session_id"]
        unknown = 404, "session not found"
        assert await refusal(node, character_session_id="nobody's") == unknown
        assert await refusal(node, character_session_id=session, end_user_id="you") == unknown
        assert await refusal(node, character_session_id=session, character_id="other") == unknown

    play(begin, act)


def test_who_is_live_is_replaced_by_a_takeover_alone(begin: Begin) -> None:
    async def act(node: OneNode) -> None:
        grant = await node.connect()
        session = grant["character_session_id"]
        async with node.enter(grant) as guest, alive(guest):
            told = await refusal(node, character_session_id=session)
            assert told == (409, "the session is live elsewhere")
            again = await node.connect(character_session_id=session, takeover=True)
        async with node.enter(again):
            pass

    play(begin, act)


def test_a_room_is_rejoined_by_who_was_in_it_and_a_token_opens_it_once(begin: Begin) -> None:
    async def act(node: OneNode) -> None:
        grant = await talk(node)
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            async with node.enter(grant):
                pass
        room, session = grant["room_name"], grant["character_session_id"]
        asked = {"mode": "join", "room_name": room, "character_session_id": session}
        assert (await node.connect(**asked))["room_name"] == room
        assert await refusal(node, **{**asked, "end_user_id": "you"}) == (404, "room not found")

    play(begin, act)


def test_what_is_deleted_or_forgotten_is_not_resumed_in_the_next_life_either(begin: Begin) -> None:
    gone: list[str] = []

    async def first(node: OneNode) -> None:
        gone.extend([(await talk(node))["character_session_id"] for _ in range(2)])
        assert (await node.ask("DELETE", f"/sessions/{gone[0]}"))[0] == 200
        body = {"end_user_id": "me", "character_session_id": gone[1]}
        assert (await node.ask("POST", "/forget", **body)) == (200, {"forgotten": 1})
        await refused(node)

    async def refused(node: OneNode) -> None:
        for session in gone:
            assert (await refusal(node, character_session_id=session))[0] == 404
            assert await node.service.turns(session) == ()

    play(begin, first, refused)
