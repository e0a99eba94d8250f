"""Other shapes of work on settings: groups of sets, loading, sets in a frame, size on disk."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import msgpack

from engine.prefs.prefs import PlayerPrefs
from tests.bench.prefs_contenders import VALUE, fill_prefs, filled, sqlite_database, zeroed_file

__all__: list[str] = []

GROUP = 50
CHARACTERS = 8
FRAME_SECONDS = 1 / 60


def each_of(count: int, action: Callable[[], object], clock: Callable[[], float]) -> float:
    """Return the seconds that each of the `count` steps inside `action` took."""
    start = clock()
    action()
    return (clock() - start) / count


def groups_of(action: Callable[[], object], of_processor: bool) -> Iterator[list[float]]:
    """Measure rounds of actions of a group each: by the clock, or without the wait for a disk."""
    clock = time.thread_time if of_processor else time.perf_counter
    while True:
        yield [each_of(GROUP, action, clock) for _ in range(20)]


def group_raw(folder: Path, of_processor: bool) -> Iterator[list[float]]:
    """The least of a group: one write of fifty records' size, one flush."""
    handle = zeroed_file(folder / "raw")
    records = bytes(96 * GROUP)

    def write() -> None:
        os.pwrite(handle, records, 0)
        os.fdatasync(handle)

    yield from groups_of(write, of_processor)


def group_packed(folder: Path, of_processor: bool) -> Iterator[list[float]]:
    """The floor of a group: fifty sets in a dict, each a record of msgpack, one write and flush."""
    handle = zeroed_file(folder / "raw")
    values, keys, turn = filled(GROUP), list(filled(GROUP)), 0

    def write() -> None:
        nonlocal turn
        turn += 1
        records = []
        for key in keys:
            values[key] = VALUE % turn
            records.append(msgpack.packb((key, values[key])))
        os.pwrite(handle, b"".join(records), 0)
        os.fdatasync(handle)

    yield from groups_of(write, of_processor)


def group_ours(folder: Path, of_processor: bool) -> Iterator[list[float]]:
    """Fifty sets and one save."""
    keys, turn = list(filled(GROUP)), 0
    with PlayerPrefs.open(folder / "p") as prefs:

        def sets() -> None:
            nonlocal turn
            turn += 1
            for key in keys:
                prefs.set_string(key, VALUE % turn)
            prefs.save()

        yield from groups_of(sets, of_processor)


def group_sqlite(folder: Path, of_processor: bool) -> Iterator[list[float]]:
    """Fifty sets in one transaction."""
    database = sqlite_database(folder / "s", GROUP)
    keys, turn = list(filled(GROUP)), 0

    def sets() -> None:
        nonlocal turn
        turn += 1
        database.execute("BEGIN")
        for key in keys:
            database.execute("INSERT OR REPLACE INTO strings VALUES (?, ?)", (key, VALUE % turn))
        database.execute("COMMIT")

    yield from groups_of(sets, of_processor)


def loads(load: Callable[[], object]) -> Iterator[list[float]]:
    """Measure loading alone: what was loaded is let go outside of the time taken."""
    while True:
        samples = []
        for _ in range(5):
            start = time.perf_counter()
            loaded = load()
            samples.append(time.perf_counter() - start)
            del loaded
        yield samples


def load_json(folder: Path, size: int) -> Iterator[list[float]]:
    """The floor of loading: json.load."""
    path = folder / "file"
    path.write_text(json.dumps(filled(size)))

    def load() -> object:
        with path.open(encoding="utf-8") as file:
            return json.load(file)

    yield from loads(load)


def load_msgpack(folder: Path, size: int) -> Iterator[list[float]]:
    """One msgpack map, nothing checked."""
    path = folder / "file"
    path.write_bytes(msgpack.packb(filled(size)))
    yield from loads(lambda: msgpack.unpackb(path.read_bytes()))


def load_ours(folder: Path, size: int) -> Iterator[list[float]]:
    """Opening a file: read, checked, locked and ready for writing."""
    fill_prefs(folder / "prefs.msgpack", size)
    yield from opened(folder / "prefs.msgpack", size)


