"""The runtime with its real threads, before a service in memory."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from characters.client.config import SessionConfig, TextRefused
from characters.client.handle import SessionHandle
from characters.client.runtime import Runtime, RuntimeBuilder
from characters.protocol.messages import BotLlmText
from characters.session.conversation import (
    DialogueState,
    ResumeOutcome,
    SessionRecord,
    SessionState,
    SessionStateChanged,
)
from characters.session.policy import ReconnectPolicy
from characters.storage.sessions import KeyValueSessionPersistence, MemoryStore
from characters.transport.base import TransportError
from engine.core.events import Dispatcher
from tests.characters.client.fake_service import FakeService

DEADLINE = 60.0


class House:
    """A runtime with its service, and a main thread that draws frames."""

    def __init__(self, persistence: Any = None) -> None:
        self.persistence = persistence or KeyValueSessionPersistence(MemoryStore())
        self.service = FakeService(time.monotonic)
        self.runtime = self.build()

    def build(self) -> Runtime:
        builder = RuntimeBuilder().use_persistence(self.persistence)
        builder.use_transport(lambda url, api_key: self.service)
        builder.use_endpoint_url(lambda name: "ws://" + name)
        runtime = builder.build()
        runtime.start()
        return runtime

    def open(self, character_id: str = "nurse", **config: Any) -> SessionHandle:
        return self.runtime.open_session(SessionConfig(character_id, **config))

    def connected(self, character_id: str = "nurse", **config: Any) -> SessionHandle:
        handle = self.open(character_id, **config)
        handle.connect()
        self.until(lambda: handle.view.state is SessionState.CONNECTED)
        return handle

    def until(self, condition: Callable[[], object]) -> None:
        """Draw frames until the condition holds."""
        frame = threading.Event()
        end = time.monotonic() + DEADLINE
        while not condition():
            self.runtime.update()
            assert time.monotonic() < end, "not within the deadline"
            frame.wait(0.001)

    def on_network(self, action: Callable[..., object], *args: Any) -> None:
        self.runtime.network.call(action, *args)


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    house.runtime.close()


def test_the_events_of_a_session_come_on_the_main_thread(house: House) -> None:
    handle = house.open()
    told: list[tuple[object, str]] = []
    handle.events.subscribe(lambda event: told.append((event, threading.current_thread().name)))
    handle.connect()
    house.until(lambda: handle.view.state is SessionState.CONNECTED and len(told) >= 2)
    assert {name for _, name in told} == {threading.current_thread().name}
    assert isinstance(told[0][0], SessionStateChanged)


def test_the_one_who_would_hear_attends_and_the_other_no_more(house: House) -> None:
    nurse, porter = house.connected(), house.connected("porter")
    attends = DialogueState.ATTENDING
    for one, other in ((nurse, porter), (porter, nurse)):
        house.runtime.voice_input.set_target(one.key)
        house.until(lambda one=one: one.view.dialogue is attends)  # type: ignore[misc] # bound now
        assert other.view.dialogue is DialogueState.IDLE


def test_no_event_comes_before_the_main_thread_asks(house: House) -> None:
    handle = house.open()
    told: list[object] = []
    handle.events.subscribe(told.append)
    handle.connect()
    done = threading.Event()
    house.on_network(lambda: house.runtime.network.loop.call_later(0.2, done.set))
    assert done.wait(DEADLINE)
    assert told == []
    house.until(lambda: told)


def test_a_handler_that_raises_stops_neither_its_session_nor_others(house: House) -> None:
    def fail(event: object) -> None:
        raise RuntimeError("a handler of the game")

    handle, other = house.open(), house.open("porter")
    handle.events.subscribe(fail)
    for each in (handle, other):
        each.connect()
    house.until(lambda: other.view.state is handle.view.state is SessionState.CONNECTED)


def test_a_level_load_that_blocks_the_main_thread_costs_no_session(house: House) -> None:
    handle = house.connected(
        policy=ReconnectPolicy(heartbeat_interval_seconds=0.05, heartbeat_timeout_seconds=0.1)
    )
    blocked_until = time.monotonic() + 0.6
    while time.monotonic() < blocked_until:
        pass  # a main thread that computes and draws no frame
    assert [change.new_state.name for change in handle.view.timeline] == ["CONNECTING", "CONNECTED"]
    assert house.service.last.pings > 3


def test_opening_a_session_again_gives_the_open_one_with_the_new_policy(house: House) -> None:
    handle = house.connected()
    patient = ReconnectPolicy.PATIENT
    assert house.open(policy=patient) is handle
    house.until(lambda: handle.policy == patient)
    assert handle.view.state is SessionState.CONNECTED


def test_opening_a_session_elsewhere_closes_the_one_here_and_resumes_nothing(
    house: House,
) -> None:
    handle = house.connected()
    before = handle.view.session_id
    moved = house.connected(endpoint="elsewhere")
    assert moved is not handle
    house.until(lambda: handle.view.state is SessionState.DISCONNECTED)
    assert moved.view.session_id != before
    assert moved.view.resume is not None and moved.view.resume.outcome is ResumeOutcome.FRESH


def test_settings_of_another_session_are_refused(house: House) -> None:
    with pytest.raises(ValueError, match="another session"):
        house.open("nurse").apply_config(SessionConfig("porter"))


def test_two_characters_cannot_have_one_key(house: House) -> None:
    house.open("nurse")
    with pytest.raises(ValueError, match="'nurse' already; give 'porter' another session_key"):
        house.open("porter", session_key="nurse")


def test_a_clone_with_its_own_key_has_its_own_session(house: House) -> None:
    one, two = house.connected(), house.connected(session_key="nurse-2")
    assert one.view.session_id != two.view.session_id
    assert set(house.runtime.sessions) == {"nurse", "nurse-2"}


def test_a_line_typed_at_once_is_said_and_one_without_a_connection_refused(house: House) -> None:
    handle, other = house.open(), house.open("porter")
    told: list[object] = []
    other.events.subscribe(told.append)
    handle.connect()
    handle.send_text("Hello")
    other.send_text("Anybody?")
    house.until(lambda: house.service.connections and house.service.last.texts == ["Hello"])
    house.until(lambda: isinstance(told[0], TextRefused) if told else False)


def test_a_session_that_was_kept_is_known_before_it_connects(house: House) -> None:
    house.persistence.store("nurse", SessionRecord("id-1"))
    house.runtime.close()
    house.runtime = house.build()
    assert house.open("nurse").has_stored_session
    assert not house.open("porter").has_stored_session


def test_a_second_run_resumes_the_first(house: House) -> None:
    first = house.connected().view.session_id
    house.runtime.close()
    house.runtime = house.build()
    view = house.connected().view
    assert view.session_id == first
    assert view.resume is not None and view.resume.outcome is ResumeOutcome.RESUMED


def test_a_cut_line_recovers_by_itself(house: House) -> None:
    handle = house.connected()
    handle.cut()
    house.until(lambda: handle.view.timeline[-1].is_reconnection_successful)


def test_a_closed_session_is_disconnected_and_forgotten(house: House) -> None:
    house.connected()
    house.runtime.close_session("nurse")
    assert not house.runtime.sessions
    house.until(lambda: not house.service.live)


def test_messages_reach_the_handle(house: House) -> None:
    handle = house.connected()
    told: list[object] = []
    handle.events.subscribe(told.append)
    house.on_network(house.service.last.tell, BotLlmText("Good day."))
    house.until(lambda: BotLlmText("Good day.") in told)
    assert handle.view.transcript[-1].text == "Good day."


def test_closing_disconnects_everybody_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    house = House()
    house.connected()
    assert house.runtime.close()
    assert not house.service.live
    left = {thread.name for thread in set(threading.enumerate()) - before}
    assert not {name for name in left if name.startswith("troupe")}


def test_closing_does_not_wait_for_a_store_that_hangs() -> None:
    release = threading.Event()

    class Hanging(KeyValueSessionPersistence):
        def store(self, key: str, record: SessionRecord) -> None:
            release.wait(DEADLINE)

    house = House(Hanging(MemoryStore()))
    house.open().connect()
    house.until(lambda: house.service.connections)
    began = time.monotonic()
    assert not house.runtime.close(deadline_seconds=0.3)
    assert time.monotonic() - began < 30.0
    release.set()


def test_closing_twice_and_closing_before_the_start_are_fine() -> None:
    runtime = RuntimeBuilder().build()
    assert runtime.close()
    assert runtime.close()


def test_a_closed_runtime_cannot_be_started_again() -> None:
    runtime = RuntimeBuilder().build()
    runtime.close()
    with pytest.raises(RuntimeError, match="build another"):
        runtime.start()


def test_the_first_session_starts_the_runtime_and_none_is_opened_after_its_end() -> None:
    runtime = RuntimeBuilder().build()
    runtime.open_session(SessionConfig("nurse"))
    assert runtime.is_running
    runtime.close()
    with pytest.raises(RuntimeError, match="build another"):
        runtime.open_session(SessionConfig("porter"))


def test_an_update_delivers_the_events_unless_the_dispatcher_is_the_games(house: House) -> None:
    games, told = Dispatcher(), list[object]()
    builder = RuntimeBuilder().use_transport(lambda url, api_key: house.service)
    runtime = builder.use_dispatcher(games).build()
    handle = runtime.open_session(SessionConfig("nurse", endpoint="ws://fake"))
    handle.events.subscribe(told.append)
    handle.connect()
    house.until(lambda: len(games))
    runtime.update()
    assert told == [] and len(games)
    games.drain()
    assert told
    runtime.close()


def test_building_starts_nothing() -> None:
    before, interval = threading.active_count(), sys.getswitchinterval()
    runtime = RuntimeBuilder().build()
    assert threading.active_count() == before and sys.getswitchinterval() == interval
    runtime.close()


def test_two_runtimes_live_in_one_process(house: House) -> None:
    other = House()
    try:
        one, two = house.connected(), other.connected()
        other.service.kill()
        other.until(lambda: two.view.state is SessionState.RECONNECTING)
        assert len(one.view.timeline) == 2
    finally:
        other.runtime.close()


def test_who_waits_for_a_connect_of_a_runtime_that_is_closed_is_told_so(house: House) -> None:
    house.service.ready_seconds = None
    handle = house.open()
    handle.connect()
    waiting = handle.connected()
    house.until(lambda: handle.view.state is SessionState.CONNECTING)
    house.runtime.close()
    for each in (waiting, handle.connected()):
        assert isinstance(each.exception(DEADLINE), TransportError)
