from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator

import pytest

from characters.service.speech import Heard, Rejected, VoiceChunk, VoiceStyle, make_speech
from characters.service.speech.babble import BABBLE_RATE
from characters.service.speech.espeak import SynthesisError
from characters.service.speech.factory import LoudnessDetector, SpeechParts
from tests.characters.service.speech.test_sphinx import spoken


class BrokenSynthesiser:
    async def synthesise(self, text: str, style: VoiceStyle) -> AsyncGenerator[VoiceChunk, None]:
        raise SynthesisError("espeak-ng made no sound")
        yield


def test_a_spoken_question_goes_in_and_its_words_come_out() -> None:
    async def talk() -> list[object]:
        speech = make_speech()
        assert speech.problems == () and speech.can_recognise
        listener = speech.listen(["How are you feeling today?", "Where does it hurt?"])
        sound = spoken("how are you feeling today") + bytes(32_000)
        events: list[object] = []
        for at in range(0, len(sound), 640):
            events += await listener.feed(sound[at : at + 640], at / 32_000)
        listener.close()
        await speech.close()
        return events

    heard = asyncio.run(talk())[-1]
    assert isinstance(heard, Heard) and heard.text == "how are you feeling today"


def test_without_its_parts_it_says_what_is_missing_and_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    speech = make_speech(recognise=False)
    assert speech.problems == (
        "Characters only babble: install the program espeak-ng (`make setup` does). Captions work.",
    )
    assert asyncio.run(first_rate(speech)) == BABBLE_RATE


async def first_rate(speech: SpeechParts) -> int:
    async for chunk in speech.synthesise("Hello."):
        rate = chunk.sample_rate
    await speech.close()
    return rate


def test_a_synthesiser_that_fails_is_replaced_by_the_babble() -> None:
    speech = SpeechParts(None, LoudnessDetector, BrokenSynthesiser())
    assert asyncio.run(first_rate(speech)) == BABBLE_RATE


def test_without_recognition_an_utterance_is_answered_with_advice() -> None:
    async def talk() -> list[object]:
        speech = SpeechParts(None, LoudnessDetector, BrokenSynthesiser())
        assert not speech.can_recognise
        listener = speech.listen(["hello"])
        sound = spoken("where does it hurt") + bytes(32_000)
        events = [
            event
            for at in range(0, len(sound), 640)
            for event in await listener.feed(sound[at : at + 640], at / 32_000)
        ]
        await speech.close()
        return list(events)

    rejected = asyncio.run(talk())[-1]
    assert isinstance(rejected, Rejected) and "type it" in rejected.advice
