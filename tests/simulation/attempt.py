"""How a simulated client gets its connection, and loses it: request, grant, room, welcome."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from characters.protocol.failures import Failure, failure
from characters.protocol.link import Bye, Welcome
from characters.protocol.messages import ConnectRequest
from characters.service.registry import Grant
from characters.session.conversation import ResumeOutcome
from characters.session.events import (
    AbortConnection,
    AttemptFailed,
    CloseConnection,
    Closed,
    ConnectionLost,
    ConnectionStarted,
    OpenConnection,
    RoomGranted,
    RoomJoined,
    RoomMode,
    ServerEnded,
)
from tests.simulation.promise import promise
from tests.simulation.service import SERVER_PATIENCE, Service
from tests.simulation.virtual_time import Time
from tests.simulation.wire import Wire

if TYPE_CHECKING:
    from tests.simulation.client import Client

__all__ = ["Attempts"]

NOTICED = 0.01  # how soon a reset is noticed


class Attempts:
    """The one connection of a client, held or being made."""

    def __init__(self, client: Client, time: Time, service: Service) -> None:
        self._client, self._time, self._service = client, time, service
        self.wire: Wire | None = None
        self.is_cut_off = False  # every request is refused
        self.is_in_black_hole = False  # every request vanishes
        self.is_flapping = False  # every connection is dropped as soon as it is of use
        self.opened = 0

    # --- what the machine orders ------------------------------------------------------------

    def open(self, plan: OpenConnection) -> None:
        old = self.wire
        promise(
            old is None or not old.client_is_on,
            "A client held two live connections.",
            self._client.name,
        )
        self.opened += 1
        self.wire = wire = Wire(self._time, self._client)
        self._later(plan.epoch, 0.0, self._ask, plan, wire)

    def close(self, command: CloseConnection) -> None:
        wire = self.wire
        if wire is None or wire.is_black_hole or self.is_in_black_hole:
            return  # the close's own time-out ends this
        wire.up(Bye("disconnect"))
        self._later(command.epoch, 2 * wire.seconds, self._closed, command.epoch, wire)

    def _closed(self, epoch: int, wire: Wire) -> None:
        wire.client_is_on = False
        self._client.feed(Closed(epoch))

    def abort(self, command: AbortConnection) -> None:
        if self.wire is not None:
            self.let_go(self.wire)

    def let_go(self, wire: Wire) -> None:
        """Drop a connection without a word; what is on its way up may still arrive."""
        wire.client_is_on = False
        self._notice_at_service(wire, SERVER_PATIENCE if wire.is_black_hole else 2 * wire.seconds)

    def _notice_at_service(self, wire: Wire, seconds: float) -> None:
        self._time.later(seconds, self._service.leave, wire)

    # --- on the way in ------------------------------------------------------------------------

    def _later(self, epoch: int, seconds: float, action: Callable[..., None], *args: Any) -> None:
        """Do something later, unless the connection or the process is gone by then."""
        self._time.later(seconds, self._act, self._client.life, epoch, action, args)

    def _act(
        self, life: int, epoch: int, action: Callable[..., None], args: tuple[Any, ...]
    ) -> None:
        if life == self._client.life and epoch == self._client.session.epoch:
            action(*args)

    def _latency(self) -> float:
        return self._time.random.uniform(0.001, 0.2)

    def _ask(self, plan: OpenConnection, wire: Wire) -> None:
        self._client.feed(ConnectionStarted(plan.epoch))
        if self.is_in_black_hole:
            return  # its own time-out is all that ends this
        if self.is_cut_off or not self._service.is_up:
            self._later(plan.epoch, 0.01, self._refuse, plan.epoch, "connection.refused")
            return
        ask = ConnectRequest(
            self._client.name,
            character_session_id=plan.character_session_id,
            end_user_id="player",
            mode=plan.mode.value,
            room_name=plan.room_name,
            spawn_agent=plan.spawn_agent,
            room_rejoin_ttl_seconds=self._client.policy.room_rejoin_ttl_seconds,
            takeover=plan.takeover or None,
            live_id=plan.live_id,
            heard=self._client.words.talk.answered,
        )
        # A request that is on its way arrives, whatever becomes of whoever sent it.
        self._time.later(self._latency(), self._at_the_door, plan, ask, wire, self._client.life)

    def _at_the_door(
        self, plan: OpenConnection, ask: ConnectRequest, wire: Wire, life: int
    ) -> None:
        def answer(grant: Grant | Failure) -> None:
            if not self.is_in_black_hole and life == self._client.life:
                self._later(plan.epoch, self._latency(), self._answered, plan, grant, wire)

        if self._service.is_up:
            self._service.connect(ask, answer)
        else:
            answer(failure("connection.refused"))

    def _refuse(self, epoch: int, why: str | Failure) -> None:
        what = failure(why) if isinstance(why, str) else why
        self._client.feed(AttemptFailed(epoch, what, self._time.random.random()))

    def _answered(self, plan: OpenConnection, answer: Grant | Failure, wire: Wire) -> None:
        if isinstance(answer, Failure):
            self._refuse(plan.epoch, answer)
            return
        room = answer.room
        granted = RoomGranted(plan.epoch, room.session.session_id, room.name, answer.live_id)
        self._client.feed(granted)
        self._later(plan.epoch, self._latency(), self._enter, plan, answer, wire)

    def _enter(self, plan: OpenConnection, grant: Grant, wire: Wire) -> None:
        if self.is_in_black_hole:
            return
        is_there = self._service.is_up and not self.is_cut_off
        why = self._service.enter(grant, wire) if is_there else failure("connection.refused")
        if why is not None:
            self._refuse(plan.epoch, why)
            return
        rejoins = plan.mode is RoomMode.JOIN
        received = self._client.words.link_for(grant.room.name, rejoins=rejoins)
        assert wire.live_room is not None  # entered
        wire.live_room.greet(wire, received)

    def welcomed(self, wire: Wire, welcome: Welcome) -> None:
        """Take the welcome: the room has let us in."""
        self._client.words.enter(wire, welcome)
        outcome = ResumeOutcome(welcome.resumed.upper())
        epoch = self._client.session.epoch
        self._client.feed(RoomJoined(epoch, outcome, welcome.last_seen_seconds))

    # --- faults -------------------------------------------------------------------------------

    def crash(self) -> None:
        """End with the process: what it had sent may still arrive."""
        wire, self.wire = self.wire, None
        if wire is not None:
            self.let_go(wire)

    def reset(self) -> None:
        """The connection is reset; both ends see it."""
        wire = self.wire
        if wire is not None and wire.server_is_on and wire.client_is_on:
            wire.is_reset = True
            self._lose(wire, "transport.signal_disconnected", NOTICED)
            self._notice_at_service(wire, NOTICED)

    def connected(self) -> None:
        """The connection is of use now."""
        if self.is_flapping:
            self._time.later(NOTICED, self.reset)

    def enter_black_hole(self) -> None:
        """Nothing passes any more; both ends find out by their heartbeats."""
        self.is_in_black_hole = True
        wire, policy = self.wire, self._client.policy
        if wire is not None:
            wire.is_black_hole = True
            seconds = policy.heartbeat_interval_seconds + policy.heartbeat_timeout_seconds
            self._lose(wire, "transport.heartbeat_lost", seconds)
            self._notice_at_service(wire, SERVER_PATIENCE)

    def server_died(self) -> None:
        wire = self.wire
        if wire is not None and wire.server_is_on:
            wire.server_is_on = False
            self._lose(wire, "transport.signal_disconnected", NOTICED)

    def said_goodbye(self, wire: Wire, bye: Bye) -> None:
        """The service ended the connection on purpose."""
        epoch, chance = self._client.session.epoch, self._time.random.random()
        self._client.feed(ServerEnded(epoch, bye.reason, bye.retry_after, chance))

    def _lose(self, wire: Wire, code: str, seconds: float) -> None:
        session = self._client.session
        self._time.later(seconds, self._lost, wire, code, session.epoch, self._client.life)

    def _lost(self, wire: Wire, code: str, epoch: int, life: int) -> None:
        if wire.client_is_on and self.wire is wire and life == self._client.life:
            wire.client_is_on = False
            chance = self._time.random.random()
            self._client.feed(ConnectionLost(epoch, failure(code), chance))
