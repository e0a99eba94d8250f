"""Fault 17: a game that writes is killed at random points; what it was promised is there.

One process forks the writers, kills them and looks at the file: `python -m
tests.faults.prefs_kill RUNS` prints the tally as JSON.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import select
import signal
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from engine.prefs.prefs import PlayerPrefs
from tests.faults.row import Row

__all__ = ["kill_row"]

_PROMISE = struct.Struct("<Q")
_LONGEST_RUN_SECONDS = 0.03
ROOT = Path(__file__).parent.parent.parent


def write_for_ever(path: Path, promises: int) -> None:
    """Set and set again; tell each number that was promised to be durable."""
    prefs = PlayerPrefs.open(path, group_seconds=0.001)
    for number in itertools.count(prefs.get_int("number") + 1):
        prefs.set_int("before", number)
        prefs.set_string("padding", f"{number % 10}" * 2000)
        prefs.set_int("number", number, durable=True)
        os.write(promises, _PROMISE.pack(number))


def killed(path: Path, seconds: float) -> int:
    """Let a game write for a moment, kill it, and return the last number it was promised."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            write_for_ever(path, writer)
        finally:
            os._exit(1)
    os.close(writer)
    select.select([reader], [], [], 10)
    select.select([], [], [], seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read()
    whole = len(told) // _PROMISE.size * _PROMISE.size
    return int(_PROMISE.unpack_from(told, whole - _PROMISE.size)[0]) if whole else 0


def tally(runs: int, folder: Path) -> dict[str, int]:
    """Kill `runs` games on one file, one after the other."""
    chance = random.Random(17)
    counts = {"unreadable": 0, "lost": 0, "torn apart": 0, "writes": 0}
    path = folder / "prefs.msgpack"
    for _ in range(runs):
        promised = killed(path, chance.random() * _LONGEST_RUN_SECONDS)
        with PlayerPrefs.open(path, read_only=True) as prefs:
            number, before = prefs.get_int("number"), prefs.get_int("before")
            counts["unreadable"] += not prefs.report.is_clean
            counts["lost"] += number < promised
            counts["torn apart"] += before not in (number, number + 1)
            counts["writes"] = number
    return counts


def kill_row(runs: int) -> Row:
    """Return the figure."""
    command = [sys.executable, "-m", "tests.faults.prefs_kill", str(runs)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    counts = json.loads(done.stdout)
    bad = {name: count for name, count in counts.items() if name != "writes"}
    figure = f"{runs} kills in {counts['writes']} durable sets: " + ", ".join(
        f"{count} {name}" for name, count in bad.items()
    )
    return Row(17, "SIGKILL at random points of a writing game", figure, not any(bad.values()))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(tally(int(sys.argv[1]), Path(name))))
