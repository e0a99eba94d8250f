"""Save slots of five characters with a long past: what a save costs, and how long a load takes."""

from __future__ import annotations

from tests.bench.case import Aim, Case, Contender

__all__ = ["cases"]

MAKERS = "tests.bench.slots_contenders"
RESUME, LOAD = "all five, disconnected and resumed", "a load, until all five are CONNECTED"
NETWORK, FRAME = "a save, of the network thread", "a save, of a frame"
SHORT, LONG = "after 10 exchanges", "after 1,000 exchanges"


def cases(quick: bool) -> list[Case]:
    """Return the cases; the quick ones have fewer slots and rounds."""
    return [times(10 if quick else 100, 3 if quick else 6), growth()]


def times(slots: int, rounds: int) -> Case:
    """Return the case of saving into so many slots in turn, and of loading them."""
    rows = (RESUME, LOAD, NETWORK, FRAME)
    contender = Contender(
        "slots", f"{MAKERS}:times", {"slots": slots}, rows=rows, is_floor=True, is_ours=True
    )
    aims = (
        Aim(LOAD, 1.5, "p99", floor=RESUME),
        Aim(NETWORK, 0.1, "p99", floor=RESUME),
        Aim(FRAME, 0.001, "p99", floor=RESUME),
    )
    why = (
        "To load is to resume in another session. What a save takes of the two threads is beside "
        "that too: the aims are 20 ms and 0.2 ms where five resume in 200 ms."
    )
    name = f"{slots} slots of 5 characters with 1,000 exchanges"
    return Case(name, (contender,), rounds, "ms", 1e3, aims, why)


def growth() -> Case:
    """Return the case of what the service's store grows by, for each slot."""
    rows = [
        Contender(
            row,
            f"{MAKERS}:growth",
            {"exchanges": exchanges},
            is_floor=row == SHORT,
            is_ours=True,
        )
        for row, exchanges in ((SHORT, 10), (LONG, 1_000))
    ]
    why = "A slot shares the past; what a character knows is as much in both."
    name = "The store's growth for a slot of 5 characters"
    return Case(name, tuple(rows), 1, "bytes", 1.0, (Aim(LONG, 1.1),), why)
