"""What becomes of the record and the room when a session ends or drops."""

from __future__ import annotations

import pytest

from characters.core.policy import Persist
from characters.core.session_events import (
    ClearRecord,
    ConnectMode,
    ConnectRequested,
    DisconnectRequested,
    ForgetRequested,
    HibernateRequested,
    ServerEnded,
    StoreRecord,
)
from characters.core.state import SessionRecord, SessionState
from tests.characters.core.life import Life, changed

KEPT, CLEARED = Persist.ACROSS_RESTARTS, Persist.UNTIL_DISCONNECT


def connected(persist: Persist) -> Life:
    return Life(persist=persist).connect().arrive()


def test_a_drop_stores_the_room_and_that_it_was_dropped() -> None:
    life = connected(KEPT)
    epoch = life.epoch
    assert life.lose().ordered(StoreRecord) == [StoreRecord(epoch, "id-1", "room-1", True)]


def test_a_second_failure_does_not_make_the_drop_younger() -> None:
    life = connected(KEPT).lose()
    assert not life.refuse("connection.refused").ordered(StoreRecord)


def test_a_deliberate_disconnect_keeps_the_id_and_leaves_the_room() -> None:
    life = connected(KEPT).feed(DisconnectRequested())
    (order,) = life.ordered(StoreRecord)
    assert (order.session_id, order.room_name) == ("id-1", None)


def test_a_connect_after_a_disconnect_resumes_and_does_not_rejoin() -> None:
    life = connected(KEPT).feed(DisconnectRequested()).closed()
    life.connect(SessionRecord("id-1", "home"))
    assert life.plan.mode is ConnectMode.CREATE
    assert life.plan.character_session_id == "id-1"


def test_a_deliberate_disconnect_clears_the_id_when_it_lives_until_then() -> None:
    life = connected(CLEARED).feed(DisconnectRequested())
    assert life.ordered(ClearRecord) and life.session.session_id is None


def test_a_disconnect_in_the_middle_of_an_attempt_clears_it_too() -> None:
    record = SessionRecord("id-1", "home")
    life = Life(persist=CLEARED).connect(record).feed(DisconnectRequested())
    assert life.ordered(ClearRecord)


def test_a_disconnect_in_error_clears_it_too() -> None:
    life = connected(CLEARED).lose("connection.not_allowed").feed(DisconnectRequested())
    assert life.ordered(ClearRecord)


@pytest.mark.parametrize("state", ["connected", "connecting", "error", "asleep", "falling asleep"])
def test_a_suspended_session_is_resumed_however_long_its_id_lives(state: str) -> None:
    life = suspended(state)
    assert not life.all(ClearRecord)
    life.connect(SessionRecord("id-1", "home"))
    assert (life.plan.mode, life.plan.character_session_id) == (ConnectMode.CREATE, "id-1")


@pytest.mark.parametrize("is_closed", [False, True])
def test_a_disconnect_ends_a_suspended_session_for_good(is_closed: bool) -> None:
    life = connected(CLEARED).feed(DisconnectRequested(keeps_id=True))
    if is_closed:
        life.closed()
    assert life.feed(DisconnectRequested()).ordered(ClearRecord)


def suspended(state: str) -> Life:
    """Return an id that lives until the disconnect, suspended in that state."""
    if state == "connecting":
        life = Life(persist=CLEARED).connect(SessionRecord("id-1", "home"))
    else:
        life = connected(CLEARED)
    if state == "error":
        life.lose("connection.not_allowed")
    if state in ("asleep", "falling asleep"):
        life.feed(HibernateRequested())
    if state == "asleep":
        life.closed()
    life.feed(DisconnectRequested(keeps_id=True))
    return life.closed() if life.state is SessionState.DISCONNECTING else life


@pytest.mark.parametrize(("persist", "is_cleared"), [(KEPT, False), (CLEARED, True)])
def test_a_time_out_that_the_server_reports_ends_the_conversation_as_persist_says(
    persist: Persist, is_cleared: bool
) -> None:
    life = connected(persist)
    life.feed(ServerEnded(life.epoch, "idle-timeout"))
    assert bool(life.ordered(ClearRecord)) is is_cleared


@pytest.mark.parametrize("reason", ["quota", "killed", "taken-over"])
def test_another_end_by_the_server_keeps_the_id(reason: str) -> None:
    life = connected(CLEARED)
    life.feed(ServerEnded(life.epoch, reason))
    assert not life.all(ClearRecord) and life.session.session_id == "id-1"


def test_a_drop_never_clears_the_id() -> None:
    life = connected(CLEARED).lose()
    for _ in range(3):
        life.refuse("connection.refused").wait(4.0)
    assert not life.all(ClearRecord)


def test_what_was_forgotten_is_not_stored_again_by_the_drop() -> None:
    life = connected(KEPT).feed(ForgetRequested()).lose()
    assert not life.ordered(StoreRecord)


def test_a_failed_attempt_after_the_grant_keeps_its_room_for_the_next_one() -> None:
    life = Life().connect().grant().refuse("transport.join_refused")
    assert life.ordered(StoreRecord)[0].is_dropped
    assert life.plan.mode is ConnectMode.JOIN


def test_a_stored_answer_that_comes_after_the_disconnect_is_no_surprise() -> None:
    life = connected(KEPT).lose("connection.not_allowed").feed(DisconnectRequested())
    (order,) = life.ordered(StoreRecord)
    assert order.epoch < life.epoch
    assert life.feed(ConnectRequested())


def test_a_room_is_not_kept_without_a_ttl() -> None:
    life = Life(changed(room_rejoin_ttl_seconds=0.0)).connect().arrive().lose()
    assert not life.ordered(StoreRecord)
