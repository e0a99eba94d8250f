"""Chooses the parts of speech that this machine has, and says what is missing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from characters.core.levels import SpeechGate, decibels
from characters.core.turn_settings import SmartTurn, VoiceActivityOptions
from characters.service.speech.babble import Babble
from characters.service.speech.espeak import Espeak, SynthesisError, find_espeak
from characters.service.speech.listener import Detector, RoomListener, Unable
from characters.service.speech.pronounce import ask_espeak
from characters.service.speech.protocols import (
    Recogniser,
    Synthesiser,
    VoiceChunk,
    VoiceStyle,
)

__all__ = ["SpeechParts", "make_speech"]

log = logging.getLogger(__name__)

NO_RECOGNITION = (
    "Speech is not understood here: install the `speech` extra (pocketsphinx). Typing works."
)
NO_SYNTHESIS = (
    "Characters only babble: install the program espeak-ng (`make setup` does). Captions work."
)
ADVICE_WITHOUT_RECOGNITION = "I cannot understand speech on this machine: type it, please."


class LoudnessDetector:
    """Takes loud sound for speech; for machines without a real detector."""

    def __init__(self) -> None:
        self._gate = SpeechGate()

    def is_speech(self, pcm: bytes) -> bool:
        """Return whether a frame is clearly louder than the noise before it."""
        self._gate = self._gate.hear(decibels(np.frombuffer(pcm, "<i2")), 0.02)
        return self._gate.is_open


class SpeechParts:
    """All speech of the service, put together from parts (`Speech`)."""

    def __init__(
        self,
        recogniser: Recogniser | None,
        detector: Callable[[], Detector],
        synthesiser: Synthesiser,
        problems: tuple[str, ...] = (),
    ) -> None:
        self._recogniser = recogniser
        self._detector = detector
        self._synthesiser = synthesiser
        self._fallback = Babble()
        self._problems = problems
        # One worker: decoding holds the interpreter anyway, and frames stay in order.
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="recognition")

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
            self._worker,
            activity or VoiceActivityOptions(),
            turn or SmartTurn(),
        )

    async def synthesise(
        self, text: str, style: VoiceStyle | None = None
    ) -> AsyncGenerator[VoiceChunk, None]:
        """Speak a text; with the babble when the synthesiser fails."""
        style = style or VoiceStyle()
        try:
            async for chunk in self._synthesiser.synthesise(text, style):
                yield chunk
        except (SynthesisError, OSError) as error:
            log.warning("synthesis failed, babbling instead: %s", error)
            async for chunk in self._fallback.synthesise(text, style):
                yield chunk

    async def close(self) -> None:
        """Stop the worker."""
        await asyncio.to_thread(self._worker.shutdown, wait=True, cancel_futures=True)


def make_speech(*, recognise: bool = True, speak: bool = True) -> SpeechParts:
    """Load what there is for speech. Takes about 0.3 s: call it before the service listens."""
    problems: list[str] = []
    recogniser: Recogniser | None = None
    detector: Callable[[], Detector] = LoudnessDetector
    program = find_espeak()
    if recognise:
        try:
            from characters.service.speech.sphinx import SphinxDetector, SphinxRecogniser

            pronounce = partial(ask_espeak, program) if program else lambda word: None
            recogniser, detector = SphinxRecogniser(pronounce), SphinxDetector
        except (ImportError, RuntimeError, OSError):
            problems.append(NO_RECOGNITION)
    if speak and program is None:
        problems.append(NO_SYNTHESIS)
    synthesiser = Espeak(program) if speak and program is not None else Babble()
    return SpeechParts(recogniser, detector, synthesiser, tuple(problems))
