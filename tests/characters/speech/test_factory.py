from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest

from characters.audio.signal import decibels
from characters.protocol.turn_settings import VoiceActivityOptions
from characters.speech.factory import (
    PLACEHOLDER_RATE,
    FallbackSynthesiser,
    PlaceholderSpeech,
    SpeechParts,
    make_speech,
    syllables,
)
from characters.speech.interfaces import (
    Heard,
    Rejected,
    SpeechEvent,
    SpeechStarted,
    Synthesiser,
    SynthesisError,
    VoiceChunk,
    VoiceStyle,
)
from characters.speech.listener import LoudnessDetector
from characters.speech.settings import SpeechDetector, SpeechSettings, SpeechVoice
from engine.core.errors import install_command
from tests.characters.speech.openai_server import serving
from tests.characters.speech.test_sphinx import spoken

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
    style = VoiceStyle(name=voice)
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
    # Whisper, where the extra `dictation` is installed, writes signs and capitals.
    assert isinstance(heard, Heard)
    assert heard.text.lower().rstrip("?") == "how are you feeling today"


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
    monkeypatch.setattr("characters.speech.factory.find_spec", lambda name: None)
    speech = make_speech(recognise=False)
    assert len(speech.problems) == 1 and install_command("voice") in speech.problems[0]
    assert asyncio.run(say(speech))[0].sample_rate == PLACEHOLDER_RATE


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
            await say(make_speech(settings, recognise=False))
            return server.keys

    monkeypatch.setenv("VOICE_KEY", "k3y")
    assert asyncio.run(talk()) == ["Bearer k3y"]
    monkeypatch.delenv("VOICE_KEY")
    settings = SpeechSettings(synthesis_url="http://x", synthesis_key_env="VOICE_KEY")
    assert "VOICE_KEY is not set" in make_speech(settings, recognise=False).problems[0]


@pytest.mark.parametrize(("voice", "rate"), [("auto", 24_000), ("espeak", 22_050)])
def test_an_endpoint_that_is_not_there_leaves_the_sentence_to_this_machine(
    voice: SpeechVoice, rate: int
) -> None:
    settings = SpeechSettings(synthesis_url=NOBODY, voice=SpeechVoice(voice))
    chunks = asyncio.run(say(make_speech(settings, recognise=False)))
    assert {chunk.sample_rate for chunk in chunks} == {rate}


def test_another_language_is_left_to_espeak() -> None:
    async def german() -> list[VoiceChunk]:
        speech = make_speech(recognise=False)
        style = VoiceStyle(language="de")
        chunks = [chunk async for chunk in speech.synthesise("Guten Morgen.", style)]
        await speech.close()
        return chunks

    assert {chunk.sample_rate for chunk in asyncio.run(german())} == {22_050}


def test_where_espeak_is_asked_for_and_missing_the_human_voice_speaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("characters.speech.factory.find_espeak", lambda: None)
    speech = make_speech(SpeechSettings(voice=SpeechVoice.ESPEAK), recognise=False)
    assert speech.problems == ("The program espeak-ng is not installed, the human voice speaks.",)
    assert {chunk.sample_rate for chunk in asyncio.run(say(speech))} == {24_000}


def test_a_human_voice_that_is_asked_for_and_missing_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("characters.speech.factory.find_spec", lambda name: None)
    speech = make_speech(SpeechSettings(voice=SpeechVoice.HIBARI), recognise=False)
    assert install_command("voice") in speech.problems[0]


def test_a_model_that_is_not_there_leaves_the_words_to_pocketsphinx(tmp_path: Path) -> None:
    async def talk() -> list[SpeechEvent]:
        speech = make_speech(SpeechSettings(whisper_folder=str(tmp_path)))
        assert "is no model for faster-whisper" in speech.problems[0]
        events = await hear(speech)
        await speech.close()
        return events

    assert isinstance(asyncio.run(talk())[-1], Heard)


def test_without_recognition_an_utterance_is_answered_with_advice() -> None:
    babble: Synthesiser = PlaceholderSpeech()
    speech = SpeechParts(None, LoudnessDetector, babble)
    assert not speech.can_recognise
    started, *_, rejected = asyncio.run(hear(speech))
    assert isinstance(started, SpeechStarted)
    assert isinstance(rejected, Rejected) and "type it" in rejected.advice


class Voice:
    """Says its name, as often as it is told to before it breaks."""

    def __init__(self, name: str, chunks: int = 1, *, breaks: bool = False) -> None:
        self.name, self.chunks, self.breaks = name, chunks, breaks
        self.stopped = 0
        self.is_closed = False

    async def synthesise(self, text: str, style: VoiceStyle) -> AsyncGenerator[VoiceChunk, None]:
        try:
            for _ in range(self.chunks):
                yield VoiceChunk(self.name.encode(), 16_000)
            if self.breaks:
                raise SynthesisError("no answer")
        finally:
            self.stopped += 1

    async def close(self) -> None:
        self.is_closed = True


