"""What a process holds: memory, threads, open files; and how fast the memory grows."""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.core.processes import give_memory_back

__all__ = ["Body", "Sample", "body_of", "children_of", "is_kept", "megabytes_an_hour", "tidy"]

MEGABYTE = 1024.0 * 1024.0


@dataclass(frozen=True, slots=True)
class Body:
    """A process at one moment."""

    megabytes: float
    threads: int
    files: int

    def __str__(self) -> str:
        return f"{self.megabytes:6.1f} MB {self.threads:3d} threads {self.files:3d} files"


@dataclass(frozen=True, slots=True)
class Sample:
    """Game and service at one quiet moment; `generation` counts the lives of the service.

    `models` are the processes with a voice or a recogniser.
    """

    seconds: float
    game: Body
    service: Body
    tasks: int
    generation: int
    models: int

    def __str__(self) -> str:
        return (
            f"{self.seconds:6.0f} s  game {self.game} {self.tasks:3d} tasks"
            f"  service {self.service} (life {self.generation})"
        )


def body_of(pid: int, *children: int) -> Body:
    """Measure a process, with the memory of its children."""
    folder = Path("/proc") / str(pid)
    return Body(
        sum(_megabytes(it) for it in (pid, *children)),
        sum(1 for _ in (folder / "task").iterdir()),
        sum(1 for _ in (folder / "fd").iterdir()),
    )


def _megabytes(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def children_of(pid: int) -> list[int]:
    """Return the ids of a process's children, and theirs."""
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # a thread may end while it is looked at
            for child in map(int, children.read_text().split()):
                found += [child, *children_of(child)]
    return found


def is_kept(pid: int) -> bool:
    """Return whether a child is one that holds a model, and stays."""
    with suppress(OSError):
        return b"characters.speech.process" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def tidy() -> None:
    """Let go of what is garbage already, so that memory is compared and not its timing."""
    gc.collect()
    give_memory_back()


def megabytes_an_hour(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of (seconds, megabytes) by least squares; 0 for fewer than three."""
    if len(points) < 3:
        return 0.0
    middle = sum(t for t, _ in points) / len(points)
    spread = sum((t - middle) ** 2 for t, _ in points)
    return 3600.0 * sum((t - middle) * m for t, m in points) / spread