def load_ours_killed(folder: Path, size: int, changed: int) -> Iterator[list[float]]:
    """The same after a kill, with `changed` records in the log."""
    path = folder / "prefs.msgpack"
    fill_prefs(path, size)
    with PlayerPrefs.open(path) as prefs:
        for key in list(filled(size))[:changed]:
            prefs.set_string(key, VALUE % 1)
        prefs.save()
        shutil.copy(path, folder / "killed.msgpack")
    yield from opened(folder / "killed.msgpack", size)


def opened(path: Path, size: int) -> Iterator[list[float]]:
    """Measure opening a file as it is now, again and again."""
    image = path.read_bytes()
    while True:
        samples = []
        for _ in range(5):
            with path.open("wb") as file:
                file.write(image)
                file.flush()
                os.fsync(file.fileno())
            start = time.perf_counter()
            prefs = PlayerPrefs.open(path)
            samples.append(time.perf_counter() - start)
            assert len(prefs) == size
            prefs.close()
            del prefs
        yield samples


def load_sqlite(folder: Path, size: int) -> Iterator[list[float]]:
    """All rows of an open database."""
    database = sqlite_database(folder / "s", size)
    read = "SELECT key, value FROM strings"
    yield from loads(lambda: dict(database.execute(read).fetchall()))


def frames(set_one: Callable[[str, str], object], seconds: float) -> Iterator[list[float]]:
    """Measure each set of a game at 60 frames a second, one set a frame for each character.

    A frame first works for two milliseconds, as games do: a processor that was just woken
    takes many microseconds for its first instructions, whatever they are.
    """
    keys, turn = list(filled(CHARACTERS)), 0
    while True:
        samples = []
        due = time.perf_counter()
        for _ in range(int(seconds / FRAME_SECONDS)):
            turn += 1
            work(0.002)
            for key in keys:
                value = VALUE % turn
                work(0.0001)
                start = time.perf_counter()
                set_one(key, value)
                samples.append(time.perf_counter() - start)
            due += FRAME_SECONDS
            time.sleep(max(due - time.perf_counter(), 0))
        yield samples


def work(seconds: float) -> None:
    """Do what a game does between two sets: go through many small objects."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        sum(len(word) for word in VALUE.split("a"))


def frame_dict(folder: Path, seconds: float) -> Generator[list[float], None, None]:
    """The least in a frame: a dict."""
    values: dict[str, str] = {}
    yield from frames(values.__setitem__, seconds)


def frame_queue(folder: Path, seconds: float) -> Generator[list[float], None, None]:
    """The floor in a frame: a queue for the thread that saves, and one look at each value."""
    waiting: deque[tuple[str, str]] = deque(maxlen=CHARACTERS)

    def set_one(key: str, value: str) -> None:
        if type(key) is not str or type(value) is not str:
            raise TypeError(key)
        waiting.append((key, value))

    yield from frames(set_one, seconds)


def frame_ours(folder: Path, seconds: float) -> Generator[list[float], None, None]:
    """Ours, queued."""
    with PlayerPrefs.open(folder / "p") as prefs:
        yield from frames(prefs.set_string, seconds)


def frame_json_in_place(folder: Path, seconds: float) -> Iterator[list[float]]:
    """What the original does, in the frame."""
    values = filled(CHARACTERS)

    def set_one(key: str, value: str) -> None:
        values[key] = value
        (folder / "file").write_text(json.dumps(values, indent=2))

    yield from frames(set_one, seconds)


def size_ours(folder: Path, size: int) -> Iterator[list[list[float]]]:
    """The sizes of the live content and of the file, after each thousand of random sets."""
    path = folder / "prefs.msgpack"
    fill_prefs(path, size)
    keys, turn = list(filled(size)), 0
    with PlayerPrefs.open(path) as prefs:
        while True:
            rows: list[list[float]] = [[], []]
            for _ in range(10):
                for _ in range(1000):
                    turn += 1
                    prefs.set_string(keys[turn * 7919 % size], VALUE % turn)
                prefs.save()
                rows[0].append(len(msgpack.packb(dict(prefs.values))))
                rows[1].append(path.stat().st_size)
            yield rows
