"""The states and what leaves them; attempts, failures and the record have files of their own."""

from __future__ import annotations

from typing import Any

import pytest

from characters.protocol.failures import failure
from characters.session.conversation import Resume, ResumeOutcome, SessionRecord, SessionState
from characters.session.events import (
    AbortConnection,
    CharacterReady,
    ClearRecord,
    CloseConnection,
    Closed,
    CloseMicrophone,
    ConnectionLost,
    ConnectRequested,
    DisconnectRequested,
    ForgetRequested,
    HibernateRequested,
    OpenConnection,
    OpenMicrophone,
    PersistChanged,
    PlayerActed,
    PolicyChanged,
    RecordStored,
    RestartRequested,
    RoomMode,
    ServerEnded,
    StoreRecord,
    Timer,
    TimerFired,
    WakeRequested,
)
from characters.session.machine import CLOSE_TIMEOUT_SECONDS, TABLE, IllegalEvent
from characters.session.policy import IdlePolicy, Persist, ReconnectPolicy, ResumePolicy
from tests.characters.session.life import Life, changed

FRESH_POLICY = ReconnectPolicy.ALWAYS_CREATE_NEW
SLEEPY = changed(idle=IdlePolicy.HIBERNATE, hibernate_after_seconds=40.0)


def connected(policy: ReconnectPolicy = ReconnectPolicy.DEFAULT, **fields: Any) -> Life:
    return Life(policy, **fields).connect().arrive()


# --- connect ----------------------------------------------------------------------------------


def test_a_session_connects_when_the_character_is_ready() -> None:
    life = Life().connect().grant().join().store()
    assert life.state is SessionState.CONNECTING
    assert life.ready().states == "CONNECTING CONNECTED"


def test_a_session_is_not_connected_before_its_id_is_durable() -> None:
    life = Life().connect().grant().join().ready()
    assert life.state is SessionState.CONNECTING
    assert life.store().state is SessionState.CONNECTED


def test_connect_while_connecting_joins_the_attempt_in_flight() -> None:
    life = Life().connect()
    before = life.session
    assert life.feed(ConnectRequested()).session == before
    assert life.last == ()


def test_connect_while_connected_gives_the_present_session() -> None:
    life = connected()
    assert life.feed(ConnectRequested()).last == ()
    assert life.state is SessionState.CONNECTED


def test_connect_while_reconnecting_joins_the_attempt_in_flight() -> None:
    life = connected().lose()
    assert life.feed(ConnectRequested()).last == ()


def test_connect_while_disconnecting_is_honoured_after_the_close() -> None:
    life = connected().feed(DisconnectRequested()).feed(ConnectRequested())
    assert life.state is SessionState.DISCONNECTING
    assert life.closed().states.endswith("DISCONNECTING DISCONNECTED CONNECTING")


def test_retry_works_straight_from_error() -> None:
    life = Life().connect().refuse("connection.invalid_api_key")
    assert life.state is SessionState.ERROR
    assert life.feed(ConnectRequested()).state is SessionState.CONNECTING
    assert life.session.error is None


def test_a_takeover_is_asked_for_only_when_the_game_asks() -> None:
    assert not Life().connect().plan.takeover
    life = Life(FRESH_POLICY).feed(ConnectRequested(takeover=True))
    assert life.plan.takeover
    assert not life.arrive().lose().plan.takeover


# --- disconnect -------------------------------------------------------------------------------


def test_disconnect_closes_and_then_rests() -> None:
    life = connected().feed(DisconnectRequested())
    assert life.ordered(CloseConnection)
    assert life.closed().states.endswith("CONNECTED DISCONNECTING DISCONNECTED")


def test_a_close_that_hangs_is_cut_off_after_its_own_time_out() -> None:
    life = connected().feed(DisconnectRequested()).wait(CLOSE_TIMEOUT_SECONDS)
    assert life.state is SessionState.DISCONNECTED
    assert life.all(AbortConnection)


def test_a_loss_while_disconnecting_counts_as_the_close() -> None:
    assert connected().feed(DisconnectRequested()).lose().state is SessionState.DISCONNECTED


def test_disconnect_during_an_attempt_closes_it() -> None:
    life = Life().connect().grant().feed(DisconnectRequested())
    assert life.ordered(CloseConnection)
    assert life.closed().state is SessionState.DISCONNECTED


def test_disconnect_during_a_back_off_rests_at_once() -> None:
    life = connected().lose().refuse("connection.refused").feed(DisconnectRequested())
    assert life.states.endswith("RECONNECTING DISCONNECTING DISCONNECTED")
    assert life.session.timers == ()


def test_disconnect_leaves_an_error_behind() -> None:
    life = Life().connect().refuse("connection.not_allowed").feed(DisconnectRequested())
    assert life.states.endswith("ERROR DISCONNECTED")
    assert life.session.error is None


