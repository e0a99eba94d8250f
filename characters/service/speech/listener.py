"""The ears of one room: voice activity, and the recogniser's work around it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable

import numpy as np

from characters.core.levels import decibels
from characters.core.turn_settings import SmartTurn, VoiceActivityOptions
from characters.service.speech.activity import Activity, VoiceActivity
from characters.service.speech.protocols import (
    SAY_AGAIN,
    Detector,
    Heard,
    Recogniser,
    Rejected,
    SpeechEvent,
    SpeechStarted,
    SpeechStopped,
    Utterance,
)

__all__ = ["CUT_OFF", "RoomListener", "Unable"]

log = logging.getLogger(__name__)

CUT_OFF = "The line was lost in the middle of what you said: say it again, or type it."
BUSY = "Too many people speak at once: say it again, or type it."
FRAME_BYTES = 640
FRAME_SECONDS = 0.02
# What the detector's confidence lags behind the voice, and some air before the first consonant:
# the recogniser has to know the room's noise.
CERTAINTY_SECONDS = 0.4
# Less voice than this and no words: a cough, a door. Nobody wants to be asked to say it again.
COUGH_SECONDS = 0.35


class Unable:
    """The recogniser of a machine that has none: every utterance is rejected with the reason."""

    def __init__(self, advice: str) -> None:
        self._advice = advice

    def prepare(self, phrases: tuple[str, ...]) -> None:
        """Nothing is to be prepared."""

    async def open(self, phrases: tuple[str, ...]) -> Unable:
        """Begin an utterance."""
        return self

    async def feed(self, pcm: bytes) -> None:
        """Take more of the utterance."""

    async def is_whole(self) -> bool:
        """Nobody knows."""
        return False

    async def finish(self) -> Rejected:
        """Say why nothing is understood."""
        return Rejected(self._advice)

    async def cancel(self) -> None:
        """Drop the utterance."""

    async def close(self) -> None:
        """Nothing is to be given back."""


class RoomListener:
    """Implements `Listener` over any detector and recogniser."""

    def __init__(
        self,
        phrases: Iterable[str],
        detector: Detector,
        recogniser: Recogniser,
        activity: VoiceActivityOptions,
        turn: SmartTurn,
        patience_seconds: float = 10.0,  # for what was said to be made out
    ) -> None:
        self._detector = detector
        self._recogniser = recogniser
        self._patience_seconds = patience_seconds
        self.set_phrases(phrases)
        self._activity = VoiceActivity(activity, turn)
        lead = activity.start_secs + CERTAINTY_SECONDS + turn.pre_speech_ms / 1000.0
        self._pre_roll_ms = turn.pre_speech_ms
        self._before: deque[bytes] = deque(maxlen=max(1, round(lead / FRAME_SECONDS)))
        self._pause: list[bytes] = []
        self._utterance: Utterance | None = None
        self._was_asked = False
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

    async def cut_off(self) -> tuple[SpeechEvent, ...]:
        """End the utterance of a player whose frames have stopped coming: his line is lost.

        What was said to its end is answered; what ends within a word could be the beginning
        of anything, and its rest comes later or never.
        """
        was_speaking, within_word = self._activity.is_speaking, self._activity.is_voiced
        self._activity.stop()
        self._rest = b""
        if was_speaking and not within_word:
            return await self._finish("lost")
        await self._drop()
        return (self._stopped("lost"), Rejected(CUT_OFF)) if was_speaking else ()

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
        self._recogniser.prepare(self._phrases)

    async def close(self) -> None:
        """Give everything back."""
        self._closed = True
        self._detector.close()
        await self._drop()

    async def _hear(self, frame: bytes) -> list[SpeechEvent]:
        loudness = decibels(np.frombuffer(frame, "<i2"))
        change = self._activity.hear(self._detector.confidence(frame), loudness, FRAME_SECONDS)
        self._before.append(frame)
        if change is Activity.STARTED:
            await self._open()
            return [SpeechStarted(self._now, self._pre_roll_ms)]
        if self._utterance is not None:
            await self._pass_on(frame)
            if await self._is_over(self._utterance):
                self._activity.stop()
                return list(await self._finish("silence"))
        if change is Activity.STOPPED:
            return list(await self._finish("silence"))
        if change is Activity.TOO_LONG:
            return list(await self._finish("maximum"))
        return []

    async def _open(self) -> None:
        self._utterance = await self._recogniser.open(self._phrases)
        if self._utterance is not None:
            await self._utterance.feed(b"".join(self._before))

    async def _pass_on(self, frame: bytes) -> None:
        # A pause is kept back until speech goes on: the noise of a long one at the end of an
        # utterance would count in its score as if it had been said.
        self._pause.append(frame)
        if self._activity.is_pausing or not self._activity.is_speaking:
            return
        sound, utterance = b"".join(self._pause), self._utterance
        self._pause.clear()
        if utterance is not None:
            await utterance.feed(sound)

    async def _is_over(self, utterance: Utterance) -> bool:
        """Ask once in each pause whether the sentence is whole: then no more is waited for."""
        is_first, self._was_asked = not self._was_asked, self._activity.may_be_over
        return is_first and self._was_asked and await utterance.is_whole()

    async def _finish(self, reason: str) -> tuple[SpeechEvent, ...]:
        utterance, self._utterance = self._utterance, None
        self._before.clear()
        self._pause.clear()
        stopped = self._stopped(reason)
        if utterance is None:
            return stopped, Rejected(BUSY)
        verdict = await self._verdict(utterance)
        if isinstance(verdict, Rejected) and self._activity.voiced_seconds < COUGH_SECONDS:
            return (self._stopped("noise"),)
        return stopped, verdict

    async def _verdict(self, utterance: Utterance) -> Heard | Rejected:
        try:
            async with asyncio.timeout(self._patience_seconds):
                return await utterance.finish()
        except Exception as error:  # whatever it is, the player is owed an answer
            log.error("recognition failed: %s", type(error).__name__)
            return Rejected(SAY_AGAIN)

    async def _drop(self) -> None:
        utterance, self._utterance = self._utterance, None
        self._before.clear()
        self._pause.clear()
        if utterance is not None:
            await utterance.cancel()

    def _stopped(self, reason: str) -> SpeechStopped:
        return SpeechStopped(self._now, reason, round(self._activity.seconds * 1000))
