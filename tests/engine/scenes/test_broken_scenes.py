"""Every mistake of the corpus is found at its line, and nothing else is complained of."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.scenes.file import SceneFile
from engine.toml.reader import TomlFileError
from tests.engine.corpus import BrokenScene, cases, write_assets
from tests.engine.sample_components import sample_registry


@cases("single.txt")
def test_one_mistake_is_found_at_its_line(broken: BrokenScene, tmp_path: Path) -> None:
    assert_found(broken, tmp_path)


@cases("several.txt")
def test_several_mistakes_are_found_at_once(broken: BrokenScene, tmp_path: Path) -> None:
    assert_found(broken, tmp_path)


def assert_found(broken: BrokenScene, folder: Path) -> None:
    path = write_assets(folder)
    path.write_text(broken.text, "utf-8")
    with pytest.raises(TomlFileError) as error:
        SceneFile.read(path, sample_registry())
    assert broken.differences(error.value.problems) == []
