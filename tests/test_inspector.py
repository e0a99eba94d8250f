"""The inspector in the real window, worked by a player's keys: one line of the level changes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from characters.commands.scenes import project_registry
from characters.components.checks import SCENE_CHECKS
from engine.scenes.file import SceneFile, field_rows
from tests.characters.service.test_memory import found_in
from tests.imports import ROOT
from tests.running import AT_ONCE, do, hear, running_service, say, until
from tests.screen import Screen
from tests.test_hot_reload import CLINIC
from tests.test_main import PATIENT

DELAY = "Character.reconnect_policy.auto_mic_start_delay_seconds"
PAGE = 12


class Played:
    """The game in its window on a copy of the clinic; a script watches what becomes of it."""

    def __init__(self, folder: Path, screen: Screen, script: str, endpoint: str) -> None:
        self.level, self.report = folder / "clinic.toml", folder / "report.json"
        self.level.write_text(CLINIC, encoding="utf-8")
        (folder / "play.toml").write_text(script, encoding="utf-8")
        command = [sys.executable, str(ROOT / "main.py"), "--log-level", "DEBUG"]
        command += ["--scene", str(self.level), "--script", str(folder / "play.toml")]
        command += ["--report", str(self.report), "--data", str(folder / "data")]
        command += ["--microphone", "none", "--seconds", "240", "--endpoint", endpoint]
        self.game = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env=screen.environment
        )
        self.log = ""

    def wait_for(self, *parts: str) -> None:
        """Read on until a line of the log has all the parts; the game's own limit ends the wait."""
        assert self.game.stderr is not None
        for line in self.game.stderr:
            self.log += line
            if all(part in line for part in parts):
                return
        raise AssertionError(self.log)

    def end(self) -> dict[str, Any]:
        assert self.game.stderr is not None
        self.log += self.game.stderr.read()
        assert self.game.wait(timeout=60) == 0, self.log
        return dict(json.loads(self.report.read_text(encoding="utf-8"))["characters"])

    def way_to(self, path: str) -> list[str]:
        """Return the keys from the first field of Mr. Whitlock to another."""
        assets = ROOT / "assets"
        file = SceneFile.read(self.level, project_registry(), SCENE_CHECKS, asset_root=assets)
        entry = next(entry for entry in file.objects if entry.name == "Mr. Whitlock")
        steps = [row.path for row in field_rows(file.document, entry)].index(path)
        return ["Next"] * (steps // PAGE) + ["Down"] * (steps % PAGE)


def test_a_delay_is_edited_by_keys_while_the_talk_goes_on(tmp_path: Path, service_url: str) -> None:
    script = until(PATIENT) + until(PATIENT, "RECONNECTING") + until(PATIENT)
    script += "[[step]]\nwait = { seconds = 0.9 }\n"
    with Screen() as screen:
        run = Played(tmp_path, screen, script, service_url)
        screen.turn_to_window(run.game)
        run.wait_for(PATIENT, "-> CONNECTED")
        screen.press("F3")
        run.wait_for("On the screen: game, inspector.")
        screen.press("e")
        run.wait_for("On the screen: fields, inspector.")
        for key in run.way_to(DELAY):
            screen.press(key)
            run.wait_for("is chosen")
        screen.press("Return")
        run.wait_for("Letters are text now.")
        screen.type("0.2")
        screen.press("Return")
        run.wait_for("was edited", DELAY)
        edited = run.level.read_text(encoding="utf-8")
        screen.press("F3")
        run.wait_for("On the screen: game.")
        screen.press("F4")  # the keys are the game's again: cut his line
        run.wait_for("On the screen: game, faults.")
        screen.press("1", "c")
        patient = run.end()[PATIENT]
    assert edited == CLINIC.replace("start_delay_seconds = 1.0", "start_delay_seconds = 0.2")
    states = [change["to"] for change in patient["states"]]
    assert states == ["CONNECTING", "CONNECTED", "RECONNECTING", "CONNECTED"]
    microphone = patient["microphone"]
    assert 0.2 <= microphone["opened_at"] - microphone["ready_at"] < 0.9


@pytest.mark.slow
def test_what_is_forgotten_by_keys_is_in_no_file_of_the_game_or_of_its_service(
    tmp_path: Path,
) -> None:
    secret, again = "zanzibar", until(PATIENT, "RECONNECTING") + until(PATIENT)
    script = until(PATIENT) + say(PATIENT, "My dog is called Zanzibar") + hear(PATIENT, "Zanzibar")
    script += do("save_slot", slot="harbour") + say(PATIENT, "What is my dog called?")
    script += hear(PATIENT, "Zanzibar") + do("save_slot", slot="later") + again + again
    script += "[[step]]\nwait = { seconds = 2.0 }\n"
    with Screen() as screen, running_service(tmp_path / "house", AT_ONCE) as service:
        run = Played(tmp_path, screen, script, service.url)
        screen.turn_to_window(run.game)
        run.wait_for("step 8 of")
        screen.press("F3")
        run.wait_for("On the screen: game, inspector.")
        screen.press("i")
        run.wait_for("The memory shows 1 facts, 0 pinned.")
        assert found_in(tmp_path / "house", secret)
        screen.press("space")
        run.wait_for("The memory shows 1 facts, 1 pinned.")
        run.wait_for("step 10 of")
        screen.press("Delete")
        screen.press("Delete")
        run.wait_for("The memory shows 0 facts")
        patient = run.end()[PATIENT]
        (tmp_path / "play.toml").unlink()  # the test's own
        (tmp_path / "game.log").write_text(run.log, encoding="utf-8")
        assert found_in(tmp_path, secret) == []
    assert found_in(tmp_path, secret) == []
    told = [turn["text"] for turn in patient["transcript"] if turn["speaker"] == "player"]
    assert told == ["My dog is called \u2026", "What is my dog called?"]
