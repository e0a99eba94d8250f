from __future__ import annotations

import pytest

from characters.service.conversation import PersistEntry
from characters.service.store import StoredSession
from tests.simulation.promise import BrokenPromise
from tests.simulation.shell.service_host import Ledgers


def test_a_promise_that_breaks_behind_the_disk_is_remembered_for_the_weather() -> None:
    store = Ledgers()
    turns = [PersistEntry("player", f"c0:{number}") for number in (2, 1)]
    with pytest.raises(BrokenPromise):
        store.save(StoredSession("id", "c0", None, 0.0), None, turns)
    assert store.problem is not None and "out of its order" in str(store.problem)
