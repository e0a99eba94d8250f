"""A simulated connection: what is sent arrives in order, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from characters.protocol.link import Ack, Bye, Welcome
from tests.simulation.virtual_time import Time

if TYPE_CHECKING:
    from tests.simulation.room import SimulatedRoom

__all__ = ["Frame", "Item", "Wire"]

Frame: TypeAlias = dict[str, Any]
"""A numbered message: {"message": ..., "seq": ...}."""
Item: TypeAlias = Frame | Welcome | Ack | Bye | float
"""What travels; a number is a frame of the microphone, seconds after the ready signal."""

# A client pings once a second while nothing else comes; with that, both ends confirm.
PULSE_SECONDS = 1.0
# A numbered message comes twice at times, as over a proxy that repeats what it cannot confirm.
REPEATED = 0.002


class Receiver(Protocol):
    def receive(self, wire: Wire, item: Item) -> None: ...

    def confirm(self, wire: Wire) -> None: ...


class Wire:
    """One TCP connection between a client and the service, each end with its own belief."""

    def __init__(self, time: Time, client: Receiver) -> None:
        self._time = time
        self._client = client
        # The same for all frames, so that they stay in order, as TCP keeps them.
        self.seconds = time.random.uniform(0.001, 0.1)
        self.client_is_on = True
        self.server_is_on = False
        self.is_black_hole = False
        self.is_reset = False
        self.has_left = False  # the service has noticed its end
        self.live_room: SimulatedRoom | None = None
        self.live_id = ""
        self.incarnation = 0
        self._up: list[Item] = []
        self._up_at = -1.0
        self._down: list[Item] = []
        self._down_at = -1.0
        self._is_pulse_due = False

    @property
    def is_whole(self) -> bool:
        """Whether what is sent now arrives at both ends."""
        dead = self.is_black_hole or self.is_reset
        return self.client_is_on and self.server_is_on and not dead

    def up(self, item: Item) -> None:
        """Send to the service; what is sent at one moment travels as one."""
        now = self._time.now
        if now == self._up_at:
            self._up.append(item)
            return
        self._up_at, self._up = now, [item]
        self._time.later(self.seconds, self._arrive_up, self._up)

    def down(self, item: Item) -> None:
        """Send to the client."""
        now = self._time.now
        if now == self._down_at:
            self._down.append(item)
            return
        self._down_at, self._down = now, [item]
        self._time.later(self.seconds, self._arrive_down, self._down)

    def _arrive_up(self, batch: list[Item]) -> None:
        for item in batch:
            if not self.server_is_on or self.is_black_hole or self.is_reset:
                return
            assert self.live_room is not None  # set before the server's end is on
            self.live_room.receive(self, item)
            if isinstance(item, dict) and self._time.chance(REPEATED):
                self.live_room.receive(self, item)
        self._plan_pulse()

    def _arrive_down(self, batch: list[Item]) -> None:
        for item in batch:
            if not self.client_is_on or self.is_black_hole or self.is_reset:
                return
            self._client.receive(self, item)
            if isinstance(item, dict) and self._time.chance(REPEATED):
                self._client.receive(self, item)
        self._plan_pulse()

    def _plan_pulse(self) -> None:
        if not self._is_pulse_due:
            self._is_pulse_due = True
            self._time.later(PULSE_SECONDS, self._pulse)

    def _pulse(self) -> None:
        self._is_pulse_due = False
        if self.is_whole and self.live_room is not None:
            self._client.confirm(self)
            self.live_room.confirm(self)
