from __future__ import annotations

import pytest

from characters.agents.agent import Event, PlayerSaid
from characters.protocol.codec import MessageError
from characters.protocol.messages import (
    MAX_TEXT,
    ClientMessage,
    ContextUpdate,
    ForceUserStoppedSpeaking,
    InterruptBot,
    KillPipeline,
    PauseBot,
    ResetIdleTimer,
    RespondModeUpdate,
    ServerResponse,
    SttToggle,
    TriggerMessage,
    TtsToggle,
    UpdateDynamicInfo,
    UpdateSceneMetadata,
    UpdateTemplateKeys,
    UserTextMessage,
)
from characters.service.conversation import RoomConversation
from characters.service.effects import (
    Effects,
    End,
    EndUtterance,
    Generate,
    MuteInput,
    PersistEntry,
    Send,
)
from characters.service.message_handler import MessageHandler, rejection
from characters.service.pace import TimingConfig
from characters.service.requests import LevelContext

EVERY: list[ClientMessage] = [
    UserTextMessage("hi"),
    TriggerMessage("door"),
    ContextUpdate("it rains"),
    RespondModeUpdate("user_text", "auto"),
    UpdateDynamicInfo("x"),
    UpdateSceneMetadata(()),
    UpdateTemplateKeys({"a": "b"}),
    TtsToggle(True),
    SttToggle(True),
    InterruptBot(),
    PauseBot(12.5),
    ForceUserStoppedSpeaking(),
    ResetIdleTimer(),
    KillPipeline(),
]


def make(*, can_speak: bool = True, has_agent: bool = True) -> tuple[MessageHandler, LevelContext]:
    context = LevelContext()
    conversation = RoomConversation(0.0, TimingConfig())
    return MessageHandler(conversation, context, can_speak=can_speak, has_agent=has_agent), context


def take(message: ClientMessage, *, can_speak: bool = True, has_agent: bool = True) -> Effects:
    return make(can_speak=can_speak, has_agent=has_agent)[0].take(message, 1.0)


def ack(effects: Effects) -> ServerResponse:
    first = effects[0]
    assert isinstance(first, Send)
    assert isinstance(first.message, ServerResponse)
    return first.message


@pytest.mark.parametrize("message", EVERY, ids=lambda m: m.TYPE)
def test_every_message_is_acknowledged_first_and_by_its_name(message: ClientMessage) -> None:
    answer = ack(take(message))
    assert (answer.event_type, answer.status) == (message.TYPE, "success")


def test_text_is_echoed_and_answered() -> None:
    effects = take(UserTextMessage(" hi "))
    assert ack(effects).extras == {"text": " hi "}
    assert effects[1:] == [Generate(1, PlayerSaid("hi")), PersistEntry("player", "hi")]


def test_a_line_with_an_id_is_acknowledged_when_it_is_durable() -> None:
    handler, _ = make()
    line = UserTextMessage("hi", "m1")
    assert handler.take(line, 1.0)[0] == Generate(1, PlayerSaid("hi"))
    assert ack(handler.confirm(PersistEntry("player", "hi", "m1"))).extras == {
        "text": "hi",
        "message_id": "m1",
    }
    assert handler.confirm(PersistEntry("character", "Good day.")) == []


def test_a_line_that_comes_again_is_not_answered_again() -> None:
    handler, _ = make()
    line = UserTextMessage("hi", "m1")
    handler.take(line, 1.0)
    assert handler.take(line, 1.0) == []
    handler.confirm(PersistEntry("player", "hi", "m1"))
    (again,) = handler.take(line, 1.0)
    assert ack([again]).status == "success"


def test_a_line_that_the_session_had_before_is_only_acknowledged() -> None:
    known = frozenset({"m1"})
    handler = MessageHandler(
        RoomConversation(0.0, TimingConfig()), LevelContext(), message_ids=known
    )
    (outcome,) = handler.take(UserTextMessage("hi", "m1"), 1.0)
    assert ack([outcome]).extras == {"text": "hi", "message_id": "m1"}


def test_a_line_that_is_refused_may_come_again() -> None:
    handler, _ = make(has_agent=False)
    line = UserTextMessage("hi", "m1")
    refusal = ack(handler.take(line, 1.0))
    assert (refusal.status, refusal.extras) == ("error", {"message_id": "m1"})
    handler.has_agent = True
    assert handler.take(line, 1.0)[0] == Generate(1, PlayerSaid("hi"))