def speak(*voices: Voice, times: int = 1, text: str = "Hello.") -> list[str]:
    async def talk() -> list[str]:
        chain, said = FallbackSynthesiser(voices), ""
        for _ in range(times):
            async for chunk in chain.synthesise(text, VoiceStyle()):
                said += chunk.pcm.decode()
        return list(said)

    return asyncio.run(talk())


def test_one_that_makes_no_sound_of_words_is_followed_by_the_next() -> None:
    assert speak(Voice("a", 0), Voice("b"), text="你好 世界") == ["b"]
    assert speak(Voice("a", 0), Voice("b"), text="…") == []
    with pytest.raises(SynthesisError, match="captions"):
        speak(Voice("a", 0))


def test_the_first_that_can_speaks_alone() -> None:
    assert speak(Voice("a"), Voice("b")) == ["a"]


def test_one_that_breaks_off_is_followed_by_the_whole_sentence() -> None:
    assert speak(Voice("a", 1, breaks=True), Voice("b", 2)) == ["a", "b", "b"]


def test_when_nobody_can_that_is_an_error() -> None:
    with pytest.raises(SynthesisError, match="captions"):
        speak(Voice("a", 0, breaks=True))


def test_it_complains_once_until_it_has_worked_again(caplog: pytest.LogCaptureFixture) -> None:
    async def talk() -> None:
        first = Voice("a", 0, breaks=True)
        chain = FallbackSynthesiser((first, Voice("b")))
        for breaks in (True, True, False, True):
            first.breaks = breaks
            first.chunks = 0 if breaks else 1
            assert [c async for c in chain.synthesise("Hello.", VoiceStyle())]

    with caplog.at_level(logging.WARNING):
        asyncio.run(talk())
    assert len(caplog.records) == 2


def test_stopping_in_the_middle_stops_whoever_speaks() -> None:
    async def talk() -> Voice:
        voice = Voice("a", 5)
        chunks = FallbackSynthesiser((voice,)).synthesise("Hello.", VoiceStyle())
        await anext(chunks)
        await chunks.aclose()
        return voice

    assert asyncio.run(talk()).stopped == 1


def test_half_of_a_letter_is_left_out_of_what_is_spoken() -> None:
    class Encoder(Voice):
        """Encodes what it speaks, as programs and services do."""

        async def synthesise(
            self, text: str, style: VoiceStyle
        ) -> AsyncGenerator[VoiceChunk, None]:
            yield VoiceChunk(text.encode(), 16_000)

    async def said() -> bytes:
        speech = SpeechParts(None, LoudnessDetector, Encoder("a"))
        chunks = [chunk async for chunk in speech.synthesise("Hi \ud83dthere \ud83d\ude00.")]
        await speech.close()
        return b"".join(chunk.pcm for chunk in chunks)

    assert asyncio.run(said()).decode() == "Hi there \N{GRINNING FACE}."


def test_closing_closes_all() -> None:
    voices = (Voice("a"), Voice("b"))
    asyncio.run(FallbackSynthesiser(voices).close())
    assert all(voice.is_closed for voice in voices)


def speak_babble(text: str, style: VoiceStyle | None = None) -> list[VoiceChunk]:
    async def collect() -> list[VoiceChunk]:
        return [
            chunk async for chunk in PlaceholderSpeech().synthesise(text, style or VoiceStyle())
        ]

    return asyncio.run(collect())


def test_a_word_has_its_syllables_and_a_pause_after_it() -> None:
    assert syllables("Hello there") == ("e", "o", " ", "e", "e", " ")


@pytest.mark.parametrize("text", ["Привет, мир", "你好 世界", "こんにちは"])
def test_whatever_the_letters_it_can_be_heard(text: str) -> None:
    assert any(np.frombuffer(chunk.pcm, np.int16).any() for chunk in speak_babble(text))


def test_it_can_be_heard_and_moves_the_mouth() -> None:
    chunks = speak_babble("hello")
    assert decibels(np.frombuffer(chunks[0].pcm, np.int16)) > -30.0
    assert all(len(chunk.visemes) == 15 for chunk in chunks)


def test_chunks_are_short_and_begin_and_end_without_a_click() -> None:
    for chunk in speak_babble("a long winding sentence"):
        sound = np.frombuffer(chunk.pcm, np.int16)
        assert sound.size <= 0.1 * chunk.sample_rate
        assert abs(int(sound[0])) < 300 and abs(int(sound[-1])) < 300


def test_a_text_always_sounds_the_same_and_voices_differ() -> None:
    assert speak_babble("hello") == speak_babble("hello")
    assert speak_babble("hello")[0].pcm != speak_babble("hello", VoiceStyle(pitch=90))[0].pcm


def test_nothing_to_say_is_nothing() -> None:
    assert speak_babble("") == []
