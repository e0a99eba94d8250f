from __future__ import annotations

import asyncio
import queue
import sys
import threading
from collections.abc import Iterator

import pytest

from characters.runtime.network_thread import NetworkThread

DEADLINE = 5.0


@pytest.fixture
def network() -> Iterator[NetworkThread]:
    thread = NetworkThread("test-network")
    thread.start()
    yield thread
    thread.stop(DEADLINE)


def test_what_is_called_runs_on_the_network_thread(network: NetworkThread) -> None:
    names: queue.SimpleQueue[str] = queue.SimpleQueue()
    network.call(lambda: names.put(threading.current_thread().name))
    assert names.get(timeout=DEADLINE) == "test-network"


def test_a_coroutine_answers_through_its_future(network: NetworkThread) -> None:
    async def answer() -> int:
        await asyncio.sleep(0)
        return 42

    assert network.submit(answer()).result(DEADLINE) == 42


def test_the_switch_interval_is_short_while_the_thread_runs_and_restored_after() -> None:
    before = sys.getswitchinterval()
    thread = NetworkThread("test-network")
    thread.start()
    assert sys.getswitchinterval() == pytest.approx(0.0005)
    thread.stop(DEADLINE)
    assert sys.getswitchinterval() == before


def test_a_call_after_the_end_is_no_error() -> None:
    thread = NetworkThread("test-network")
    thread.start()
    assert thread.stop(DEADLINE)
    thread.call(print)
    assert not thread.is_running


def test_a_thread_that_was_never_started_can_be_stopped() -> None:
    assert NetworkThread("test-network").stop(DEADLINE)


def test_tasks_that_still_run_are_cancelled_at_the_end() -> None:
    thread = NetworkThread("test-network")
    thread.start()
    ended = threading.Event()

    async def forever() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    thread.submit(forever())
    assert thread.stop(DEADLINE)
    assert ended.is_set()
