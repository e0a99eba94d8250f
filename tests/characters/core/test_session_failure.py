"""What a failed attempt leads to."""

from __future__ import annotations

import pytest

from characters.core.failure import FAILURES, FailureKind, failure
from characters.core.policy import ReconnectPolicy, ResumePolicy
from characters.core.session_events import (
    AbortConnection,
    ClearRecord,
    ConnectMode,
    ConnectRequested,
    OpenConnection,
    Publish,
    ServerEnded,
    Timer,
)
from characters.core.state import (
    FreshReason,
    Resume,
    ResumeOutcome,
    RetryScheduled,
    SessionRecord,
    SessionState,
)
from tests.characters.core.life import Life, changed

ALWAYS_RESUME = changed(resume_policy=ResumePolicy.ALWAYS_RESUME)
STORED = SessionRecord("id-1", "home", "room-1", dropped_at=0.0)
NO_ROOM = SessionRecord("id-1", "home")
TERMINAL = [code for code in FAILURES if failure(code).kind is FailureKind.TERMINAL]


def scheduled(life: Life) -> list[RetryScheduled]:
    events = [command.event for command in life.all(Publish)]
    return [event for event in events if isinstance(event, RetryScheduled)]


def dropped(policy: ReconnectPolicy = ReconnectPolicy.DEFAULT) -> Life:
    return Life(policy).connect().arrive().wait(10.0).lose()


# --- retries ----------------------------------------------------------------------------------


def test_the_first_attempt_after_a_drop_goes_at_once() -> None:
    life = dropped()
    assert life.session.attempt == 1
    assert life.told[-1].next_retry_in == 0.0


def test_the_next_attempts_wait_between_half_and_all_of_the_step() -> None:
    life = dropped().refuse("connection.refused", chance=0.0)
    assert life.session.due(Timer.RETRY) == life.now + 2.0
    life.wait(2.0).refuse("connection.refused", chance=0.5)
    assert life.session.due(Timer.RETRY) == life.now + 3.0


def test_nothing_is_opened_before_the_back_off_is_over() -> None:
    life = dropped().refuse("connection.refused", chance=0.0)
    opened = len(life.all(OpenConnection))
    assert len(life.wait(1.9).all(OpenConnection)) == opened
    assert len(life.wait(0.1).all(OpenConnection)) == opened + 1


def test_reconnecting_ends_in_an_error_when_the_attempts_are_spent() -> None:
    life = dropped()
    for _ in range(3):
        assert life.state is SessionState.RECONNECTING
        life.refuse("connection.refused").wait(4.0)
    assert life.state is SessionState.ERROR
    assert life.told[-1].reason == "all 3 attempts are spent"
    assert life.told[-1].error_code == "connection.refused"


def test_a_first_connect_is_retried_under_the_same_policy_while_connecting() -> None:
    life = Life().connect()
    for _ in range(4):
        assert life.state is SessionState.CONNECTING
        life.refuse("connection.refused").wait(4.0)
    assert life.states == "CONNECTING ERROR"


def test_without_a_limit_it_is_tried_on_and_on() -> None:
    life = dropped(changed(max_reconnect_attempts=None))
    for _ in range(100):
        life.refuse("connection.refused").wait(4.0)
    assert life.state is SessionState.RECONNECTING


def test_with_no_attempts_allowed_a_drop_is_an_error_through_reconnecting() -> None:
    life = dropped(changed(max_reconnect_attempts=0))
    assert life.states.endswith("CONNECTED RECONNECTING ERROR")


def test_each_planned_retry_is_told_with_its_count_and_delay() -> None:
    life = dropped().refuse("connection.refused", chance=0.0)
    told = scheduled(life)[-1]
    assert (told.attempt, told.max_attempts, told.next_retry_in) == (2, 3, 2.0)
    assert told.state is SessionState.RECONNECTING


def test_a_clone_is_told_of_by_its_own_key() -> None:
    life = Life(session_key="nurse-2").connect().refuse("connection.refused")
    events = [command.event for command in life.all(Publish)]
    assert {(event.character_id, event.session_key) for event in events} == {("nurse", "nurse-2")}
    assert any(isinstance(event, RetryScheduled) for event in events)


