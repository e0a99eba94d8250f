"""Two nodes in one event loop, over one file: what reaches the wrong one is passed on."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import secrets
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from characters.protocol.link import SequencedChannel
from characters.protocol.messages import BotTurnCompleted, ConnectRequest
from characters.service.access import AccessSettings
from characters.service.app import make_app, make_runner
from characters.service.cluster import ClusterNode, NodeSettings
from characters.service.database import connect
from characters.service.directory import DIRECTORY_SCHEMA, Directory
from characters.service.logs import JsonFormatter
from characters.service.service import Service, ServiceSettings
from characters.service.store import FencedError, SessionStore
from characters.service.tables import Database
from characters.transport.websocket import WebSocketTransport
from tests.characters.service.client import Bare, Guest, kind, serve, words_in
from tests.characters.transport.stages import AT_ONCE, CountingAgents

KEY = "the key of the nodes"


class OneNode:
    """A node, and a bare client of it."""

    def __init__(self, service: Service, runner: web.AppRunner, url: str) -> None:
        self.service = service
        self.runner = runner
        self.url = url
        self.http = aiohttp.ClientSession()

    async def ask(self, method: str, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
        async with self.http.request(method, self.url + path, json=body) as answer:
            return answer.status, await answer.json()

    async def connect(self, **body: Any) -> dict[str, Any]:
        more = {"character_id": "counter", "end_user_id": "me", **body}
        status, answer = await self.ask("POST", "/connect", **more)
        assert status == 200, answer
        return answer

    @asynccontextmanager
    async def enter(self, grant: dict[str, Any]) -> AsyncIterator[Guest]:
        """Enter a room by this node, whichever has it."""
        headers = {"Authorization": f"Bearer {grant['token']}"}
        url = f"{self.url}/rooms/{grant['room_name']}"
        async with self.http.ws_connect(url, protocols=("troupe.v1",), headers=headers) as socket:
            guest = Guest(socket)
            await guest.link("hello", received=0)
            await guest.until("bot-turn-completed")
            yield guest

    async def vanish(self) -> None:
        """Answer nobody any more, and prove nothing."""
        cluster = self.service.cluster
        assert cluster is not None and cluster._beating is not None
        cluster._beating.cancel()
        await self.runner.cleanup()


async def a_node(name: str, db: Database, beats: Database, front: str = "") -> OneNode:
    """Start a node; the others are told to reach it at `front`."""
    port = free_port()
    told = front or f"http://127.0.0.1:{port}"
    cluster = ClusterNode(
        NodeSettings(name, told, KEY), Directory(db, name, told), Directory(beats, name, told),
        time.monotonic,
    )  # fmt: skip
    return await serve_at(port, SessionStore(None, database=db, node=name), cluster)


async def serve_at(port: int, store: SessionStore, cluster: ClusterNode | None = None) -> OneNode:
    """Start a service over a store; it is a node if there is a cluster."""
    service = Service(
        CountingAgents([]),
        store,
        now=time.monotonic,
        wall=time.time if cluster is None else cluster.wall,
        new_id=lambda: secrets.token_urlsafe(8),
        settings=ServiceSettings(timing=AT_ONCE),
        cluster=cluster,
    )
    await service.start()
    access = AccessSettings(public_url="ws://127.0.0.1:1", cluster_key=KEY)
    runner = make_runner(make_app(service, access), 0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return OneNode(service, runner, f"http://127.0.0.1:{port}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@asynccontextmanager
async def alive(guest: Guest) -> AsyncIterator[None]:
    """Give signs of life, as a client does."""

    async def ping() -> None:
        while True:
            await guest.link("ping", t=0.0)
            await asyncio.sleep(0.05)

    pinging = asyncio.create_task(ping())
    yield
    pinging.cancel()


@asynccontextmanager
async def nodes_over(path: Path, **fronts: str) -> AsyncIterator[list[OneNode]]:
    """Run nodes of these names over one file."""
    connections = [connect(str(path / "shared.sqlite3")) for _ in range(2 * len(fronts))]
    connections[0].executescript(DIRECTORY_SCHEMA)
    async with asyncio.timeout(60), AsyncExitStack() as ends:
        nodes = []
        for (name, front), db, beats in zip(
            fronts.items(), connections[::2], connections[1::2], strict=True
        ):
            node = await a_node(name, db, beats, front)
            nodes.append(node)
            ends.push_async_callback(node.service.close)
            ends.push_async_callback(node.runner.cleanup)
            ends.push_async_callback(node.http.close)
        yield nodes


def play(path: Path, act: Callable[[OneNode, OneNode], Awaitable[None]]) -> None:
    async def run() -> None:
        async with nodes_over(path, a="", b="") as (a, b):
            await act(a, b)

    asyncio.run(run())


def test_a_room_is_entered_and_left_by_any_node(tmp_path: Path) -> None:
    async def act(a: OneNode, b: OneNode) -> None:
        grant = await a.connect()
        assert grant["room_name"].startswith("a.")
        async with b.enter(grant) as guest:
            await guest.say("count 3")
            assert words_in(await guest.until("bot-turn-completed")).split() == ["1", "2", "3"]

    play(tmp_path, act)


def test_all_that_follows_from_a_connect_is_logged_under_the_id_that_the_client_sent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    service = logging.getLogger("characters.service")

    async def act(a: OneNode, b: OneNode) -> None:
        session = (await a.connect())["character_session_id"]
        service.addHandler(handler)
        client = WebSocketTransport(b.url)  # of a session that is at the other node
        ask = ConnectRequest(
            "counter", end_user_id="me", character_session_id=session, takeover=True
        )
        grant = await client.connect(ask)
        room = f"{b.url.replace('http', 'ws')}/rooms/{grant.room_name}"
        connection = await client.join(
            replace(grant, room_url=room), SequencedChannel(grant.room_name)
        )
        while not isinstance(await connection.receive(), BotTurnCompleted):
            pass
        await client.close()
        await a.service.drain()

    caplog.set_level(logging.INFO, "characters")
    try:
        play(tmp_path, act)
    finally:
        service.removeHandler(handler)
    (sent,) = re.findall(r"connecting, request (\S+)", caplog.text)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    (room,) = {found[1] for line in lines if (found := re.search("resumed, (.*)", line["message"]))}
    told = [line for line in lines if room in line["message"]]
    assert len(told) > 2 and {line.get("request") for line in told} == {sent}


def test_a_session_is_resumed_where_it_is_whichever_node_is_asked(tmp_path: Path) -> None:
    async def act(a: OneNode, b: OneNode) -> None:
        session = (await a.connect())["character_session_id"]
        again = await b.connect(character_session_id=session, takeover=True)
        assert again["character_session_id"] == session
        assert again["room_name"].startswith("a.")
        assert again["room_url"].startswith("ws://127.0.0.1:1/rooms/")

    play(tmp_path, act)


def test_a_session_that_is_live_at_its_node_is_refused_by_any_until_nobody_answers_there(
    tmp_path: Path,
) -> None:
    async def act(a: OneNode, b: OneNode) -> None:
        grant = await a.connect()
        ask = {"character_id": "counter", "end_user_id": "me"}
        ask["character_session_id"] = grant["character_session_id"]
        async with a.enter(grant) as guest:
            async with alive(guest):
                status, answer = await b.ask("POST", "/connect", **ask)
            assert status == 409 and answer["detail"].startswith("the session is live elsewhere")
            again = await b.connect(character_session_id=ask["character_session_id"])
            assert again["room_name"].startswith("a.")

    play(tmp_path, act)


def test_a_nodes_clients_are_told_over_how_long_to_come_back_if_it_dies(tmp_path: Path) -> None:
    async def welcome(node: OneNode) -> dict[str, Any]:
        grant = await node.connect()
        headers = {"Authorization": f"Bearer {grant['token']}"}
        url = f"{node.url}/rooms/{grant['room_name']}"
        async with node.http.ws_connect(url, protocols=("troupe.v1",), headers=headers) as socket:
            guest = Guest(socket)
            await guest.link("hello", received=0)
            return (await guest.until("welcome"))[-1]

    async def act(a: OneNode, _: OneNode) -> None:
        first = (await welcome(a))["retry_over"]
        assert first > 0
        assert (await welcome(a))["retry_over"] == 2 * first  # who left may rejoin

    play(tmp_path, act)

    async def alone(bare: Bare) -> None:
        grant = await bare.connect()
        async with bare.enter(grant) as guest:
            await guest.link("hello", received=0)
            assert not (await guest.until("welcome"))[-1].get("retry_over")

    serve(alone)


def test_a_session_whose_node_is_gone_goes_on_at_another_with_all_that_was_said(
    tmp_path: Path,
) -> None:
    async def act(a: OneNode, b: OneNode) -> None:
        grant = await a.connect()
        async with a.enter(grant) as guest:
            await guest.type_line("count 2", "m1")
            await guest.until("bot-turn-completed")
        session = grant["character_session_id"]
        await a.vanish()
        again = await b.connect(character_session_id=session, live_id=grant["session_id"])
        assert again["room_name"].startswith("b.")
        turns = await b.service.turns(session)
        assert [turn.text for turn in turns if turn.speaker == "player"] == ["count 2"]

    play(tmp_path, act)


def test_requests_about_a_session_reach_its_node_with_their_bodies(tmp_path: Path) -> None:
    async def act(a: OneNode, b: OneNode) -> None:
        grant = await a.connect()
        async with a.enter(grant) as guest:
            await guest.say("count 1")
            await guest.until("bot-turn-completed")
            path = f"/sessions/{grant['character_session_id']}/branch"
            status, answer = await b.ask("POST", path, turns=9)
            assert (status, answer["turns"][-1]["speaker"]) == (200, "character")
        status, _ = await b.ask("DELETE", f"/sessions/{grant['character_session_id']}")
        assert status == 200

    play(tmp_path, act)


def test_who_is_forgotten_by_one_node_is_sent_away_by_another(tmp_path: Path) -> None:
    async def act(a: OneNode, b: OneNode) -> None:
        grant = await a.connect()
        async with a.enter(grant) as guest:
            shown = grant["character_session_id"]
            status, answer = await b.ask(
                "POST", "/forget", end_user_id="me", character_session_id=shown
            )
            assert (status, answer) == (200, {"forgotten": 1})
            assert "bye" in [kind(frame) for frame in await guest.ended()]
        assert await a.service.turns(shown) == ()
        status, _ = await b.ask(
            "POST", "/connect", character_id="counter", end_user_id="me", character_session_id=shown
        )
        assert status == 404

    play(tmp_path, act)


def test_a_node_that_drains_hands_its_sessions_over(tmp_path: Path) -> None:
    async def act(a: OneNode, b: OneNode) -> None:
        session = (await a.connect())["character_session_id"]
        await a.service.drain()
        again = await b.connect(character_session_id=session)
        assert again["room_name"].startswith("b.")

    play(tmp_path, act)


def test_what_bears_the_name_of_a_node_is_believed_with_the_key_alone(tmp_path: Path) -> None:
    async def act(a: OneNode, b: OneNode) -> None:
        session = (await a.connect())["character_session_id"]
        headers = {"X-Troupe-Cluster": "a guess", "X-Troupe-Node": "b"}
        body = {"character_id": "counter", "end_user_id": "me", "character_session_id": session}
        async with b.http.post(f"{b.url}/connect", json=body, headers=headers) as answer:
            assert answer.status == 200  # a request like any other: it is passed on
            assert (await answer.json())["room_name"].startswith("a.")

    play(tmp_path, act)


async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


def test_a_session_whose_node_no_other_can_reach_is_given_up_by_it(tmp_path: Path) -> None:
    async def run() -> None:
        wall = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        front = f"http://127.0.0.1:{wall.sockets[0].getsockname()[1]}"
        async with wall, nodes_over(tmp_path, a=front, b="", c="") as (a, b, _):
            grant = await a.connect()
            session, live = grant["character_session_id"], grant["session_id"]
            again = await b.connect(character_session_id=session, live_id=live)
            assert again["room_name"].startswith("b.")

    asyncio.run(run())


@pytest.mark.parametrize("what", ["rooms", "sessions"])
def test_neither_the_key_of_the_nodes_nor_an_id_follows_a_redirect(
    tmp_path: Path, what: str
) -> None:
    asked, is_asked_again = list[str](), asyncio.Event()

    async def elsewhere(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path)
        if asked.count("/livez") == 2:
            is_asked_again.set()
        if not request.path.startswith("/stolen"):
            raise web.HTTPTemporaryRedirect(f"/stolen{request.path}")
        return web.json_response({})

    async def run() -> None:
        runner = web.ServerRunner(web.Server(elsewhere))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        front = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with nodes_over(tmp_path, a=front, b="") as (a, b):
            grant = await a.connect()
            if what == "sessions":
                await b.ask("DELETE", f"/sessions/{grant['character_session_id']}")
            else:
                with pytest.raises(aiohttp.WSServerHandshakeError):
                    async with b.enter(grant):
                        pass
            await is_asked_again.wait()  # whether it lives, as the way is broken
        await runner.cleanup()

    asyncio.run(run())
    assert {path.split("/")[1] for path in asked} == {what, "livez"}


def test_a_way_that_was_cut_is_used_again_as_soon_as_it_leads_there(tmp_path: Path) -> None:
    async def act(a: OneNode, b: OneNode) -> None:
        cluster = b.service.cluster
        assert cluster is not None
        session = (await a.connect())["character_session_id"]
        owner = await cluster.take(session)
        assert owner is not None
        cluster._note_cut(owner)
        await asyncio.gather(*cluster._background)  # it tries the way until it leads there
        again = await b.connect(character_session_id=session, takeover=True)
        assert again["room_name"].startswith("a.")

    play(tmp_path, act)


def test_what_the_node_of_a_room_refuses_is_refused_by_any(tmp_path: Path) -> None:
    async def act(a: OneNode, b: OneNode) -> None:
        grant = await a.connect()
        headers = {"Authorization": "Bearer a guess"}
        for _ in range(3):  # the way is not blamed for it
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await b.http.ws_connect(f"{b.url}/rooms/{grant['room_name']}", headers=headers)
        assert b.service.cluster is not None and not b.service.cluster._cut

    play(tmp_path, act)


def test_a_node_is_ready_while_its_beats_prove_that_it_lives(tmp_path: Path) -> None:
    async def act(a: OneNode, b: OneNode) -> None:
        assert (await a.ask("GET", "/readyz"))[0] == 200
        cluster = a.service.cluster
        assert cluster is not None and cluster._beating is not None
        cluster._beating.cancel()
        cluster._proven_until = 0.0
        status, body = await a.ask("GET", "/readyz")
        assert (status, body["why"]) == (503, ["the store does not answer"])

    play(tmp_path, act)


def test_what_is_refused_as_another_nodes_is_no_illness_of_the_store(tmp_path: Path) -> None:
    async def act(a: OneNode, b: OneNode) -> None:
        session_id = (await a.connect())["character_session_id"]
        session = a.service.registry.session(session_id)
        assert session is not None
        await a.vanish()
        await b.connect(character_session_id=session_id)
        with pytest.raises(FencedError):
            await a.service._repository.save(session)
        assert a.service.metrics.save_failed_at is None

    play(tmp_path, act)
