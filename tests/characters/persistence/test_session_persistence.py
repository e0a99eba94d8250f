from __future__ import annotations

import json
import logging

import pytest

from characters.core.state import SessionRecord
from characters.persistence import (
    EncryptedStore,
    KeyValueSessionPersistence,
    KeyValueStore,
    MemoryStore,
    PersistenceError,
)

RECORD = SessionRecord("id-1", "local", "room-1", dropped_at=12.5, saved_at=99.0)


class TenLineStore:
    """The smallest store that a user can write."""

    def __init__(self) -> None:
        self.data: dict[str, str] = {}
        self.saves = 0

    def get_string(self, key: str, default: str | None = None) -> str | None:
        return self.data.get(key, default)

    def set_string(self, key: str, value: str) -> None:
        self.data[key] = value

    def has_key(self, key: str) -> bool:
        return key in self.data

    def delete_key(self, key: str) -> None:
        self.data.pop(key, None)

    def save(self) -> None:
        self.saves += 1


class FailingStore(TenLineStore):
    def save(self) -> None:
        raise RuntimeError("the cloud is away.")


def stores() -> list[KeyValueStore]:
    return [
        MemoryStore(),
        TenLineStore(),
        EncryptedStore(TenLineStore(), EncryptedStore.new_secret()),
    ]


@pytest.mark.parametrize("store", stores(), ids=["listable", "ten lines", "encrypted"])
def test_a_record_comes_back_as_it_was_stored(store: KeyValueStore) -> None:
    persistence = KeyValueSessionPersistence(store)
    persistence.store("a", RECORD)
    assert persistence.load("a") == RECORD
    assert dict(persistence.all()) == {"a": RECORD}


@pytest.mark.parametrize("store", stores(), ids=["listable", "ten lines", "encrypted"])
def test_a_cleared_record_is_gone_from_the_list_too(store: KeyValueStore) -> None:
    persistence = KeyValueSessionPersistence(store)
    persistence.store("a", RECORD)
    persistence.store("b", SessionRecord("id-2"))
    persistence.clear("a")
    assert persistence.load("a") is None
    assert list(persistence.all()) == ["b"]


def test_the_key_in_the_store_is_the_original_s() -> None:
    store = MemoryStore()
    KeyValueSessionPersistence(store).store("patient-7f3a", RECORD)
    text = store.get_string("convai.session.patient-7f3a")
    assert json.loads(text or "")["session_id"] == "id-1"


def test_a_bare_text_is_a_session_id() -> None:
    store = MemoryStore()
    store.set_string("convai.session.a", "id-of-the-original")
    record = KeyValueSessionPersistence(store).load("a")
    assert record == SessionRecord("id-of-the-original")


def test_a_field_of_a_later_version_does_no_harm() -> None:
    store = MemoryStore()
    store.set_string("convai.session.a", '{"session_id": "id", "mood": 3}')
    assert KeyValueSessionPersistence(store).load("a") == SessionRecord("id")


@pytest.mark.parametrize(
    "text", ["{", "{}", '{"session_id": 3}', '{"session_id": "x", "saved_at": "now"}']
)
def test_what_is_no_record_counts_as_none_and_is_logged(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = MemoryStore()
    store.set_string("convai.session.a", text)
    with caplog.at_level(logging.WARNING):
        assert KeyValueSessionPersistence(store).load("a") is None
    assert "no session record" in caplog.text


def test_storing_and_clearing_each_save() -> None:
    store = TenLineStore()
    persistence = KeyValueSessionPersistence(store)
    persistence.store("a", RECORD)
    persistence.clear("a")
    assert store.saves == 2


def test_a_store_that_fails_is_told_by_one_kind_of_error() -> None:
    with pytest.raises(PersistenceError, match=r"'a' could not be stored: the cloud is away\."):
        KeyValueSessionPersistence(FailingStore()).store("a", RECORD)


def test_two_prefixes_keep_two_sets_apart() -> None:
    store = TenLineStore()
    KeyValueSessionPersistence(store, "one.").store("a", RECORD)
    assert dict(KeyValueSessionPersistence(store, "two.").all()) == {}
