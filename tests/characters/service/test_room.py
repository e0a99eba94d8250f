"""A room with an agent and speech, over a real socket."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

import msgpack

from characters.agents.agent import Part, PlayerSaid, Prompt, Say
from characters.speech.interfaces import Heard, SpeechStarted, SpeechStopped, VoiceChunk
from tests.characters.service.client import Bare, Guest, kind, serve
from tests.characters.service.fakes import AgentsOf, FakeSpeech, ForgetfulAgent

FRAME = msgpack.packb([1, 1, 0.5, b"\0\0" * 320])


class FailingAgent(ForgetfulAgent):
    """Breaks down when it is spoken to."""

    async def reply(self, prompt: Prompt, context: Mapping[str, Any]) -> AsyncGenerator[Part, None]:
        if isinstance(prompt, PlayerSaid):
            raise RuntimeError("secret words")
        yield Say("Hello.")


class LearningAgent(ForgetfulAgent):
    """Takes whatever is said for the player's name."""

    async def reply(self, prompt: Prompt, context: Mapping[str, Any]) -> AsyncGenerator[Part, None]:
        if isinstance(prompt, PlayerSaid):
            self.player_name = prompt.text
            yield Say("Hello.")


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

    one = LearningAgent()
    serve(play, agents=AgentsOf(lambda: one))


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

    serve(play, agents=AgentsOf(FailingAgent))


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
