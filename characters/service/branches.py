"""The log of a session, which branches share, and what was known at a point of it. Pure.

Entries are numbered and lie in *segments*; a segment begins behind an entry of its parent. A
session is a `LogPlace`: a segment, and the number of the last entry that belongs to it. To branch
is to name a place once more, so nothing is copied; whoever goes on from a place behind which
there is something already does so in a segment of its own.

What a character knows is a JSON object. At the begin of each exchange only what has changed since
the one before is written (`change`), now and then all of it; `rebuilt` puts it together again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = [
    "change", "changed", "EntryRange", "exchange_begin", "LogPlace", "MAX_CHANGES", "rebuilt",
    "SegmentTree",
]  # fmt: skip

MAX_CHANGES = 32  # in a row, before all is written again


@dataclass(frozen=True, slots=True)
class LogPlace:
    """The end of a session's log: a segment, and the number of its last entry there."""

    segment: int
    number: int


@dataclass(frozen=True, slots=True)
class EntryRange:
    """The entries of a segment that are needed: those after `after`, up to `last`."""

    after: int
    last: int


@dataclass(frozen=True, slots=True)
class SegmentTree:
    """Segments that share a first entry, each with the place where it begins (None: the first)."""

    begins: Mapping[int, LogPlace | None]

    def path(self, end: LogPlace) -> Iterator[LogPlace]:
        """Yield what belongs to a log, its newest part first: a segment, up to a number."""
        place: LogPlace | None = end
        while place is not None:
            yield place
            place = self.begins[place.segment]

    def place_of(self, end: LogPlace, number: int) -> LogPlace:
        """Return where an entry of a log lies; one behind its end is the end."""
        place = end
        for place in self.path(end):
            begin = self.begins[place.segment]
            if begin is None or number > begin.number:
                break
        return LogPlace(place.segment, min(number, place.number))

    def needed(self, ends: Iterable[LogPlace], window: int) -> dict[int, EntryRange]:
        """Return what the last `window` entries of some logs need; other segments are garbage."""
        spans: dict[int, EntryRange] = {}
        for end in ends:
            after = end.number - window
            for place in self.path(end):
                known = spans.get(place.segment, EntryRange(after, place.number))
                spans[place.segment] = EntryRange(
                    min(known.after, after), max(known.last, place.number)
                )
        return spans


# --- what is known ------------------------------------------------------------------------------


def change(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what makes `after` of `before`, None if that takes all of it.

    Both are objects of JSON values. Of an object within them only its changed values are named.
    """
    found: dict[str, Any] = {}
    for key, value in after.items():
        known = before.get(key)
        if isinstance(value, dict) and isinstance(known, dict):
            found[key] = {k: v for k, v in value.items() if k not in known or known[k] != v}
            if not found[key]:
                del found[key]
        elif key not in before or known != value:
            found[key] = value
    # What was removed, or stands in another order, or is equal but no same text, is not named.
    return found if json.dumps(changed(before, found)) == json.dumps(after) else None


def changed(before: Mapping[str, Any], by: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with a change made to it."""
    after = dict(before)
    for key, value in by.items():
        known = after.get(key)
        if isinstance(value, dict) and isinstance(known, dict):
            value = {**known, **value}
        after[key] = value
    return after


def rebuilt(written: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is known after what was written: all of it first, then changes, in order."""
    known: dict[str, Any] = {}
    for item in written:
        known = changed(known, item)
    return known


def exchange_begin(turns: Iterable[tuple[int, str]]) -> int | None:
    """Return the number of the entry before the last exchange, None if there is no exchange.

    `turns` are the numbers and speakers of a log, the newest first. An exchange is what the player
    said since the character spoke last, and all that came after it.
    """
    begin = None
    for number, speaker in turns:
        if speaker == "player":
            begin = number - 1
        elif begin is not None:
            break
    return begin
