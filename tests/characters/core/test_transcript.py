from __future__ import annotations

from characters.core.messages import (
    BotLlmStarted,
    BotLlmStopped,
    BotLlmText,
    BotReady,
    BotTurnCompleted,
    FinalUserTranscription,
    ServerMessage,
)
from characters.core.transcript import MOST_TURNS, Transcript, Turn


def told(*messages: ServerMessage, start: Transcript | None = None) -> Transcript:
    transcript = start or Transcript()
    for t, message in enumerate(messages):
        transcript = transcript.apply(message, float(t))
    return transcript


def test_streamed_pieces_make_one_turn() -> None:
    turns = told(BotLlmStarted(), BotLlmText("Good "), BotLlmText("day."), BotLlmStopped()).turns
    assert turns == (Turn("character", "Good day.", 1.0),)


def test_a_turn_is_open_until_its_text_is_complete() -> None:
    assert not told(BotLlmText("Good ")).turns[0].final


def test_what_the_player_says_is_a_turn_of_the_player() -> None:
    assert told(FinalUserTranscription("Hello")).turns == (Turn("player", "Hello", 0.0),)


def test_a_transcription_with_a_known_message_id_corrects_it() -> None:
    first = FinalUserTranscription("Hallo", message_id="m1")
    better = FinalUserTranscription("Hello", message_id="m1")
    turns = told(first, BotLlmText("Hi."), better).turns
    assert [turn.text for turn in turns] == ["Hello", "Hi."]


def test_an_answer_goes_on_in_its_own_turn_when_the_player_speaks_into_it() -> None:
    turns = told(BotLlmText("I think "), FinalUserTranscription("Wait"), BotLlmText("so.")).turns
    assert [turn.text for turn in turns] == ["I think so.", "Wait"]


def test_an_interrupted_turn_is_marked() -> None:
    cut = told(BotLlmText("Once upon"), BotTurnCompleted(was_interrupted=True))
    assert cut.turns[0].interrupted and cut.turns[0].final


def test_a_turn_whose_voice_was_interrupted_after_its_text_is_marked() -> None:
    cut = told(BotLlmText("All of it."), BotLlmStopped(), BotTurnCompleted(was_interrupted=True))
    assert cut.turns[0].interrupted


def test_a_turn_that_ended_well_is_not_marked() -> None:
    assert not told(BotLlmText("Yes."), BotTurnCompleted()).turns[0].interrupted


def test_a_new_answer_begins_a_new_turn() -> None:
    turns = told(BotLlmText("One."), BotLlmStarted(), BotLlmText("Two.")).turns
    assert [turn.text for turn in turns] == ["One.", "Two."]


def test_a_loss_ends_the_open_turn_and_nothing_else() -> None:
    cut = told(FinalUserTranscription("Hi"), BotLlmText("Well, ")).cut()
    assert [(turn.text, turn.interrupted) for turn in cut.turns] == [
        ("Hi", False),
        ("Well, ", True),
    ]
    assert told(FinalUserTranscription("Hi")).cut() == told(FinalUserTranscription("Hi"))


def test_messages_that_say_nothing_change_nothing() -> None:
    before = told(FinalUserTranscription("Hi"))
    assert before.apply(BotReady(), 9.0) is before


def test_a_transcript_is_bounded() -> None:
    long = Transcript()
    for number in range(MOST_TURNS + 5):
        long = long.said_by_player(str(number), 0.0)
    assert len(long.turns) == MOST_TURNS
    assert long.turns[0].text == "5"
