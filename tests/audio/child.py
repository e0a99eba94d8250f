"""Runs a module of tests in an environment and waits, with deadlines, for what it reports."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from tests.audio.devices import until

ROOT = Path(__file__).resolve().parents[2]

Report: TypeAlias = dict[str, Any]


class Child:
    """A process that reports events as lines of JSON."""

    def __init__(self, environment: Mapping[str, str], module: str, *arguments: str) -> None:
        self.reports: list[Report] = []
        self.stderr = b""
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._threads = [threading.Thread(target=self._read), threading.Thread(target=self._drain)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, event: str, within: float, **facts: object) -> Report:
        """Return the next report of an event; reports before it are dropped."""
        found: list[Report] = []

        def is_there() -> bool:
            while self.reports and not found:
                report = self.reports.pop(0)
                if report["event"] == event and facts.items() <= report.items():
                    found.append(report)
            return bool(found)

        until(is_there, within, f"the child reports {event} {facts or ''}; {self.stderr[-500:]!r}")
        return found[0]

    def collect(self, within: float, is_last: Callable[[Report], bool]) -> list[Report]:
        """Return the reports up to the last one, or those of so many seconds."""
        found: list[Report] = []
        deadline, pause = time.monotonic() + within, threading.Event()
        while time.monotonic() < deadline and not (found and is_last(found[-1])):
            if self.reports:
                found.append(self.reports.pop(0))
            else:
                pause.wait(0.005)
        return found

    def do(self, command: str) -> None:
        """Give it a command, one line."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        self._process.stdin.flush()

    def end(self, within: float = 30.0) -> float:
        """Close its input, wait for its end with status 0, and return how long that took."""
        began = time.monotonic()
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(within) == 0, self.stderr[-2000:]
        took = time.monotonic() - began
        for thread in self._threads:
            thread.join(2.0)
        return took

    def kill(self) -> None:
        """End it whatever it does."""
        self._process.kill()
        self._process.wait(5.0)
        for thread in self._threads:
            thread.join(2.0)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.reports.append(json.loads(line))

    def _drain(self) -> None:
        assert self._process.stderr is not None
        self.stderr = self._process.stderr.read()


@contextmanager
def child(
    environment: Mapping[str, str], *arguments: str, module: str = "tests.audio.listen"
) -> Iterator[Child]:
    """Run a child and make sure that it is gone afterwards."""
    process = Child(environment, module, *arguments)
    try:
        yield process
    finally:
        process.kill()
