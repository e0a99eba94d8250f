"""Disconnect in every state and at every await: nothing of a session stays behind."""

from __future__ import annotations

import asyncio

import pytest

from characters.session.conversation import SessionState
from characters.session.events import ConnectRequested, DisconnectRequested
from tests.characters.client.stage import Stage

STEPS = [round(step * 0.0025, 4) for step in range(30)]


def tasks(stage: Stage) -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks(stage.loop)]


def assert_nothing_is_left(stage: Stage) -> None:
    (actor,) = stage.actors
    stage.run_for(3.0)
    assert actor.state is SessionState.DISCONNECTED
    assert not actor.runner.is_leaking
    assert not stage.service.live
    assert not stage.context.limiter.in_flight and not stage.context.limiter.waiting
    assert tasks(stage) == []


@pytest.mark.parametrize("seconds", STEPS)
def test_a_disconnect_at_any_moment_of_a_connect_leaves_nothing(seconds: float) -> None:
    with Stage() as stage:
        actor = stage.actor()
        stage.worker.seconds = 0.01
        stage.do(actor.runner.feed, ConnectRequested())
        stage.run_for(seconds)
        stage.do(actor.runner.feed, DisconnectRequested())
        assert_nothing_is_left(stage)


@pytest.mark.parametrize("seconds", STEPS)
def test_a_disconnect_at_any_moment_of_a_reconnect_leaves_nothing(seconds: float) -> None:
    with Stage() as stage:
        actor = stage.actor()
        stage.worker.seconds = 0.01
        stage.do(actor.runner.feed, ConnectRequested())
        stage.until_state(actor, SessionState.CONNECTED)
        stage.service.last.drop()
        stage.run_for(seconds)
        stage.do(actor.runner.feed, DisconnectRequested())
        assert_nothing_is_left(stage)


@pytest.mark.parametrize("seconds", [0.0, 1.0, 2.9])
def test_a_disconnect_during_a_back_off_leaves_nothing(seconds: float) -> None:
    with Stage() as stage:
        actor = stage.actor()
        stage.service.is_down = True
        stage.do(actor.runner.feed, ConnectRequested())
        stage.until(lambda: actor.session.view.next_retry_at is not None)
        stage.run_for(seconds)
        stage.do(actor.runner.feed, DisconnectRequested())
        assert_nothing_is_left(stage)


def test_a_service_that_never_answers_a_close_is_let_go() -> None:
    with Stage() as stage:
        actor = stage.actor()
        stage.service.close_seconds = 1e6
        stage.do(actor.runner.feed, ConnectRequested())
        stage.until_state(actor, SessionState.CONNECTED)
        stage.do(actor.runner.feed, DisconnectRequested())
        assert_nothing_is_left(stage)


def test_many_reconnects_pile_nothing_up() -> None:
    with Stage() as stage:
        actor = stage.actor()
        stage.do(actor.runner.feed, ConnectRequested())
        for _ in range(100):
            stage.until_state(actor, SessionState.CONNECTED)
            stage.run_for(6.0)
            stage.service.last.drop()
            stage.until_state(actor, SessionState.RECONNECTING)
        stage.until_state(actor, SessionState.CONNECTED)
        stage.run_for(10.0)
        assert len(tasks(stage)) == 1
        assert len(actor.runner._old_connections) < 5


def test_a_connect_that_is_taken_back_at_once_asks_for_nothing() -> None:
    with Stage() as stage:
        actor = stage.actor()
        stage.loop.call_soon(actor.runner.feed, ConnectRequested())
        stage.do(actor.runner.feed, DisconnectRequested())
        assert_nothing_is_left(stage)
        assert stage.service.requests == []
