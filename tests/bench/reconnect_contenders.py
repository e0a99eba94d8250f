"""Clients that lose their connection and come back: ours, websockets' and python-socketio's.

Each one reaches its server through the same proxy. Usable is when the server's word that it is
ready has reached the client again; for ours that is CONNECTED with the conversation resumed. The
first round only sets up. The peers' servers live in the contender's process, ours in its own.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import aiohttp

from characters.client.threads import NetworkThread
from characters.protocol.link import SUBPROTOCOL, Hello, Welcome, decode_link, encode_link
from characters.protocol.messages import ConnectRequest, RoomGrant
from characters.session.conversation import ResumeOutcome, SessionState
from characters.session.policy import ReconnectPolicy
from tests.characters.transport.stages import rejoining
from tests.faults.harness import ProxyThread, ServiceHarness, TrackedSession, wait_for

__all__: list[str] = []

POLICIES: Mapping[str, ReconnectPolicy] = {
    "DEFAULT": ReconnectPolicy.DEFAULT,
    "PATIENT": ReconnectPolicy.PATIENT,
}
FAULT_SECONDS = 90.0
# A second character's connects are spaced out; so would be ours, right after one another.
REST_SECONDS = 0.25


# --- ours -----------------------------------------------------------------------------------


def ours(folder: Path, fault: str, times: int = 1) -> Iterator[list[float]]:
    """Yield the seconds from a fault to usable, `times` a round."""
    with ServiceHarness(folder) as harness:
        session = harness.open_session("nurse")
        session.connect()
        yield []
        while True:
            yield [_ours_once(harness, session, fault) for _ in range(times)]


def _ours_once(harness: ServiceHarness, session: TrackedSession, fault: str) -> float:
    # A connect of the player's own begins the count of attempts anew.
    session.disconnect()
    session.connect()
    rested_at = perf_counter() + REST_SECONDS
    harness.until(lambda: perf_counter() >= rested_at)
    seconds = session.recovers(harness.reset if fault == "reset" else harness.strand)
    resume = session.arrivals[-1].resume
    assert resume is not None and resume.outcome is ResumeOutcome.REJOINED, resume
    return seconds


def by_hand(folder: Path, fault: str, times: int = 1) -> Iterator[list[float]]:
    """Yield what rejoining our service takes at least: asked, joined, ready, and nothing kept."""
    with ServiceHarness(folder) as harness, _threads() as (_, near):
        peer = Peer(harness.line)
        near.submit(_rejoin(peer))
        wait_for(lambda: peer.readies)
        yield []
        while True:
            yield [_by_hand_once(peer, fault) for _ in range(times)]


def _by_hand_once(peer: Peer, fault: str) -> float:
    rested_at = perf_counter() + REST_SECONDS
    wait_for(lambda: perf_counter() >= rested_at)
    return peer.recovers(fault)


async def _rejoin(peer: Peer) -> None:
    ask = ConnectRequest("nurse", persona="personas/nurse-21c4.toml", room_rejoin_ttl_seconds=60.0)
    once = aiohttp.TCPConnector(force_close=True)  # a reset breaks the kept ones too
    async with aiohttp.ClientSession(connector=once) as http:
        while True:
            url = f"{peer.line.proxy.url}/connect"
            async with http.post(url, json=ask.to_dict()) as answer:
                grant = RoomGrant.from_dict(await answer.json())
            ask = rejoining(ask, grant)
            headers = {"Authorization": f"Bearer {grant.token}"}
            async with http.ws_connect(
                grant.room_url, protocols=[SUBPROTOCOL], headers=headers
            ) as line:
                await line.send_json(encode_link(Hello()))
                welcome = decode_link(await line.receive_json())
                assert isinstance(welcome, Welcome)
                async for message in line:
                    if message.type is aiohttp.WSMsgType.TEXT and "bot-ready" in message.data:
                        peer.ready()


def ours_flapping(folder: Path, policy: str, seconds: float) -> Iterator[list[float]]:
    """Yield how many connects a second a server sees that cuts us once we are ready."""
    with ServiceHarness(folder) as harness:
        session = harness.open_session("nurse", policy=POLICIES[policy])
        yield []
        while True:
            yield [session.flaps(seconds) / seconds]
            if session.state is not SessionState.ERROR:
                session.disconnect()


# --- peers ----------------------------------------------------------------------------------


class Peer:
    """A client of somebody else's: counts how often its server told it that it is ready."""

    def __init__(self, line: ProxyThread) -> None:
        self.line = line
        self.readies = 0

    def ready(self, *_: object) -> None:
        self.readies += 1

    def recovers(self, fault: str) -> float:
        seen = self.readies
        began = perf_counter()
        self.line.at_proxy(self.line.proxy.reset if fault == "reset" else self.line.proxy.strand)
        wait_for(lambda: self.readies > seen, FAULT_SECONDS)
        return perf_counter() - began

    def flaps(self, seconds: float) -> int:
        known = cut = self.readies
        until = perf_counter() + seconds
        self.line.at_proxy(self.line.proxy.reset)

        def look() -> None:
            nonlocal cut
            if self.readies > cut:
                cut = self.readies
                self.line.at_proxy(self.line.proxy.reset)

        wait_for(lambda: perf_counter() >= until, seconds + 1.0, look)
        return self.readies - known


