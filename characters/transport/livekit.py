"""A LiveKit room, as Convai's cloud has it: voices are audio tracks, messages have topic `rtvi`.

LiveKit numbers nothing that could be asked for again: what the far end sent while we were away is
gone, and only the ids of the grant tell what was resumed. What we send is kept until LiveKit has
taken it. LiveKit watches the connection and mends it by itself, in three seconds at the least:
while it does, only what still arrives is a sign of life, so that the session's heartbeat decides
for how long it may. An agent that leaves is a loss: LiveKit keeps the room, and nobody is in it.
"""

from __future__ import annotations

import asyncio
import atexit
import importlib
import json
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cache
from typing import Any, TypeAlias

import numpy as np

from characters.protocol.audio_frames import AudioFrame
from characters.protocol.codec import MessageError, decode_server, encode_client, parse_object
from characters.protocol.failures import Failure, failure
from characters.protocol.link import Bye, OutboxFullError, SequencedChannel, Welcome, frame_text
from characters.protocol.messages import ClientMessage, RoomGrant
from characters.protocol.network_conditions import NetworkConditions
from characters.transport.base import Incoming, TransportError
from characters.transport.simulated import DelayQueue
from characters.transport.wire import MAX_INCOMING

__all__ = ["LiveKitConnection", "LiveKitRooms", "load_sdk"]


TOPIC = "rtvi"
CLOSE_SECONDS = 1.0
MICROPHONE_RATE = 16_000
VOICE_RATE = 24_000
MAX_AUDIO = 10  # frames of 20 ms that wait for LiveKit's own queue, which is as long
QUEUE_MS = 200  # a longer one would stay full, as a delay, for the rest of the talk
CONNECT_SECONDS = 5.0
SETTLE_SECONDS = 0.1
ABSENCE_SECONDS = 0.5  # LiveKit reports everybody as gone when it makes a connection anew
MAX_HELD_BACK = 4096
MAX_PACKET = 15_000  # bytes: LiveKit's documented limit for a reliable data packet is 15 KiB
# A track never stops: what is quieter than this for so long is the pause between two answers.
SILENCE_PEAK = 64
SILENCE_SECONDS = 0.3

Outgoing: TypeAlias = bytes | dict[str, Any]
"""A frame of the microphone, or a numbered message."""

log = logging.getLogger(__name__)


def load_sdk(name: str = "livekit.rtc") -> Any:
    """Return the module of the package. Raises TransportError when it is not installed."""
    try:
        sdk = importlib.import_module(name)
    except ImportError as error:
        raise TransportError(failure("transport.livekit_missing")) from error
    _settle_at_exit()
    return sdk


@cache  # once
def _settle_at_exit() -> None:
    """Leave calls of LiveKit's threads into Python a moment to return before that ends.

    A thread that wants the interpreter later is ended amid Rust, which aborts the process. LiveKit
    has an exit handler that lets no more calls begin; registered with its first room, after this
    one, it runs before.
    """
    atexit.register(time.sleep, SETTLE_SECONDS)


async def _nothing_to_tell() -> None:
    """Tell nobody that a room was left."""


