from __future__ import annotations

from typing import Literal

import pytest

from characters.protocol.failures import failure
from characters.protocol.messages import (
    ActionResponse,
    BotEmotion,
    BotLlmStarted,
    BotLlmStopped,
    BotLlmText,
    BotReady,
    BotStartedSpeaking,
    BotStoppedSpeaking,
    BotTtsStarted,
    BotTurnCompleted,
    FinalUserTranscription,
    LlmNoResponse,
    ServerMessage,
    ServerResponse,
    TakenBack,
    VadSttStarted,
    VadSttStopped,
)
from characters.protocol.turn_settings import BargeIn, SmartTurn
from characters.protocol.turn_settings import VoiceActivityOptions as Activity
from characters.session.conversation import (
    MOST_TURNS,
    Dialogue,
    DialogueState,
    FreshReason,
    LocalEvent,
    Resume,
    ResumeOutcome,
    SessionState,
    SessionStateChanged,
    SessionView,
    Transcript,
    Turn,
    TurnEvent,
    TurnStages,
)


def change(old: SessionState, new: SessionState) -> SessionStateChanged:
    return SessionStateChanged(1.0, "nurse", "nurse", old, new)


def view(resume: Resume | None) -> SessionView:
    return SessionView("nurse", "nurse", DialogueState.IDLE, resume=resume)


def test_the_states_have_the_values_of_the_original() -> None:
    names = ["DISCONNECTED", "CONNECTING", "CONNECTED", "RECONNECTING", "DISCONNECTING", "ERROR"]
    assert [(state.name, state.value) for state in SessionState] == list(
        zip(names, range(6), strict=True)
    )


def test_a_first_connection_is_established_but_no_reconnection() -> None:
    first = change(SessionState.CONNECTING, SessionState.CONNECTED)
    assert first.is_connection_established
    assert not first.is_reconnection_successful


def test_a_reconnection_is_both() -> None:
    again = change(SessionState.RECONNECTING, SessionState.CONNECTED)
    assert again.is_connection_established
    assert again.is_reconnection_successful


@pytest.mark.parametrize(
    ("state", "name"),
    [
        (SessionState.ERROR, "is_error"),
        (SessionState.RECONNECTING, "is_reconnecting"),
        (SessionState.DISCONNECTED, "is_disconnected"),
    ],
)
def test_a_state_answers_to_its_own_question_only(state: SessionState, name: str) -> None:
    changed = change(SessionState.CONNECTED, state)
    questions = ("is_error", "is_reconnecting", "is_disconnected", "is_connection_established")
    assert [asked for asked in questions if getattr(changed, asked)] == [name]


def test_the_error_code_is_that_of_the_error() -> None:
    why = failure("connection.refused")
    changed = SessionStateChanged(
        1.0, "n", "n", SessionState.CONNECTING, SessionState.ERROR, error=why
    )
    assert changed.error_code == "connection.refused"
    assert change(SessionState.CONNECTING, SessionState.CONNECTED).error_code is None


def test_a_session_is_resumed_when_it_was_rejoined_or_resumed() -> None:
    assert view(Resume(ResumeOutcome.REJOINED)).is_resumed_session
    assert view(Resume(ResumeOutcome.RESUMED)).is_resumed_session
    assert not view(Resume(ResumeOutcome.FRESH, FreshReason.POLICY)).is_resumed_session
    assert not view(None).is_resumed_session


def after(*events: TurnEvent, start: Dialogue | None = None) -> Dialogue:
    dialogue = start or Dialogue()
    for step, event in enumerate(events):
        dialogue = dialogue.after(event, float(step))
    return dialogue


def states(*events: TurnEvent) -> list[DialogueState]:
    return [after(*events[: count + 1]).state for count in range(len(events))]


S = DialogueState
SPOKEN_ANSWER = (BotLlmStarted(), BotStartedSpeaking(), LocalEvent.AUDIO_QUEUED)


def test_the_defaults_are_the_contracts() -> None:
    assert Activity() == Activity(0.7, 0.2, 0.2, 0.6)
    assert SmartTurn() == SmartTurn(0.8, 100, 8.0)


def test_who_asks_to_say_it_again_thinks_about_nothing() -> None:
    sorry = ServerResponse("speech", "error", "Say that again, or type it.")
    assert states(LocalEvent.ADDRESSED, VadSttStarted(), VadSttStopped("silence"), sorry)[2:] == [
        S.THINKING,
        S.ATTENDING,
    ]