@pytest.mark.parametrize("text", ["", "   ", "x" * 2001])
def test_empty_and_endless_text_is_refused(text: str) -> None:
    effects = take(UserTextMessage(text))
    assert (len(effects), ack(effects).status) == (1, "error")


def test_a_flood_of_text_is_told_to_wait() -> None:
    handler, _ = make()
    answers = [ack(handler.take(UserTextMessage("hi"), 1.0)).status for _ in range(12)]
    assert answers.count("error") == 3


def test_an_empty_room_says_that_nobody_is_there() -> None:
    effects = take(UserTextMessage("hi"), has_agent=False)
    assert (len(effects), ack(effects).status) == (1, "error")


def test_a_trigger_is_put_to_the_character() -> None:
    assert take(TriggerMessage("door", "it opened"))[1] == Generate(1, Event("door", "it opened"))


def test_a_trigger_puts_no_more_to_the_character_than_a_line_may_have() -> None:
    (_, effect) = take(TriggerMessage("n" * 10_000, "m" * 10_000))
    assert effect == Generate(1, Event("n" * 200, "m" * MAX_TEXT))


def test_an_empty_trigger_is_acknowledged_only() -> None:
    assert len(take(TriggerMessage())) == 1


def test_a_context_update_tells_what_is_left_of_the_budget() -> None:
    extras = ack(take(ContextUpdate("12345678"))).extras
    assert extras is not None
    assert (extras["runtime_token_count"], extras["remaining_tokens"]) == (2, 49_998)


def test_a_context_update_may_ask_for_an_answer() -> None:
    assert take(ContextUpdate("x", run_llm="true"))[1] == Generate(1, Event("context", "x"))
    assert len(take(ContextUpdate("x", run_llm="auto"))) == 1


def test_who_is_only_to_answer_needs_no_new_context() -> None:
    handler, context = make()
    assert ack(handler.take(ContextUpdate(run_llm="true"), 1.0)).status == "success"
    assert context.view()["dynamic_info"] == ""


def test_a_lane_that_is_silent_keeps_the_line_and_answers_when_asked() -> None:
    handler, _ = make()
    handler.take(RespondModeUpdate("user_text", "silent"), 1.0)
    effects = handler.take(UserTextMessage("Who are you?", "m1"), 1.0)
    assert not any(isinstance(outcome, Generate) for outcome in effects)
    asked = handler.take(ContextUpdate(run_llm="true", message_id="m1"), 2.0)
    assert asked[1] == Generate(1, PlayerSaid("Who are you?"))


def test_a_change_of_mode_is_acknowledged_with_all_modes() -> None:
    answer = ack(take(RespondModeUpdate("user_voice", "silent", "u1")))
    assert answer.extras == {
        "modality": "user_voice",
        "mode": "silent",
        "update_id": "u1",
        "respond_modes": {"user_voice": "silent"},
    }
    assert ack(take(RespondModeUpdate("vision", "silent"))).status == "error"


def test_a_context_update_that_does_not_fit_is_an_error() -> None:
    answer = ack(take(ContextUpdate(None)))
    assert answer.status == "error"
    assert "context-update" in (answer.message or "")


def test_what_the_game_tells_reaches_the_context() -> None:
    handler, context = make()
    handler.take(UpdateSceneMetadata(({"name": "torch"},)), 1.0)
    handler.take(UpdateTemplateKeys({"weather": "rain"}), 1.0)
    handler.take(ContextUpdate(None, current_attention_object="torch"), 1.0)
    view = context.view()
    assert (view["scene"], view["keys"], view["attention"]) == (
        ({"name": "torch"},),
        {"weather": "rain"},
        "torch",
    )


def test_a_voice_can_only_be_turned_on_where_there_is_one() -> None:
    assert ack(take(TtsToggle(True), can_speak=False)).status == "error"


def test_the_speech_input_is_muted_and_stopped_by_order() -> None:
    assert take(SttToggle(True))[1] == MuteInput(True)
    assert take(ForceUserStoppedSpeaking())[1] == EndUtterance()


def test_killing_the_pipeline_ends_the_talk() -> None:
    assert take(KillPipeline())[-1] == End("killed")


def test_what_is_no_message_is_acknowledged_with_its_kind() -> None:
    send = rejection(MessageError("unknown-message-type", "no", {"supported_types": ["x"]}))
    assert send.message == ServerResponse(
        "unknown-message-type", "error", "no", {"supported_types": ["x"]}
    )
