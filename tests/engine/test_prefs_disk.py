from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from engine.prefs_disk import RealFileSystem


@pytest.fixture
def disk() -> RealFileSystem:
    return RealFileSystem()


def test_what_is_written_at_an_offset_is_read_there(disk: RealFileSystem, tmp_path: Path) -> None:
    handle = disk.open(tmp_path / "f", create=True)
    disk.write(handle, b"abcdef", 0)
    disk.write(handle, b"XY", 2)
    disk.flush(handle)
    disk.close(handle)
    assert disk.read(tmp_path / "f") == b"abXYef"


def test_a_new_file_is_its_owner_s_alone(disk: RealFileSystem, tmp_path: Path) -> None:
    disk.close(disk.open(tmp_path / "f", create=True))
    mode = stat.S_IMODE((tmp_path / "f").stat().st_mode)
    assert mode == 0o600 or sys.platform == "win32"


def test_a_file_is_not_made_without_being_asked(disk: RealFileSystem, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        disk.open(tmp_path / "f")


def test_a_file_takes_the_place_of_another(disk: RealFileSystem, tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    (tmp_path / "new").write_bytes(b"new")
    disk.replace(tmp_path / "new", tmp_path / "old")
    disk.flush_folder(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["old"]
    assert disk.read(tmp_path / "old") == b"new"


def test_removing_what_is_not_there_is_no_error(disk: RealFileSystem, tmp_path: Path) -> None:
    disk.remove(tmp_path / "f")


def test_folders_are_made_with_those_above(disk: RealFileSystem, tmp_path: Path) -> None:
    disk.make_folder(tmp_path / "a" / "b")
    disk.make_folder(tmp_path / "a" / "b")
    disk.lock(tmp_path / "a" / "b" / "lock").release()


def test_a_closed_file_cannot_be_flushed(disk: RealFileSystem, tmp_path: Path) -> None:
    handle = os.open(tmp_path / "f", os.O_CREAT | os.O_RDWR)
    os.close(handle)
    with pytest.raises(OSError, match="Bad file descriptor"):
        disk.flush(handle)


def test_files_are_listed_by_the_beginning_of_their_names_and_by_age(tmp_path: Path) -> None:
    for age, name in enumerate(["p.b", "p.a", "other", "p.c"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (age, age))
    found = RealFileSystem().oldest_first(tmp_path, "p.")
    assert [path.name for path in found] == ["p.b", "p.a", "p.c"]
