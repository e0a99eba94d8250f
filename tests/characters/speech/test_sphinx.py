from __future__ import annotations

import io
import subprocess
import wave
from functools import partial

import numpy as np
import pytest

from characters.audio.signal import Samples, resample
from characters.protocol.turn_settings import SmartTurn, VoiceActivityOptions
from characters.speech.interfaces import Completeness, Heard, Rejected
from characters.speech.listener import Activity, VoiceActivity
from characters.speech.sphinx import (
    MAX_GRAMMARS,
    MAX_OPEN,
    MAX_PAIRS,
    TYPE_NAMES,
    SphinxDetector,
    SphinxRecogniser,
    phones_of,
    pronounce_with_espeak,
)
from tests.audio.devices import require

PHRASES = ("where does it hurt", "how are you feeling today", "my name is <name>", "thank you")


def spoken(text: str, voice: str = "en-us") -> bytes:
    require("espeak-ng")
    wav = subprocess.run(
        ["espeak-ng", "-v", voice, "-s", "150", "--stdin", "--stdout"],
        input=text.encode(),
        capture_output=True,
        check=True,
    ).stdout
    with wave.open(io.BytesIO(wav)) as file:
        rate = file.getframerate()
    sound: Samples = np.frombuffer(wav[44:], "<i2").astype(np.int16)
    quiet = np.random.default_rng(1).normal(0.0, 8.0, 4_800).astype(np.int16)
    return np.concatenate((quiet, resample(sound, rate, 16_000) // 2, quiet)).tobytes()


@pytest.fixture(scope="module")
def recogniser() -> SphinxRecogniser:
    return SphinxRecogniser()


def recognise(
    recogniser: SphinxRecogniser, pcm: bytes, phrases: tuple[str, ...] = PHRASES
) -> Heard | Rejected:
    utterance = recogniser.open(phrases)
    assert utterance is not None
    for at in range(0, len(pcm), 640):
        utterance.feed(pcm[at : at + 640])
    return utterance.finish()


@pytest.mark.parametrize("voice", ["en-us", "en-us+m3", "en-us+f2"])
def test_what_can_be_asked_is_understood(recogniser: SphinxRecogniser, voice: str) -> None:
    got = recognise(recogniser, spoken("where does it hurt", voice))
    assert isinstance(got, Heard) and got.text == "where does it hurt"
    assert got.confidence > 0.5


@pytest.mark.parametrize("name", ["peter", "ada"])
def test_a_name_is_never_guessed_but_asked_to_be_typed(
    recogniser: SphinxRecogniser, name: str
) -> None:
    assert recognise(recogniser, spoken(f"my name is {name}")) == Rejected(TYPE_NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "seven hundred and forty two",
        "the train leaves from platform nine",
        "please paint it yellow",
    ],
)
def test_what_cannot_be_asked_is_rejected(recogniser: SphinxRecogniser, text: str) -> None:
    got = recognise(recogniser, spoken(text))
    assert isinstance(got, Rejected) and "say it again, or type it" in got.advice


def test_noise_is_rejected(recogniser: SphinxRecogniser) -> None:
    noise = np.random.default_rng(2).normal(0.0, 3_000.0, 16_000).astype(np.int16)
    assert isinstance(recognise(recogniser, noise.tobytes()), Rejected)


def test_nothing_at_all_is_rejected(recogniser: SphinxRecogniser) -> None:
    assert isinstance(recognise(recogniser, b""), Rejected)
    assert isinstance(recognise(recogniser, spoken("hello"), ()), Rejected)


def test_phrases_change_from_one_utterance_to_the_next(recogniser: SphinxRecogniser) -> None:
    sound = spoken("where does it hurt")
    for number in range(MAX_GRAMMARS + 2):
        other = recogniser.open(("thank you" + " very" * number,))
        assert other is not None
        other.cancel()
    assert isinstance(recognise(recogniser, sound, ("i have three dogs",)), Rejected)
    assert isinstance(recognise(recogniser, sound), Heard)


def test_a_word_that_the_dictionary_lacks_is_learnt() -> None:
    require("espeak-ng")
    learner = SphinxRecogniser(partial(pronounce_with_espeak, "espeak-ng"))
    got = recognise(learner, spoken("you have scurvy"), (*PHRASES, "you have scurvy"))
    assert isinstance(got, Heard) and got.text == "you have scurvy"


def test_several_speak_at_once_and_too_many_are_told(recogniser: SphinxRecogniser) -> None:
    for _ in range(2):  # whoever has ended leaves a place
        open_ones = [recogniser.open(PHRASES) for _ in range(MAX_OPEN)]
        assert None not in open_ones and recogniser.open(PHRASES) is None
        for utterance in open_ones:
            assert utterance is not None
            utterance.cancel()


def test_whoever_finds_no_pair_of_decoders_is_understood_at_the_end(
    recogniser: SphinxRecogniser,
) -> None:
    sound = spoken("where does it hurt")
    utterances = [recogniser.open(PHRASES) for _ in range(MAX_OPEN)]
    for at in range(0, len(sound), 3_200):
        for utterance in utterances:
            assert utterance is not None
            utterance.feed(sound[at : at + 3_200])
    heard = [utterance.finish() for utterance in reversed(utterances) if utterance is not None]
    assert [getattr(it, "text", it) for it in heard] == ["where does it hurt"] * MAX_OPEN


def test_a_pair_that_comes_free_takes_up_an_utterance_in_its_middle() -> None:
    loaded = SphinxRecogniser()
    first = [loaded.open(PHRASES) for _ in range(MAX_PAIRS - 1)]
    for utterance in first:
        assert utterance is not None
        utterance.feed(bytes(3_200))
    late, sound = loaded.open(PHRASES), spoken("where does it hurt")
    assert late is not None and first[0] is not None
    late.feed(sound[:32_000])
    assert late.completeness() is Completeness.UNKNOWN
    first[0].cancel()
    late.feed(sound[32_000:])
    assert late.completeness() is Completeness.WHOLE
    got = late.finish()
    assert isinstance(got, Heard) and got.text == "where does it hurt"


def test_the_detector_tells_speech_from_silence() -> None:
    detector = SphinxDetector()
    sound = spoken("where does it hurt")
    frames = [detector.is_speech(sound[at : at + 640]) for at in range(9_600, 40_000, 640)]
    assert sum(frames) > len(frames) / 2
    assert not any(SphinxDetector().is_speech(bytes(640)) for _ in range(20))


def test_the_detector_is_as_sure_as_its_last_frames_are_many() -> None:
    detector, sound = SphinxDetector(), spoken("where does it hurt")
    sure = [detector.confidence(sound[at : at + 640]) for at in range(9_600, 40_000, 640)]
    assert set(sure) <= {0.0, 0.2, 0.4, 0.6, 0.8, 1.0} and max(sure) == 1.0


def test_in_noise_the_same_sentence_is_told_apart_or_rejected(recogniser: SphinxRecogniser) -> None:
    sound = np.frombuffer(spoken("where does it hurt"), "<i2")
    noise = np.random.default_rng(3).normal(0.0, 1_500.0, sound.size)
    got = recognise(recogniser, np.clip(sound + noise, -32_768, 32_767).astype("<i2").tobytes())
    assert isinstance(got, Rejected) or got.text == "where does it hurt"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("where does it hurt", Completeness.WHOLE),
        ("where does it", Completeness.UNFINISHED),
        pytest.param("how are you", Completeness.UNFINISHED, marks=pytest.mark.slow),
        pytest.param("my name is peter", Completeness.WHOLE, marks=pytest.mark.slow),
    ],
)
def test_it_knows_a_whole_sentence_from_half_of_one(
    recogniser: SphinxRecogniser, text: str, said: Completeness
) -> None:
    utterance = recogniser.open(PHRASES)
    assert utterance is not None
    utterance.feed(spoken(text) + bytes(12_800))
    assert utterance.completeness() is said
    utterance.cancel()


