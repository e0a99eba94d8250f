"""The ears of one room: voice activity on the event loop, recognition in a worker thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from contextlib import suppress
from typing import Protocol

import numpy as np

from characters.core.levels import decibels
from characters.core.turn_settings import SmartTurn, VoiceActivityOptions
from characters.service.speech.activity import Activity, VoiceActivity
from characters.service.speech.protocols import (
    Heard,
    Recogniser,
    Rejected,
    SpeechEvent,
    SpeechStarted,
    SpeechStopped,
    Utterance,
)

__all__ = ["Detector", "RoomListener", "Unable"]

BUSY = "Too many people speak at once: say it again, or type it."
FRAME_BYTES = 640
FRAME_SECONDS = 0.02
# What the detector's confidence lags behind the voice, and some air before the first consonant:
# the recogniser has to know the room's noise.
CERTAINTY_SECONDS = 0.4
# Less voice than this and no words: a cough, a door. Nobody wants to be asked to say it again.
COUGH_SECONDS = 0.35


class Detector(Protocol):
    """Tells speech from other sound."""

    def is_speech(self, pcm: bytes) -> bool:
        """Return whether a 20 ms frame is speech."""
        ...


class Unable:
    """The recogniser of a machine that has none: every utterance is rejected with the reason."""

    def __init__(self, advice: str) -> None:
        self._advice = advice

    def prepare(self, phrases: tuple[str, ...]) -> None:
        """Nothing is to be prepared."""

    def open(self, phrases: tuple[str, ...]) -> Unable:
        """Begin an utterance."""
        return self

    def feed(self, pcm: bytes) -> None:
        """Take more of the utterance."""

    def finish(self) -> Rejected:
        """Say why nothing is understood."""
        return Rejected(self._advice)

    def cancel(self) -> None:
        """Drop the utterance."""


class RoomListener:
    """Implements `Listener` over any detector and recogniser."""

    def __init__(
        self,
        phrases: Iterable[str],
        detector: Detector,
        recogniser: Recogniser,
        worker: Executor,
        activity: VoiceActivityOptions,
        turn: SmartTurn,
    ) -> None:
        self._detector = detector
        self._recogniser = recogniser
        self._worker = worker
        self.set_phrases(phrases)
        self._activity = VoiceActivity(activity, turn)
        lead = activity.start_secs + CERTAINTY_SECONDS + turn.pre_speech_ms / 1000.0
        self._pre_roll_ms = turn.pre_speech_ms
        self._before: deque[bytes] = deque(maxlen=max(1, round(lead / FRAME_SECONDS)))
        self._pause: list[bytes] = []
        self._utterance: Utterance | None = None
        self._rest = b""
        self._now = 0.0
        self._muted = False
        self._closed = False

    async def feed(self, pcm: bytes, timestamp: float) -> tuple[SpeechEvent, ...]:
        """Take microphone sound of any length; return what it gave rise to, in order."""
        self._now = timestamp
        if self._muted or self._closed:
            return ()
        data = self._rest + pcm
        whole = len(data) - len(data) % FRAME_BYTES
        self._rest = data[whole:]
        events: list[SpeechEvent] = []
        for start in range(0, whole, FRAME_BYTES):
            events += await self._hear(data[start : start + FRAME_BYTES])
        return tuple(events)

    async def force_stop(self) -> tuple[SpeechEvent, ...]:
        """End the utterance now."""
        if not self._activity.is_speaking:
            return ()
        self._activity.stop()
        return await self._finish("forced")

    async def set_muted(self, muted: bool) -> tuple[SpeechEvent, ...]:
        """Stop or resume listening; an open utterance is dropped."""
        self._muted = muted
        if not muted or not self._activity.is_speaking:
            return ()
        self._activity.stop()
        await self._drop()
        return (self._stopped("muted"),)

    def set_phrases(self, phrases: Iterable[str]) -> None:
        """Change what can be understood, from the next utterance on."""
        self._phrases = tuple(phrases)
        self._worker.submit(self._recogniser.prepare, self._phrases)

    def close(self) -> None:
        """Give everything back."""
        self._closed = True
        utterance, self._utterance = self._utterance, None
        if utterance is not None:
            with suppress(RuntimeError):  # the whole service is closing, and its worker is gone
                self._worker.submit(utterance.cancel)

    async def _hear(self, frame: bytes) -> list[SpeechEvent]:
        loudness = decibels(np.frombuffer(frame, "<i2"))
        change = self._activity.hear(self._detector.is_speech(frame), loudness, FRAME_SECONDS)
        self._before.append(frame)
        if change is Activity.STARTED:
            await self._open()
            return [SpeechStarted(self._now, self._pre_roll_ms)]
        if self._utterance is not None:
            await self._pass_on(frame)
        if change is Activity.STOPPED:
            return list(await self._finish("silence"))
        if change is Activity.TOO_LONG:
            return list(await self._finish("maximum"))
        return []

    async def _open(self) -> None:
        sound, phrases = b"".join(self._before), self._phrases

        def begin() -> Utterance | None:
            utterance = self._recogniser.open(phrases)
            if utterance is not None:
                utterance.feed(sound)
            return utterance

        loop = asyncio.get_running_loop()
        self._utterance = await loop.run_in_executor(self._worker, begin)

    async def _pass_on(self, frame: bytes) -> None:
        # A pause is kept back until speech goes on: the noise of a long one at the end of an
        # utterance would count in its score as if it had been said.
        self._pause.append(frame)
        if self._activity.is_pausing or not self._activity.is_speaking:
            return
        sound, utterance = b"".join(self._pause), self._utterance
        self._pause.clear()
        if utterance is not None:
            await self._in_worker(lambda: utterance.feed(sound))

    async def _finish(self, reason: str) -> tuple[SpeechEvent, ...]:
        utterance, self._utterance = self._utterance, None
        self._before.clear()
        self._pause.clear()
        stopped = self._stopped(reason)
        if utterance is None:
            return stopped, Rejected(BUSY)
        loop = asyncio.get_running_loop()
        verdict: Heard | Rejected = await loop.run_in_executor(self._worker, utterance.finish)
        if isinstance(verdict, Rejected) and self._activity.voiced_seconds < COUGH_SECONDS:
            return (stopped,)
        return stopped, verdict

    async def _drop(self) -> None:
        utterance, self._utterance = self._utterance, None
        self._before.clear()
        self._pause.clear()
        if utterance is not None:
            await self._in_worker(utterance.cancel)

    async def _in_worker(self, action: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._worker, action)

    def _stopped(self, reason: str) -> SpeechStopped:
        return SpeechStopped(self._now, reason, round(self._activity.seconds * 1000))
