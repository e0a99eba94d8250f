"""What of the package `livekit.rtc` the transport uses, with a far end that answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from types import SimpleNamespace
from typing import Any

from characters.protocol.codec import decode_client, encode_server
from characters.protocol.messages import (
    BotReady,
    ClientMessage,
    ConnectRequest,
    RoomGrant,
    ServerMessage,
)
from tests.memory_transport import MemoryHost

__all__ = ["FakeLiveKit"]


class ConnectError(Exception):
    """The room was not entered."""


class FakeLiveKit:
    """The module, the server and the agent in one; rooms are granted by a MemoryHost."""

    ConnectError = ConnectError
    TrackKind = SimpleNamespace(KIND_AUDIO=1)
    TrackSource = SimpleNamespace(SOURCE_MICROPHONE=2)
    DisconnectReason = SimpleNamespace(
        DUPLICATE_IDENTITY=2, SERVER_SHUTDOWN=3, PARTICIPANT_REMOVED=4, ROOM_DELETED=5
    )
    LocalAudioTrack = SimpleNamespace(create_audio_track=lambda name, source: source)
    TrackPublishOptions = SimpleNamespace
    RoomOptions = SimpleNamespace
    RtcConfiguration = SimpleNamespace
    IceTransportType = SimpleNamespace(TRANSPORT_RELAY=0)

    def __init__(self, respond: Callable[[ClientMessage], Iterable[ServerMessage]]) -> None:
        self._host = MemoryHost()
        self.respond = respond
        self.rooms: list[FakeRoom] = []
        self.is_slow = False  # lets in once `let_in` is set, as the native half does
        self.let_in = asyncio.Event()
        self.refusal = ""  # what a join is refused with

    def grant(self, request: ConnectRequest) -> RoomGrant:
        """Answer the request as the endpoint does over HTTP."""
        return self._host.grant(request)

    def spend(self, url: str, token: str) -> None:
        """Let somebody in once."""
        room = self._host.rooms.get(url.removeprefix("memory://"))
        if room is None or token not in room.tokens:
            raise ConnectError("no permission")
        room.tokens = set()

    def Room(self) -> FakeRoom:  # noqa: N802  # the package's own name
        self.rooms.append(FakeRoom(self))
        return self.rooms[-1]

    def AudioSource(self, rate: int, channels: int, queue_size_ms: int) -> FakeSource:  # noqa: N802
        return FakeSource(queue_size_ms)

    def AudioFrame(self, pcm: bytes, rate: int, channels: int, samples: int) -> bytes:  # noqa: N802
        return pcm

    def AudioStream(self, track: Any, **options: int) -> FakeStream:  # noqa: N802  # as above
        return FakeStream(track.frames)

    def cut(self) -> None:
        for room in self.rooms:
            room.cut(reason=9)


class FakeRoom:
    def __init__(self, server: FakeLiveKit) -> None:
        self._server = server
        self._handlers: dict[str, Callable[..., None]] = {}
        self._is_connected = False
        self.microphone: list[FakeSource] = []
        self.options: Any = None
        self.remote_participants: dict[str, object] = {"agent": object()}
        self.has_figures = True
        self.local_participant = self

    def on(self, event: str, handler: Callable[..., None]) -> None:
        self._handlers[event] = handler

    def isconnected(self) -> bool:
        return self._is_connected

    async def connect(self, url: str, token: str, options: Any) -> None:
        self.options = options
        if self._server.refusal:
            raise ConnectError(self._server.refusal)
        if self._server.is_slow:
            try:
                await self._server.let_in.wait()
            except asyncio.CancelledError:
                await self._server.let_in.wait()  # the native half is not cancelled
        self._server.spend(url, token)
        self._is_connected = True
        self.say(BotReady())

    async def disconnect(self) -> None:
        self._is_connected = False

    async def publish_data(self, payload: str, *, topic: str) -> None:
        assert topic == "rtvi"
        raw = json.loads(payload)
        assert "seq" not in raw
        for answer in self._server.respond(decode_client(raw)):
            self.say(answer)

    async def publish_track(self, track: FakeSource, options: object) -> None:
        self.microphone.append(track)

    async def get_rtc_stats(self) -> SimpleNamespace:
        if not self.has_figures:
            raise Exception("the native half said no")
        return SimpleNamespace(publisher_stats=[FakePair(0.0)], subscriber_stats=[FakePair(0.04)])

    # --- the far end -----------------------------------------------------------------------

    def say(self, message: ServerMessage, topic: str = "rtvi") -> None:
        self.push(json.dumps(encode_server(message)).encode(), topic)

    def push(self, data: bytes, topic: str = "rtvi") -> None:
        packet = SimpleNamespace(data=data, topic=topic)
        asyncio.get_running_loop().call_soon(self._handlers["data_received"], packet)

    def speak(self, *frames: bytes) -> None:
        track = SimpleNamespace(kind=1, frames=frames)
        self._handlers["track_subscribed"](track, None, None)

    def cut(self, reason: int) -> None:
        if self._is_connected:
            self._is_connected = False
            self._handlers["disconnected"](reason)

    def begin_to_reconnect(self) -> None:
        self._handlers["reconnecting"]()

    def reconnect(self) -> None:
        self._handlers["reconnected"]()

    def agent_leaves(self) -> None:
        agent = self.remote_participants.pop("agent")
        self._handlers["participant_disconnected"](agent)


class FakePair:
    def __init__(self, seconds: float) -> None:
        pair = SimpleNamespace(current_round_trip_time=seconds)
        self.candidate_pair = SimpleNamespace(candidate_pair=pair)

    def HasField(self, name: str) -> bool:  # noqa: N802  # the package's own name
        return name == "candidate_pair"


class FakeSource:
    def __init__(self, queue_size_ms: int) -> None:
        self.queue_size_ms = queue_size_ms
        self.heard: list[bytes] = []

    async def capture_frame(self, frame: bytes) -> None:
        self.heard.append(frame)

    async def aclose(self) -> None:
        pass


class FakeStream:
    def __init__(self, frames: Iterable[bytes]) -> None:
        self._frames = frames

    async def __aiter__(self) -> AsyncIterator[SimpleNamespace]:
        for data in self._frames:
            yield SimpleNamespace(frame=SimpleNamespace(data=data))

    async def aclose(self) -> None:
        pass
