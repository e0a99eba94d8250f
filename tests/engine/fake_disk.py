"""A disk in memory that loses, tears and reorders what was not flushed, and fails when told to."""

from __future__ import annotations

import errno
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.core.file_system import FileLock, FileSystem, LockHeldError

__all__ = ["FakeDisk"]

SECTOR = 512
_ALL_SUBSETS = 6  # of so many sectors every subset is tried, of more a choice


@dataclass
class File:
    """What is on the medium, and the writes that are not."""

    durable: bytes = b""
    writes: list[tuple[int, bytes]] = field(default_factory=list)
    is_broken: bool = False  # a flush of it failed

    def content(self) -> bytes:
        return applied(self.durable, self.writes)


class FakeLock(FileLock):
    def __init__(self, held: set[Path], path: Path) -> None:
        self._held, self._path = held, path

    def release(self) -> None:
        self._held.discard(self._path)


class FakeDisk(FileSystem):
    """A disk in memory. `on_call` hears each call by name before it is made, and may raise."""

    def __init__(self, files: dict[Path, bytes] | None = None) -> None:
        stored = {path: File(data) for path, data in (files or {}).items()}
        self.names = dict(stored)
        self.durable_names = dict(stored)
        self.name_changes: list[tuple[Path | None, Path, File]] = []
        self.handles: dict[int, File] = {}
        self.on_call: Callable[[str], object] = lambda name: None
        self.written_after_failed_flush = 0
        self.locks: set[Path] = set()
        self._numbers = itertools.count(3)

    def read(self, path: Path, most: int | None = None) -> bytes:
        self.on_call("read")
        if path not in self.names:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        return self.names[path].content()

    def open(self, path: Path, *, create: bool = False) -> int:
        self.on_call("open")
        if create:
            self.names[path] = File()
            self.name_changes.append((None, path, self.names[path]))
        handle = next(self._numbers)
        self.handles[handle] = self.names[path]
        return handle

    def write(self, handle: int, data: bytes, offset: int) -> None:
        file = self.handles[handle]
        self.written_after_failed_flush += file.is_broken
        self.on_call("write")
        file.writes.append((offset, data))

    def flush(self, handle: int) -> None:
        file = self.handles[handle]
        self.written_after_failed_flush += file.is_broken
        try:
            self.on_call("flush")
        except OSError:
            # What Linux does: the pages count as clean, what they held is lost with them.
            file.is_broken = True
            file.writes = []
            raise
        file.durable, file.writes = file.content(), []

    def close(self, handle: int) -> None:
        self.on_call("close")
        del self.handles[handle]

    def replace(self, source: Path, target: Path) -> None:
        self.on_call("replace")
        file = self.names.pop(source)
        self.names[target] = file
        self.name_changes.append((source, target, file))

    def flush_folder(self, folder: Path) -> None:
        self.on_call("flush_folder")
        self.durable_names, self.name_changes = dict(self.names), []

    def remove(self, path: Path) -> None:
        self.on_call("remove")
        self.names.pop(path, None)

    def oldest_first(self, folder: Path, beginning: str) -> list[Path]:
        self.on_call("oldest_first")
        found = (path for path in self.names if path.parent == folder)
        return [path for path in found if path.name.startswith(beginning)]

    def make_folder(self, folder: Path) -> None:
        self.on_call("make_folder")

    def lock(self, path: Path) -> FakeLock:
        self.on_call("lock")
        if path in self.locks:
            raise LockHeldError(4711)
        self.locks.add(path)
        return FakeLock(self.locks, path)

    def after_kill(self) -> FakeDisk:
        """Return the disk as the next process finds it when only the process died."""
        return FakeDisk({path: file.content() for path, file in self.names.items()})

    def crash_states(self, chance: random.Random) -> Iterator[dict[Path, bytes]]:
        """Yield what may be on the medium if the power went now: without repeats."""
        seen = set()
        for names in self._possible_names():
            choices = [
                [(path, data) for data in possible_contents(file, chance)]
                for path, file in names.items()
            ]
            for state in itertools.product(*choices):
                mark = hash(frozenset(state))
                if mark not in seen:
                    seen.add(mark)
                    yield dict(state)

    def _possible_names(self) -> Iterator[dict[Path, File]]:
        """Any of the changes of names may be there, in their order."""
        for kept in subsets(len(self.name_changes)):
            names = dict(self.durable_names)
            for number in kept:
                source, target, file = self.name_changes[number]
                if source is not None and names.get(source) is file:
                    del names[source]
                names[target] = file
            yield names


def subsets(count: int) -> Iterator[tuple[int, ...]]:
    return itertools.chain.from_iterable(
        itertools.combinations(range(count), size) for size in range(count + 1)
    )


def applied(data: bytes, writes: list[tuple[int, bytes]]) -> bytes:
    whole = bytearray(data)
    for offset, piece in writes:
        if len(whole) < offset:
            whole.extend(bytes(offset - len(whole)))
        whole[offset : offset + len(piece)] = piece
    return bytes(whole)


def possible_contents(file: File, chance: random.Random) -> list[bytes]:
    """Each sector of what was written may be there or not, and the file as long or not."""
    if not file.writes:
        return [file.durable]
    pieces = list(sectors(file.writes))
    found = {applied(file.durable, [pieces[n] for n in kept]) for kept in choose(pieces, chance)}
    whole = len(file.content())
    return [*found, *{data.ljust(whole, b"\0") for data in found if len(data) < whole}]


def choose(pieces: list[tuple[int, bytes]], chance: random.Random) -> Iterator[tuple[int, ...]]:
    count = len(pieces)
    if count <= _ALL_SUBSETS:
        yield from subsets(count)
        return
    yield from (tuple(range(n)) for n in range(count + 1))
    yield from (tuple(n for n in range(count) if n != missing) for missing in range(count))
    yield from ((n,) for n in range(count))
    for _ in range(count):
        share = chance.random()
        yield tuple(n for n in range(count) if chance.random() < share)


def sectors(writes: list[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    for offset, data in writes:
        at = 0
        while at < len(data):
            size = SECTOR - (offset + at) % SECTOR
            yield offset + at, data[at : at + size]
            at += size
