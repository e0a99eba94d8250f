from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest

from characters.client.config import SessionConfig
from characters.client.conversation import OpenSession
from characters.client.session_runner import (
    RecordStore,
    SessionRunner,
    is_another_session,
    messages_for_changes,
    needs_new_connection,
)
from characters.protocol.messages import (
    ClientMessage,
    ContextUpdate,
    InterruptBot,
    KillPipeline,
    RespondMode,
    UpdateTemplateKeys,
)
from characters.protocol.network_conditions import NetworkConditions
from characters.protocol.turn_settings import SmartTurn, VoiceActivityOptions
from characters.service.requests import listening_options
from characters.session.conversation import (
    ResumeOutcome,
    RetryScheduled,
    SessionRecord,
    SessionState,
    SessionStateChanged,
)
from characters.session.events import (
    CancelTimer,
    ClearRecord,
    ConnectRequested,
    DisconnectRequested,
    Event,
    ForgetRequested,
    LoadRecord,
    PolicyChanged,
    RecordLoaded,
    RecordLoadFailed,
    RecordStored,
    RecordStoreFailed,
    StartTimer,
    StoreRecord,
    Timer,
    TimerFired,
)
from characters.session.policy import Persist, ReconnectPolicy, ResumePolicy
from characters.storage.sessions import KeyValueSessionPersistence, MemoryStore, PersistenceError
from tests.characters.client.stage import Actor, Stage

PCM = bytes(640)
FRAME = 0.02


def policy(**fields: Any) -> ReconnectPolicy:
    return ReconnectPolicy(**fields)


# --- connections ------------------------------------------------------------------------------


def test_a_session_connects_and_says_so_once() -> None:
    with Stage() as stage:
        actor = stage.connected()
        assert actor.states == "CONNECTING CONNECTED"
        assert actor.view.resume.outcome is ResumeOutcome.FRESH


def test_the_request_carries_how_the_service_tells_speech_and_its_end() -> None:
    with Stage() as stage:
        heard, over = VoiceActivityOptions(min_volume=0.4), SmartTurn(stop_secs=1.2)
        stage.connected(voice_activity=heard, smart_turn=over)
        request = stage.service.requests[0]
        assert listening_options(request) == (heard, over)


def test_the_request_carries_what_the_session_was_opened_with() -> None:
    with Stage() as stage:
        stage.connected(persona="p.toml", end_user_id="ada", player_name="Ada", actions=("wave",))
        request = stage.service.requests[0]
        assert (request.character_id, request.persona) == ("nurse", "p.toml")
        assert (request.end_user_id, request.player_name) == ("ada", "Ada")
        assert request.action_config == {"actions": ["wave"]}
        assert request.room_rejoin_ttl_seconds == 60


def test_a_player_without_an_account_is_the_one_whom_the_store_belongs_to() -> None:
    persistence = KeyValueSessionPersistence(MemoryStore())
    for made_up, account, sent in (
        ("one-pc", None, "one-pc"),
        ("another-pc", None, "one-pc"),
        ("another-pc", "ada@home", "ada@home"),
    ):
        with Stage(persistence) as stage:
            stage.connected(local_user_id=made_up, end_user_id=account)
            assert stage.service.requests[0].end_user_id == sent


def test_a_drop_is_recovered_by_a_rejoin() -> None:
    with Stage() as stage:
        actor = stage.connected()
        first = stage.service.last
        first.drop()
        stage.until(lambda: actor.states.endswith("RECONNECTING CONNECTED"))
        assert stage.service.requests[-1].mode == "join"
        assert stage.service.requests[-1].live_id == first.grant.session_id
        assert first.was_aborted and stage.service.most_live == 1


def test_a_silent_line_is_noticed_within_interval_and_time_out_and_aborted() -> None:
    with Stage() as stage:
        actor = stage.connected()
        stage.run_for(7.3)
        stage.service.is_silent = True
        taken = stage.until_state(actor, SessionState.RECONNECTING)
        assert taken <= 2.5 + 0.01
        assert stage.service.connections[0].was_aborted


