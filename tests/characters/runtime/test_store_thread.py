from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from characters.runtime.network_thread import NetworkThread
from characters.runtime.store_thread import StoreThread

DEADLINE = 5.0


@pytest.fixture
def network() -> Iterator[NetworkThread]:
    thread = NetworkThread("test-network")
    thread.start()
    yield thread
    thread.stop(DEADLINE)


@pytest.fixture
def store() -> Iterator[StoreThread]:
    thread = StoreThread("test-store")
    thread.start()
    yield thread
    thread.stop(DEADLINE)


def test_work_is_done_in_the_order_in_which_it_was_given(
    network: NetworkThread, store: StoreThread
) -> None:
    done: list[int] = []

    async def work() -> None:
        await asyncio.gather(*(store.run(partial(done.append, n)) for n in range(50)))

    network.submit(work()).result(DEADLINE)
    assert done == list(range(50))


def test_what_the_work_raises_reaches_who_waits(network: NetworkThread, store: StoreThread) -> None:
    def fail() -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        network.submit(store.run(fail)).result(DEADLINE)


def test_work_that_hangs_does_not_hold_up_the_end() -> None:
    store = StoreThread("test-store")
    store.start()
    release = threading.Event()
    store.post(partial(release.wait, DEADLINE))
    assert not store.stop(0.01)
    release.set()
    assert store.stop(DEADLINE)


def test_what_was_given_before_the_end_is_still_done() -> None:
    store = StoreThread("test-store")
    store.start()
    done: list[int] = []
    for number in range(10):
        store.post(partial(done.append, number))
    assert store.stop(DEADLINE)
    assert done == list(range(10))
