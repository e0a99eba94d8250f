"""A level with 1,000 characters of whom eight are near: what the others cost."""

from __future__ import annotations

from tests.bench.case import Aim, Case, Contender

__all__ = ["cases"]

MAKERS = "tests.bench.crowd_contenders"
NEAR = 8
EMPTY = "the same level without characters"
CROWD = "Troupe, 1,000 characters, eight connected"
EIGHT = "Troupe, eight characters, connected"
WHY = "The same level with nobody in it: what a crowd costs is what comes on top."


def cases(quick: bool) -> list[Case]:
    """Return the cases; the quick ones leave out rounds."""
    rounds = 4 if quick else 12
    starts = 2 if quick else 10
    return [part(rounds), few(rounds), whole(rounds), start(starts), lint(starts)]


def part(rounds: int) -> Case:
    """Return the case of a hall of which a window shows a part, as games have it."""
    # Two at a time: whoever waits for his turn goes on talking to his service meanwhile.
    contenders = _frames(1_000)
    aims = (Aim(CROWD, 1.5), Aim(CROWD, 1.5, "p99"))
    name = "One frame of a crowded hall, updated and drawn, the camera follows a walking player"
    return Case(name, contenders, rounds, "ms", 1e3, aims, WHY)


def few(rounds: int) -> Case:
    """Return the case of the same hall with nobody in it but the eight."""
    name = "One frame of the hall with eight characters"
    return Case(name, _frames(NEAR), rounds, "ms", 1e3, (Aim(EIGHT, 1.5),), WHY)


def whole(rounds: int) -> Case:
    """Return the case of everybody in the picture at once, asleep but for eight."""
    name = "One frame of a crowded screen of 1920 x 1080, everybody in the picture"
    return Case(name, _frames(1_000, whole=True), rounds, "ms", 1e3, why=WHY)


def _frames(many: int, *, whole: bool = False) -> tuple[Contender, ...]:
    rows = ((EMPTY, 0), (EIGHT if many == NEAR else CROWD, many))
    return tuple(
        Contender(
            name,
            f"{MAKERS}:frames",
            {"people": people, "whole": whole},
            is_floor=people == 0,
            is_ours=people > 0,
        )
        for name, people in rows
    )


def start(rounds: int) -> Case:
    """Return the case of reading, checking and building the level, to the first picture."""
    contenders = (
        Contender(EMPTY, f"{MAKERS}:start", {"people": 0}, is_floor=True),
        Contender(CROWD, f"{MAKERS}:start", {"people": 1_000}, is_ours=True),
    )
    name = "A crowded level from its file to its first picture"
    return Case(name, contenders, rounds, "s", 1, (Aim(CROWD, 8.0),), WHY)


def lint(rounds: int) -> Case:
    """Return the case of `python -m characters lint` on the level, a process each time."""
    contenders = (
        Contender(EMPTY, f"{MAKERS}:lint", {"people": 0}, is_floor=True),
        Contender(CROWD, f"{MAKERS}:lint", {"people": 1_000}, is_ours=True),
    )
    return Case("Lint of a crowded level", contenders, rounds, "s", 1, (Aim(CROWD, 2.5),), WHY)
