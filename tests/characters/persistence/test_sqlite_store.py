from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from characters.persistence import PersistenceError, SQLiteStore


def test_what_was_saved_is_there_in_the_next_run(tmp_path: Path) -> None:
    first = SQLiteStore(tmp_path / "folder" / "s.sqlite3")
    first.set_string("a", "1")
    first.close()
    assert SQLiteStore(tmp_path / "folder" / "s.sqlite3").get_string("a") == "1"


def test_what_was_not_saved_is_not_seen_by_others(tmp_path: Path) -> None:
    first, second = SQLiteStore(tmp_path / "s"), SQLiteStore(tmp_path / "s")
    first.set_string("a", "1")
    assert second.get_string("a") is None
    first.save()
    assert second.get_string("a") == "1"


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    SQLiteStore(tmp_path / "s").close()
    mode = stat.S_IMODE((tmp_path / "s").stat().st_mode)
    assert mode == 0o600 or sys.platform == "win32"


def test_a_file_that_is_no_database_is_explained(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b"no database at all, but long enough to look at" * 40)
    with pytest.raises(PersistenceError, match="Check the disk"):
        SQLiteStore(tmp_path / "s").get_string("a")
