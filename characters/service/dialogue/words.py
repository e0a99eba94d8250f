"""Small help with words: blanks in lines, spans of time."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["away_words", "fill"]

_BLANK = re.compile(r"\{([a-z][a-z0-9_]*)(?:\|([^{}]*))?\}")


def fill(line: str, values: Mapping[str, str]) -> str | None:
    """Fill `{name}` and `{name|stranger}` (with what to say instead); None if one stays blank."""
    missing = False

    def word(match: re.Match[str]) -> str:
        nonlocal missing
        value = values.get(match.group(1), match.group(2))
        missing = missing or value is None
        return value or ""

    text = _BLANK.sub(word, line)
    return None if missing else text


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