def test_disconnect_at_rest_is_fine_and_does_nothing() -> None:
    assert Life().feed(DisconnectRequested()).last == ()


def test_disconnect_after_connect_after_disconnect_takes_the_connect_back() -> None:
    life = connected().feed(DisconnectRequested())
    life.feed(ConnectRequested()).feed(DisconnectRequested())
    assert life.closed().state is SessionState.DISCONNECTED


def test_what_was_under_way_may_still_be_reported_while_disconnecting() -> None:
    life = Life().connect().grant().join().feed(DisconnectRequested())
    assert life.ready().store().state is SessionState.DISCONNECTING


# --- losses and the server's end --------------------------------------------------------------


def test_a_loss_leads_to_reconnecting_at_once() -> None:
    life = connected().lose()
    assert life.state is SessionState.RECONNECTING
    assert life.ordered(AbortConnection)
    assert life.ordered(OpenConnection)


def test_the_dead_connection_is_aborted_before_the_next_one_is_opened() -> None:
    orders = [type(order) for order in connected().lose().last]
    assert orders.index(AbortConnection) < orders.index(OpenConnection)


def test_a_reconnect_that_succeeds_says_so() -> None:
    change = connected().lose().arrive().changes[-1]
    assert change.is_reconnection_successful


@pytest.mark.parametrize("reason", ["idle-timeout", "killed", "quota", "taken-over", "unheard-of"])
def test_a_session_that_the_server_ended_is_not_reconnected(reason: str) -> None:
    life = connected()
    life.feed(ServerEnded(life.epoch, reason))
    assert life.closed().states.endswith("CONNECTED DISCONNECTING DISCONNECTED")
    assert reason in life.changes[-1].reason and life.changes[-1].error is not None


@pytest.mark.parametrize("reason", ["drain", "overflow"])
def test_a_server_that_goes_away_for_a_while_is_reconnected_to(reason: str) -> None:
    life = connected()
    life.feed(ServerEnded(life.epoch, reason, retry_after=2.0))
    assert life.state is SessionState.RECONNECTING


def test_a_session_that_was_taken_over_leaves_the_record_to_its_new_owner() -> None:
    life = connected()
    life.feed(ServerEnded(life.epoch, "taken-over"))
    assert not life.ordered(StoreRecord) and not life.ordered(ClearRecord)


def test_events_of_an_older_connection_are_ignored() -> None:
    life = connected()
    old = life.epoch
    life.lose().arrive()
    for event in (Closed(old), ServerEnded(old, "killed"), CharacterReady(old), RecordStored(old)):
        assert life.feed(event).last == ()
    assert life.state is SessionState.CONNECTED


def test_what_a_lost_connection_still_reports_during_a_back_off_is_ignored() -> None:
    life = connected().lose().arrive()
    old = life.epoch
    life.lose(chance=0.5)
    assert life.feed(ConnectionLost(old, failure("connection.timeout"))).last == ()
    assert life.state is SessionState.RECONNECTING


def test_a_timer_that_was_cancelled_and_fires_all_the_same_is_ignored() -> None:
    life = connected()
    due = life.session.due(Timer.MICROPHONE)
    assert due is not None
    life.lose()
    assert life.feed(TimerFired(Timer.MICROPHONE, due)).last == ()


def test_a_timer_that_was_replaced_and_fires_at_its_old_time_is_ignored() -> None:
    life = connected(SLEEPY)
    old = life.session.due(Timer.IDLE)
    assert old is not None
    life.wait(10.0).feed(PlayerActed())
    assert life.feed(TimerFired(Timer.IDLE, old)).state is SessionState.CONNECTED


def test_an_event_that_the_state_does_not_list_raises_and_changes_nothing() -> None:
    life = Life()
    before = life.session
    with pytest.raises(IllegalEvent, match="CharacterReady is not possible in DISCONNECTED"):
        life.feed(CharacterReady(life.epoch))
    assert life.session is before


def test_an_event_out_of_its_phase_raises() -> None:
    life = Life().connect()
    with pytest.raises(IllegalEvent, match="opening"):
        life.feed(CharacterReady(life.epoch))


def test_an_event_of_a_connection_that_is_not_made_yet_raises() -> None:
    life = connected()
    with pytest.raises(IllegalEvent):
        life.feed(ConnectionLost(life.epoch + 1, failure("connection.failed")))


def test_the_table_knows_only_transitions_of_the_contract() -> None:
    assert {state for state, _ in TABLE} == set(SessionState)


# --- microphone -------------------------------------------------------------------------------


def test_the_microphone_opens_its_delay_after_the_ready_signal() -> None:
    life = connected(changed(auto_mic_start_delay_seconds=1.0)).wait(0.99)
    assert not life.all(OpenMicrophone)
    assert life.wait(0.01).all(OpenMicrophone)


