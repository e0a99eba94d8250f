"""Fault 21: two processes and one file, own keys and the same key."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from engine.prefs.prefs import PlayerPrefs, PrefsLockedError
from tests.faults.row import Row

__all__ = ["rival_rows"]

ROOT = Path(__file__).parent.parent.parent


def count_up(path: Path, name: str, rounds: int) -> None:
    """Open the file as soon as it is free, add one to an own and to a shared number, close it."""
    done = 0
    until = time.monotonic() + 60
    while done < rounds and time.monotonic() < until:
        try:
            prefs = PlayerPrefs.open(path)
        except PrefsLockedError:
            continue
        with prefs:
            prefs.set_int(name, prefs.get_int(name) + 1)
            prefs.set_int("shared", prefs.get_int("shared") + 1)
        done += 1


def rival_rows(rounds: int) -> Iterator[Row]:
    """Yield the figures."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "prefs.msgpack"
        yield turns_row(path, rounds)
        yield refusal_row(path)


def turns_row(path: Path, rounds: int) -> Row:
    """Let two processes take turns as fast as they can."""
    command = [sys.executable, "-m", "tests.faults.prefs_rivals", str(path), str(rounds)]
    rivals = [subprocess.Popen([*command, name], cwd=ROOT) for name in ("one", "two")]
    for rival in rivals:
        rival.wait(90)
    with PlayerPrefs.open(path) as prefs:
        counts = [prefs.get_int(key) for key in ("one", "two", "shared")]
    lost = 2 * rounds - counts[0] - counts[1] + 2 * rounds - counts[2]
    figure = f"{2 * rounds} turns, {4 * rounds} updates: {lost} lost"
    return Row(21, "two processes, own keys and the same key", figure, lost == 0)


def refusal_row(path: Path) -> Row:
    """Hold the file in another process, come second, kill the holder, come again."""
    command = [sys.executable, "-m", "tests.faults.prefs_rivals", str(path), "hold", "-"]
    with subprocess.Popen(command, cwd=ROOT, stdin=-1, stdout=-1, text=True) as holder:
        assert holder.stdout
        holder.stdout.readline()
        named = refused_by(path) == holder.pid
        with PlayerPrefs.open(path, read_only=True) as reader:
            reads = reader.get_int("shared") > 0
        holder.kill()
        holder.wait()
    is_free = refused_by(path) is None
    figure = f"refused with its pid: {named}; read-only works: {reads}; free after kill: {is_free}"
    return Row(21, "a second process, and one that was killed", figure, named and reads and is_free)


def refused_by(path: Path) -> int | None:
    """Return the pid that an attempt to open names, or None where it succeeds."""
    try:
        PlayerPrefs.open(path).close()
    except PrefsLockedError as error:
        return error.pid
    return None


def main(path: Path, rounds: str, name: str) -> None:
    """Be one of the two processes."""
    if rounds != "hold":
        count_up(path, name, int(rounds))
        return
    with PlayerPrefs.open(path):
        print("held", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
