from __future__ import annotations

import io
import json
from contextlib import suppress
from pathlib import Path

import pytest

from characters.commands.scenes import (
    Linter,
    expand,
    project_linter,
    project_registry,
    report,
    set_from_text,
    split_target,
)
from characters.installation import package_assets
from engine.scenes.file import SceneFile
from engine.toml.reader import Fix, Problem, TomlFileError
from tests.characters.components.levels import write_level
from tests.engine.corpus import BrokenScene, cases

CHARACTER = """\

[[object]]
name = "Ann"      # who
[object.Character]
character_id = "ann-1"
[object.Character.reconnect_policy]   # a slow network
resume_policy = "resume_if_posible"   # so she remembers
max_reconnect_atempts   =   5
"""


@pytest.fixture(scope="module")
def linter() -> Linter:
    return project_linter()


def test_every_shipped_level_and_persona_is_without_mistakes(linter: Linter) -> None:
    root = Path(__file__).parents[3]
    files = expand([root / "assets/scenes", root / "assets/personas"])
    assert len(files) >= 8
    assert [str(problem) for file in files for problem in linter.problems(file)] == []


def test_a_persona_is_checked_as_one(linter: Linter, tmp_path: Path) -> None:
    path = tmp_path / "personas" / "ann.toml"
    path.parent.mkdir()
    path.write_text("voise = 3\n", "utf-8")
    assert any("is not a known key" in str(problem) for problem in linter.problems(path))


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / "assets" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("folder", ["prefabs", "people"])
def test_a_prefab_is_checked_as_one_by_its_folder_or_its_tables(
    linter: Linter, tmp_path: Path, folder: str
) -> None:
    text = 'tag = 3\n[Character]\nconect = "manual"\n[CharacterSprit]\n'
    path = write(tmp_path, f"{folder}/npc.toml", text)
    assert [(p.line, p.field, p.hint) for p in linter.problems(path)] == [
        (1, "tag", 'tag = ""'),
        (3, "Character.conect", "connect"),
        (4, "CharacterSprit", "CharacterSprite or Character or CharacterManager"),
    ]


@pytest.mark.parametrize("folder", ["characters", "people"])
def test_a_profile_is_checked_as_one_by_its_folder_or_its_keys(
    linter: Linter, tmp_path: Path, folder: str
) -> None:
    text = 'character_id = "a"\npersist = "foreva"\n[reconnect_policy]\nmax_atempts = 1\n'
    path = write(tmp_path, f"{folder}/ann.toml", text)
    assert [(p.line, p.field) for p in linter.problems(path)] == [
        (2, "Character.persist"),
        (4, "Character.reconnect_policy.max_atempts"),
    ]


def test_what_a_level_has_to_give_is_no_mistake_of_a_part(linter: Linter, tmp_path: Path) -> None:
    text = 'parent = "Hall"\n[Character]\nconnect = "manual"\n'
    text += '[SessionEventRelay]\ncharacter = "Ann"\non_error = "Panel:Hud.notify"\n'
    assert linter.problems(write(tmp_path, "prefabs/npc.toml", text)) == ()
    assert linter.problems(write(tmp_path, "characters/ann.toml", 'connect = "manual"\n')) == ()


def test_the_checks_of_levels_are_made_for_parts_as_far_as_they_can_be(
    linter: Linter, tmp_path: Path
) -> None:
    text = 'character_id = "an\u200bn"\n[reconnect_policy]\nroom_rejoin_ttl_seconds = 9999\n'
    path = write(tmp_path, "characters/ann.toml", text)
    said = [str(problem) for problem in linter.problems(path)]
    assert "cannot be seen" in said[0]
    assert "3600 s at most" in said[1]


def test_fix_repairs_a_part_too(linter: Linter, tmp_path: Path) -> None:
    path = write(tmp_path, "prefabs/npc.toml", "# who\n[Charcter] # she\nconect = 'manul'\n")
    linter.fix(path)
    assert path.read_text() == '# who\n[Character] # she\nconnect = "manual"\n'


