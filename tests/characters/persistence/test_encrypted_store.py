from __future__ import annotations

import pytest

from characters.persistence import EncryptedStore, ListableStore, MemoryStore, PersistenceError
from tests.characters.persistence.test_session_persistence import TenLineStore


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
