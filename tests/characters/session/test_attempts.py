"""How a connection comes about, and what it says it restored."""

from __future__ import annotations

from dataclasses import replace

import pytest

from characters.protocol.failures import FAILURES, FailureKind, failure
from characters.session.attempts import Transition
from characters.session.conversation import (
    FreshReason,
    Resume,
    ResumeOutcome,
    RetryScheduled,
    SessionRecord,
    SessionState,
)
from characters.session.events import (
    AbortConnection,
    AgentRequested,
    ClearRecord,
    ConnectionStarted,
    ConnectRequested,
    DisconnectRequested,
    ForgetRequested,
    HibernateRequested,
    LoadRecord,
    OpenConnection,
    OpenMicrophone,
    Publish,
    RecordLoadFailed,
    RecordStored,
    RecordStoreFailed,
    RoomJoined,
    RoomMode,
    ServerEnded,
    ServiceAwaited,
    ServiceStarted,
    Session,
    StoreRecord,
    Timer,
)
from characters.session.policy import Persist, ReconnectPolicy, ResumePolicy
from tests.characters.session.life import Life, changed

ALWAYS_FRESH = changed(resume_policy=ResumePolicy.ALWAYS_FRESH)
ALWAYS_RESUME = changed(resume_policy=ResumePolicy.ALWAYS_RESUME)
STORED = SessionRecord("id-1", "home", "room-1", dropped_at=0.0)
NO_ROOM = SessionRecord("id-1", "home")


def resume(life: Life) -> Resume | None:
    return life.changes[-1].resume


# --- a step -----------------------------------------------------------------------------------


def test_a_step_leaves_the_session_it_began_with_as_it_was() -> None:
    before = Session("nurse", epoch=3)
    step = Transition(before, 0.0)
    step.set(epoch=4, attempt=1)
    assert before == Session("nurse", epoch=3)
    assert step.session == replace(before, epoch=4, attempt=1)


def test_a_field_that_no_session_has_is_an_error() -> None:
    with pytest.raises(AssertionError, match="epoh"):
        Transition(Session("nurse"), 0.0).set(epoh=4)


# --- the plan ---------------------------------------------------------------------------------


def test_a_session_without_a_record_asks_for_a_new_conversation() -> None:
    assert Life().connect().plan == OpenConnection(2, RoomMode.CREATE)


def test_a_stored_id_is_sent() -> None:
    assert Life().connect(NO_ROOM).plan.character_session_id == "id-1"


def test_an_id_that_was_stored_by_hand_is_sent_to_any_endpoint() -> None:
    assert Life().connect(SessionRecord("id-1")).plan.character_session_id == "id-1"


def test_always_fresh_never_sends_a_stored_id() -> None:
    life = Life(ALWAYS_FRESH).connect(STORED)
    assert life.plan == OpenConnection(1, RoomMode.CREATE)


def test_always_fresh_sends_no_id_after_a_drop_either() -> None:
    life = Life(ALWAYS_FRESH).connect().arrive().lose()
    assert life.plan.mode is RoomMode.JOIN
    assert life.plan.character_session_id is None


def test_a_second_connect_of_an_always_fresh_session_is_a_new_conversation() -> None:
    life = Life(ALWAYS_FRESH).connect().arrive().lose("connection.not_allowed")
    assert life.state is SessionState.ERROR
    assert life.feed(ConnectRequested()).plan.mode is RoomMode.CREATE


def test_a_drop_is_followed_by_a_rejoin_of_the_room() -> None:
    plan = Life().connect().arrive(room="room-7").lose().plan
    assert (plan.mode, plan.room_name) == (RoomMode.JOIN, "room-7")
    assert plan.character_session_id == "id-1"


def test_a_rejoin_names_the_connection_that_was_lost() -> None:
    life = Life().connect().arrive()
    assert life.lose().plan.live_id == "live-2"


def test_a_rejoin_spawns_an_agent_as_the_policy_says() -> None:
    for wanted in (True, False):
        life = Life(changed(spawn_agent_on_rejoin=wanted)).connect().arrive().lose()
        assert life.plan.spawn_agent is wanted