def test_heartbeats_follow_a_new_policy() -> None:
    with Stage() as stage:
        actor = stage.connected()
        quick = policy(heartbeat_interval_seconds=0.1, heartbeat_timeout_seconds=0.1)
        stage.do(actor.runner.feed, PolicyChanged(quick))
        stage.run_for(2.0)
        stage.service.is_silent = True
        assert stage.until_state(actor, SessionState.RECONNECTING) <= 0.21


def test_a_service_that_answers_pings_keeps_its_line_for_hours() -> None:
    with Stage() as stage:
        actor = stage.connected()
        stage.run_for(4 * 3600.0)
        assert actor.states == "CONNECTING CONNECTED"
        assert actor.session.view.round_trip_seconds == 0.001


def test_the_first_round_trip_of_a_connection_is_seen_at_once() -> None:
    with Stage() as stage:
        actor = stage.connected()
        stage.run_for(0.1)
        assert actor.session.view.round_trip_seconds == 0.001
        stage.service.last.drop()
        stage.until_state(actor, SessionState.RECONNECTING)
        stage.until_state(actor, SessionState.CONNECTED)
        stage.run_for(0.1)
        assert actor.session.view.round_trip_seconds == 0.001


def test_the_view_tells_how_long_the_wait_for_the_next_try_is() -> None:
    with Stage() as stage:
        actor = stage.connected()
        stage.service.kill()
        stage.until(lambda: actor.session.view.next_retry_at is not None)
        wait = actor.session.view.retry_wait_seconds
        begins = stage.loop.time()
        stage.until(lambda: actor.session.view.next_retry_at is None)
        assert wait == pytest.approx(stage.loop.time() - begins, abs=0.01)
        stage.service.is_down = False
        stage.until_state(actor, SessionState.CONNECTED)
        assert actor.session.view.retry_wait_seconds is None


def test_a_service_that_is_killed_and_comes_back_is_found_again() -> None:
    with Stage() as stage:
        actor = stage.connected()
        stage.service.kill()
        stage.run_for(3.0)
        stage.service.is_down = False
        assert stage.until_state(actor, SessionState.CONNECTED) < 4.0
        assert actor.all(RetryScheduled)


def test_a_service_that_stays_away_ends_in_an_error_from_which_retry_works() -> None:
    with Stage() as stage:
        actor = stage.connected()
        stage.service.kill()
        stage.until_state(actor, SessionState.ERROR, within=20.0)
        assert actor.view.resume is None  # nothing is restored any more
        stage.service.is_down = False
        stage.do(actor.runner.feed, ConnectRequested())
        stage.until_state(actor, SessionState.CONNECTED)


def test_an_unknown_endpoint_is_a_failure_like_any_other() -> None:
    with Stage() as stage:
        actor = stage.actor(endpoint="nowhere")
        stage.do(actor.runner.feed, ConnectRequested())
        stage.until_state(actor, SessionState.ERROR, within=20.0)
        assert actor.view.error.code == "connection.dns"


def test_a_flapping_server_sees_less_than_one_connect_a_second() -> None:
    with Stage() as stage:
        actor = stage.actor(policy=ReconnectPolicy.PATIENT)
        stage.do(actor.runner.feed, ConnectRequested())
        stage.loop.call_later(0.0, _flap, stage)
        stage.run_for(60.0)
        assert 10 < len(stage.service.requests) < 60


def _flap(stage: Stage) -> None:
    for connection in stage.service.live:
        connection.drop()
    stage.loop.call_later(0.05, _flap, stage)


def test_a_drained_server_is_reconnected_to_when_it_said_so() -> None:
    with Stage() as stage:
        actor = stage.connected()
        stage.service.end("drain", retry_after=5.0)
        stage.until_state(actor, SessionState.RECONNECTING)
        assert stage.until_state(actor, SessionState.CONNECTED) >= 5.0


