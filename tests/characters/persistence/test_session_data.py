from __future__ import annotations

from collections.abc import MutableMapping
from typing import cast

import pytest

from characters.core.state import SessionRecord
from characters.persistence import KeyValueSessionPersistence, MemoryStore, SessionData


@pytest.fixture
def persistence() -> KeyValueSessionPersistence:
    return KeyValueSessionPersistence(MemoryStore())


@pytest.fixture
def data(persistence: KeyValueSessionPersistence) -> SessionData:
    return SessionData(persistence, wall_clock=lambda: 1234.0)


def test_a_character_without_a_session_has_none(data: SessionData) -> None:
    assert data.get_session_id("a") is None


def test_a_stored_id_is_returned(data: SessionData) -> None:
    data.store_session_id("a", "id")
    assert data.get_session_id("a") == "id"


def test_a_stored_id_carries_the_time(
    data: SessionData, persistence: KeyValueSessionPersistence
) -> None:
    data.store_session_id("a", "id")
    assert persistence.load("a") == SessionRecord("id", saved_at=1234.0)


def test_clearing_one_leaves_the_others(data: SessionData) -> None:
    data.store_session_id("a", "1")
    data.store_session_id("b", "2")
    data.clear_session_id("a")
    assert dict(data.get_all_session_ids()) == {"b": "2"}


def test_clearing_all_leaves_none(data: SessionData) -> None:
    data.store_session_id("a", "1")
    data.store_session_id("b", "2")
    data.clear_all_session_ids()
    assert dict(data.get_all_session_ids()) == {}


def test_the_snapshot_cannot_be_written_and_does_not_follow(data: SessionData) -> None:
    data.store_session_id("a", "1")
    snapshot = data.get_all_session_ids()
    data.clear_session_id("a")
    assert snapshot["a"] == "1"
    with pytest.raises(TypeError):
        cast(MutableMapping[str, str], snapshot)["b"] = "2"