ALONE = changed(spawn_agent_on_rejoin=False)


def alone() -> Life:
    """Return a session that has rejoined a room without its character."""
    life = Life(ALONE).connect().arrive().lose().grant()
    return life.feed(RoomJoined(life.epoch, has_agent=False)).store()


def test_a_room_that_the_character_has_left_is_rejoined_without_waiting_for_it() -> None:
    life = alone()
    assert life.state is SessionState.CONNECTED and not life.session.has_agent
    assert life.changes[-1].resume == Resume(ResumeOutcome.REJOINED)
    assert not life.wait(60.0).all(OpenMicrophone)[1:]


def test_a_character_that_is_called_back_comes_with_the_next_connection() -> None:
    life = alone().feed(AgentRequested())
    assert (life.plan.mode, life.plan.spawn_agent) == (RoomMode.JOIN, True)
    assert life.arrive().session.has_agent
    assert life.states.endswith("CONNECTED RECONNECTING CONNECTED")
    assert life.wait(10.0).lose().plan.spawn_agent is False  # called once


def test_a_character_that_is_there_is_not_called() -> None:
    life = Life(ALONE).connect().arrive().feed(AgentRequested())
    assert life.last == ()


def test_a_call_while_the_room_is_rejoined_is_not_forgotten() -> None:
    life = Life(ALONE).connect().arrive().lose().feed(AgentRequested()).grant()
    life.feed(RoomJoined(life.epoch, has_agent=False)).store()
    assert life.state is SessionState.RECONNECTING and life.plan.spawn_agent


def test_a_room_that_lacks_the_character_that_was_asked_for_is_waited_in() -> None:
    life = Life().connect().grant().store()
    life.feed(RoomJoined(life.epoch, has_agent=False)).store()
    assert life.state is SessionState.CONNECTING
    assert life.wait(30.0).changes[-1].error_code is None


def test_a_new_room_always_spawns_its_agent() -> None:
    assert Life(changed(spawn_agent_on_rejoin=False)).connect().plan.spawn_agent


@pytest.mark.parametrize(("age", "mode"), [(59.9, RoomMode.JOIN), (60.0, RoomMode.CREATE)])
def test_a_restarted_process_rejoins_the_room_within_its_ttl(age: float, mode: RoomMode) -> None:
    life = Life().connect(STORED, room_age=age)
    assert life.plan.mode is mode
    assert life.plan.character_session_id == "id-1"


def test_a_room_that_was_left_too_long_ago_is_not_rejoined() -> None:
    policy = changed(room_rejoin_ttl_seconds=3.0, backoff_base_seconds=2.0)
    life = Life(policy).connect().arrive().lose()
    life.refuse("connection.refused", chance=0.99)
    assert life.wait(4.0).plan.mode is RoomMode.CREATE


def test_the_ttl_counts_from_the_drop_and_not_from_the_last_attempt() -> None:
    life = Life(changed(room_rejoin_ttl_seconds=3.0)).connect().arrive().lose()
    life.wait(2.9).refuse("connection.refused").wait(2.0)
    assert life.plan.mode is RoomMode.CREATE


def test_a_wall_clock_that_jumped_back_does_not_make_a_room_old() -> None:
    assert Life().connect(STORED, room_age=-3600.0).plan.mode is RoomMode.JOIN


def test_without_a_ttl_a_drop_leads_to_a_new_room() -> None:
    life = Life(changed(room_rejoin_ttl_seconds=0.0)).connect().arrive().lose()
    assert life.plan.mode is RoomMode.CREATE
    assert life.plan.character_session_id == "id-1"


def test_the_room_is_remembered_across_an_error() -> None:
    life = Life(changed(max_reconnect_attempts=0)).connect().arrive().lose()
    life.wait(5.0).connect(SessionRecord("id-1", "home", "room-1", dropped_at=0.0), room_age=999.0)
    assert life.plan.mode is RoomMode.JOIN  # our own clock is better than the wall's


# --- what was restored ------------------------------------------------------------------------


def test_a_first_conversation_is_fresh_because_nothing_is_stored() -> None:
    life = Life().connect().arrive()
    assert resume(life) == Resume(ResumeOutcome.FRESH, FreshReason.NO_STORED_ID)


