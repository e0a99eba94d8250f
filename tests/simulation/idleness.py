"""How long a player was silent, measured beside the conversation's own measure."""

from __future__ import annotations

from characters.service.pace import TimingConfig
from tests.simulation.promise import promise

__all__ = ["Idleness"]

HAIR = 1e-6


class Idleness:
    """The silence of one player in one room."""

    def __init__(self, owner: str, pace: TimingConfig, now: float) -> None:
        self._owner, self._pace = owner, pace
        self._active_at = now
        self._warned_at: float | None = None

    def active(self, now: float) -> None:
        """The player came, went, or said something new."""
        self._active_at, self._warned_at = now, None

    def check(self, now: float) -> None:
        """The player is there, and something came from him."""
        late = now - self._active_at > self._pace.idle_timeout + HAIR
        promise(not late, "A silent player was kept longer than the idle time-out.", self._owner)

    def warned(self, now: float) -> None:
        """The player was asked whether he is still there."""
        self._warned_at = now
        early = now - self._active_at < self._pace.idle_timeout - self._pace.idle_warning - HAIR
        promise(not early, "An idle warning came to somebody who was not idle.", self._owner)

    def ended(self, now: float) -> None:
        """The talk was ended for idleness."""
        is_idle = now - self._active_at >= self._pace.idle_timeout - HAIR
        promise(is_idle, "The idle time-out came to somebody who was not idle.", self._owner)
        warned_at = self._warned_at
        is_fair = warned_at is not None and now - warned_at >= self._pace.idle_warning - HAIR
        promise(is_fair, "The idle time-out came without a warning in time.", self._owner)
