from __future__ import annotations

import asyncio

import numpy as np

from characters.core.levels import decibels
from characters.service.speech.babble import Babble, syllables
from characters.service.speech.protocols import VoiceChunk, VoiceStyle


def speak(text: str, style: VoiceStyle | None = None) -> list[VoiceChunk]:
    async def collect() -> list[VoiceChunk]:
        return [chunk async for chunk in Babble().synthesise(text, style or VoiceStyle())]

    return asyncio.run(collect())


def test_a_word_has_its_syllables_and_a_pause_after_it() -> None:
    assert syllables("Hello there") == ("e", "o", " ", "e", "e", " ")


def test_it_can_be_heard_and_moves_the_mouth() -> None:
    chunks = speak("hello")
    assert decibels(np.frombuffer(chunks[0].pcm, np.int16)) > -30.0
    assert all(len(chunk.visemes) == 15 for chunk in chunks)


def test_chunks_are_short_and_begin_and_end_without_a_click() -> None:
    for chunk in speak("a long winding sentence"):
        sound = np.frombuffer(chunk.pcm, np.int16)
        assert sound.size <= 0.1 * chunk.sample_rate
        assert abs(int(sound[0])) < 300 and abs(int(sound[-1])) < 300


def test_a_text_always_sounds_the_same_and_voices_differ() -> None:
    assert speak("hello") == speak("hello")
    assert speak("hello")[0].pcm != speak("hello", VoiceStyle(pitch=90))[0].pcm


def test_nothing_to_say_is_nothing() -> None:
    assert speak("") == []
