"""Modules of a game that have the name of a package of ours, and so stand in its place."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

__all__ = ["namesakes_in", "refuse_namesake", "sentence"]

PACKAGES = ("engine", "characters")


def refuse_namesake(name: str) -> None:
    """Raise ImportError, with both files, where `name` is another module than our package."""
    module = sys.modules.get(name)
    found = module.__spec__ if module is not None else importlib.util.find_spec(name)
    file = None if found is None else found.origin
    if file is not None and not _is_ours(name, Path(file)):
        raise ImportError(sentence(name, Path(file)))


def namesakes_in(folder: Path) -> dict[str, Path]:
    """Return the files in a folder that are imported there in place of our packages, by name."""
    # As Python looks: a package comes before a module.
    files = {name: (folder / name / "__init__.py", folder / f"{name}.py") for name in PACKAGES}
    found = {name: [file for file in both if file.is_file()] for name, both in files.items()}
    return {name: both[0] for name, both in found.items() if both and not _is_ours(name, both[0])}


def sentence(name: str, file: Path) -> str:
    """Return what is wrong with a file that has the name of a package of ours, and what to do."""
    ours = _ours(name) / "__init__.py"
    return f"{file} has the name of {ours}, and one hides the other: rename yours."


def _ours(name: str) -> Path:
    return Path(__file__).parent.parent / name


def _is_ours(name: str, file: Path) -> bool:
    return os.path.realpath(file.parent) == os.path.realpath(_ours(name))
