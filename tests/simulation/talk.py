"""What is said in a simulated room: numbered by the real links, over lines that break.

A client says numbers, each larger than the one before; the service hears them and repeats them
back. Whatever breaks, each end gets what the other said in this room in order, once, and at last
all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from characters.core.delivery import Arrival
from characters.core.link import RoomLink, Welcome
from tests.simulation.world import Time, Wire

__all__ = ["FarEnds", "Hello", "Talk"]

# The same for all frames, so that they stay in order, as TCP keeps them.
FRAME_SECONDS = 0.03

Frame = dict[str, Any]
Hello = tuple[Welcome, tuple[Frame, ...]]


@dataclass
class FarEnd:
    """The service's end in one room."""

    link: RoomLink
    heard: list[int] = field(default_factory=list)


class FarEnds:
    """The service's ends; they die with the rooms."""

    def __init__(self) -> None:
        self._ends: dict[str, FarEnd] = {}

    def of(self, room_name: str) -> FarEnd:
        return self._ends.setdefault(room_name, FarEnd(RoomLink(room_name)))

    def clear(self) -> None:
        self._ends.clear()


class Talk:
    """A client's end, and what passes between the two; it dies with the client's process."""

    def __init__(self, time: Time, ends: FarEnds, last: int = 0) -> None:
        self._time = time
        self._ends = ends
        self._link = RoomLink("")
        self._wire: Wire | None = None
        self._is_new = True
        self.last = last  # the last number that was said
        self.said: list[int] = []
        self.echoed: list[int] = []

    def after_a_restart(self) -> Talk:
        """Return the talk of the process that comes after this one."""
        return Talk(self._time, self._ends, self.last)

    def knock(self, wire: Wire) -> Hello:
        """Say hello at the service: return its welcome and what it repeats."""
        name = _room_of(wire)
        if name != self._link.room_name:
            self._link, self._is_new = RoomLink(name), True
        end = self._ends.of(name)
        missed = end.link.missed(self._link.inbox.received)
        following = missed[0]["seq"] if missed else end.link.outbox.sent + 1
        return Welcome(end.link.inbox.received, len(missed), following), missed

    def enter(self, wire: Wire, hello: Hello) -> None:
        """Take the welcome: repeat what the service lacks, hear what was missed."""
        welcome, missed = hello
        if self._is_new:
            # A client that was restarted knows nothing of what it said before.
            self._is_new = False
            self.said = list(self._ends.of(_room_of(wire)).heard)
            self.echoed = []
        self._wire = wire
        for frame in self._link.enter(welcome):
            self._send(wire, frame)
        for frame in missed:
            self._hear(wire, frame)

    def say(self) -> None:
        """Say the next number, if there is a line."""
        wire = self._wire
        if wire is None or not wire.client_is_on:
            return
        self.last += 1
        self.said.append(self.last)
        self._send(wire, self._link.wrap({"number": self.last}))

    def check(self) -> None:
        """Hold what the service heard against what was said here."""
        if self._wire is None or not self._is_live(self._wire):
            return
        heard = self._ends.of(_room_of(self._wire)).heard
        assert heard == self.said, "a message was lost"
        assert self.echoed == heard[len(heard) - len(self.echoed) :], "an answer was lost"
        if self.said and self.echoed:
            assert self.echoed[-1] == self.said[-1], "the last answer was lost"

    # --- on the way -------------------------------------------------------------------------

    def _is_live(self, wire: Wire) -> bool:
        return wire.client_is_on and wire.server_is_on and not wire.is_black_hole

    def _later(self, wire: Wire, action: Callable[[], None]) -> None:
        self._time.later(FRAME_SECONDS, lambda: action() if self._is_live(wire) else None)

    def _send(self, wire: Wire, frame: Frame) -> None:
        self._later(wire, lambda: self._arrive(wire, frame))

    def _arrive(self, wire: Wire, frame: Frame) -> None:
        """Let the service hear a frame, confirm it, and repeat the number."""
        end = self._ends.of(_room_of(wire))
        arrival = end.link.accept(frame)
        assert arrival is not Arrival.GAP, "a message is missing"
        if arrival is Arrival.DELIVER:
            number = frame["number"]
            assert not end.heard or number > end.heard[-1], "a message came twice or out of order"
            end.heard.append(number)
            echo = end.link.wrap({"number": number})
            self._later(wire, lambda: self._hear(wire, echo))
        confirmed = end.link.ack(now=True)
        if confirmed is not None:
            self._later(wire, lambda: self._link.outbox.acknowledged(confirmed.received))

    def _hear(self, wire: Wire, frame: Frame) -> None:
        """Hear the service, and confirm it now and then."""
        arrival = self._link.accept(frame)
        assert arrival is not Arrival.GAP, "an answer is missing"
        if arrival is Arrival.DELIVER:
            number = frame["number"]
            assert not self.echoed or number > self.echoed[-1], "an answer came twice"
            self.echoed.append(number)
        confirmed = self._link.ack()
        if confirmed is not None:
            outbox = self._ends.of(_room_of(wire)).link.outbox
            self._later(wire, lambda: outbox.acknowledged(confirmed.received))


def _room_of(wire: Wire) -> str:
    assert wire.room is not None  # the service let it in
    return wire.room.name