def test_an_always_fresh_conversation_is_fresh_by_policy() -> None:
    life = Life(ALWAYS_FRESH).connect().arrive()
    assert resume(life) == Resume(ResumeOutcome.FRESH, FreshReason.POLICY)


def test_the_same_id_in_a_new_room_is_resumed() -> None:
    assert resume(Life().connect(NO_ROOM).arrive("id-1")) == Resume(ResumeOutcome.RESUMED)


def test_the_same_id_in_the_old_room_is_rejoined() -> None:
    life = Life().connect().arrive().lose().arrive()
    assert resume(life) == Resume(ResumeOutcome.REJOINED)


def test_another_id_is_not_a_resume() -> None:
    life = Life().connect(NO_ROOM).arrive("id-2")
    assert resume(life) == Resume(ResumeOutcome.FRESH, FreshReason.REFUSED)
    assert life.changes[-1].session_id == "id-2"


def test_another_id_in_the_old_room_is_not_a_rejoin() -> None:
    life = Life().connect().arrive().lose().arrive("id-2")
    assert resume(life) == Resume(ResumeOutcome.FRESH, FreshReason.REFUSED)


def test_a_room_that_says_it_only_resumed_is_believed() -> None:
    life = Life().connect().arrive().lose().grant().join(ResumeOutcome.RESUMED).store().ready()
    assert resume(life) == Resume(ResumeOutcome.RESUMED)


def test_a_room_that_says_fresh_is_believed() -> None:
    life = Life().connect(NO_ROOM).grant().join(ResumeOutcome.FRESH).store().ready()
    assert resume(life) == Resume(ResumeOutcome.FRESH, FreshReason.REFUSED)


def test_a_room_cannot_make_a_fresh_conversation_an_old_one() -> None:
    life = Life().connect().grant().join(ResumeOutcome.REJOINED).store().ready()
    assert resume(life) == Resume(ResumeOutcome.FRESH, FreshReason.NO_STORED_ID)


def test_a_conversation_that_nobody_was_told_of_stays_fresh_when_it_is_rejoined() -> None:
    life = Life().connect().grant().join().lose().arrive()
    assert life.plan.mode is RoomMode.JOIN
    assert resume(life) == Resume(ResumeOutcome.FRESH, FreshReason.NO_STORED_ID)


def test_a_drop_before_the_character_was_ready_resumes_the_same_conversation() -> None:
    life = Life().connect(NO_ROOM).grant().lose().arrive()
    assert life.plan.character_session_id == "id-1"
    assert resume(life) == Resume(ResumeOutcome.RESUMED)


def test_a_record_of_another_endpoint_is_not_sent() -> None:
    life = Life().connect(SessionRecord("id-1", "elsewhere", "room-1"))
    assert life.plan == OpenConnection(2, RoomMode.CREATE)
    assert resume(life.arrive()) == Resume(ResumeOutcome.FRESH, FreshReason.OTHER_ENDPOINT)


def test_the_outcome_is_told_with_connected_only() -> None:
    life = Life().connect(NO_ROOM).arrive().lose()
    resumes = {change.new_state.name: change.resume for change in life.changes}
    assert resumes["CONNECTED"]
    assert not resumes["CONNECTING"] and not resumes["RECONNECTING"]


# --- always resume ----------------------------------------------------------------------------


def test_always_resume_fails_when_the_server_answers_with_another_id() -> None:
    life = Life(ALWAYS_RESUME).connect(NO_ROOM).grant("id-2")
    assert life.state is SessionState.ERROR
    assert life.changes[-1].error_code == "session.resume_refused"


def test_always_resume_fails_when_the_room_says_fresh() -> None:
    life = Life(ALWAYS_RESUME).connect(NO_ROOM).grant().join(ResumeOutcome.FRESH)
    assert life.changes[-1].error_code == "session.resume_refused"


def test_always_resume_fails_with_a_record_of_another_endpoint() -> None:
    life = Life(ALWAYS_RESUME).connect(SessionRecord("id-1", "elsewhere"))
    assert life.changes[-1].error_code == "session.resume_refused"
    assert not life.all(OpenConnection)


