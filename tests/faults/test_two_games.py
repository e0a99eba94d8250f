"""Two games with one profile, each a real runtime, against one real service process."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Self

import pytest

from characters.client.runtime import RuntimeBuilder
from characters.session.conversation import SessionState
from characters.session.policy import ReconnectPolicy
from characters.storage.sessions import KeyValueSessionPersistence, MemoryStore
from tests.faults.harness import ServiceHarness, TrackedSession
from tests.faults.runtime_real import pass_time

CONNECTED, ERROR = SessionState.CONNECTED, SessionState.ERROR
_OVER = (ERROR, SessionState.DISCONNECTED)
LONG_ENOUGH = 1.0  # for a game that fights back: its first retry goes at once


class SecondGame(ServiceHarness):
    """A runtime of its own, with a copy of the profile, at the door of a harness that stands."""

    def __init__(self, first: ServiceHarness, character_id: str) -> None:
        self.store = KeyValueSessionPersistence(MemoryStore())
        record = first.store.load(character_id)
        assert record is not None  # it was connected
        self.store.store(character_id, record)
        self.line, self.proxy = first.line, first.proxy

    def __enter__(self) -> Self:
        self.runtime = RuntimeBuilder().use_persistence(self.store).build()
        self.runtime.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.runtime.close()


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceHarness]:
    with ServiceHarness(tmp_path_factory.mktemp("house")) as harness:
        yield harness


@pytest.fixture
def first(harness: ServiceHarness, request: pytest.FixtureRequest) -> Iterator[TrackedSession]:
    nurse = harness.open_session(request.node.name, policy=ReconnectPolicy.PATIENT)
    nurse.connect()
    yield nurse
    nurse.handle.disconnect()


@pytest.fixture
def second(harness: ServiceHarness, first: TrackedSession) -> Iterator[TrackedSession]:
    name = first.handle.character_id
    with SecondGame(harness, name) as game:
        yield game.open_session(name, policy=ReconnectPolicy.PATIENT)


def fails(it: TrackedSession, code: str) -> str:
    """Wait for the end with an error of that code; return its sentence."""
    it.harness.until(lambda: it.state in _OVER and it.handle.view.error is not None)
    error = it.handle.view.error
    assert error is not None  # as waited for
    assert error.code == code
    return error.message


def takes_over(it: TrackedSession) -> None:
    it.recovers(lambda: it.handle.connect(take_over=True))


def test_a_second_game_is_refused_with_what_to_do_and_the_first_goes_on(
    first: TrackedSession, second: TrackedSession
) -> None:
    before = first.handle.view.timeline
    second.handle.connect()
    assert "take over" in fails(second, "session.live_elsewhere")
    pass_time(first.harness, LONG_ENOUGH)
    assert first.handle.view.timeline == before
    assert second.state is ERROR


def test_a_second_game_that_is_told_to_takes_the_talk_over_and_the_first_lets_go(
    first: TrackedSession, second: TrackedSession
) -> None:
    takes_over(second)
    assert "take it back" in fails(first, "session.taken_over")
    assert second.handle.view.session_id == first.handle.view.session_id
    pass_time(second.harness, LONG_ENOUGH)
    pass_time(first.harness, 0.1)
    assert (first.state, second.state) == (SessionState.DISCONNECTED, CONNECTED)
    assert len(first.arrivals) == len(second.arrivals) == 1


def test_the_first_game_gets_the_talk_back_only_when_told_to_take_it(
    first: TrackedSession, second: TrackedSession
) -> None:
    takes_over(second)
    fails(first, "session.taken_over")
    first.handle.retry()
    first.harness.until(
        lambda: first.handle.view.timeline[-1].error_code == "session.live_elsewhere"
    )
    assert second.state is CONNECTED
    takes_over(first)
    fails(second, "session.taken_over")


def test_a_first_game_that_did_not_hear_of_the_second_is_refused_when_it_comes_back(
    harness: ServiceHarness, first: TrackedSession, second: TrackedSession
) -> None:
    harness.strand()
    takes_over(second)
    fails(first, "session.live_elsewhere")
    pass_time(second.harness, LONG_ENOUGH)
    assert (second.state, len(second.arrivals)) == (CONNECTED, 1)


def test_a_game_that_ended_leaves_the_talk_to_the_next(
    first: TrackedSession, second: TrackedSession
) -> None:
    first.disconnect()
    second.connect()
    assert second.handle.view.session_id == first.arrivals[0].session_id
    assert second.handle.is_resumed_session
