"""`new`: a folder with a small game that runs at once, to be changed into one's own."""

from __future__ import annotations

import shutil
from pathlib import Path

import characters

__all__ = ["make_game"]

TEMPLATE = Path(characters.__file__).parent / "templates" / "game"


def make_game(folder: Path) -> None:
    """Write the game into a new or empty folder. Raises FileExistsError for any other."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is there already: name a folder that is new or empty.")
    # The contents alone: the modes of an installed package may forbid to write.
    copy, left_out = shutil.copyfile, shutil.ignore_patterns("__pycache__", ".*")
    shutil.copytree(TEMPLATE, folder, ignore=left_out, copy_function=copy, dirs_exist_ok=True)
    readme = folder / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(text.replace("mygame", folder.resolve().name), "utf-8", newline="\n")