def test_always_resume_begins_a_conversation_when_there_is_none() -> None:
    life = Life(ALWAYS_RESUME).connect().grant().join(ResumeOutcome.FRESH).store().ready()
    assert resume(life) == Resume(ResumeOutcome.FRESH, FreshReason.NO_STORED_ID)


def test_always_resume_resumes() -> None:
    life = Life(ALWAYS_RESUME).connect(NO_ROOM).arrive()
    assert resume(life) == Resume(ResumeOutcome.RESUMED)


# --- the record -------------------------------------------------------------------------------


def test_the_id_is_stored_as_soon_as_it_is_granted() -> None:
    life = Life().connect().grant("id-9", "room-9")
    assert life.ordered(StoreRecord) == [StoreRecord(life.epoch, "id-9", "room-9")]


def test_a_room_that_may_not_be_rejoined_is_not_stored() -> None:
    life = Life(changed(room_rejoin_ttl_seconds=0.0)).connect().grant()
    assert life.ordered(StoreRecord)[0].room_name is None


def test_a_store_that_fails_is_told_but_costs_only_the_next_start() -> None:
    life = Life().connect().grant().join().ready()
    life.feed(RecordStoreFailed(life.epoch, failure("persistence.unavailable")))
    assert life.changes[-1].is_connection_established
    assert life.changes[-1].error_code == "persistence.unavailable"
    assert not life.session.is_durable


@pytest.mark.parametrize("record", [None, SessionRecord("id-0", "home")])
def test_an_id_that_could_not_be_stored_is_newer_than_what_the_store_knows(
    record: SessionRecord | None,
) -> None:
    life = Life(ALWAYS_RESUME).connect().grant("id-2").join().ready()
    life.feed(RecordStoreFailed(life.epoch, failure("persistence.unavailable")))
    life.feed(DisconnectRequested()).closed().connect(record)
    assert life.plan.character_session_id == "id-2"


def test_it_stays_so_when_the_next_connect_fails() -> None:
    life = Life(ALWAYS_RESUME).connect().grant("id-2").join().ready()
    life.feed(RecordStoreFailed(life.epoch, failure("persistence.unavailable")))
    life.feed(DisconnectRequested()).closed().connect().refuse("connection.not_allowed").connect()
    assert life.plan.character_session_id == "id-2"


def test_a_store_that_hangs_is_told_after_the_ready_time_out() -> None:
    life = Life(changed(character_ready_timeout_seconds=4.0)).connect().grant().join().ready()
    assert life.wait(3.9).state is SessionState.CONNECTING
    assert life.wait(0.1).changes[-1].error_code == "persistence.slow"
    assert life.state is SessionState.CONNECTED


def test_a_slow_store_that_comes_round_makes_the_session_durable() -> None:
    life = Life().connect().grant().join().ready().wait(30.0)
    life.feed(RecordStored(life.epoch))
    assert life.session.is_durable and life.session.error is None


def test_a_store_that_cannot_be_read_does_not_cost_the_id() -> None:
    life = Life().feed(ConnectRequested())
    life.feed(RecordLoadFailed(life.epoch, failure("persistence.unavailable")))
    assert not life.all(OpenConnection)
    assert len(life.all(LoadRecord)) == 2
    assert life.load(NO_ROOM).plan.character_session_id == "id-1"


def test_a_store_that_does_not_answer_within_the_start_phase_fails_the_attempt() -> None:
    life = Life(changed(start_wait_timeout_ms=2000)).feed(ConnectRequested()).wait(2.0)
    assert life.session.error is not None
    assert life.session.error.code == "persistence.slow"


def test_a_store_that_never_answers_ends_in_an_error() -> None:
    life = Life().feed(ConnectRequested()).wait(60.0)
    assert life.changes[-1].error_code == "persistence.slow"
    assert life.state is SessionState.ERROR and not life.all(OpenConnection)


# --- time -------------------------------------------------------------------------------------


def test_the_start_phase_has_its_time_out() -> None:
    life = Life(changed(start_wait_timeout_ms=2000)).connect().grant().wait(2.0)
    assert life.session.error is not None
    assert life.session.error.code == "connection.timeout"


