"""A room's connection to its client: numbered messages over one WebSocket at a time.

* `ClientSocket`: one accepted WebSocket; a bounded queue out, frames in.
* `RoomConnection`: the room's end. It outlives its sockets: what a client missed is repeated.
* `ConnectionHandler`: one socket in a room: hello, welcome, then frames until one side ends it.

A client that reads too slowly loses voice first (the oldest), and its connection when more than
`MAX_WAITING` frames wait or one takes longer than `SEND_SECONDS`: its room lives on, and what it
missed is repeated when it comes back.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol, TypeAlias, TypeVar

from aiohttp import WSMessage, WSMsgType, web

from characters.agents.agent import let_others_go_on
from characters.protocol import link
from characters.protocol.audio_frames import pack_voice, unpack_microphone
from characters.protocol.codec import (
    MessageError,
    decode_client,
    encode_server,
    parse_object,
    shorten_id,
)
from characters.protocol.link import SequencedChannel
from characters.protocol.messages import BotTurnCompleted, ClientMessage, ServerMessage
from characters.service.registry import Room

__all__ = [
    "ClientSocket", "ConnectionHandler", "FairLoop", "Pace", "RoomConnection", "RoomEvents",
]  # fmt: skip


log = logging.getLogger(__name__)

T = TypeVar("T")
D = TypeVar("D", bytes, str)

MAX_WAITING = 2048
MAX_WAITING_TEXT = 2 << 20  # characters
MAX_VOICE = 100
# What one client is read of, in frames, characters of text and bytes of audio, each a second and
# at once. A microphone has 50 frames and 32,000 bytes a second; a rejoin repeats up to 1,024
# messages. A client that sends more waits, and nobody else does.
FRAMES, TEXT, AUDIO = (400, 1_500), (256_000, 2_000_000), (40_000, 96_000)
# Messages that a room repeats to clients that come back, a second and at once: four full rooms.
REPEATS = (500, 4 * link.DEFAULT_LIMIT)
SEND_SECONDS = 10.0
LARGE = 2_000  # characters or bytes of a frame that takes a while
# The same of a request: it has its turn, and is read in it in 2 ms at most. Two hand-overs of the
# interpreter, to the thread and back, cost the loop as much where a core is busy.
LARGE_BODY = 6_000
AT_ONCE = 16  # frames that are written before others take a turn


class ClientSocket:
    """One accepted WebSocket; `run` writes until the end. `dropped` is told what did not fit."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        dropped: Callable[[str], object] = str,
    ) -> None:
        self._dropped = dropped
        self._socket = socket
        self._transport = transport
        self._queue = link.FrameQueue(MAX_VOICE)
        self._voice_sent = 0
        self._wake = asyncio.Event()
        self._is_ended = False

    def send(self, frame: Mapping[str, Any]) -> None:
        """Queue a JSON frame."""
        self.send_text(link.frame_text(frame, link.MAX_OUTBOX))

    def repeat(self, frame: Mapping[str, Any]) -> None:
        """Queue a message that was sent before: it is encoded as it is written.

        A client that comes back has up to a thousand at once, and may come back again and again.
        """
        if not self._is_ended:
            self._queue.put(frame)
            self._wake.set()

    def send_text(self, text: str) -> None:
        """Queue the text of a JSON frame."""
        if self._is_ended:
            return
        self._queue.put(text)
        self._wake.set()
        if len(self._queue) > MAX_WAITING or self._queue.text_size > MAX_WAITING_TEXT:
            log.warning("a client reads too slowly: %d frames wait; dropped", len(self._queue))
            self._dropped("client")
            self.abort()

    def send_link(self, frame: link.LinkFrame) -> None:
        """Queue a frame about the connection."""
        self.send(link.encode_link(frame))

    def send_voice(self, pcm: bytes, timestamp: float, sample_rate: int) -> None:
        """Queue a piece of voice; the oldest goes when too much waits."""
        if self._is_ended:
            return
        self._voice_sent += 1
        if self._queue.put(pack_voice(self._voice_sent, timestamp, pcm, sample_rate)):
            self._dropped("voice")
        self._wake.set()

    def drop_voice(self) -> None:
        """Drop the voice that still waits."""
        self._queue.drop_audio()

    def bye(self, reason: str, retry_after: float | None = None) -> None:
        """Say goodbye after all that waits, then close."""
        if not self._is_ended:
            self.send_link(link.Bye(reason, retry_after))
            self.close()

    def close(self) -> None:
        """Close after what waits; idempotent."""
        self._is_ended = True
        self._wake.set()

    def abort(self) -> None:
        """Drop the connection at once."""
        self._queue.clear()
        self.close()
        if self._transport is not None:
            self._transport.abort()

    async def receive(self, within: float, pace: Callable[[WSMessage], float]) -> WSMessage:
        """Wait for the next frame. Raises TimeoutError.

        `pace` returns how long to wait after a frame before the next one is read.
        """
        async with asyncio.timeout(within):
            while True:
                frame = await self._socket.receive()
                if frame.type not in (WSMsgType.PING, WSMsgType.PONG):
                    return frame
                if frame.type is WSMsgType.PING:
                    await self._socket.pong(frame.data)
                await asyncio.sleep(pace(frame))

    async def run(self) -> None:
        """Write what is queued, until the end; returns when the connection is closed."""
        try:
            await self._write_all()
            while not self._is_ended:
                await self._wake.wait()
                self._wake.clear()
                await self._write_all()
            async with asyncio.timeout(SEND_SECONDS):
                await self._socket.close()
        except (ConnectionError, TimeoutError, RuntimeError):
            # RuntimeError: aiohttp was closing the socket already.
            self.abort()
        finally:
            with suppress(RuntimeError):
                self._queue.clear()

    async def _write_all(self) -> None:
        written = 0
        while self._queue:
            frame, written = self._queue.pop(), written + 1
            if not written % AT_ONCE:
                await asyncio.sleep(0)  # a write that need not wait lets nobody else go on
            async with asyncio.timeout(SEND_SECONDS):
                if isinstance(frame, bytes):
                    await self._socket.send_bytes(frame)
                else:
                    await self._socket.send_str(frame)


