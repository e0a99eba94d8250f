from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from characters.client.config import (
    MessageRefused,
    SpeechNotUnderstood,
    TextRefused,
    TranscriptChanged,
)
from characters.client.conversation_state import MOST_UNCONFIRMED, MOST_WAITING
from characters.english import ENGLISH
from characters.protocol.audio_frames import AudioFrame
from characters.protocol.messages import (
    Action,
    AudioData,
    BotEmotion,
    BotLlmStarted,
    BotLlmText,
    BotReady,
    BotStartedSpeaking,
    BotStoppedSpeaking,
    BotTurnCompleted,
    FinalUserTranscription,
    InterruptBot,
    LlmNoResponse,
    PauseBot,
    PlayerNamed,
    ServerMessage,
    ServerResponse,
    TakeBack,
    TakenBack,
    VadSttStarted,
    VadSttStopped,
)
from characters.session.conversation import DialogueState, SessionState
from characters.session.events import (
    ConnectRequested,
    DisconnectRequested,
    ForgetRequested,
    HibernateRequested,
)
from engine.core.words import ScreenText
from tests.characters.client.stage import Actor, Stage

VOICE = AudioFrame(1, 0.0, b"\x01\x00" * 160, 16_000)


class FakeListener:
    """Ears that note what they are told of the talk."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def transcript_arrived(self, key: str) -> None:
        self.told.append(f"{key} understood")

    def answer_began(self, key: str) -> None:
        self.told.append(f"{key} answers")


def connected(stage: Stage, **config: Any) -> Actor:
    actor = stage.connected(**config)
    stage.run_for(0.01)
    return actor


def say(stage: Stage, actor: Actor, text: str) -> None:
    stage.do(actor.conversation.send_text, text)


def refused(actor: Actor) -> list[str]:
    return [event.text for event in actor.all(TextRefused)]


def texts(actor: Actor) -> list[str]:
    return [turn.text for turn in actor.session.view.transcript]


# --- what the voice input learns --------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (FinalUserTranscription("Hello"), ["nurse understood"]),
        (BotStartedSpeaking(), ["nurse answers"]),
        (BotTurnCompleted(), ["nurse answers"]),
        (LlmNoResponse(), ["nurse answers"]),
        (ServerResponse("speech", "error", "Say that again, or type it."), ["nurse answers"]),
        (ServerResponse("user_text_message", "error"), []),
        (BotLlmStarted(), []),
    ],
)
def test_the_voice_input_waits_for_an_answer_until_it_begins_or_none_will(
    message: ServerMessage, told: list[str]
) -> None:
    with Stage() as stage:
        listener = FakeListener()
        stage.context = replace(stage.context, listener=listener)
        actor = connected(stage)
        stage.do(actor.conversation.received, message)
        assert listener.told == told


# --- typed text -------------------------------------------------------------------------------


def test_a_line_goes_out_and_into_the_transcript() -> None:
    with Stage() as stage:
        actor = connected(stage)
        say(stage, actor, "Hello")
        assert stage.service.last.texts == ["Hello"]
        assert actor.all(TranscriptChanged)[-1].turns[-1].text == "Hello"


def test_a_line_typed_while_connecting_is_said_after_the_game_sees_connected() -> None:
    with Stage() as stage:
        actor = stage.actor()
        stage.do(actor.runner.feed, ConnectRequested())
        say(stage, actor, "Hello")
        assert texts(actor) == []
        stage.until(lambda: stage.service.connections and stage.service.last.texts == ["Hello"])
        told = [type(event).__name__ for event in actor.events]
        assert told.index("TranscriptChanged") > told.index("BotReady")


def test_a_line_typed_while_reconnecting_is_said_on_the_new_connection() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.service.last.drop()
        stage.until_state(actor, SessionState.RECONNECTING)
        say(stage, actor, "Are you there?")
        stage.until(lambda: len(stage.service.connections) == 2)
        stage.until(lambda: stage.service.last.texts == ["Are you there?"])
        assert texts(actor) == ["Are you there?"]


def test_lines_are_said_in_the_order_in_which_they_were_typed() -> None:
    with Stage() as stage:
        actor = stage.actor()
        stage.do(actor.runner.feed, ConnectRequested())
        for text in ("one", "two", "three"):
            say(stage, actor, text)
        stage.until_state(actor, SessionState.CONNECTED)
        stage.run_for(0.01)
        assert stage.service.last.texts == ["one", "two", "three"]


@pytest.mark.parametrize("state", [SessionState.DISCONNECTED, SessionState.ERROR])
def test_a_line_typed_without_a_connection_is_refused_with_a_reason(state: SessionState) -> None:
    with Stage() as stage:
        actor = stage.actor()
        if state is SessionState.ERROR:
            stage.service.refuse("connection.not_allowed")
            stage.do(actor.runner.feed, ConnectRequested())
            stage.until_state(actor, state)
        say(stage, actor, "Hello")
        (event,) = actor.all(TextRefused)
        assert event.text == "Hello" and event.reason.endswith(".")


def test_a_line_typed_to_one_who_has_left_the_room_is_refused_in_the_words_of_the_table() -> None:
    with Stage() as stage:
        actor = connected(stage)
        actor.session.machine = replace(actor.session.machine, has_agent=False)
        say(stage, actor, "Hello")
        (event,) = actor.all(TextRefused)
        assert event.reason == ENGLISH("refused.has_left")


def test_lines_that_wait_are_refused_when_the_connection_does_not_come() -> None:
    with Stage() as stage:
        actor = stage.actor()
        stage.service.refuse("connection.not_allowed")
        stage.do(actor.runner.feed, ConnectRequested())
        say(stage, actor, "Hello")
        stage.until_state(actor, SessionState.ERROR)
        assert refused(actor) == ["Hello"]
        assert texts(actor) == []


def test_no_more_than_twenty_lines_wait() -> None:
    with Stage() as stage:
        actor = stage.actor()
        stage.do(actor.runner.feed, ConnectRequested())
        for number in range(MOST_WAITING + 1):
            say(stage, actor, str(number))
        assert refused(actor) == [str(MOST_WAITING)]


def test_a_line_typed_to_a_sleeper_wakes_it() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.do(actor.runner.feed, HibernateRequested())
        stage.until_state(actor, SessionState.DISCONNECTED)
        say(stage, actor, "Wake up")
        stage.until(lambda: len(stage.service.connections) == 2)
        stage.until(lambda: stage.service.last.texts == ["Wake up"])


def test_a_line_that_the_old_room_never_acknowledged_is_said_again_in_a_new_one() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.service.acknowledges = False
        say(stage, actor, "My name is Ada")
        stage.service.acknowledges = True
        stage.service.refuse("connection.room_gone")
        stage.service.last.drop()
        stage.until(lambda: len(stage.service.connections) == 2)
        stage.until(lambda: stage.service.last.texts == ["My name is Ada"])
        assert texts(actor) == ["My name is Ada"]


def test_a_line_that_was_acknowledged_is_not_said_twice() -> None:
    with Stage() as stage:
        actor = connected(stage)
        say(stage, actor, "My name is Ada")
        stage.service.refuse("connection.room_gone")
        stage.run_for(0.1)
        stage.service.last.drop()
        stage.until(lambda: actor.states.endswith("RECONNECTING CONNECTED"))
        stage.run_for(0.1)
        assert stage.service.last.texts == []


def test_a_line_keeps_its_id_however_often_it_is_repeated() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.service.acknowledges = False
        say(stage, actor, "My name is Ada")
        for number in (2, 3):
            stage.service.refuse("connection.room_gone")
            stage.service.last.drop()
            stage.until(lambda n=number: len(stage.service.connections) == n)  # type: ignore[misc]  # bound now
            stage.until(lambda: stage.service.last.texts == ["My name is Ada"])
        sent = {message for each in stage.service.connections for message in each.sent}
        assert len(sent) == 1


def test_an_acknowledgement_without_an_id_confirms_the_oldest_line() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.service.knows_ids = False
        say(stage, actor, "one")
        stage.run_for(0.01)
        stage.service.acknowledges = False
        say(stage, actor, "two")
        assert [line.text for line in actor.session.talk.unconfirmed.values()] == ["two"]


def test_a_service_that_confirms_nothing_costs_bounded_memory() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.service.acknowledges = False
        for number in range(MOST_UNCONFIRMED + 5):
            say(stage, actor, str(number))
        kept = tuple(actor.session.talk.unconfirmed.values())
        assert (len(kept), kept[0].text) == (MOST_UNCONFIRMED, "5")


def test_a_rejoined_room_repeats_by_itself_what_was_missed() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.service.acknowledges = False
        say(stage, actor, "My name is Ada")
        stage.service.last.drop()
        stage.until(lambda: actor.states.endswith("RECONNECTING CONNECTED"))
        stage.run_for(0.1)
        assert stage.service.last.texts == []


def lost_in_a_new_room_at_once(stage: Stage) -> Actor:
    """Say a line that is not confirmed; lose its room, and the next one as it gets ready."""
    actor = connected(stage)
    stage.service.acknowledges = False
    say(stage, actor, "My name is Ada")
    stage.service.ready_seconds = None
    stage.service.refuse("connection.room_gone")
    stage.service.last.drop()
    stage.until(lambda: len(stage.service.connections) == 2)
    stage.run_for(0.1)
    stage.service.last.tell(BotReady())
    return actor


def test_a_line_owed_to_a_room_that_was_lost_at_once_is_said_when_it_is_rejoined() -> None:
    with Stage() as stage:
        actor = lost_in_a_new_room_at_once(stage)
        stage.service.ready_seconds = 0.01
        stage.service.last.drop()
        stage.until(lambda: len(stage.service.connections) == 3)
        stage.until(lambda: actor.state is SessionState.CONNECTED)
        stage.run_for(0.1)
        assert stage.service.last.texts == ["My name is Ada"]


def test_a_line_typed_as_the_character_gets_ready_comes_after_those_that_are_owed() -> None:
    with Stage() as stage:
        actor = lost_in_a_new_room_at_once(stage)
        stage.loop.call_soon(actor.conversation.send_text, "How are you?")
        stage.run_for(0.1)
        assert stage.service.last.texts == ["My name is Ada", "How are you?"]


# --- what is heard ----------------------------------------------------------------------------


def test_streamed_text_grows_the_transcript() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.service.last.tell(BotLlmStarted(), BotLlmText("Good "), BotLlmText("day."))
        stage.run_for(0.01)
        assert texts(actor) == ["Good day."]


def test_every_message_reaches_the_game() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.service.last.tell(BotEmotion("joy", 2))
        stage.run_for(0.01)
        assert actor.all(BotEmotion) == [BotEmotion("joy", 2)]
        assert actor.session.view.emotion == "joy"


def test_a_loss_takes_emotion_turn_and_voice_and_keeps_the_transcript() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.service.last.tell(BotEmotion("joy"), FinalUserTranscription("Hi"), VOICE)
        stage.run_for(0.01)
        before = actor.session.view.dialogue
        stage.service.last.drop()
        stage.until_state(actor, SessionState.RECONNECTING)
        assert actor.session.view.emotion is None
        after = actor.session.view.dialogue
        assert (before, after) == (DialogueState.SETTLING, DialogueState.IDLE)
        assert stage.voice.interrupted == ["nurse"]
        assert texts(actor) == ["Hi"]


def test_the_end_of_an_answer_that_will_not_go_on_reaches_the_game() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.service.last.tell(BotLlmStarted(), BotLlmText("Once upon "))
        stage.run_for(0.01)
        stage.do(actor.runner.feed, DisconnectRequested())
        stage.until_state(actor, SessionState.DISCONNECTED)
        (turn,) = actor.all(TranscriptChanged)[-1].turns
        assert turn.final and turn.interrupted


def test_an_answer_goes_on_where_it_was_when_its_room_is_rejoined() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.service.last.tell(BotLlmStarted(), BotLlmText("Once upon "))
        stage.run_for(0.01)
        stage.service.last.drop()
        stage.until(lambda: actor.states.endswith("RECONNECTING CONNECTED"))
        stage.service.last.tell(BotLlmText("a time."))
        stage.run_for(0.01)
        assert texts(actor) == ["Once upon a time."]


def test_an_answer_ends_where_it_was_when_its_room_is_gone() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.service.last.tell(BotLlmStarted(), BotLlmText("Once upon "))
        stage.run_for(0.01)
        stage.service.refuse("connection.room_gone")
        stage.service.last.drop()
        stage.until(lambda: actor.states.endswith("RECONNECTING CONNECTED"))
        (turn,) = actor.session.view.transcript
        assert turn.final and turn.interrupted


def test_the_transcript_goes_on_over_a_disconnect() -> None:
    with Stage() as stage:
        actor = connected(stage)
        say(stage, actor, "First")
        stage.do(actor.runner.feed, DisconnectRequested())
        stage.until_state(actor, SessionState.DISCONNECTED)
        stage.do(actor.runner.feed, ConnectRequested())
        stage.until_state(actor, SessionState.CONNECTED)
        say(stage, actor, "Second")
        assert texts(actor) == ["First", "Second"]


def test_nothing_is_left_of_a_talk_that_is_forgotten() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.service.acknowledges = False
        say(stage, actor, "My name is Ada")
        stage.service.last.tell(BotLlmStarted(), BotLlmText("Hello Ada."), BotEmotion("joy"))
        stage.run_for(0.01)
        stage.do(actor.runner.feed, DisconnectRequested())
        stage.do(actor.runner.feed, ForgetRequested())
        view = actor.session.view
        assert (view.transcript, view.emotion, view.unconfirmed_lines) == ((), None, 0)
        assert actor.all(TranscriptChanged)[-1].turns == ()


def test_the_next_visitor_gets_none_of_the_words_of_the_last() -> None:
    with Stage() as stage:
        actor = connected(stage)
        say(stage, actor, "My name is Ada")
        stage.do(actor.runner.feed, DisconnectRequested())
        stage.do(actor.runner.feed, ForgetRequested())
        stage.until_state(actor, SessionState.DISCONNECTED)
        stage.do(actor.runner.feed, ConnectRequested())
        stage.until_state(actor, SessionState.CONNECTED)
        stage.run_for(0.1)
        assert (texts(actor), stage.service.last.texts) == ([], [])


# --- voice ------------------------------------------------------------------------------------


def test_voice_goes_to_the_speaker_and_the_turn_is_over_when_it_has_drained() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.service.last.tell(BotStartedSpeaking(), VOICE, BotStoppedSpeaking())
        stage.service.last.tell(BotTurnCompleted())
        stage.run_for(1.0)
        assert stage.voice.played == [("nurse", VOICE.pcm)]
        assert actor.session.view.is_speaking
        assert actor.session.view.dialogue is DialogueState.SETTLING
        stage.voice.playing.clear()
        stage.run_for(0.1)
        assert not actor.session.view.is_speaking


def test_a_voice_that_flows_is_not_looked_at_until_it_ends() -> None:
    with Stage() as stage:
        connected(stage)
        for _ in range(40):
            stage.service.last.tell(VOICE)
            stage.run_for(0.05)
        assert stage.voice.looks == 0
        stage.run_for(0.1)
        assert stage.voice.looks > 0


def test_voice_inside_a_message_is_played_too() -> None:
    with Stage() as stage:
        connected(stage)
        wav = base64.b64encode(bytes(44) + b"\x01\x00").decode()
        stage.service.last.tell(AudioData(16_000, wav, includes_wav_header=True))
        stage.service.last.tell(AudioData(16_000, "no base64!"))
        stage.run_for(0.01)
        assert stage.voice.played == [("nurse", b"\x01\x00")]


def test_an_interruption_silences_at_once_and_drops_what_comes_late() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.service.last.tell(BotLlmStarted(), BotStartedSpeaking(), VOICE)
        stage.run_for(0.01)
        stage.do(actor.conversation.interrupt)
        stage.service.last.tell(VOICE)
        stage.run_for(0.01)
        assert stage.service.last.sent == [InterruptBot()]
        assert stage.voice.interrupted == ["nurse"] and len(stage.voice.played) == 1


PAUSES = BotReady({"service": "troupe", "pauses": True})


def test_a_pause_silences_at_once_and_the_service_goes_on_when_it_likes() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.service.last.tell(PAUSES, BotLlmStarted(), BotStartedSpeaking(), VOICE)
        stage.run_for(0.01)
        stage.do(actor.conversation.pause)
        stage.service.last.tell(VOICE, BotStoppedSpeaking(), VadSttStopped("backchannel", 400.0))
        stage.run_for(0.01)
        seconds = len(VOICE.pcm) / 2 / VOICE.sample_rate
        assert stage.service.last.sent == [PauseBot(VOICE.timestamp + seconds - 0.2)]
        assert stage.voice.interrupted == ["nurse"] and len(stage.voice.played) == 1
        assert actor.session.view.dialogue.value == "interrupted"
        stage.service.last.tell(BotStartedSpeaking(), VOICE)
        stage.run_for(0.01)
        assert len(stage.voice.played) == 2
        assert actor.session.view.dialogue.value == "speaking"
        assert not any(isinstance(event, SpeechNotUnderstood) for event in actor.events)


def test_a_service_that_cannot_wait_is_interrupted() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.service.last.tell(BotLlmStarted(), BotStartedSpeaking(), VOICE)
        stage.run_for(0.01)
        stage.do(actor.conversation.pause)
        assert stage.service.last.sent == [InterruptBot()]


def test_a_paused_turn_that_was_cut_after_all_stays_silent_to_the_next_answer() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.service.last.tell(PAUSES, BotLlmStarted(), BotStartedSpeaking(), VOICE)
        stage.run_for(0.01)
        stage.do(actor.conversation.pause)
        stage.service.last.tell(BotTurnCompleted(was_interrupted=True), VOICE)
        stage.run_for(0.01)
        assert len(stage.voice.played) == 1
        stage.service.last.tell(BotLlmStarted(), BotStartedSpeaking(), VOICE)
        stage.run_for(0.01)
        assert len(stage.voice.played) == 2


def test_a_turn_that_the_service_interrupted_is_silenced() -> None:
    with Stage() as stage:
        connected(stage)
        stage.service.last.tell(BotStartedSpeaking(), VOICE, BotTurnCompleted(was_interrupted=True))
        stage.run_for(0.01)
        assert stage.voice.interrupted == ["nurse"]


def test_a_character_that_is_addressed_attends() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.do(actor.conversation.set_addressed, True)
        assert actor.session.view.dialogue.value == "attending"
        stage.do(actor.conversation.set_addressed, False)
        assert actor.session.view.dialogue.value == "idle"


MISSED = SpeechNotUnderstood("nurse", "I did not catch that: say it again, or type it.")
STARTED, STOPPED = VadSttStarted(), VadSttStopped("silence", 900.0)
WORDS = FinalUserTranscription("Hello")


def missed(
    stage: Stage, actor: Actor, *told: ServerMessage, seconds: float = 2.0
) -> list[SpeechNotUnderstood]:
    stage.service.last.tell(*told)
    stage.run_for(seconds)
    return actor.all(SpeechNotUnderstood)


@pytest.mark.parametrize(
    ("told", "is_missed"),
    [
        ((STARTED, STOPPED), True),
        ((STARTED, WORDS, STOPPED), False),
        ((STARTED, STOPPED, WORDS), False),
        ((STARTED, VadSttStopped("noise", 900.0)), False),
        ((STARTED, VadSttStopped("silence", 200.0)), False),  # a cough
        ((STOPPED,), False),
    ],
)
def test_speech_that_ends_without_words_is_told_within_a_second(
    told: tuple[ServerMessage, ...], is_missed: bool
) -> None:
    with Stage() as stage:
        actor = stage.connected()
        assert missed(stage, actor, *told, seconds=1.1) == ([MISSED] if is_missed else [])


def test_our_own_service_tells_itself_what_it_did_not_understand_and_why() -> None:
    with Stage() as stage:
        actor = stage.connected()
        ready = BotReady({"service": "troupe"})
        assert missed(stage, actor, ready, STARTED, STOPPED) == []
        advice = ENGLISH("speech.type_names")
        said = ServerResponse("speech", "error", str(advice), ScreenText.as_data(advice))
        (event,) = missed(stage, actor, said, seconds=0.01)
        assert isinstance(event.advice, ScreenText) and event.advice == advice


def test_a_voice_that_the_service_has_not_noticed_is_told_at_once() -> None:
    with Stage() as stage:
        actor = stage.connected()
        stage.do(lambda: actor.conversation.force_user_stopped_speaking(has_spoken=True))
        assert missed(stage, actor, seconds=0.01) == [MISSED]
        stage.service.last.tell(STARTED)
        stage.run_for(0.01)
        stage.do(lambda: actor.conversation.force_user_stopped_speaking(has_spoken=True))
        assert missed(stage, actor, seconds=0.01) == [MISSED]  # it was noticed: the service tells


def test_what_a_lost_connection_was_told_is_not_missed() -> None:
    with Stage() as stage:
        actor = stage.connected()
        stage.service.last.tell(STARTED, STOPPED)
        stage.run_for(0.01)
        stage.service.last.drop()
        assert missed(stage, actor) == []


def test_the_name_that_the_character_knows_is_seen_until_it_is_forgotten() -> None:
    with Stage() as stage:
        actor = stage.connected()
        stage.service.last.tell(PlayerNamed("Ada"))
        stage.run_for(0.01)
        assert actor.view.player_name == "Ada"
        stage.service.last.tell(BotReady())
        stage.run_for(0.01)
        assert actor.view.player_name is None


# --- taking back ------------------------------------------------------------------------------


def undoing(stage: Stage) -> Actor:
    """Return an actor whose service takes back, after an exchange."""
    actor = connected(stage)
    stage.service.last.tell(BotReady({"service": "troupe", "takes_back": True}))
    say(stage, actor, "My name is Ada.")
    line = stage.service.last.sent[-1]
    stage.service.last.tell(
        BotLlmStarted(),
        BotLlmText("Hello Ada."),
        BotTurnCompleted(message_id=getattr(line, "message_id", None)),
    )
    stage.run_for(0.1)
    assert texts(actor) == ["My name is Ada.", "Hello Ada."]
    return actor


def take_back(stage: Stage, actor: Actor) -> None:
    stage.do(actor.conversation.take_back)
    assert isinstance(stage.service.last.sent[-1], TakeBack)


def test_what_is_taken_back_is_gone_from_the_transcript_and_told_to_the_game() -> None:
    with Stage() as stage:
        actor = undoing(stage)
        take_back(stage, actor)
        undone = TakenBack("My name is Ada.", (Action("Open", "gate"),))
        stage.service.last.tell(undone)
        stage.run_for(0.1)
        assert actor.all(TakenBack) == [undone]
        assert texts(actor) == []


def test_a_line_that_is_typed_meanwhile_goes_out_after_it() -> None:
    with Stage() as stage:
        actor = undoing(stage)
        take_back(stage, actor)
        say(stage, actor, "My name is Eve.")
        assert "My name is Eve." not in stage.service.last.texts
        stage.service.last.tell(TakenBack("My name is Ada."))
        stage.run_for(0.1)
        assert stage.service.last.texts[-1] == "My name is Eve."
        assert texts(actor) == ["My name is Eve."]


def test_where_there_was_nothing_to_take_back_the_game_is_told_and_goes_on() -> None:
    with Stage() as stage:
        actor = undoing(stage)
        take_back(stage, actor)
        say(stage, actor, "Well?")
        stage.service.last.tell(ServerResponse("take-back", "error", "There is nothing"))
        stage.run_for(0.1)
        assert actor.all(MessageRefused)[-1].reason == "There is nothing to take back."
        assert stage.service.last.texts[-1] == "Well?"


def test_a_service_that_does_not_know_how_is_not_asked() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.do(actor.conversation.take_back)
        assert actor.all(MessageRefused)[-1].reason == "The service cannot take anything back."
        assert not any(isinstance(message, TakeBack) for message in stage.service.last.sent)


def test_without_a_connection_nothing_is_taken_back() -> None:
    with Stage() as stage:
        actor = stage.actor()
        stage.do(actor.conversation.take_back)
        assert actor.all(MessageRefused)[-1].reason == "Nobody is connected: connect first."


def test_a_service_that_dies_over_it_holds_up_no_line() -> None:
    with Stage() as stage:
        actor = undoing(stage)
        take_back(stage, actor)
        stage.service.last.drop()
        say(stage, actor, "Still there?")
        stage.until(lambda: "Still there?" in stage.service.last.texts, 30.0)
