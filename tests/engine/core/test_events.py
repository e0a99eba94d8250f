from __future__ import annotations

import threading
from typing import Protocol, runtime_checkable

import pytest

from engine.core.clock import ManualClock
from engine.core.events import Dispatcher, Services, Signal


class Listener:
    def __init__(self) -> None:
        self.received: list[int] = []

    def hear(self, value: int) -> None:
        self.received.append(value)


def test_handlers_are_called_in_the_order_in_which_they_subscribed() -> None:
    signal: Signal[int] = Signal()
    calls: list[str] = []
    signal.subscribe(lambda v: calls.append(f"first {v}"))
    signal.subscribe(lambda v: calls.append(f"second {v}"))
    signal.emit(7)
    assert calls == ["first 7", "second 7"]


def test_a_cancelled_handler_hears_nothing_and_cancelling_twice_is_fine() -> None:
    signal, listener = Signal[int](), Listener()
    subscription = signal.subscribe(listener.hear)
    subscription.cancel()
    subscription.cancel()
    signal.emit(1)
    assert (listener.received, len(signal)) == ([], 0)


def test_the_same_method_subscribed_twice_is_called_once() -> None:
    signal, listener = Signal[int](), Listener()
    signal.subscribe(listener.hear)
    signal.subscribe(listener.hear)
    signal.emit(1)
    assert listener.received == [1]


def test_a_failing_handler_is_logged_with_its_name_and_the_others_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(value: int) -> None:
        raise RuntimeError("broken on purpose")

    signal, listener = Signal[int]("door.opened"), Listener()
    signal.subscribe(fails)
    signal.subscribe(listener.hear)
    signal.emit(1)
    assert listener.received == [1]
    assert "door.opened" in caplog.text
    assert "fails" in caplog.text


def test_a_handler_cancelled_by_an_earlier_one_is_not_called_any_more() -> None:
    signal, listener = Signal[int](), Listener()
    signal.subscribe(lambda _: later.cancel())
    later = signal.subscribe(listener.hear)
    signal.emit(1)
    assert listener.received == []


def test_a_handler_that_subscribes_while_a_value_is_emitted_gets_the_next_one() -> None:
    signal, listener = Signal[int](), Listener()
    signal.subscribe(lambda _: signal.subscribe(listener.hear))
    signal.emit(1)
    signal.emit(2)
    assert listener.received == [2]


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


def test_the_last_service_offered_for_a_class_counts() -> None:
    services = Services("Scene 'Level'")
    services.provide(1)
    services.provide(2)
    assert services.get(int) == 2


def test_what_is_offered_for_the_class_itself_goes_before_a_subclass() -> None:
    services = Services("Scene 'Level'")
    services.provide(True)
    services.provide(7)
    assert services.get(int) == 7
    assert services.get(bool) is True


def test_a_service_that_counts_as_false_is_still_there() -> None:
    services = Services("Scene 'Level'")
    services.provide("")
    assert services.get(str) == ""


class Shape(Protocol):
    def bit_length(self) -> int: ...


@runtime_checkable
class KnownShape(Shape, Protocol): ...


def test_a_service_is_found_by_a_protocol_that_it_was_offered_under_or_has_the_shape_of() -> None:
    services = Services("Scene 'Level'")
    services.provide("text")
    services.provide(7)
    assert services.find(KnownShape) == 7  # type: ignore[type-abstract]
    with pytest.raises(TypeError, match=r"Scene 'Level' .* Shape .*runtime_checkable.*provide"):
        services.find(Shape)  # type: ignore[type-abstract]
    services.provide(8, Shape)
    assert services.find(Shape) == 8  # type: ignore[type-abstract]


def test_asking_in_vain_says_whom_and_what_to_do() -> None:
    with pytest.raises(LookupError, match=r"Scene 'Level' was given no int .*scene.provide"):
        Services("Scene 'Level'").get(int)