def test_a_refused_grant_is_not_joined() -> None:
    with Stage() as stage:
        stage.persistence.store("nurse", SessionRecord("gone"))
        stage.service.refuse("session.expired")
        actor = stage.actor(policy=policy(resume_policy=ResumePolicy.ALWAYS_RESUME))
        stage.do(actor.runner.feed, ConnectRequested())
        stage.until_state(actor, SessionState.ERROR)
        assert stage.service.connections == []
        # Still for any endpoint, as it was stored by hand.
        assert stage.persistence.load("nurse") == SessionRecord("gone", is_refused=True)


def test_a_transport_that_breaks_costs_an_attempt_and_no_more() -> None:
    with Stage() as stage:
        actor = stage.connected()
        stage.service.last.tell(object())  # type: ignore[arg-type] # wrong on purpose
        stage.service.last.receive = None  # type: ignore[assignment, method-assign] # a defect
        stage.service.last.drop()
        stage.until(lambda: actor.states.endswith("RECONNECTING CONNECTED"))


# --- the store --------------------------------------------------------------------------------


def test_the_record_is_in_the_store_before_the_game_sees_connected() -> None:
    with Stage() as stage:
        stage.worker.seconds = 1.5
        actor = stage.actor()
        found: list[SessionRecord | None] = []
        actor.events = _Watching(lambda: found.append(stage.persistence.load("nurse")))
        actor.session.events.subscribe(actor.events.append)
        stage.do(actor.runner.feed, ConnectRequested())
        stage.until_state(actor, SessionState.CONNECTED)
        assert found and found[-1] is not None
        assert found[-1].session_id == actor.view.session_id


class _Watching(list[Any]):
    """Looks at something when CONNECTED is told."""

    def __init__(self, look: Any) -> None:
        super().__init__()
        self._look = look

    def append(self, event: Any) -> None:
        super().append(event)
        if isinstance(event, SessionStateChanged) and event.is_connection_established:
            self._look()


def test_a_store_that_hangs_holds_up_neither_ready_nor_others() -> None:
    with Stage() as stage:
        other = stage.connected(character_id="porter")
        actor = stage.actor(policy=policy(resume_policy=ResumePolicy.ALWAYS_FRESH))
        stage.worker.is_hanging = True
        stage.do(actor.runner.feed, ConnectRequested())
        stage.until_state(actor, SessionState.CONNECTED, within=31.0)
        assert actor.view.error.code == "persistence.slow"
        assert not actor.view.supports_session_persistence
        assert other.states == "CONNECTING CONNECTED"


def test_a_drop_is_recorded_with_its_wall_clock_time() -> None:
    with Stage() as stage:
        actor = stage.connected()
        stage.service.kill()
        stage.until_state(actor, SessionState.RECONNECTING)
        stage.run_for(0.1)
        record = stage.persistence.load("nurse")
        assert record is not None and record.dropped_at is not None
        assert record.dropped_at == pytest.approx(stage.wall + stage.loop.time(), abs=0.2)


def test_a_restarted_process_rejoins_the_room_it_was_torn_from() -> None:
    with Stage() as stage:
        stage.connected()
        room = stage.service.last.grant.room_name
        again = stage.connected()  # the first one was killed: nothing was closed, nothing stored
        assert stage.service.requests[-1].room_name == room
        assert again.view.resume.outcome is ResumeOutcome.REJOINED


def test_a_record_names_the_endpoint_and_never_the_key() -> None:
    with Stage() as stage:
        stage.connected(endpoint="https://x", api_key="top-secret")
        record = stage.persistence.load("nurse")
        assert record is not None and record.endpoint_id.startswith("https://x#")
        assert "top-secret" not in str(record)


def test_a_session_is_not_resumed_with_another_key() -> None:
    with Stage() as stage:
        first = stage.connected(endpoint="https://x", api_key="one")
        stage.do(first.runner.feed, DisconnectRequested())
        stage.until_state(first, SessionState.DISCONNECTED)
        stage.connected(endpoint="https://x", api_key="two")
        assert stage.service.requests[-1].character_session_id is None


