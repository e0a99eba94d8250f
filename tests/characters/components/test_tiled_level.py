"""The level of the page on Tiled, as the page describes it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from characters.commands.docs import FOLDER
from characters.commands.scenes import project_registry
from characters.components.character import Character
from characters.components.checks import SCENE_CHECKS
from characters.components.player import Door
from engine.objects.physics import Box, BoxCollider
from engine.scenes.file import SceneFile
from engine.toml.reader import TomlFileError

PAGE = (FOLDER / "how-to/tiled.md").read_text(encoding="utf-8")
LEVEL, MAP = (
    re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[0] for language in ("toml", "xml")
)
LOBBY = '[scene]\n[[object]]\nname = "In"\n[object.SpawnPoint]\nlabel = "from yard"\n'


def read(folder: Path, drawn: str = MAP) -> SceneFile:
    files = {"scenes/yard.toml": LEVEL, "scenes/lobby.toml": LOBBY, "maps/level.tmx": drawn}
    for name, text in files.items():
        (folder / "assets" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "assets" / name).write_text(text, encoding="utf-8")
    path = folder / "assets/scenes/yard.toml"
    return SceneFile.read(path, project_registry(), SCENE_CHECKS)


def test_the_level_of_the_page_is_what_the_page_says(tmp_path: Path) -> None:
    file = read(tmp_path)
    objects = file.build(file.new_scene()).objects
    nurse = objects["Nurse"].require_component(Character)
    assert nurse.transform.position == (300.0, 240.0)
    assert nurse.character_id == "nurse-21c4"
    assert nurse.reconnect_policy.max_reconnect_attempts == 9
    assert objects["Gate"].require_component(Door).box == Box(830.0, 200.0, 60.0, 40.0)
    walls = [objects[f"BoxCollider {n}"].require_component(BoxCollider).box for n in (1, 2)]
    assert walls == [Box(480.0, 16.0, 960.0, 32.0), Box(464.0, 280.0, 32.0, 160.0)]


def test_a_mistake_is_told_as_the_page_says(tmp_path: Path) -> None:
    with pytest.raises(TomlFileError) as caught:
        read(tmp_path, MAP.replace('value="9"', 'value="many"'))
    (shown,) = re.findall(r"^    (assets/maps/.*)$", PAGE, re.M)
    assert str(caught.value).replace("\\", "/").endswith(shown)