@pytest.mark.parametrize(("confidence", "earliest"), [(0.2, True), (1.0, False)])
def test_the_detector_is_held_to_the_confidence_that_is_asked_for(
    confidence: float, earliest: bool
) -> None:
    detector, sound = SphinxDetector(), spoken("where does it hurt")
    activity = VoiceActivity(VoiceActivityOptions(confidence, start_secs=0.1), SmartTurn())
    sure = [detector.confidence(sound[at : at + 640]) for at in range(0, 40_000, 640)]
    first = next(n for n, s in enumerate(sure) if activity.hear(s, -20.0, 0.02) is Activity.STARTED)
    assert (first <= sure.index(0.2) + 4) is earliest


def test_phonemes_become_the_dictionarys_phones() -> None:
    assert phones_of("s_k_'3:_v_i\n") == "S K ER V IY"


def test_a_phoneme_that_is_not_known_gives_up_the_word() -> None:
    assert phones_of("s_??_t") is None and phones_of("") is None


@pytest.mark.parametrize(("word", "phones"), [("hurt", "HH ER T"), ("judge", "JH AH JH")])
def test_a_known_word_is_pronounced_as_the_dictionary_has_it(word: str, phones: str) -> None:
    require("espeak-ng")
    assert pronounce_with_espeak("espeak-ng", word) == phones


def test_a_program_that_is_missing_teaches_nothing() -> None:
    assert pronounce_with_espeak("no-such-program", "hurt") is None


def test_what_is_no_word_never_reaches_the_program() -> None:
    assert pronounce_with_espeak("no-such-program", "--help") is None
