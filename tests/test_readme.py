"""What the README shows works as it stands there, and where it leads there is something."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from types import CodeType

import pytest
from PIL import Image

from characters.cli import main
from characters.commands.sessions import open_persistence
from characters.components.character import Character
from characters.components.player import Door, Player
from characters.headless.script import Script
from engine.app.application import Application
from engine.toml.reader import read_toml
from tests.imports import ROOT
from tests.programs import borrow_service, play, start_program

README = (ROOT / "README.md").read_text(encoding="utf-8")
MOST_LINES = 160
MOST_BYTES = 1_500_000


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_it_is_short_enough_to_be_read() -> None:
    assert len(README.splitlines()) <= MOST_LINES


def test_its_picture_is_small_and_moves_and_its_script_can_be_played_again() -> None:
    picture = ROOT / "assets" / "screenshots" / "talk.gif"
    with Image.open(picture) as film:
        assert getattr(film, "n_frames", 1) > 100
    assert picture.stat().st_size < MOST_BYTES
    assert read_toml(picture.with_suffix(".toml"), Script).step


def code(which: int) -> CodeType:
    return compile(blocks("python")[which], "README.md", "exec", dont_inherit=True)


def test_a_plain_pygame_loop_imports_ours_first_so_that_pygame_prints_no_greeting() -> None:
    names = code(0).co_names
    assert names.index("characters") < names.index("engine") < names.index("pygame")


def test_two_characters_live_in_a_plain_pygame_loop(
    service_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = code(0)
    met = play(lambda: exec(program, {"__name__": "game"}), service_url, tmp_path, monkeypatch)
    assert [one.label for one in met] == ["Blacksmith", "Nurse"]


def test_the_levels_in_files_are_a_game_in_which_one_walks_through_the_door_and_back(
    service_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (lobby,) = blocks("toml")
    for word in ("`ward.toml`", '`"clinic"`', '`"lobby"`'):
        assert word in README
    ward = lobby.replace('"lobby"', '"clinic"').replace('"ward"', '"lobby"')
    for name, text in (("lobby", lobby), ("ward", ward)):
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    assert main(["lint", str(tmp_path)]) == 0
    visited: list[str] = []
    run = Application.run

    def walk(app: Application) -> None:
        """Wait in each level until the nurse is there, then step into the door."""
        app.scenes.scene_loaded.subscribe(lambda scene: visited.append(scene.name))
        ends_at = time.monotonic() + 60.0
        for count in (1, 2, 3):
            run(app, lambda: is_met(app, visited, count) or time.monotonic() > ends_at)  # noqa: B023 - it ends here
            scene = app.scenes.active
            assert scene is not None
            door, player = scene.find_component(Door), scene.find_component(Player)
            assert door and player
            player.transform.position = door.transform.position

    borrow_service(service_url, tmp_path, monkeypatch)
    monkeypatch.setattr(Application, "run", walk)
    monkeypatch.chdir(tmp_path)
    exec(code(1), {"__name__": "game"})
    assert visited == ["lobby", "ward", "lobby"]


def is_met(app: Application, visited: list[str], count: int) -> bool:
    """Whether so many levels were entered and the character of the last one is connected."""
    scene = app.scenes.active
    nurse = None if scene is None else scene.find_component(Character)
    return len(visited) == count and nurse is not None and nurse.is_connected


@pytest.mark.slow
@pytest.mark.posix("the folder for user data follows the environment")
def test_two_games_play_at_once_and_neither_they_nor_a_third_one_share_a_talk(
    tmp_path: Path,
) -> None:
    def start(name: str) -> subprocess.Popen[str]:
        game = tmp_path / name / "game.py"
        game.parent.mkdir()
        game.write_text(blocks("python")[0], encoding="utf-8")
        path = f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv = ['', {str(game)!r}]\n"
        visit = f"{path}import runpy; runpy.run_module('tests.visitor', run_name='__main__')"
        return start_program(tmp_path, sys.executable, "-c", visit)

    def plays(program: subprocess.Popen[str]) -> None:
        printed, errors = program.communicate(timeout=120)
        assert "Bob" in printed, errors
        assert "open already" not in errors

    at_once = [start("salt"), start("moor")]
    for program in at_once:
        plays(program)
    plays(start("fen"))
    ids: list[str] = []
    for name in ("salt", "moor", "fen"):
        prefs, stored = open_persistence(next(tmp_path.glob(f"home/**/{name}")), read_only=True)
        with prefs:
            ids += [record.session_id for record in stored.all().values()]
    assert len(ids) == len(set(ids)) == 6


@pytest.mark.parametrize("target", re.findall(r"\]\((?!https?:)([^)#]+)\)", README))
def test_a_link_leads_somewhere(target: str) -> None:
    assert (ROOT / target).exists()


@pytest.mark.parametrize("file", re.findall(r"`((?:[\w-]+/)+\w+\.\w+)`", README))
def test_a_file_that_is_named_exists(file: str) -> None:
    assert (ROOT / file).exists() or (ROOT / "characters" / file).exists()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"make ([a-z-]+)\b", README))))
def test_a_make_command_exists(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)


@pytest.mark.parametrize("module", re.findall(r"python -m ([a-z_]+(?:\.[a-z_]+)+)", README))
def test_a_program_that_is_named_exists(module: str) -> None:
    path = ROOT.joinpath(*module.split("."))
    assert path.with_suffix(".py").exists() or (path / "__main__.py").exists()
