from __future__ import annotations

import pytest

from characters.service.effects import PersistEntry
from characters.service.store import StoredSession
from tests.simulation.promise import BrokenPromise
from tests.simulation.shell.service_host import Ledgers


def test_a_promise_that_breaks_behind_the_disk_is_remembered_for_the_weather() -> None:
    store = Ledgers()
    turns = [PersistEntry("player", f"c0:{number}") for number in (2, 1)]
    with pytest.raises(BrokenPromise):
        store.save(StoredSession("id", "c0", None, 0.0), None, turns)
    assert store.problem is not None and "out of its order" in str(store.problem)


def said(store: Ledgers, session_id: str, *numbers: int) -> None:
    turns = [PersistEntry("player", f"c0:{number}") for number in numbers]
    store.save(StoredSession(session_id, "c0", None, 0.0), {"count": 1, "last": numbers[-1]}, turns)
    store.typed["c0"] = max(store.typed["c0"], *numbers)


@pytest.fixture
def saved() -> Ledgers:
    """One line was said, a slot was saved, another line was said, and the slot was loaded."""
    store = Ledgers()
    said(store, "first", 1)
    store.branch("first", StoredSession("slot", "c0", None, 0.0, is_saved=True))
    said(store, "first", 2)
    store.branch("slot", StoredSession("loaded", "c0", None, 0.0))
    said(store, "loaded", 3)
    return store


def test_a_word_that_was_said_after_the_save_is_noticed_in_its_branch(saved: Ledgers) -> None:
    with pytest.raises(BrokenPromise, match="branch's part of the store"):
        saved.save(StoredSession("loaded", "c0", None, 0.0), {"count": 2, "last": 2})
    assert saved.problem is not None


def test_a_slot_whose_character_is_not_who_was_saved_is_noticed(saved: Ledgers) -> None:
    said(saved, "slot", 4)
    with pytest.raises(BrokenPromise, match="not the one that was saved"):
        saved.branch("slot", StoredSession("again", "c0", None, 0.0))
