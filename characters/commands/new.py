"""`new`: a folder with a small game that runs at once, to be changed into one's own."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import characters

__all__ = ["make_game", "python_command"]

TEMPLATE = Path(characters.__file__).parent / "templates" / "game"


def make_game(folder: Path) -> None:
    """Write the game into a new or empty folder. Raises FileExistsError for any other."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is there already: name a folder that is new or empty.")
    # The contents alone: the modes of an installed package may forbid to write.
    shutil.copytree(
        TEMPLATE,
        folder,
        ignore=shutil.ignore_patterns("__pycache__", ".*"),
        copy_function=shutil.copyfile,
        dirs_exist_ok=True,
    )
    readme = folder / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(text.replace("mygame", folder.resolve().name), encoding="utf-8")


def python_command(script: Path) -> str:
    """Return what to type into a terminal to run a script with this Python."""
    here, is_windows = os.path.normcase(sys.executable), os.name == "nt"
    names = ("python", "python3")
    found = [name for name in names if os.path.normcase(shutil.which(name) or "") == here]
    if is_windows and sys.prefix == sys.base_prefix and shutil.which("py"):
        found.append("py")  # Python's launcher; of an environment it knows only that it is active
    join = subprocess.list2cmdline if is_windows else shlex.join
    return join([*found, sys.executable][:1]) + " " + join([str(script)])
