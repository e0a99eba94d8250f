"""Puts speech together: what the settings ask for where this machine has it, else the next best.

Of several synthesisers the first that works speaks a sentence. The last one is always there: soft
syllables made by arithmetic, so that no character is silent.
"""

from __future__ import annotations

import logging
import math
import os
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import cache, partial
from importlib.util import find_spec
from time import monotonic
from typing import TypeAlias

import numpy as np

from characters.audio.signal import Floats, Samples
from characters.english import ENGLISH
from characters.protocol.codec import whole_text
from characters.protocol.turn_settings import SmartTurn, VoiceActivityOptions
from characters.speech.espeak import Espeak, find_espeak, weights
from characters.speech.hibari import HibariVoice
from characters.speech.interfaces import (
    Detector,
    Recogniser,
    Synthesiser,
    SynthesisError,
    TurnDetector,
    VoiceChunk,
    VoiceStyle,
)
from characters.speech.listener import LoudnessDetector, NullRecogniser, Transcriber
from characters.speech.onnx import (
    SileroDetector,
    SmartTurnDetector,
    SmartTurnModel,
    find_silero,
    find_smart_turn,
    load_silero,
)
from characters.speech.remote import EndpointRecogniser, EndpointSynthesiser, SpeechEndpoint
from characters.speech.second_opinion import SecondOpinion, load_grammars
from characters.speech.sentences import sentences
from characters.speech.settings import SpeechDetector, SpeechSettings, SpeechVoice
from characters.speech.whisper import (
    WhisperRecogniser,
    model_folder,
    packaged_model,
    whisper_problem,
)
from characters.speech.worker import InProcess, InWorker, SpreadRecogniser
from engine.core.errors import install_command

__all__ = [
    "PLACEHOLDER_RATE", "FallbackSynthesiser", "make_speech", "PlaceholderSpeech", "SpeechParts",
    "syllables",
]  # fmt: skip


log = logging.getLogger(__name__)


NO_RECOGNITION = f"Speech is not understood here: `{install_command('speech')}`. Typing works."
NO_SYNTHESIS = (
    f"Characters only babble: `{install_command('voice')}`, or install the program espeak-ng. "
    "Captions work."
)
NO_HIBARI = f"The human voice is not installed, another one speaks: `{install_command('voice')}`."
NO_ESPEAK = "The program espeak-ng is not installed, the human voice speaks."
NO_SILERO = f"Silero is not installed, another detector is used: `{install_command('silero')}`."
ADVICE_WITHOUT_RECOGNITION = ENGLISH("speech.not_here")
MOST_PROCESSES = 3
REST_SECONDS = 60.0  # without an utterance; then a recogniser that is seldom needed takes no memory

MakeDetector: TypeAlias = Callable[[], Detector]


def make_speech(
    settings: SpeechSettings | None = None, *, recognise: bool = True, speak: bool = True
) -> SpeechParts:
    """Find what this machine has for speech; call it before the service listens.

    Models are loaded by processes of their own: the voice's by `prepare`, the recogniser's with the
    first room that listens.
    """
    settings = settings or SpeechSettings()
    problems: list[str] = []
    recogniser = _recogniser(settings, problems) if recognise else None
    voices = _synthesisers(settings, problems) if speak else [PlaceholderSpeech()]
    detector = _detector(settings.detector, problems) if recognise else LoudnessDetector
    model = find_smart_turn() if recognise else None
    turns = None if model is None else SmartTurnDetector(partial(SmartTurnModel, model))
    voice = FallbackSynthesiser(voices)
    prepare = voices[0].prepare if isinstance(voices[0], HibariVoice) else lambda: None
    return SpeechParts(recogniser, detector, voice, tuple(problems), turns, prepare)


def _recogniser(settings: SpeechSettings, problems: list[str]) -> Recogniser | None:
    language = settings.recognition_language
    if settings.recognition_url:
        key = _key(settings.recognition_key_env, problems)
        endpoint = SpeechEndpoint(settings.recognition_url, settings.recognition_model, key)
        return EndpointRecogniser(endpoint, language)
    own = model_folder(settings.whisper_folder) if settings.whisper_folder else None
    folder = own or (packaged_model() if language in ("", "en") else None)
    if folder is not None:
        problem = whisper_problem(folder)
        if problem is None:
            return _with_grammars(WhisperRecogniser(folder, language, cores()), language)
        problems.append(problem)
    try:
        from characters.speech.sphinx import make_sphinx
    except (ImportError, RuntimeError, OSError):
        problems.append(NO_RECOGNITION)
        return None
    # Decoding holds its interpreter, so each core has one; those that nobody needs do not run.
    make = partial(make_sphinx, find_espeak())
    rests = (math.inf, *[REST_SECONDS] * (min(cores(), MOST_PROCESSES) - 1))
    return SpreadRecogniser([InWorker(InProcess(make, "The recogniser", it)) for it in rests])


