"""A room with an agent and speech, over a real socket."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any

import msgpack
import pytest

from characters.agents.agent import Agent, Event, Part, PlayerSaid, Prompt, Say
from characters.protocol.codec import MessageError
from characters.protocol.messages import (
    ClientMessage,
    ConnectRequest,
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
from characters.service.effects import End, Generate, PersistEntry, Send
from characters.service.pace import TimingConfig
from characters.service.requests import LevelContext
from characters.service.room import (
    EndUtterance,
    MessageHandler,
    MuteInput,
    Outcome,
    rejection,
)
from characters.service.service import AgentFactory
from characters.speech.interfaces import Heard, SpeechStarted, SpeechStopped, VoiceChunk
from tests.characters.service.client import Bare, Guest, kind, serve
from tests.characters.service.fakes import FakeSpeech

FRAME = msgpack.packb([1, 1, 0.5, b"\0\0" * 320])


class FailingAgent:
    """Breaks down when it is spoken to."""

    player_name = ""

    async def reply(self, prompt: Prompt, context: Mapping[str, Any]) -> AsyncGenerator[Part, None]:
        if isinstance(prompt, PlayerSaid):
            raise RuntimeError("secret words")
        yield Say("Hello.")

    def note(self, text: str) -> None: ...

    def phrases(self) -> Iterable[str]:
        return ()

    mood = None

    def memory(self) -> dict[str, Any]:
        return {}


class FailingAgents(AgentFactory):
    def agent(self, request: ConnectRequest, memory: dict[str, Any]) -> Agent:
        return FailingAgent()

    def voice(self, request: ConnectRequest) -> None:
        return None


class LearningAgent(FailingAgent):
    """Takes whatever is said for the player's name."""

    async def reply(self, prompt: Prompt, context: Mapping[str, Any]) -> AsyncGenerator[Part, None]:
        if isinstance(prompt, PlayerSaid):
            self.player_name = prompt.text
            yield Say("Hello.")


class LearningAgents(FailingAgents):
    def __init__(self) -> None:
        self.one = LearningAgent()

    def agent(self, request: ConnectRequest, memory: dict[str, Any]) -> Agent:
        return self.one


def test_a_name_that_the_character_has_learnt_is_told_and_told_again_to_who_comes_back() -> None:
    def named(frames: list[dict[str, Any]]) -> list[str]:
        return [f["data"]["name"] for f in frames if kind(f) == "player-named"]

    async def play(bare: Bare) -> None:
        async with bare.room() as (guest, grant):
            for seq, name in enumerate(("Ada", "Ada", "Bob"), 1):
                await guest.say(name, seq=seq)
                told = named(await guest.until("bot-turn-completed"))
                assert told == ([] if seq == 2 else [name])
        resumed = await bare.connect(character_session_id=grant["character_session_id"])
        async with bare.enter(resumed) as guest:
            await guest.link("hello", received=0)
            assert named(await guest.until("player-named")) == ["Bob"]

    serve(play, agents=LearningAgents())


async def voiced(guest: Guest, until: str) -> tuple[list[str], list[Any]]:
    """Return the types of the messages up to that one, and the voice frames between them."""
    kinds: list[str] = []
    voice: list[Any] = []
    while until not in kinds:
        message = await guest.socket.receive(timeout=5)
        if isinstance(message.data, bytes):
            voice.append(msgpack.unpackb(message.data))
        else:
            kinds.append(kind(message.json()))
    return kinds, voice


async def voiced_frames(guest: Guest, count: int) -> list[Any]:
    """Return the next frames of a voice."""
    voice: list[Any] = []
    while len(voice) < count:
        message = await guest.socket.receive(timeout=5)
        if isinstance(message.data, bytes):
            voice.append(msgpack.unpackb(message.data))
    return voice


def test_a_room_without_an_agent_never_gets_ready_and_answers_nobody() -> None:
    async def play(bare: Bare) -> None:
        async with bare.enter(await bare.connect(spawn_agent=False)) as guest:
            await guest.link("hello", received=0)
            await guest.say("anybody?", seq=1)
            frames = await guest.until("server-response")
            assert [kind(frame) for frame in frames] == ["welcome", "server-response"]
            assert frames[-1]["status"] == "error"

    serve(play)


def test_an_agent_that_breaks_down_aborts_its_turn_and_not_the_room() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room() as (guest, _):
            for _ in range(2):
                await guest.say("hello")
                end = (await guest.until("bot-turn-completed"))[-1]["data"]
                assert (end["was_aborted"], end["error_reason"]) == (True, "dialogue_failed")

    serve(play, agents=FailingAgents())


def test_a_voice_is_sent_between_started_and_stopped_speaking() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room() as (guest, _):
            await guest.say("count 1")
            kinds, voice = await voiced(guest, "bot-turn-completed")
            assert [k for k in kinds if "speaking" in k or k in ("visemes", "bot-tts-started")] == [
                "bot-tts-started",
                "bot-started-speaking",
                "visemes",
                "bot-stopped-speaking",
            ]
            assert [(f[0], len(f[3]), f[4]) for f in voice] == [(2, 32_000, 16_000)]

    serve(play, speech=FakeSpeech())


def test_an_interruption_silences_the_voice() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room() as (guest, _):
            await guest.say("count 20")
            await voiced(guest, "bot-started-speaking")
            await guest.send(type="interrupt-bot")
            frames: list[str] = []
            while not frames or frames[-1] != "bot-turn-completed":
                frames += (await voiced(guest, "bot-turn-completed"))[0]
            assert frames[-2:] == ["bot-stopped-speaking", "bot-turn-completed"]

    serve(play, speech=FakeSpeech())