Open = Callable[[dict[str, Any]], AbstractContextManager[Peer]]


@contextmanager
def websockets_peer(options: dict[str, Any]) -> Iterator[Peer]:
    """Open the `async for` iterator of websockets before a server of its own."""
    client = importlib.import_module("websockets.asyncio.client")
    server = importlib.import_module("websockets.asyncio.server")
    errors = importlib.import_module("websockets.exceptions")

    async def greet(connection: Any) -> None:
        await connection.send("ready")
        await connection.wait_closed()

    async def serve() -> Any:
        return await server.serve(greet, "127.0.0.1", 0)

    async def come_back(peer: Peer) -> None:
        async for line in client.connect(f"ws://127.0.0.1:{peer.line.proxy.port}", **options):
            try:
                async for _ in line:
                    peer.ready()
            except errors.ConnectionClosed:
                continue

    with _threads() as (far, near):
        port = far.submit(serve()).result(5.0).sockets[0].getsockname()[1]
        with ProxyThread("127.0.0.1", port) as line:
            peer = Peer(line)
            near.submit(come_back(peer))
            yield peer


@contextmanager
def socketio_peer(options: dict[str, Any]) -> Iterator[Peer]:
    """Open python-socketio's client before a server of its own; the server sets the pings."""
    socketio = importlib.import_module("socketio")
    web = importlib.import_module("aiohttp.web")
    client = socketio.AsyncClient()

    async def serve() -> int:
        server = socketio.AsyncServer(async_mode="aiohttp", **options)
        app = web.Application()
        server.attach(app)

        async def greet(sid: str, environ: object) -> None:
            await server.emit("ready", to=sid)

        server.on("connect", greet)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return int(runner.addresses[0][1])

    async def come(peer: Peer) -> None:
        client.on("ready", peer.ready)
        await client.connect(peer.line.proxy.url)

    with (
        _threads() as (far, near),
        ProxyThread("127.0.0.1", far.submit(serve()).result(5.0)) as line,
    ):
        peer = Peer(line)
        near.submit(come(peer)).result(5.0)
        yield peer
        near.submit(client.shutdown()).result(5.0)


@contextmanager
def _threads() -> Iterator[tuple[NetworkThread, NetworkThread]]:
    far, near = NetworkThread("server"), NetworkThread("client")
    far.start()
    near.start()
    try:
        yield far, near
    finally:
        near.stop(5.0)
        far.stop(5.0)


PEERS: Mapping[str, Open] = {"websockets": websockets_peer, "socketio": socketio_peer}


def peer(
    folder: Path, name: str, fault: str, options: dict[str, Any], times: int = 1
) -> Iterator[list[float]]:
    """Yield the seconds from a fault to usable, `times` a round."""
    with PEERS[name](options) as it:
        wait_for(lambda: it.readies)
        yield []
        while True:
            yield [it.recovers(fault) for _ in range(times)]


def peer_flapping(folder: Path, name: str, seconds: float) -> Iterator[list[float]]:
    """Yield how many connects a second a server sees that cuts the client once it is ready."""
    with PEERS[name]({}) as it:
        wait_for(lambda: it.readies)
        yield []
        while True:
            yield [it.flaps(seconds) / seconds]
