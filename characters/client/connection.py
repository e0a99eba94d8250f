"""One attempt and the connection that it became: limiter, request, room, messages, heartbeat.

What a session asks its service for when it connects.

The weather of a session's line, over all of its connections: what the fault panel makes.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Protocol

from characters.client.config import RuntimeContext, SessionConfig
from characters.client.microphone import GateMeter
from characters.protocol.failures import Failure, failure
from characters.protocol.link import Bye, SequencedChannel, Welcome
from characters.protocol.messages import (
    BotReady,
    ClientMessage,
    ConnectRequest,
    RespondMode,
    RoomGrant,
)
from characters.protocol.network_conditions import NetworkConditions
from characters.session.conversation import ResumeOutcome
from characters.session.events import (
    AttemptFailed,
    CharacterReady,
    Closed,
    ConnectionLost,
    ConnectionStarted,
    Event,
    OpenConnection,
    RoomGranted,
    RoomJoined,
    ServerEnded,
)
from characters.session.policy import Beat, Heartbeat, ReconnectPolicy
from characters.transport.base import Connection, Incoming, Transport, TransportError

__all__ = ["connect_request", "SessionConnection", "SimulatedLink"]


def connect_request(
    config: SessionConfig, policy: ReconnectPolicy, plan: OpenConnection, heard: str | None
) -> ConnectRequest:
    """Return the request; `heard` is the last line whose answer came whole."""
    name = config.player_name
    return ConnectRequest(
        character_id=config.character_id,
        character_session_id=plan.character_session_id,
        end_user_id=config.end_user_id,
        mode=plan.mode.value,
        room_name=plan.room_name,
        spawn_agent=plan.spawn_agent,
        action_config={"actions": list(config.actions)} if config.actions else None,
        vad_params=asdict(config.voice_activity),
        turn_detection_config={"type": "smart_turn", "params": asdict(config.smart_turn)},
        # The public service knows no lanes of the player's: it is told of them only at need.
        respond_modes=config.respond_mode.lanes if _is_manual(config) else None,
        invocation_metadata={"source": "troupe"},
        persona=config.persona,
        room_rejoin_ttl_seconds=policy.room_rejoin_ttl_seconds,
        takeover=plan.takeover or None,
        live_id=plan.live_id,
        heard=heard,
        player_name=name,
        narrative_template_keys={"player_name": name} if name else None,
    )


def _is_manual(config: SessionConfig) -> bool:
    return config.respond_mode is RespondMode.MANUAL


class SimulatedLink:
    """Calm, late, slow, or a black hole: nobody is told, as with a real line.

    It is made of frames and not of messages: what was on its way when the line was given up
    neither went out nor arrived, so a rejoin repeats it.
    """

    def __init__(self) -> None:
        self._clear = asyncio.Event()
        self._clear.set()
        self._weather = NetworkConditions.CALM
        self._connection: Connection | None = None

    def set(self, weather: NetworkConditions) -> None:
        """Change it, for the connection of now and all that follow."""
        self._weather = weather
        if weather.is_black_hole:
            self._clear.clear()
        else:
            self._clear.set()
        if self._connection is not None:
            self._connection.set_weather(weather)

    async def connect(self, transport: Transport, request: ConnectRequest) -> RoomGrant:
        """Ask through it."""
        await self._pass()
        grant = await transport.connect(request)
        await self._pass()
        return grant

    async def join(
        self, transport: Transport, grant: RoomGrant, link: SequencedChannel
    ) -> Connection:
        """Enter through it."""
        await self._pass()
        self._connection = connection = await transport.join(grant, link)
        connection.set_weather(self._weather)
        return connection

    async def _pass(self) -> None:
        """Wait as long as a small frame takes in one direction."""
        if self._weather.delay_seconds:
            await asyncio.sleep(self._weather.delay_seconds)
        await self._clear.wait()


_log = logging.getLogger(__name__)

# How soon it is looked whether the first ping of a connection was answered.
FIRST_PONG_SECONDS = 0.05


class ConnectionOwner(Protocol):
    """What a line reports to: the driver of its session."""

    config: SessionConfig
    world: RuntimeContext
    weather: SimulatedLink

    @property
    def policy(self) -> ReconnectPolicy:
        """The policy in force now."""

    @property
    def priority(self) -> float:
        """How urgent the session is to the player; lowest first."""

    def feed(self, event: Event) -> None:
        """Tell the machine."""

    def link_for(self, grant: RoomGrant, *, rejoins: bool) -> SequencedChannel:
        """Return the numbering of the room: its own on a rejoin, else a new one."""

    def received(self, item: Incoming) -> None:
        """Take what came in."""

    def refresh(self) -> None:
        """Make the view new."""


class SessionConnection:
    """The connection of one epoch. Everything it finds out goes to the owner as events."""

    def __init__(self, epoch: int, owner: ConnectionOwner) -> None:
        self.epoch = epoch
        self.meter = GateMeter()
        self._owner = owner
        self._world = owner.world
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._pulse: asyncio.TimerHandle | None = None
        self._heartbeat: Heartbeat | None = None

    @property
    def is_over(self) -> bool:
        """Whether none of its tasks runs any more."""
        return all(task is None or task.done() for task in (self._task, self._ending))

    @property
    def round_trip_seconds(self) -> float | None:
        """How long the last ping took."""
        return None if self._connection is None else self._connection.round_trip_seconds

    def open(self, request: ConnectRequest) -> None:
        """Begin: wait for the limiter, ask, join, and go on receiving."""
        self._task = asyncio.create_task(self._run(request), name=f"line {self.epoch}")

    def send(self, message: ClientMessage) -> None:
        """Queue a message. Raises TransportError when it was not taken."""
        if self._connection is None:
            raise TransportError(failure("transport.signal_disconnected", "not connected yet"))
        self._connection.send(message)

    def send_audio(self, pcm: bytes, begins_at: float) -> None:
        """Send microphone audio whose first sample was heard at ``begins_at``."""
        if self._connection is not None:
            self._connection.send_audio(pcm, self.meter.count(begins_at))

    def abort(self) -> None:
        """Drop everything at once, without a word to the peer."""
        self._stop_pulse()
        for task in (self._task, self._ending):
            if task is not None:
                task.cancel()
        if self._connection is not None:
            self._connection.abort()

    def cut(self) -> None:
        """Break the connection as a fault would; it is noticed like any other loss."""
        if self._connection is not None:
            self._connection.abort()

    def close(self) -> None:
        """Say bye and close; Closed follows."""
        self._stop_pulse()
        if self._task is not None:
            self._task.cancel()
        self._ending = asyncio.create_task(self._close(), name=f"close {self.epoch}")

    async def _close(self) -> None:
        if self._connection is not None:
            with suppress(TransportError):
                await self._connection.close()
        self._owner.feed(Closed(self.epoch))

    async def _run(self, request: ConnectRequest) -> None:
        try:
            await self._connect(request)
            await self._receive()
        except TransportError as error:
            self._report(error.failure)
        except Exception:
            # A defect of ours or of a transport must cost this session an attempt, not a hang.
            _log.exception("The line of session %s broke.", self._owner.config.key)
            self._report(failure("internal.error"))
        finally:
            self._stop_pulse()

    async def _connect(self, request: ConnectRequest) -> None:
        owner = self._owner
        async with self._world.limiter.slot(lambda: owner.priority):
            owner.feed(ConnectionStarted(self.epoch))
            transport = await self._world.transport_for(owner.config)
            grant = await owner.weather.connect(transport, request)
            owner.feed(
                RoomGranted(
                    self.epoch,
                    grant.character_session_id,
                    grant.room_name,
                    grant.session_id,
                    self._world.chance(),
                )
            )
            # The machine may have refused the grant: then this task is cancelled, here.
            await asyncio.sleep(0)
            link = owner.link_for(grant, rejoins=request.mode == "join")
            self._connection = await owner.weather.join(transport, grant, link)
        welcome = self._connection.welcome
        owner.feed(RoomJoined(self.epoch, _outcome(welcome), welcome.last_seen_seconds))
        self._start_pulse(self._connection)

    async def _receive(self) -> None:
        connection = self._connection
        assert connection is not None  # _connect came first
        while True:
            item = await connection.receive()
            if isinstance(item, Bye):
                event = ServerEnded(self.epoch, item.reason, item.retry_after, self._world.chance())
                self._owner.feed(event)
                return
            self._owner.received(item)
            if isinstance(item, BotReady) and self.meter.ready_at is None:
                self.meter.ready_at = self._world.clock()
                self._owner.feed(CharacterReady(self.epoch))

    def _report(self, why: Failure) -> None:
        kind = AttemptFailed if self._connection is None else ConnectionLost
        self._owner.feed(kind(self.epoch, why, self._world.chance()))

    # --- liveness -------------------------------------------------------------------------

    def _start_pulse(self, connection: Connection) -> None:
        policy = self._owner.policy
        self._heartbeat = Heartbeat(
            policy.heartbeat_interval_seconds,
            policy.heartbeat_timeout_seconds,
            connection.last_received,
        )
        connection.ping()
        self._beat(connection)

    def _beat(self, connection: Connection) -> None:
        heartbeat = self._heartbeat
        assert heartbeat is not None  # set by _start_pulse
        policy, now = self._owner.policy, self._world.clock()
        heartbeat = replace(
            heartbeat.heard(connection.last_received),
            interval=policy.heartbeat_interval_seconds,
            timeout=policy.heartbeat_timeout_seconds,
        )
        heartbeat, beat = heartbeat.check(now)
        self._heartbeat = heartbeat
        if beat is Beat.DEAD:
            self._report(failure("transport.heartbeat_lost"))
            return
        if beat is Beat.PING:
            connection.ping()
        delay = heartbeat.next_look(now) - now
        if connection.round_trip_seconds is None:
            delay = min(delay, FIRST_PONG_SECONDS)
        self._owner.refresh()
        self._pulse = asyncio.get_running_loop().call_later(delay, self._beat, connection)

    def _stop_pulse(self) -> None:
        if self._pulse is not None:
            self._pulse.cancel()
            self._pulse = None


def _outcome(welcome: Welcome) -> ResumeOutcome | None:
    outcomes: dict[str, ResumeOutcome] = {item.value.lower(): item for item in ResumeOutcome}
    return outcomes.get(welcome.resumed)
