"""A cloud for tests: an endpoint as Convai's, rooms of LiveKit, and our service as the agents.

Each `POST /connect` opens a room at a LiveKit server and lets our service join it as the agent,
through LiveKit's own client. It runs in a thread of its own, since a game has its own loops.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import jwt
import pytest
from aiohttp import web

from characters.protocol.audio_frames import AudioFrame
from characters.protocol.codec import decode_client, encode_server
from characters.protocol.link import Bye, SequencedChannel
from characters.protocol.messages import ConnectRequest, RoomGrant, UserTextMessage
from characters.transport.base import Connection, TransportError
from characters.transport.websocket import WebSocketTransport
from tests.livekit_server import SECRET, livekit_server

from livekit import rtc  # isort: skip  # livekit_server skips where it is not installed

__all__ = ["Cloud", "GO", "KEY", "LiveKit", "running_cloud", "running_livekit"]

KEY = "convai-key"
GO = "Go away."  # the agent leaves, as one that crashes does
MISSING = (
    "a talk through LiveKit's own server needs the program `livekit-server` on the PATH, or "
    "LIVEKIT_URL with LIVEKIT_API_KEY and LIVEKIT_API_SECRET"
)


@dataclass(frozen=True)
class LiveKit:
    """Where a LiveKit server is, and what its tokens are signed with."""

    url: str
    key: str
    secret: str

    def token(self, room: str, identity: str) -> str:
        """Return what lets somebody into a room."""
        video = {"room": room, "roomJoin": True}
        claims = {"iss": self.key, "sub": identity, "video": video, "exp": time.time() + 600}
        return jwt.encode(claims, self.secret, "HS256")


@contextmanager
def running_livekit() -> Iterator[LiveKit]:
    """Find or start LiveKit's own server; skips with a sentence where there is none."""
    if url := os.environ.get("LIVEKIT_URL"):
        yield LiveKit(url, os.environ["LIVEKIT_API_KEY"], os.environ["LIVEKIT_API_SECRET"])
        return
    program = shutil.which("livekit-server")
    if program is None:
        pytest.skip(MISSING)
    with subprocess.Popen([program, "--dev", "--bind", "127.0.0.1"]) as process:
        try:
            await_port(7880)
            yield LiveKit("ws://127.0.0.1:7880", "devkey", "secret")
        finally:
            process.kill()


def await_port(port: int, seconds: float = 30.0) -> None:
    """Wait until something listens there."""
    ends_at = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            return
        except OSError:
            assert time.monotonic() < ends_at, f"nothing listens on port {port}"
            time.sleep(0.05)


