"""Who answers when the game asks, and what is told of an answer that came before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from characters.client.config import MessageRefused, TextRefused
from characters.protocol.messages import (
    Action,
    ActionResponse,
    BotReady,
    BotTurnCompleted,
    ClientMessage,
    ContextUpdate,
    FinalUserTranscription,
    RespondMode,
    RespondModeUpdate,
    ServerResponse,
    UserTextMessage,
    VadSttStopped,
)
from characters.session.conversation import DialogueState, SessionState
from characters.session.events import DisconnectRequested
from tests.characters.client.stage import Actor, Stage

MANUAL = RespondMode.MANUAL
DEED = ActionResponse((Action("wave"),), "m1")


def connected(stage: Stage, mode: RespondMode = MANUAL) -> Actor:
    actor = stage.connected(respond_mode=mode)
    stage.run_for(0.01)
    return actor


def say(stage: Stage, actor: Actor, text: str) -> str:
    """Say a line; return the id that it got."""
    stage.do(actor.conversation.send_text, text)
    ids = [m.message_id for m in stage.service.last.sent if isinstance(m, UserTextMessage)]
    return ids[-1] or ""


def wishes(stage: Stage) -> list[ClientMessage]:
    return [m for m in stage.service.last.sent if isinstance(m, ContextUpdate)]


def dialogue(actor: Actor) -> DialogueState:
    return actor.session.view.dialogue


def test_the_service_learns_the_respond_mode() -> None:
    with Stage() as stage:
        connected(stage, RespondMode.AUTO)
        assert stage.service.requests[-1].respond_modes is None
    with Stage() as stage:
        connected(stage)
        assert stage.service.requests[-1].respond_modes == MANUAL.lanes


def test_a_line_is_not_followed_by_thinking_until_an_answer_is_asked_for() -> None:
    with Stage() as stage:
        actor = connected(stage)
        line = say(stage, actor, "Who are you?")
        assert dialogue(actor) is DialogueState.IDLE
        stage.do(actor.conversation.respond)
        assert wishes(stage) == [ContextUpdate(run_llm="true", message_id=line)]
        assert dialogue(actor) is DialogueState.THINKING


def test_a_spoken_line_is_asked_about_by_the_id_that_the_service_gave_it() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.service.last.tell(VadSttStopped(), FinalUserTranscription("Hi", message_id="s1"))
        stage.run_for(0.01)
        assert dialogue(actor) is DialogueState.IDLE
        stage.do(actor.conversation.respond, "the storm")
        assert wishes(stage) == [ContextUpdate("the storm", run_llm="true", message_id="s1")]


def test_a_wish_waits_for_the_connection_behind_the_lines_typed_before_it() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.service.last.drop()
        stage.until_state(actor, SessionState.RECONNECTING)
        stage.do(actor.conversation.send_text, "Who are you?")
        stage.do(actor.conversation.respond)
        stage.until(lambda: stage.service.last.is_live and wishes(stage))
        kinds = [type(message) for message in stage.service.last.sent]
        assert kinds == [UserTextMessage, ContextUpdate]


def test_a_wish_is_repeated_in_a_new_room_until_it_was_granted() -> None:
    with Stage() as stage:
        actor = connected(stage)
        line = say(stage, actor, "Who are you?")
        stage.do(actor.conversation.respond)
        _new_room(stage, actor)
        assert wishes(stage) == [ContextUpdate(run_llm="true", message_id=line)]
        stage.service.last.tell(BotTurnCompleted(message_id=line))
        stage.run_for(0.01)
        _new_room(stage, actor)
        assert wishes(stage) == []


def _new_room(stage: Stage, actor: Actor) -> None:
    before = len(stage.service.connections)
    stage.service.last.drop()
    stage.service.refuse("connection.room_gone")
    stage.until(lambda: len(stage.service.connections) > before)
    stage.until_state(actor, SessionState.CONNECTED)
    stage.run_for(0.01)


def test_a_wish_when_nothing_was_said_names_no_line() -> None:
    with Stage() as stage:
        actor = connected(stage)
        line = say(stage, actor, "Who are you?")
        stage.service.last.tell(BotTurnCompleted(message_id=line))
        stage.run_for(0.01)
        stage.do(actor.conversation.respond)
        assert wishes(stage) == [ContextUpdate(run_llm="true")]


def test_a_request_without_a_connection_is_refused_with_a_reason() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.do(actor.runner.feed, DisconnectRequested())
        stage.until_state(actor, SessionState.DISCONNECTED)
        stage.do(actor.conversation.respond)
        assert actor.all(MessageRefused)[-1].reason == "Nobody is connected: connect first."


@pytest.mark.parametrize("blank", ["", "  ", "\n\t", "\u3000"], ids=repr)
def test_a_line_without_words_is_refused_and_stands_in_no_transcript(blank: str) -> None:
    with Stage() as stage:
        actor = connected(stage, RespondMode.AUTO)
        before = actor.runner.session.view.transcript
        stage.do(actor.conversation.send_text, blank)
        assert actor.all(TextRefused)[-1].reason == "There are no words in that line."
        assert actor.runner.session.view.transcript == before


def test_a_line_that_is_too_long_is_refused_at_once_and_the_next_one_goes_out() -> None:
    with Stage() as stage:
        actor = connected(stage, RespondMode.AUTO)
        stage.do(actor.conversation.send_text, "x" * 70_000)
        assert "at most 2,000 characters" in actor.all(TextRefused)[-1].reason
        assert say(stage, actor, "Hello")
        assert actor.session.machine.state is SessionState.CONNECTED


def test_a_change_of_mode_is_sent_to_the_room_and_to_the_next_one() -> None:
    with Stage() as stage:
        actor = connected(stage)
        config = replace(actor.session.config, respond_mode=RespondMode.AUTO)
        stage.do(actor.runner.reconfigure, config)
        told = [m for m in stage.service.last.sent if isinstance(m, RespondModeUpdate)]
        lanes = [RespondModeUpdate(lane, "auto") for lane in ("user_text", "user_voice")]
        assert told == lanes
        stage.service.last.drop()
        stage.until(lambda: len(stage.service.requests) > 1)
        assert stage.service.requests[-1].respond_modes is None


# --- answers that are told again ----------------------------------------------------------------


def test_the_service_learns_which_answer_came_whole() -> None:
    with Stage() as stage:
        actor = connected(stage, RespondMode.AUTO)
        assert stage.service.requests[-1].heard is None
        stage.service.last.tell(BotTurnCompleted(message_id="m1"), BotTurnCompleted())
        stage.run_for(0.01)
        stage.service.last.drop()
        stage.until(lambda: len(stage.service.requests) > 1)
        assert stage.service.requests[-1].heard == "m1"
        assert actor.session.view.state is SessionState.RECONNECTING


def test_an_action_of_a_repeated_answer_is_done_once() -> None:
    with Stage() as stage:
        actor = connected(stage, RespondMode.AUTO)
        other = replace(DEED, message_id="m2")
        nobodys = ActionResponse((Action("wave"),))
        stage.service.last.tell(DEED, other, DEED, nobodys, nobodys)
        stage.run_for(0.01)
        assert actor.all(ActionResponse) == [DEED, other, nobodys, nobodys]


@pytest.mark.parametrize(("service", "repeated"), [("troupe", ["My name is Ada."]), ("other", [])])
def test_a_spoken_line_that_was_not_kept_is_repeated_in_words_to_a_service_that_keeps_lines(
    service: str, repeated: list[str]
) -> None:
    with Stage() as stage:
        actor = connected(stage, RespondMode.AUTO)
        stage.service.last.tell(
            BotReady({"service": service}),
            FinalUserTranscription("Hello.", message_id="s1"),
            FinalUserTranscription("My name is Ada.", message_id="s2"),
        )
        stage.service.last.tell(ServerResponse("user_text_message", extras={"message_id": "s1"}))
        stage.run_for(0.01)
        _new_room(stage, actor)
        assert stage.service.last.texts == repeated
