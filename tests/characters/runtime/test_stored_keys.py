from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from characters.core.state import SessionRecord
from characters.persistence import KeyValueSessionPersistence, MemoryStore, PersistenceError
from characters.runtime.stored_keys import FIRST_ANSWER_SECONDS, WatchedPersistence


def watched(
    post: Callable[[Callable[[], object]], object] = lambda action: action(),
) -> WatchedPersistence:
    """Return a store that holds the nurse's session."""
    inner = KeyValueSessionPersistence(MemoryStore())
    inner.store("nurse", SessionRecord("id-1"))
    return WatchedPersistence(inner, post)


def test_what_is_stored_is_known_after_the_first_look() -> None:
    keys = watched()
    keys.read_keys()
    assert keys.has("nurse") and not keys.has("porter")


def test_what_is_stored_and_cleared_later_is_known_too() -> None:
    keys = watched()
    keys.read_keys()
    keys.store("porter", SessionRecord("id-2"))
    keys.clear("nurse")
    assert keys.has("porter") and not keys.has("nurse")


def test_a_store_that_hangs_is_waited_for_once_and_not_by_each_who_asks() -> None:
    keys = watched()
    before = time.monotonic()
    assert not any(keys.has(name) for name in ("nurse",) * 20)
    assert time.monotonic() - before < 3 * FIRST_ANSWER_SECONDS


def test_who_waits_for_the_first_look_is_told_on_the_main_thread() -> None:
    main: list[Callable[[], object]] = []
    told: list[bool] = []
    keys = watched(main.append)
    keys.when_known(lambda: told.append(keys.has("nurse")))
    keys.read_keys()
    assert not told
    for action in main:
        action()
    assert told == [True]


def test_who_asks_after_the_first_look_is_told_at_once() -> None:
    keys = watched()
    keys.read_keys()
    told: list[bool] = []
    keys.when_known(lambda: told.append(keys.has("nurse")))
    assert told == [True]


def test_a_store_that_cannot_be_listed_is_logged_and_ends_no_thread(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(KeyValueSessionPersistence):
        def all(self) -> dict[str, SessionRecord]:
            raise PersistenceError("the disk is gone")

    keys = WatchedPersistence(Broken(MemoryStore()), lambda action: action())
    keys.read_keys()
    assert not keys.has("nurse")
    assert "could not be listed" in caplog.text