def test_waiting_for_the_limiter_is_not_part_of_the_start_phase() -> None:
    life = Life().connect().wait(1000.0)
    assert life.session.error is None


def test_a_joined_room_ends_the_start_phase() -> None:
    life = Life().connect().grant().join().wait(29.0)
    assert life.session.error is None


def test_a_character_that_does_not_get_ready_fails_the_attempt() -> None:
    life = Life(changed(character_ready_timeout_seconds=3.0)).connect().grant().join().wait(3.0)
    assert life.session.error is not None
    assert life.session.error.code == "character.ready_timeout"
    assert life.state is SessionState.CONNECTING


def test_a_session_may_be_led_by_the_default_policy_alone() -> None:
    assert Life().session.policy is ReconnectPolicy.DEFAULT


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
    assert life.changes[-1].next_retry_in == 0.0


def test_a_service_with_many_clients_spreads_their_first_attempt() -> None:
    life = Life().connect().grant().store()
    life.feed(RoomJoined(life.epoch, ResumeOutcome.FRESH, retry_over=8.0)).ready()
    life.lose(chance=0.25)
    assert life.session.due(Timer.RETRY) == life.now + 2.0
    life.wait(2.0).refuse("connection.refused", chance=0.0)
    assert life.session.due(Timer.RETRY) == life.now + 1.0


def test_the_next_attempts_wait_between_half_and_all_of_the_step() -> None:
    life = dropped().refuse("connection.refused", chance=0.0)
    assert life.session.due(Timer.RETRY) == life.now + 1.0
    life.wait(1.0).refuse("connection.refused", chance=0.5)
    assert life.session.due(Timer.RETRY) == life.now + 3.0


def test_nothing_is_opened_before_the_back_off_is_over() -> None:
    life = dropped().refuse("connection.refused", chance=0.0)
    opened = len(life.all(OpenConnection))
    assert len(life.wait(0.9).all(OpenConnection)) == opened
    assert len(life.wait(0.1).all(OpenConnection)) == opened + 1


def test_reconnecting_ends_in_an_error_when_the_attempts_are_spent() -> None:
    life = dropped()
    for _ in range(3):
        assert life.state is SessionState.RECONNECTING
        life.refuse("connection.refused").wait(4.0)
    assert life.state is SessionState.ERROR
    assert life.changes[-1].reason == "all 3 attempts are spent"
    assert life.changes[-1].error_code == "connection.refused"


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
    assert life.changes[-1].reason == "no attempts are allowed"


def test_one_attempt_is_spoken_of_as_one() -> None:
    life = dropped(changed(max_reconnect_attempts=1)).refuse("connection.refused")
    assert life.changes[-1].reason == "the only attempt is spent"


def test_each_planned_retry_is_told_with_its_count_and_delay() -> None:
    life = dropped().refuse("connection.refused", chance=0.0)
    retry = scheduled(life)[-1]
    assert (retry.attempt, retry.max_attempts, retry.next_retry_in) == (2, 3, 1.0)
    assert retry.state is SessionState.RECONNECTING


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
    assert "budget of 10 s" in life.changes[-1].reason


def test_an_attempt_that_would_come_after_the_budget_is_not_waited_for() -> None:
    life = dropped(changed(max_reconnect_attempts=None, reconnect_budget_seconds=1.5))
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
    gave_up_at = life.changes[-1].t - life.changes[-2].t
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
    assert life.changes[-1].next_retry_in == 3.0


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
    assert life.plan.mode is RoomMode.CREATE
    assert life.plan.character_session_id == "id-1"
    assert life.session.attempt == 1 and life.ordered(OpenConnection)


def test_a_room_that_is_gone_while_joining_is_made_anew() -> None:
    life = dropped().grant().refuse("connection.room_gone")
    assert life.plan.mode is RoomMode.CREATE


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
    assert life.arrive("id-2").changes[-1].resume == Resume(ResumeOutcome.FRESH, reason)


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
    assert life.plan == OpenConnection(life.epoch, RoomMode.CREATE)


