"""The simulated service: the real registry and real talks behind a simulated door and disk."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from characters.protocol.failures import Failure, classify_http, failure
from characters.protocol.messages import ConnectRequest
from characters.service.registry import ConflictError, Grant, Limits, RefusalError, Registry, Room
from tests.simulation.disk import ServiceDisk, Store
from tests.simulation.promise import promise
from tests.simulation.room import SimulatedRoom
from tests.simulation.virtual_time import Time
from tests.simulation.wire import Wire

__all__ = ["SERVER_PATIENCE", "Answer", "Service"]

# How long a server waits for a silent client before it counts it as gone.
SERVER_PATIENCE = 15.0
SESSION_TTL = 12 * 3600.0
SWEEP_SECONDS = 120.0
# A session is at most so much older for a service that was restarted than it is in truth.
LONGEST_UNSAVED = 3600.0

Answer: TypeAlias = Callable[[Grant | Failure], None]


class Service:
    """What survives the process: `store` and `disk`; all else is of one incarnation."""

    def __init__(self, time: Time) -> None:
        self.time = time
        self.disk = ServiceDisk(time)
        self.store = Store()
        self.counts: Counter[str] = Counter()
        # Whose answers a client had to the end, by character and session: the clients' own book.
        self.had: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.is_up = True
        self.is_draining = False
        self.is_lying = False  # a session that is asked for is answered with another one
        self.incarnation = 0
        self._numbers = 0
        self._used_at: dict[str, float] = {}  # of sessions, by our own book
        self._begin()

    def _begin(self) -> None:
        limits = Limits(session_ttl=SESSION_TTL, max_rooms=10_000)
        self.registry = Registry(self._new_id, limits)
        self.registry.restore(
            map(self.store.session_of, self.store.kept.values()), self.store.ended
        )
        self.live_rooms: dict[str, SimulatedRoom] = {}
        self._wires: dict[str, Wire] = {}  # session id -> its one live wire
        self._closing: dict[str, int] = {}  # session id -> rooms that still save
        self._postponed: list[tuple[str, Callable[[], None]]] = []
        self._swept_at = self.time.now

    def _new_id(self) -> str:
        self._numbers += 1
        return f"n{self._numbers}"

    # --- life -----------------------------------------------------------------------------------

    def kill(self) -> None:
        """End as a process does: rooms are gone, and so is what is not on the disk."""
        self.is_up = False
        for live_room in self.live_rooms.values():
            live_room.is_over = True
        self.disk.crash()

    def start(self) -> None:
        """Begin again with what the disk has."""
        self.is_up = True
        self.is_draining = False
        self.incarnation += 1
        self._begin()

    def drain(self) -> None:
        """Say goodbye to everybody, and let nobody in."""
        self.is_draining = True
        for live_room in tuple(self.live_rooms.values()):
            live_room.end("drain", 1.0)

    def _sweep(self) -> None:
        if self.time.now - self._swept_at < SWEEP_SECONDS:
            return
        self._swept_at = self.time.now
        gone = self.registry.expire(self.time.now)
        for room in gone.rooms:
            self._end(room, "expired")
        for session in gone.sessions:
            self._remove(session.session_id)

    def _end(self, room: Room, reason: str) -> None:
        live_room = self.live_rooms.get(room.name)
        if live_room is not None:
            live_room.end(reason)

    def let_go(self, live_room: SimulatedRoom) -> None:
        """Forget a room that has ended, once what was said in it is saved."""
        self.registry.close_room(live_room.room)
        if self.live_rooms.pop(live_room.room.name, None) is None:
            return
        session_id = live_room.room.session.session_id
        self._closing[session_id] = self._closing.get(session_id, 0) + 1
        live_room.close(partial(self._closed, session_id))

    def _closed(self, session_id: str) -> None:
        self._closing[session_id] -= 1
        if self._closing[session_id]:
            return
        del self._closing[session_id]
        ready = [action for name, action in self._postponed if name == session_id]
        self._postponed = [item for item in self._postponed if item[0] != session_id]
        for action in ready:
            action()

    # --- the door -------------------------------------------------------------------------------

    def connect(self, ask: ConnectRequest, answer: Answer) -> None:
        """Grant a room, or refuse; the answer comes when what it needs is on the disk."""
        self._sweep()
        if self.is_draining:
            answer(classify_http(503, "the service is restarting", 2.0))
            return
        if self.is_lying and ask.character_session_id is not None:
            ask = replace(ask, character_session_id=None, mode="create", room_name=None)
        try:
            grant = self._grant(ask)
        except RefusalError as problem:
            self._check_refusal(ask, problem)
            answer(classify_http(problem.status, problem.detail, problem.retry_after))
            return
        for room in grant.closed:
            self._end(room, "taken-over")
        session_id = grant.room.session.session_id
        self._used_at[session_id] = self.time.now
        if not grant.is_new:
            answer(grant)
        elif session_id in self._closing:
            self._postponed.append((session_id, partial(self._settle, ask, grant, answer)))
        else:
            self._settle(ask, grant, answer)

    def _grant(self, ask: ConnectRequest) -> Grant:
        now = self.time.now
        live = self._wires.get(ask.character_session_id or "")
        if live is not None and live.is_whole and live.live_room is not None:
            # Its client pings once a second.
            self.registry.heard(live.live_room.room, now)
        try:
            return self.registry.connect(ask, now)
        except ConflictError as conflict:
            wire = self._wires.get(conflict.room.session.session_id)
            if wire is not None and wire.is_whole:
                raise RefusalError(409, "the session is live elsewhere") from None
            return self.registry.connect(ask, now, dead=conflict.room.live_id)

    def _check_refusal(self, ask: ConnectRequest, problem: RefusalError) -> None:
        session_id = ask.character_session_id
        if problem.status != 404 or ask.mode == "join" or session_id is None:
            return
        age = self.time.now - self._used_at[session_id]
        is_right = session_id in self.store.ended or age > SESSION_TTL - LONGEST_UNSAVED
        promise(is_right, "The service lost a session that it had granted.", ask.character_id)
        self._remove(session_id)

    def _settle(self, ask: ConnectRequest, grant: Grant, answer: Answer) -> None:
        session = grant.room.session

        def write() -> None:
            if self.registry.session(session.session_id) is not None:
                self.store.save(session)

        def done(is_working: bool) -> None:
            kept = self.store.kept.get(session.session_id)
            is_there = self.registry.room(grant.room.name) is grant.room
            if not is_working or kept is None or not is_there:
                self.registry.close_room(grant.room)
                answer(classify_http(500, "the service failed"))
                return
            truth = kept.memory == kept.heard
            promise(truth, "What a character remembers is not what it was told.", who)
            self.live_rooms[grant.room.name] = SimulatedRoom(self, grant.room, kept, ask.heard)
            answer(grant)

        who = session.character_id
        self.disk.do(write, done)

    def enter(self, grant: Grant, wire: Wire) -> Failure | None:
        """Let a connection in; None if it may."""
        name = grant.room.name
        try:
            room, live_id = self.registry.enter(name, grant.token, self.time.now)
        except RefusalError as problem:
            code = "connection.room_gone" if problem.status == 404 else "transport.join_refused"
            return failure(code)
        session = room.session
        old = self._wires.get(session.session_id)
        if old is not None:
            is_same = old.live_room is not None and old.live_room.room is room
            is_over = (
                is_same or not old.server_is_on or old.live_room is None or old.live_room.is_over
            )
            promise(is_over, "Two are live in one conversation.", session.character_id)
            old.server_is_on = False
        self._wires[session.session_id] = wire
        wire.live_room, wire.live_id, wire.server_is_on = self.live_rooms[name], live_id, True
        wire.incarnation = self.incarnation
        return None

    def leave(self, wire: Wire, *, for_good: bool = False) -> None:
        """Notice that a connection ended, with a goodbye if for good."""
        if wire.has_left or wire.incarnation != self.incarnation or wire.live_room is None:
            return
        wire.has_left, room = True, wire.live_room.room
        # The registry has to know by itself that one which was replaced ends nothing.
        self.registry.leave(room, wire.live_id, self.time.now)
        if not wire.server_is_on:
            return
        wire.server_is_on = False
        session_id = room.session.session_id
        if self._wires.get(session_id) is wire:
            del self._wires[session_id]
        wire.live_room.left(wire, for_good=for_good)
        self._used_at[session_id] = self.time.now

    # --- what is heard and kept -----------------------------------------------------------------

    def taken(self, live_room: SimulatedRoom, number: int) -> None:
        """Hold a line that a character takes for new against what is kept already."""
        self.counts["lines taken"] += 1
        kept = self.store.kept.get(live_room.room.session.session_id)
        is_new = kept is None or not kept.lines or number > kept.lines[-1]
        promise(is_new, "A line was taken twice, or out of its order.", live_room.owner)

    def settled(self, live_room: SimulatedRoom, message_id: str) -> None:
        """Hold an answer that the service believes to be told against what the client had."""
        session_id = live_room.room.session.session_id
        had = message_id in self.had[live_room.owner, session_id]
        promise(had, "An answer counts as told that the client never had.", live_room.owner)

    def hear(self, wire: Wire, timestamp: float) -> None:
        """Take a frame of the microphone."""
        self.counts["frames heard"] += 1

    def expire(self, session_id: str) -> None:
        """Let somebody delete a session."""
        if self.registry.remove(session_id):
            self._remove(session_id)

    def _remove(self, session_id: str) -> None:
        self.store.remove(session_id)
