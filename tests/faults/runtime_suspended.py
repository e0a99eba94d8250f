"""Whole processes that stand still for a while: a game, and the service of a game."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.faults.row import Row

__all__ = ["rows", "suspended_game"]

ROOT = Path(__file__).resolve().parent.parent.parent
WHO = "patient-7f3a"
DEADLINE = 60.0
SCRIPT = """
[[step]]
wait = {{ character = "{who}", state = "CONNECTED" }}
within = 30
[[step]]
do = "say"
character = "{who}"
text = "My name is Ada."
[[step]]
wait = {{ character = "{who}", says = "Ada" }}
within = 20
[[step]]
wait = {{ seconds = {pause} }}
[[step]]
wait = {{ character = "{who}", state = "CONNECTED" }}
within = 30
[[step]]
do = "say"
character = "{who}"
text = "What is my name?"
[[step]]
wait = {{ character = "{who}", says = "Ada" }}
within = 20
"""


def rows(quick: bool) -> Iterable[Row]:
    """Return the figures; `quick` stops the processes for a shorter time."""
    for seconds in (3.0,) if quick else (8.0, 20.0):
        yield suspended_game(seconds, of_service=False)
        yield suspended_game(seconds, of_service=True)


def suspended_game(seconds: float, *, of_service: bool) -> Row:
    """Stop a game that is played, or its service, with SIGSTOP; let it go on, and ask it."""
    with TemporaryDirectory() as folder:
        status, report = _play(Path(folder), seconds, of_service=of_service)
    states = report.get("characters", {}).get(WHO, {}).get("states", [])
    there = [change for change in states if change["to"] == "CONNECTED"]
    outcomes = " ".join(change["resume"] for change in there)
    conversations = len({change["session_id"] for change in there})
    figure = (
        f"{outcomes}, {conversations} conversation, "
        f"{'the name is known' if status == 0 else 'step not met: ' + str(report.get('failure'))}"
    )
    who = "its service process" if of_service else "a whole game"
    is_right = status == 0 and conversations == 1
    return Row(14, f"SIGSTOP of {who} for {seconds:g} s, then SIGCONT", figure, is_right)


def _play(folder: Path, seconds: float, *, of_service: bool) -> tuple[int, dict[str, Any]]:
    script, report = folder / "play.toml", folder / "report.json"
    script.write_text(SCRIPT.format(who=WHO, pause=seconds + 1.0), encoding="utf-8")
    command = [sys.executable, str(ROOT / "main.py"), "--headless", "--script", str(script)]
    command += ["--data", str(folder / "data"), "--report", str(report), "--log-level", "INFO"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as game:
        assert game.stderr is not None
        next((line for line in game.stderr if "step 4" in line), None)
        stopped = _service_of(game.pid) if of_service else game.pid
        os.kill(stopped, signal.SIGSTOP)
        threading.Event().wait(seconds)
        os.kill(stopped, signal.SIGCONT)
        game.stderr.read()
        status = game.wait(DEADLINE)
    found = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
    return status, found


def _service_of(game: int) -> int:
    """Return the process id of the service that a game started."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if parent == game and b"characters.service" in words:
                return int(entry.name)
    raise LookupError("the game has no service")
