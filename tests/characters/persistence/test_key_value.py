from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from characters.persistence import (
    EncryptedStore,
    KeyValueStore,
    ListableStore,
    MemoryStore,
    PlayerPrefsStore,
    SQLiteStore,
)
from engine.prefs import PlayerPrefs

KINDS = ["memory", "player prefs", "sqlite", "encrypted"]


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyValueStore]:
    with PlayerPrefs.open(tmp_path / "prefs.msgpack") as prefs:
        database = SQLiteStore(tmp_path / "store.sqlite3")
        stores: dict[str, KeyValueStore] = {
            "memory": MemoryStore(),
            "player prefs": PlayerPrefsStore(prefs),
            "sqlite": database,
            "encrypted": EncryptedStore(MemoryStore(), EncryptedStore.new_secret()),
        }
        yield stores[request.param]
        database.close()


def test_a_text_that_was_set_is_returned(store: KeyValueStore) -> None:
    store.set_string("a", "Grüße \n 🎭")
    store.save()
    assert store.get_string("a") == "Grüße \n 🎭"
    assert store.has_key("a")


def test_the_last_text_wins(store: KeyValueStore) -> None:
    store.set_string("a", "1")
    store.set_string("a", "2")
    assert store.get_string("a") == "2"


def test_an_empty_text_is_a_text(store: KeyValueStore) -> None:
    store.set_string("a", "")
    assert store.get_string("a", "default") == ""
    assert store.has_key("a")


def test_a_missing_key_gives_the_default(store: KeyValueStore) -> None:
    assert store.get_string("a") is None
    assert store.get_string("a", "x") == "x"
    assert not store.has_key("a")


def test_a_deleted_key_is_missing_and_deleting_twice_is_no_error(store: KeyValueStore) -> None:
    store.set_string("a", "1")
    store.delete_key("a")
    store.delete_key("a")
    assert not store.has_key("a")


def test_keys_are_listed_by_prefix(store: KeyValueStore) -> None:
    for key in ("s.b", "s.a", "t.a", "s%"):
        store.set_string(key, "1")
    assert isinstance(store, ListableStore)
    assert list(store.keys("s.")) == ["s.a", "s.b"]