def test_a_new_connect_starts_counting_again() -> None:
    life = Life(changed(max_reconnect_attempts=0)).connect().refuse("connection.refused")
    assert life.feed(ConnectRequested()).session.attempt == 0


# --- budget -----------------------------------------------------------------------------------


def test_a_time_budget_ends_an_attempt_in_flight() -> None:
    life = dropped(changed(max_reconnect_attempts=None, reconnect_budget_seconds=10.0))
    life.grant().join().wait(10.0)
    assert life.states.endswith("RECONNECTING ERROR")
    assert "budget of 10 s" in life.told[-1].reason


def test_an_attempt_that_would_come_after_the_budget_is_not_waited_for() -> None:
    life = dropped(changed(max_reconnect_attempts=None, reconnect_budget_seconds=3.0))
    life.refuse("connection.refused", chance=0.99)
    assert life.state is SessionState.ERROR


def test_the_budget_counts_from_the_first_drop_until_a_stable_time() -> None:
    policy = changed(max_reconnect_attempts=None, reconnect_budget_seconds=10.0)
    life = dropped(policy).wait(6.0).arrive().wait(3.0).lose().wait(1.0)
    assert life.state is SessionState.ERROR


def test_a_stable_time_gives_the_whole_budget_back() -> None:
    policy = changed(max_reconnect_attempts=None, reconnect_budget_seconds=10.0)
    life = dropped(policy).wait(6.0).arrive().wait(5.0).lose().wait(9.0)
    assert life.state is SessionState.RECONNECTING


def test_the_budget_bounds_the_first_connect_too() -> None:
    life = Life(changed(reconnect_budget_seconds=7.0)).connect().wait(7.0)
    assert life.states == "CONNECTING ERROR"


def test_a_connected_session_has_no_budget_to_spend() -> None:
    life = Life(changed(reconnect_budget_seconds=7.0)).connect().arrive().wait(100.0)
    assert life.state is SessionState.CONNECTED


def test_patient_lasts_through_an_outage_of_an_hour_and_then_gives_up() -> None:
    life = dropped(ReconnectPolicy.PATIENT)
    while life.state is SessionState.RECONNECTING and life.session.is_holding:
        life.refuse("connection.refused", chance=0.5).wait(4.0)
    gave_up_at = life.told[-1].t - life.told[-2].t
    assert 3590 < gave_up_at <= 3600


# --- advised, terminal ------------------------------------------------------------------------


def test_a_delay_that_the_server_advised_is_kept() -> None:
    why = failure("connection.unavailable", retry_after=20.0)
    life = dropped().refuse(why, chance=0.0)
    assert life.session.due(Timer.RETRY) == life.now + 20.0


def test_an_advised_delay_is_spread_after_it_and_never_before() -> None:
    why = failure("connection.unavailable", retry_after=20.0)
    life = dropped().refuse(why, chance=0.5)
    assert life.session.due(Timer.RETRY) == life.now + 20.5


def test_an_advised_delay_holds_for_the_first_attempt_too() -> None:
    life = Life().connect().arrive().wait(10.0)
    life.feed(ServerEnded(life.epoch, "drain", retry_after=3.0))
    assert life.session.due(Timer.RETRY) == life.now + 3.0
    assert life.told[-1].next_retry_in == 3.0


def test_a_drain_without_a_delay_is_retried_by_the_policy() -> None:
    life = Life().connect().arrive().wait(10.0)
    life.feed(ServerEnded(life.epoch, "drain"))
    assert life.ordered(OpenConnection)


@pytest.mark.parametrize("code", TERMINAL)
def test_a_terminal_refusal_is_never_retried(code: str) -> None:
    for life in (Life().connect(), dropped()):
        life.refuse(code)
        assert life.state is SessionState.ERROR
        assert not life.ordered(OpenConnection) and life.session.timers == ()


def test_a_terminal_loss_is_never_retried() -> None:
    life = Life().connect().arrive().lose("connection.quota_exceeded")
    assert life.states.endswith("CONNECTED RECONNECTING ERROR")
    assert not life.ordered(OpenConnection)


