from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from characters.client.config import MessageRefused
from characters.client.handle import SessionHandle
from characters.client.threads import NetworkThread
from characters.protocol.failures import CharactersError
from characters.protocol.messages import BotReady, ContextUpdate, UpdateTemplateKeys
from characters.session.conversation import SessionRecord, SessionState
from characters.session.events import ConnectRequested
from characters.session.policy import ReconnectPolicy
from characters.storage.sessions import KeyValueSessionPersistence, MemoryStore
from characters.transport.base import TransportError
from tests.characters.client.stage import Stage


class Late(NetworkThread):
    """A network thread that has not had its turn yet."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], object]] = []

    def call(self, action: Callable[..., object], *args: Any) -> bool:
        self.waiting.append(partial(action, *args))
        return True

    def take_turn(self, stage: Stage) -> None:
        for action in self.waiting:
            stage.do(action)
        self.waiting.clear()


class Now(NetworkThread):
    """A network thread that always has its turn."""

    def __init__(self) -> None:
        pass

    def call(self, action: Callable[..., object], *args: Any) -> bool:
        action(*args)
        return True


def store_with(key: str) -> KeyValueSessionPersistence:
    """Return a store that holds one session."""
    persistence = KeyValueSessionPersistence(MemoryStore())
    persistence.store(key, SessionRecord("id-1"))
    return persistence


def read_keys(stage: Stage) -> None:
    """Let the store say which sessions it holds, and the main thread hear it."""
    stage.do(stage.context.stored_keys.read, stage.persistence)
    stage.do(lambda: None)


def test_a_session_is_at_rest_from_the_order_to_disconnect_on() -> None:
    with Stage() as stage:
        actor, network = stage.actor(), Late()
        handle = SessionHandle(actor.runner, network)
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
        handle = SessionHandle(actor.runner, network)
        handle.connect()
        network.take_turn(stage)
        stage.until_state(actor, SessionState.CONNECTED)
        handle.disconnect()
        handle.connect()
        network.take_turn(stage)
        stage.until(lambda: actor.states.endswith("DISCONNECTED CONNECTING CONNECTED"))


def test_a_connect_can_be_waited_for() -> None:
    with Stage() as stage:
        network = Late()
        handle = SessionHandle(stage.actor().runner, network)
        handle.connect()
        waiting = handle.connected()
        network.take_turn(stage)
        assert not waiting.done()
        stage.until(waiting.done)
        assert waiting.result().state is SessionState.CONNECTED
        again = handle.connected()
        network.take_turn(stage)
        assert again.result().session_id == handle.view.session_id


def test_a_connect_that_fails_raises_its_failure() -> None:
    with Stage() as stage:
        policy = ReconnectPolicy(max_reconnect_attempts=0)
        network = Late()
        handle = SessionHandle(stage.actor(endpoint="nowhere", policy=policy).runner, network)
        handle.connect()
        waiting = handle.connected()
        network.take_turn(stage)
        stage.until(waiting.done)
        error = waiting.exception()
        assert isinstance(error, TransportError) and error.failure == handle.view.error


def test_waiting_for_a_session_that_nothing_connects_raises_at_once() -> None:
    with Stage() as stage:
        network = Late()
        waiting = SessionHandle(stage.actor().runner, network).connected()
        network.take_turn(stage)
        with pytest.raises(CharactersError, match="The session is disconnected"):
            waiting.result(0)


@pytest.mark.parametrize("text", [None, 5, b"Hello", ["Hello"]], ids=repr)
def test_what_is_no_text_is_refused_where_it_is_said(text: Any) -> None:
    with Stage() as stage:
        handle = SessionHandle(stage.connected().runner, Now())
        for say in (handle.send_text, handle.respond):
            with pytest.raises(TypeError, match="a str is said, not"):
                say(text)


@pytest.mark.parametrize("thing", [None, "Hello", ContextUpdate, BotReady()], ids=repr)
def test_what_is_no_message_is_refused_where_it_is_sent(thing: Any) -> None:
    with Stage() as stage:
        handle = SessionHandle(stage.connected().runner, Now())
        with pytest.raises(TypeError, match=r"such as ContextUpdate\(...\) is sent"):
            handle.send(thing)


@pytest.mark.parametrize(
    "keys", [{"a": float("nan")}, {"a": b""}, {"a": {1}}, {1: 2}, {"a": "\ud83d"}, 5, [1]], ids=repr
)
def test_what_is_no_json_is_refused_with_a_reason(keys: Any) -> None:
    with Stage() as stage:
        actor = stage.connected()
        stage.do(SessionHandle(actor.runner, Now()).send, UpdateTemplateKeys(keys))
        assert "'template_keys'" in actor.all(MessageRefused)[-1].reason


def test_a_message_is_sent_as_it_was_whatever_the_game_changes_in_it_later() -> None:
    with Stage() as stage:
        actor, network = stage.connected(), Late()
        things: list[Any] = ["lamp"]
        SessionHandle(actor.runner, network).send(UpdateTemplateKeys({"things": things}))
        things.append({1, 2})  # which no service would take
        network.take_turn(stage)
        stage.run_for(0.01)
        assert actor.all(MessageRefused) == []
        assert UpdateTemplateKeys({"things": ["lamp"]}) in stage.service.last.sent


def test_any_asyncio_loop_can_await_a_connect() -> None:
    with Stage() as stage:
        handle = SessionHandle(stage.connected().runner, Now())

        async def wait() -> SessionState:
            async with asyncio.timeout(10):
                return (await handle.connected()).state

        assert asyncio.run(wait()) is SessionState.CONNECTED


def test_who_stops_waiting_for_a_connect_disturbs_nothing() -> None:
    with Stage() as stage:
        actor, network = stage.actor(), Late()
        handle = SessionHandle(actor.runner, network)
        handle.connect()
        handle.connected().cancel()
        waiting = handle.connected()
        network.take_turn(stage)
        stage.until(waiting.done)
        assert waiting.result().state is SessionState.CONNECTED


@pytest.mark.parametrize(("key", "feeds"), [("nurse", 1), ("porter", 0)])
def test_who_is_to_go_on_with_a_talk_waits_for_a_slow_store(key: str, feeds: int) -> None:
    with Stage(store_with(key)) as stage:
        network = Late()
        SessionHandle(stage.actor().runner, network).connect_if_stored()
        assert not network.waiting
        read_keys(stage)
        assert len(network.waiting) == feeds


def test_who_was_disconnected_before_the_store_answered_stays_so() -> None:
    with Stage(store_with("nurse")) as stage:
        network = Late()
        handle = SessionHandle(stage.actor().runner, network)
        handle.connect_if_stored()
        handle.disconnect()
        read_keys(stage)
        assert handle.is_at_rest and len(network.waiting) == 1


def test_how_far_the_player_is_decides_who_connects_first_but_for_who_is_spoken_to() -> None:
    with Stage() as stage:
        actor = stage.actor()
        SessionHandle(actor.runner, Late()).set_distance(40.0)
        assert actor.session.priority() == 40.0
        stage.do(actor.runner.feed, ConnectRequested())
        stage.do(actor.runner.conversation.send_text, "Hello?")
        assert actor.session.priority() < 0.0
