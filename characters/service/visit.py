"""One connection's stay in a room: hello, welcome, then frames until one side has enough."""

from __future__ import annotations

import asyncio
import logging
import math

import msgpack
from aiohttp import WSMessage, WSMsgType

from characters.core.delivery import ReplayError
from characters.core.link import Ack, Bye, Hello, Ping, Pong, Welcome, decode_link, is_link
from characters.core.messages import MessageError, parse_object
from characters.service.live_room import LiveRoom, short
from characters.service.peer import Peer
from characters.service.rooms import Room
from characters.service.service import Service

__all__ = ["Visit"]

log = logging.getLogger(__name__)

MICROPHONE = 1
MAX_PCM = 8192  # a quarter of a second at 16 kHz


class Visit:
    """One accepted connection, from its hello to its end."""

    def __init__(
        self, service: Service, live: LiveRoom, room: Room, live_id: str, peer: Peer
    ) -> None:
        self._service = service
        self._live = live
        self._room = room
        self._live_id = live_id
        self._peer = peer
        self._audio_frames = 0
        self._earliest_audio: float | None = None
        self._said_goodbye = False

    async def run(self) -> None:
        """Stay until the connection ends; it is given back when this returns."""
        writer = asyncio.create_task(self._peer.run())
        try:
            if await self._greet():
                await self._read()
        except TimeoutError:
            log.info("room %s: the client is silent; dropped", short(self._room.name))
            self._peer.abort()
        finally:
            self._live.left(self._peer, for_good=self._said_goodbye)
            log.info(
                "room %s: connection ended, %d audio frames, the earliest at %s",
                short(self._room.name),
                self._audio_frames,
                "-" if self._earliest_audio is None else f"{self._earliest_audio:.3f} s",
            )
            if not self._peer.is_saying_goodbye:
                self._peer.close()
            await writer

    async def _greet(self) -> bool:
        raw = await self._peer.receive(self._service.settings.hello_within)
        try:
            hello = decode_link(parse_object(raw.data)) if raw.type is WSMsgType.TEXT else None
        except MessageError:
            hello = None
        if not isinstance(hello, Hello):
            self._peer.bye("protocol")
            return False
        try:
            missed = self._live.link.missed(hello.received)
        except ReplayError:
            # What it missed is gone: only a new room helps, and the session is untouched.
            self._peer.bye("room-gone")
            self._live.end("room-gone")
            return False
        self._peer.link(self._welcome(len(missed)))
        self._live.welcome(self._peer, missed)
        return True

    def _welcome(self, replayed: int) -> Welcome:
        link, room = self._live.link, self._room
        resumed = "rejoined" if self._live.was_entered else room.resumed
        next_seq = link.outbox.confirmed + 1
        return Welcome(link.inbox.received, replayed, next_seq, resumed, room.last_seen_seconds)

    async def _read(self) -> None:
        silent = self._service.settings.silent_client
        while True:
            frame = await self._peer.receive(silent)
            if frame.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            if self._room.live_id != self._live_id:
                return
            self._service.registry.heard(self._room, self._service.now())
            if not self._take(frame):
                return

    def _take(self, frame: WSMessage) -> bool:
        try:
            if frame.type is WSMsgType.BINARY:
                self._audio(frame.data)
                return True
            raw = parse_object(frame.data)
            if is_link(raw):
                return self._link(raw)
        except MessageError as problem:
            self._live.refuse(problem)
            return True
        if not self._live.take(raw):
            self._peer.bye("protocol")
            return False
        self._confirm(now=False)
        return True

    def _link(self, raw: dict[str, object]) -> bool:
        frame = decode_link(raw)
        if isinstance(frame, Bye):
            self._said_goodbye = True
            return False
        if isinstance(frame, Ping):
            self._peer.link(Pong(frame.t))
            self._confirm(now=True)
        if isinstance(frame, Ack):
            self._live.confirmed(frame.received)
        return True

    def _confirm(self, *, now: bool) -> None:
        ack = self._live.link.ack(now=now)
        if ack is not None:
            self._peer.link(ack)

    def _audio(self, data: bytes) -> None:
        try:
            # Its size is bounded: the socket takes no message above MAX_FRAME.
            kind, _, timestamp, pcm = msgpack.unpackb(data)
            timestamp = float(timestamp)
        except Exception:
            raise MessageError("parse-error", "Failed to parse audio frame") from None
        usable = isinstance(pcm, bytes) and len(pcm) % 2 == 0 and len(pcm) <= MAX_PCM
        if kind != MICROPHONE or not usable or not math.isfinite(timestamp):
            raise MessageError("validation-error", "Malformed audio frame")
        self._audio_frames += 1
        if self._earliest_audio is None or timestamp < self._earliest_audio:
            self._earliest_audio = timestamp
        self._live.hear(pcm, timestamp)