def _with_grammars(first: Recogniser, language: str) -> Recogniser:
    """Return a recogniser with pocketsphinx behind it, where that is installed and of use."""
    if language != "en" or find_spec("pocketsphinx") is None:
        return first
    make = partial(load_grammars, find_espeak())
    grammars = InProcess(make, "The second recogniser", REST_SECONDS)
    return SecondOpinion(first, InWorker(grammars))


def cores() -> int:
    """Return on how many processors speech may be made and understood at once."""
    return os.cpu_count() or 1


def _detector(requested: SpeechDetector, problems: list[str]) -> MakeDetector:
    if requested is not SpeechDetector.POCKETSPHINX:
        model = find_silero()
        if model is not None:
            return partial(SileroDetector, cache(partial(load_silero, model)))
        if requested is SpeechDetector.SILERO:
            problems.append(NO_SILERO)
    try:
        from characters.speech.sphinx import SphinxDetector

        return SphinxDetector
    except ImportError:
        return LoudnessDetector


def _synthesisers(settings: SpeechSettings, problems: list[str]) -> list[Synthesiser]:
    found: list[Synthesiser] = []
    if settings.synthesis_url:
        key = _key(settings.synthesis_key_env, problems)
        endpoint = SpeechEndpoint(settings.synthesis_url, settings.synthesis_model, key)
        voice, form = settings.synthesis_voice, settings.synthesis_format
        found.append(EndpointSynthesiser(endpoint, voice, monotonic, form))
    program, has_human = find_espeak(), find_spec("hibari") is not None
    wants_espeak = settings.voice is SpeechVoice.ESPEAK
    if has_human and not (wants_espeak and program is not None):
        found.append(HibariVoice())
    if settings.voice is SpeechVoice.HIBARI and not has_human:
        problems.append(NO_HIBARI)
    if wants_espeak and program is None and has_human:
        problems.append(NO_ESPEAK)
    if program is not None:
        found.append(Espeak(program))
    elif not found:
        problems.append(NO_SYNTHESIS)
    return [*found, PlaceholderSpeech()]


def _key(variable: str, problems: list[str]) -> str | None:
    key = os.environ.get(variable) if variable else None
    if variable and not key:
        problems.append(f"The environment variable {variable} is not set: it is to hold a key.")
    return key


