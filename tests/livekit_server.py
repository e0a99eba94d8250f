"""A small LiveKit server, for the native client of the package `livekit`.

It speaks LiveKit's signalling (protobuf over a WebSocket) and has a real peer connection (aiortc)
for each participant: messages go through data channels and voices through audio tracks. Who comes
with a token of the MemoryHost meets an agent that the responder plays. Who comes with a token that
is signed with `SECRET`, as LiveKit's are, meets whoever else is in that room. Faults are switches
and methods.
"""

from __future__ import annotations

import asyncio
import base64
import fractions
import gzip
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, TypeAlias

import jwt
import numpy as np
import pytest
from aiohttp import WSMsgType, web

pytest.importorskip("livekit.rtc", reason="LiveKit's rooms need the extra `cloud`")
pytest.importorskip("aiortc", reason="the LiveKit server of the tests needs the extra `dev`")

import av
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay
from aiortc.exceptions import InvalidStateError
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.sdp import candidate_from_sdp
from livekit.protocol import models, rtc

from characters.protocol.codec import decode_client, encode_server
from characters.protocol.messages import (
    BotReady,
    ClientMessage,
    ConnectRequest,
    RoomGrant,
    ServerMessage,
)
from tests.memory_transport import MemoryHost

__all__ = ["LiveKitServer", "SECRET", "Visit", "livekit_server"]

RATE = 48_000
FRAME = RATE // 50
LOUD = 1000  # a peak that is no silence
SECRET = "a secret of tests that is long enough for a signature"

Responder: TypeAlias = Callable[[ClientMessage], Iterable[ServerMessage]]


