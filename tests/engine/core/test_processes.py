from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.core.processes import python_command, run_in_time

# A child that has its parent's outputs and lives as long as a file does.
CHILD = """
import pathlib, time
while pathlib.Path(FLAG).exists():
    time.sleep(0.05)
"""
PARENT = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', CHILD])\n"


def program(flag: Path, end: str) -> list[str]:
    child = CHILD.replace("FLAG", repr(str(flag)))
    return [sys.executable, "-c", PARENT.replace("CHILD", repr(child)) + end]


@pytest.fixture
def flag(tmp_path: Path) -> Path:
    file = tmp_path / "flag"
    file.touch()
    return file


def test_what_a_program_wrote_is_there_though_its_child_still_holds_its_output(flag: Path) -> None:
    try:
        done = run_in_time(program(flag, "print('ü'); sys.exit(3)"), 60)
        assert (done.returncode, len(done.stdout.split())) == (3, 1)
    finally:
        flag.unlink()


def test_a_program_that_hangs_is_ended_and_its_child_not_waited_for(flag: Path) -> None:
    began = time.monotonic()
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            run_in_time(program(flag, "import time; time.sleep(600)"), 1)
        assert time.monotonic() - began < 60
    finally:
        flag.unlink()


def test_a_program_that_is_not_there_is_an_error_of_the_system() -> None:
    with pytest.raises(OSError):
        run_in_time(["no-such-program-anywhere"], 60)


def test_what_one_is_told_to_type_runs_a_script_with_this_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "my hall" / "main.py"
    script.parent.mkdir()
    script.write_text("import sys; print(sys.prefix)", encoding="utf-8")
    for path in (os.environ["PATH"], str(Path(sys.executable).parent), str(tmp_path)):
        monkeypatch.setenv("PATH", path)
        done = subprocess.run(
            python_command(script), shell=True, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == sys.prefix
