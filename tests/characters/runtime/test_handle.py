from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from characters.core.state import SessionState
from characters.runtime.handle import SessionHandle
from tests.characters.runtime.stage import Stage


class Late:
    """A network thread that has not had its turn yet."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], object]] = []

    def call(self, action: Callable[..., object], *args: Any) -> None:
        self.waiting.append(partial(action, *args))

    def take_turn(self, stage: Stage) -> None:
        for action in self.waiting:
            stage.do(action)
        self.waiting.clear()


def test_a_session_that_was_told_to_disconnect_is_at_rest_before_the_view_knows() -> None:
    with Stage() as stage:
        actor, network = stage.actor(), Late()
        handle = SessionHandle(actor.driver, network, lambda key: False)
        assert handle.is_at_rest
        handle.connect()
        network.take_turn(stage)
        stage.until_state(actor, SessionState.CONNECTED)
        assert not handle.is_at_rest
        handle.disconnect()
        assert handle.is_at_rest and handle.view.state is SessionState.CONNECTED


def test_a_connect_behind_a_disconnect_that_waits_ends_connected() -> None:
    with Stage() as stage:
        actor, network = stage.actor(), Late()
        handle = SessionHandle(actor.driver, network, lambda key: False)
        handle.connect()
        network.take_turn(stage)
        stage.until_state(actor, SessionState.CONNECTED)
        handle.disconnect()
        handle.connect()
        network.take_turn(stage)
        stage.until(lambda: actor.states.endswith("DISCONNECTED CONNECTING CONNECTED"))