def test_a_refusal_of_an_id_that_was_not_sent_is_final() -> None:
    life = Life().connect().refuse("session.not_found")
    assert life.state is SessionState.ERROR


def test_always_resume_never_falls_back() -> None:
    life = Life(ALWAYS_RESUME).connect(NO_ROOM).refuse("session.expired")
    assert life.changes[-1].error_code == "session.resume_refused"
    assert not life.ordered(OpenConnection)


REFUSED = SessionRecord("id-1", "home", is_refused=True)


@pytest.mark.parametrize("code", ["session.expired", "session.not_found", "session.invalid_id"])
def test_always_resume_keeps_the_id_that_was_refused_and_marks_it(code: str) -> None:
    life = Life(ALWAYS_RESUME).connect(NO_ROOM).refuse(code)
    assert [each.is_refused for each in life.ordered(StoreRecord)] == [True]
    assert not life.all(ClearRecord) and life.session.session_id == "id-1"


def test_retry_and_the_next_start_of_the_game_look_for_the_old_one_and_end_in_error() -> None:
    for life in (
        Life(ALWAYS_RESUME).connect(NO_ROOM).refuse("session.expired"),
        Life(ALWAYS_RESUME),
    ):
        for _ in range(2):
            life.connect(REFUSED)
            assert life.plan.character_session_id == "id-1"
            life.refuse("session.not_found")
            assert life.state is SessionState.ERROR
        assert life.connect(REFUSED).grant("id-2").state is SessionState.ERROR
        assert not life.all(ClearRecord)


def test_retry_resumes_a_refused_conversation_that_is_there_again() -> None:
    life = Life(ALWAYS_RESUME).connect(NO_ROOM).refuse("session.not_found")
    assert life.connect(REFUSED).arrive().changes[-1].resume == Resume(ResumeOutcome.RESUMED)
    assert not life.all(StoreRecord)[-1].is_refused


def test_a_restart_of_the_service_does_not_let_a_refused_session_begin_anew() -> None:
    life = Life(ALWAYS_RESUME).connect(NO_ROOM).refuse("session.expired")
    assert life.feed(ServiceStarted()).state is SessionState.ERROR


def test_an_answer_with_another_conversation_is_marked_too() -> None:
    for life in (
        Life(ALWAYS_RESUME).connect(NO_ROOM).grant("id-2"),
        Life(ALWAYS_RESUME).connect(NO_ROOM).grant().join(ResumeOutcome.FRESH),
    ):
        marked = life.all(StoreRecord)[-1]
        assert (marked.session_id, marked.is_refused) == ("id-1", True)


def test_clearing_a_refused_id_begins_another_conversation() -> None:
    life = Life(ALWAYS_RESUME).connect(NO_ROOM).refuse("session.expired").feed(ForgetRequested())
    assert life.ordered(ClearRecord)
    life.connect(None).arrive("id-2")
    assert life.changes[-1].resume == Resume(ResumeOutcome.FRESH, FreshReason.NO_STORED_ID)


def test_another_resume_policy_asks_for_a_refused_id_once_more() -> None:
    life = Life().connect(REFUSED)
    assert life.plan.character_session_id == "id-1"
    life.refuse("session.expired").arrive("id-2")
    assert life.changes[-1].resume == Resume(ResumeOutcome.FRESH, FreshReason.EXPIRED)


def test_always_resume_makes_a_new_room_for_its_conversation() -> None:
    life = Life(ALWAYS_RESUME).connect().arrive().lose().refuse("connection.room_gone")
    assert life.plan.character_session_id == "id-1"
    assert life.arrive().changes[-1].resume == Resume(ResumeOutcome.RESUMED)


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
    assert life.plan.mode is RoomMode.CREATE
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
    assert (life.plan.mode, life.plan.character_session_id) == (RoomMode.CREATE, "id-1")


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
    assert life.plan.mode is RoomMode.JOIN


def test_a_stored_answer_that_comes_after_the_disconnect_is_no_surprise() -> None:
    life = connected(KEPT).lose("connection.not_allowed").feed(DisconnectRequested())
    (order,) = life.ordered(StoreRecord)
    assert order.epoch < life.epoch
    assert life.feed(ConnectRequested())


