from __future__ import annotations

from pathlib import Path

import pytest

from characters.client.voice_input import VoiceInputStatus
from characters.protocol.failures import FAILURES, classify_http, failure
from characters.protocol.network_conditions import NetworkConditions
from characters.protocol.turn_settings import ListeningMode
from characters.session.conversation import (
    DialogueState,
    FreshReason,
    Resume,
    ResumeOutcome,
    SessionState,
    SessionView,
)
from characters.ui.model import Caption, FaultState
from characters.ui.words import (
    RECEIPT_SECONDS,
    Shape,
    Tone,
    ago,
    badge,
    badge_until,
    banner,
    edited,
    failure_title,
    fault_lines,
    is_open_elsewhere,
    microphone,
    network_words,
    origin_words,
    player_words,
    receipt,
    resume_words,
    speaker,
)
from engine.scenes.editor import Edit
from engine.scenes.file import FieldRow
from tests.characters.ui.helpers import EN, NOW, actor, model, view

S, D = SessionState, DialogueState


def test_each_state_has_a_shape_and_a_word_of_its_own() -> None:
    said = [badge(EN, view(state), NOW) for state in S]
    assert len({words.shape for words in said}) == len(S)
    assert len({words.word for words in said}) == len(S)


def test_a_character_that_has_left_its_room_is_not_called_ready() -> None:
    assert badge(EN, view(S.CONNECTED, has_agent=False), NOW).word == "away: press R to call"


@pytest.mark.parametrize(
    ("dialogue", "shape", "word"),
    [
        (D.IDLE, Shape.CHECK, "ready"),
        (D.LISTENING, Shape.WAVES, "listening"),
        (D.THINKING, Shape.DOTS, "thinking"),
        (D.SPEAKING, Shape.BARS, "speaking"),
        (D.INTERRUPTED, Shape.DOTS, "interrupted"),
    ],
)
def test_somebody_connected_shows_what_goes_on(
    dialogue: DialogueState, shape: Shape, word: str
) -> None:
    said = badge(EN, view(dialogue=dialogue), NOW)
    assert (said.shape, said.word, said.tone) == (shape, word, Tone.GOOD)


def test_a_talk_that_another_game_took_over_says_which_key_takes_it_back() -> None:
    lost = view(S.DISCONNECTED, error=failure("session.taken_over"))
    assert badge(EN, lost, NOW).word == "in another game: press V"
    ended = view(S.DISCONNECTED, error=failure("session.ended"))
    assert badge(EN, ended, NOW) == badge(EN, view(S.DISCONNECTED), NOW)


def test_a_reconnect_counts_attempts_and_seconds() -> None:
    waits = view(
        S.RECONNECTING,
        attempt=2,
        max_attempts=3,
        next_retry_at=NOW + 2.1,
        retry_wait_seconds=4.0,
    )
    assert badge(EN, waits, NOW).word == "reconnecting 2/3, 3 s"
    assert badge(EN, waits, NOW).ring == pytest.approx(0.525, abs=0.05)


def test_while_a_try_runs_there_is_no_countdown() -> None:
    tries = view(S.RECONNECTING, attempt=2, max_attempts=3, next_retry_at=NOW - 1)
    assert (badge(EN, tries, NOW).word, badge(EN, tries, NOW).ring) == (
        "reconnecting 2/3",
        None,
    )


@pytest.mark.parametrize("wait", [0.5, 4.0, 60.0])
def test_the_ring_is_full_when_a_wait_begins_however_long_it_is(wait: float) -> None:
    waits = view(S.RECONNECTING, attempt=2, next_retry_at=NOW + wait, retry_wait_seconds=wait)
    assert badge(EN, waits, NOW).ring == 1.0
    assert badge(EN, waits, NOW + wait / 2).ring == pytest.approx(0.5, abs=0.05)


def test_a_patient_policy_has_no_number_to_count_to() -> None:
    assert badge(EN, view(S.RECONNECTING, attempt=14), NOW).word == "reconnecting 14"


def test_the_first_connect_is_not_called_an_attempt() -> None:
    assert badge(EN, view(S.CONNECTING, attempt=1, max_attempts=3), NOW).word == "connecting"
    assert badge(EN, view(S.CONNECTING, attempt=2, max_attempts=3), NOW).word == "connecting 2/3"


def test_one_who_hibernates_is_not_called_lost() -> None:
    assert badge(EN, view(S.DISCONNECTED, is_hibernating=True), NOW).word == "resting: come near"


@pytest.mark.parametrize(
    ("resume", "words"),
    [
        (Resume(ResumeOutcome.REJOINED), "rejoined, nothing lost"),
        (Resume(ResumeOutcome.RESUMED, None, 720.0), "remembers you, 12 min ago"),
        (Resume(ResumeOutcome.RESUMED), "remembers you"),
        (
            Resume(ResumeOutcome.FRESH, FreshReason.EXPIRED),
            "starts fresh: the saved session expired",
        ),
        (Resume(ResumeOutcome.FRESH, FreshReason.NO_STORED_ID), "meets you for the first time"),
        (Resume(ResumeOutcome.FRESH), "starts fresh"),
    ],
)
def test_the_receipt_says_what_a_connection_restored(resume: Resume, words: str) -> None:
    assert resume_words(EN, resume) == words


