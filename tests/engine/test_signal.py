from __future__ import annotations

import pytest

from engine.signal import Signal


class Listener:
    def __init__(self) -> None:
        self.heard: list[int] = []

    def hear(self, value: int) -> None:
        self.heard.append(value)


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
    assert (listener.heard, subscription.is_active, len(signal)) == ([], False, 0)


def test_the_same_method_subscribed_twice_is_called_once() -> None:
    signal, listener = Signal[int](), Listener()
    signal.subscribe(listener.hear)
    signal.subscribe(listener.hear)
    signal.emit(1)
    assert listener.heard == [1]


def test_a_failing_handler_is_logged_with_its_name_and_the_others_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(value: int) -> None:
        raise RuntimeError("broken on purpose")

    signal, listener = Signal[int]("door.opened"), Listener()
    signal.subscribe(fails)
    signal.subscribe(listener.hear)
    signal.emit(1)
    assert listener.heard == [1]
    assert "door.opened" in caplog.text
    assert "fails" in caplog.text


def test_who_is_cancelled_by_an_earlier_handler_is_not_called_any_more() -> None:
    signal, listener = Signal[int](), Listener()
    signal.subscribe(lambda _: later.cancel())
    later = signal.subscribe(listener.hear)
    signal.emit(1)
    assert listener.heard == []


def test_who_subscribes_while_a_value_is_emitted_hears_the_next_one() -> None:
    signal, listener = Signal[int](), Listener()
    signal.subscribe(lambda _: signal.subscribe(listener.hear))
    signal.emit(1)
    signal.emit(2)
    assert listener.heard == [2]