class Pace:
    """How fast a client is read: `per_second` in the long run, `burst` at once. Pure."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._ahead = burst / per_second
        self._paid_until = -math.inf

    def take(self, amount: float, now: float) -> float:
        """Take an amount; return how many seconds to wait before more is taken."""
        self._paid_until = max(self._paid_until, now) + amount / self._per_second
        return self.wait(0, now)

    def wait(self, amount: float, now: float) -> float:
        """Return how many seconds to wait until so much may be taken."""
        due = max(self._paid_until, now) + amount / self._per_second
        return max(0.0, due - now - self._ahead)


class FairLoop:
    """Shares an event loop: one piece of work at a time, in the order of asking.

    What came in is served between any two of them, however many wait. What is large is done beside
    the loop, in one thread.
    """

    def __init__(self) -> None:
        self._beside = ThreadPoolExecutor(1, "large")

    async def turn(self) -> None:
        """Return when it is this one's turn."""
        await let_others_go_on()

    async def read(self, work: Callable[[D], T], data: D, large: int = LARGE) -> T:
        """Return what comes of reading `data`: beside the loop and in its turn if that is large."""
        if len(data) <= large:
            return work(data)
        found = await asyncio.get_running_loop().run_in_executor(self._beside, work, data)
        await self.turn()  # what is read is work, and several may have been read since the last
        return found

    def close(self) -> None:
        """Let the thread end."""
        self._beside.shutdown(wait=False, cancel_futures=True)


class RoomEvents(Protocol):
    """What a connection reports to its room."""

    def connected(self) -> None:
        """A client is in the room, and what it missed is on its way."""

    def disconnected(self, *, for_good: bool) -> None:
        """The client is gone, with a goodbye if `for_good`."""

    def take(self, message: ClientMessage) -> None:
        """A message came, for the first time and in its order."""

    def reject(self, problem: MessageError) -> None:
        """Something came that is no usable message."""

    def hear(self, pcm: bytes, timestamp: float) -> None:
        """A microphone frame came, 16 kHz mono int16."""

    def answers_received(self) -> None:
        """The client has confirmed the end of a turn."""

    def end(self, reason: str) -> None:
        """The room cannot go on."""


