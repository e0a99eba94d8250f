"""PrefsLog: the preferences file on its disk: locked, opened, appended to, written anew.

What keeps it safe:

* A batch is appended with one write and one flush into space that already exists, so the flush
  has no metadata to wait for.
* A file is never changed in place otherwise: a new one is written aside, flushed, put in the
  place of the old one, and the folder is flushed.
* After a write or a flush has failed, what the disk holds is unknown, and a second flush that
  succeeds proves nothing: that file is never written again, the next save makes a new one.
* Damaged bytes are copied beside the file before the file is replaced; the newest few of such
  copies stay.
* A lock file keeps other processes away. The system drops the lock when its holder dies, so a
  lock file that is left behind is no obstacle; it holds the process id for the error message.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from engine.core.errors import EngineError
from engine.prefs.format import (
    Change,
    Contents,
    ForeignFileError,
    NewerVersionError,
    Value,
    decode_file,
    encode_batch,
    encode_file,
)

__all__ = [
    "FileLock",
    "FileSystem",
    "LockHeldError",
    "PrefsLog",
    "QUARANTINE",
    "RecoveryReport",
]


# Windows refuses even reading a locked byte: lock one far behind the pid.
_LOCKED_BYTE = 0x7FFF0000


class LockHeldError(EngineError):
    """Another holder has the lock; `pid` is its process where it is known."""

    def __init__(self, pid: int | None) -> None:
        super().__init__(f"held by process {pid or 'unknown'}")
        self.pid = pid


class FileLock:
    """A lock on `path`, held from construction to `release`.

    Raises LockHeldError while another process holds it, OSError if no lock file can be made.
    """

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._handle)
        except OSError:
            pid = _read_pid(self._handle)
            os.close(self._handle)
            raise LockHeldError(pid) from None
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


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        os.lseek(handle, 0, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


_IS_WINDOWS = sys.platform == "win32"
_IS_MACOS = sys.platform == "darwin"
_BINARY: int = getattr(os, "O_BINARY", 0)  # without it Windows rewrites line ends


class FileSystem:
    """The calls on a disk that preferences need; each raises OSError when the disk refuses.

    Tests pass one that loses, tears, reorders and refuses.
    """

    def lock(self, path: Path) -> FileLock:
        """Take the lock at `path`. Raises LockHeldError when another process has it."""
        return FileLock(path)

    def read(self, path: Path) -> bytes:
        """Return all bytes of a file."""
        return path.read_bytes()

    def open(self, path: Path, *, create: bool = False) -> int:
        """Open a file for writing; with `create` an empty one that only its owner can read."""
        flags = os.O_RDWR | _BINARY | (os.O_CREAT | os.O_TRUNC if create else 0)
        return os.open(path, flags, 0o600)

    def write(self, handle: int, data: bytes, offset: int) -> None:
        """Write all of `data` at `offset`."""
        if _IS_WINDOWS:
            os.lseek(handle, offset, os.SEEK_SET)
        done = 0
        while done < len(data):
            done += self._write_some(handle, data[done:] if done else data, offset + done)

    def _write_some(self, handle: int, data: bytes, offset: int) -> int:
        if sys.platform == "win32":
            return os.write(handle, data)
        return os.pwrite(handle, data, offset)

    def flush(self, handle: int) -> None:
        """Return when what was written is on the medium."""
        if sys.platform == "darwin":
            import fcntl

            # fsync there stops at the drive's cache. Network volumes know no full flush.
            try:
                fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
            except OSError as error:
                if error.errno not in (errno.ENOTSUP, errno.EINVAL, errno.ENOTTY):
                    raise
                os.fsync(handle)
        elif sys.platform == "win32":
            os.fsync(handle)
        else:
            os.fdatasync(handle)

    def close(self, handle: int) -> None:
        """Close a file."""
        os.close(handle)

    def replace(self, source: Path, target: Path) -> None:
        """Replace `target` by `source`, atomically."""
        # On Windows a virus scanner or an indexer may hold the target open for a moment.
        for pause in (0.01, 0.05, 0.2) if _IS_WINDOWS else ():
            try:
                source.replace(target)
            except PermissionError:
                time.sleep(pause)
            else:
                return
        source.replace(target)

    def flush_folder(self, folder: Path) -> None:
        """Return when the names in a folder are on the medium."""
        if _IS_WINDOWS:
            return  # a folder cannot be opened there; NTFS keeps its own journal of names
        handle = os.open(folder, os.O_RDONLY)
        try:
            self.flush(handle) if _IS_MACOS else os.fsync(handle)
        finally:
            os.close(handle)

    def remove(self, path: Path) -> None:
        """Remove a file; one that is not there is no error."""
        path.unlink(missing_ok=True)

    def oldest_first(self, folder: Path, beginning: str) -> list[Path]:
        """Return the files of a folder whose names begin so, the last changed at the end."""
        found = [path for path in folder.iterdir() if path.name.startswith(beginning)]
        return sorted(found, key=lambda path: path.stat().st_mtime_ns)

    def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it."""
        folder.mkdir(parents=True, exist_ok=True)


