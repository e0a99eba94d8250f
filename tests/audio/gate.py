"""A child process that connects again and again while a real device captures, and watches the wire.

    python -m tests.audio.gate FOLDER CONNECTIONS SEED

The delay to the opening of the microphone differs from connection to connection; some are dropped
by a cut, some begin muted, and between them the player turns to another character. What counts is
each audio frame on its way out, and when its first sample was heard. The report is a line of JSON.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from characters.audio.microphone import PortAudioMicrophone
from characters.client.config import SessionConfig
from characters.client.handle import SessionHandle
from characters.client.runtime import Runtime, RuntimeBuilder
from characters.client.service_process import ServiceProcess
from characters.protocol.link import SequencedChannel
from characters.protocol.messages import BotReady, ConnectRequest, RoomGrant
from characters.session.conversation import SessionState
from characters.session.policy import ReconnectPolicy
from characters.transport.base import Connection, Incoming, Transport
from characters.transport.websocket import WebSocketTransport
from tests.audio.listen import tell

__all__: list[str] = []

ASSETS = Path(__file__).resolve().parents[2] / "assets"
PEOPLE = ("nurse-21c4", "porter-3e8f", "patient-7f3a")
RATE = 16_000
FRAMES = 5


@dataclass
class Watched:
    """What one connection sent: when each frame began, and whether it was allowed to go."""

    owner: str
    ready_at: float | None = None
    frames: list[float] = field(default_factory=list)


class Watch:
    """Sees every connection of a runtime from below, and what the player wishes from above."""

    def __init__(self) -> None:
        self.connections: list[Watched] = []
        self.targets: set[str] = set()
        self.muted_since: float | None = None
        self.while_muted = 0
        self.to_another = 0

    def transport(self, url: str, key: str | None) -> Transport:
        return WatchedTransport(url, self)


class WatchedTransport(WebSocketTransport):
    """Our WebSocket, whose audio is noted as it goes out."""

    def __init__(self, url: str, watch: Watch) -> None:
        super().__init__(url)
        self._watch = watch
        self._owners: dict[str, str] = {}

    async def connect(self, request: ConnectRequest) -> RoomGrant:
        grant = await super().connect(request)
        self._owners[grant.room_name] = request.character_id
        return grant

    async def join(self, grant: RoomGrant, link: SequencedChannel) -> Connection:
        connection = await super().join(grant, link)
        note(connection, Watched(self._owners[grant.room_name]), self._watch)
        return connection


def note(connection: Connection, seen: Watched, watch: Watch) -> None:
    """Note when a connection is ready, and each frame that goes out."""
    watch.connections.append(seen)
    send_audio, receive = connection.send_audio, connection.receive

    def watched_send(pcm: bytes, timestamp: float) -> None:
        began = time.monotonic() - len(pcm) / 2 / RATE
        if seen.ready_at is not None:
            # The stamp says when it was heard; it can not have gone out before.
            began = min(began, seen.ready_at + timestamp)
        seen.frames.append(began)
        muted = watch.muted_since
        watch.while_muted += muted is not None and began > muted
        watch.to_another += seen.owner not in watch.targets
        send_audio(pcm, timestamp)

    async def watched_receive() -> Incoming:
        item = await receive()
        if isinstance(item, BotReady) and seen.ready_at is None:
            seen.ready_at = time.monotonic()
        return item

    # An object's own attribute: the class stays as it is for everybody else.
    connection.__dict__.update(send_audio=watched_send, receive=watched_receive)


class Walk:
    """A player who connects, is cut, mutes and turns, by chance."""

    def __init__(self, runtime: Runtime, url: str, chance: Random, watch: Watch) -> None:
        self.runtime = runtime
        self.chance = chance
        self.watch = watch
        self.policy = ReconnectPolicy(max_reconnect_attempts=None, backoff_base_seconds=0.05)
        self.handles = [self._open(url, name) for name in PEOPLE]
        self.errors: list[float] = []
        self.early = 0

    def _open(self, url: str, name: str) -> SessionHandle:
        config = SessionConfig(name, endpoint=url, policy=self.policy)
        return self.runtime.open_session(config)

    def until(self, condition: Callable[[], object], within: float = 60.0) -> None:
        deadline, pause = time.monotonic() + within, threading.Event()
        while not condition():
            self.runtime.dispatcher.drain()
            assert time.monotonic() < deadline, f"not within {within} s"
            pause.wait(0.001)

    def connect(self) -> None:
        """Make one connection, listen until it hears the player, and measure how late that was."""
        handle = self.chance.choice(self.handles)
        delay = self.chance.choice((0.0, 0.05, 0.1, 0.2))
        handle.apply_policy(replace(self.policy, auto_mic_start_delay_seconds=delay))
        self._turn_to(handle)
        begins_muted = self.chance.random() < 0.2
        self._mute(begins_muted)
        seen = self._begin(handle)
        if begins_muted:
            self.until(lambda: seen.ready_at is not None)
            self._wait(delay + 0.1)
            assert not seen.frames
            self._mute(False)
        self.until(lambda: len(seen.frames) >= FRAMES)
        assert seen.ready_at is not None
        opens_at = seen.ready_at + delay
        self.early += sum(began < opens_at - 1e-4 for began in seen.frames)
        if not begins_muted:
            self.errors.append(seen.frames[0] - opens_at)

    def _begin(self, handle: SessionHandle) -> Watched:
        """Let a new connection begin: by a cut if there is one, or by a connect."""
        known = len(self.watch.connections)
        if handle.view.state is not SessionState.CONNECTED:
            handle.connect()
        elif self.chance.random() < 0.3:
            handle.cut()
        else:
            handle.disconnect()
            self.until(lambda: handle.view.state is SessionState.DISCONNECTED)
            handle.connect()
        self.until(lambda: len(self.watch.connections) > known)
        return self.watch.connections[known]

    def _turn_to(self, handle: SessionHandle) -> None:
        self.watch.targets |= {handle.key}  # until the ears have turned it may be either
        self.runtime.voice_input.set_target(handle.key)
        self.until(lambda: self.runtime.voice_input.status.target == handle.key)
        self.watch.targets = {handle.key}

    def _mute(self, muted: bool) -> None:
        self.runtime.voice_input.set_muted(muted)
        self.until(lambda: self.runtime.voice_input.status.muted == muted)
        self.watch.muted_since = time.monotonic() if muted else None

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= until)


def main(folder: str, connections: str, seed: str) -> None:
    """Make the connections and report."""
    watch = Watch()
    service = ServiceProcess(Path(folder), ASSETS, arguments=("--no-speech",))
    url = service.start()
    builder = RuntimeBuilder().use_transport(watch.transport).use_microphone(PortAudioMicrophone)
    runtime = builder.build()
    runtime.start()
    try:
        runtime.voice_input.set_mode("hands_free")
        runtime.voice_input.allow()
        walk = Walk(runtime, url, Random(int(seed)), watch)
        walk.until(lambda: runtime.voice_input.status.device)
        walk.connect()  # the device wakes up
        walk.errors.clear()
        while len(walk.errors) < int(connections):
            walk.connect()
        tell(
            event="end",
            connections=len(watch.connections),
            errors=walk.errors,
            early=walk.early,
            while_muted=watch.while_muted,
            to_another=watch.to_another,
            frames=sum(len(seen.frames) for seen in watch.connections),
        )
    finally:
        runtime.close()
        service.kill()


if __name__ == "__main__":
    main(*sys.argv[1:])
