from __future__ import annotations

from pathlib import Path

import pytest

from characters.components import SCENE_CHECKS, register_components
from engine.registry import ComponentRegistry
from engine.scene_file import SceneFile
from engine.toml_file import TomlFileError

MANAGER = '[[object]]\nname = "Game"\n[object.CharacterManager]\n'


def person(name: str, character: str, more: str = "") -> str:
    return (
        f'[[object]]\nname = "{name}"\n[object.Character]\ncharacter_id = "{character}"\n{more}\n'
    )


def read(folder: Path, *objects: str) -> SceneFile:
    registry = ComponentRegistry()
    register_components(registry)
    path = folder / "level.toml"
    path.write_text('[scene]\nname = "Level"\n' + "".join(objects), encoding="utf-8")
    return SceneFile.read(path, registry, SCENE_CHECKS)


def complaints(folder: Path, *objects: str) -> list[str]:
    with pytest.raises(TomlFileError) as caught:
        read(folder, *objects)
    return [str(problem) for problem in caught.value.problems]


def test_two_of_one_id_are_both_named_with_their_places(tmp_path: Path) -> None:
    (found,) = complaints(tmp_path, MANAGER, person("Anna", "n-1"), person("Berta", "n-1"))
    assert 'object "Berta"' in found
    assert '"Anna"' in found
    assert "level.toml:9:" in found


def test_a_session_key_of_its_own_makes_a_clone_legal(tmp_path: Path) -> None:
    clone = person("Berta", "n-1", 'session_key = "n-1-b"')
    assert read(tmp_path, MANAGER, person("Anna", "n-1"), clone)


def test_characters_need_a_manager(tmp_path: Path) -> None:
    (found,) = complaints(tmp_path, person("Anna", "n-1"))
    assert "CharacterManager" in found


def test_a_second_manager_is_one_too_many(tmp_path: Path) -> None:
    (found,) = complaints(tmp_path, MANAGER, MANAGER.replace("Game", "Other"))
    assert "'Game'" in found


def test_a_preset_with_an_override_is_a_policy(tmp_path: Path) -> None:
    line = 'reconnect_policy = { preset = "patient", auto_mic_start_delay_seconds = 2.0 }'
    file = read(tmp_path, MANAGER, person("Anna", "n-1", line))
    values = file.objects[1].components["Character"].values
    assert values is not None
    policy = values["reconnect_policy"]
    assert (policy.max_reconnect_attempts, policy.auto_mic_start_delay_seconds) == (None, 2.0)