def test_a_disconnect_keeps_or_clears_the_record_as_persist_says() -> None:
    for persist, is_kept in ((Persist.ACROSS_RESTARTS, True), (Persist.UNTIL_DISCONNECT, False)):
        with Stage() as stage:
            actor = stage.connected(persist=persist)
            stage.do(actor.runner.feed, DisconnectRequested())
            stage.loop.run(actor.runner.at_rest())
            assert (stage.persistence.load("nurse") is not None) is is_kept


def test_forgetting_right_after_a_disconnect_leaves_no_record() -> None:
    with Stage() as stage:
        actor = stage.connected()
        stage.do(actor.runner.feed, DisconnectRequested())
        stage.do(actor.runner.feed, ForgetRequested())
        stage.loop.run(actor.runner.at_rest())
        assert stage.persistence.load("nurse") is None


def test_the_error_of_a_store_that_raises_comes_with_the_connection() -> None:
    class Broken:
        def load(self, key: str) -> SessionRecord | None:
            return None

        def store(self, key: str, record: SessionRecord) -> None:
            raise PersistenceError("the disk is full")

        def clear(self, key: str) -> None:
            raise PersistenceError("the disk is full")

        def all(self) -> dict[str, SessionRecord]:
            return {}

    with Stage(Broken()) as stage:
        actor = stage.connected()
        assert actor.view.error.code == "persistence.unavailable"


# --- the microphone ---------------------------------------------------------------------------


def test_no_frame_passes_before_ready_and_delay() -> None:
    with Stage() as stage:
        actor = stage.connected()
        ready_at = actor.view.microphone.ready_at
        while stage.loop.time() < ready_at + 1.0:
            actor.conversation.offer_audio(PCM, stage.loop.time())
            stage.run_for(FRAME)
        stamps = [timestamp for _, timestamp in stage.service.last.audio]
        assert min(stamps) >= 0.5 and len(stamps) > 20
        assert actor.view.microphone.frames_sent == len(stamps)
        assert actor.view.microphone.frames_before_open == 0


def test_a_frame_that_began_before_the_gate_opened_is_refused() -> None:
    with Stage() as stage:
        actor = stage.connected()
        stage.until(lambda: actor.view.microphone.is_open)
        opened_at = actor.view.microphone.opened_at
        assert not actor.conversation.offer_audio(PCM, opened_at + FRAME / 2)
        assert actor.conversation.offer_audio(PCM, opened_at + FRAME)


def test_only_a_session_that_connects_or_is_about_to_listen_gets_ready() -> None:
    with Stage() as stage:
        actor = stage.actor()
        assert not actor.conversation.is_getting_ready
        stage.do(actor.runner.feed, ConnectRequested())
        assert actor.conversation.is_getting_ready
        stage.until(lambda: actor.view.microphone.is_open)
        stage.do(actor.runner.feed, DisconnectRequested())
        stage.until_state(actor, SessionState.DISCONNECTED)
        assert not actor.conversation.is_getting_ready


def test_kept_words_are_stamped_from_the_opening_on_and_live_ones_behind_them() -> None:
    with Stage() as stage:
        actor = stage.connected()
        assert actor.conversation.is_getting_ready and not actor.conversation.offer_kept(PCM)
        stage.until(lambda: actor.view.microphone.is_open)
        assert actor.conversation.is_listening and not actor.conversation.is_getting_ready
        for _ in range(50):
            assert actor.conversation.offer_kept(PCM)
        stage.run_for(2 * FRAME)
        for _ in range(2):
            assert actor.conversation.offer_audio(PCM, stage.loop.time())
            stage.run_for(FRAME)
        stamps = [timestamp for _, timestamp in stage.service.last.audio]
        assert stamps == pytest.approx([0.5 + FRAME * n for n in range(52)])
        assert actor.view.microphone.frames_before_open == 0


def test_a_timer_that_fires_a_tick_early_opens_the_gate_no_earlier() -> None:
    with Stage() as stage:
        actor = stage.connected()
        due = actor.session.machine.due(Timer.MICROPHONE)
        assert due is not None
        stage.do(actor.runner._fire, Timer.MICROPHONE, due)
        assert actor.view.microphone.opened_at == due


