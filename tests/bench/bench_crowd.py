"""A level with 1,000 characters of whom eight are near: what the others cost."""

from __future__ import annotations

from tests.bench.case import Aim, Case, Contender

__all__ = ["cases"]

MAKERS = "tests.bench.crowd_contenders"
EMPTY = "the same level without characters"
CROWD = "Troupe, 1,000 characters, eight connected"


def cases(quick: bool) -> list[Case]:
    """Return the cases; the quick ones leave out rounds."""
    rounds = 2 if quick else 20
    return [frames(rounds, drawn=False), frames(rounds, drawn=True), start(2 if quick else 10)]


def frames(rounds: int, *, drawn: bool) -> Case:
    """Return the case of one frame at 60 Hz, HUD included; drawn with everybody's badge."""
    rows = ((EMPTY, 0), (CROWD, 1_000), ("Troupe, eight characters, connected", 8))
    contenders = tuple(
        Contender(
            name,
            f"{MAKERS}:frames",
            {"people": people, "drawn": drawn},
            is_floor=people == 0,
            is_ours=people > 0,
        )
        for name, people in rows
    )
    name = "One frame of a crowded level" + (", its HUD drawn" if drawn else "")
    # Aimed at is 1 ms more than without anybody: the floor is far below that.
    aims = () if drawn else (Aim(CROWD, 1.0, statistic="p99"),)
    return Case(name, contenders, rounds, "ms", 1e3, aims)


def start(rounds: int) -> Case:
    """Return the case of reading, checking and building the level, to the end of a frame."""
    contenders = (
        Contender(EMPTY, f"{MAKERS}:start", {"people": 0}, is_floor=True),
        Contender(CROWD, f"{MAKERS}:start", {"people": 1_000}, is_ours=True),
    )
    aims = (Aim(CROWD, 2.0),)
    return Case(
        "A crowded level from its file to its first frame", contenders, rounds, "s", 1, aims
    )
