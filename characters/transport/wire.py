"""The client's end of a connection, without any I/O: shared by the WebSocket and the memory pair.

A `WireConnection` numbers and queues what goes out, checks and orders what comes in. The shell
below it only moves frames: it takes them from `outgoing`, hands in `frame_received`, and calls
`lost` when the line is gone.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Any

from characters.protocol.codec import MessageError, decode_server, encode_client, parse_object
from characters.protocol.failures import Failure, failure
from characters.protocol.link import (
    Ack,
    Arrival,
    Bye,
    LinkFrame,
    OutboxFullError,
    Ping,
    Pong,
    ReplayError,
    SequencedChannel,
    Welcome,
    decode_link,
    encode_link,
    is_link,
)
from characters.protocol.messages import BotReady, ClientMessage, ServerMessage
from characters.protocol.network_conditions import NetworkConditions
from characters.transport.base import (
    Incoming,
    Mailbox,
    TransportError,
    pack_microphone,
    unpack_voice,
)
from characters.transport.simulated import DelayQueue

__all__ = ["WireConnection"]


MAX_AUDIO = 50  # one second of 20 ms frames
MAX_HELD_BACK = 4096


class WireConnection(Mailbox[Incoming | dict[str, Any]]):
    """What `Connection` promises, over any shell that moves frames.

    A message waits in the mailbox as it came: it counts as received once it is read. A client that
    leaves in between gets it again when it rejoins.
    """

    def __init__(self, link: SequencedChannel, clock: Callable[[], float]) -> None:
        super().__init__()
        self._link = link
        self._clock = clock
        self._welcome: Welcome | None = None
        self._last_received = clock()
        self._round_trip: float | None = None
        self._outgoing: deque[str | bytes] = deque()
        self._audio_waiting = 0
        self._audio_sent = 0
        self._replay_left = 0
        self._on_the_way_out = DelayQueue[str | bytes](clock, self._enqueue, len)
        self._on_the_way_in = DelayQueue[str | bytes](clock, self._let_in, len)
        self._writable = asyncio.Event()
        self._written = asyncio.Event()

    # --- what the driver sees --------------------------------------------------------------

    @property
    def welcome(self) -> Welcome:
        """What the service said on the way in."""
        assert self._welcome is not None, "joined before the welcome"
        return self._welcome

    @property
    def last_received(self) -> float:
        """When anything at all arrived."""
        return self._last_received

    @property
    def round_trip_seconds(self) -> float | None:
        """How long the last answered ping took."""
        return self._round_trip

    async def receive(self) -> Incoming:
        """Wait for what comes next. Raises TransportError once the line is gone."""
        while True:
            item = await self.take()
            if not isinstance(item, dict):
                return item
            message = self._open(item)
            if message is not None:
                return message

    def send(self, message: ClientMessage) -> None:
        """Queue a message. Raises TransportError(transport.overflow)."""
        try:
            frame = self._link.wrap(encode_client(message))
        except OutboxFullError as problem:
            raise TransportError(failure("transport.overflow", str(problem))) from None
        self._queue(frame)

    def send_audio(self, pcm: bytes, timestamp: float) -> None:
        """Queue microphone audio; the oldest goes when too much waits."""
        if self._failure is not None:
            return
        self._audio_sent += 1
        frame = pack_microphone(self._audio_sent, timestamp, pcm)
        if self._on_the_way_out.is_taken:
            self._on_the_way_out.put(frame)
            self._on_the_way_out.thin(bytes, MAX_AUDIO)
        else:
            self._enqueue(frame)

    def ping(self) -> None:
        """Ask for a sign of life."""
        self._queue_link(Ping(self._clock()))

    def set_weather(self, weather: NetworkConditions) -> None:
        """Let frames be late, slow or swallowed from now on, or calm."""
        self._on_the_way_out.set_weather(weather)
        self._on_the_way_in.set_weather(weather)

    # --- what the shell does ---------------------------------------------------------------

    def enter(self, welcome: Welcome) -> None:
        """Take the welcome; what the service missed is queued. Raises TransportError."""
        try:
            missed = self._link.enter(welcome)
        except ReplayError as problem:
            raise TransportError(failure("connection.room_gone", str(problem))) from None
        self._welcome = welcome
        self._replay_left = welcome.replayed
        for frame in missed:
            self._queue(frame)

    async def outgoing(self) -> str | bytes | None:
        """Wait for the next frame to write; None when the line is gone."""
        while not self._outgoing:
            if self._failure is not None:
                return None
            if not self._on_the_way_out:
                self._written.set()
            self._writable.clear()
            await self._writable.wait()
        item = self._outgoing.popleft()
        if isinstance(item, bytes):
            self._audio_waiting -= 1
        return item

    async def flushed(self) -> None:
        """Wait until everything queued is written, or the line is gone."""
        if (self._outgoing or self._on_the_way_out) and self._failure is None:
            self._written.clear()
            await self._written.wait()

    def queue_bye(self) -> None:
        """Queue the goodbye of a deliberate disconnect."""
        self._queue_link(Bye("disconnect"))

    def frame_received(self, data: str | bytes) -> None:
        """Take a frame from the line; one that breaks the protocol ends the connection."""
        if self._failure is not None:
            return  # Not confirmed either, so that a rejoin repeats it.
        if not self._on_the_way_in.is_taken:
            self._let_in(data)
        elif len(self._on_the_way_in) >= MAX_HELD_BACK:
            self.lost(failure("transport.overflow", "nothing is let through"))
        else:
            self._on_the_way_in.put(data)

    def _let_in(self, data: str | bytes) -> None:
        self._last_received = self._clock()
        try:
            if isinstance(data, bytes):
                self.arrived(unpack_voice(data))
            else:
                self._take(parse_object(data))
        except (MessageError, ValueError, ReplayError) as problem:
            self.lost(failure("transport.protocol", str(problem)))

    def lost(self, why: Failure) -> None:
        """End the connection; what arrived before can still be received."""
        if not self.is_lost:
            super().lost(why)
            self._outgoing.clear()
            self._on_the_way_out.clear()
            self._on_the_way_in.clear()
            self._audio_waiting = 0
            self._writable.set()
            self._written.set()

    # --- inside ----------------------------------------------------------------------------

    def _take(self, raw: dict[str, Any]) -> None:
        if is_link(raw):
            self._take_link(decode_link(raw))
        else:
            self.arrived(raw)

    def _open(self, raw: dict[str, Any]) -> ServerMessage | None:
        """Count a message and return it; None for one that is not to be delivered."""
        try:
            arrival = self._link.accept(raw)
            if arrival is Arrival.GAP:
                raise MessageError("validation-error", "a message of the service is missing")
            message = decode_server(raw) if arrival is Arrival.DELIVER else None
        except (MessageError, ValueError) as problem:
            self._incoming.clear()
            self.lost(failure("transport.protocol", str(problem)))
            return None
        self._confirm(now=False)
        return None if message is None or self._is_old_ready(message) else message

    def _is_old_ready(self, message: ServerMessage) -> bool:
        """A ready of an earlier connection must not be taken for the one that ends the replay."""
        is_replay, self._replay_left = self._replay_left > 0, max(0, self._replay_left - 1)
        return is_replay and isinstance(message, BotReady)

    def _take_link(self, frame: LinkFrame) -> None:
        if isinstance(frame, Ack):
            self._link.outbox.acknowledged(frame.received)
        elif isinstance(frame, Ping):
            self._queue_link(Pong(frame.t))
            self._confirm(now=True)
        elif isinstance(frame, Pong):
            self._round_trip = max(0.0, self._clock() - frame.t)
            self._confirm(now=True)
        elif isinstance(frame, Bye):
            self.arrived(frame)
            self.lost(failure("session.ended", "the service ended the connection"))

    def _confirm(self, *, now: bool) -> None:
        ack = self._link.ack(now=now)
        if ack is not None:
            self._queue_link(ack)

    def _queue_link(self, frame: LinkFrame) -> None:
        self._queue(encode_link(frame))

    def _queue(self, frame: dict[str, Any]) -> None:
        if self._failure is not None:
            return
        data = json.dumps(frame, separators=(",", ":"))
        if self._on_the_way_out.is_taken:
            self._on_the_way_out.put(data)
        else:
            self._enqueue(data)

    def _enqueue(self, data: str | bytes) -> None:
        """Queue a frame for the shell to write; of audio the oldest goes when too much waits."""
        if isinstance(data, bytes):
            if self._audio_waiting >= MAX_AUDIO:
                oldest = next(item for item in self._outgoing if isinstance(item, bytes))
                self._outgoing.remove(oldest)
                self._audio_waiting -= 1
            self._audio_waiting += 1
        self._outgoing.append(data)
        self._writable.set()