def test_a_transient_failure_never_costs_the_stored_id() -> None:
    life = Life().connect(NO_ROOM)
    for _ in range(4):
        life.refuse("connection.server_error").wait(4.0)
    assert life.state is SessionState.ERROR
    assert not life.all(ClearRecord) and life.session.session_id == "id-1"


def test_a_bye_in_the_middle_of_an_attempt_fails_the_attempt() -> None:
    life = Life().connect().grant().join()
    life.feed(ServerEnded(life.epoch, "drain", retry_after=2.0))
    assert life.state is SessionState.CONNECTING
    assert life.session.due(Timer.RETRY) is not None


def test_a_takeover_in_the_middle_of_an_attempt_is_final() -> None:
    life = dropped().grant().join()
    life.feed(ServerEnded(life.epoch, "taken-over"))
    assert life.state is SessionState.ERROR


# --- fallbacks --------------------------------------------------------------------------------


def test_a_room_that_is_gone_is_made_anew_within_the_same_attempt() -> None:
    life = dropped().refuse("connection.room_gone")
    assert life.plan.mode is ConnectMode.CREATE
    assert life.plan.character_session_id == "id-1"
    assert life.session.attempt == 1 and life.ordered(OpenConnection)


def test_a_room_that_is_gone_while_joining_is_made_anew() -> None:
    life = dropped().grant().refuse("connection.room_gone")
    assert life.plan.mode is ConnectMode.CREATE


def test_a_server_that_says_room_gone_to_a_create_is_not_hammered() -> None:
    life = Life().connect().refuse("connection.room_gone").refuse("connection.room_gone")
    assert life.session.due(Timer.RETRY) is not None


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("session.not_found", FreshReason.EXPIRED),
        ("session.expired", FreshReason.EXPIRED),
        ("session.invalid_id", FreshReason.REFUSED),
    ],
)
def test_a_session_that_is_refused_falls_back_to_fresh_at_once(
    code: str, reason: FreshReason
) -> None:
    life = Life().connect(NO_ROOM).refuse(code)
    assert life.plan.character_session_id is None and life.session.attempt == 0
    assert life.arrive("id-2").told[-1].resume == Resume(ResumeOutcome.FRESH, reason)


def test_only_a_confirmed_unknown_or_expired_session_clears_the_id() -> None:
    cleared = {
        code: bool(Life().connect(NO_ROOM).refuse(code).all(ClearRecord)) for code in FAILURES
    }
    assert [code for code, is_cleared in cleared.items() if is_cleared] == [
        "session.not_found",
        "session.expired",
    ]


def test_a_fallback_aborts_the_refused_connection_first() -> None:
    life = Life().connect(NO_ROOM).refuse("session.expired")
    orders = [type(order) for order in life.last]
    assert orders.index(AbortConnection) < orders.index(OpenConnection)


def test_an_expired_session_behind_a_living_room_falls_back_to_fresh() -> None:
    life = Life().connect(STORED).refuse("session.expired")
    assert life.plan == OpenConnection(life.epoch, ConnectMode.CREATE)


def test_a_refusal_of_an_id_that_was_not_sent_is_final() -> None:
    life = Life().connect().refuse("session.not_found")
    assert life.state is SessionState.ERROR


def test_always_resume_never_falls_back() -> None:
    life = Life(ALWAYS_RESUME).connect(NO_ROOM).refuse("session.expired")
    assert life.told[-1].error_code == "session.resume_refused"
    assert not life.ordered(OpenConnection)


def test_retry_after_a_session_expired_begins_a_conversation_and_says_why() -> None:
    life = Life(ALWAYS_RESUME).connect(NO_ROOM).refuse("session.expired")
    assert life.all(ClearRecord)
    life.connect(None).arrive("id-2")
    assert life.told[-1].resume == Resume(ResumeOutcome.FRESH, FreshReason.EXPIRED)


def test_always_resume_makes_a_new_room_for_its_conversation() -> None:
    life = Life(ALWAYS_RESUME).connect().arrive().lose().refuse("connection.room_gone")
    assert life.plan.character_session_id == "id-1"
    assert life.arrive().told[-1].resume == Resume(ResumeOutcome.RESUMED)
