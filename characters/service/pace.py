"""How fast a character's words come, and what the player's silence leads to. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

__all__ = ["IdleTimer", "pieces", "TimingConfig"]

_PIECE = re.compile(r"\s*\S+\s*?(?=\s|$)")
_BEATS = {".": 4.0, "!": 4.0, "?": 4.0, ",": 2.0, ";": 2.0}


@dataclass(frozen=True, slots=True)
class TimingConfig:
    """How fast things go (seconds); all zero, with no idle time, is for tests."""

    words_per_second: float = 14.0
    think_seconds: float = 0.25
    idle_timeout: float = 900.0
    idle_warning: float = 60.0
    remark_after: float = 45.0

    def seconds_for(self, piece: str) -> float:
        """Return how long a piece of text takes before the next one follows."""
        if self.words_per_second <= 0:
            return 0.0
        return _BEATS.get(piece.rstrip()[-1:], 1.0) / self.words_per_second


def pieces(text: str) -> list[str]:
    """Cut a text into words that carry the space before them, so that they join again."""
    found = _PIECE.findall(text)
    rest = text[sum(map(len, found)) :]
    return [*found[:-1], found[-1] + rest] if found else [text] if text else []


class IdleTimer:
    """The silence of one player: a remark of the character, a warning, the end."""

    def __init__(self, timing: TimingConfig, now: float) -> None:
        self._timing = timing
        self._active_at = now
        self._is_warned = False
        self._remarks_left = 0
        self._is_present = True

    def active(self, now: float) -> None:
        """Start again: the player is active."""
        self._active_at = now
        self._is_warned = False

    def set_present(self, present: bool, now: float) -> None:
        """Start again as the player's connection comes or goes; it runs while he is there."""
        self._is_present = present
        self.active(now)

    def allow_remark(self, count: int = 1) -> None:
        """Set how often the character may break the silence."""
        self._remarks_left = count

    def deadline(self, *, is_busy: bool) -> float:
        """Return when the next of the three is due."""
        if not self._is_present:
            return math.inf
        end = self._active_at + self._timing.idle_timeout
        times = [end if self._is_warned else end - self._timing.idle_warning]
        if self._remarks_left and not is_busy:
            times.append(self._active_at + self._timing.remark_after)
        return min(times)

    def is_over(self, now: float) -> bool:
        """Tell whether the player has been silent for too long."""
        return self._is_present and now >= self._active_at + self._timing.idle_timeout

    def warning(self, now: float) -> float | None:
        """Return the seconds left when a warning is due, once."""
        left = self._active_at + self._timing.idle_timeout - now
        if not self._is_present or self._is_warned or left > self._timing.idle_warning:
            return None
        self._is_warned = True
        return left

    def takes_remark(self, now: float) -> bool:
        """Tell whether a remark is due, and count it as made."""
        is_due = now >= self._active_at + self._timing.remark_after
        if not (self._is_present and self._remarks_left and is_due):
            return False
        self._remarks_left -= 1
        return True
