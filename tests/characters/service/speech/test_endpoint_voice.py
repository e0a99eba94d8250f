from __future__ import annotations

import asyncio
from contextlib import aclosing

import numpy as np
import pytest

from characters.core.messages import VISEMES
from characters.service.speech.endpoint import SpeechEndpoint
from characters.service.speech.endpoint_voice import REST_SECONDS, EndpointVoice
from characters.service.speech.protocols import SynthesisError, VoiceChunk, VoiceStyle
from engine.clock import ManualClock
from tests.characters.service.speech.openai_server import OpenAIServer, serving, tone, wav


def voice_of(server: OpenAIServer, clock: ManualClock | None = None) -> EndpointVoice:
    endpoint = SpeechEndpoint(server.url, "tts-1", "k3y", answer_within=0.3)
    return EndpointVoice(endpoint, "alloy", (clock or ManualClock()).now, "wav")


def speak(
    *changes: tuple[str, object], style: VoiceStyle | None = None
) -> tuple[list[VoiceChunk], OpenAIServer]:
    async def talk() -> tuple[list[VoiceChunk], OpenAIServer]:
        async with serving() as server:
            for name, value in changes:
                setattr(server, name, value)
            voice = voice_of(server)
            try:
                chunks = [c async for c in voice.synthesise("Hello.", style or VoiceStyle())]
            finally:
                await voice.close()
            return chunks, server

    return asyncio.run(talk())


def test_a_sentence_comes_back_in_short_chunks_at_the_rate_of_the_service() -> None:
    chunks, _ = speak()
    assert b"".join(chunk.pcm for chunk in chunks) == tone(0.5, 22_050)
    assert {chunk.sample_rate for chunk in chunks} == {22_050}
    assert all(len(chunk.pcm) <= 0.1 * 2 * 22_050 for chunk in chunks)


def test_a_character_has_its_own_voice_or_the_one_of_the_settings() -> None:
    _, plain = speak()
    _, own = speak(style=VoiceStyle(voice="onyx", words_per_minute=330))
    assert (plain.asked[0]["voice"], own.asked[0]["voice"]) == ("alloy", "onyx")
    assert "speed" not in plain.asked[0] and own.asked[0]["speed"] == 2.0


def test_the_key_goes_along() -> None:
    assert speak()[1].keys == ["Bearer k3y"]


def test_bare_samples_are_24_kilohertz() -> None:
    chunks, _ = speak(("pieces", [tone(0.2, 24_000)]))
    assert chunks[0].sample_rate == 24_000
    assert len(b"".join(chunk.pcm for chunk in chunks)) == 2 * 4_800


def test_the_first_sound_does_not_wait_for_the_last() -> None:
    async def first() -> VoiceChunk:
        async with serving() as server:
            server.never_ends = True
            voice = voice_of(server)
            async with asyncio.timeout(5), aclosing(voice.synthesise("Hi.", VoiceStyle())) as it:
                chunk = await anext(it)
            # Leaving it in the middle is noticed at the other end.
            async with asyncio.timeout(5):
                await server.let_go.wait()
            await voice.close()
            return chunk

    assert asyncio.run(first()).pcm


def test_the_mouth_follows_the_sound() -> None:
    silence = bytes(2 * 4_800)
    chunks, _ = speak(("pieces", [wav(tone(0.2, 24_000, 800.0) + silence, 24_000)]))
    shapes = [VISEMES[int(np.argmax(chunk.visemes))] for chunk in chunks]
    assert shapes[0] == "aa" and shapes[-1] == "sil"


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("status", 503, "HTTP 503"),
        ("is_stuck", True, "too long"),
        ("pieces", [b"ID3\4" + bytes(100)], "MP3"),
        ("pieces", [], "no sound"),
        ("breaks_off", True, "cannot be used"),
    ],
)
def test_a_failure_says_what_the_service_did(name: str, value: object, why: str) -> None:
    with pytest.raises(SynthesisError, match=why):
        speak((name, value))


def test_after_a_failure_it_is_left_alone_for_a_while() -> None:
    async def talk() -> list[int]:
        clock, asked = ManualClock(), []
        async with serving() as server:
            voice = voice_of(server, clock)
            server.status = 500
            for wait in (0.0, 1.0, REST_SECONDS):
                clock.advance(wait)
                with pytest.raises(SynthesisError):
                    await anext(voice.synthesise("Hello.", VoiceStyle()))
                asked.append(len(server.asked))
            await voice.close()
        return asked

    assert asyncio.run(talk()) == [1, 1, 2]


def test_a_voice_that_the_service_does_not_have_is_replaced_from_the_next_sentence_on() -> None:
    async def talk() -> list[str]:
        async with serving() as server:
            voice, style = voice_of(server), VoiceStyle(voice="nobody")
            server.status = 400
            with pytest.raises(SynthesisError, match="nobody"):
                await anext(voice.synthesise("Hello.", style))
            server.status = 200
            assert [chunk async for chunk in voice.synthesise("Hello.", style)]
            await voice.close()
            return [asked["voice"] for asked in server.asked]

    assert asyncio.run(talk()) == ["nobody", "alloy"]
