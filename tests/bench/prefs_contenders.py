"""Stores that are compared with PlayerPrefs; each holds `size` keys before it is measured."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgpack

from engine.prefs.prefs import PlayerPrefs

__all__: list[str] = []

SETS_PER_ROUND = 20
VALUE = "7f3a21c490abe5d2" * 2 + "%08d"


def filled(size: int) -> dict[str, str]:
    """Return what every store holds: `size` keys with values of 40 characters."""
    return {f"convai.session.character-{n:05d}": VALUE % n for n in range(size)}


def durable_sets(
    size: int, set_one: Callable[[str, str], object], count: int = SETS_PER_ROUND
) -> Iterator[list[float]]:
    """Measure rounds of sets that are durable when they return."""
    keys, turn = list(filled(size)), 0
    while True:
        samples = []
        for _ in range(count):
            turn += 1
            key, value = keys[turn * 7919 % size], VALUE % turn
            start = time.perf_counter()
            set_one(key, value)
            samples.append(time.perf_counter() - start)
        yield samples


def zeroed_file(path: Path, size: int = 1 << 20) -> int:
    """Open a file whose space is allocated and flushed."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT)
    os.write(handle, bytes(size))
    os.fsync(handle)
    return handle


def durable_pairs(folder: Path, size: int) -> Iterator[list[list[float]]]:
    """The floor and ours, a set of each in turns: what the disk does, it does to both.

    The floor is one write of a record's size into allocated space, one flush.
    """
    handle = zeroed_file(folder / "raw")
    record, at = bytes(96), 0

    def raw_flush(key: str, value: str) -> None:
        nonlocal at
        os.pwrite(handle, record, at)
        os.fdatasync(handle)
        at = (at + len(record)) % (1 << 19)

    fill_prefs(folder / "prefs.msgpack", size)
    with PlayerPrefs.open(folder / "prefs.msgpack") as prefs:
        both = (raw_flush, lambda k, v: prefs.set_string(k, v, durable=True))
        pairs = zip(*(durable_sets(size, set_one, 1) for set_one in both), strict=True)
        while True:
            taken = [next(pairs) for _ in range(SETS_PER_ROUND)]
            yield [[sample for (sample,) in row] for row in zip(*taken, strict=True)]


def fill_prefs(path: Path, size: int) -> None:
    """Write a file of `size` keys as a game that ran and ended leaves it."""
    with PlayerPrefs.open(path) as prefs:
        for key, value in filled(size).items():
            prefs.set_string(key, value)


def sqlite_database(path: Path, size: int) -> sqlite3.Connection:
    """Open a database that is durable at each commit."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE strings (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")
    database.execute("BEGIN")
    database.executemany("INSERT INTO strings VALUES (?, ?)", filled(size).items())
    database.execute("COMMIT")
    return database


def sqlite(folder: Path, size: int) -> Iterator[list[float]]:
    """SQLite as it is durable: write-ahead log, FULL."""
    database = sqlite_database(folder / "s", size)
    put = "INSERT OR REPLACE INTO strings VALUES (?, ?)"
    yield from durable_sets(size, lambda k, v: database.execute(put, (k, v)))


def lmdb(folder: Path, size: int) -> Iterator[list[float]]:
    """LMDB with its defaults."""
    import lmdb as package  # type: ignore[import-not-found]  # a peer, not a dependency

    store: Any = package.open(str(folder / "lmdb"), map_size=1 << 28)
    with store.begin(write=True) as all_at_once:
        for key, value in filled(size).items():
            all_at_once.put(key.encode(), value.encode())

    def set_one(key: str, value: str) -> None:
        with store.begin(write=True) as transaction:
            transaction.put(key.encode(), value.encode())

    yield from durable_sets(size, set_one)


def diskcache(folder: Path, size: int) -> Iterator[list[float]]:
    """diskcache with its defaults, which are not durable."""
    import diskcache as package  # type: ignore[import-not-found]  # a peer, not a dependency

    cache: Any = package.Cache(str(folder / "cache"))
    with cache.transact():
        for key, value in filled(size).items():
            cache[key] = value
    yield from durable_sets(size, cache.set)


def whole_file(
    folder: Path, size: int, encode: Callable[[dict[str, str]], bytes]
) -> Iterator[list[float]]:
    """Measure a file written aside as a whole, flushed and put in the place of the old one."""
    values = filled(size)
    path, aside = folder / "file", folder / "file.new"

    def set_one(key: str, value: str) -> None:
        values[key] = value
        with aside.open("wb") as file:
            file.write(encode(values))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        handle = os.open(folder, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)

    yield from durable_sets(size, set_one)


def json_replace(folder: Path, size: int) -> Iterator[list[float]]:
    """The usual recipe with JSON."""
    yield from whole_file(folder, size, lambda values: json.dumps(values).encode())


def msgpack_replace(folder: Path, size: int) -> Iterator[list[float]]:
    """The usual recipe with msgpack."""
    yield from whole_file(folder, size, msgpack.packb)


def json_in_place(folder: Path, size: int) -> Iterator[list[float]]:
    """What the original does with its sessions.json: written over, never flushed."""
    values = filled(size)

    def set_one(key: str, value: str) -> None:
        values[key] = value
        (folder / "file").write_text(json.dumps(values, indent=2))

    yield from durable_sets(size, set_one)
