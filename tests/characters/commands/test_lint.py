from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from characters.commands.lint import Linter, expand, report
from characters.commands.project import project_linter
from engine.toml_file import Fix, Problem
from tests.characters.components.levels import write_level

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
