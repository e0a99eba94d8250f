"""What the README shows works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from characters.protocol.failures import FailureKind, classify_http
from tests.imports import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")

# Runs a program as its file would, until it has closed its window: that is asked of it as soon
# as somebody has spoken, or after twenty seconds, and then the program has failed.
PLAY = """
import sys, threading, time, pygame
from characters import Character, SessionState
start, seen = Character.start, []
def started(self):
    start(self)
    self.events.subscribe(lambda event: seen.append(self.view.state))
Character.start = started
def leave():
    end = time.monotonic() + 20
    while SessionState.CONNECTED not in seen and time.monotonic() < end:
        threading.Event().wait(0.05)
    pygame.event.post(pygame.event.Event(pygame.QUIT))
threading.Thread(target=leave, daemon=True).start()
exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"), {"__name__": "__main__"})
sys.exit(SessionState.CONNECTED not in seen)
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def run(
    arguments: list[str], data: Path, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "SDL_VIDEODRIVER": "dummy",
        "XDG_DATA_HOME": str(data),
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_two_characters_live_in_a_plain_pygame_loop(tmp_path: Path) -> None:
    game = tmp_path / "game.py"
    two = "assert len(scene.find_components(Character)) == 2\nscene.close()"
    game.write_text(blocks("python")[0].replace("scene.close()", two), encoding="utf-8")
    ended = run(["-c", PLAY, str(game)], tmp_path)
    assert ended.returncode == 0, ended.stderr


def test_a_component_of_your_own_hears_what_happens(tmp_path: Path) -> None:
    code = tmp_path / "diary.py"
    code.write_text(blocks("python")[1] + "\nDiary()\n", encoding="utf-8")
    ended = run([str(code)], tmp_path)
    assert ended.returncode == 0, ended.stderr


def test_a_store_of_ones_own_keeps_the_sessions(tmp_path: Path) -> None:
    loop, _, store, _ = blocks("python")
    game = tmp_path / "game.py"
    code = loop.replace("scene = Scene()\n", f"scene = Scene()\n{store}\n") + "assert store.texts\n"
    game.write_text(code, encoding="utf-8")
    ended = run(["-c", PLAY, str(game)], tmp_path)
    assert ended.returncode == 0, ended.stderr


def test_a_game_of_ones_own_hosts_a_level_from_a_file(tmp_path: Path) -> None:
    game = tmp_path / "game.py"
    game.write_text(blocks("python")[3], encoding="utf-8")
    (tmp_path / "level.toml").write_text(blocks("toml")[0], encoding="utf-8")
    ended = run(["-c", PLAY, str(game)], tmp_path, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr


def block_with(words: str) -> str:
    return next(block for block in blocks("toml") if words in block)


@pytest.mark.parametrize("words", ["[object.Character]", "CharacterManager.turns"])
def test_the_scene_file_has_no_mistakes(words: str, tmp_path: Path) -> None:
    level = tmp_path / "level.toml"
    text = block_with(words)
    level.write_text(text if "[scene]" in text else f"[scene]\n{text}", encoding="utf-8")
    ended = run(["-m", "characters", "lint", str(level)], tmp_path)
    assert ended.returncode == 0, ended.stdout


def test_the_prefab_and_the_level_made_of_it_have_no_mistakes(tmp_path: Path) -> None:
    lamp = "import engine\nclass Lamp(engine.Component):\n    def flash(self, it: object): ...\n"
    point = '[scene]\n[[object]]\nname = "In"\n[object.SpawnPoint]\nlabel = "from yard"\n'
    game = "[scene]\n[[object]]\nname = 'Game'\n[object.CharacterManager]\n"
    files = {
        "lamps.py": lamp,
        "assets/prefabs/guard.toml": block_with("# assets/prefabs/guard.toml"),
        "assets/characters/calm.toml": 'reconnect_policy = "patient"\n',
        "assets/scenes/lobby.toml": point,
        "assets/scenes/yard.toml": game + block_with("[object.Door]"),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    lint = ["-m", "characters", "lint", "--components", "lamps", "assets"]
    ended = run(lint, tmp_path, cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout


def test_the_answers_that_are_an_error_at_once_are_those_of_the_table() -> None:
    (row,) = (line for line in README.splitlines() if "| an error at once" in line)
    known = {code: classify_http(code, "") for code in range(400, 430)}
    terminal = {code for code, why in known.items() if why.kind is FailureKind.TERMINAL}
    odd = {code for code, why in known.items() if why.code == "connection.unexpected_status"}
    assert set(map(int, re.findall(r"4\d\d", row))) == terminal - odd


def test_the_script_plays(tmp_path: Path) -> None:
    script = tmp_path / "play.toml"
    script.write_text(block_with("[[step]]"), encoding="utf-8")
    data = tmp_path / "data"
    ended = run(
        [str(ROOT / "main.py"), "--headless", "--script", str(script), "--data", str(data)], data
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("target", re.findall(r"\]\((?!https?:)([^)#]+)\)", README))
def test_a_link_leads_somewhere(target: str) -> None:
    assert (ROOT / target).exists()


@pytest.mark.parametrize(
    "command", re.findall(r"^make (\w+)", "\n".join(blocks("sh")), re.MULTILINE)
)
def test_a_make_command_exists(command: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{command}:", makefile, re.MULTILINE)
