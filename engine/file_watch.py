"""FileWatch: notices, on a thread of its own, that somebody saved one of some files."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Event, Thread

__all__ = ["POLL_SECONDS", "FileWatch"]

_log = logging.getLogger(__name__)

# A save counts once two looks found the same: together about twice a second.
POLL_SECONDS = 0.25

Stamp = tuple[Path, int, int]


class FileWatch:
    """Calls `changed` on its thread once at first, then whenever a changed file came to rest.

    An editor may write in several steps, or take the file away for a moment: half of a file is
    nobody's edit. `files` is asked before each look, for an edit may name others; one that is
    not there is waited for.
    """

    def __init__(
        self, files: Callable[[], Iterable[Path]], changed: Callable[[], object], *, name: str
    ) -> None:
        self._files = files
        self._changed = changed
        self._known: tuple[Stamp, ...] | None = (
            None  # so the first look is news: who asks has read before
        )
        self._last: tuple[Stamp, ...] | None = None
        self._ends = Event()
        self._thread = Thread(target=self._run, name=f"watch {name}", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self, deadline_seconds: float = 1.0) -> bool:
        """Look no more; return whether the thread ended in time."""
        self._ends.set()
        if self._thread.is_alive():
            self._thread.join(deadline_seconds)
        return not self._thread.is_alive()

    def poll(self) -> None:
        """Look once, as the thread does."""
        found = tuple(map(_stamp, self._files()))
        is_settled, self._last = found == self._last, found
        if is_settled and found != self._known:
            self._known = found
            self._changed()

    def _run(self) -> None:
        while not self._ends.wait(POLL_SECONDS):
            try:
                self.poll()
            except Exception:
                _log.exception("%s could not look after its files.", self._thread.name)


def _stamp(path: Path) -> Stamp:
    """Return what a file looks like from outside; one that is away has no time and no size."""
    try:
        stat = path.stat()
    except (OSError, ValueError):  # a text in a file may be no possible name at all
        return path, 0, -1
    return path, stat.st_mtime_ns, stat.st_size
