"""Small help with words: blanks in lines, spans of time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

__all__ = ["away_words", "best_lines", "fill"]

_BLANK = re.compile(r"\{([a-z][a-z0-9_]*)(?:\|([^{}]*))?\}")


def fill(line: str, values: Mapping[str, str]) -> tuple[str, int] | None:
    """Fill `{name}` and `{name|stranger}` (with what to say instead); None if one stays blank.

    Returns the text and how many blanks were filled that had no way out: the more, the better
    the line fits the moment.
    """
    known = 0

    def word(match: re.Match[str]) -> str:
        nonlocal known
        name, instead = match.groups()
        known += instead is None
        value = values.get(name, instead or "")
        return value[:1].upper() + value[1:] if _begins_sentence(line, match.start()) else value

    needed = (name for name, instead in _BLANK.findall(line) if not instead)
    if any(name not in values for name in needed):
        return None
    return _BLANK.sub(word, line), known


def best_lines(lines: Iterable[str], values: Mapping[str, str]) -> list[str]:
    """Return the lines that can be said now, of those the ones that know most."""
    filled = [result for result in (fill(line, values) for line in lines) if result is not None]
    most = max((known for _, known in filled), default=0)
    return [text for text, known in filled if known == most]


def _begins_sentence(line: str, at: int) -> bool:
    before = line[:at].rstrip()
    return not before or before[-1] in ".!?"


def away_words(seconds: float) -> str:
    """Say how long ago something was: "3 minutes ago"; a coarse word, never a wrong one."""
    if seconds < 45:
        return "a moment ago"
    for size, unit in ((86400 * 7, "week"), (86400, "day"), (3600, "hour"), (60, "minute")):
        count = round(seconds / size)
        if count >= 1 and seconds >= size * 0.75:
            return (
                f"{'an' if unit == 'hour' else 'a'} {unit} ago"
                if count == 1
                else f"{count} {unit}s ago"
            )
    return "a minute ago"
