from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from characters.core.speech import SpeechDetector, SpeechSettings
from characters.core.turn_settings import VoiceActivityOptions
from characters.service.speech import (
    Heard,
    Rejected,
    SpeechEvent,
    SpeechStarted,
    VoiceChunk,
    VoiceStyle,
    make_speech,
)
from characters.service.speech.babble import BABBLE_RATE, Babble
from characters.service.speech.factory import SpeechParts, sentences
from characters.service.speech.loudness import LoudnessDetector
from characters.service.speech.protocols import Synthesiser
from tests.characters.service.speech.openai_server import serving
from tests.characters.service.speech.test_sphinx import spoken

SOUND = spoken("how are you feeling today") + bytes(32_000)
NOBODY = "http://127.0.0.1:9/v1"


async def hear(
    speech: SpeechParts, sound: bytes = SOUND, activity: VoiceActivityOptions | None = None
) -> list[SpeechEvent]:
    phrases = ["How are you feeling today?", "Where does it hurt?"]
    listener = speech.listen(phrases, activity=activity)
    events: list[SpeechEvent] = []
    for at in range(0, len(sound), 640):
        events += await listener.feed(sound[at : at + 640], at / 32_000)
    await listener.close()
    return events


async def say(speech: SpeechParts, text: str = "Hello.", voice: str = "") -> list[VoiceChunk]:
    style = VoiceStyle(voice=voice)
    chunks = [chunk async for chunk in speech.synthesise(text, style)]
    await speech.close()
    return chunks


@pytest.mark.parametrize("detector", list(SpeechDetector))
def test_a_spoken_question_goes_in_and_its_words_come_out(detector: SpeechDetector) -> None:
    async def talk() -> list[SpeechEvent]:
        speech = make_speech(SpeechSettings(detector=detector))
        assert speech.problems == () and speech.can_recognise
        events = await hear(speech)
        await speech.close()
        return events

    heard = asyncio.run(talk())[-1]
    assert isinstance(heard, Heard) and heard.text == "how are you feeling today"


@pytest.mark.parametrize("detector", [SpeechDetector.SILERO, SpeechDetector.POCKETSPHINX])
@pytest.mark.parametrize(
    "options", [VoiceActivityOptions(min_volume=0.97), VoiceActivityOptions(start_secs=5.0)]
)
def test_each_detector_keeps_to_what_the_player_asked_for(
    detector: SpeechDetector, options: VoiceActivityOptions
) -> None:
    async def talk() -> list[SpeechEvent]:
        speech = make_speech(SpeechSettings(detector=detector))
        events = await hear(speech, activity=options)
        await speech.close()
        return events

    assert asyncio.run(talk()) == []


def test_without_its_parts_it_says_what_is_missing_and_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    speech = make_speech(recognise=False)
    assert speech.problems == (
        "Characters only babble: install the program espeak-ng (`make setup` does). Captions work.",
    )
    assert asyncio.run(say(speech))[0].sample_rate == BABBLE_RATE


def test_an_endpoint_hears_and_another_speaks() -> None:
    async def talk() -> tuple[SpeechEvent, list[VoiceChunk], list[str | None]]:
        async with serving() as server:
            server.text = "Open the window."
            settings = SpeechSettings(
                recognition_url=server.url, synthesis_url=server.url, synthesis_voice="nova"
            )
            speech = make_speech(settings)
            heard = (await hear(speech))[-1]
            chunks = await say(speech, "This is the first of two sentences. This is the other.")
            return heard, chunks, [asked.get("voice") for asked in server.asked]

    heard, chunks, voices = asyncio.run(talk())
    assert heard == Heard("Open the window.") and voices == [None, "nova", "nova"]
    assert {chunk.sample_rate for chunk in chunks} == {22_050}


def test_a_key_is_read_from_the_variable_that_the_setting_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def talk() -> list[str | None]:
        async with serving() as server:
            url = server.url
            settings = SpeechSettings(synthesis_url=url, synthesis_key_env="VOICE_KEY")
            await say(make_speech(settings))
            return server.keys

    monkeypatch.setenv("VOICE_KEY", "k3y")
    assert asyncio.run(talk()) == ["Bearer k3y"]
    monkeypatch.delenv("VOICE_KEY")
    problems = make_speech(SpeechSettings(synthesis_url="http://x", synthesis_key_env="VOICE_KEY"))
    assert "VOICE_KEY is not set" in problems.problems[0]


def test_an_endpoint_that_is_not_there_leaves_the_sentence_to_espeak() -> None:
    chunks = asyncio.run(say(make_speech(SpeechSettings(synthesis_url=NOBODY))))
    assert {chunk.sample_rate for chunk in chunks} == {22_050}


def test_a_model_that_is_not_there_leaves_the_words_to_pocketsphinx(tmp_path: Path) -> None:
    async def talk() -> list[SpeechEvent]:
        speech = make_speech(SpeechSettings(whisper_folder=str(tmp_path)))
        assert "is no model for faster-whisper" in speech.problems[0]
        events = await hear(speech)
        await speech.close()
        return events

    assert isinstance(asyncio.run(talk())[-1], Heard)


def test_a_text_is_cut_after_its_sentences_and_short_ones_stay_together() -> None:
    assert sentences(" Ah. You are new here, my dear friend!  Come in. Sit down. ") == (
        "Ah. You are new here, my dear friend!",
        "Come in. Sit down.",
    )
    assert sentences(" ") == ()


def test_without_recognition_an_utterance_is_answered_with_advice() -> None:
    babble: Synthesiser = Babble()
    speech = SpeechParts(None, LoudnessDetector, babble)
    assert not speech.can_recognise
    started, *_, rejected = asyncio.run(hear(speech))
    assert isinstance(started, SpeechStarted)
    assert isinstance(rejected, Rejected) and "type it" in rejected.advice