class SpeechParts:
    """All speech of the service, put together from parts (`Speech`)."""

    def __init__(
        self,
        recogniser: Recogniser | None,
        detector: MakeDetector,
        synthesiser: Synthesiser,
        problems: tuple[str, ...] = (),
        turn_detector: TurnDetector | None = None,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self.prepare = prepare
        """Load the voice that speaks first, beside whatever else is done."""
        self._turn_detector = turn_detector
        self._recogniser = recogniser
        self._detector = detector
        self._detection = ThreadPoolExecutor(1, thread_name_prefix="detection")
        self._synthesiser = synthesiser
        self._problems = problems

    @property
    def problems(self) -> tuple[str, ...]:
        """One sentence for each part that is missing here."""
        return self._problems

    @property
    def can_recognise(self) -> bool:
        """Whether listeners understand words (without, they reject every utterance)."""
        return self._recogniser is not None

    def listen(
        self,
        phrases: Iterable[str],
        *,
        activity: VoiceActivityOptions | None = None,
        turn: SmartTurn | None = None,
    ) -> Transcriber:
        """Open a listener for what can be said in a room.

        Phrases are sentences as one would say them; `(a | b)` are alternatives, `[a]` is
        optional, and `<name>` stands for a given name. Punctuation and case do not matter.
        """
        return Transcriber(
            phrases,
            self._detector(),
            self._recogniser or NullRecogniser(ADVICE_WITHOUT_RECOGNITION),
            activity or VoiceActivityOptions(),
            turn or SmartTurn(),
            self._turn_detector,
            detection=self._detection,
        )

    async def synthesise(
        self, text: str, style: VoiceStyle | None = None
    ) -> AsyncGenerator[VoiceChunk, None]:
        """Speak a text, sentence by sentence: one is played while the next is made.

        Chunks of at most 100 ms come as fast as they are made, not paced. `aclose()` the generator,
        or cancel the task that iterates, to stop at once.
        """
        for sentence in sentences(whole_text(text)):  # no encoder takes half of a letter
            async with aclosing(
                self._synthesiser.synthesise(sentence, style or VoiceStyle())
            ) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def close(self) -> None:
        """Stop workers, connections and child processes."""
        await self._synthesiser.close()
        if self._recogniser is not None:
            await self._recogniser.close()
        if self._turn_detector is not None:
            await self._turn_detector.close()
        self._detection.shutdown(wait=False, cancel_futures=True)


class FallbackSynthesiser:
    """Implements `Synthesiser` by the first of several that works.

    One that breaks off in the middle of a sentence is followed by the whole sentence from the
    next: twice the beginning is better than half a word of advice. So is one that makes no sound of
    words, such as those in letters that it does not know.
    """

    def __init__(self, synthesisers: Sequence[Synthesiser]) -> None:
        self._synthesisers = tuple(synthesisers)
        self._failing: set[int] = set()

    async def synthesise(self, text: str, style: VoiceStyle) -> AsyncGenerator[VoiceChunk, None]:
        """Speak a sentence. Raises SynthesisError when none can."""
        is_silent = any(letter.isalnum() for letter in text)
        for number, synthesiser in enumerate(self._synthesisers):
            try:
                async with aclosing(synthesiser.synthesise(text, style)) as chunks:
                    async for chunk in chunks:
                        is_silent = False
                        yield chunk
                if is_silent:
                    raise SynthesisError("it made no sound of a sentence")
            except SynthesisError as error:
                self._warn(number, error)
            else:
                self._failing.discard(number)
                return
        raise SynthesisError("no voice could speak the sentence: captions show it")

    def _warn(self, number: int, error: SynthesisError) -> None:
        """Log it once, until the synthesiser has worked again."""
        if number not in self._failing:
            self._failing.add(number)
            name = type(self._synthesisers[number]).__name__
            log.warning("%s failed, the next voice takes over: %s", name, error)

    async def close(self) -> None:
        """Close all of them."""
        for synthesiser in self._synthesisers:
            await synthesiser.close()


PLACEHOLDER_RATE = 16_000
VOWELS = re.compile(r"[aeiouy]+")
LAST_LATIN = 0x24F
# The first two resonances of a mouth and the shape it has, by the first vowel letter.
RESONANCES = {
    "a": (750.0, 1200.0, "aa"),
    "e": (530.0, 1800.0, "e"),
    "i": (320.0, 2300.0, "ih"),
    "o": (500.0, 900.0, "oh"),
    "u": (340.0, 800.0, "ou"),
    "y": (320.0, 2000.0, "ih"),
}
PAUSE_SECONDS = 0.08


def syllables(text: str) -> tuple[str, ...]:
    """Return the vowel of each syllable, and a blank after each word.

    Of other letters than Latin ones every second is a syllable, of a vowel by its number.
    """
    found: list[str] = []
    for word in text.lower().split():
        latin = [vowels[0] for vowels in VOWELS.findall(word)]
        letters = [letter for letter in word if letter.isalpha() and ord(letter) > LAST_LATIN]
        found += latin or ["aeiou"[ord(letter) % 5] for letter in letters[::2]]
        found.append(" ")
    return tuple(found)


def _tone(vowel: str, pitch: float, seconds: float) -> Samples:
    """Return one syllable: a voice's harmonics through two resonances, rising and dying away."""
    first, second, _ = RESONANCES[vowel]
    time = np.arange(round(seconds * PLACEHOLDER_RATE), dtype=np.float32) / PLACEHOLDER_RATE
    sound: Floats = np.zeros(time.size, np.float32)
    for harmonic in range(1, int(3400.0 / pitch)):
        hertz = harmonic * pitch
        strength = sum(1.0 / (1.0 + ((hertz - peak) / 120.0) ** 2) for peak in (first, second))
        sound += np.float32(strength / harmonic**0.5) * np.sin(2.0 * np.pi * hertz * time)
    swell = np.sin(np.linspace(0.0, np.pi, time.size)).clip(0.0) ** 0.6
    peak = float(np.max(np.abs(sound))) or 1.0
    spoken: Samples = (sound * swell * (7000.0 / peak)).astype(np.int16)
    return spoken


class PlaceholderSpeech:
    """Implements `Synthesiser` with nothing but arithmetic."""

    async def synthesise(self, text: str, style: VoiceStyle) -> AsyncGenerator[VoiceChunk, None]:
        """Speak a text, a chunk for each syllable."""
        # 165 words a minute make 0.12 s for each syllable, which sounds like speech.
        seconds = 20.0 / max(60, style.words_per_minute)
        pitch = 90.0 + 1.6 * style.pitch
        words: tuple[int, ...] = (0,)  # each begins behind a blank
        for number, vowel in enumerate(syllables(text)):
            if vowel == " ":
                silence = bytes(2 * round(PAUSE_SECONDS * PLACEHOLDER_RATE))
                yield VoiceChunk(silence, PLACEHOLDER_RATE, weights("sil", 0.0))
                words = (0,)
                continue
            # The melody follows from the position, so that a text always sounds the same.
            bend = 1.0 + 0.08 * ((number * 7) % 5 - 2) / 2.0
            pcm = _tone(vowel, pitch * bend, min(0.1, seconds)).tobytes()
            yield VoiceChunk(pcm, PLACEHOLDER_RATE, weights(RESONANCES[vowel][2], 0.8), words)
            words = ()

    async def close(self) -> None:
        """Do nothing."""