def test_the_meter_counts_what_the_gate_should_not_have_let_through() -> None:
    with Stage() as stage:
        actor = stage.connected(policy=policy(auto_mic_start_delay_seconds=1.0))
        stage.run_for(0.7)
        actor.session.meter.count(stage.loop.time())  # past the gate
        assert actor.session.gate.view.frames_before_open == 1


def test_after_a_shorter_delay_no_frame_counts_as_early() -> None:
    with Stage() as stage:
        actor = stage.connected(policy=policy(auto_mic_start_delay_seconds=5.0))
        stage.do(actor.runner.feed, PolicyChanged(policy(auto_mic_start_delay_seconds=0.2)))
        stage.run_for(0.3)
        assert actor.conversation.offer_audio(PCM, stage.loop.time())
        assert actor.view.microphone.frames_before_open == 0


def test_a_loss_closes_the_gate_until_ready_and_delay_of_the_next_connection() -> None:
    with Stage() as stage:
        actor = stage.connected()
        stage.run_for(1.0)
        stage.service.last.drop()
        stage.until(lambda: actor.states.endswith("RECONNECTING CONNECTED"))
        assert not actor.conversation.offer_audio(PCM, stage.loop.time())
        assert actor.view.microphone.opened_at is None
        stage.run_for(0.6)
        assert actor.conversation.offer_audio(PCM, stage.loop.time())


def test_the_counts_of_the_microphone_go_on_over_connections() -> None:
    with Stage() as stage:
        actor = stage.connected()
        for _ in range(2):
            stage.run_for(1.0)
            actor.conversation.offer_audio(PCM, stage.loop.time())
            stage.service.last.drop()
            stage.until(lambda: actor.state is SessionState.CONNECTED)
            stage.run_for(6.0)
        assert actor.view.microphone.frames_sent == 2


# --- the rest ---------------------------------------------------------------------------------


def test_the_line_can_be_cut_and_is_made_again() -> None:
    with Stage() as stage:
        actor = stage.connected()
        stage.do(actor.runner.cut)
        stage.until(lambda: actor.states.endswith("RECONNECTING CONNECTED"))


def test_a_black_hole_is_noticed_and_healed() -> None:
    with Stage() as stage:
        actor = stage.connected()
        stage.do(actor.runner.simulated_link.set, NetworkConditions(is_black_hole=True))
        assert stage.until_state(actor, SessionState.RECONNECTING) <= 2.51
        stage.run_for(1.0)
        assert actor.state is SessionState.RECONNECTING
        stage.do(actor.runner.simulated_link.set, NetworkConditions.CALM)
        stage.until_state(actor, SessionState.CONNECTED)


def test_messages_go_out_while_connected_only() -> None:
    with Stage() as stage:
        actor = stage.connected()
        stage.do(actor.conversation.send, InterruptBot())
        assert stage.service.last.sent == [InterruptBot()]
        stage.do(actor.runner.feed, DisconnectRequested())
        stage.do(actor.conversation.send, KillPipeline())
        assert "kill-pipeline" in str(actor.events[-1])


def test_a_line_that_takes_no_more_is_given_up_and_the_text_is_not_lost_silently() -> None:
    with Stage() as stage:
        actor = stage.connected()
        stage.service.last.overflows = True
        stage.do(actor.conversation.send_text, "hello")
        assert "hello" in str(actor.events)
        stage.until(lambda: actor.states.endswith("RECONNECTING CONNECTED"))


def test_the_timeline_keeps_the_last_fifty_changes() -> None:
    with Stage() as stage:
        actor = stage.connected()
        for _ in range(30):
            stage.service.last.drop()
            stage.until(lambda: actor.state is SessionState.CONNECTED and stage.service.live)
            stage.run_for(6.0)
        assert len(actor.view.timeline) == 50
        assert actor.view.timeline[-1].is_reconnection_successful


ADA = SessionConfig("nurse", actions=("wave",), player_name="Ada", persona="a.toml")


