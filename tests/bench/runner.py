"""Run the contenders of a case against each other, turn by turn."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType

from tests.bench.case import Case, Contender, Figures

__all__ = ["SCRATCH", "run"]

ROOT = Path(__file__).parent.parent.parent
# On the project's own disk: a folder for temporary files may be in memory.
SCRATCH = ROOT / "out" / "bench"


class Worker:
    """A contender in its process; a context manager that ends it."""

    def __init__(self, contender: Contender, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tests.bench.worker", contender.make, str(folder)]
        self._name = contender.name
        self._rows = contender.rows
        self._process = subprocess.Popen(
            [*command, json.dumps(dict(contender.arguments))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )

    def round(self) -> list[list[float]]:
        """Let the contender run one round and return the samples of each of its rows."""
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write("go\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise RuntimeError(f"{self._name} ended; its error is above")
        found = json.loads(line)
        return found if self._rows else [found]

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def run(case: Case, *, peers: bool = True) -> dict[str, Figures]:
    """Run a case and return the figures by contender; without peers only floor and ours."""
    figures: dict[str, Figures] = {}
    present = []
    for contender in case.contenders:
        if not (peers or contender.is_ours or contender.is_floor):
            continue
        missing = "" if _is_there(contender.needs) else "not installed"
        figures.update((name, Figures(missing=missing)) for name in contender.names)
        if not missing:
            present.append(contender)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=SCRATCH) as folder:
        _take_turns(case, present, figures, Path(folder))
    return figures


def _is_there(needed: str) -> bool:
    return not needed or bool(importlib.util.find_spec(needed) or shutil.which(needed))


def _take_turns(
    case: Case, present: list[Contender], figures: dict[str, Figures], folder: Path
) -> None:
    workers: dict[str, Worker] = {}
    try:
        for number, contender in enumerate(present):
            workers[contender.name] = Worker(contender, folder / str(number))
            workers[contender.name].round()  # to warm up
        for turn in range(case.rounds if present else 0):
            # Who goes first changes, so that nobody always runs in another one's wake.
            shift = turn % len(present)
            for contender in present[shift:] + present[:shift]:
                found = workers[contender.name].round()
                for name, samples in zip(contender.names, found, strict=True):
                    figures[name].rounds.append(samples)
    finally:
        for worker in workers.values():
            worker.__exit__(None, None, None)
