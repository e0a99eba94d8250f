"""FileSystem: the calls on files that differ from one platform to another, all in this one place.

What the platforms disagree on:

* A lock: `flock` on Linux and macOS; on Windows a locked byte, which others cannot even read.
* A flush: `fsync` on macOS stops at the drive's cache, so it has a call of its own.
* A folder's names: flushed on Linux and macOS; Windows cannot open a folder, and NTFS keeps a
  journal of names.
* A file that another process has open: Linux and macOS let it be replaced and read; Windows
  refuses (a sharing violation) until it is closed. A virus scanner or an indexer holds a file
  that was just written for some milliseconds, so a refused call is tried again for half a second.
* Modes: Windows has none, and one that is copied there can only forbid to write.
* Line ends: Windows rewrites them unless a file is opened as binary.
* What is no file: Linux and macOS wait for the other end of a pipe unless they are told not to, and
  refuse a link where they are asked to; Windows has to look first.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from engine.core.errors import EngineError
from engine.core.words import ENGINE_WORDS

__all__ = [
    "disk_advice", "expect_database", "expect_file", "FileLock", "FileSystem", "LockHeldError",
    "NotAFileError", "open_file", "read_file", "real_path", "SQLITE_ENDINGS", "write_new",
]  # fmt: skip

_T = TypeVar("_T")

_BINARY: int = getattr(os, "O_BINARY", 0)
_NO_WAIT: int = getattr(os, "O_NONBLOCK", 0)
_PIECE = 16 * 1024
_NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)
# Behind everything that is ever written: a locked byte of Windows cannot be read by others.
_LOCKED_BYTE = 0x7FFF0000
_RETRY_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.3) if sys.platform == "win32" else ()


class LockHeldError(EngineError):
    """Another holder has the lock; `pid` is its process where it is known."""

    def __init__(self, pid: int | None) -> None:
        super().__init__(f"held by process {pid or 'unknown'}")
        self.pid = pid


class NotAFileError(EngineError, OSError):
    """Something else is in the place of a file: a folder, a link, a pipe, a device."""

    def __init__(self, path: Path, kind: str) -> None:
        what = f"{path.name or path} is a {kind}, and a file should be there"
        super().__init__(errno.EINVAL, what, str(path))
        self.kind = kind


_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISLNK, "link"),
    (stat.S_ISDIR, "folder"),
    (stat.S_ISFIFO, "pipe"),
    (stat.S_ISSOCK, "socket"),
)


def _check_kind(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise NotAFileError(path, next((kind for is_one, kind in _KINDS if is_one(mode)), "device"))


def real_path(path: Path) -> Path:
    """Return where a path leads; one that leads in a circle as it is (`Path.resolve` raises)."""
    return Path(os.path.realpath(path))


def expect_file(path: Path, *, follows_links: bool = False) -> None:
    """Raise NotAFileError if something else than a file is at `path`; nothing there is fine."""
    with suppress(FileNotFoundError):
        _check_kind(path, path.stat(follow_symlinks=follows_links).st_mode)


def open_file(path: Path, flags: int = os.O_RDONLY, *, follows_links: bool = True) -> int:
    """Open a file and return its descriptor; a new one is readable by its owner alone.

    Raises NotAFileError for what is no file, without waiting for it, and other OSErrors.
    """
    expect_file(path, follows_links=follows_links)
    flags |= _BINARY | _NO_WAIT | (0 if follows_links else _NO_LINK)
    handle = _patiently(lambda: os.open(path, flags, 0o600))
    try:
        _check_kind(path, os.fstat(handle).st_mode)  # it may be another one by now
    except BaseException:
        os.close(handle)
        raise
    return handle


def read_file(path: Path, most: int | None = None, *, follows_links: bool = True) -> bytes:
    """Return all bytes of a file. Raises NotAFileError, OSError for one larger than `most`."""
    with os.fdopen(open_file(path, follows_links=follows_links), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if most is not None and size > most:
            raise OSError(errno.EFBIG, f"it has {size} bytes, {most} are the most", str(path))
        return file.read()


def write_new(path: Path, text: str) -> None:
    """Write a text to a file that must not be there yet.

    Raises OSError, and leaves nothing: half a file would stand in the way of the next try.
    """
    file = path.open("x", encoding="utf-8", newline="\n")
    try:
        with file:
            file.write(text)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):  # a write does not say where
            error.filename = str(path)
        raise


SQLITE_ENDINGS = ("", "-wal", "-shm", "-journal")
"""What follows a database's name in those of the files that SQLite opens with it."""


def expect_database(path: Path, *, follows_links: bool = False) -> None:
    """Raise NotAFileError if something else than a file is where SQLite would open one."""
    expect_file(path, follows_links=follows_links)
    place = real_path(path) if follows_links else path  # that is what SQLite does, too
    for ending in SQLITE_ENDINGS:
        expect_file(place.with_name(place.name + ending))


