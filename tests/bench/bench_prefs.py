"""PlayerPrefs beside the raw flush, SQLite, LMDB and the recipes with whole files."""

from __future__ import annotations

from tests.bench.case import Aim, Case, Contender

__all__ = ["cases"]

STORES = "tests.bench.prefs_contenders"
SHAPES = "tests.bench.prefs_shapes"
OURS = "PlayerPrefs"


def cases(quick: bool) -> list[Case]:
    """Return the cases; the quick ones leave out nothing but rounds."""
    rounds = 10 if quick else 50
    durable = [durable_set(size, rounds) for size in (1, 100, 10_000)]
    groups = [grouped(rounds), worked(rounds)]
    return [*durable, *groups, load(rounds), frame(3 if quick else 20), size(rounds)]


def durable_set(size: int, rounds: int) -> Case:
    """Return the case of one durable set in a store of `size` keys."""
    rows = (
        ("raw write + fdatasync", "raw_flush", ""),
        (OURS, "player_prefs", ""),
        ("LMDB", "lmdb", "lmdb"),
        ("SQLite, WAL, FULL", "sqlite", ""),
        ("msgpack whole file, fsync, replace", "msgpack_replace", ""),
        ("JSON whole file, fsync, replace", "json_replace", ""),
        ("JSON in place, no flush (the original)", "json_in_place", ""),
        ("diskcache (not durable)", "diskcache", "diskcache"),
    )
    contenders = tuple(
        Contender(
            name,
            f"{STORES}:{make}",
            {"size": size},
            needs,
            is_floor=make == "raw_flush",
            is_ours=name == OURS,
        )
        for name, make, needs in rows
    )
    aims = (Aim(OURS, 1.15, of_floor=True),)
    return Case(f"One durable set, {size} keys", contenders, rounds * 2, aims=aims)


def grouped(rounds: int) -> Case:
    """Return the case of fifty sets that are saved together: they share the one flush."""
    name = "50 sets and one save, each set"
    return Case(name, group(of_processor=False), rounds, aims=(Aim(OURS, 5.0),))


def worked(rounds: int) -> Case:
    """Return the case of what such a set costs beside its share of the flush.

    On a disk that takes milliseconds to flush, the share alone is many times the aim.
    """
    name = "50 sets and one save, the processor's time of each set"
    return Case(name, group(of_processor=True), rounds, aims=(Aim(OURS, 5.0),))


def group(of_processor: bool) -> tuple[Contender, ...]:
    """Return who saves fifty sets together."""
    how = {"of_processor": of_processor}
    return (
        Contender("raw write + fdatasync", f"{SHAPES}:group_raw", how, is_floor=True),
        Contender(OURS, f"{SHAPES}:group_ours", how, is_ours=True),
        Contender("SQLite, one transaction", f"{SHAPES}:group_sqlite", how),
    )


def load(rounds: int) -> Case:
    """Return the case of reading 10,000 keys."""
    whole, logged = {"size": 10_000}, {"size": 10_000, "changed": 1_000}
    killed = f"{OURS}, killed with 1,000 in the log"
    contenders = (
        Contender("json.load", f"{SHAPES}:load_json", whole, is_floor=True),
        Contender(OURS, f"{SHAPES}:load_ours", whole, is_ours=True),
        Contender(killed, f"{SHAPES}:load_ours_killed", logged, is_ours=True),
        Contender("msgpack.unpackb, unchecked", f"{SHAPES}:load_msgpack", whole),
        Contender("SQLite, all rows", f"{SHAPES}:load_sqlite", whole),
    )
    aims = (Aim(OURS, 1.3, of_floor=True),)
    return Case("Loading 10,000 keys", contenders, rounds, "ms", 1e3, aims)


def frame(rounds: int) -> Case:
    """Return the case of 8 characters that set a value in each of 60 frames a second."""
    length = {"seconds": 1.0}
    contenders = (
        Contender("dict", f"{SHAPES}:frame_dict", length, is_floor=True),
        Contender(OURS, f"{SHAPES}:frame_ours", length, is_ours=True),
        Contender("JSON in place (the original)", f"{SHAPES}:frame_json_in_place", length),
    )
    aims = (Aim(OURS, 10.0, statistic="p99"),)
    return Case("set_string on the frame thread", contenders, rounds, aims=aims)


def size(rounds: int) -> Case:
    """Return the case of the file's size."""
    contenders = (Contender(OURS, f"{SHAPES}:size_ours", {"size": 10_000}, is_ours=True),)
    aims = (Aim(OURS, 2.0, statistic="max"),)
    name = "Size of the file with 10,000 keys, of its live content"
    return Case(name, contenders, min(rounds, 5), "times", 1.0, aims)
