"""Mistakes with our own components are found at their lines, and nothing else is complained of."""

from __future__ import annotations

from pathlib import Path

import pytest

from characters.commands.scenes import project_registry
from characters.components.checks import SCENE_CHECKS
from engine.scenes.file import SceneFile
from engine.toml.reader import TomlFileError
from tests.engine.corpus import BrokenScene, cases

HERE = Path(__file__).parent / "broken"


@cases("levels.txt", HERE)
def test_every_mistake_is_found_at_its_line(broken: BrokenScene, tmp_path: Path) -> None:
    path = tmp_path / "level.toml"
    path.write_text(broken.text, "utf-8")
    with pytest.raises(TomlFileError) as error:
        SceneFile.read(path, project_registry(), SCENE_CHECKS)
    assert broken.differences(error.value.problems) == []
