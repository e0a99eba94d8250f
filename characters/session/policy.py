"""When to reconnect and what to resume, as frozen values; and when a connection counts as dead.

Time and chance are arguments of the methods. The defaults are those of the Unity SDK's
``ReconnectPolicy``; each field of ours has its reason beside it.

Anything that arrives proves that a connection lives. A `Heartbeat` pings when nothing has come
for an interval, and gives up when nothing has come for the interval and the time-out together:
so a half-open connection is noticed within their sum, whatever the socket says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import ClassVar, Literal

from characters.protocol.fields import Choice, by_default, check_number, set_member

__all__ = ["Beat", "Heartbeat", "IdlePolicy", "Persist", "ReconnectPolicy", "ResumePolicy"]


class ResumePolicy(StrEnum):
    """Whether a reconnect continues the stored conversation."""

    ALWAYS_FRESH = "always_fresh"
    RESUME_IF_POSSIBLE = "resume_if_possible"
    ALWAYS_RESUME = "always_resume"


class Persist(StrEnum):
    """How long a stored session id lives: over restarts, or until a deliberate disconnect."""

    ACROSS_RESTARTS = "across_restarts"
    UNTIL_DISCONNECT = "until_disconnect"


class IdlePolicy(StrEnum):
    """What happens to a connected character while the player does nothing with it."""

    KEEP = "keep"
    HIBERNATE = "hibernate"


@dataclass(frozen=True)
class ReconnectPolicy:
    """How one character's session connects, reconnects, resumes and opens its microphone.

    Raises ValueError when a field is out of range; the sentence names the field.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    DEFAULT: ClassVar[ReconnectPolicy]
    ALWAYS_CREATE_NEW: ClassVar[ReconnectPolicy]
    PATIENT: ClassVar[ReconnectPolicy]

    room_rejoin_ttl_seconds: float = 60.0
    resume_policy: Choice[
        ResumePolicy, Literal["always_fresh", "resume_if_possible", "always_resume"]
    ] = by_default(ResumePolicy.RESUME_IF_POSSIBLE)
    max_reconnect_attempts: int | None = 3
    spawn_agent_on_rejoin: bool = True
    start_wait_timeout_ms: float = 5000
    auto_mic_start_delay_seconds: float = 0.5
    backoff_base_seconds: float = 1.0
    backoff_cap_seconds: float = 4.0
    # An attempt count gives up during any outage of a minute; a time budget does not.
    reconnect_budget_seconds: float | None = None
    # The attempt count is reset only then: a server that accepts and closes is not hammered.
    stable_after_seconds: float = 5.0
    character_ready_timeout_seconds: float = 30.0
    heartbeat_interval_seconds: float = 1.0
    heartbeat_timeout_seconds: float = 1.5
    idle: Choice[IdlePolicy, Literal["keep", "hibernate"]] = by_default(IdlePolicy.KEEP)
    hibernate_after_seconds: float = 60.0

    def __post_init__(self) -> None:
        for name in _MAY_BE_ZERO:
            check_number(name, getattr(self, name), zero_is_fine=True)
        for name in _ABOVE_ZERO:
            check_number(name, getattr(self, name), zero_is_fine=False)
        if self.reconnect_budget_seconds is not None:
            check_number(
                "reconnect_budget_seconds", self.reconnect_budget_seconds, zero_is_fine=True
            )
        _check_attempts(self.max_reconnect_attempts)
        set_member(self, "resume_policy", ResumePolicy)
        set_member(self, "idle", IdlePolicy)
        if not isinstance(self.spawn_agent_on_rejoin, bool):
            got = self.spawn_agent_on_rejoin
            raise ValueError(f"spawn_agent_on_rejoin must be true or false (got {got!r})")
        if self.backoff_cap_seconds < self.backoff_base_seconds:
            raise ValueError(
                "backoff_cap_seconds must not be below backoff_base_seconds "
                f"(got {self.backoff_cap_seconds:g} and {self.backoff_base_seconds:g})"
            )

    def delay(self, attempt: int, chance: float) -> float:
        """Return the seconds to wait before retry ``attempt``, counted from 1.

        The first retry goes at once. The n-th of those that wait (retry n + 1) waits between half
        and all of `min(cap, base * 2**n)`, spread by ``chance`` in [0, 1): with the defaults 1 to
        2 s, then 2 to 4 s. So `base` is the shortest wait and `cap` the longest one.

        Three attempts last 3 s or more, which is longer than a service takes to restart. A full
        jitter, from nothing to all of the step, could spend them within a second.
        """
        if attempt <= 1:
            return 0.0
        # 2.0**1024 overflows; the cap has long been reached by then.
        doubled = self.backoff_base_seconds * 2.0 ** min(attempt - 1, 64)
        return min(self.backoff_cap_seconds, doubled) * (0.5 + 0.5 * chance)

    def allows_attempt(self, attempt: int) -> bool:
        """Return whether retry number ``attempt`` is within the attempt count."""
        return self.max_reconnect_attempts is None or attempt <= self.max_reconnect_attempts

    @property
    def is_always_fresh(self) -> bool:
        """Whether each conversation is a new one, as at a kiosk."""
        return self.resume_policy is ResumePolicy.ALWAYS_FRESH

    def may_rejoin(self, room_age: float) -> bool:
        """Return whether a room left ``room_age`` seconds ago may still be rejoined."""
        return room_age < self.room_rejoin_ttl_seconds


_MAY_BE_ZERO = (
    "room_rejoin_ttl_seconds",
    "auto_mic_start_delay_seconds",
    "backoff_base_seconds",
    "backoff_cap_seconds",
    "stable_after_seconds",
)
_ABOVE_ZERO = (
    "start_wait_timeout_ms",
    "character_ready_timeout_seconds",
    "heartbeat_interval_seconds",
    "heartbeat_timeout_seconds",
    "hibernate_after_seconds",
)


def _check_attempts(value: object) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(
            "max_reconnect_attempts must be a whole number of 0 or more, "
            f"or None for no limit (got {value!r})"
        )


ReconnectPolicy.DEFAULT = ReconnectPolicy()
ReconnectPolicy.ALWAYS_CREATE_NEW = ReconnectPolicy(
    room_rejoin_ttl_seconds=0.0, resume_policy=ResumePolicy.ALWAYS_FRESH
)
ReconnectPolicy.PATIENT = ReconnectPolicy(
    max_reconnect_attempts=None, reconnect_budget_seconds=3600.0
)


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
