"""The name of a game, and the folder that is its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from engine.core.data_folder import (
    DataFolderError,
    data_folder,
    game_name,
    main_folder,
    make_data_folder,
)


@pytest.mark.parametrize(
    ("script", "name"),
    [
        ("/home/ada/salt mine/main.py", "salt mine"),
        ("/home/ada/salt mine/src/main.py", "salt mine"),
        ("/home/ada/.venv/bin/salt", "salt"),
        ("/main.py", "Game"),
    ],
)
def test_a_game_without_a_name_is_called_as_the_folder_of_its_main_script(
    script: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = ModuleType("__main__")
    main.__file__ = script
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert game_name() == name


def test_the_folder_of_a_game_is_that_of_its_main_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = ModuleType("__main__")
    main.__file__ = str(tmp_path / "game" / "main.py")
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert main_folder() == tmp_path.resolve() / "game"
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert main_folder() == tmp_path


def test_an_interactive_session_has_the_folder_it_stands_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    monkeypatch.chdir(tmp_path)
    assert main_folder() == tmp_path.resolve()


def test_a_data_folder_that_cannot_be_made_is_named_with_the_reason(tmp_path: Path) -> None:
    assert make_data_folder(tmp_path / "a" / "b").is_dir()
    file = tmp_path / "README.md"
    file.touch()
    with pytest.raises(DataFolderError, match=r"README\.md cannot be made: it is a file\."):
        make_data_folder(file)
    for name in ("deeper", "x" * 5000):  # no file system takes such a name
        with pytest.raises(DataFolderError, match=f"{name} cannot be made: "):
            make_data_folder((file if name == "deeper" else tmp_path) / name)


def test_an_interactive_session_is_called_as_the_folder_it_stands_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    monkeypatch.chdir(tmp_path)
    assert game_name() == tmp_path.name


def test_a_frozen_game_is_called_as_its_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/opt/games/Salt.exe")
    assert game_name() == "Salt"


def test_the_main_script_counts_and_not_the_folder_one_stands_in(tmp_path: Path) -> None:
    script = tmp_path / "salt" / "main.py"
    script.parent.mkdir()
    root = Path(__file__).parents[3]
    script.write_text(
        f"import sys; sys.path.append({str(root)!r})\n"
        "from engine.core.data_folder import game_name; print(game_name())\n"
    )
    command = [sys.executable, str(script)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert ran.stdout.strip() == "salt"


@pytest.mark.parametrize("name", ["..", "a/b", "CON:", "x.", "*"])
def test_every_name_is_one_folder_below_the_platforms(name: str) -> None:
    assert data_folder(name).parent == data_folder("Salt").parent


@pytest.mark.parametrize(
    ("name", "folder"),
    [("nul", "_nul"), ("Aux.x", "_Aux.x"), ("COM1", "_COM1"), ("Console", "Console")],
)
def test_no_game_keeps_its_data_in_what_windows_takes_for_a_device(name: str, folder: str) -> None:
    assert data_folder(name).name == folder


def test_the_company_is_the_folder_above() -> None:
    assert data_folder("Salt", "Mine") == data_folder("Mine") / "Salt"
