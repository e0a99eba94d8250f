"""A lock file that keeps a second process away from a preferences file.

The system drops the lock when its holder dies, however it dies, so a file that was left
behind is no obstacle. It holds the pid of the holder for the message to the other one.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["FileLock", "LockHeldError"]

# Windows refuses even reading a locked byte: lock one far behind the pid.
_LOCKED_BYTE = 0x7FFF0000


class LockHeldError(Exception):
    """Another holder has the lock; `pid` is its process where it is known."""

    def __init__(self, pid: int | None) -> None:
        super().__init__(f"held by process {pid or 'unknown'}")
        self.pid = pid


class FileLock:
    """A lock on `path`, held from construction to `release`.

    Raises LockHeldError when somebody else holds it, OSError when no lock file can be made.
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
        """Let the next one in. The file stays: removing it would race with who opens it."""
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