def test_the_delay_counts_from_ready_even_when_the_store_was_slow() -> None:
    life = Life(changed(auto_mic_start_delay_seconds=1.0)).connect().grant().join().ready()
    life.wait(0.4).store()
    assert life.session.due(Timer.MICROPHONE) == pytest.approx(life.now + 0.6)


def test_a_delay_that_passed_while_storing_opens_the_microphone_with_connected() -> None:
    life = Life().connect().grant().join().ready().wait(3.0).store().wait(0.0)
    assert life.all(OpenMicrophone)


def test_a_loss_before_the_delay_cancels_the_microphone() -> None:
    life = connected().wait(0.4).lose().wait(0.2)
    assert not life.all(OpenMicrophone)


def test_a_disconnect_before_the_delay_cancels_the_microphone() -> None:
    life = connected().wait(0.4).feed(DisconnectRequested()).wait(0.2)
    assert not life.all(OpenMicrophone)


def test_a_loss_closes_the_microphone() -> None:
    assert connected().wait(1.0).lose().ordered(CloseMicrophone)


def test_the_delay_starts_again_after_each_reconnect() -> None:
    life = connected().wait(1.0).lose().wait(0.3).arrive().wait(0.49)
    assert len(life.all(OpenMicrophone)) == 1
    assert len(life.wait(0.01).all(OpenMicrophone)) == 2


# --- stable, budget, policy -------------------------------------------------------------------


def test_the_attempt_count_is_reset_only_after_the_stable_time() -> None:
    life = connected().lose().arrive().wait(4.9)
    assert life.session.attempt == 1
    assert life.wait(0.1).session.attempt == 0


def test_the_stable_time_is_the_policy_s() -> None:
    life = connected(changed(stable_after_seconds=20.0)).lose().arrive().wait(19.9)
    assert life.session.attempt == 1
    assert life.wait(0.1).session.attempt == 0


def test_a_server_that_accepts_and_drops_is_not_hammered() -> None:
    life = connected().lose().arrive().lose(chance=0.0)
    assert life.ordered(OpenConnection) == []
    assert life.session.due(Timer.RETRY) == life.now + 1.0


def test_a_server_that_accepts_and_drops_uses_the_attempts_up() -> None:
    life = connected().lose().arrive()
    life.lose().wait(4).arrive().lose().wait(4).arrive().lose()
    assert life.states.endswith("CONNECTED RECONNECTING ERROR")
    assert "3 attempts" in life.changes[-1].reason


def test_a_new_policy_moves_a_microphone_that_waits() -> None:
    life = connected().feed(PolicyChanged(changed(auto_mic_start_delay_seconds=2.0)))
    life.wait(1.9)
    assert not life.all(OpenMicrophone)
    assert life.wait(0.1).all(OpenMicrophone)


def test_a_new_time_budget_takes_effect_at_once() -> None:
    life = connected().lose().wait(3.0)
    life.feed(PolicyChanged(changed(reconnect_budget_seconds=2.0))).wait(0.0)
    assert life.state is SessionState.ERROR


# --- hibernation ------------------------------------------------------------------------------


def test_a_character_without_player_activity_hibernates_when_the_policy_says_so() -> None:
    life = connected(SLEEPY).wait(40.0).closed()
    assert life.state is SessionState.DISCONNECTED
    assert life.session.is_hibernating
    assert connected().wait(1e6).state is SessionState.CONNECTED


def test_player_activity_puts_hibernation_off() -> None:
    life = connected(SLEEPY).wait(39.0).feed(PlayerActed()).wait(39.0)
    assert life.state is SessionState.CONNECTED
    assert life.wait(1.0).state is SessionState.DISCONNECTING


def test_a_hibernating_character_wakes_on_approach_and_resumes() -> None:
    life = connected(SLEEPY).feed(HibernateRequested()).closed().wait(1000.0)
    life.feed(WakeRequested())
    assert life.state is SessionState.CONNECTING


def test_a_character_that_is_not_hibernating_does_not_wake() -> None:
    assert Life().feed(WakeRequested()).state is SessionState.DISCONNECTED


def test_waking_while_falling_asleep_connects_after_the_close() -> None:
    life = connected().feed(HibernateRequested()).feed(WakeRequested())
    assert life.closed().state is SessionState.CONNECTING


def test_hibernation_is_no_deliberate_disconnect() -> None:
    life = connected(persist=Persist.UNTIL_DISCONNECT).feed(HibernateRequested()).closed()
    assert not life.all(ClearRecord)
    assert life.session.session_id == "id-1"


def test_hibernation_notes_on_disk_since_when_the_room_is_empty() -> None:
    life = connected(SLEEPY).feed(HibernateRequested())
    assert [stored.is_dropped for stored in life.ordered(StoreRecord)] == [True]