@pytest.mark.parametrize("reason", ["noise", "muted"])
def test_after_a_noise_nobody_waits_for_an_answer(reason: str) -> None:
    assert after(LocalEvent.ADDRESSED, VadSttStarted(), VadSttStopped(reason)).state is S.ATTENDING


def test_an_acknowledgement_is_no_verdict_on_speech() -> None:
    taken = ServerResponse("user_text_message", "success")
    assert after(LocalEvent.TEXT_SENT, taken).state is S.THINKING


def test_a_whole_spoken_turn_goes_through_its_states() -> None:
    assert states(
        LocalEvent.ADDRESSED,
        VadSttStarted(),
        VadSttStopped(),
        FinalUserTranscription("hello"),
        BotLlmStarted(),
        BotStartedSpeaking(),
        LocalEvent.AUDIO_QUEUED,
        BotStoppedSpeaking(),
        BotTurnCompleted(),
        LocalEvent.AUDIO_DRAINED,
    ) == [
        S.ATTENDING, S.LISTENING, S.THINKING, S.THINKING, S.THINKING, S.SPEAKING, S.SPEAKING,
        S.SETTLING, S.SETTLING, S.ATTENDING,
    ]  # fmt: skip


def test_a_typed_line_makes_it_think_and_then_idle_again() -> None:
    assert states(LocalEvent.TEXT_SENT, BotLlmStarted(), BotTurnCompleted()) == [
        S.THINKING, S.THINKING, S.IDLE,
    ]  # fmt: skip


def test_a_turn_is_over_only_when_the_service_is_done_and_the_audio_has_drained() -> None:
    done = after(*SPOKEN_ANSWER, BotStoppedSpeaking(), BotTurnCompleted())
    assert not done.is_turn_over and done.is_speaking
    drained = after(*SPOKEN_ANSWER, BotStoppedSpeaking(), LocalEvent.AUDIO_DRAINED)
    assert not drained.is_turn_over and not drained.is_speaking
    assert drained.after(BotTurnCompleted(), 9.0).is_turn_over


def test_a_deed_or_a_mood_before_the_words_is_a_reaction() -> None:
    assert states(LocalEvent.TEXT_SENT, BotLlmStarted(), ActionResponse())[-1] is S.REACTING
    assert states(LocalEvent.TEXT_SENT, BotEmotion("joy"))[-1] is S.REACTING
    assert after(BotLlmStarted(), ActionResponse(), BotStartedSpeaking()).state is S.SPEAKING


def test_a_mood_between_turns_changes_nothing_to_be_seen() -> None:
    assert after(BotEmotion("joy")).state is S.IDLE


def test_an_interrupted_response_fades_and_drops_late_audio_until_the_next_one() -> None:
    cut = after(*SPOKEN_ANSWER, LocalEvent.INTERRUPTED)
    assert cut.state is S.INTERRUPTED and not cut.accepts_audio
    late = after(BotTurnCompleted(was_interrupted=True), LocalEvent.AUDIO_DRAINED, start=cut)
    assert late.state is S.IDLE and not late.accepts_audio
    assert after(BotLlmStarted(), start=late).accepts_audio
    assert after(BotStartedSpeaking(), start=late).accepts_audio


def test_late_speech_of_the_response_that_was_cut_off_stays_unheard() -> None:
    cut = after(*SPOKEN_ANSWER, LocalEvent.INTERRUPTED, BotStartedSpeaking())
    assert not cut.accepts_audio and cut.state is S.INTERRUPTED


def test_an_interruption_that_the_service_decided_drops_late_audio_too() -> None:
    assert not after(*SPOKEN_ANSWER, BotTurnCompleted(was_interrupted=True)).accepts_audio


def test_interrupting_somebody_who_is_silent_does_nothing() -> None:
    assert after(LocalEvent.INTERRUPTED) == Dialogue()


def test_the_player_speaking_over_a_character_is_listened_to() -> None:
    assert after(*SPOKEN_ANSWER, VadSttStarted()).state is S.LISTENING


def test_no_response_ends_the_thinking() -> None:
    assert after(LocalEvent.TEXT_SENT, BotLlmStarted(), LlmNoResponse()).state is S.IDLE


def test_a_lost_connection_ends_everything_but_being_addressed() -> None:
    dialogue = after(LocalEvent.ADDRESSED, *SPOKEN_ANSWER, LocalEvent.CONNECTION_LOST)
    assert dialogue.state is S.ATTENDING and dialogue.is_turn_over


