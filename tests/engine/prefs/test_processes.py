"""The settings file between processes: killed writers, a second game, a reader that holds it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.prefs.prefs import PlayerPrefs, PrefsError, PrefsLockedError
from tests.imports import ROOT

# Sets numbers that are durable for ever and prints each one that was.
WRITER = """
prefs = PlayerPrefs.open(path)
number = prefs.get_int("number")
while True:
    number += 1
    prefs.set_string("padding", f"{number % 10}" * 2000)
    prefs.set_int("number", number, durable=True)
    print(number, flush=True)
"""
GAME = 'prefs = PlayerPrefs.open(path); prefs.set_int("a", 1, durable=True); wait()'
READER = 'file = path.open("rb"); wait()'


@contextmanager
def running(program: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a program in a process of its own, up to its first output; kill it at the end."""
    head = "import sys; from pathlib import Path; from engine.prefs.prefs import PlayerPrefs\n"
    head += "def wait(): print(1, flush=True); sys.stdin.read()\n"
    head += f"path = Path({json.dumps(str(path))})\n"
    with subprocess.Popen(
        [sys.executable, "-c", head + program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def test_what_was_durable_when_a_game_is_killed_is_there(tmp_path: Path) -> None:
    path = tmp_path / "prefs.msgpack"
    for numbers in (5, 60):
        with running(WRITER, path) as writer:
            assert writer.stdout is not None
            promised = [writer.stdout.readline() for _ in range(numbers)]
            writer.kill()
            last = int([*promised, *writer.stdout.read().split()][-1])
        with PlayerPrefs.open(path, read_only=True) as prefs:
            assert prefs.report.is_clean
            assert prefs.get_int("number") in (last, last + 1)


def test_a_second_game_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "prefs.msgpack"
    with running(GAME, path) as first:
        with pytest.raises(PrefsLockedError, match=f"in use by process {first.pid}"):
            PlayerPrefs.open(path)
        with PlayerPrefs.open(path, read_only=True) as prefs:
            assert prefs.get_int("a") == 1
    with PlayerPrefs.open(path) as prefs:
        assert prefs.get_int("a") == 1


def test_a_process_that_holds_the_file_open_costs_no_setting(tmp_path: Path) -> None:
    path = tmp_path / "prefs.msgpack"
    with PlayerPrefs.open(path) as prefs:
        prefs.set_int("a", 1, durable=True)
        with running(READER, path):
            try:  # of this size a new file takes the place of the old one
                prefs.set_string("b", "x" * 500_000, durable=True)
            except PrefsError as refusal:
                assert sys.platform == "win32", "elsewhere a file that is open can be replaced"
                assert "kept while the game runs and tried again" in str(refusal)
            assert prefs.get_string("b") == "x" * 500_000
        prefs.save()
        assert not prefs.save_error
    with PlayerPrefs.open(path) as prefs:
        assert (prefs.get_int("a"), prefs.get_string("b")) == (1, "x" * 500_000)


@pytest.mark.parametrize(
    "name",
    ["Zoë Ångström", "Лида", "山田 太郎", "a b'c", "/".join(["long" * 20] * 4)],
    ids=["latin", "cyrillic", "japanese", "blank and quote", "long"],
)
def test_a_player_may_be_called_anything(tmp_path: Path, name: str) -> None:
    path = tmp_path / name / "Troupe" / "prefs.msgpack"
    with PlayerPrefs.open(path) as prefs:
        prefs.set_string("player", name, durable=True)
        assert not prefs.save_error
    with PlayerPrefs.open(path) as prefs:
        assert prefs.get_string("player") == name
