"""How a connection comes about, and what it says it restored."""

from __future__ import annotations

import pytest

from characters.core.failure import failure
from characters.core.policy import ReconnectPolicy, ResumePolicy
from characters.core.session_events import (
    ConnectMode,
    ConnectRequested,
    DisconnectRequested,
    LoadRecord,
    OpenConnection,
    RecordLoadFailed,
    RecordStored,
    RecordStoreFailed,
    StoreRecord,
)
from characters.core.state import FreshReason, Resume, ResumeOutcome, SessionRecord, SessionState
from tests.characters.core.life import Life, changed

ALWAYS_FRESH = changed(resume_policy=ResumePolicy.ALWAYS_FRESH)
ALWAYS_RESUME = changed(resume_policy=ResumePolicy.ALWAYS_RESUME)
STORED = SessionRecord("id-1", "home", "room-1", dropped_at=0.0)
NO_ROOM = SessionRecord("id-1", "home")


def resume(life: Life) -> Resume | None:
    return life.told[-1].resume


# --- the plan ---------------------------------------------------------------------------------


def test_a_session_without_a_record_asks_for_a_new_conversation() -> None:
    assert Life().connect().plan == OpenConnection(2, ConnectMode.CREATE)


def test_a_stored_id_is_sent() -> None:
    assert Life().connect(NO_ROOM).plan.character_session_id == "id-1"


def test_an_id_that_was_stored_by_hand_is_sent_to_any_endpoint() -> None:
    assert Life().connect(SessionRecord("id-1")).plan.character_session_id == "id-1"


def test_always_fresh_never_sends_a_stored_id() -> None:
    life = Life(ALWAYS_FRESH).connect(STORED)
    assert life.plan == OpenConnection(1, ConnectMode.CREATE)


def test_always_fresh_sends_no_id_after_a_drop_either() -> None:
    life = Life(ALWAYS_FRESH).connect().arrive().lose()
    assert life.plan.mode is ConnectMode.JOIN
    assert life.plan.character_session_id is None


def test_a_second_connect_of_an_always_fresh_session_is_a_new_conversation() -> None:
    life = Life(ALWAYS_FRESH).connect().arrive().lose("connection.not_allowed")
    assert life.state is SessionState.ERROR
    assert life.feed(ConnectRequested()).plan.mode is ConnectMode.CREATE


def test_a_drop_is_followed_by_a_rejoin_of_the_room() -> None:
    plan = Life().connect().arrive(room="room-7").lose().plan
    assert (plan.mode, plan.room_name) == (ConnectMode.JOIN, "room-7")
    assert plan.character_session_id == "id-1"


def test_a_rejoin_names_the_connection_that_was_lost() -> None:
    life = Life().connect().arrive()
    assert life.lose().plan.live_id == "live-2"


def test_a_rejoin_spawns_an_agent_as_the_policy_says() -> None:
    for wanted in (True, False):
        life = Life(changed(spawn_agent_on_rejoin=wanted)).connect().arrive().lose()
        assert life.plan.spawn_agent is wanted


def test_a_new_room_always_spawns_its_agent() -> None:
    assert Life(changed(spawn_agent_on_rejoin=False)).connect().plan.spawn_agent


@pytest.mark.parametrize(("age", "mode"), [(59.9, ConnectMode.JOIN), (60.0, ConnectMode.CREATE)])
def test_a_restarted_process_rejoins_the_room_within_its_ttl(age: float, mode: ConnectMode) -> None:
    life = Life().connect(STORED, room_age=age)
    assert life.plan.mode is mode
    assert life.plan.character_session_id == "id-1"


def test_a_room_that_was_left_too_long_ago_is_not_rejoined() -> None:
    policy = changed(room_rejoin_ttl_seconds=3.0, backoff_base_seconds=1.0)
    life = Life(policy).connect().arrive().lose()
    life.refuse("connection.refused", chance=0.99)
    assert life.wait(4.0).plan.mode is ConnectMode.CREATE


def test_the_ttl_counts_from_the_drop_and_not_from_the_last_attempt() -> None:
    life = Life(changed(room_rejoin_ttl_seconds=3.0)).connect().arrive().lose()
    life.wait(2.9).refuse("connection.refused").wait(2.0)
    assert life.plan.mode is ConnectMode.CREATE


def test_a_wall_clock_that_jumped_back_does_not_make_a_room_old() -> None:
    assert Life().connect(STORED, room_age=-3600.0).plan.mode is ConnectMode.JOIN


def test_without_a_ttl_a_drop_leads_to_a_new_room() -> None:
    life = Life(changed(room_rejoin_ttl_seconds=0.0)).connect().arrive().lose()
    assert life.plan.mode is ConnectMode.CREATE
    assert life.plan.character_session_id == "id-1"


def test_the_room_is_remembered_across_an_error() -> None:
    life = Life(changed(max_reconnect_attempts=0)).connect().arrive().lose()
    life.wait(5.0).connect(SessionRecord("id-1", "home", "room-1", dropped_at=0.0), room_age=999.0)
    assert life.plan.mode is ConnectMode.JOIN  # our own clock is better than the wall's


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
    assert life.told[-1].session_id == "id-2"


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
    assert life.plan.mode is ConnectMode.JOIN
    assert resume(life) == Resume(ResumeOutcome.FRESH, FreshReason.NO_STORED_ID)


def test_a_drop_before_the_character_was_ready_resumes_the_same_conversation() -> None:
    life = Life().connect(NO_ROOM).grant().lose().arrive()
    assert life.plan.character_session_id == "id-1"
    assert resume(life) == Resume(ResumeOutcome.RESUMED)


def test_a_record_of_another_endpoint_is_not_sent() -> None:
    life = Life().connect(SessionRecord("id-1", "elsewhere", "room-1"))
    assert life.plan == OpenConnection(2, ConnectMode.CREATE)
    assert resume(life.arrive()) == Resume(ResumeOutcome.FRESH, FreshReason.OTHER_ENDPOINT)


def test_the_outcome_is_told_with_connected_only() -> None:
    life = Life().connect(NO_ROOM).arrive().lose()
    told = {change.new_state.name: change.resume for change in life.told}
    assert told["CONNECTED"] and not told["CONNECTING"] and not told["RECONNECTING"]


# --- always resume ----------------------------------------------------------------------------


def test_always_resume_fails_when_the_server_answers_with_another_id() -> None:
    life = Life(ALWAYS_RESUME).connect(NO_ROOM).grant("id-2")
    assert life.state is SessionState.ERROR
    assert life.told[-1].error_code == "session.resume_refused"


def test_always_resume_fails_when_the_room_says_fresh() -> None:
    life = Life(ALWAYS_RESUME).connect(NO_ROOM).grant().join(ResumeOutcome.FRESH)
    assert life.told[-1].error_code == "session.resume_refused"


def test_always_resume_fails_with_a_record_of_another_endpoint() -> None:
    life = Life(ALWAYS_RESUME).connect(SessionRecord("id-1", "elsewhere"))
    assert life.told[-1].error_code == "session.resume_refused"
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
    assert life.told[-1].is_connection_established
    assert life.told[-1].error_code == "persistence.unavailable"
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
    assert life.wait(0.1).told[-1].error_code == "persistence.slow"
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
    assert life.told[-1].error_code == "persistence.slow"
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