class LiveKitRooms:
    """Enters LiveKit rooms; `sdk` gives the module `livekit.rtc` when the first one is entered.

    With `relay_only` voices go through the server's relays alone, as Convai's web client has it:
    where a firewall lets nothing else through, that saves the time of trying.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        sdk: Callable[[], Any] = load_sdk,
        *,
        relay_only: bool = False,
    ) -> None:
        self._clock = clock
        self._sdk = sdk
        self._relay_only = relay_only
        self._connections: list[LiveKitConnection] = []

    async def join(
        self,
        grant: RoomGrant,
        channel: SequencedChannel,
        tell_left: Callable[[], Awaitable[None]] = _nothing_to_tell,
    ) -> LiveKitConnection:
        """Enter the granted room; `tell_left` is called when it is left. Raises TransportError."""
        sdk = self._sdk()
        self._connections = [each for each in self._connections if not each.is_lost]
        connection = LiveKitConnection(sdk, sdk.Room(), channel, self._clock, tell_left)
        self._connections.append(connection)
        try:
            await connection.enter(grant, self._options(sdk))
        except BaseException as error:  # also when the session gave up waiting: the room is left
            connection.abort()
            if not isinstance(error, sdk.ConnectError):
                raise
            raise TransportError(_connect_failure(str(error))) from error
        return connection

    def _options(self, sdk: Any) -> Any:
        if not self._relay_only:
            return sdk.RoomOptions(connect_timeout=CONNECT_SECONDS)
        relay = sdk.RtcConfiguration(ice_transport_type=sdk.IceTransportType.TRANSPORT_RELAY)
        return sdk.RoomOptions(connect_timeout=CONNECT_SECONDS, rtc_config=relay)

    async def close(self) -> None:
        """Leave every room."""
        for connection in self._connections:
            connection.abort()
        await asyncio.gather(*(each.left() for each in self._connections))
        self._connections = []


class LiveKitConnection:
    """What `Connection` promises, over one LiveKit room."""

    def __init__(
        self,
        sdk: Any,
        room: Any,
        channel: SequencedChannel,
        clock: Callable[[], float],
        tell_left: Callable[[], Awaitable[None]] = _nothing_to_tell,
    ) -> None:
        self._sdk = sdk
        self._tell_left = tell_left
        self._room = room
        self._channel = channel
        self._clock = clock
        self._round_trip: float | None = None
        self._arrived_before = 0  # bytes and checks, by LiveKit's figures
        self._last_received = clock()
        self._outgoing = deque(channel.unconfirmed)
        self._microphone: deque[bytes] = deque(maxlen=MAX_AUDIO)
        self._voices = 0
        self._outbound = DelayQueue[Outgoing](clock, self._enqueue, _size)
        self._inbound = DelayQueue[Any](clock, self._let_in, _size)
        self._writable, self._written = asyncio.Event(), asyncio.Event()
        self._heard = asyncio.Event()
        self._incoming: deque[Incoming] = deque()
        self._failure: Failure | None = None
        self._readable = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._connecting: asyncio.Task[None] | None = None
        self.is_mending = False  # by LiveKit itself
        self._mended = asyncio.Event()
        self._leaving: asyncio.Task[None] | None = None

    @property
    def welcome(self) -> Welcome:
        """LiveKit says nothing of what was restored: the ids of the grant do."""
        return Welcome(self._channel.confirmed, resumed="")

    @property
    def last_received(self) -> float:
        """When anything arrived, or LiveKit last said that the room is connected."""
        return self._last_received

    @property
    def round_trip_seconds(self) -> float | None:
        """How long the way there and back took by LiveKit's own figures, and the fault's."""
        if self._round_trip is None:
            return None
        return self._round_trip + 2 * self._outbound.conditions.delay_seconds

    @property
    def is_lost(self) -> bool:
        """Whether the connection has ended."""
        return self._failure is not None

    async def receive(self) -> Incoming:
        """Wait for what comes next. Raises TransportError once the room is left."""
        while not self._incoming:
            if self._failure is not None:
                raise TransportError(self._failure)
            self._readable.clear()
            await self._readable.wait()
        return self._incoming.popleft()

    async def enter(self, grant: RoomGrant, options: Any) -> None:
        """Connect and begin to listen and to write. Raises the package's ConnectError."""
        self._room.on("data_received", self._take)
        self._room.on("track_subscribed", self._listen)
        self._room.on("disconnected", self._disconnected)
        self._room.on("reconnecting", self._reconnecting)
        self._room.on("reconnected", self._reconnected)
        self._room.on("participant_disconnected", self._somebody_left)
        # A task of its own: the native half of a connect that is given up goes on, and whoever
        # got in by it has to be taken out again.
        connect = self._room.connect(grant.room_url, grant.token, options)
        self._connecting = asyncio.create_task(connect)
        await asyncio.shield(self._connecting)
        self._last_received = self._clock()
        self._begin(self._write())
        self._begin(self._speak())

    def send(self, message: ClientMessage) -> None:
        """Queue a message. Raises MessageError above `MAX_PACKET`, TransportError."""
        body = encode_client(message)
        size = len(frame_text(body, MAX_PACKET))
        try:
            frame = self._channel.number(body, size)
        except OutboxFullError as problem:
            raise TransportError(failure("transport.overflow", str(problem))) from None
        self._go_out(frame)

    def send_audio(self, pcm: bytes, timestamp: float) -> None:
        """Queue microphone audio; a track has its own times, so `timestamp` stays here."""
        self._go_out(pcm)
        self._outbound.thin(bytes, MAX_AUDIO)

    def ping(self) -> None:
        """Take LiveKit's word that the room is connected, and its figure for the round trip."""
        if self._is_swallowed or not self._room.isconnected():
            return
        if not self.is_mending:
            self._last_received = self._clock()
        self._begin(self._measure())

    def set_conditions(self, conditions: NetworkConditions) -> None:
        """Let what goes out and comes in be late, slow or swallowed; no voice outlives a hole."""
        self._outbound.set_conditions(conditions)
        self._inbound.set_conditions(conditions)

    def abort(self) -> None:
        """Leave at once, without waiting for the far end."""
        self._end(failure("transport.signal_disconnected", "aborted here"))

    async def close(self) -> None:
        """Send what is queued and leave, within about three `CLOSE_SECONDS`."""
        if (self._outgoing or self._outbound) and not self.is_lost:
            self._written.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._written.wait(), CLOSE_SECONDS)
        self._end(failure("session.ended", "closed here"))
        await self.left()

    async def left(self) -> None:
        """Wait until the room is left, within two `CLOSE_SECONDS`."""
        if self._leaving is not None:
            await asyncio.wait((self._leaving,), timeout=2 * CLOSE_SECONDS)

    # --- what comes in ---------------------------------------------------------------------

    def _take(self, packet: Any) -> None:
        if packet.topic not in (TOPIC, "", None) or self.is_lost:
            return
        self._come_in(packet)

    def _come_in(self, item: Any) -> None:
        if not self._inbound.is_taken:
            self._let_in(item)
        elif len(self._inbound) < MAX_HELD_BACK:
            self._inbound.put(item)

    def _let_in(self, packet: Any) -> None:
        self._last_received = self._clock()
        if isinstance(packet, AudioFrame):
            self._arrived(packet)
            return
        try:
            self._arrived(decode_server(parse_object(packet.data.decode("utf-8"))))
        except (MessageError, UnicodeDecodeError) as problem:
            # Others may speak on the same topic, so this costs the message and not the talk.
            log.warning("A message of %d bytes was not understood: %s", len(packet.data), problem)

    def _arrived(self, item: Incoming) -> None:
        if len(self._incoming) >= MAX_INCOMING:
            self._end(failure("transport.overflow", "the game does not take what arrives"))
        elif self._failure is None:
            self._incoming.append(item)
            self._readable.set()

    def _listen(self, track: Any, publication: Any, participant: Any) -> None:
        if track.kind == self._sdk.TrackKind.KIND_AUDIO:
            self._begin(self._hear(track))

    async def _hear(self, track: Any) -> None:
        stream = self._sdk.AudioStream(track, sample_rate=VOICE_RATE, num_channels=1)
        quiet = SILENCE_SECONDS
        try:
            async for event in stream:
                pcm = bytes(event.frame.data)
                is_silent = not np.any(np.abs(np.frombuffer(pcm, "<i2").astype(int)) > SILENCE_PEAK)
                quiet = quiet + len(pcm) / 2 / VOICE_RATE if is_silent else 0.0
                if quiet < SILENCE_SECONDS and not self._is_swallowed:
                    self._voices += 1
                    self._come_in(AudioFrame(self._voices, self._clock(), pcm, VOICE_RATE))
        finally:
            await stream.aclose()

    def _disconnected(self, reason: int) -> None:
        reasons = self._sdk.DisconnectReason
        said = {
            reasons.DUPLICATE_IDENTITY: "taken-over",
            reasons.PARTICIPANT_REMOVED: "killed",
            reasons.ROOM_DELETED: "killed",
            reasons.SERVER_SHUTDOWN: "drain",
        }.get(reason)
        self._mended.set()
        if said and not self.is_lost:
            self._arrived(Bye(said))
        self._end(failure("transport.signal_disconnected"))

    def _reconnecting(self) -> None:
        self.is_mending = True
        self._mended.clear()

    def _reconnected(self) -> None:
        self.is_mending = False
        self._mended.set()
        self._last_received = self._clock()

    def _somebody_left(self, participant: Any) -> None:
        if not self._room.remote_participants:
            asyncio.get_running_loop().call_later(ABSENCE_SECONDS, self._end_if_alone)

    def _end_if_alone(self) -> None:
        if self.is_mending:
            self._somebody_left(None)
        elif not self._room.remote_participants:
            self._end(failure("transport.agent_left"))

    # --- what goes out ---------------------------------------------------------------------

    @property
    def _is_swallowed(self) -> bool:
        return self._inbound.conditions.is_black_hole

    def _go_out(self, item: Outgoing) -> None:
        if self._outbound.is_taken:
            self._outbound.put(item)
        else:
            self._enqueue(item)

    def _enqueue(self, item: Outgoing) -> None:
        if isinstance(item, bytes):
            self._microphone.append(item)
            self._heard.set()
        else:
            self._outgoing.append(item)
            self._writable.set()

    async def _write(self) -> None:
        while True:
            while self._outgoing:
                message = dict(self._outgoing[0])
                number = message.pop("seq")  # LiveKit's rooms know no numbers
                text = frame_text(message)  # as it was measured: escapes would make more of it
                await self._room.local_participant.publish_data(text, topic=TOPIC)
                self._channel.acknowledged(number)
                self._outgoing.popleft()
            if not self._outbound:
                self._written.set()
            self._writable.clear()
            await self._writable.wait()

    async def _speak(self) -> None:
        """Publish the microphone's track, muted until the first of it is heard.

        To publish it only then would cost the beginning of what is said first: LiveKit drops what
        comes before the far end has agreed to the track.
        """
        sdk = self._sdk
        source = sdk.AudioSource(MICROPHONE_RATE, 1, queue_size_ms=QUEUE_MS)
        track = sdk.LocalAudioTrack.create_audio_track("microphone", source)
        options = sdk.TrackPublishOptions(source=sdk.TrackSource.SOURCE_MICROPHONE)
        track.mute()
        try:
            try:
                await self._room.local_participant.publish_track(track, options)
            except Exception as error:  # whatever the native half reports; typing goes on working
                log.warning("The room takes no microphone: %s", type(error).__name__)
                return
            await self._heard.wait()
            track.unmute()
            while True:
                while self._microphone:
                    pcm = self._microphone.popleft()
                    frame = sdk.AudioFrame(pcm, MICROPHONE_RATE, 1, len(pcm) // 2)
                    await source.capture_frame(frame)
                self._heard.clear()
                await self._heard.wait()
        finally:
            await source.aclose()

    async def _measure(self) -> None:
        try:
            stats = await self._room.get_rtc_stats()
        except Exception as error:  # a plain one of the native half; a figure is no connection
            log.info("LiveKit gave no figures: %s", type(error).__name__)
            return
        pairs = [
            each.candidate_pair.candidate_pair
            for each in (*stats.publisher_stats, *stats.subscriber_stats)
            if each.HasField("candidate_pair")
        ]
        # A pair that was never used says nought.
        trips = (pair.current_round_trip_time for pair in pairs)
        self._round_trip = min((seconds for seconds in trips if seconds > 0), default=0.0)
        arrived = sum(
            pair.bytes_received + pair.requests_received + pair.responses_received for pair in pairs
        )
        if self.is_mending and arrived > self._arrived_before:
            self._last_received = self._clock()
        self._arrived_before = arrived

    # --- its end ---------------------------------------------------------------------------

    def _begin(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # LiveKit raises a plain Exception for whatever its native half reports.
            self._end(failure("transport.signal_disconnected", type(error).__name__))

    def _end(self, why: Failure) -> None:
        if self._failure is None:
            self._failure = why
            self._readable.set()
        self._outbound.clear()
        self._inbound.clear()
        if self._leaving is None:
            for task in self._tasks:
                task.cancel()
            self._leaving = asyncio.create_task(self._leave())

    async def _leave(self) -> None:
        if self._connecting is not None:
            with suppress(Exception):  # it was told to who waited for the join, if anybody did
                await self._connecting
        await asyncio.gather(self._tell_left(), self._leave_when_mended())

    async def _leave_when_mended(self) -> None:
        """Leave once LiveKit has mended the connection or given it up, however long that takes.

        Left meanwhile, its native half may abort the whole process.
        """
        if self.is_mending:
            await self._mended.wait()
        await self._room.disconnect()


_CODES = (
    ("client error: 40", "transport.join_refused"),
    ("server error", "connection.unavailable"),
    ("parse the url", "connection.invalid_url"),
    ("lookup address", "connection.dns"),
    ("refused", "connection.refused"),
)


def _connect_failure(said: str) -> Failure:
    """Tell refused, unavailable and unreachable apart; LiveKit has words for them and no codes."""
    code = next((code for words, code in _CODES if words in said), "transport.join_refused")
    return failure(code, f"LiveKit: {said.rpartition(': ')[2][:100]}")


def _size(item: Any) -> int:
    """Return about how many bytes something takes on the network."""
    if isinstance(item, dict):
        return len(json.dumps(item))
    return len(item.pcm if isinstance(item, AudioFrame) else getattr(item, "data", item))
