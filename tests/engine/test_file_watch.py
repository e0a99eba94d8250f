from __future__ import annotations

import threading
from pathlib import Path

import pytest

from engine.file_watch import FileWatch


class Watched:
    """A file, and a watch of it whose looks are counted."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "level.toml"
        self.file.write_text("one")
        self.files = [self.file]
        self.noticed = 0
        self.watch = FileWatch(lambda: self.files, self._notice, name="level")
        self.look(2)
        self.noticed = 0

    def _notice(self) -> None:
        self.noticed += 1

    def look(self, times: int) -> int:
        for _ in range(times):
            self.watch.poll()
        return self.noticed


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_who_asks_is_told_once_at_first(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("a")
    told: list[int] = []
    watch = FileWatch(lambda: [file], lambda: told.append(1), name="a")
    for _ in range(4):
        watch.poll()
    assert told == [1]


def test_nothing_is_noticed_while_nothing_changes(watched: Watched) -> None:
    assert watched.look(5) == 0


def test_a_save_is_noticed_once_it_has_come_to_rest(watched: Watched) -> None:
    watched.file.write_text("half")
    assert watched.look(1) == 0
    watched.file.write_text("half and half")
    assert watched.look(1) == 0
    assert watched.look(3) == 1


def test_a_file_that_is_away_for_a_moment_is_no_edit(watched: Watched) -> None:
    watched.file.unlink()
    assert watched.look(1) == 0
    watched.file.write_text("one and more")
    assert watched.look(3) == 1


def test_a_file_that_stays_away_is_told_and_so_is_its_return(watched: Watched) -> None:
    watched.file.unlink()
    assert watched.look(3) == 1
    watched.file.write_text("one")
    assert watched.look(3) == 2


def test_a_file_that_never_was_is_waited_for(watched: Watched) -> None:
    missing = watched.file.with_name("missing.toml")
    watched.files.append(missing)
    assert watched.look(3) == 1  # it is asked for now
    missing.write_text("")
    assert watched.look(3) == 2


def test_a_file_that_joins_is_watched_too(watched: Watched) -> None:
    other = watched.file.with_name("prefab.toml")
    other.write_text("x")
    watched.files.append(other)
    watched.look(2)
    other.write_text("xy")
    assert watched.look(2) == 2


def test_its_thread_notices_and_ends(tmp_path: Path) -> None:
    file, noticed = tmp_path / "a", threading.Event()
    file.write_text("a")
    watch = FileWatch(lambda: [file], noticed.set, name="a")
    watch.start()
    assert noticed.wait(5)
    assert watch.stop()
