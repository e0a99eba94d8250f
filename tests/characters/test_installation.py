"""What a game reads that cannot start: packages are missing, or its own modules hide ours."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from characters.cli import main
from characters.commands.scenes import project_registry
from characters.installation import namesakes_in, not_installed
from tests.imports import ROOT

GAME = "from characters import Character\n"


def run(folder: Path, *command: str) -> str:
    """Run a program that fails with our packages on the path; return its last line."""
    return told(folder, *command)[-1]


def told(folder: Path, *command: str, status: int = 1) -> list[str]:
    """Run a program with our packages on the path; return the lines of its standard error."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == status, done.stdout
    return done.stderr.splitlines()


def write(folder: Path, name: str, text: str = "") -> Path:
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


takes_folders = pytest.mark.skipif(
    bool(sys.flags.isolated), reason="this Python takes no folders from the environment"
)


@takes_folders
@pytest.mark.parametrize("mine", ["engine.py", "engine/__init__.py"])
@pytest.mark.parametrize("program", [GAME, f"import engine\n{GAME}", "import characters.cli"])
def test_an_engine_of_the_games_own_is_named_with_ours(
    mine: str, program: str, tmp_path: Path
) -> None:
    file = write(tmp_path, mine)
    said = run(tmp_path, str(write(tmp_path, "main.py", program)))
    assert said == (
        f"ImportError: {file} has the name of {ROOT / 'engine' / '__init__.py'}, "
        "and one hides the other: rename yours."
    )


@takes_folders
@pytest.mark.parametrize("mine", ["characters.py", "characters/__init__.py"])
def test_characters_of_the_games_own_are_named_with_ours_once_the_engine_is_imported(
    mine: str, tmp_path: Path
) -> None:
    file = write(tmp_path, mine)
    program = write(tmp_path, "main.py", f"from engine import Scene\n{GAME}")
    warned, *failed = told(tmp_path, str(program))
    assert warned == (
        f"{program}:1: UserWarning: {file} has the name of "
        f"{ROOT / 'characters' / '__init__.py'}, and one hides the other: rename yours."
    )
    assert f"cannot import name 'Character' from 'characters' ({file})" in failed[-1]


@takes_folders
def test_a_game_that_wants_the_engine_alone_may_have_characters(tmp_path: Path) -> None:
    write(tmp_path, "characters.py", "class Hero: ...\n")
    program = write(tmp_path, "main.py", "from engine import Scene\nimport characters\n")
    told(tmp_path, str(program), status=0)


@takes_folders
def test_a_command_says_so_too(tmp_path: Path) -> None:
    file = write(tmp_path, "engine.py", "from characters import Character\n")
    assert str(file) in run(tmp_path, "-m", "characters", "doctor")


def test_a_game_inside_our_own_folder_is_no_exception(tmp_path: Path) -> None:
    assert namesakes_in(ROOT) == {}
    for name in ("engine", "characters"):
        write(tmp_path, f"{name}.py")
    assert set(namesakes_in(tmp_path)) == {"engine", "characters"}


@takes_folders
def test_a_folder_of_pictures_hides_nothing(tmp_path: Path) -> None:
    for name in ("engine", "characters"):
        write(tmp_path, f"{name}/hero.png")
    done = subprocess.run(
        [sys.executable, "-c", "from characters import Character; print(Character)"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert namesakes_in(tmp_path) == {}


@pytest.mark.parametrize("name", ["characters", "engine"])
def test_components_that_import_what_ours_hides_are_told_which_file_is_meant(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path, f"{name}.py", "class Hero: ...\n")
    write(tmp_path, "heroes.py", f"from {name} import Hero\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ImportError, match="rename yours") as caught:
        project_registry(["heroes"])
    assert str(file) in str(caught.value)
    sys.modules.pop("heroes", None)


def test_doctor_looks_for_them_in_the_folder_one_stands_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path, "characters.py")
    monkeypatch.chdir(tmp_path)
    out = io.StringIO()
    assert main(["doctor", "--data", str(tmp_path)], out) == 1
    assert f"fail  names: {file} has the name of" in out.getvalue()


# --- packages that are missing -----------------------------------------------------------------


@pytest.mark.skipif(
    bool(sys.flags.isolated), reason="this Python finds its packages without `site`"
)
@pytest.mark.parametrize("command", [["main.py"], ["-m", "characters", "doctor"]])
def test_without_the_packages_the_start_says_what_to_install(command: list[str]) -> None:
    # -S: without the folder that packages are installed in.
    started = [sys.executable, "-S", *command]
    ran = subprocess.run(
        started, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
    )
    assert ran.returncode == 1
    assert ran.stdout == "" and len(ran.stderr.splitlines()) == 1, ran.stderr
    assert "is not installed for this Python" in ran.stderr
    assert f'-m pip install -e "{ROOT}"' in ran.stderr


def test_a_mistake_of_our_own_is_not_hidden() -> None:
    with pytest.raises(ModuleNotFoundError):
        not_installed(ModuleNotFoundError("No module named 'engine.gone'", name="engine.gone"))
