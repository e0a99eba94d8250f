"""Virtual time, chance, a disk and a service: what the simulated sessions live in."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from characters.core.failure import Failure, classify_http, failure
from characters.core.messages import ConnectRequest
from characters.core.state import SessionRecord
from characters.service.registry import Registry
from characters.service.rooms import ConflictError, Grant, Limits, RefusalError, Room, Session

__all__ = ["Disk", "Service", "Time", "Wire"]

# How long a server waits for a silent client before it counts it as gone.
SERVER_PATIENCE = 3.0


class Time:
    """Events in their order; equal times in the order in which they were planned."""

    def __init__(self, seed: int) -> None:
        self.now = 0.0
        self.random = Random(seed)
        self.steps = 0
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._heap, (self.now + seconds, self._count, action))

    def run(self, until: float) -> None:
        while self._heap and self._heap[0][0] <= until:
            self.now, _, action = heapq.heappop(self._heap)
            self.steps += 1
            action()
        self.now = until


class Disk:
    """A profile's records: slow at times, failing at times; what is written is durable."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self._free_at: dict[str, float] = {}
        self.records: dict[str, SessionRecord] = {}
        self.is_failing = False
        self.is_slow = False

    def do(self, key: str, work: Callable[[bool], None]) -> None:
        """Do work after a while, in order for each key; it is told whether the disk works."""
        now, random = self._time.now, self._time.random
        takes = random.uniform(2.0, 40.0) if self.is_slow else random.uniform(0.0, 0.02)
        done_at = max(self._free_at.get(key, 0.0), now) + takes
        self._free_at[key] = done_at
        self._time.later(done_at - now, lambda: work(not self.is_failing))


@dataclass(eq=False)
class Wire:
    """One TCP connection between a client and the service, each end with its own belief."""

    client_is_on: bool = True
    server_is_on: bool = False
    is_black_hole: bool = False
    room: Room | None = None
    live_id: str = ""
    incarnation: int = 0


class Service:
    """The real registry behind a simulated door."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self._numbers = 0
        self.kept: dict[str, Session] = {}
        self.ended: dict[str, None] = {}
        self.is_up = True
        self.is_draining = False
        self.is_lying = False  # a session that is asked for is answered with another one
        self.incarnation = 0
        self.registry = self._new_registry()
        self.wires: dict[str, Wire] = {}

    def _new_id(self) -> str:
        self._numbers += 1
        return f"n{self._numbers}"

    def _new_registry(self) -> Registry:
        registry = Registry(self._new_id, Limits(session_ttl=12 * 3600.0, max_rooms=10_000))
        registry.restore(self.kept.values(), self.ended)
        return registry

    def kill(self) -> None:
        """End as a process does: rooms are gone, sessions are on the disk."""
        self.is_up = False
        self.wires.clear()

    def start(self) -> None:
        self.is_up = True
        self.is_draining = False
        self.incarnation += 1
        self.registry = self._new_registry()

    def connect(self, ask: ConnectRequest) -> Grant | Failure:
        now = self._time.now
        gone = self.registry.expire(now)
        for session in gone.sessions:
            self._end(session.session_id)
        if self.is_draining:
            return classify_http(503, "the service is restarting", 2.0)
        if self.is_lying and ask.character_session_id is not None:
            ask = replace(ask, character_session_id=None, mode="create", room_name=None)
        try:
            grant = self._grant(ask, now)
        except RefusalError as problem:
            return classify_http(problem.status, problem.detail, problem.retry_after)
        self.kept[grant.room.session.session_id] = grant.room.session
        return grant

    def _grant(self, ask: ConnectRequest, now: float) -> Grant:
        try:
            return self.registry.connect(ask, now)
        except ConflictError as conflict:
            wire = self.wires.get(conflict.room.name)
            answers = wire is not None and wire.client_is_on and not wire.is_black_hole
            if answers:
                raise RefusalError(409, "the session is live elsewhere") from None
            return self.registry.connect(ask, now, dead=conflict.room.live_id)

    def enter(self, grant: Grant, wire: Wire) -> Failure | None:
        try:
            room, live_id = self.registry.enter(grant.room.name, grant.token, self._time.now)
        except RefusalError as problem:
            code = "connection.room_gone" if problem.status == 404 else "transport.join_refused"
            return failure(code)
        old = self.wires.get(room.name)
        if old is not None:
            old.server_is_on = False
        self.wires[room.name] = wire
        wire.room, wire.live_id, wire.server_is_on = room, live_id, True
        wire.incarnation = self.incarnation
        return None

    def leave(self, wire: Wire) -> None:
        """Notice that a connection ended."""
        if not wire.server_is_on or wire.incarnation != self.incarnation or wire.room is None:
            return
        wire.server_is_on = False
        if self.wires.get(wire.room.name) is wire:
            del self.wires[wire.room.name]
        self.registry.leave(wire.room, wire.live_id, self._time.now)

    def expire(self, session_id: str) -> None:
        """Let somebody delete a session."""
        if self.registry.remove(session_id):
            self._end(session_id)

    def _end(self, session_id: str) -> None:
        self.kept.pop(session_id, None)
        self.ended[session_id] = None