def changed(**fields: Any) -> SessionConfig:
    return replace(ADA, **fields)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("character_id", "porter"),
        ("session_key", "twin"),
        ("endpoint", "https://example.org"),
        ("endpoint_id", "elsewhere"),
        ("api_key", "k"),
        ("end_user_id", "bob"),
        ("local_user_id", "another-pc"),
    ],
)
def test_who_it_is_and_where_make_another_session(field: str, value: str) -> None:
    assert is_another_session(ADA, changed(**{field: value}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("policy", ReconnectPolicy.PATIENT),
        ("persist", Persist.UNTIL_DISCONNECT),
        ("actions", ("wave", "nod")),
        ("player_name", "Bob"),
        ("others", ("Bram",)),
        ("respond_mode", RespondMode.MANUAL),
    ],
)
def test_what_can_be_sent_or_is_ours_needs_no_new_connection(field: str, value: Any) -> None:
    assert not is_another_session(ADA, changed(**{field: value}))
    assert not needs_new_connection(ADA, changed(**{field: value}))


def test_a_persona_and_actions_that_are_taken_away_need_a_new_connection() -> None:
    assert needs_new_connection(ADA, changed(persona="b.toml"))
    assert needs_new_connection(ADA, changed(actions=()))
    assert not needs_new_connection(changed(actions=()), ADA)


def test_only_what_the_room_does_not_know_is_sent() -> None:
    assert messages_for_changes(ADA, changed(policy=ReconnectPolicy.PATIENT)) == ()
    assert messages_for_changes(ADA, changed(actions=("nod",), player_name="Bob")) == (
        ContextUpdate(run_llm="false", action_config={"actions": ["nod"]}),
        UpdateTemplateKeys({"player_name": "Bob"}),
    )
    crowd = changed(others=("Bram", "Dr. Varga"))
    assert messages_for_changes(ADA, crowd) == (UpdateTemplateKeys({"others": "Bram, Dr. Varga"}),)
    assert messages_for_changes(crowd, ADA) == (UpdateTemplateKeys({"others": ""}),)


# --- a session on virtual time ------------------------------------------------------------------


def connected_ada(stage: Stage, config: SessionConfig = ADA) -> Actor:
    return stage.connected(**{field.name: getattr(config, field.name) for field in fields(config)})


def told(stage: Stage, kind: type[ClientMessage]) -> list[ClientMessage]:
    return [message for message in stage.service.last.sent if isinstance(message, kind)]


def test_the_player_and_the_actions_are_sent_when_the_room_is_made() -> None:
    with Stage() as stage:
        connected_ada(stage)
        assert stage.service.requests[0].narrative_template_keys == {"player_name": "Ada"}
        assert stage.service.last.sent == []


def test_new_actions_reach_the_open_room() -> None:
    with Stage() as stage:
        actor = connected_ada(stage)
        stage.do(actor.runner.reconfigure, changed(actions=("wave", "nod")))
        (update,) = told(stage, ContextUpdate)
        assert isinstance(update, ContextUpdate)
        assert update.action_config == {"actions": ["wave", "nod"]}
        assert actor.states == "CONNECTING CONNECTED"


def test_what_changed_during_an_outage_is_sent_to_the_room_that_lived_on() -> None:
    with Stage() as stage:
        actor = connected_ada(stage)
        stage.service.last.drop()
        stage.until_state(actor, SessionState.RECONNECTING)
        stage.do(actor.runner.reconfigure, changed(player_name="Bob"))
        stage.until_state(actor, SessionState.CONNECTED)
        stage.run_for(0.1)
        assert stage.service.requests[-1].mode == "join"
        assert told(stage, UpdateTemplateKeys) == [UpdateTemplateKeys({"player_name": "Bob"})]


def test_another_persona_is_a_new_connection_that_resumes_the_talk() -> None:
    with Stage() as stage:
        actor = connected_ada(stage)
        session_id = actor.view.session_id
        stage.do(actor.runner.reconfigure, changed(persona="b.toml"))
        stage.until(lambda: actor.states.endswith("DISCONNECTED CONNECTING CONNECTED"))
        request = stage.service.requests[-1]
        assert (request.mode, request.persona) == ("create", "b.toml")
        assert actor.view.session_id == session_id
        assert actor.view.resume.outcome is ResumeOutcome.RESUMED


