"""How fast a talk goes: the words of an answer, the breath between sentences, patience."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Pace", "pieces"]

_PIECE = re.compile(r"\s*\S+\s*?(?=\s|$)")
_BEATS = {".": 4.0, "!": 4.0, "?": 4.0, ",": 2.0, ";": 2.0}


@dataclass(frozen=True, slots=True)
class Pace:
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