class FileLock:
    """A lock on `path`, held from construction to `release`.

    Raises LockHeldError while another process holds it, OSError if no lock file can be made or
    the volume knows no locks.
    """

    def __init__(self, path: Path) -> None:
        self._handle = open_file(path, os.O_RDWR | os.O_CREAT, follows_links=False)
        try:
            if not _try_lock(self._handle):
                raise LockHeldError(_read_pid(self._handle))
        except BaseException:
            os.close(self._handle)
            raise
        # Always as long, so that nothing of a longer pid is left behind it.
        os.write(self._handle, f"{os.getpid():<20}\n".encode())

    def release(self) -> None:
        """Release the lock. The file stays: removing it would race with a process that opens it."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)


def _read_pid(handle: int) -> int | None:
    os.lseek(handle, 0, os.SEEK_SET)
    text = os.read(handle, 32).split()
    return int(text[0]) if text and text[0].isdigit() else None


def _try_lock(handle: int) -> bool:
    """Return whether the lock is ours now. Raises OSError where the volume knows no locks."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:  # its number differs between C libraries
            return False
        os.lseek(handle, 0, os.SEEK_SET)
    else:
        import fcntl

        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


_ADVICE: Mapping[int, str] = MappingProxyType(
    {
        **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "disk.full"),
        **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "disk.forbidden"),
        # What `flock` says of a network folder without a lock server.
        **dict.fromkeys((errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP), "disk.knows_no_locks"),
    }
)


def disk_advice(error: OSError) -> str:
    """Return what the player can do about a disk that refuses; empty if nothing is known."""
    key = "disk.odd" if isinstance(error, NotAFileError) else _ADVICE.get(error.errno or 0)
    return "" if key is None else ENGINE_WORDS(key)


class FileSystem:
    """Reading, writing, locking and replacing files; each call raises OSError when it is refused.

    Tests pass one that loses, tears, reorders and refuses.
    """

    def lock(self, path: Path) -> FileLock:
        """Take the lock at `path`. Raises LockHeldError when another process has it."""
        return FileLock(path)

    def read(self, path: Path, most: int | None = None) -> bytes:
        """Return all bytes of a file, not of one that a link leads to."""
        return read_file(path, most, follows_links=False)

    def open(self, path: Path, *, create: bool = False) -> int:
        """Open a file for writing; with `create` a new one that only its owner can read.

        With `create` what is there goes, a link or a pipe too, but not what a link leads to.
        """
        if not create:
            return _make_private(open_file(path, os.O_RDWR, follows_links=False))
        with suppress(FileNotFoundError):
            if stat.S_ISDIR(path.lstat().st_mode):
                raise NotAFileError(path, "folder")
            self.remove(path)
        return open_file(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, follows_links=False)

    def write(self, handle: int, data: bytes, offset: int) -> None:
        """Write all of `data` at `offset`, in pieces.

        A system may keep in memory in one piece what it got in one: every later small write
        into it then takes as long as the piece is large.
        """
        done = _write_at(handle, data[:_PIECE], offset)
        while done < len(data):
            done += _write_at(handle, data[done : done + _PIECE], offset + done)

    def flush(self, handle: int) -> None:
        """Return when what was written is on the medium."""
        if sys.platform == "win32":
            os.fsync(handle)
        elif sys.platform == "darwin":
            _flush_fully(handle)
        else:
            os.fdatasync(handle)

    def close(self, handle: int) -> None:
        """Close a file."""
        os.close(handle)

    def replace(self, source: Path, target: Path) -> None:
        """Replace `target` by `source`, atomically."""
        _patiently(lambda: source.replace(target))

    def flush_folder(self, folder: Path) -> None:
        """Return when the names in a folder are on the medium."""
        if sys.platform == "win32":
            return
        handle = os.open(folder, os.O_RDONLY)
        try:
            _flush_fully(handle) if sys.platform == "darwin" else os.fsync(handle)
        finally:
            os.close(handle)

    def copy_mode(self, source: Path, target: Path) -> None:
        """Let `target` be read and written by those by whom `source` is."""
        if sys.platform != "win32":
            target.chmod(source.stat().st_mode & 0o7777)

    def remove(self, path: Path) -> None:
        """Remove a file; one that is not there is no error."""
        _patiently(lambda: path.unlink(missing_ok=True))

    def oldest_first(self, folder: Path, beginning: str) -> list[Path]:
        """Return the files of a folder whose names begin so, the last changed at the end."""
        found = [path for path in folder.iterdir() if path.name.startswith(beginning)]
        return sorted(found, key=lambda path: path.lstat().st_mtime_ns)

    def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it."""
        folder.mkdir(parents=True, exist_ok=True)


def _make_private(handle: int) -> int:
    """Take the rights of others on a file away, where that is ours to do."""
    if sys.platform != "win32" and os.fstat(handle).st_mode & 0o077:
        with suppress(OSError):
            os.fchmod(handle, 0o600)
    return handle


def _patiently(call: Callable[[], _T]) -> _T:
    """Return what `call` returns; on Windows, try again while another process has the file."""
    for pause in _RETRY_PAUSES:
        try:
            return call()
        except PermissionError:
            time.sleep(pause)
    return call()


def _write_at(handle: int, data: bytes, offset: int) -> int:
    if sys.platform == "win32":
        os.lseek(handle, offset, os.SEEK_SET)
        return os.write(handle, data)
    return os.pwrite(handle, data, offset)


def _flush_fully(handle: int) -> None:
    """Flush on macOS, the drive's cache too; network volumes know only the plain flush."""
    if sys.platform == "darwin":
        import fcntl

        try:
            fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
        except OSError as error:
            if error.errno not in (errno.ENOTSUP, errno.EINVAL, errno.ENOTTY):
                raise
            os.fsync(handle)
