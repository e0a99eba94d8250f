"""The client's end of a connection without any I/O: what to write, and what a frame means.

A `WireProtocol` turns messages into numbered frames and checks and orders what comes in. The
shell around it owns the socket: it writes what `data_to_send` returns, hands in what it reads
with `receive`, gives `next_event` to the session, and calls `end` when the socket is gone.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from characters.protocol import link
from characters.protocol.audio_frames import AudioFrame, pack_microphone, unpack_voice
from characters.protocol.codec import MessageError, decode_server, encode_client, parse_object
from characters.protocol.failures import Failure, failure
from characters.protocol.link import SequencedChannel
from characters.protocol.messages import BotReady, ClientMessage, ServerMessage
from characters.transport.base import Incoming, TransportError

__all__ = ["MAX_INCOMING", "WireProtocol"]

MAX_INCOMING = 4096
SEQ_BYTES = 32  # what the number adds to a message


class WireProtocol:
    """One connection to a room, whose numbers are in `channel`; `now` is when it began.

    A message counts as received once `next_event` has returned it: a client that leaves before
    gets it again when it rejoins.
    """

    def __init__(self, channel: SequencedChannel, now: float) -> None:
        self.failure: Failure | None = None
        """Why the connection ended; None while it lives."""
        self.welcome: link.Welcome | None = None
        self.last_received = now
        self.round_trip_seconds: float | None = None
        self._channel = channel
        self._incoming: deque[dict[str, Any] | AudioFrame | link.Bye] = deque()
        self._to_send: list[str | bytes] = []
        self._audio_sent = 0
        self._replay_left = 0

    # --- out -------------------------------------------------------------------------------

    def enter(self, welcome: link.Welcome) -> None:
        """Take the welcome; what the service missed is sent. Raises TransportError."""
        try:
            missed = self._channel.enter(welcome)
        except link.ReplayError as problem:
            raise TransportError(failure("connection.room_gone", str(problem))) from None
        self.welcome = welcome
        self._replay_left = welcome.replayed
        for frame in missed:
            self._send_frame(frame)

    def send(self, message: ClientMessage) -> None:
        """Send a message, or keep it for a rejoin.

        Raises MessageError for one that cannot be sent, TransportError(transport.overflow).
        """
        body = encode_client(message)
        text = link.frame_text(body, link.MAX_FRAME - SEQ_BYTES)
        try:
            frame = self._channel.number(body, len(text))
        except link.OutboxFullError as problem:
            raise TransportError(failure("transport.overflow", str(problem))) from None
        if self.failure is None:
            self._to_send.append(link.numbered_text(text, frame["seq"]))

    def send_audio(self, pcm: bytes, timestamp: float) -> None:
        """Send microphone audio."""
        if self.failure is None:
            self._audio_sent += 1
            self._to_send.append(pack_microphone(self._audio_sent, timestamp, pcm))

    def send_link(self, frame: link.LinkFrame) -> None:
        """Send a frame about the connection."""
        self._send_frame(link.encode_link(frame))

    def data_to_send(self) -> list[str | bytes]:
        """Return the frames to write now, in order, each once."""
        frames, self._to_send = self._to_send, []
        return frames

    def _send_frame(self, frame: dict[str, Any]) -> None:
        if self.failure is None:
            self._to_send.append(link.frame_text(frame))

    # --- in --------------------------------------------------------------------------------

    def receive(self, data: str | bytes, now: float) -> None:
        """Take a frame of the socket; one that breaks the protocol ends the connection."""
        if self.failure is not None:
            return  # Not confirmed either, so that a rejoin repeats it.
        self.last_received = now
        try:
            if isinstance(data, bytes):
                self._arrived(unpack_voice(data))
                return
            raw = parse_object(data)
            if raw.get("label") == link.LINK_LABEL:
                self._take_link(link.decode_link(raw), now)
            else:
                self._arrived(raw)
        except (MessageError, link.ReplayError) as problem:
            self.end(failure("transport.protocol", str(problem)))

    def next_event(self) -> Incoming | None:
        """Return what came in next, and count it as received; None when nothing waits."""
        while self._incoming:
            item = self._incoming.popleft()
            event = self._open(item) if isinstance(item, dict) else item
            if event is not None:
                return event
        return None

    def end(self, why: Failure) -> None:
        """End the connection, once; what arrived before can still be read."""
        if self.failure is None:
            self.failure = why
            self._to_send.clear()

    def _arrived(self, item: dict[str, Any] | AudioFrame | link.Bye) -> None:
        if len(self._incoming) >= MAX_INCOMING:
            self.end(failure("transport.overflow", "the game does not take what arrives"))
        else:
            self._incoming.append(item)

    def _take_link(self, frame: link.LinkFrame, now: float) -> None:
        if isinstance(frame, link.Ack):
            self._channel.acknowledged(frame.received)
        elif isinstance(frame, link.Ping):
            self.send_link(link.Pong(frame.t))
            self._confirm(now=True)
        elif isinstance(frame, link.Pong):
            self.round_trip_seconds = max(0.0, now - frame.t)
            self._confirm(now=True)
        elif isinstance(frame, link.Bye):
            self._arrived(frame)
            self.end(failure("session.ended", "the service ended the connection"))

    def _open(self, raw: dict[str, Any]) -> ServerMessage | None:
        """Count a message and return it; None for one that is not to be delivered."""
        try:
            arrival = self._channel.accept(raw)
            if arrival is link.Arrival.GAP:
                raise MessageError("validation-error", "a message of the service is missing")
            message = decode_server(raw) if arrival is link.Arrival.DELIVER else None
        except MessageError as problem:
            self._incoming.clear()
            self.end(failure("transport.protocol", str(problem)))
            return None
        self._confirm(now=False)
        if message is None:
            return None
        is_replay, self._replay_left = self._replay_left > 0, max(0, self._replay_left - 1)
        # A ready of an earlier connection is not the one that ends the replay.
        return None if is_replay and isinstance(message, BotReady) else message

    def _confirm(self, *, now: bool) -> None:
        ack = self._channel.ack(now=now)
        if ack is not None:
            self.send_link(ack)
