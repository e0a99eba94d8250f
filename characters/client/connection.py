"""One attempt to connect and the connection that it becomes: request, room, messages, heartbeat.

`SimulatedLink` makes the network of a session late, slow or silent, as the fault panel orders.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace

from characters.client.config import SessionConfig
from characters.client.conversation import Conversation, OpenSession
from characters.client.microphone import GateMeter
from characters.protocol.failures import Failure, failure
from characters.protocol.link import Bye, SequencedChannel
from characters.protocol.messages import BotReady, ConnectRequest, RespondMode, RoomGrant
from characters.protocol.network_conditions import NetworkConditions
from characters.session import events
from characters.session.conversation import ResumeOutcome
from characters.session.policy import Beat, Heartbeat, ReconnectPolicy, ResumePolicy
from characters.transport.base import Connection, TransportError

__all__ = ["connect_request", "SessionConnection", "SimulatedLink"]

_log = logging.getLogger(__name__)


def connect_request(
    config: SessionConfig,
    policy: ReconnectPolicy,
    plan: events.OpenConnection,
    heard: str | None,
    player: str | None,
) -> ConnectRequest:
    """Return the request of a `player`; `heard` is the last line whose answer came whole."""
    is_manual = config.respond_mode is RespondMode.MANUAL
    return ConnectRequest(
        character_id=config.character_id,
        character_session_id=plan.character_session_id,
        end_user_id=player,
        mode=plan.mode.value,
        room_name=plan.room_name,
        spawn_agent=plan.spawn_agent,
        action_config=config.action_config,
        vad_params=asdict(config.voice_activity),
        turn_detection_config={"type": "smart_turn", "params": asdict(config.smart_turn)},
        # The public service knows no lanes of the player's: they are named only at need.
        respond_modes=config.respond_mode.lanes if is_manual else None,
        invocation_metadata={"source": "troupe"},
        persona=config.persona,
        room_rejoin_ttl_seconds=policy.room_rejoin_ttl_seconds,
        takeover=plan.takeover or None,
        live_id=plan.live_id,
        heard=heard,
        player_name=config.player_name,
        model=config.model,
        # Who always begins anew, such as a kiosk, is met by another person each time.
        lasting_memory=False if policy.resume_policy is ResumePolicy.ALWAYS_FRESH else None,
        narrative_template_keys=config.template_keys or None,
    )


class SimulatedLink:
    """The network conditions of a session, over all of its connections. No side is told of them.

    They are made for frames and not for messages: what was on its way when the connection was
    given up neither went out nor arrived, so a rejoin repeats it.
    """

    def __init__(self) -> None:
        self._is_passable = asyncio.Event()
        self._is_passable.set()
        self._conditions = NetworkConditions.CALM
        self._connection: Connection | None = None

    def set(self, conditions: NetworkConditions) -> None:
        """Change the conditions of the present connection and of all that follow."""
        self._conditions = conditions
        if conditions.is_black_hole:
            self._is_passable.clear()
        else:
            self._is_passable.set()
        if self._connection is not None:
            self._connection.set_conditions(conditions)

    def apply_to(self, connection: Connection) -> None:
        """Put a new connection under the conditions."""
        self._connection = connection
        if self._conditions != NetworkConditions.CALM:
            connection.set_conditions(self._conditions)

    async def passage(self) -> None:
        """Wait as long as a small frame takes in one direction."""
        if self._conditions.delay_seconds:
            await asyncio.sleep(self._conditions.delay_seconds)
        await self._is_passable.wait()


# How soon after a connect the first ping's answer is looked for.
FIRST_PONG_SECONDS = 0.05


class SessionConnection:
    """The connection of one epoch. What becomes of it goes to `feed` as events."""

    def __init__(
        self,
        epoch: int,
        session: OpenSession,
        conversation: Conversation,
        link: SimulatedLink,
        feed: Callable[[events.Event], None],
    ) -> None:
        self.epoch = epoch
        self._session = session
        self._context = session.context
        self._conversation = conversation
        self._link = link
        self._feed = feed
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._pulse: asyncio.TimerHandle | None = None

    @property
    def is_over(self) -> bool:
        """Whether none of its tasks runs any more."""
        return all(task is None or task.done() for task in (self._task, self._closing))

    def open(self, request: ConnectRequest) -> None:
        """Begin: wait for the limiter, ask, join, and go on receiving."""
        self._task = asyncio.create_task(self._run(request), name=f"connection {self.epoch}")

    def abort(self) -> None:
        """Drop everything at once, without a word to the service."""
        self._stop_pulse()
        for task in (self._task, self._closing):
            if task is not None:
                task.cancel()
        self.cut()

    def cut(self) -> None:
        """Break the connection as a fault would; it is noticed like any other loss."""
        if self._connection is not None:
            self._connection.abort()

    def close(self) -> None:
        """Say bye and close; `Closed` follows."""
        self._stop_pulse()
        if self._task is not None:
            self._task.cancel()
        self._closing = asyncio.create_task(self._close(), name=f"close {self.epoch}")

    async def _close(self) -> None:
        if self._connection is not None:
            with suppress(TransportError):
                await self._connection.close()
        self._feed(events.Closed(self.epoch))

    async def _run(self, request: ConnectRequest) -> None:
        try:
            connection = await self._connect(request)
            policy = self._session.machine.policy
            interval, timeout = policy.heartbeat_interval_seconds, policy.heartbeat_timeout_seconds
            connection.ping()
            self._beat(connection, Heartbeat(interval, timeout, connection.last_received))
            await self._receive(connection)
        except TransportError as error:
            self._report(error.failure)
        except Exception:
            # A defect of ours or of a transport must cost this session an attempt, not a hang.
            _log.exception("The connection of session %s broke.", self._session.key)
            self._report(failure("internal.error"))
        finally:
            self._stop_pulse()

    async def _connect(self, request: ConnectRequest) -> Connection:
        session, context, link = self._session, self._context, self._link
        start = context.service_start(session.config)
        if start is not None:
            self._feed(events.ServiceAwaited(self.epoch))
            await start
        async with context.limiter.slot(session.priority):
            self._feed(events.ConnectionStarted(self.epoch))
            transport = await context.transport_for(session.config)
            await link.passage()
            grant = await transport.connect(request)
            await link.passage()
            ids = grant.character_session_id, grant.room_name, grant.session_id
            self._feed(events.RoomGranted(self.epoch, *ids))
            # The machine may have refused the grant: then this task is cancelled, here.
            await asyncio.sleep(0)
            channel = self._channel_of(grant, rejoins=request.mode == "join")
            await link.passage()
            self._connection = connection = await transport.join(grant, channel)
        link.apply_to(connection)
        session.connection, session.meter = connection, GateMeter()
        welcome = connection.welcome
        outcome = ResumeOutcome.__members__.get(welcome.resumed.upper())
        joined = events.RoomJoined(
            self.epoch,
            outcome,
            welcome.last_seen_seconds,
            welcome.agent,
            welcome.retry_over or 0.0,
        )
        self._feed(joined)
        return connection

    def _channel_of(self, grant: RoomGrant, *, rejoins: bool) -> SequencedChannel:
        """Return the numbering of the room: its own on a rejoin, else a new one."""
        channel = self._session.channel
        if channel is None or not rejoins or channel.room_name != grant.room_name:
            # What the old room had still to say will not come any more.
            self._conversation.cut()
            self._session.channel = channel = SequencedChannel(grant.room_name)
        return channel

    async def _receive(self, connection: Connection) -> None:
        meter = self._session.meter
        while True:
            item = await connection.receive()
            if isinstance(item, Bye):
                chance = self._context.chance()
                self._feed(events.ServerEnded(self.epoch, item.reason, item.retry_after, chance))
                return
            self._conversation.received(item)
            if isinstance(item, BotReady) and meter.ready_at is None:
                meter.ready_at = self._context.clock()
                self._feed(events.CharacterReady(self.epoch))

    def _report(self, why: Failure) -> None:
        kind = events.AttemptFailed if self._connection is None else events.ConnectionLost
        self._feed(kind(self.epoch, why, self._context.chance()))

    # --- liveness -------------------------------------------------------------------------

    def _beat(self, connection: Connection, heartbeat: Heartbeat) -> None:
        policy, now = self._session.machine.policy, self._context.clock()
        heartbeat = replace(
            heartbeat.heard(connection.last_received),
            interval=policy.heartbeat_interval_seconds,
            timeout=policy.heartbeat_timeout_seconds,
        )
        heartbeat, beat = heartbeat.check(now)
        if beat is Beat.DEAD:
            self._report(failure("transport.heartbeat_lost"))
            return
        if beat is Beat.PING:
            connection.ping()
        delay = heartbeat.next_look(now) - now
        if connection.round_trip_seconds is None:
            delay = min(delay, FIRST_PONG_SECONDS)
        self._session.refresh()
        loop = asyncio.get_running_loop()
        self._pulse = loop.call_later(delay, self._beat, connection, heartbeat)

    def _stop_pulse(self) -> None:
        if self._pulse is not None:
            self._pulse.cancel()
            self._pulse = None
