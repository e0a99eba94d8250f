from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.prefs_lock import FileLock, LockHeldError


def test_a_second_holder_is_refused_and_told_who_the_first_is(tmp_path: Path) -> None:
    FileLock(tmp_path / "lock")
    with pytest.raises(LockHeldError) as refusal:
        FileLock(tmp_path / "lock")
    assert refusal.value.pid == os.getpid()


def test_a_released_lock_is_free(tmp_path: Path) -> None:
    first = FileLock(tmp_path / "lock")
    first.release()
    first.release()
    FileLock(tmp_path / "lock").release()


def test_a_file_that_a_dead_process_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("999999999999\nand more\n")
    lock = FileLock(tmp_path / "lock")
    assert (tmp_path / "lock").read_text().split()[0] == str(os.getpid())
    lock.release()


@pytest.mark.parametrize("text", ["", "no number", "\0\0\0\0"])
def test_a_holder_without_a_pid_is_unknown(tmp_path: Path, text: str) -> None:
    lock = FileLock(tmp_path / "lock")
    (tmp_path / "lock").write_text(text)
    with pytest.raises(LockHeldError) as refusal:
        FileLock(tmp_path / "lock")
    assert refusal.value.pid is None
    lock.release()


def test_a_folder_that_is_missing_is_an_error_of_the_disk(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FileLock(tmp_path / "nowhere" / "lock")
