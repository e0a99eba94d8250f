from __future__ import annotations

import errno
import os
import re
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.core.file_system import (
    FileLock,
    FileSystem,
    LockHeldError,
    NotAFileError,
    disk_advice,
    open_file,
    write_new,
)


@pytest.fixture
def disk() -> FileSystem:
    return FileSystem()


def test_what_is_written_at_an_offset_is_read_there(disk: FileSystem, tmp_path: Path) -> None:
    handle = disk.open(tmp_path / "f", create=True)
    disk.write(handle, b"abcdef", 0)
    disk.write(handle, b"XY", 2)
    disk.flush(handle)
    disk.close(handle)
    assert disk.read(tmp_path / "f") == b"abXYef"


@pytest.mark.posix("Windows has no modes; a user's folders are that user's alone")
def test_a_new_file_is_its_owner_s_alone(disk: FileSystem, tmp_path: Path) -> None:
    disk.close(disk.open(tmp_path / "f", create=True))
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o600


def test_a_file_is_not_made_without_being_asked(disk: FileSystem, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        disk.open(tmp_path / "f")


def test_a_file_takes_the_place_of_another(disk: FileSystem, tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    (tmp_path / "new").write_bytes(b"new")
    disk.replace(tmp_path / "new", tmp_path / "old")
    disk.flush_folder(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["old"]
    assert disk.read(tmp_path / "old") == b"new"


@contextmanager
def held_open(path: Path, *, seconds: float = 600.0) -> Iterator[None]:
    """Let another process have the file open for so long, or until the context ends."""
    program = f"file = open({str(path)!r}, 'rb'); print(1, flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", f"import sys; {program}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdin is not None and holder.stdout is not None
    holder.stdout.readline()
    end = threading.Timer(seconds, holder.stdin.close)
    end.start()
    try:
        yield
    finally:
        end.cancel()
        holder.stdin.close()
        holder.wait()
        holder.stdout.close()


def two_files(folder: Path) -> tuple[Path, Path]:
    (folder / "old").write_bytes(b"old")
    (folder / "new").write_bytes(b"new")
    return folder / "new", folder / "old"


def test_a_file_that_another_process_reads_is_replaced_once_it_is_closed(
    disk: FileSystem, tmp_path: Path
) -> None:
    new, old = two_files(tmp_path)
    with held_open(old, seconds=0.1):
        disk.replace(new, old)
    assert old.read_bytes() == b"new"


@pytest.mark.windows("elsewhere a file that is open can be replaced")
def test_a_file_that_stays_open_is_not_replaced_and_nothing_is_lost(
    disk: FileSystem, tmp_path: Path
) -> None:
    new, old = two_files(tmp_path)
    with held_open(old), pytest.raises(PermissionError):
        disk.replace(new, old)
    assert (old.read_bytes(), new.read_bytes()) == (b"old", b"new")


def test_removing_what_is_not_there_is_no_error(disk: FileSystem, tmp_path: Path) -> None:
    disk.remove(tmp_path / "f")


def test_folders_are_made_with_those_above(disk: FileSystem, tmp_path: Path) -> None:
    disk.make_folder(tmp_path / "a" / "b")
    disk.make_folder(tmp_path / "a" / "b")
    disk.lock(tmp_path / "a" / "b" / "lock").release()


def test_a_closed_file_cannot_be_flushed(disk: FileSystem, tmp_path: Path) -> None:
    handle = os.open(tmp_path / "f", os.O_CREAT | os.O_RDWR)
    os.close(handle)
    with pytest.raises(OSError):
        disk.flush(handle)


def test_files_are_listed_by_the_beginning_of_their_names_and_by_age(tmp_path: Path) -> None:
    for age, name in enumerate(["p.b", "p.a", "other", "p.c"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (age, age))
    found = FileSystem().oldest_first(tmp_path, "p.")
    assert [path.name for path in found] == ["p.b", "p.a", "p.c"]


def test_a_second_holder_is_refused_with_the_process_of_the_first(tmp_path: Path) -> None:
    FileLock(tmp_path / "lock")
    with pytest.raises(LockHeldError) as refusal:
        FileLock(tmp_path / "lock")
    assert refusal.value.pid == os.getpid()


@pytest.mark.posix("Windows tells nothing apart here")
@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EIO])
def test_a_lock_that_the_volume_cannot_give_is_not_held_by_somebody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(handle: int, operation: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(OSError, match=re.escape(os.strerror(code))) as caught:
        FileLock(tmp_path / "lock")
    assert not isinstance(caught.value, LockHeldError)


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


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "Make room on the disk."),
        (errno.EROFS, "Check the permissions of the folder."),
        (errno.EACCES, "Check the permissions of the folder."),
        (errno.EIO, ""),
    ],
)
def test_the_advice_fits_what_the_disk_said(number: int, advice: str) -> None:
    assert disk_advice(OSError(number, "no")) == advice


@pytest.mark.posix("Windows has to look first, and does no more")
def test_what_took_a_file_s_place_since_it_was_looked_at_is_not_waited_for_nor_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "victim").write_bytes(b"keep")
    handle = open_file(tmp_path / "victim")
    assert not os.get_blocking(handle)  # a pipe in its place would be opened at once
    os.close(handle)
    monkeypatch.setattr("engine.core.file_system.expect_file", lambda path, **_: None)
    (tmp_path / "link").symlink_to("victim")
    with pytest.raises(OSError):
        open_file(tmp_path / "link", os.O_RDWR, follows_links=False)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotAFileError):
        open_file(tmp_path / "pipe")


def test_of_a_new_file_that_cannot_be_written_nothing_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    with pytest.raises(UnicodeEncodeError):
        write_new(path, "x" * 100_000 + "\ud800")
    assert not path.exists()
    write_new(path, "one")
    with pytest.raises(FileExistsError):
        write_new(path, "two")
    assert path.read_text("utf-8") == "one"
