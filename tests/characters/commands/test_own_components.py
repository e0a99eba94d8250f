"""The components of a game's own are those of the modules that its main.py imports."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from characters.cli import main
from characters.commands.own_components import main_script_of, modules_of
from characters.commands.scenes import project_registry

LAMP = "from engine import Component\n\n\nclass {}(Component):\n    radius: float = 1.0\n"
LEVEL = '[scene]\nname = "Hall"\n\n[[object]]\nname = "Ann"\n[object.{}]\nradius = 2\n'


@pytest.fixture(autouse=True)
def _fresh_modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def lint(*paths: Path) -> tuple[int, str]:
    out = io.StringIO()
    return main(["lint", *map(str, paths)], out), out.getvalue()


@pytest.mark.parametrize("level", ["assets/scenes/hall.toml", "hall.toml", "levels/hall.toml"])
def test_what_the_main_script_imports_is_known_in_the_files_of_the_game(
    level: str, tmp_path: Path
) -> None:
    write(tmp_path, "main.py", "from rooms import level\n\nraise SystemExit('it was run')\n")
    write(tmp_path, "rooms.py", "from parts.lamp_one import LampOne\n\nlevel = LampOne\n")
    write(tmp_path, "parts/lamp_one.py", LAMP.format("LampOne"))
    assert lint(write(tmp_path, level, LEVEL.format("LampOne"))) == (0, "1 file, no mistakes.\n")


def test_a_module_that_it_does_not_import_is_unknown(tmp_path: Path) -> None:
    write(tmp_path, "main.py", "import json, engine, characters\n")
    write(tmp_path, "lamp_two.py", LAMP.format("LampTwo"))
    write(tmp_path, "engine.py", "class Mine: ...\n")
    script = main_script_of(write(tmp_path, "hall.toml", LEVEL.format("LampTwo")))
    assert script is not None and modules_of(script) == []
    assert "not a known component" in lint(tmp_path / "hall.toml")[1]


def test_no_module_is_imported_that_has_no_class(tmp_path: Path) -> None:
    script = write(tmp_path, "main.py", "import window_opener, half, strange\n")
    write(tmp_path, "window_opener.py", "raise SystemExit\n")
    write(tmp_path, "half.py", "def (")  # importing it tells what is wrong
    write(tmp_path, "strange.py", "\0")
    assert modules_of(script) == ["half", "strange"]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("oops", "NameError: name 'oops'"),
        ("def (", "invalid syntax"),
        ("import no_such_lamp", "ModuleNotFoundError: No module named 'no_such_lamp'"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
    ],
)
def test_a_module_that_cannot_be_imported_is_told_with_its_line(
    fault: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "main.py", "import lamp_three\n")
    module = write(tmp_path, "lamp_three.py", f"{LAMP.format('LampThree')}\n{fault}\n")
    assert lint(write(tmp_path, "hall.toml", LEVEL.format("LampThree"))) == (1, "")
    assert f"{module}:7: {said}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "field", "said"),
    [
        ("Character", "glow: int = 1", "Two component types are called Character: rename one"),
        ("LampSix", "glow: 'Nope' = 1", "LampSix cannot be used in scene files: .*'Nope'"),
    ],
)
def test_a_component_that_cannot_be_used_is_told_with_its_module(
    name: str, field: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module = f"lamp_of_{name.lower()}"
    write(tmp_path, "main.py", f"import {module}\n")
    text = f"from engine import Component\n\nclass {name}(Component):\n    {field}\n"
    path = write(tmp_path, f"{module}.py", text)
    assert lint(write(tmp_path, "hall.toml", LEVEL.format(name))) == (1, "")
    assert re.search(f"^{re.escape(str(path))}: {said}", capsys.readouterr().err)


def test_a_module_that_is_no_text_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "main.py", "import lamp_five\n")
    (tmp_path / "lamp_five.py").write_bytes("x = 1\n".encode("utf-16"))
    assert lint(write(tmp_path, "hall.toml", LEVEL.format("LampFive"))) == (1, "")
    said = capsys.readouterr().err
    assert said.startswith("lamp_five cannot be imported: ") and "null bytes" in said
    assert "None" not in said


@pytest.mark.parametrize("code", ["x = " + "-" * 100_000 + "1", "x = a" + ".b" * 100_000])
def test_a_module_that_no_parser_takes_is_told(
    code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "main.py", "import lamp_six\n")
    write(tmp_path, "lamp_six.py", code)
    assert lint(write(tmp_path, "hall.toml", LEVEL.format("LampSix"))) == (1, "")
    assert capsys.readouterr().err.startswith("lamp_six cannot be imported: ")


def test_modules_of_two_games_with_one_name_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for game in ("one", "two"):
        write(tmp_path / game, "main.py", "import lamp_four\n")
        write(tmp_path / game, "lamp_four.py", LAMP.format("LampFour"))
        write(tmp_path / game, "hall.toml", LEVEL.format("LampFour"))
    assert lint(tmp_path)[0] == 1
    assert "have one name: look at one game at a time" in capsys.readouterr().err
    assert lint(tmp_path / "one")[0] == 0


def test_the_checkouts_own_main_script_adds_nothing() -> None:
    script = main_script_of(Path("assets/scenes/clinic.toml"))
    assert script is not None
    assert project_registry((), script).names() == project_registry().names()