def test_who_has_spoken_and_is_not_done_settles_even_in_silence() -> None:
    spoken = (*SPOKEN_ANSWER, BotStoppedSpeaking(), LocalEvent.AUDIO_DRAINED)
    assert states(*spoken, BotTurnCompleted())[-3:] == [S.SETTLING, S.SETTLING, S.IDLE]


def test_who_was_cut_off_and_has_faded_speaks_no_more_although_the_service_does() -> None:
    cut = after(*SPOKEN_ANSWER, LocalEvent.INTERRUPTED, LocalEvent.AUDIO_DRAINED)
    assert (cut.state, cut.is_speaking) == (S.INTERRUPTED, False)


def test_who_begins_to_speak_unasked_thinks_first() -> None:
    assert states(BotTtsStarted(), BotStartedSpeaking()) == [S.THINKING, S.SPEAKING]


def test_being_addressed_no_more_is_idle() -> None:
    assert after(LocalEvent.ADDRESSED, LocalEvent.NOT_ADDRESSED).state is S.IDLE


def test_messages_without_a_meaning_for_turns_change_nothing() -> None:
    dialogue = after(*SPOKEN_ANSWER)
    assert dialogue.after(BotLlmText("words"), 9.0) is dialogue


def test_it_knows_since_when_a_state_holds() -> None:
    dialogue = Dialogue().after(BotLlmStarted(), 3.0).after(ActionResponse(), 4.0)
    assert dialogue.since == 4.0
    assert dialogue.after(BotEmotion("joy"), 5.0).since == 4.0


def test_a_fade_that_clicks_or_lags_is_refused() -> None:
    for seconds in (0.03, 0.26):
        with pytest.raises(ValueError, match="fade_out_seconds"):
            BargeIn(fade_out_seconds=seconds)


def heard(*messages: ServerMessage, start: Transcript | None = None) -> Transcript:
    transcript = start or Transcript()
    for t, message in enumerate(messages):
        transcript = transcript.apply(message, float(t))
    return transcript


def test_streamed_pieces_make_one_turn() -> None:
    turns = heard(BotLlmStarted(), BotLlmText("Good "), BotLlmText("day."), BotLlmStopped()).turns
    assert turns == (Turn("character", "Good day.", 1.0),)


def test_a_turn_is_open_until_its_text_is_complete() -> None:
    assert not heard(BotLlmText("Good ")).turns[0].final


def test_what_the_player_says_is_a_turn_of_the_player() -> None:
    assert heard(FinalUserTranscription("Hello")).turns == (Turn("player", "Hello", 0.0),)


def test_a_transcription_with_a_known_message_id_corrects_it() -> None:
    first = FinalUserTranscription("Hallo", message_id="m1")
    better = FinalUserTranscription("Hello", message_id="m1")
    turns = heard(first, BotLlmText("Hi."), better).turns
    assert [turn.text for turn in turns] == ["Hello", "Hi."]


def test_an_answer_goes_on_in_its_own_turn_when_the_player_speaks_into_it() -> None:
    turns = heard(BotLlmText("I think "), FinalUserTranscription("Wait"), BotLlmText("so.")).turns
    assert [turn.text for turn in turns] == ["I think so.", "Wait"]


def test_an_interrupted_turn_is_marked() -> None:
    cut = heard(BotLlmText("Once upon"), BotTurnCompleted(was_interrupted=True))
    assert cut.turns[0].interrupted and cut.turns[0].final


def test_a_turn_whose_voice_was_interrupted_after_its_text_is_marked() -> None:
    cut = heard(BotLlmText("All of it."), BotLlmStopped(), BotTurnCompleted(was_interrupted=True))
    assert cut.turns[0].interrupted


def test_a_turn_that_ended_well_is_not_marked() -> None:
    assert not heard(BotLlmText("Yes."), BotTurnCompleted()).turns[0].interrupted


def test_a_new_answer_begins_a_new_turn() -> None:
    turns = heard(BotLlmText("One."), BotLlmStarted(), BotLlmText("Two.")).turns
    assert [turn.text for turn in turns] == ["One.", "Two."]


def test_a_loss_ends_the_open_turn_and_nothing_else() -> None:
    cut = heard(FinalUserTranscription("Hi"), BotLlmText("Well, ")).cut()
    assert [(turn.text, turn.interrupted) for turn in cut.turns] == [
        ("Hi", False),
        ("Well, ", True),
    ]
    assert heard(FinalUserTranscription("Hi")).cut() == heard(FinalUserTranscription("Hi"))