@pytest.mark.parametrize("reason", FreshReason)
def test_every_reason_to_start_fresh_has_words(reason: FreshReason) -> None:
    assert resume_words(EN, Resume(ResumeOutcome.FRESH, reason))


@pytest.mark.parametrize(
    "shown",
    [
        view(),
        view(resume=Resume(ResumeOutcome.REJOINED), connected_at=NOW - 2),
        view(has_agent=False),
        view(S.RECONNECTING, next_retry_at=NOW + 3, retry_wait_seconds=4.0),
        view(S.DISCONNECTED),
    ],
)
def test_a_badge_is_kept_for_as_long_as_it_says_the_same(shown: SessionView) -> None:
    until = badge_until(shown, NOW)
    same = [at for at in (NOW + tick / 4 for tick in range(40)) if at < until]
    assert {(badge(EN, shown, at), receipt(EN, shown, at)) for at in same} <= {
        (badge(EN, shown, NOW), receipt(EN, shown, NOW))
    }
    assert bool(same) == (shown.state is S.CONNECTED and shown.has_agent)


def test_a_receipt_is_shown_for_a_while_after_the_connect() -> None:
    fresh = view(resume=Resume(ResumeOutcome.REJOINED), connected_at=NOW)
    assert receipt(EN, fresh, NOW + 1) == "rejoined, nothing lost"
    assert receipt(EN, fresh, NOW + RECEIPT_SECONDS + 0.1) is None
    assert receipt(EN, view(S.RECONNECTING), NOW) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 s"), (59, "59 s"), (60, "1 min"), (720, "12 min"), (7200, "2 h"), (400000, "5 days")],
)
def test_times_are_said_as_people_say_them(seconds: float, words: str) -> None:
    assert ago(EN, seconds) == words


def test_the_indicator_names_who_hears_the_player() -> None:
    mic = VoiceInputStatus(is_open=True, target="ada")
    shown = model(actor("Ada", is_target=True), voice=mic)
    assert microphone(shown).title == "Ada hears you"


def test_a_sentence_that_stays_with_whom_it_began_with_names_that_one() -> None:
    both = actor("Ada"), actor("Bob", is_target=True)
    mic = VoiceInputStatus(is_open=True, target="ada")
    assert microphone(model(*both, voice=mic)).title == "Ada hears you"
    kept = VoiceInputStatus(kept_seconds=0.4, target="ada")
    assert microphone(model(*both, voice=kept)).detail == "Ada hears it when ready"
    assert microphone(model(both[1], voice=mic)).title == "ada hears you"  # who is far away


def test_a_muted_microphone_says_so_above_all() -> None:
    mic = VoiceInputStatus(muted=True, is_open=True)
    said = microphone(model(actor("Ada", is_target=True), voice=mic))
    assert (said.title, said.is_crossed) == ("Muted", True)


def test_a_closed_microphone_never_claims_to_be_heard() -> None:
    near = microphone(model(actor("Ada", is_target=True)))
    alone = microphone(model(actor("Ada")))
    assert (near.title, near.detail) == ("Microphone closed", "hold T to talk to Ada")
    hands_free = VoiceInputStatus(mode=ListeningMode.HANDS_FREE)
    free = microphone(model(actor("Ada", is_target=True), voice=hands_free))
    assert (free.title, free.detail) == ("Microphone closed", "press T to let Ada hear you")
    assert (alone.title, alone.detail) == ("Microphone closed", "walk up to somebody")


def test_whoever_presses_the_key_is_not_told_to_hold_it() -> None:
    shown = model(actor("Ada", is_target=True), is_toggled=True)
    assert microphone(shown).detail == "press T to talk to Ada"
    talking = VoiceInputStatus(is_open=True, target="ada")
    shown = model(actor("Ada", is_target=True), voice=talking, is_toggled=True)
    assert microphone(shown).detail == "press T when you are done"


def test_words_that_are_kept_are_not_said_to_be_heard() -> None:
    mic = VoiceInputStatus(kept_seconds=0.4, target="ada")
    shown = model(actor("Ada", is_target=True), voice=mic)
    said = microphone(shown)
    assert (said.title, said.detail) == ("Your first words are kept", "Ada hears it when ready")


def test_a_problem_is_passed_on_with_the_way_around_it() -> None:
    said = microphone(model(voice=VoiceInputStatus(problem="No microphone was found.")))
    assert (said.title, said.detail) == ("No microphone: typing works", "No microphone was found.")