class Agent:
    """Our service in one LiveKit room: what it says and hears goes through LiveKit's client.

    It leaves at a line that says so, unless that is in `left_at`: a client says again what nobody
    has answered.
    """

    def __init__(self, service: Connection, left_at: set[str | None]) -> None:
        self._service = service
        self._left_at = left_at
        self._room = rtc.Room()
        self._player_came = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def enter(self, livekit: LiveKit, room: str) -> None:
        """Come in, with a voice, and begin to talk once the player is there."""
        self._room.on("data_received", self._message)
        self._room.on("track_subscribed", self._track)
        self._room.on("participant_active", lambda _: self._player_came.set())
        await self._room.connect(livekit.url, livekit.token(room, "agent"))
        self._voice = rtc.AudioSource(24_000, 1)
        track = rtc.LocalAudioTrack.create_audio_track("voice", self._voice)
        await self._room.local_participant.publish_track(track, rtc.TrackPublishOptions())
        self._begin(self._talk())

    async def leave(self) -> None:
        """Go, as an agent that crashed does."""
        for task in self._tasks - {asyncio.current_task()}:
            task.cancel()
        self._service.abort()
        await self._room.disconnect()

    def _message(self, packet: Any) -> None:
        message = decode_client(json.loads(packet.data))
        if isinstance(message, UserTextMessage) and self._leaves_at(message):
            self._left_at.add(message.message_id)
            self._begin(self.leave())
        else:
            self._service.send(message)

    def _leaves_at(self, line: UserTextMessage) -> bool:
        return line.text == GO and line.message_id not in self._left_at

    def _track(self, track: Any, *_: object) -> None:
        self._begin(self._hear(track))

    async def _hear(self, track: Any) -> None:
        async for event in rtc.AudioStream(track, sample_rate=16_000, num_channels=1):
            self._service.send_audio(bytes(event.frame.data), time.monotonic())

    async def _talk(self) -> None:
        await self._player_came.wait()
        with suppress(TransportError):
            while not isinstance(item := await self._service.receive(), Bye):
                if isinstance(item, AudioFrame):
                    samples = len(item.pcm) // 2
                    frame = rtc.AudioFrame(item.pcm, item.sample_rate, 1, samples)
                    await self._voice.capture_frame(frame)
                else:
                    text = json.dumps(encode_server(item))
                    await self._room.local_participant.publish_data(text, topic="rtvi")

    def _begin(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Cloud:
    """The endpoint at `url`; what it was asked and told is kept for the test."""

    def __init__(self, service_url: str, livekit: LiveKit) -> None:
        self.url = ""
        self.requests: list[dict[str, Any]] = []
        self.opened: list[str] = []
        self.ended: list[str] = []
        self._livekit = livekit
        self._service = WebSocketTransport(service_url)
        self._agents: list[Agent] = []
        self._left_at: set[str | None] = set()

    async def connect(self, request: web.Request) -> web.Response:
        """Open a room, with an agent in it."""
        if request.headers.get("X-API-Key") != KEY:
            return web.json_response({"detail": "Invalid API key"}, status=401)
        body = await request.json()
        self.requests.append(body)
        if body["mode"] == "join":  # a room lasts as long as its agent
            return web.json_response({"detail": "room not found"}, status=404)
        session_id = body.get("character_session_id")
        ask = ConnectRequest(body["character_id"], character_session_id=session_id)
        try:
            grant = await self._service.connect(ask)
        except TransportError as error:
            return web.json_response({"detail": error.failure.message}, status=404)
        connection = await self._service.join(grant, SequencedChannel(grant.room_name))
        agent = Agent(connection, self._left_at)
        self._agents.append(agent)
        self.opened.append(grant.session_id)
        name = secrets.token_hex(4)
        await agent.enter(self._livekit, name)
        token = self._livekit.token(name, "player")
        theirs = replace(grant, room_url=self._livekit.url, room_name=name, token=token)
        return web.json_response(_as_json(theirs))

    async def disconnect(self, request: web.Request) -> web.Response:
        """Note that a talk is over."""
        self.ended.append(request.query["session_id"])
        return web.Response()

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """Serve on a free loopback port."""
        app = web.Application()
        app.router.add_post("/connect", self.connect)
        app.router.add_post("/disconnect", self.disconnect)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield
        finally:
            for agent in self._agents:
                await agent.leave()
            await self._service.close()
            await runner.cleanup()


def _as_json(grant: RoomGrant) -> dict[str, Any]:
    return {
        "session_id": grant.session_id,
        "character_session_id": grant.character_session_id,
        "room_url": grant.room_url,
        "room_name": grant.room_name,
        "token": grant.token,
    }


@contextmanager
def running_cloud(service_url: str, livekit: LiveKit | None = None) -> Iterator[Cloud]:
    """Run the cloud in a thread, on the LiveKit server of the tests unless another is named."""
    ready, is_over = threading.Event(), asyncio.Event()
    cloud: list[Cloud] = []
    loop: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        async with livekit_server() as server:
            cloud.append(Cloud(service_url, livekit or LiveKit(server.url, "tests", SECRET)))
            loop.append(asyncio.get_running_loop())
            async with cloud[0].serve():
                ready.set()
                await is_over.wait()

    thread = threading.Thread(target=asyncio.run, args=(run(),), name="cloud")
    thread.start()
    assert ready.wait(30)
    try:
        yield cloud[0]
    finally:
        loop[0].call_soon_threadsafe(is_over.set)
        thread.join(30)
