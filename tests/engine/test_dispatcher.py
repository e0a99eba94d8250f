from __future__ import annotations

import threading

import pytest

from engine.clock import ManualClock
from engine.dispatcher import Dispatcher


def test_actions_run_in_the_order_in_which_they_were_posted() -> None:
    dispatcher, ran = Dispatcher(), list[int]()
    for number in range(3):
        dispatcher.post(lambda n=number: ran.append(n))  # type: ignore[misc]  # binds the loop's n
    assert dispatcher.drain() == 3
    assert ran == [0, 1, 2]


def test_an_action_posted_by_another_thread_runs_in_the_thread_that_drains() -> None:
    dispatcher, threads = Dispatcher(), list[int]()
    poster = threading.Thread(
        target=lambda: dispatcher.post(lambda: threads.append(threading.get_ident()))
    )
    poster.start()
    poster.join(5.0)
    dispatcher.drain()
    assert threads == [threading.get_ident()]


def test_a_failing_action_is_logged_and_the_others_run(caplog: pytest.LogCaptureFixture) -> None:
    def fails() -> None:
        raise RuntimeError("broken on purpose")

    dispatcher, ran = Dispatcher(), list[str]()
    dispatcher.post(fails)
    dispatcher.post(lambda: ran.append("later"))
    assert dispatcher.drain() == 2
    assert ran == ["later"]
    assert "fails" in caplog.text


def test_what_does_not_fit_into_the_budget_waits_for_the_next_frame() -> None:
    clock = ManualClock()
    dispatcher = Dispatcher(clock)
    for _ in range(5):
        dispatcher.post(lambda: clock.advance(0.002))
    assert dispatcher.drain(0.004) == 2
    assert len(dispatcher) == 3


def test_one_action_runs_even_with_no_time_at_all() -> None:
    dispatcher = Dispatcher(ManualClock())
    dispatcher.post(lambda: None)
    dispatcher.post(lambda: None)
    assert dispatcher.drain(0.0) == 1


def test_an_action_that_posts_itself_again_does_not_hold_the_frame() -> None:
    dispatcher = Dispatcher()

    def again() -> None:
        dispatcher.post(again)

    dispatcher.post(again)
    assert dispatcher.drain() == 1
    assert len(dispatcher) == 1
