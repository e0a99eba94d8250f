from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from characters.storage.extras import EncryptedStore, SQLiteStore
from characters.storage.sessions import ListableStore, MemoryStore, PersistenceError
from engine.core.file_system import SQLITE_ENDINGS
from tests.characters.storage.test_sessions import TenLineStore


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


@pytest.mark.posix("Windows has no pipes in folders, and no such device")
def test_what_is_no_file_in_a_database_s_place_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zeros").symlink_to("/dev/zero")
    for name, kind in (("pipe", "pipe"), ("zeros", "device"), ("", "folder")):
        with pytest.raises(PersistenceError, match=f"is a {kind}, and a file should be there"):
            SQLiteStore(tmp_path / name)


@pytest.mark.posix("Windows has no pipes in folders")
@pytest.mark.parametrize("ending", SQLITE_ENDINGS)
def test_what_is_no_file_beside_a_database_is_told_through_a_link_too(
    tmp_path: Path, ending: str
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "s")
    os.mkfifo(tmp_path / f"s{ending}")
    for name in ("s", "link"):
        with pytest.raises(PersistenceError, match="is a pipe, and a file should be there"):
            SQLiteStore(tmp_path / name)


def test_the_inner_store_never_sees_the_text() -> None:
    inner = MemoryStore()
    EncryptedStore(inner, EncryptedStore.new_secret()).set_string("a", "session-7f3a")
    assert "session-7f3a" not in str(inner.get_string("a"))


def test_another_secret_is_an_error_and_not_a_missing_value() -> None:
    inner = MemoryStore()
    EncryptedStore(inner, EncryptedStore.new_secret()).set_string("a", "1")
    with pytest.raises(PersistenceError, match="another secret"):
        EncryptedStore(inner, EncryptedStore.new_secret()).get_string("a")


def test_a_value_that_was_moved_to_another_key_is_refused() -> None:
    inner = MemoryStore()
    store = EncryptedStore(inner, EncryptedStore.new_secret())
    store.set_string("a", "1")
    inner.set_string("b", str(inner.get_string("a")))
    with pytest.raises(PersistenceError, match="'b'"):
        store.get_string("b")


def test_it_lists_its_keys_only_if_the_inner_store_does() -> None:
    secret = EncryptedStore.new_secret()
    assert isinstance(EncryptedStore(MemoryStore(), secret), ListableStore)
    assert not isinstance(EncryptedStore(TenLineStore(), secret), ListableStore)