def test_a_script_is_checked_as_one_wherever_it_lies(linter: Linter, tmp_path: Path) -> None:
    path = write(tmp_path, "play.toml", '[[step]]\ndo = "sya"\n')
    (problem,) = linter.problems(path)
    assert (problem.line, problem.hint) == (2, "say")


def test_a_persona_is_checked_as_one_wherever_it_lies(linter: Linter, tmp_path: Path) -> None:
    path = write(tmp_path, "ada.toml", 'name = "Ada"\nfallback = ["Hm?"]\ntopics = []\n')
    said = [problem.message for problem in linter.problems(path)]
    assert len(said) == 3 and not any("scene" in message for message in said)
    shipped = package_assets() / "personas" / "patient-7f3a.toml"
    assert not linter.problems(write(tmp_path, "patient.toml", shipped.read_text("utf-8")))


def test_a_file_of_nothing_known_is_taken_for_a_level(linter: Linter, tmp_path: Path) -> None:
    for name, text in (("x.toml", "# nothing\n"), ("scenes/x.toml", 'name = "Hall"\n')):
        said = [str(problem) for problem in linter.problems(write(tmp_path, name, text))]
        assert any("scene: is missing" in line for line in said)


def test_fix_repairs_typos_and_nothing_else(linter: Linter, tmp_path: Path) -> None:
    path = write_level(tmp_path, CHARACTER)
    before = path.read_text()
    assert linter.fix(path) == 2
    fixed = before.replace("resume_if_posible", "resume_if_possible")
    assert path.read_text() == fixed.replace("max_reconnect_atempts", "max_reconnect_attempts")
    assert linter.problems(path) == ()


def test_fix_repairs_what_a_repaired_name_brings_to_light(linter: Linter, tmp_path: Path) -> None:
    path = write_level(tmp_path, CHARACTER.replace("object.Character", "object.Charcter"))
    linter.fix(path)
    assert linter.problems(path) == ()


def test_fix_leaves_a_mistake_with_two_remedies(linter: Linter, tmp_path: Path) -> None:
    path = write_level(tmp_path, '[[object]]\nname = "Ann"\nparent = "Manaher"\ntga = "x"\n')
    path.write_text(path.read_text() + 'tag = "y"\n')
    linter.fix(path)
    assert "tga" in path.read_text()


def test_fix_leaves_a_file_that_is_no_toml(linter: Linter, tmp_path: Path) -> None:
    path = write_level(tmp_path, "broken\n")
    before = path.read_bytes()
    assert linter.fix(path) == 0
    assert path.read_bytes() == before


def test_folders_stand_for_their_toml_files(tmp_path: Path) -> None:
    level = write_level(tmp_path, "")
    (tmp_path / "notes.txt").touch()
    assert expand([tmp_path, level]) == [level]


PROBLEM = Problem(
    "a.toml", 2, 1, None, "nmae", "is not a known key", None, "name", Fix(((0, 4),), "name")
)


def test_the_report_ends_with_a_count() -> None:
    out = io.StringIO()
    report([PROBLEM], 3, out, as_json=False)
    assert out.getvalue().splitlines() == [str(PROBLEM), "3 files, 1 mistake."]


def test_the_report_for_programs_is_json() -> None:
    out = io.StringIO()
    report([PROBLEM], 1, out, as_json=True)
    assert json.loads(out.getvalue()) == [
        {
            "file": "a.toml",
            "line": 2,
            "column": 1,
            "object": None,
            "field": "nmae",
            "message": "is not a known key",
            "got": None,
            "hint": "name",
            "fixable": True,
        }
    ]


def test_levels_may_name_our_components_and_those_of_the_engine() -> None:
    assert {"Character", "CharacterManager", "BoxCollider", "Prop"} <= set(project_registry())


def test_a_module_of_the_game_adds_its_own() -> None:
    assert "Lamp" in project_registry(["tests.characters.lamps"])


def test_a_module_that_is_not_there_is_refused() -> None:
    with pytest.raises(ImportError):
        project_registry(["no.such.module"])


def test_the_linter_knows_levels_personas_languages_and_scripts() -> None:
    assert list(project_linter().readers) == ["personas", "fallback", "shared", "words", "step"]


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