class LiveKitServer:
    """Rooms at `url`; `visits` are those who came in, in order."""

    def __init__(self, respond: Responder) -> None:
        self.host = MemoryHost()
        self.respond = respond
        self.visits: list[Visit] = []
        self.asked = 0  # how often anybody asked to come in
        self.refuse_with = 0  # an HTTP status
        self.lets_in = asyncio.Event()
        self.lets_in.set()
        self.url = ""

    def grant(self, request: ConnectRequest) -> RoomGrant:
        """Answer the request as the endpoint does over HTTP."""
        return replace(self.host.grant(request), room_url=self.url)

    @property
    def inside(self) -> list[Visit]:
        """Who is inside now."""
        return [visit for visit in self.visits if visit.is_inside]

    def cut(self) -> None:
        """Put everybody out, for a reason that says nothing."""
        for visit in self.inside:
            visit.put_out(models.UNKNOWN_REASON)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve `/rtc`, `/rtc/v1` and what the client asks to learn why it was refused."""
        if self.refuse_with or request.path.endswith("/validate"):
            return web.Response(status=self.refuse_with or 200, text="no permission")
        self.asked += 1
        await self.lets_in.wait()
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        ask = _join_request(request.query.get("join_request", ""))
        visit = self._visit(token, ask.reconnect)
        if visit is None:
            return web.Response(status=401, text="no permission")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await visit.serve(socket, ask)
        return socket

    def _visit(self, token: str, is_again: bool) -> Visit | None:
        if is_again:
            return next((v for v in self.inside if v.token == token), None)
        before = [visit for visit in self.visits if visit.token == token]
        # A client to whom the answer was too late asks once more with the token that it has.
        if before and all(visit.may_come_anew or not visit.is_met for visit in before):
            is_first = not any(visit.is_met for visit in before)
            return self._enter(Visit(self, token, "", "player", is_first=is_first))
        room = next((r for r in self.host.rooms.values() if token in r.tokens), None)
        if room is not None:
            room.tokens = set()
            return self._enter(Visit(self, token, "", "player"))
        try:
            claims = jwt.decode(token, SECRET, algorithms=["HS256"])
        except jwt.InvalidTokenError:
            return None
        return self._enter(Visit(self, token, claims["video"]["room"], claims["sub"]))

    def _enter(self, visit: Visit) -> Visit:
        self.visits.append(visit)
        return visit


class Visit:
    """One participant of a room; without a `room` it meets the agent that the responder plays."""

    def __init__(
        self, server: LiveKitServer, token: str, room: str, identity: str, *, is_first: bool = True
    ) -> None:
        self.token = token
        self.room = room
        self.info = _participant(identity)
        self.info.state = models.ParticipantInfo.JOINED
        self.is_inside = False
        self.packet_sizes: list[int] = []
        self.may_come_anew = False
        self.resumed = 0  # how often the same visit was taken up again
        self.heard_seconds = 0.0  # of the microphone, without silence
        self.is_published = False  # the microphone
        self.is_muted = False
        self.candidates: list[str] = []  # where the client says that it can be reached
        self._server = server
        self._is_first = is_first
        self._socket = web.WebSocketResponse()
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peer.on("datachannel", self._channel)
        self._peer.on("track", self._track)
        self._voice = Voice()
        self._relay = MediaRelay()
        self._microphone: MediaStreamTrack | None = None
        self._to_hear: list[tuple[models.ParticipantInfo, MediaStreamTrack]] = []
        self._heard: dict[str, models.ParticipantInfo] = {}  # by the part of the description
        if not room:
            self._to_hear.append((_agent(), self._voice))
        self._reliable: Any = None
        self._tasks: set[asyncio.Task[None]] = set()

    # --- what a test does ------------------------------------------------------------------

    def say(self, message: ServerMessage, topic: str = "rtvi") -> None:
        """Send a message of the agent."""
        self.push(json.dumps(encode_server(message)).encode(), topic)

    def push(self, payload: bytes, topic: str = "rtvi") -> None:
        """Send whatever it is as data of the agent."""
        user = models.UserPacket(payload=payload, topic=topic, participant_identity="agent")
        packet = models.DataPacket(participant_identity="agent", user=user)
        self._reliable.send(packet.SerializeToString())

    def speak(self, seconds: float) -> None:
        """Let the agent's voice be heard for so long."""
        self._voice.tones += round(seconds * RATE / FRAME)

    def friend_comes_and_goes(self) -> None:
        """Let another player look in."""
        for state in (models.ParticipantInfo.ACTIVE, models.ParticipantInfo.DISCONNECTED):
            friend = models.ParticipantInfo(sid="PA_friend", identity="friend", state=state)
            self._signal(update=rtc.ParticipantUpdate(participants=[friend]))

    def agent_leaves(self) -> None:
        """Tell that the agent has left the room."""
        gone = _agent()
        gone.state = models.ParticipantInfo.DISCONNECTED
        self._signal(update=rtc.ParticipantUpdate(participants=[gone]))

    def name_the_room(self, metadata: str) -> None:
        """Change what is told of the room."""
        self._signal(room_update=rtc.RoomUpdate(room=_room(metadata)))

    def put_out(self, reason: int) -> None:
        """End the visit."""
        self._leave(rtc.LeaveRequest(reason=reason, action=rtc.LeaveRequest.DISCONNECT))  # type: ignore[arg-type]

    def ask_to_come_anew(self) -> None:
        """Have the client make the whole connection again, as a server that moves a room does."""
        self.may_come_anew = True
        self._leave(rtc.LeaveRequest(action=rtc.LeaveRequest.RECONNECT))

    def drop_signalling(self) -> None:
        """Break the signalling socket without a word; media and messages go on."""
        transport = self._socket._req.transport if self._socket._req else None
        if transport is not None:
            transport.abort()

    # --- signalling ------------------------------------------------------------------------

    async def serve(self, socket: web.WebSocketResponse, ask: rtc.JoinRequest) -> None:
        """Speak LiveKit's signalling with a client until its socket ends."""
        self._socket = socket
        others = [visit.info for visit in self._others] if self.room else [_agent()]
        if ask.reconnect:
            self.resumed += 1
            self._signal(reconnect=rtc.ReconnectResponse())
            self._signal(update=rtc.ParticipantUpdate(participants=[self.info, *others]))
        else:
            self.is_inside = True
            self._signal(join=_welcome(self.info, others))
            self._tell_others()
            for visit in self._others:
                visit.be_heard_by(self)
        with suppress(InvalidStateError):  # it was ended meanwhile
            if ask.publisher_offer.sdp:
                await self._offered(ask.publisher_offer)
            async for frame in socket:
                if frame.type == WSMsgType.BINARY:
                    await self._take(rtc.SignalRequest.FromString(frame.data))
        if self._socket is socket and not self.is_inside:
            await self.end()

    async def end(self) -> None:
        """Take everything down."""
        self.is_inside = False
        self.info.state = models.ParticipantInfo.DISCONNECTED
        self._tell_others()
        for task in self._tasks:
            task.cancel()
        await self._peer.close()
        with suppress(Exception):
            await self._socket.close()

    async def _take(self, request: rtc.SignalRequest) -> None:
        kind = request.WhichOneof("message")
        if kind == "ping_req":
            self._signal(pong_resp=rtc.Pong(last_ping_timestamp=request.ping_req.timestamp))
        elif kind == "offer":
            await self._offered(request.offer)
        elif kind == "trickle":
            await self._trickled(json.loads(request.trickle.candidateInit))
        elif kind == "add_track":
            ask, self.is_published = request.add_track, True
            self.is_muted = ask.muted
            track = _track(self.info.identity, ask.name)
            self.info.tracks.append(track)
            self._signal(track_published=rtc.TrackPublishedResponse(cid=ask.cid, track=track))
            self._tell_others()
        elif kind == "mute":
            self.is_muted = request.mute.muted
        elif kind == "leave":
            self.is_inside = False

    async def _offered(self, offer: rtc.SessionDescription) -> None:
        await self._peer.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
        for ear in self._peer.getTransceivers():
            mid = str(ear.mid)
            if self._to_hear and mid not in self._heard and mid in _ears(offer.sdp):
                self._heard[mid], voice = self._to_hear.pop(0)
                ear.sender.replaceTrack(voice)
                ear.direction = "sendonly"
        await self._peer.setLocalDescription(await self._peer.createAnswer())
        sdp = _with_names(self._peer.localDescription.sdp, self._heard)
        answer = rtc.SessionDescription(type="answer", sdp=sdp, id=offer.id)
        for mid, who in self._heard.items():
            answer.mid_to_track_id[mid] = who.tracks[0].sid
        self._signal(answer=answer)

    @property
    def is_met(self) -> bool:
        """Whether the client has come as far as to hear what is said."""
        return self._reliable is not None

    @property
    def _others(self) -> list[Visit]:
        inside = self._server.inside if self.room else []
        return [visit for visit in inside if visit.room == self.room and visit is not self]

    def _tell_others(self) -> None:
        for visit in self._others:
            visit._signal(update=rtc.ParticipantUpdate(participants=[self.info]))

    async def _trickled(self, raw: dict[str, Any]) -> None:
        self.candidates.append(raw["candidate"])
        candidate = candidate_from_sdp(raw["candidate"].partition(":")[2])
        candidate.sdpMid, candidate.sdpMLineIndex = raw["sdpMid"], raw["sdpMLineIndex"]
        await self._peer.addIceCandidate(candidate)

    def _signal(self, **response: Any) -> None:
        self._begin(self._send(rtc.SignalResponse(**response).SerializeToString()))

    async def _send(self, data: bytes) -> None:
        with suppress(ConnectionError):
            await self._socket.send_bytes(data)

    def _leave(self, request: rtc.LeaveRequest) -> None:
        self.is_inside = False
        self._signal(leave=request)

    # --- messages and voices ---------------------------------------------------------------

    def be_heard_by(self, other: Visit) -> None:
        """Let the other participant hear the microphone, once it has a place for it."""
        if self._microphone is not None:
            other._to_hear.append((self.info, self._relay.subscribe(self._microphone)))
            other._signal(media_sections_requirement=rtc.MediaSectionsRequirement(num_audios=1))

    def _channel(self, channel: Any) -> None:
        if channel.label == "_reliable":
            self._reliable = channel
            channel.on("message", self._message)
            self.info.state = models.ParticipantInfo.ACTIVE
            self._tell_others()
            if self._is_first and not self.room:
                self.say(BotReady())

    def _message(self, data: bytes) -> None:
        for visit in self._others:
            visit._reliable.send(data)
        if not self.room:
            user = models.DataPacket.FromString(data).user
            assert user.topic == "rtvi"
            self.packet_sizes.append(len(user.payload))
            raw = json.loads(user.payload)
            assert "seq" not in raw
            for answer in self._server.respond(decode_client(raw)):
                self.say(answer)

    def _track(self, track: MediaStreamTrack) -> None:
        self._microphone = track
        for visit in self._others:
            self.be_heard_by(visit)
        self._begin(self._hear(self._relay.subscribe(track)))

    async def _hear(self, track: MediaStreamTrack) -> None:
        with suppress(MediaStreamError):
            while True:
                frame: Any = await track.recv()
                if np.abs(frame.to_ndarray().astype(int)).max() > LOUD:
                    self.heard_seconds += frame.samples / frame.sample_rate

    def _begin(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Voice(MediaStreamTrack):
    """A track of silence, with a tone for as many frames as `tones` says."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.tones = 0
        self._frames = 0
        self._started = time.monotonic()

    async def recv(self) -> av.AudioFrame:
        """Return the next 20 ms, in time."""
        await asyncio.sleep(self._started + self._frames / 50 - time.monotonic())
        times = np.arange(FRAME) / RATE
        loud = 8000 * np.sin(2 * np.pi * 440 * times) if self.tones else np.zeros(FRAME)
        self.tones = max(0, self.tones - 1)
        frame = av.AudioFrame.from_ndarray(loud.astype(np.int16)[np.newaxis], layout="mono")
        frame.sample_rate, frame.time_base = RATE, fractions.Fraction(1, RATE)
        frame.pts = self._frames * FRAME
        self._frames += 1
        return frame


@asynccontextmanager
async def livekit_server(
    respond: Responder = lambda message: (),
) -> AsyncIterator[LiveKitServer]:
    """Serve on a free loopback port of this event loop."""
    server = LiveKitServer(respond)
    app = web.Application()
    app.router.add_get("/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    server.url = f"ws://{host}:{port}"
    try:
        yield server
    finally:
        for visit in server.visits:
            await visit.end()
        await runner.cleanup()


def _join_request(encoded: str) -> rtc.JoinRequest:
    """Read what the newer path carries in its query; the older has nothing of it."""
    if not encoded:
        return rtc.JoinRequest()
    wrapped = rtc.WrappedJoinRequest.FromString(
        base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    )
    raw = wrapped.join_request
    return rtc.JoinRequest.FromString(gzip.decompress(raw) if wrapped.compression else raw)


def _parts(sdp: str) -> list[str]:
    """Return a description's head, and then each of its media."""
    return re.split("(?m)^(?=m=)", sdp)


def _mid(part: str) -> str:
    found = re.search(r"(?m)^a=mid:(\S+)", part)
    return found[1] if found else ""


def _ears(sdp: str) -> list[str]:
    """Return the names of the media in which an offer is ready to hear something."""
    return [_mid(p) for p in _parts(sdp) if p.startswith("m=audio") and "a=recvonly" in p]


def _with_names(sdp: str, heard: Mapping[str, models.ParticipantInfo]) -> str:
    """Name the streams as LiveKit does: by that the client knows whose they are."""
    parts = _parts(sdp)
    for index, part in enumerate(parts):
        who = heard.get(_mid(part))
        name = f"a=msid:{who.sid}|{who.tracks[0].sid} {who.tracks[0].sid}\r\n" if who else ""
        parts[index] = re.sub(r"a=msid:.*\r\n", name, part)
    return "".join(parts)


def _room(metadata: str) -> models.Room:
    return models.Room(sid="RM_1", name="room", metadata=metadata)


def _track(identity: str, name: str) -> models.TrackInfo:
    return models.TrackInfo(
        sid=f"TR_{identity}", type=models.AUDIO, name=name, source=models.MICROPHONE
    )


def _participant(identity: str) -> models.ParticipantInfo:
    return models.ParticipantInfo(
        sid=f"PA_{identity}",
        identity=identity,
        state=models.ParticipantInfo.ACTIVE,
        permission=models.ParticipantPermission(
            can_subscribe=True, can_publish=True, can_publish_data=True
        ),
    )


def _agent() -> models.ParticipantInfo:
    agent = _participant("agent")
    agent.kind = models.ParticipantInfo.AGENT
    agent.tracks.append(_track("agent", "voice"))
    return agent


def _welcome(
    who: models.ParticipantInfo, others: Iterable[models.ParticipantInfo]
) -> rtc.JoinResponse:
    return rtc.JoinResponse(
        room=_room("an empty room"),
        participant=who,
        other_participants=others,
        ping_timeout=15,
        ping_interval=5,
        server_info=models.ServerInfo(version="1.9.0", protocol=15),
    )
