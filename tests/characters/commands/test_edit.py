from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from characters.commands.edit import set_from_text, split_target
from characters.commands.project import project_registry
from engine.scene_file import SceneFile
from engine.toml_file import TomlFileError
from tests.characters.components.levels import write_level
from tests.engine.corpus import BrokenScene, cases

ANN = '[[object]]\nname = "Mr. Ann"\n[object.Character]\ncharacter_id = "ann-1"  # hers\n'


def level(folder: Path) -> SceneFile:
    return SceneFile.read(write_level(folder, ANN), project_registry())


def test_the_name_of_an_object_may_hold_dots(tmp_path: Path) -> None:
    target = "Mr. Ann.Character.connect"
    assert split_target(level(tmp_path), target) == ("Mr. Ann", "Character.connect")


def test_an_unknown_object_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="Try: Manager"):
        split_target(level(tmp_path), "Manger.position")


@pytest.mark.parametrize(
    ("field", "text", "line"),
    [
        ("Character.character_id", "bob-2", 'character_id = "bob-2"  # hers'),
        ("Character.character_id", "12", 'character_id = "12"  # hers'),
        ("position", "[1, 2]", "position = [1, 2]"),
        ("active", "false", "active = false"),
        ("Character.connect", "manual", 'connect = "manual"'),
        ("Character.reconnect_policy", "patient", 'reconnect_policy = "patient"'),
        (
            "Character.reconnect_policy.max_reconnect_attempts",
            "5",
            "reconnect_policy.max_reconnect_attempts = 5",
        ),
    ],
)
def test_a_value_is_given_as_toml_or_as_bare_text(
    field: str, text: str, line: str, tmp_path: Path
) -> None:
    file = level(tmp_path)
    set_from_text(file, f"Mr. Ann.{field}", text)
    assert line in file.text.splitlines()


def test_what_is_wrong_is_said_of_the_value_as_it_was_meant(tmp_path: Path) -> None:
    with pytest.raises(TomlFileError, match=r"active: must be true or false \(got 1\)"):
        set_from_text(level(tmp_path), "Mr. Ann.active", "1")


@cases("single.txt")
def test_a_file_with_mistakes_is_edited_or_refused_and_never_damaged(
    broken: BrokenScene, tmp_path: Path
) -> None:
    path = tmp_path / "level.toml"
    path.write_text(broken.text, "utf-8")
    with suppress(TomlFileError, LookupError):
        file = SceneFile.read(path, project_registry(), to_mend=True)
        before = {(p.object, p.field, p.message) for p in file.problems}
        set_from_text(file, f"{file.objects[0].name}.position", "[1, 2]")
        after = {(p.object, p.field, p.message) for p in file.problems}
        assert after <= before and "position = [1, 2]" in file.text
