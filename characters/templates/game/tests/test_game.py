"""Plays the hall without a window, a sound card or a network."""

import subprocess
import sys
from pathlib import Path

GAME = Path(__file__).parent.parent


def test_odo_remembers_a_name(tmp_path: Path) -> None:
    command = "-m characters demo --headless --scene assets/scenes/hall.toml"
    command += " --script tests/play.toml --seconds 60 --data"
    play = [sys.executable, *command.split(), str(tmp_path)]
    done = subprocess.run(play, cwd=GAME, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