class RoomConnection:
    """Numbers a room's messages and sends them to its client; `socket` is None without one.

    `retry_over` returns over how many seconds clients come back if the service dies.
    """

    def __init__(
        self, room: Room, events: RoomEvents, retry_over: Callable[[], float | None] = lambda: None
    ) -> None:
        self._retry_over = retry_over
        self.room = room
        self.events = events
        self.channel = SequencedChannel(room.name)
        self.socket: ClientSocket | None = None
        self.repeats = Pace(*REPEATS)
        self._was_entered = self._is_over = False
        self._turns: deque[tuple[int, str]] = deque()  # number of a completed turn, what it answers

    def enter(self, socket: ClientSocket, received: int) -> None:
        """Welcome a client that has `received` so many messages, and repeat what it missed.

        Raises ReplayError when that is gone.
        """
        missed, room = self.channel.missed(received), self.room
        following = self.channel.confirmed + 1
        resumed = "rejoined" if self._was_entered else room.resumed
        got, away = self.channel.received, room.last_seen_seconds
        socket.send_link(
            link.Welcome(got, len(missed), following, resumed, away, room.agent, self._retry_over())
        )
        self.socket, self._was_entered = socket, True
        for frame in missed:
            socket.repeat(frame)
        self.events.connected()

    def leave(self, socket: ClientSocket, *, for_good: bool) -> None:
        """Note the end of a connection; one that was replaced before is ignored."""
        if self.socket is socket:
            self.socket = None
            self.events.disconnected(for_good=for_good)

    def send(self, message: ServerMessage) -> None:
        """Send now, or when a client is there; a room whose client confirms nothing ends."""
        body = encode_server(message)
        text = link.frame_text(body, link.MAX_OUTBOX)
        try:
            frame = self.channel.number(body, len(text))
        except link.OutboxFullError:
            self._end_overflowing()
            return
        if isinstance(message, BotTurnCompleted) and message.message_id is not None:
            self._turns.append((frame["seq"], message.message_id))
        if self.socket is not None:
            self.socket.send_text(link.numbered_text(text, frame["seq"]))

    def _end_overflowing(self) -> None:
        if not self._is_over:
            log.warning("room %s: the client confirms nothing; it ends", shorten_id(self.room.name))
            self._is_over = True
            self.events.end("overflow")

    def send_if_connected(self, message: ServerMessage) -> None:
        """Send what is not worth repeating, such as visemes."""
        if self.socket is not None:
            self.send(message)

    def send_voice(self, pcm: bytes, timestamp: float, sample_rate: int) -> None:
        """Send a piece of voice to a client that is there."""
        if self.socket is not None:
            self.socket.send_voice(pcm, timestamp, sample_rate)

    def drop_voice(self) -> None:
        """Drop the voice that still waits."""
        if self.socket is not None:
            self.socket.drop_voice()

    def bye(self, reason: str, retry_after: float | None = None) -> None:
        """Send the client away."""
        if self.socket is not None:
            self.socket.bye(reason, retry_after)
            self.socket = None

    def acknowledged(self, received: int) -> None:
        """Note how many messages the client has."""
        with suppress(link.ReplayError):  # more than was sent confirms nothing
            self.channel.acknowledged(received)
        if self._has_answers:
            self.events.answers_received()

    @property
    def _has_answers(self) -> bool:
        return bool(self._turns) and self._turns[0][0] <= self.channel.confirmed

    def take_answered(self) -> tuple[str, ...]:
        """Return the ids of the lines whose answers the client has confirmed, each once."""
        answered = []
        while self._has_answers:
            answered.append(self._turns.popleft()[1])
        return tuple(answered)


