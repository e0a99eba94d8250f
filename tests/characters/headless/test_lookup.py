from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from characters.components import Character, CharacterManager
from characters.headless.lookup import Lookup
from characters.headless.runner import StepError
from characters.runtime import Runtime
from engine.application import Application
from engine.scene import Scene
from tests.characters.components.fakes import FakeRuntime


def lookup(folder: Path, *, with_level: bool = True) -> Lookup:
    def ward(name: str) -> Scene:
        scene = app.new_scene("Ward")
        scene.add(CharacterManager())
        scene.create("Anna").add(Character("nurse-1", session_key="anna"))
        return scene

    app = Application(data_dir=folder, headless=True, open_scene=ward)
    runtime = FakeRuntime()
    app.provide(runtime, Runtime)
    if with_level:
        app.scenes.load("ward")
        app.tick()
        app.tick()
    return Lookup(app, runtime)  # type: ignore[arg-type]  # a fake


@pytest.mark.parametrize("name", ["anna", "nurse-1"])
def test_a_character_answers_to_its_key_and_to_its_id(tmp_path: Path, name: str) -> None:
    it = lookup(tmp_path)
    assert it.character(name).key == "anna"
    assert it.session(name).key == "anna"


@pytest.mark.parametrize("find", [Lookup.character, Lookup.session])
def test_a_wrong_name_is_answered_with_the_right_ones(
    tmp_path: Path, find: Callable[[Lookup, str], object]
) -> None:
    with pytest.raises(StepError, match="anna"):
        find(lookup(tmp_path), "bert")


def test_a_level_without_a_player_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="'Ward' has no Player"):
        _ = lookup(tmp_path).player


def test_before_a_level_is_loaded_there_is_nothing_to_find(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="no level"):
        _ = lookup(tmp_path, with_level=False).scene
