"""PrefsLog: the preferences file on its disk: opened, appended to, written anew.

What keeps it safe:

* A batch is appended with one write and one flush into space that already exists, so the flush
  has no metadata to wait for.
* A file is never changed in place otherwise: a new one is written aside, flushed, put in the
  place of the old one, and the folder is flushed.
* After a write or a flush has failed, what the disk holds is unknown, and a second flush that
  succeeds proves nothing: that file is never written again, the next save makes a new one.
* A file that is another program's, or a later version's, keeps its bytes under another name.
* Damaged bytes are copied beside the file before the file is replaced; the newest few of such
  copies stay.
* A lock file keeps other processes away. The system drops the lock when its holder dies, so a
  lock file that is left behind is no obstacle; it holds the process id for the error message.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from zlib import crc32

import msgpack

from engine.core.file_system import FileSystem, NotAFileError
from engine.core.words import ENGINE_WORDS
from engine.prefs.format import (
    MAX_TOTAL_BYTES,
    Change,
    Contents,
    ForeignFileError,
    NewerVersionError,
    Value,
    decode_file,
    encode_batch,
    encode_file,
)

__all__ = ["PrefsLog", "QUARANTINE", "RecoveryReport"]


_log = logging.getLogger(__name__)

QUARANTINE = ".damaged-"
"""In the name of a copy of a damaged file, between the file's name and the copy's checksum."""

_ASIDE = ".aside"
_LARGEST = 4 * MAX_TOTAL_BYTES  # twice all live content, and what the last change may add
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
    begun_anew: str = ""
    """Why the file was put aside and new settings were begun."""

    @property
    def is_clean(self) -> bool:
        """Whether the player need not know of it."""
        return not (self.damaged_bytes or self.unsavable or self.begun_anew)

    @property
    def told(self) -> str:
        """What the player has to know, if it is not clean."""
        if self.unsavable or self.begun_anew:
            return self.unsavable or self.begun_anew
        known = {"file": self.path.name, "count": self.keys, "lost": self.damaged_bytes}
        if self.quarantine is None:
            return ENGINE_WORDS("settings.damaged_in_place", **known)
        return ENGINE_WORDS("settings.damaged", aside=self.quarantine.name, **known)

    def __str__(self) -> str:
        if not self.is_clean:
            return self.told
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
        self._pack = msgpack.Packer().pack
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
            data = self._disk.read(self._path, _LARGEST)
            contents = decode_file(data)
        except FileNotFoundError:
            data, contents = b"", Contents()
        except (OSError, ForeignFileError, NewerVersionError) as error:
            is_strange = not isinstance(error, OSError) or error.errno == errno.EFBIG
            if is_strange and not read_only:
                return Contents(), self._begin_anew(error)
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

    def _begin_anew(self, error: Exception) -> RecoveryReport:
        """Put aside a file that is not ours to read, and make a new one."""
        try:
            aside = self._free_name()
            self._disk.replace(self._path, aside)
        except OSError:
            return RecoveryReport(self._path, unsavable=_why(self._path, error))
        self._make_ready(Contents())
        return RecoveryReport(self._path, begun_anew=_why(self._path, error, aside))

    def _free_name(self) -> Path:
        """Return a name beside the file that no file has: what is there is never replaced."""
        beginning = self._path.name + _ASIDE
        taken = {path.name for path in self._disk.oldest_first(self._path.parent, beginning)}
        names = (f"{beginning}{nth or ''}" for nth in count())
        return self._path.with_name(next(name for name in names if name not in taken))

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
        frames = encode_batch(changes, self._sequence, self._at, self._pack)
        if self._at + len(frames) > self._size:
            return False
        try:
            if not self._is_settled:
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


def _why(path: Path, error: Exception, aside: Path | None = None) -> str:
    """Return why a file is not used; `aside` is where it was put."""
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    known = {"path": str(path), "why": reason}
    if isinstance(error, NotAFileError):
        return ENGINE_WORDS("settings.not_a_file", **known)
    if isinstance(error, OSError) and error.errno != errno.EFBIG:
        return ENGINE_WORDS("settings.unreadable", **known)
    left, moved = "settings.foreign", "settings.foreign_aside"
    if isinstance(error, NewerVersionError):
        left, moved = "settings.newer", "settings.newer_aside"
    return ENGINE_WORDS(left if aside is None else moved, aside=aside and aside.name, **known)