UH_HUH = (SpeechStarted(0.5, 100), SpeechStopped(1.0, "silence", 500), Heard("Uh-huh."))
STOP = (SpeechStarted(2.5, 100), SpeechStopped(3.0, "silence", 500), Heard("count 1"))
TENTH = VoiceChunk(b"\1\0" * 1_600, 16_000, (), (0,))


def test_an_uh_huh_ends_no_turn_and_a_paused_voice_goes_on_from_the_word() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room() as (guest, _):
            await guest.say("count 20")
            _, voice = await voiced(guest, "bot-started-speaking")
            while len(voice) < 4:
                voice += await voiced_frames(guest, 1)
            await guest.send(type="pause-bot", data={"heard_until": voice[0][2] + 0.25})
            await voiced(guest, "bot-stopped-speaking")
            await guest.socket.send_bytes(FRAME)
            kinds, _ = await voiced(guest, "bot-started-speaking")
            assert kinds[-4:] == [
                "vad-stt-started", "vad-stt-stopped", "bot-tts-started", "bot-started-speaking",
            ]  # fmt: skip
            await guest.socket.send_bytes(FRAME)
            kinds, _ = await voiced(guest, "bot-turn-completed")
            assert "final-user-transcription" in kinds
            await voiced(guest, "bot-started-speaking")
            assert bare.stage.heard == ["count 20", "count 1"]

    serve(play, speech=FakeSpeech({1: UH_HUH, 2: STOP}, TENTH))


def test_what_the_listener_understands_is_answered_like_typed_words() -> None:
    script = {3: (SpeechStarted(0.5, 100), SpeechStopped(1.0, "silence", 500), Heard("count 2"))}

    async def play(bare: Bare) -> None:
        async with bare.room() as (guest, _):
            for _ in range(3):
                await guest.socket.send_bytes(FRAME)
            kinds, _ = await voiced(guest, "bot-llm-stopped")
            assert kinds[:3] == ["vad-stt-started", "vad-stt-stopped", "final-user-transcription"]
            assert kinds.count("bot-llm-text") == 2
            assert bare.stage.heard == ["count 2"]

    serve(play, speech=FakeSpeech(script))


def test_an_utterance_that_lost_its_line_ends_a_moment_after_the_pause_of_a_turn() -> None:
    async def play(bare: Bare) -> None:
        pause = {"params": {"stop_secs": 0.1}}
        async with bare.room(turn_detection_config=pause) as (guest, _):
            await guest.socket.send_bytes(FRAME)
            kinds, _ = await voiced(guest, "vad-stt-stopped")
            assert kinds[0] == "vad-stt-started"

    serve(play, speech=FakeSpeech({1: (SpeechStarted(0.5, 100),)}))


def test_a_client_that_wants_no_voice_gets_none() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room(default_tts_enabled=False) as (guest, _):
            await guest.say("count 2")
            kinds, voice = await voiced(guest, "bot-turn-completed")
            assert voice == []
            assert "bot-started-speaking" not in kinds

    serve(play, speech=FakeSpeech())


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


def take(
    message: ClientMessage, *, can_speak: bool = True, has_agent: bool = True
) -> list[Outcome]:
    return make(can_speak=can_speak, has_agent=has_agent)[0].take(message, 1.0)


def ack(outcomes: list[Outcome]) -> ServerResponse:
    first = outcomes[0]
    assert isinstance(first, Send)
    assert isinstance(first.message, ServerResponse)
    return first.message


@pytest.mark.parametrize("message", EVERY, ids=lambda m: m.TYPE)
def test_every_message_is_acknowledged_first_and_by_its_name(message: ClientMessage) -> None:
    answer = ack(take(message))
    assert (answer.event_type, answer.status) == (message.TYPE, "success")


def test_text_is_echoed_and_answered() -> None:
    outcomes = take(UserTextMessage(" hi "))
    assert ack(outcomes).extras == {"text": " hi "}
    assert outcomes[1:] == [Generate(1, PlayerSaid("hi")), PersistEntry("player", "hi")]


def test_a_line_with_an_id_is_acknowledged_when_it_is_durable() -> None:
    handler, _ = make()
    line = UserTextMessage("hi", "m1")
    assert handler.take(line, 1.0)[0] == Generate(1, PlayerSaid("hi", "m1"))
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
    assert handler.take(line, 1.0)[0] == Generate(1, PlayerSaid("hi", "m1"))


@pytest.mark.parametrize("text", ["", "   ", "x" * 2001])
def test_empty_and_endless_text_is_refused(text: str) -> None:
    outcomes = take(UserTextMessage(text))
    assert (len(outcomes), ack(outcomes).status) == (1, "error")


def test_a_flood_of_text_is_told_to_wait() -> None:
    handler, _ = make()
    answers = [ack(handler.take(UserTextMessage("hi"), 1.0)).status for _ in range(12)]
    assert answers.count("error") == 3


def test_an_empty_room_says_that_nobody_is_there() -> None:
    outcomes = take(UserTextMessage("hi"), has_agent=False)
    assert (len(outcomes), ack(outcomes).status) == (1, "error")


def test_a_trigger_is_put_to_the_character() -> None:
    assert take(TriggerMessage("door", "it opened"))[1] == Generate(1, Event("door", "it opened"))


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
    outcomes = handler.take(UserTextMessage("Who are you?", "m1"), 1.0)
    assert not any(isinstance(outcome, Generate) for outcome in outcomes)
    asked = handler.take(ContextUpdate(run_llm="true", message_id="m1"), 2.0)
    assert asked[1] == Generate(1, PlayerSaid("Who are you?", "m1"))


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
