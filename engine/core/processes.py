"""Processes: starting another program the same way on every platform, from a frozen game too."""

from __future__ import annotations

import ctypes
import os
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile

__all__ = [
    "give_memory_back", "module_command", "module_environment", "NO_WINDOW", "python_command",
    "run_as_child", "run_in_time", "system_environment", "THRIFTY",
]  # fmt: skip

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


_CHILD = "--troupe-child"


def module_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module as a program in a process of its own.

    It finds the module in the folders of `module_environment`. A frozen game has no Python beside
    it: there the game itself is started once more, and becomes the module by `run_as_child`.
    Raises OSError where that was not called.
    """
    if not getattr(sys, "frozen", False):
        # -P: what lies in the folder that the game was started from must not stand in for it.
        return [sys.executable, "-P", "-X", "utf8", "-m", module, *arguments]
    if _CHILD in sys.argv[1:2]:  # a game that starts itself would do so for ever
        raise OSError(
            "the game was frozen by another program than PyInstaller, so its main script must "
            "begin with: from engine.core.processes import run_as_child; run_as_child()"
        )
    return [sys.executable, _CHILD, module, *arguments]


def module_environment(folders: Iterable[str]) -> dict[str, str]:
    """Return our environment, with the folders in which a child finds modules: ours comes first."""
    ours = str(Path(__file__).resolve().parent.parent.parent)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([ours, *filter(None, folders)])}


def system_environment() -> dict[str, str]:
    """Return our environment for a program of the system.

    A game that PyInstaller froze has its own libraries in the search path, which are not that
    program's.
    """
    variables = dict(os.environ)
    if getattr(sys, "frozen", False):
        variables.pop("LD_LIBRARY_PATH", None)
        if "LD_LIBRARY_PATH_ORIG" in variables:  # of the player
            variables["LD_LIBRARY_PATH"] = variables.pop("LD_LIBRARY_PATH_ORIG")
    return variables


def run_as_child() -> None:
    """Become the module that `module_command` has named, and exit; elsewhere do nothing.

    Called before a frozen game begins: PyInstaller's hook in `characters.pyinstaller` does it.
    """
    if _CHILD in sys.argv[1:2]:
        _, _, module, *arguments = sys.argv
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        sys.exit()


def python_command(script: Path) -> str:
    """Return what to type into a terminal to run a script with this Python."""
    here, is_windows = os.path.normcase(sys.executable), sys.platform == "win32"
    names = ("python", "python3")
    found = [name for name in names if os.path.normcase(shutil.which(name) or "") == here]
    if is_windows and sys.prefix == sys.base_prefix and shutil.which("py"):
        found.append("py")  # Python's launcher; of an environment it knows only that it is active
    join = subprocess.list2cmdline if is_windows else shlex.join
    return join([*found, sys.executable][:1]) + " " + join([str(script)])


# Were what is freed given back at once, a spoken sentence would take twice the time: its arrays
# would be new pages each time.
THRIFTY = {"MALLOC_ARENA_MAX": "1"}
"""For a child's environment: none of its threads has a heap of its own (glibc)."""


def give_memory_back() -> None:
    """Give the system what this process has freed, where its C library would keep it (glibc)."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