def test_a_room_is_not_kept_without_a_ttl() -> None:
    life = Life(changed(room_rejoin_ttl_seconds=0.0)).connect().arrive().lose()
    assert not life.ordered(StoreRecord)


# --- the start of the game's own service ------------------------------------------------------


def test_waiting_for_the_service_to_start_is_no_attempt_and_no_time_out() -> None:
    policy = changed(
        max_reconnect_attempts=1, start_wait_timeout_ms=1000, reconnect_budget_seconds=5.0
    )
    life = Life(policy).connect()
    life.feed(ServiceAwaited(life.epoch)).wait(60.0)
    assert (life.state, life.session.attempt) == (SessionState.CONNECTING, 0)
    assert life.arrive().state is SessionState.CONNECTED


def test_attempts_and_time_count_from_the_moment_the_service_listens() -> None:
    life = Life(changed(max_reconnect_attempts=0, start_wait_timeout_ms=1000)).connect()
    life.feed(ServiceAwaited(life.epoch)).wait(60.0).feed(ConnectionStarted(life.epoch))
    assert life.wait(0.9).state is SessionState.CONNECTING
    assert life.wait(0.2).state is SessionState.ERROR


def test_the_time_budget_counts_from_the_moment_the_service_listens() -> None:
    policy = changed(start_wait_timeout_ms=60_000, reconnect_budget_seconds=5.0)
    life = Life(policy).connect()
    life.feed(ServiceAwaited(life.epoch)).wait(60.0).feed(ConnectionStarted(life.epoch))
    assert life.wait(4.9).state is SessionState.CONNECTING
    assert life.wait(0.2).state is SessionState.ERROR


def test_a_service_that_does_not_come_is_an_attempt_that_failed() -> None:
    life = Life(changed(max_reconnect_attempts=1)).connect()
    life.feed(ServiceAwaited(life.epoch)).wait(60.0).refuse("service.not_started")
    assert (life.state, life.session.attempt) == (SessionState.CONNECTING, 1)
    life.wait(5.0).feed(ServiceAwaited(life.epoch)).refuse("service.not_started")
    assert life.state is SessionState.ERROR


def test_one_who_leaves_while_the_service_starts_has_left() -> None:
    life = Life().connect()
    life.feed(ServiceAwaited(life.epoch)).feed(DisconnectRequested())
    assert life.closed().state is SessionState.DISCONNECTED


@pytest.mark.parametrize("code", ["connection.refused", "service.not_started", "server.draining"])
def test_who_failed_because_nobody_answered_is_retried_when_the_service_is_back(code: str) -> None:
    life = Life(changed(max_reconnect_attempts=0)).connect().arrive().lose(code)
    assert life.state is SessionState.ERROR
    life.feed(ServiceStarted()).load(STORED)
    assert (life.state, life.session.attempt) == (SessionState.CONNECTING, 0)
    assert life.plan.character_session_id == "id-1"


@pytest.mark.parametrize(
    "code", ["connection.invalid_api_key", "session.resume_refused", "session.live_elsewhere"]
)
def test_another_error_stays_when_the_service_is_back(code: str) -> None:
    life = Life().connect().arrive().lose(code)
    assert life.feed(ServiceStarted()).state is SessionState.ERROR


def test_who_is_about_to_try_again_tries_at_once_with_fresh_attempts() -> None:
    life = Life(changed(max_reconnect_attempts=3)).connect().arrive().lose()
    life.refuse("connection.refused").wait(4.0).refuse("connection.refused")
    assert life.session.attempt == 3
    epoch = life.epoch
    life.feed(ServiceStarted())
    assert (life.session.attempt, life.epoch) == (1, epoch + 1)
    assert life.session.due(Timer.RETRY) is None
    assert life.arrive().state is SessionState.CONNECTED


def test_who_has_no_need_of_it_is_left_alone_when_the_service_is_back() -> None:
    for life in (Life(), Life().connect().arrive(), Life().connect().feed(DisconnectRequested())):
        before = life.session
        assert life.feed(ServiceStarted()).session == before
