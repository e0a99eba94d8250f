"""A history of changes and what may be left of it: the model that the faults are held against."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from engine.prefs.format import Change, Value, WriteQueue, apply_change
from engine.prefs.log import PrefsLog
from engine.prefs.writer import PrefsWriter
from tests.engine.fake_disk import FakeDisk

__all__ = ["PATH", "History", "recovered", "scenario"]

PATH = Path("/data/prefs.msgpack")


class History:
    """Every state that the settings went through, and which of them somebody was promised."""

    def __init__(self) -> None:
        self.states: list[dict[str, Value]] = [{}]
        self.promised = 0

    def put(self, change: Change) -> None:
        """Note a change."""
        state = dict(self.states[-1])
        apply_change(state, change)
        self.states.append(state)

    def allows(self, found: dict[str, Value]) -> bool:
        """Tell whether these may be the settings now: a prefix with all that was promised."""
        return found in self.states[self.promised :]


def scenario(batches: int, chance: random.Random) -> Iterator[list[Change]]:
    """Yield batches as games make them: small, many at once, large, deletions, everything gone."""
    for number in range(batches):
        kind = number % 8
        if kind in (0, 1, 2):
            yield [("level", number)]
        elif kind == 3:
            yield [(f"slot{n}", "x" * chance.randrange(10, 900)) for n in range(6)]
        elif kind == 4:
            yield [("level",), ("session", f"id-{number}")]
        elif kind == 5:
            yield [("face", bytes(chance.randrange(20_000, 30_000)))]
        elif kind == 6:
            yield [(f"slot{n}", number) for n in range(40)]
        else:
            yield [(), ("level", -1)] if number % 16 == 15 else [("face", b"\xc1PR" * 9000)]


def a_writer(disk: FakeDisk) -> PrefsWriter:
    """Return a writer whose thread was not started: whoever calls `commit` does the work."""
    log = PrefsLog(PATH, disk)
    contents, _ = log.open()
    return PrefsWriter(
        log,
        contents.values,
        live=contents.live,
        queue=WriteQueue(),
        group_seconds=0,
        on_save_state=lambda error: None,
    )


def recovered(files: dict[Path, bytes]) -> tuple[dict[str, Value], FakeDisk]:
    """Open what a crash left, as the next run of the game does."""
    disk = FakeDisk(files)
    return dict(a_writer(disk).values), disk