def test_a_character_woken_soon_rejoins_its_room() -> None:
    life = connected().feed(HibernateRequested()).closed().wait(5.0).feed(WakeRequested())
    life.load(SessionRecord("id-1", "home", "room-1", dropped_at=0.0), 5.0).arrive()
    assert life.changes[-1].resume == Resume(ResumeOutcome.REJOINED)


def test_disconnecting_a_hibernating_character_is_deliberate() -> None:
    life = connected(persist=Persist.UNTIL_DISCONNECT).feed(HibernateRequested()).closed()
    assert life.feed(DisconnectRequested()).ordered(ClearRecord)
    assert life.feed(WakeRequested()).state is SessionState.DISCONNECTED


# --- forget -----------------------------------------------------------------------------------


def test_forgetting_clears_the_record_and_leaves_the_connection() -> None:
    life = connected().feed(ForgetRequested())
    assert life.ordered(ClearRecord) and life.state is SessionState.CONNECTED
    assert life.lose().plan.character_session_id is None


def test_forgetting_during_an_attempt_starts_it_over_without_the_id() -> None:
    life = Life().connect(SessionRecord("old", "home"))
    assert life.plan.character_session_id == "old"
    life.feed(ForgetRequested())
    assert life.ordered(AbortConnection)
    assert life.plan.character_session_id is None


def test_forgetting_while_the_record_is_read_connects_without_it() -> None:
    life = Life().feed(ConnectRequested()).feed(ForgetRequested())
    assert life.plan.character_session_id is None


def test_an_always_fresh_session_needs_no_record() -> None:
    life = Life(changed(resume_policy=ResumePolicy.ALWAYS_FRESH)).feed(ConnectRequested())
    assert life.ordered(OpenConnection)


def test_a_loss_reported_twice_counts_once() -> None:
    life = connected()
    again = ConnectionLost(life.epoch, failure("transport.heartbeat_lost"))
    assert life.lose().feed(again).last == ()


# --- settings that change ---------------------------------------------------------------------


def test_new_settings_of_a_connection_make_a_new_one_that_resumes() -> None:
    life = connected().feed(RestartRequested())
    assert life.ordered(CloseConnection)
    assert [order.room_name for order in life.ordered(StoreRecord)] == [None]
    life.closed()
    assert life.states.endswith("CONNECTED DISCONNECTING DISCONNECTED CONNECTING")
    life.load(SessionRecord("id-1"))
    assert (life.plan.mode, life.plan.character_session_id) == (RoomMode.CREATE, "id-1")


def test_new_settings_forget_nothing_of_a_talk_that_ends_with_the_disconnect() -> None:
    life = connected(persist=Persist.UNTIL_DISCONNECT).feed(RestartRequested()).closed()
    assert not life.all(ClearRecord)


def test_who_disconnects_while_new_settings_are_taken_has_disconnected() -> None:
    life = connected(persist=Persist.UNTIL_DISCONNECT).feed(RestartRequested())
    life.feed(DisconnectRequested()).closed()
    assert life.state is SessionState.DISCONNECTED
    assert life.all(ClearRecord)


def test_new_settings_begin_an_attempt_in_flight_again() -> None:
    life = connected().lose().feed(RestartRequested()).closed()
    assert life.state is SessionState.CONNECTING
    assert life.load(SessionRecord("id-1")).plan.mode is RoomMode.CREATE


def test_new_settings_begin_a_wait_for_the_next_attempt_again_at_once() -> None:
    life = connected().lose().refuse("connection.refused").feed(RestartRequested())
    assert life.states.endswith("DISCONNECTING DISCONNECTED CONNECTING")


def test_new_settings_may_mend_an_error() -> None:
    life = Life().connect().refuse("connection.character_not_found").feed(RestartRequested())
    assert life.states.endswith("ERROR CONNECTING")


def test_new_settings_connect_nobody_who_rests_and_lead_no_sleeper_into_the_old_room() -> None:
    assert Life().feed(RestartRequested()).last == ()
    life = connected().feed(HibernateRequested()).closed().feed(RestartRequested())
    assert [order.room_name for order in life.ordered(StoreRecord)] == [None]
    assert life.state is SessionState.DISCONNECTED
    life.feed(WakeRequested()).load(SessionRecord("id-1"))
    assert life.plan.mode is RoomMode.CREATE


@pytest.mark.parametrize("persist", Persist)
def test_the_disconnect_goes_by_what_persist_is_then(persist: Persist) -> None:
    other = next(p for p in Persist if p is not persist)
    life = connected(persist=other).feed(PersistChanged(persist)).feed(DisconnectRequested())
    assert bool(life.all(ClearRecord)) is (persist is Persist.UNTIL_DISCONNECT)
