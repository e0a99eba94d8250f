"""The few calls on a disk that preferences need, as a protocol and as the real thing.

Tests put a disk of their own in its place that loses, tears, reorders and refuses.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from pathlib import Path
from typing import Protocol

from engine.prefs_lock import FileLock

__all__ = ["FileSystem", "Lock", "RealFileSystem"]

_IS_WINDOWS = sys.platform == "win32"
_IS_MACOS = sys.platform == "darwin"
_BINARY: int = getattr(os, "O_BINARY", 0)  # without it Windows rewrites line ends


class Lock(Protocol):
    """A lock that is held until it is released."""

    def release(self) -> None:
        """Let the next one in."""
        ...


class FileSystem(Protocol):
    """Calls on a disk; each raises OSError when the disk refuses."""

    def read(self, path: Path) -> bytes:
        """Return all bytes of a file."""
        ...

    def open(self, path: Path, *, create: bool = False) -> int:
        """Open a file for writing; with `create` an empty one that only its owner can read."""
        ...

    def write(self, handle: int, data: bytes, offset: int) -> None:
        """Write all of `data` at `offset`."""
        ...

    def flush(self, handle: int) -> None:
        """Return when what was written is on the medium."""
        ...

    def close(self, handle: int) -> None:
        """Close a file."""
        ...

    def replace(self, source: Path, target: Path) -> None:
        """Put `source` in the place of `target`, at once."""
        ...

    def flush_folder(self, folder: Path) -> None:
        """Return when the names in a folder are on the medium."""
        ...

    def remove(self, path: Path) -> None:
        """Remove a file; one that is not there is no error."""
        ...

    def oldest_first(self, folder: Path, beginning: str) -> list[Path]:
        """Return the files of a folder whose names begin so, the last changed at the end."""
        ...

    def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it."""
        ...

    def lock(self, path: Path) -> Lock:
        """Take the lock at `path`. Raises LockHeldError when another process has it."""
        ...


class RealFileSystem:
    """The disk of this machine."""

    def lock(self, path: Path) -> Lock:
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
        """Put `source` in the place of `target`, at once."""
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
