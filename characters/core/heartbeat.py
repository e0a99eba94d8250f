"""When to ping, and when the line is dead, whatever the socket says.

Anything that arrives proves that the line lives. A ping is due when nothing has come for
an interval; the line is dead when nothing has come for the interval and the time-out
together, so a half-open link is noticed within their sum.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

__all__ = ["Beat", "Heartbeat"]


EARLY = 0.05
"""By what share of its interval a ping may go out early."""


class Beat(Enum):
    """What to do now."""

    WAIT = "wait"
    PING = "ping"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The liveness of one connection; all times in seconds on one monotonic clock."""

    interval: float
    timeout: float
    last_received: float
    last_ping: float | None = None
    last_looked: float | None = None

    def heard(self, last_received: float) -> Heartbeat:
        """Return the heartbeat after something came at ``last_received``."""
        return replace(self, last_received=max(last_received, self.last_received))

    def check(self, now: float) -> tuple[Heartbeat, Beat]:
        """Decide what to do now; look again at `next_look` at the latest.

        A process that was suspended, or whose loop was held up, finds a line that seems
        long dead: it is pinged and given one full time-out more before it counts as dead.
        """
        late = self.last_looked is not None and now - self.last_looked > self.timeout
        if late:
            woken = replace(self, last_received=max(self.last_received, now - self.interval))
            return replace(woken, last_ping=now, last_looked=now), Beat.PING
        looked = replace(self, last_looked=now)
        if now - self.last_received >= self.interval + self.timeout:
            return looked, Beat.DEAD
        # What arrived a moment after the last ping must not cost a second look, a moment later.
        if now >= self._next_ping() - EARLY * self.interval:
            return replace(looked, last_ping=now), Beat.PING
        return looked, Beat.WAIT

    def next_look(self, now: float) -> float:
        """Return the moment at which `check` has something to do, later than ``now``."""
        dead_at = self.last_received + self.interval + self.timeout
        # Well below a time-out, so that a late look is seen as one.
        return max(now + 0.001, min(self._next_ping(), dead_at, now + self.timeout * 0.8))

    def _next_ping(self) -> float:
        quiet_since = self.last_received
        if self.last_ping is not None:
            quiet_since = max(quiet_since, self.last_ping)
        return quiet_since + self.interval
