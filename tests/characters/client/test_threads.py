from __future__ import annotations

import asyncio
import queue
import sys
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from characters.client.threads import (
    EAGER_SECONDS,
    FRAMES_UNTIL_PATIENT,
    PATIENT_SECONDS,
    SHORT_FRAME_SECONDS,
    NetworkThread,
    StoreThread,
    SwitchIntervalTuner,
)

DEADLINE = 60.0


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


SHORT, LONG = SHORT_FRAME_SECONDS / 2, SHORT_FRAME_SECONDS * 2


class Game:
    """A game's thread: what it worked, and the interval that was set last."""

    def __init__(self) -> None:
        self.worked = 0.0
        self.interval = 0.0
        self.handover = SwitchIntervalTuner(lambda: self.worked, self.switch)

    def switch(self, seconds: float) -> None:
        self.interval = seconds

    def frames(self, number: int, seconds: float) -> None:
        for _ in range(number):
            self.worked += seconds
            self.handover.frame_began()


@pytest.fixture
def game() -> Game:
    game = Game()
    game.handover.begin()
    return game


def test_others_run_soon_until_frames_are_known_to_be_short(game: Game) -> None:
    game.frames(FRAMES_UNTIL_PATIENT - 1, SHORT)
    assert game.interval == EAGER_SECONDS
    game.frames(1, SHORT)
    assert game.interval == PATIENT_SECONDS


def test_a_long_frame_lets_others_run_soon_and_short_ones_have_to_prove_themselves_again(
    game: Game,
) -> None:
    game.frames(FRAMES_UNTIL_PATIENT, SHORT)
    game.frames(1, LONG)
    assert game.interval == EAGER_SECONDS
    game.frames(FRAMES_UNTIL_PATIENT - 1, SHORT)
    assert game.interval == EAGER_SECONDS
    game.frames(1, SHORT)
    assert game.interval == PATIENT_SECONDS


def test_a_game_of_long_frames_is_interrupted_in_each(game: Game) -> None:
    game.frames(10 * FRAMES_UNTIL_PATIENT, LONG)
    assert game.interval == EAGER_SECONDS


def test_the_end_leaves_the_interval_as_it_was_and_frames_after_it_change_nothing(
    game: Game,
) -> None:
    game.handover.end()
    assert game.interval == sys.getswitchinterval()
    game.interval = 0.0
    game.frames(2 * FRAMES_UNTIL_PATIENT, SHORT)
    assert game.interval == 0.0
