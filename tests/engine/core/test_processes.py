from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.core.processes import (
    give_memory_back,
    module_command,
    module_environment,
    python_command,
    run_as_child,
    run_in_time,
    system_environment,
)

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


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/games/salt")
    monkeypatch.setattr(sys, "argv", ["/games/salt", "--easy"])
    return monkeypatch


def write_module(folder: Path) -> None:
    text = "import sys; print(__name__, *sys.argv[1:]); sys.exit(3)"
    (folder / "salt.py").write_text(text, encoding="utf-8")


@pytest.mark.skipif(
    bool(sys.flags.isolated), reason="this Python takes no folders from the environment"
)
def test_a_module_runs_as_a_program_though_the_folder_one_stands_in_has_its_namesake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, home = tmp_path / "here", tmp_path / "home"
    for folder in (here, home):
        folder.mkdir()
    write_module(home)
    (here / "salt.py").write_text("print('another')", encoding="utf-8")
    monkeypatch.chdir(here)
    done = run_in_time(module_command("salt", "a", "b"), 60, module_environment([str(home)]))
    assert (done.returncode, done.stdout.split()) == (3, [b"__main__", b"a", b"b"])


def test_a_frozen_game_starts_itself_and_becomes_the_module_before_it_begins(
    tmp_path: Path, frozen: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_module(tmp_path)
    frozen.syspath_prepend(str(tmp_path))
    run_as_child()  # the player's start: nothing happens
    command = module_command("salt", "a", "b")
    assert command[0] == "/games/salt"
    frozen.setattr(sys, "argv", command)
    with pytest.raises(SystemExit, match="3"):
        run_as_child()
    assert capsys.readouterr().out.split() == ["__main__", "a", "b"]


def test_a_frozen_game_that_never_becomes_a_module_does_not_start_itself_for_ever(
    frozen: pytest.MonkeyPatch,
) -> None:
    frozen.setattr(sys, "argv", module_command("salt"))
    with pytest.raises(OSError, match="must begin with"):
        module_command("salt")


def test_a_program_of_the_system_is_given_none_of_the_libraries_of_a_frozen_game(
    frozen: pytest.MonkeyPatch,
) -> None:
    frozen.setenv("LD_LIBRARY_PATH", "/games/salt/lib")
    assert "LD_LIBRARY_PATH" not in system_environment()
    frozen.setenv("LD_LIBRARY_PATH_ORIG", "/opt/lib")
    assert system_environment()["LD_LIBRARY_PATH"] == "/opt/lib"
    frozen.setattr(sys, "frozen", False)
    assert system_environment()["LD_LIBRARY_PATH"] == "/games/salt/lib"


def resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.posix("Windows gives back by itself what is freed")
def test_what_was_freed_below_something_that_lives_is_given_back() -> None:
    pieces = [b"x" * 100_000 for _ in range(400)]
    above = pieces.pop()
    pieces.clear()
    before = resident_megabytes()
    give_memory_back()
    if sys.platform == "linux":
        assert before - resident_megabytes() > 20.0
    assert above
