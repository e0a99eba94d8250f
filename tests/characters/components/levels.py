"""Reads levels with the real components, for the tests of checks and commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from characters.commands.scenes import project_registry
from characters.components.checks import SCENE_CHECKS
from engine.scenes.file import SceneFile
from engine.toml.reader import TomlFileError

__all__ = ["problems_of", "write_level"]

HEAD = '[scene]\n[[object]]\nname = "Manager"\n[object.CharacterManager]\n'


def write_level(folder: Path, text: str, name: str = "level") -> Path:
    """Write a level with a manager, its own text from line 5 on, below an assets folder."""
    path = folder / "assets" / "scenes" / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + text, "utf-8")
    return path


def problems_of(path: Path) -> list[str]:
    """Return what is wrong with a level, each as `line: object: field: ...` without the path."""
    with pytest.raises(TomlFileError) as error:
        SceneFile.read(path, project_registry(), SCENE_CHECKS)
    return [str(problem).replace(f"{path}:", "") for problem in error.value.problems]