def test_messages_that_say_nothing_change_nothing() -> None:
    before = heard(FinalUserTranscription("Hi"))
    assert before.apply(BotReady(), 9.0) is before


def test_a_transcript_is_bounded() -> None:
    long = Transcript()
    for number in range(MOST_TURNS + 5):
        long = long.said_by_player(str(number), 0.0)
    assert len(long.turns) == MOST_TURNS
    assert long.turns[0].text == "5"


def stages_after(*events: tuple[float, TurnEvent]) -> list[tuple[str, float]]:
    stages = TurnStages()
    for now, event in events:
        stages = stages.after(event, now)
    return [(name, round(seconds, 3)) for name, seconds in stages.reached]


ANSWER: tuple[tuple[float, TurnEvent], ...] = (
    (10.4, BotLlmStarted()),
    (10.5, BotLlmText("Good ")),
    (10.6, BotLlmText("day.")),
    (10.7, LocalEvent.AUDIO_QUEUED),
    (10.8, BotLlmStopped()),
    (12.0, BotTurnCompleted()),
)


def test_each_stage_counts_from_the_end_of_what_was_typed() -> None:
    assert stages_after((10.0, LocalEvent.TEXT_SENT), *ANSWER) == [
        ("answer begun", 0.4),
        ("first word", 0.5),
        ("first sound", 0.7),
        ("last word", 0.8),
        ("over", 2.0),
    ]


def test_of_what_was_said_the_understanding_is_a_stage_too() -> None:
    spoken = ((10.0, VadSttStopped()), (10.3, FinalUserTranscription("Hello")))
    assert stages_after(*spoken, ANSWER[0]) == [("understood", 0.3), ("answer begun", 0.4)]


def test_an_answer_that_nobody_asked_for_counts_from_its_own_beginning() -> None:
    assert stages_after(*ANSWER[:2])[0] == ("answer begun", 0.0)
    again = (*ANSWER, (20.0, BotLlmStarted()), (20.2, BotLlmText("And")))
    assert stages_after((10.0, LocalEvent.TEXT_SENT), *again) == [
        ("answer begun", 0.0),
        ("first word", 0.2),
    ]


def test_a_new_question_begins_anew() -> None:
    assert stages_after((10.0, LocalEvent.TEXT_SENT), *ANSWER, (30.0, LocalEvent.TEXT_SENT)) == []


def test_what_is_no_stage_changes_nothing_and_what_comes_after_the_end_neither() -> None:
    stages = TurnStages(began_at=1.0)
    assert stages.after(BotEmotion("joy"), 2.0) is stages
    silent = (*ANSWER[:3], *ANSWER[4:], (13.0, LocalEvent.AUDIO_QUEUED))
    assert stages_after((10.0, LocalEvent.TEXT_SENT), *silent)[-1] == ("over", 2.0)


def said(*speakers: str) -> Transcript:
    """Return a transcript in which each said a word."""
    names: dict[str, Literal["player", "character"]] = {"p": "player", "c": "character"}
    return Transcript(tuple(Turn(names[s], f"{s}{n}", 0.0) for n, s in enumerate(speakers)))


@pytest.mark.parametrize(
    ("before", "left"),
    [("cpcpc", "cpc"), ("pcppcc", "pc"), ("pc", ""), ("pcp", "pc"), ("c", ""), ("", "")],
)
def test_what_is_taken_back_is_the_last_exchange(before: str, left: str) -> None:
    after = said(*before).apply(TakenBack("p"), 1.0)
    assert after.turns == said(*before).turns[: len(left)]


@pytest.mark.parametrize(
    ("text", "left"),
    [("p3", "cpc"), ("p1 p3", "c"), ("p9 p1 p3", "c"), ("p9 p3", "cpc"), ("x", "cpc")],
)
def test_two_lines_that_the_service_took_for_one_are_taken_back_together(
    text: str, left: str
) -> None:
    after = said(*"cpcpc").apply(TakenBack(text), 1.0)
    assert after.turns == said(*"cpcpc").turns[: len(left)]


def test_a_line_that_is_answered_again_stands_where_it_stood() -> None:
    after = said("c", "p", "c").apply(TakenBack("p1", is_repeated=True, message_id="m2"), 1.0)
    assert [turn.text for turn in after.turns] == ["c0", "p1"]
    assert after.turns[-1].message_id == "m2"
