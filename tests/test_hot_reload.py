"""An edit of the level's file while the real game runs: what differs is applied, nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.imports import ROOT
from tests.running import do, until
from tests.test_main import EXAMINER, NURSE, PATIENT, PORTER

CLINIC = (ROOT / "assets" / "scenes" / "clinic.toml").read_text(encoding="utf-8")
BRAM = f"""
[[object]]
name = "Bram"
position = [500, 400]
[object.Character]
character_id = "{PORTER}"
"""
TO_TALK = ("CONNECTING", "CONNECTED")
VARGA = BRAM.replace("Bram", "Dr. Varga").replace(PORTER, EXAMINER)


class Edited:
    """The game on a copy of the clinic, and what it logs."""

    def __init__(self, folder: Path, script: str, endpoint: str) -> None:
        self.level, self.report = folder / "clinic.toml", folder / "report.json"
        self.text = CLINIC
        self.save()
        (folder / "play.toml").write_text(script, encoding="utf-8")
        command = [sys.executable, str(ROOT / "main.py"), "--headless", "--log-level", "INFO"]
        command += ["--endpoint", endpoint, "--scene", str(self.level)]
        command += ["--script", str(folder / "play.toml")]
        command += ["--report", str(self.report), "--data", str(folder / "data")]
        self.game = subprocess.Popen([*command, "--seconds", "240"], stderr=subprocess.PIPE)
        self.log = ""

    def save(self) -> None:
        self.level.write_text(self.text, encoding="utf-8")

    def edit(self, old: str, new: str) -> None:
        assert old in self.text
        self.text = self.text.replace(old, new, 1)

    def lines(self) -> Iterator[str]:
        assert self.game.stderr is not None
        for line in self.game.stderr:
            text = line.decode("utf-8", "replace")  # a pipe of Windows has another encoding
            self.log += text
            yield text

    def wait_for(self, *parts: str) -> None:
        """Read on until a line has all the parts; the game's own limit ends the wait."""
        assert any(all(part in line for part in parts) for line in self.lines()), self.log

    def end(self) -> dict[str, Any]:
        for _ in self.lines():
            pass
        assert self.game.wait(timeout=60) == 0, self.log
        return dict(json.loads(self.report.read_text(encoding="utf-8"))["characters"])


def test_an_edit_takes_effect_and_who_was_not_concerned_talks_on(
    tmp_path: Path, service_url: str
) -> None:
    script = until(PATIENT) + until(NURSE) + until(NURSE, "DISCONNECTED") + until(PORTER)
    script += until(PORTER, "DISCONNECTED") + until(EXAMINER)
    script += do("cut", character=PATIENT) + until(PATIENT, "ERROR")
    run = Edited(tmp_path, script, service_url)
    run.wait_for(PATIENT, "-> CONNECTED")
    run.edit("max_reconnect_attempts = 5", "max_reconnect_attempts = 0")
    nurse = run.text[run.text.index('[[object]]\nname = "Nurse') : run.text.index("# --- the pl")]
    run.edit(nurse, BRAM)
    run.save()
    run.wait_for("was edited: 1 new, 1 gone, 1 changed")
    run.wait_for(PORTER, "-> CONNECTED")
    run.edit("position = [196, 372]", 'position = [196, "372"]')
    run.edit("[object.Player]", "[object.Plaier]")
    run.save()
    run.wait_for("An edit was not applied", "position[2]")
    run.wait_for("An edit was not applied", "Plaier")
    run.edit("[object.Plaier]", "[object.Player]")
    run.edit('"372"', "372")
    run.edit(BRAM, VARGA)
    run.save()
    people = run.end()
    states = {who: [c["to"] for c in people[who]["states"]] for who in people}
    assert states[NURSE][:2] == ["CONNECTING", "CONNECTED"]
    assert states[NURSE][-1] == "DISCONNECTED"
    assert states[PORTER][:2] == states[EXAMINER] == ["CONNECTING", "CONNECTED"]
    # One connection from beginning to end; the new policy forbids the attempt to mend it.
    assert states[PATIENT] == ["CONNECTING", "CONNECTED", "RECONNECTING", "ERROR"]
    assert len({c["session_id"] for c in people[PATIENT]["states"][1:]}) == 1


def test_another_persona_and_new_actions_reach_somebody_who_talks(
    tmp_path: Path, service_url: str
) -> None:
    script = until(PATIENT) + until(PATIENT, "DISCONNECTED") + until(PATIENT)
    run = Edited(tmp_path, script, service_url)
    run.wait_for(PATIENT, "-> CONNECTED")
    who = f'character_id = "{PATIENT}"'
    run.edit(who, f'{who}\npersona = "personas/{PORTER}.toml"\nactions = ["Wave"]')
    run.save()
    run.wait_for(PATIENT, "CONNECTED -> DISCONNECTING, new settings")
    changes = run.end()[PATIENT]["states"]
    again = changes[:6]
    assert [c["to"] for c in again[2:]] == ["DISCONNECTING", "DISCONNECTED", *TO_TALK]
    assert again[1]["session_id"] == again[5]["session_id"]
    assert again[5]["resume"] == "RESUMED"