_log = logging.getLogger(__name__)

QUARANTINE = ".damaged-"
"""In the name of a copy of a damaged file, between the file's name and the copy's checksum."""

_LONG_LOG = 32 * 1024  # some 400 records: half a millisecond when the file is opened
_COPIES = 3  # of damaged files; one more replaces the oldest
_SLACK = 128 * 1024  # a file may be this much larger than twice its live content


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """What was found when the file was opened; prints as a sentence for the player."""

    path: Path
    keys: int = 0
    lost_keys: int = 0
    damaged_bytes: int = 0
    torn_bytes: int = 0
    quarantine: Path | None = None
    unsavable: str = ""

    @property
    def is_clean(self) -> bool:
        """Whether the player need not know of it."""
        return not (self.damaged_bytes or self.unsavable)

    def __str__(self) -> str:
        if self.unsavable:
            return self.unsavable
        if self.damaged_bytes:
            return (
                f"The settings file {self.path.name} was damaged: {self.keys} settings were kept, "
                f"{self.damaged_bytes} bytes could not be read. The damaged file is kept as "
                f"{self.quarantine.name if self.quarantine else 'it is'}."
            )
        if self.torn_bytes:
            return (
                f"The last write to {self.path.name} was cut short: {self.torn_bytes} bytes that "
                "nobody was told were saved were dropped."
            )
        return f"{self.path.name} is whole: {self.keys} settings."


