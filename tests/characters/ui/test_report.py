from __future__ import annotations

from characters.english import ENGLISH as EN
from characters.protocol.failures import failure
from characters.protocol.messages import BotLlmText, BotReady, ModelUsage
from characters.session.conversation import MicrophoneView, SessionState, TurnStage
from characters.session.policy import ReconnectPolicy
from characters.ui.model import Actor
from characters.ui.report import EventLog, line, policy_name, rows, timeline
from engine.core.events import Signal
from tests.characters.ui.helpers import NOW, actor, view
from tests.characters.ui.helpers import timeline as talk

S = SessionState


def row(shown: Actor, label: str) -> str:
    return next(row.value for row in rows(EN, shown, NOW) if row.label == label)


def test_an_id_is_shown_by_its_first_letters_only() -> None:
    assert row(actor(), "Session id") == "9f3c…, not stored"
    assert "9f3c27aa81" not in str(rows(EN, actor(), NOW))


def test_a_stored_id_tells_its_age() -> None:
    assert row(actor(stored_at=NOW - 720), "Session id") == "9f3c…, stored 12 min ago"
    assert row(actor(supports_session_persistence=True), "Session id") == "9f3c…, stored"
    assert row(actor(session_id=None, stored_at=NOW), "Session id") == "none"


def test_the_last_answer_is_shown_stage_by_stage() -> None:
    stages = (TurnStage("first word", 0.124), TurnStage("over", 2.0))
    assert row(actor(stages=stages), "Last answer") == "first word 0.12 s, over 2.00 s"
    assert row(actor(), "Last answer") == "none yet"


def test_what_a_models_answers_took_is_shown_of_the_last_one_and_of_the_session() -> None:
    usage = ModelUsage("llama3.2", 812, 34, 0.42, 1.87, 9_001, 677, 12)
    shown = row(actor(usage=usage, model="llama3.2"), EN("inspector.model"))
    assert all(figure in shown for figure in ("812", "34", "0.42", "1.9", "9001", "677"))
    assert row(actor(model=""), EN("inspector.model")) == EN("inspector.script")


def test_the_state_tells_attempt_and_wait() -> None:
    waits = actor(state=S.RECONNECTING, attempt=2, max_attempts=3, next_retry_at=NOW + 1.5)
    assert row(waits, "State") == "RECONNECTING 2/3, next try in 2 s"
    assert row(actor(), "State") == "CONNECTED for 1 min"


def test_a_preset_is_called_by_its_name() -> None:
    assert policy_name(ReconnectPolicy.PATIENT) == "patient"
    assert policy_name(ReconnectPolicy(max_reconnect_attempts=7)) == "own"


def test_a_policy_without_a_limit_says_so() -> None:
    assert row(actor(policy=ReconnectPolicy.PATIENT), "Retries").startswith("no limit of attempts")
    assert row(actor(), "Retries").startswith("3 attempts")


def test_the_gate_tells_when_the_microphone_opened() -> None:
    opened = MicrophoneView(NOW - 10, NOW - 9, 212, 0, True)
    assert (
        row(actor(microphone=opened), "Microphone") == "open 1.00 s after ready, 212 sent, 0 early"
    )
    waits = actor(microphone=MicrophoneView(ready_at=NOW - 0.2))
    assert row(waits, "Microphone") == "opens in 0.3 s"
    assert row(actor(), "Microphone") == "closed; opens 0.5 s after ready"


def test_an_error_is_named_by_its_code() -> None:
    failed = actor(state=S.ERROR, error=failure("session.resume_refused"))
    assert row(failed, "Error") == "session.resume_refused"
    assert "ALWAYS_RESUME" in row(failed, "Advice")


def test_the_timeline_goes_back_from_now_with_reasons() -> None:
    newest, cut, *_ = timeline(EN, view(timeline=talk()), NOW)
    assert (newest.when, newest.state, newest.why) == (
        "-18 s",
        S.CONNECTED,
        "rejoined, nothing lost",
    )
    assert (cut.state, cut.why) == (S.RECONNECTING, "nothing came from the server in time")


def test_the_heartbeat_shows_the_round_trip() -> None:
    assert row(actor(), "Heartbeat") == "2.1 ms, every 1 s"
    assert row(actor(round_trip_seconds=None), "Heartbeat") == "no answer yet, every 1 s"


def test_what_is_only_true_while_connected_is_not_said_of_the_others() -> None:
    failed = actor(state=S.ERROR, microphone=MicrophoneView(ready_at=NOW - 60))
    assert row(failed, "Heartbeat") == "none now; every 1 s while connected"
    assert row(failed, "Microphone") == "closed; opens 0.5 s after ready"


def test_the_journal_keeps_sizes_and_no_words() -> None:
    assert line(BotLlmText(text="secret words")) == ("bot-llm-text", 12)


def test_changes_of_state_stand_in_the_timeline_not_here() -> None:
    assert line(talk()[0]) is None


def test_each_character_has_lines_of_its_own() -> None:
    event_log, ada, bob = EventLog(), Signal[object](), Signal[object]()
    event_log.follow("ada", ada)
    event_log.follow("bob", bob)
    ada.emit(BotReady())
    assert (event_log.lines(EN, "ada"), event_log.lines(EN, "bob")) == (
        ("bot-ready",),
        (),
    )


def test_following_twice_writes_once() -> None:
    event_log, events = EventLog(), Signal[object]()
    event_log.follow("ada", events)
    event_log.follow("ada", events)
    events.emit(BotReady())
    assert event_log.lines(EN, "ada") == ("bot-ready",)


def test_another_signal_under_the_key_takes_the_place_of_the_first() -> None:
    event_log, old, new = EventLog(), Signal[object](), Signal[object]()
    event_log.follow("ada", old)
    event_log.follow("ada", new)
    old.emit(BotReady())
    assert event_log.lines(EN, "ada") == ()


def test_only_the_last_lines_are_kept() -> None:
    event_log, events = EventLog(), Signal[object]()
    event_log.follow("ada", events)
    for number in range(50):
        events.emit(BotLlmText(text="a" * number))
    assert len(event_log.lines(EN, "ada")) == 12


def test_what_comes_again_and_again_is_counted() -> None:
    event_log, events = EventLog(), Signal[object]()
    event_log.follow("ada", events)
    for _ in range(50):
        events.emit(BotReady())
    assert event_log.lines(EN, "ada") == ("bot-ready, 50 times",)


def test_a_closed_journal_hears_nothing() -> None:
    heard, events = list[str](), Signal[object]()
    event_log = EventLog(lambda key, event: heard.append(key))
    event_log.follow("ada", events)
    events.emit(BotReady())
    event_log.close()
    events.emit(BotReady())
    assert heard == ["ada"]
