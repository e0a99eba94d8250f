from __future__ import annotations

import pytest

from characters.core.messages import (
    ActionResponse,
    BotEmotion,
    BotLlmStarted,
    BotLlmText,
    BotStartedSpeaking,
    BotStoppedSpeaking,
    BotTtsStarted,
    BotTurnCompleted,
    FinalUserTranscription,
    LlmNoResponse,
    ServerResponse,
    VadSttStarted,
    VadSttStopped,
)
from characters.core.turn import Dialogue, DialogueState, Local, TurnEvent
from characters.core.turn_settings import BargeIn, SmartTurn
from characters.core.turn_settings import VoiceActivityOptions as Activity


def after(*events: TurnEvent, start: Dialogue | None = None) -> Dialogue:
    dialogue = start or Dialogue()
    for step, event in enumerate(events):
        dialogue = dialogue.after(event, float(step))
    return dialogue


def states(*events: TurnEvent) -> list[DialogueState]:
    return [after(*events[: count + 1]).state for count in range(len(events))]


S = DialogueState
SPOKEN_ANSWER = (BotLlmStarted(), BotStartedSpeaking(), Local.AUDIO_QUEUED)


def test_the_defaults_are_the_contracts() -> None:
    assert Activity() == Activity(0.7, 0.2, 0.2, 0.6)
    assert SmartTurn() == SmartTurn(0.8, 100, 8.0)


def test_who_asks_to_say_it_again_thinks_about_nothing() -> None:
    sorry = ServerResponse("speech", "error", "Say that again, or type it.")
    assert states(Local.ADDRESSED, VadSttStarted(), VadSttStopped("silence"), sorry)[2:] == [
        S.THINKING,
        S.ATTENDING,
    ]


@pytest.mark.parametrize("reason", ["noise", "muted"])
def test_after_a_noise_nobody_waits_for_an_answer(reason: str) -> None:
    assert after(Local.ADDRESSED, VadSttStarted(), VadSttStopped(reason)).state is S.ATTENDING


def test_an_acknowledgement_is_no_verdict_on_speech() -> None:
    taken = ServerResponse("user_text_message", "success")
    assert after(Local.TEXT_SENT, taken).state is S.THINKING


def test_a_whole_spoken_turn_goes_through_its_states() -> None:
    assert states(
        Local.ADDRESSED,
        VadSttStarted(),
        VadSttStopped(),
        FinalUserTranscription("hello"),
        BotLlmStarted(),
        BotStartedSpeaking(),
        Local.AUDIO_QUEUED,
        BotStoppedSpeaking(),
        BotTurnCompleted(),
        Local.AUDIO_DRAINED,
    ) == [
        S.ATTENDING, S.LISTENING, S.THINKING, S.THINKING, S.THINKING, S.SPEAKING, S.SPEAKING,
        S.SETTLING, S.SETTLING, S.ATTENDING,
    ]  # fmt: skip


def test_a_typed_line_makes_it_think_and_then_idle_again() -> None:
    assert states(Local.TEXT_SENT, BotLlmStarted(), BotTurnCompleted()) == [
        S.THINKING, S.THINKING, S.IDLE,
    ]  # fmt: skip


def test_a_turn_is_over_only_when_the_service_is_done_and_the_audio_has_drained() -> None:
    done = after(*SPOKEN_ANSWER, BotStoppedSpeaking(), BotTurnCompleted())
    assert not done.is_turn_over and done.is_speaking
    drained = after(*SPOKEN_ANSWER, BotStoppedSpeaking(), Local.AUDIO_DRAINED)
    assert not drained.is_turn_over and not drained.is_speaking
    assert drained.after(BotTurnCompleted(), 9.0).is_turn_over


def test_a_deed_or_a_mood_before_the_words_is_a_reaction() -> None:
    assert states(Local.TEXT_SENT, BotLlmStarted(), ActionResponse())[-1] is S.REACTING
    assert states(Local.TEXT_SENT, BotEmotion("joy"))[-1] is S.REACTING
    assert after(BotLlmStarted(), ActionResponse(), BotStartedSpeaking()).state is S.SPEAKING


def test_a_mood_between_turns_changes_nothing_to_be_seen() -> None:
    assert after(BotEmotion("joy")).state is S.IDLE


def test_an_interrupted_response_fades_and_drops_late_audio_until_the_next_one() -> None:
    cut = after(*SPOKEN_ANSWER, Local.INTERRUPTED)
    assert cut.state is S.INTERRUPTED and not cut.accepts_audio
    late = after(BotTurnCompleted(was_interrupted=True), Local.AUDIO_DRAINED, start=cut)
    assert late.state is S.IDLE and not late.accepts_audio
    assert after(BotLlmStarted(), start=late).accepts_audio
    assert after(BotStartedSpeaking(), start=late).accepts_audio


def test_late_speech_of_the_response_that_was_cut_off_stays_unheard() -> None:
    cut = after(*SPOKEN_ANSWER, Local.INTERRUPTED, BotStartedSpeaking())
    assert not cut.accepts_audio and cut.state is S.INTERRUPTED


def test_an_interruption_that_the_service_decided_drops_late_audio_too() -> None:
    assert not after(*SPOKEN_ANSWER, BotTurnCompleted(was_interrupted=True)).accepts_audio


def test_interrupting_somebody_who_is_silent_does_nothing() -> None:
    assert after(Local.INTERRUPTED) == Dialogue()


def test_the_player_speaking_over_a_character_is_listened_to() -> None:
    assert after(*SPOKEN_ANSWER, VadSttStarted()).state is S.LISTENING


def test_no_response_ends_the_thinking() -> None:
    assert after(Local.TEXT_SENT, BotLlmStarted(), LlmNoResponse()).state is S.IDLE


def test_a_lost_connection_ends_everything_but_being_addressed() -> None:
    dialogue = after(Local.ADDRESSED, *SPOKEN_ANSWER, Local.CONNECTION_LOST)
    assert dialogue.state is S.ATTENDING and dialogue.is_turn_over


def test_who_has_spoken_and_is_not_done_settles_even_in_silence() -> None:
    spoken = (*SPOKEN_ANSWER, BotStoppedSpeaking(), Local.AUDIO_DRAINED)
    assert states(*spoken, BotTurnCompleted())[-3:] == [S.SETTLING, S.SETTLING, S.IDLE]


def test_who_was_cut_off_and_has_faded_speaks_no_more_although_the_service_does() -> None:
    cut = after(*SPOKEN_ANSWER, Local.INTERRUPTED, Local.AUDIO_DRAINED)
    assert (cut.state, cut.is_speaking) == (S.INTERRUPTED, False)


def test_who_begins_to_speak_unasked_thinks_first() -> None:
    assert states(BotTtsStarted(), BotStartedSpeaking()) == [S.THINKING, S.SPEAKING]


def test_being_addressed_no_more_is_idle() -> None:
    assert after(Local.ADDRESSED, Local.NOT_ADDRESSED).state is S.IDLE


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