class PrefsLog:
    """One preferences file. Not thread-safe: the writer calls it under its lock."""

    def __init__(self, path: Path, disk: FileSystem) -> None:
        self._path = path
        self._disk = disk
        self._handle: int | None = None
        self._at = self._size = self._log_from = self._sequence = 0
        self._is_settled = True
        self._is_closed = False
        self._damaged_copy: bytes | None = None
        self.open_error: OSError | None = None  # why `open` left no file to append to

    def open(self, *, read_only: bool = False) -> tuple[Contents, RecoveryReport]:
        """Read the file and make it ready for appending.

        Never raises for what the file holds: the report says what is wrong. A file that cannot
        be written yet is written anew by the next `commit`.
        """
        try:
            data = self._disk.read(self._path)
            contents = decode_file(data)
        except FileNotFoundError:
            data, contents = b"", Contents()
        except (OSError, ForeignFileError, NewerVersionError) as error:
            return Contents(), RecoveryReport(self._path, unsavable=_why(self._path, error))
        self._at, self._size = contents.log_at, contents.size
        self._log_from = contents.log_from
        self._sequence = contents.sequence
        if read_only:
            return contents, _report(self._path, contents, None)
        self._damaged_copy = data if contents.gaps and data else None
        kept = _quarantine_path(self._path, data) if self._damaged_copy else None
        self._make_ready(contents)
        return contents, _report(self._path, contents, kept)

    def _make_ready(self, contents: Contents) -> None:
        try:
            if contents.is_whole:
                self._handle = self._disk.open(self._path)
                self._is_settled = False
            else:
                self.rewrite(contents.values)
        except OSError as error:
            self._abandon()
            self.open_error = error

    @property
    def is_ready(self) -> bool:
        """Whether a batch can be appended; if not, the next commit writes a new file."""
        return self._handle is not None

    def commit(
        self, changes: Sequence[Change], live: int, values: Callable[[], Mapping[str, Value]]
    ) -> None:
        """Make `changes` durable, by appending them or by writing a new file of `values()`.

        Raises OSError when neither could be done.
        """
        if self._is_closed:  # and unlocked: another process may have the file
            raise OSError(errno.EBADF, "the settings file was closed")
        if not self._append(changes):
            self._replace(values)
        elif self._size > 2 * live + _SLACK:
            self._compact(values)

    def _append(self, changes: Sequence[Change]) -> bool:
        if self._handle is None:
            return False
        frames = encode_batch(changes, self._sequence, self._at)
        if self._at + len(frames) > self._size:
            return False
        try:
            self._settle(self._handle)
            self._disk.write(self._handle, frames, self._at)
            self._disk.flush(self._handle)
        except OSError as error:
            _log.warning("%s: %s; going on in a new file", self._path.name, error.strerror)
            return False  # the caller writes a new file
        self._at += len(frames)
        self._sequence += len(changes)
        return True

    def _settle(self, handle: int) -> None:
        """Flush what was found, before the first batch is appended to it.

        The process that wrote it may have died before it flushed the file or the folder.
        """
        if not self._is_settled:
            self._disk.flush(handle)
            self._disk.flush_folder(self._path.parent)
            self._is_settled = True

    def _replace(self, values: Callable[[], Mapping[str, Value]]) -> None:
        try:
            self.rewrite(values())
        except OSError:
            # The batch is in no file: the next one must not be appended behind the hole.
            self._abandon()
            raise

    def _compact(self, values: Callable[[], Mapping[str, Value]]) -> None:
        try:
            self.rewrite(values())
        except OSError as error:
            _log.warning("%s could not be made smaller: %s", self._path.name, error.strerror)

    def rewrite(self, values: Mapping[str, Value]) -> None:
        """Write a new file of `values` and put it in the place of the old one.

        Raises OSError; the old file is then what it was, or the new one is in its place.
        """
        self._save_damaged_copy()
        image, log_at = encode_file(values, self._sequence)
        aside = self._path.with_name(self._path.name + ".new")
        self._write_aside(aside, image)
        # From here on the old file is no longer written: after a failure the next commit
        # writes a third one. Windows replaces only files that are not open.
        self._abandon()
        self._disk.replace(aside, self._path)
        self._disk.flush_folder(self._path.parent)
        self._handle = self._disk.open(self._path)
        self._at = self._log_from = log_at
        self._size = len(image)
        self._is_settled = True

    def _write_aside(self, path: Path, data: bytes) -> None:
        try:
            handle = self._disk.open(path, create=True)
            try:
                self._disk.write(handle, data, 0)
                self._disk.flush(handle)
            finally:
                self._disk.close(handle)
        except OSError:
            self._discard(path)
            raise

    def _discard(self, path: Path) -> None:
        try:
            self._disk.remove(path)
        except OSError as error:
            _log.debug("%s stays behind: %s", path.name, error.strerror)

    def _save_damaged_copy(self) -> None:
        if self._damaged_copy is not None:
            copy = _quarantine_path(self._path, self._damaged_copy)
            self._write_aside(copy, self._damaged_copy)
            self._damaged_copy = None
            self._remove_old_copies(copy)

    def _remove_old_copies(self, newest: Path) -> None:
        try:
            copies = self._disk.oldest_first(self._path.parent, self._path.name + QUARANTINE)
        except OSError as error:
            _log.debug("old damaged files stay: %s", error.strerror)
            return
        # The one just written stays, whatever the clock says of the others.
        for old in [copy for copy in copies if copy != newest][: 1 - _COPIES]:
            self._discard(old)

    def _abandon(self) -> None:
        handle, self._handle = self._handle, None
        if handle is None:
            return
        try:
            self._disk.close(handle)
        except OSError as error:
            _log.debug("closing %s: %s", self._path.name, error.strerror)

    def close(self, values: Callable[[], Mapping[str, Value]]) -> None:
        """Close the file; a long log is first folded into the snapshot, which loads faster."""
        if self._handle is not None and self._at - self._log_from > _LONG_LOG:
            self._compact(values)
        self._abandon()
        self._is_closed = True


def _quarantine_path(path: Path, data: bytes) -> Path:
    # The same damage met twice gives the same name: one copy.
    return path.with_name(f"{path.name}{QUARANTINE}{crc32(data):08x}")


def _report(path: Path, contents: Contents, quarantine: Path | None) -> RecoveryReport:
    torn = contents.torn
    return RecoveryReport(
        path,
        keys=len(contents.values),
        lost_keys=contents.lost_entries,
        damaged_bytes=sum(gap.end - gap.start for gap in contents.gaps),
        torn_bytes=torn.end - torn.start if torn else 0,
        quarantine=quarantine,
    )


def _why(path: Path, error: Exception) -> str:
    advice = "What is set in this run is not saved."
    if isinstance(error, IsADirectoryError) or path.is_dir():
        return f"There is a folder where the settings file {path} should be. {advice} Move it away."
    if isinstance(error, ForeignFileError):
        return f"{path} is not a settings file; it is left alone. {advice} Move it away."
    if isinstance(error, NewerVersionError):
        return f"{path} is of a newer version of the game ({error}). {advice} Update the game."
    reason = error.strerror if isinstance(error, OSError) else error
    return f"The settings file {path} cannot be read: {reason}. {advice} Check its permissions."