def test_a_new_policy_and_persist_reach_the_machine_and_send_nothing() -> None:
    with Stage() as stage:
        actor = connected_ada(stage)
        new = changed(policy=ReconnectPolicy.PATIENT, persist=Persist.UNTIL_DISCONNECT)
        stage.do(actor.runner.reconfigure, new)
        assert actor.session.machine.policy == ReconnectPolicy.PATIENT
        stage.do(actor.runner.feed, DisconnectRequested())
        stage.until_state(actor, SessionState.DISCONNECTED)
        assert stage.persistence.load("nurse") is None
        assert stage.service.last.sent == []


def test_settings_that_do_not_change_do_nothing() -> None:
    with Stage() as stage:
        actor = connected_ada(stage)
        stage.do(actor.runner.reconfigure, changed())
        stage.run_for(0.1)
        assert actor.states == "CONNECTING CONNECTED"
        assert stage.service.last.sent == []


def nurse(stage: Stage) -> OpenSession:
    return OpenSession(SessionConfig("nurse", endpoint_id="home"), stage.context)


def events_of(stage: Stage, *commands: LoadRecord | StoreRecord | ClearRecord) -> list[Event]:
    events: list[Event] = []
    records = RecordStore(nurse(stage), events.append)

    async def order() -> None:
        for command in commands:
            records.perform(command)
        await records.settled()

    stage.loop.run(order())
    return events


def test_a_clear_that_failed_is_made_up_for_before_anything_is_read() -> None:
    with Stage() as stage:
        events: list[Event] = []
        records = RecordStore(nurse(stage), events.append)
        stage.persistence.store("nurse", SessionRecord("id-1"))
        stage.worker.is_failing = True
        stage.loop.call_soon(records.perform, ClearRecord())
        stage.run_for(0.1)
        stage.worker.is_failing = False
        stage.loop.call_soon(records.perform, LoadRecord(1))
        stage.run_for(0.1)
        assert events == [RecordLoaded(1, None)]
        assert stage.persistence.load("nurse") is None


class Refusing(KeyValueSessionPersistence):
    """A store that says why it can do nothing."""

    def load(self, key: str) -> SessionRecord | None:
        raise PersistenceError("The disk is full. Free some space.")

    def store(self, key: str, record: SessionRecord) -> None:
        self.load(key)

    def clear(self, key: str) -> None:
        self.load(key)


