"""What the README shows works as it stands there, and where it leads there is something."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from characters.cli import main
from characters.ui.registration import read_scene
from engine.app.application import Application
from engine.objects.scene import Scene
from tests.imports import ROOT
from tests.programs import play

README = (ROOT / "README.md").read_text(encoding="utf-8")
MOST_LINES = 160


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_it_is_short_enough_to_be_read() -> None:
    assert len(README.splitlines()) <= MOST_LINES


def test_two_characters_live_in_a_plain_pygame_loop(
    service_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (loop,) = blocks("python")
    program = compile(loop, "README.md", "exec", dont_inherit=True)
    met = play(lambda: exec(program, {"__name__": "game"}), service_url, tmp_path, monkeypatch)
    assert [one.label for one in met] == ["Blacksmith", "Nurse"]


def test_the_level_in_a_file_has_no_mistakes_and_can_be_played(
    service_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (text,) = blocks("toml")
    file = tmp_path / "level.toml"
    file.write_text(text, encoding="utf-8")
    assert main(["lint", str(file)]) == 0

    def level(name: str) -> Scene:
        scene = app.new_scene(name)
        read_scene(file).build(scene)
        return scene

    def game() -> None:
        app.scenes.load("level")
        app.run()
        app.close()

    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    app = Application(open_scene=level)
    assert [one.label for one in play(game, service_url, tmp_path, monkeypatch)] == ["Nurse"]


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
