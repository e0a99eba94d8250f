"""The game that `new` writes runs as it is: window, lint, test and types."""

from __future__ import annotations

import errno
import io
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from characters.cli import main
from characters.client.service_process import ServiceProcess
from tests.imports import ROOT
from tests.programs import play


@pytest.fixture
def game(tmp_path: Path) -> Path:
    out = io.StringIO()
    assert main(["new", str(tmp_path / "my hall")], out) == 0
    assert str(tmp_path / "my hall" / "main.py") in out.getvalue()
    return tmp_path / "my hall"


def run(game: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the folder of the game, as its developer does."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    line = [sys.executable, *command]
    return subprocess.run(
        line, cwd=game, capture_output=True, text=True, check=False, env=environment, timeout=180
    )


def test_it_runs_at_once_with_a_character_that_connects(
    game: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = ServiceProcess(None, game / "assets", arguments=("--no-speech",))
    monkeypatch.syspath_prepend(str(game))  # as Python does for the script that it runs

    def program() -> None:
        runpy.run_path(str(game / "main.py"), run_name="__main__")

    try:
        met = play(program, service.start(), tmp_path, monkeypatch)
    finally:
        service.stop()
        sys.modules.pop("lantern")
    assert [one.label for one in met] == ["Odo"]
    assert len(met[0].game_object.components) == 3


def test_it_has_no_mistakes_and_a_title_of_its_own(game: Path) -> None:
    done = run(game, "-m", "characters", "lint", ".")
    assert (done.returncode, done.stdout) == (0, "3 files, no mistakes.\n"), done.stderr
    assert (game / "README.md").read_text(encoding="utf-8").startswith("# my hall\n")


@pytest.mark.slow
def test_its_own_test_passes(game: Path) -> None:
    done = run(game, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout


def test_what_is_there_already_is_never_written_over(
    game: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (game / "main.py").write_text("mine", encoding="utf-8")
    assert main(["new", str(game)]) == 1
    assert "is there already: name a folder" in capsys.readouterr().err
    assert main(["new", str(game / "main.py")]) == 1
    assert (game / "main.py").read_text(encoding="utf-8") == "mine"


def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    assert main(["new", str(tmp_path)]) == 0
    assert (tmp_path / "assets" / "scenes" / "hall.toml").is_file()


@pytest.mark.parametrize("was_there", [True, False])
def test_of_a_game_that_cannot_be_written_nothing_is_left(
    was_there: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, copy = tmp_path / "mygame", shutil.copyfile
    if was_there:
        folder.mkdir()

    def until_full(source: Path, target: Path) -> None:
        if target.name == "main.py":
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        copy(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", until_full)
        assert main(["new", str(folder)]) == 1
    assert capsys.readouterr().err == f"{folder / 'main.py'}: No space left on device.\n"
    assert [*tmp_path.rglob("*")] == ([folder] if was_there else [])
    assert main(["new", str(folder)], io.StringIO()) == 0
