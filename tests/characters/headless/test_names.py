from __future__ import annotations

from pathlib import Path

import pytest

from characters.commands.demo import LevelFolder
from engine.toml.reader import TomlFileError

LEVEL = """
[scene]
name = "Yard"
[[object]]
name = "Game"
[object.CharacterManager]
[[object]]
name = "You"
[object.Player]
[[object]]
name = "Gate"
[object.Door]
target = "clinic"
[[object]]
name = "Guard"
[object.Character]
character_id = "guard-1"
session_key = "guard of the night"
persona = "personas/porter-3e8f.toml"
"""


@pytest.fixture
def levels(tmp_path: Path) -> LevelFolder:
    level = tmp_path / "yard.toml"
    level.write_text(LEVEL, encoding="utf-8")
    return LevelFolder(str(level))


def mistakes(levels: LevelFolder, folder: Path, script: str) -> list[str]:
    path = folder / "play.toml"
    path.write_text(script.replace(";", "\n"), encoding="utf-8")
    try:
        levels.read_script(path)
    except TomlFileError as error:
        return [str(problem).removeprefix(str(path)) for problem in error.problems]
    return []


@pytest.mark.parametrize(
    "step",
    [
        'wait = { character = "guard-1", state = "CONNECTED" }',
        'do = "retry";character = "guard of the night"',
        'do = "talk_to";character = "nurse-21c4"',  # behind the gate
        'do = "walk_to";character = "examiner-5d2e"',  # two doors on
        'do = "walk_to";object = "Gate"',
        'do = "load_scene";scene = "lobby";spawn = "from clinic"',
        'do = "key";key = "f7"',
        'do = "key";key = "pad 3"',
        'do = "key";key = "mouse 1"',
        'do = "key";key = "left shift"',
        'do = "cut"',
    ],
)
def test_a_name_that_is_there_is_no_mistake(levels: LevelFolder, tmp_path: Path, step: str) -> None:
    assert mistakes(levels, tmp_path, f"[[step]];{step}") == []


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ('wait = { character = "gard-1", state = "ERROR" }', ":2:22: step[1].wait.character:"),
        ('do = "say";character = "guard-2";text = "Hello."', ":3:13: step[1].character:"),
        ('do = "walk_to";object = "Gates"', ":3:10: step[1].object:"),
        ('do = "load_scene";scene = "loby"', ":3:9: step[1].scene:"),
        ('do = "load_scene";scene = "lobby";spawn = "from nowhere"', ":4:9: step[1].spawn:"),
        ('do = "key";key = "F7"', ":3:7: step[1].key:"),
        ('do = "speak_wav";character = "guard-1";file = "play.toml"', ":4:8: step[1].file:"),
        ('do = "speak_wav";character = "guard-1";file = "no.wav"', ":4:8: step[1].file:"),
        ('do = "save_slot";slot = " "', ":3:8: step[1].slot:"),
        ('do = "take_back";character = "gard-1"', ":3:13: step[1].character:"),
    ],
)
def test_a_name_that_is_nowhere_is_told_with_its_line(
    levels: LevelFolder, tmp_path: Path, step: str, told: str
) -> None:
    (found,) = mistakes(levels, tmp_path, f"[[step]];{step}")
    assert found.startswith(told)


def test_a_wrong_name_comes_with_the_right_one(levels: LevelFolder, tmp_path: Path) -> None:
    (found,) = mistakes(levels, tmp_path, '[[step]];do = "retry";character = "gard-1"')
    assert "Try: guard-1" in found


def test_every_wrong_name_is_told_at_once(levels: LevelFolder, tmp_path: Path) -> None:
    step = '[[step]];do = "retry";character = "nobody";'
    assert len(mistakes(levels, tmp_path, 3 * step)) == 3


def test_a_level_with_mistakes_is_told_at_the_step_that_loads_it(
    levels: LevelFolder, tmp_path: Path
) -> None:
    (tmp_path / "broken.toml").write_text("[scene]\nnam = 1\n", encoding="utf-8")
    path = (tmp_path / "broken.toml").as_posix()
    found = mistakes(levels, tmp_path, f'[[step]];do = "load_scene";scene = "{path}"')
    assert len(found) == 1 and "broken.toml:2:1" in found[0]


def test_who_may_be_made_by_a_component_of_the_game_is_left_to_the_step(tmp_path: Path) -> None:
    (tmp_path / "yard.toml").write_text(LEVEL, encoding="utf-8")
    levels = LevelFolder(str(tmp_path / "yard.toml"), ["tests.characters.lamps"])
    assert mistakes(levels, tmp_path, '[[step]];do = "retry";character = "made-in-code"') == []
    assert mistakes(levels, tmp_path, '[[step]];do = "key";key = "f77"')
