"""PlayerPrefs beside the raw flush, SQLite, LMDB and the recipes with whole files."""

from __future__ import annotations

from tests.bench.case import Aim, Case, Contender

__all__ = ["cases"]

STORES = "tests.bench.prefs_contenders"
SHAPES = "tests.bench.prefs_shapes"
OURS = "PlayerPrefs"
GROUP = "The same records kept in a dict, packed and written together, with nothing to prove them."


def cases(quick: bool) -> list[Case]:
    """Return the cases; the quick ones leave out nothing but rounds."""
    rounds = 10 if quick else 50
    durable = [durable_set(size, rounds) for size in (1, 100, 10_000)]
    groups = [grouped(rounds), worked(rounds)]
    return [*durable, *groups, load(rounds), frame(3 if quick else 20), size(rounds)]


def durable_set(size: int, rounds: int) -> Case:
    """Return the case of one durable set in a store of `size` keys."""
    floor, at = "raw write + fdatasync", {"size": size}
    pairs = Contender(
        floor, f"{STORES}:durable_pairs", at, rows=(floor, OURS), is_floor=True, is_ours=True
    )
    peers = (
        ("LMDB", "lmdb", "lmdb"),
        ("SQLite, WAL, FULL", "sqlite", ""),
        ("msgpack whole file, fsync, replace", "msgpack_replace", ""),
        ("JSON whole file, fsync, replace", "json_replace", ""),
        ("JSON in place, no flush (the original)", "json_in_place", ""),
        ("diskcache (not durable)", "diskcache", "diskcache"),
    )
    contenders = (
        pairs,
        *(Contender(name, f"{STORES}:{make}", at, needs) for name, make, needs in peers),
    )
    why = "A set that is durable waits for one flush; what it adds to that is ours."
    name = f"One durable set, {size} keys"
    return Case(name, contenders, rounds * 2, aims=(Aim(OURS, 1.15),), why=why)


def grouped(rounds: int) -> Case:
    """Return the case of fifty sets that are saved together: they share the one flush."""
    name = "50 sets and one save, each set"
    return Case(name, group(of_processor=False), rounds, aims=(Aim(OURS, 3.0),), why=GROUP)


def worked(rounds: int) -> Case:
    """Return the case of what such a set costs beside its share of the flush."""
    name = "50 sets and one save, the processor's time of each set"
    return Case(name, group(of_processor=True), rounds, aims=(Aim(OURS, 3.0),), why=GROUP)


def group(of_processor: bool) -> tuple[Contender, ...]:
    """Return who saves fifty sets together."""
    how = {"of_processor": of_processor}
    return (
        Contender("raw write + fdatasync", f"{SHAPES}:group_raw", how),
        Contender(
            "records packed, one write, fdatasync", f"{SHAPES}:group_packed", how, is_floor=True
        ),
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
    why = "The standard library reads the same keys and values from a file of JSON."
    return Case("Loading 10,000 keys", contenders, rounds, "ms", 1e3, (Aim(OURS, 1.6),), why)


def frame(rounds: int) -> Case:
    """Return the case of 8 characters that set a value in each of 60 frames a second."""
    length = {"seconds": 1.0}
    contenders = (
        Contender("dict", f"{SHAPES}:frame_dict", length),
        Contender("dict and queue", f"{SHAPES}:frame_queue", length, is_floor=True),
        Contender(OURS, f"{SHAPES}:frame_ours", length, is_ours=True),
        Contender("JSON in place (the original)", f"{SHAPES}:frame_json_in_place", length),
    )
    why = "A method of Python that checks the type and queues the change for another thread."
    aims = (Aim(OURS, 4.0), Aim(OURS, 4.0, "p99"))
    return Case("set_string on the frame thread", contenders, rounds, aims=aims, why=why)


def size(rounds: int) -> Case:
    """Return the case of the file's size."""
    rows = ("its live content", OURS)
    both = Contender(
        rows[0], f"{SHAPES}:size_ours", {"size": 10_000}, rows=rows, is_floor=True, is_ours=True
    )
    name, why = "Size of the file with 10,000 keys", "What is set, in the format of the file."
    return Case(name, (both,), min(rounds, 5), "KiB", 1 / 1024, (Aim(OURS, 2.0, "max"),), why)
