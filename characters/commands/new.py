"""`new`: a folder with a small game that runs at once, to be changed into one's own."""

from __future__ import annotations

import shutil
from pathlib import Path

import characters
from engine.core.file_system import real_path

__all__ = ["make_game"]

TEMPLATE = Path(characters.__file__).parent / "templates" / "game"


def make_game(folder: Path) -> None:
    """Write the game into a new or empty folder. Raises FileExistsError for any other."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is there already: name a folder that is new or empty.")
    was_there = folder.exists()
    try:
        _write(folder)
    except BaseException:
        # Half a game would stand in the way of the next try.
        shutil.rmtree(folder, ignore_errors=True)
        if was_there:
            folder.mkdir(exist_ok=True)
        raise


def _write(folder: Path) -> None:
    for source in sorted(TEMPLATE.rglob("*")):
        parts = source.relative_to(TEMPLATE).parts
        if source.is_dir() or any(part == "__pycache__" or part[0] == "." for part in parts):
            continue
        target = folder.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        # The contents alone: the modes of an installed package may forbid to write.
        shutil.copyfile(source, target)
    readme, name = folder / "README.md", real_path(folder).name
    text = readme.read_text(encoding="utf-8")
    name = name.encode("utf-8", "replace").decode()  # of bytes that are no text, too
    readme.write_text(text.replace("mygame", name), "utf-8", newline="\n")
