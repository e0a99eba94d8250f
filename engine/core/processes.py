"""Processes: starting another program the same way on every platform."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile

__all__ = ["NO_WINDOW", "python_command", "run_in_time"]

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


def python_command(script: Path) -> str:
    """Return what to type into a terminal to run a script with this Python."""
    here, is_windows = os.path.normcase(sys.executable), sys.platform == "win32"
    names = ("python", "python3")
    found = [name for name in names if os.path.normcase(shutil.which(name) or "") == here]
    if is_windows and sys.prefix == sys.base_prefix and shutil.which("py"):
        found.append("py")  # Python's launcher; of an environment it knows only that it is active
    join = subprocess.list2cmdline if is_windows else shlex.join
    return join([*found, sys.executable][:1]) + " " + join([str(script)])