@pytest.mark.parametrize(
    ("order", "done"),
    [
        (LoadRecord(1), "read"),
        (StoreRecord(1, "id-1", None), "stored"),
        (ClearRecord(), "cleared"),
    ],
)
def test_a_store_that_says_why_it_fails_is_told_in_a_sentence(
    order: LoadRecord | StoreRecord | ClearRecord, done: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Stage(Refusing(MemoryStore())) as stage:
        records = RecordStore(nurse(stage), lambda event: None)
        stage.loop.call_soon(records.perform, order)
        stage.run_for(0.1)
    (told,) = [record for record in caplog.records if done in record.getMessage()]
    assert told.getMessage() == f"nurse could not be {done}: The disk is full. Free some space."
    assert not told.exc_info


def test_it_is_known_when_the_record_was_stored_over_restarts_too() -> None:
    with Stage() as stage:
        session = nurse(stage)
        records = RecordStore(session, lambda event: None)
        now, wall = stage.context.clock, stage.context.wall_clock
        stage.persistence.store("nurse", SessionRecord("id-1", saved_at=wall() - 60.0))
        stage.loop.call_soon(records.perform, LoadRecord(1))
        stage.run_for(0.1)
        assert session.stored_at == pytest.approx(now() - 60.1, abs=0.05)
        stage.loop.call_soon(records.perform, StoreRecord(1, "id-1", None))
        stage.run_for(0.1)
        assert session.stored_at == pytest.approx(now() - 0.1, abs=0.05)
        stage.loop.call_soon(records.perform, ClearRecord())
        stage.run_for(0.1)
        assert session.stored_at is None


class Broken:
    """A store that cannot do anything."""

    def load(self, key: str) -> SessionRecord | None:
        raise OSError("no")

    def store(self, key: str, record: SessionRecord) -> None:
        raise OSError("no")

    def clear(self, key: str) -> None:
        raise OSError("no")

    def all(self) -> dict[str, SessionRecord]:
        raise OSError("no")


def test_what_was_stored_is_loaded_with_its_age() -> None:
    with Stage() as stage:
        events_of(stage, StoreRecord(1, "id-1", "room-1", is_dropped=True))
        stage.run_for(30.0)
        (event,) = events_of(stage, LoadRecord(2))
        assert isinstance(event, RecordLoaded) and event.record is not None
        assert round(event.room_age) == 30
        assert (event.record.session_id, event.record.endpoint_id) == ("id-1", "home")


def test_a_room_that_was_never_dropped_has_no_age() -> None:
    with Stage() as stage:
        events_of(stage, StoreRecord(1, "id-1", "room-1"))
        stage.run_for(3000.0)
        (event,) = events_of(stage, LoadRecord(2))
        assert isinstance(event, RecordLoaded) and event.room_age == 0.0


def test_orders_are_carried_out_in_their_order() -> None:
    with Stage() as stage:
        events_of(stage, StoreRecord(1, "id-1", None), StoreRecord(1, "id-2", None), ClearRecord())
        assert stage.persistence.load("nurse") is None
        events_of(stage, ClearRecord(), StoreRecord(1, "id-3", None))
        record = stage.persistence.load("nurse")
        assert record is not None and record.session_id == "id-3"


def test_a_stored_record_is_confirmed_with_its_epoch() -> None:
    with Stage() as stage:
        assert events_of(stage, StoreRecord(7, "id-1", None)) == [RecordStored(7)]


def test_a_store_that_fails_says_so_with_its_code() -> None:
    with Stage(Broken()) as stage:
        load, store = events_of(stage, LoadRecord(1), StoreRecord(1, "id-1", None))
        assert isinstance(load, RecordLoadFailed) and isinstance(store, RecordStoreFailed)
        assert load.failure.code == store.failure.code == "persistence.unavailable"
        assert events_of(stage, ClearRecord()) == []


def test_what_is_stored_and_forgotten_is_known_without_asking_the_store() -> None:
    with Stage() as stage:
        keys = stage.context.stored_keys
        actor = stage.connected()
        assert keys.has("nurse")
        stage.do(actor.runner.feed, ForgetRequested())
        stage.until(lambda: not keys.has("nurse"))


class Recording(SessionRunner):
    """Remembers the events instead of feeding a machine."""

    fed: list[Event]

    def feed(self, event: Event) -> None:
        self.fed.append(event)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


@pytest.fixture
def timers(stage: Stage) -> Recording:
    runner = Recording(SessionConfig("nurse"), stage.context)
    runner.fed = []
    return runner


def test_a_timer_fires_once_and_a_new_start_counts_alone(stage: Stage, timers: Recording) -> None:
    now = stage.loop.time()
    stage.do(timers._start_timer, StartTimer(Timer.RETRY, now + 1.0))
    stage.do(timers._start_timer, StartTimer(Timer.RETRY, now + 2.0))
    stage.run_for(3.0)
    assert timers.fed == [TimerFired(Timer.RETRY, now + 2.0, stage.chance)]
    assert not timers.is_leaking


def test_a_timer_that_was_cancelled_or_disposed_of_does_not_fire(
    stage: Stage, timers: Recording
) -> None:
    for timer in (Timer.RETRY, Timer.READY):
        stage.do(timers._start_timer, StartTimer(timer, stage.loop.time() + 1.0))
    stage.do(timers._cancel_timer, CancelTimer(Timer.RETRY))
    stage.do(timers.dispose)
    stage.run_for(2.0)
    assert timers.fed == []