class ConnectionHandler:
    """One accepted connection, from its hello to its end; a client is read at a bounded `Pace`.

    `alive` is called with each frame that comes in; large ones are taken one at a time of all
    connections that share the `loop`, and beside it. The client has to say hello within
    `hello_within` seconds, and is dropped after `silent_client` seconds without a frame.
    """

    def __init__(
        self,
        connection: RoomConnection,
        socket: ClientSocket,
        live_id: str,
        *,
        alive: Callable[[], object],
        now: Callable[[], float],
        loop: FairLoop,
        hello_within: float,
        silent_client: float,
    ) -> None:
        self._connection = connection
        self._channel = connection.channel
        self._room = connection.room
        self._socket = socket
        self._live_id = live_id
        self._alive = alive
        self._now = now
        self._loop = loop
        self._frames, self._text, self._audio = Pace(*FRAMES), Pace(*TEXT), Pace(*AUDIO)
        self._hello_within = hello_within
        self._silent_client = silent_client
        self._audio_frames = 0
        self._earliest_audio = math.inf
        self._is_for_good = False

    async def run(self) -> None:
        """Serve the connection; it is closed when this returns."""
        writer = asyncio.create_task(self._socket.run())
        try:
            if await self._greet():
                await self._read()
        except TimeoutError:
            log.info("room %s: the client is silent; dropped", shorten_id(self._room.name))
            self._socket.abort()
        finally:
            self._connection.leave(self._socket, for_good=self._is_for_good)
            log.info(
                "room %s: connection ended, %d audio frames, the earliest at %s",
                shorten_id(self._room.name),
                self._audio_frames,
                f"{self._earliest_audio:.3f} s" if self._audio_frames else "-",
            )
            self._socket.close()
            await writer

    async def _greet(self) -> bool:
        """Take the hello; return whether the client is in the room."""
        frame = await self._socket.receive(self._hello_within, self._wait)
        hello = None
        with suppress(MessageError):
            if frame.type is WSMsgType.TEXT:
                hello = link.decode_link(await self._loop.read(parse_object, frame.data))
        if not isinstance(hello, link.Hello):
            self._socket.bye("protocol")
            return False
        many = len(self._channel.unconfirmed)
        await asyncio.sleep(self._connection.repeats.take(many, self._now()))
        if self._room.live_id != self._live_id:  # it came back once more meanwhile
            return False
        try:
            self._connection.enter(self._socket, hello.received)
        except link.ReplayError:
            # What the client missed is gone: only a new room helps; the session is untouched.
            self._socket.bye("room-gone")
            self._connection.events.end("room-gone")
            return False
        return True

    async def _read(self) -> None:
        while True:
            frame = await self._socket.receive(self._silent_client, self._wait)
            if frame.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            if not await self._take(frame):
                return
            # Without a wait too the others take a turn: what has come already is read at once.
            await asyncio.sleep(self._wait(frame))

    def _wait(self, frame: WSMessage) -> float:
        now, size = self._now(), len(frame.data)
        kind = self._audio if frame.type is WSMsgType.BINARY else self._text
        return max(self._frames.take(1, now), kind.take(size, now))

    async def _take(self, frame: WSMessage) -> bool:
        """Take one frame; return whether the connection goes on."""
        is_audio = frame.type is WSMsgType.BINARY
        if is_audio and len(frame.data) > LARGE:
            await self._loop.turn()
        raw, message = ({}, None) if is_audio else await self._loop.read(_read_text, frame.data)
        if self._room.live_id != self._live_id:
            return False
        self._alive()
        try:
            if is_audio:
                self._take_audio(frame.data)
                return True
            return self._take_text(raw, message)
        except MessageError as problem:
            self._connection.events.reject(problem)
        self._confirm(now=False)
        return True

    def _take_text(self, raw: dict[str, Any], message: ReadMessage) -> bool:
        if message is None:
            return self._take_link(raw)
        # A message without a number is taken as it comes, for clients that never rejoin.
        arrival = self._channel.accept(raw) if "seq" in raw else link.Arrival.DELIVER
        if arrival is link.Arrival.GAP:
            self._socket.bye("protocol")
            return False
        if arrival is link.Arrival.DELIVER:
            if isinstance(message, MessageError):
                raise message
            self._connection.events.take(message)
        self._confirm(now=False)
        return True

    def _take_link(self, raw: dict[str, object]) -> bool:
        frame = link.decode_link(raw)
        if isinstance(frame, link.Bye):
            self._is_for_good = True
            return False
        if isinstance(frame, link.Ping):
            self._socket.send_link(link.Pong(frame.t))
            self._confirm(now=True)
        if isinstance(frame, link.Ack):
            self._connection.acknowledged(frame.received)
        return True

    def _confirm(self, *, now: bool) -> None:
        ack = self._channel.ack(now=now)
        if ack is not None:
            self._socket.send_link(ack)

    def _take_audio(self, data: bytes) -> None:
        pcm, timestamp = unpack_microphone(data)
        self._audio_frames += 1
        self._earliest_audio = min(self._earliest_audio, timestamp)
        self._connection.events.hear(pcm, timestamp)


ReadMessage: TypeAlias = ClientMessage | MessageError | None


def _read_text(text: str) -> tuple[dict[str, Any], ReadMessage]:
    """Return the object in a frame and the message, or why there is none; None: it is link's."""
    raw: dict[str, Any] = {}
    try:
        raw = parse_object(text)
        return raw, None if raw.get("label") == link.LINK_LABEL else decode_client(raw)
    except MessageError as problem:
        return raw, problem
