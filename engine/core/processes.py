"""Processes: starting another program the same way on every platform."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from tempfile import TemporaryFile

__all__ = ["NO_WINDOW", "run_in_time"]

# For `creationflags`. A game without a console (`pyw`) would get one for each program it starts.
NO_WINDOW: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)


def run_in_time(
    command: Sequence[str], seconds: float, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a program that may hang, and return what it wrote to its two outputs.

    Raises subprocess.TimeoutExpired when it was killed for its slowness, OSError when it cannot be
    started. It writes to files: a pipe ends with the last process that has it, on Windows a child
    of the killed one, and waiting for that would take as long as the child likes.
    """
    with TemporaryFile() as output, TemporaryFile() as errors:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env=environment,
            timeout=seconds,
            check=False,
            creationflags=NO_WINDOW,
        )
        output.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(command, done.returncode, output.read(), errors.read())
