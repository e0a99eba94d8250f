"""Far ends for the transport contract: the same play on a real socket and in memory."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import web

from characters.agents.agent import Part, PlayerSaid, Prompt, Say
from characters.protocol.link import SequencedChannel
from characters.protocol.messages import (
    BotLlmText,
    ClientMessage,
    ConnectRequest,
    RoomGrant,
    ServerMessage,
    UserTextMessage,
)
from characters.service.access import AccessSettings, KeyRing
from characters.service.admin import AdminSettings
from characters.service.app import make_app, make_runner
from characters.service.pace import TimingConfig
from characters.service.registry import RefusalError
from characters.service.service import AgentFactory, Service, ServiceSettings
from characters.service.store import SessionStore
from characters.speech.factory import SpeechParts
from characters.transport.base import Connection, Transport
from characters.transport.livekit import LiveKitRooms
from characters.transport.websocket import WebSocketTransport
from tests.memory_transport import MemoryHost

if TYPE_CHECKING:
    from tests.livekit_server import LiveKitServer

__all__ = [
    "NUMBERED", "STAGES", "Stage", "memory_stage", "rejoining", "service_stage", "websocket_stage",
]  # fmt: skip

AT_ONCE = TimingConfig(words_per_second=0, think_seconds=0)


class Stage(Protocol):
    """A transport, and a far end that answers "count 3" with "1 2 3"."""

    transport: Transport
    heard: list[str]

    def cut(self) -> None: ...


def words(text: str) -> str:
    """Return what the far end answers."""
    count = int(text.removeprefix("count ")) if text.startswith("count ") else 1
    return " ".join(str(number) for number in range(1, count + 1))


class Counter:
    """A far end that counts as it is asked to."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def respond(self, message: ClientMessage) -> Iterable[ServerMessage]:
        if isinstance(message, UserTextMessage):
            self.heard.append(message.text)
            yield from (BotLlmText(f" {word}") for word in words(message.text).split())


class MemoryStage(Counter):
    def __init__(self) -> None:
        super().__init__()
        self._host = MemoryHost(self.respond)
        self.transport: Transport = self._host.transport()

    def cut(self) -> None:
        self._host.cut()


class LiveKitStage:
    """LiveKit numbers nothing: what needs numbers is not asked of it (see NUMBERED)."""

    def __init__(self, server: LiveKitServer, heard: list[str]) -> None:
        self.heard = heard
        self.cut = server.cut
        self._server = server
        self._rooms = LiveKitRooms(time.monotonic)
        self.transport: Transport = self

    async def connect(self, request: ConnectRequest) -> RoomGrant:
        return self._server.grant(request)

    async def join(self, grant: RoomGrant, link: SequencedChannel) -> Connection:
        return await self._rooms.join(grant, link)

    async def close(self) -> None:
        await self._rooms.close()


def rejoining(ask: ConnectRequest, grant: RoomGrant) -> ConnectRequest:
    """Return what a client asks for that has just lost its connection to a room."""
    return replace(
        ask,
        mode="join",
        room_name=grant.room_name,
        character_session_id=grant.character_session_id,
        live_id=grant.session_id,
    )


class CountingAgent:
    """Counts as it is asked to, and says nothing to anything else."""

    player_name = ""

    def __init__(self, heard: list[str]) -> None:
        self._heard = heard
        self.noted: list[str] = []

    async def reply(self, prompt: Prompt, context: Mapping[str, Any]) -> AsyncGenerator[Part, None]:
        if isinstance(prompt, PlayerSaid):
            self._heard.append(prompt.text)
            yield Say(words(prompt.text))

    def note(self, text: str) -> None:
        self.noted.append(text)

    def phrases(self) -> Iterable[str]:
        return ()

    mood = None

    def memory(self) -> dict[str, Any]:
        return {"heard": list(self._heard)}


class CountingAgents(AgentFactory):
    def __init__(self, heard: list[str]) -> None:
        self._heard = heard

    def agent(self, request: ConnectRequest, memory: dict[str, Any]) -> CountingAgent:
        return CountingAgent(self._heard)

    def voice(self, request: ConnectRequest) -> None:
        if request.character_id == "nobody":
            raise RefusalError(404, "character not found")


class WebSocketStage:
    def __init__(self, url: str, service: Service, heard: list[str]) -> None:
        self.heard = heard
        self.url = url
        self.service = service
        self.transport: Transport = WebSocketTransport(url)
        self.runner: web.AppRunner

    def cut(self) -> None:
        for room in self.service.registry.rooms:
            live = self.service.live_room(room)
            if live is not None and live.connection.socket is not None:
                live.connection.socket.abort()


@asynccontextmanager
async def memory_stage() -> AsyncIterator[Stage]:
    stage = MemoryStage()
    yield stage
    await stage.transport.close()


@asynccontextmanager
async def service_stage(
    settings: ServiceSettings | None = None,
    api_key: str | None = None,
    *,
    agents: AgentFactory | None = None,
    speech: SpeechParts | None = None,
    path: Path | None = None,
    access: AccessSettings | None = None,
    admin: AdminSettings | None = None,
) -> AsyncIterator[WebSocketStage]:
    """Serve on a free loopback port of this event loop; what is said is kept at `path`."""
    heard: list[str] = []
    life = secrets.token_hex(6)
    ids = (f"id-{number}-{life}" for number in itertools.count())
    service = Service(
        agents or CountingAgents(heard),
        SessionStore(path),
        now=time.monotonic,
        wall=time.time,
        new_id=lambda: next(ids),
        settings=settings or ServiceSettings(timing=AT_ONCE),
        speech=speech,
    )
    await service.start()
    access = access or AccessSettings()
    if api_key is not None:
        access = replace(access, keys=KeyRing("KEY", None, {"KEY": api_key}))
    runner = make_runner(make_app(service, access, admin), 0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    stage = WebSocketStage(f"http://{host}:{port}", service, heard)
    stage.runner = runner
    try:
        yield stage
    finally:
        await stage.transport.close()
        await service.close()
        await runner.cleanup()


@asynccontextmanager
async def websocket_stage() -> AsyncIterator[Stage]:
    async with service_stage() as stage:
        yield stage


@asynccontextmanager
async def livekit_stage() -> AsyncIterator[Stage]:
    """Enter rooms of a LiveKit server with the native client; skips where that is not installed."""
    from tests.livekit_server import livekit_server

    counter = Counter()
    async with livekit_server(counter.respond) as server:
        stage = LiveKitStage(server, counter.heard)
        yield stage
        await stage.close()


NUMBERED = {"memory": memory_stage, "websocket": websocket_stage}
STAGES = {**NUMBERED, "livekit": livekit_stage}