def test_the_banner_never_claims_that_a_remote_talk_stays_here() -> None:
    assert banner(model()) == "Nothing leaves this machine."
    elsewhere = {"live.example.com": ("talk",)}
    assert banner(model(ways_out=elsewhere, is_generated=True)) == (
        "Talk goes to live.example.com. Replies are generated."
    )


def test_the_banner_names_every_host_with_what_goes_there() -> None:
    ways = {"api.example.com": ("model", "synthesis"), "ears.example.org": ("recognition",)}
    assert banner(model(ways_out=ways, is_generated=True)) == (
        "Talk goes to api.example.com (language model, speech synthesis), "
        "ears.example.org (speech recognition). Replies are generated."
    )


def test_the_banner_does_not_call_a_script_generated() -> None:
    assert banner(model(is_generated=False)) == "Nothing leaves this machine. Replies are scripted."


def test_the_title_of_an_error_tells_what_the_player_lost() -> None:
    refused = view(S.ERROR, error=failure("session.resume_refused"))
    unknown = view(S.ERROR, error=failure("connection.character_not_found"))
    assert failure_title(EN, ["Ada"], refused, are_all=True) == "Ada cannot go on where you stopped"
    assert failure_title(EN, ["Ada"], unknown, are_all=True) == "Ada could not be reached"
    assert failure_title(EN, ["Ada"], view(S.ERROR), are_all=False) == "Ada lost the connection"


def test_weather_is_said_in_words() -> None:
    assert network_words(EN, NetworkConditions.CALM) == "calm"
    assert network_words(EN, NetworkConditions(0.4, 16_000)) == "0.4 s late, 16 KB/s"
    assert network_words(EN, NetworkConditions(is_black_hole=True)) == "black hole"
    assert network_words(EN, None) == "not the same for all"


def test_what_is_broken_stands_below_the_buttons() -> None:
    state = FaultState(True, False, NetworkConditions(0.4), is_unplugged=True)
    assert [words for words, _ in fault_lines(EN, state)] == [
        "Line: 0.4 s late",
        "The microphone is unplugged.",
        "The service is down.",
    ]


def test_a_remote_service_is_not_spoken_of() -> None:
    assert fault_lines(EN, FaultState()) == (("Line: calm", Tone.GOOD),)


@pytest.mark.parametrize("code", sorted(FAILURES))
def test_every_failure_says_what_to_press_and_nothing_for_developers(code: str) -> None:
    words = player_words(EN, failure(code, "HTTP 418 from lobby-1"))
    assert "Retry" in words
    assert code not in words and "HTTP" not in words and "_" not in words
    assert FAILURES[code].advice not in words


def test_a_talk_that_is_gone_offers_both_ways_on() -> None:
    words = player_words(EN, failure("session.resume_refused"))
    assert "Start anew" in words and "Retry" in words


def test_a_talk_that_is_open_elsewhere_may_be_taken_over_and_nothing_else_may() -> None:
    refused = [code for code in FAILURES if is_open_elsewhere(view(S.ERROR, error=failure(code)))]
    assert refused == ["session.live_elsewhere"]
    ended = [c for c in FAILURES if is_open_elsewhere(view(S.DISCONNECTED, error=failure(c)))]
    assert ended == ["session.taken_over"]
    words = player_words(EN, failure("session.live_elsewhere"))
    assert "Take over" in words and "Retry" in words
    assert not any(is_open_elsewhere(view(state)) for state in S)


def test_what_the_game_is_not_set_up_for_does_not_ask_to_wait() -> None:
    assert "not set up" in player_words(EN, classify_http(401))
    assert "Wait" in player_words(EN, failure("connection.refused"))


def test_an_error_without_a_failure_is_told_too() -> None:
    assert "Retry" in player_words(EN, None)


def row(**changes: object) -> FieldRow:
    return FieldRow("Character.reconnect_policy.delay", "1.0", float, **changes)  # type: ignore[arg-type]  # names checked by it


def test_who_says_a_value_is_said_and_what_saving_does() -> None:
    assert "Saving overrides it in this level alone" in origin_words(
        EN, row(origin="profile shy.toml")
    )
    assert "Saving adds a line" in origin_words(EN, row(origin="default"))
    assert "nothing to save to" in origin_words(EN, row(origin="code"))
    assert "only be seen" in origin_words(EN, row(origin="code", is_fixed=True))


def test_an_edit_says_where_it_was_saved_or_that_it_could_not_be() -> None:
    saved = Edit("Ann", "Actor.policy.delay", "2", Path("levels/hall.toml"), 13)
    assert edited(EN, saved) == "delay is 2 now. Saved in hall.toml, line 13."
    assert edited(EN, Edit("Ann", "tag", "")).endswith("there is nothing to save to.")


def test_the_players_line_says_to_whom() -> None:
    assert speaker(EN, Caption("Visitor", "Hello", "Ada")) == "Visitor to Ada"
    assert speaker(EN, Caption("", "Hello", "Ada")) == "You to Ada"
    assert speaker(EN, Caption("Ada", "Hello")) == "Ada"
