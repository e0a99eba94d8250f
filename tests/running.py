"""Running houses for tests: the service in its own process, and a whole game on a script."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from characters.client.service_process import ServiceProcess
from engine.core.processes import run_in_time
from tests.imports import ROOT

__all__ = [
    "ASSETS", "AT_ONCE", "do", "hear", "level_text", "met", "play", "play_as_program", "Run",
    "running_service", "say", "table_of", "until", "wait", "WITHIN",
]  # fmt: skip

ASSETS = ROOT / "assets"
# A service that answers without a pause, the same way every time, and neither hears nor speaks.
AT_ONCE = ("--words-per-second", "0", "--think", "0", "--no-speech", "--seed", "1")
WITHIN = 60  # seconds for each step of a script
START_SECONDS = 60.0  # on a machine that is busy with everything else
PLAY_SECONDS = 240.0


@contextmanager
def running_service(folder: Path, arguments: tuple[str, ...] = AT_ONCE) -> Iterator[ServiceProcess]:
    """Run the service in a process of its own; it has started, and is killed at the end."""
    service = ServiceProcess(folder, ASSETS, arguments=arguments, start_seconds=START_SECONDS)
    try:
        service.start()
        yield service
    finally:
        service.kill()


def level_text(name: str, *characters: str, game: str = "") -> str:
    """Return the file of a level with a manager, a player and characters (`table_of`).

    `game` are more lines of the manager's object.
    """
    begin = f'''
[scene]
name = "{name}"
[[object]]
name = "Game"
[object.CharacterManager]
{game}
[[object]]
name = "You"
[object.Player]
'''
    return begin + "".join(characters)


def table_of(character: str, more: str = "", name: str = "") -> str:
    """Return the table of a character in a level's file, with more lines of it."""
    called = f'name = "{name or character}"\n[object.Character]\ncharacter_id = "{character}"'
    return f"[[object]]\n{called}\n{more}\n"


@dataclass(frozen=True)
class Run:
    """What a run of the game left behind."""

    status: int
    report: dict[str, Any]
    log: str

    def states(self, character: str) -> list[str]:
        return [change["to"] for change in self.report["characters"][character]["states"]]

    def connected(self, character: str) -> list[dict[str, Any]]:
        states = self.report["characters"][character]["states"]
        return [change for change in states if change["to"] == "CONNECTED"]

    def errors(self, character: str) -> list[str]:
        states = self.report["characters"][character]["states"]
        return [change["error"] for change in states if change["to"] == "ERROR"]

    def said_by(self, speaker: str, character: str) -> str:
        turns = self.report["characters"][character]["transcript"]
        return "\n".join(turn["text"] for turn in turns if turn["speaker"] == speaker)


def play(folder: Path, script: str, *more: str, endpoint: str = "") -> Run:
    """Play a script in this process, without a window, on the data in a folder.

    The embedded service comes with it, unless there is another endpoint.
    """
    from characters.commands.demo import main, parse  # with pygame: only where it is used

    options = ["--headless", *_options(folder, script), *more]
    if endpoint:
        options += ["--endpoint", endpoint]
    printed, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(printed), root.level
    root.addHandler(handler)
    root.setLevel(parse(options).log_level)
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            status = main(options)
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
    return _run_of(folder, status, printed.getvalue())


def play_as_program(
    folder: Path, script: str, *more: str, environment: Mapping[str, str] | None = None
) -> Run:
    """Play a script in a process of its own, as a player does."""
    command = [sys.executable, str(ROOT / "main.py"), *_options(folder, script), *more]
    done = run_in_time(command, PLAY_SECONDS + 30.0, environment)
    log = (done.stdout + done.stderr).decode("utf-8", "replace")
    return _run_of(folder, done.returncode, log)


def _options(folder: Path, script: str) -> list[str]:
    report, file = folder / "report.json", folder / "play.toml"
    report.unlink(missing_ok=True)
    file.write_text(script, encoding="utf-8")
    options = ["--script", str(file), "--report", str(report), "--data", str(folder / "data")]
    return [*options, "--seconds", f"{PLAY_SECONDS:g}"]


def _run_of(folder: Path, status: int, log: str) -> Run:
    report = folder / "report.json"
    found = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
    return Run(status, found, log)


# --- scripts ---


def met(run: Run) -> Run:
    assert run.status == 0, (
        f"{run.report.get('failed_step')} {run.report.get('failure')}\n{run.log}"
    )
    return run


def wait(what: str) -> str:
    return f"[[step]]\nwait = {{ {what} }}\nwithin = {WITHIN}\n"


def until(character: str, state: str = "CONNECTED") -> str:
    return wait(f'character = "{character}", state = "{state}"')


def hear(character: str, what: str) -> str:
    return wait(f'character = "{character}", says = "{what}"')


def do(verb: str, **fields: object) -> str:
    lines = [f"{name} = {json.dumps(value)}" for name, value in fields.items()]
    return "\n".join(["[[step]]", f'do = "{verb}"', f"within = {WITHIN}", *lines]) + "\n"


def say(character: str, text: str) -> str:
    return do("say", character=character, text=text)
