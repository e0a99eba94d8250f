"""From microphone sound to utterances: voice activity, and a recogniser's work around it.

* `VoiceActivity` (pure): frame by frame, when the player begins to speak and when his turn ends
* `LoudnessDetector`: voice detection for machines without a real detector
* `NullRecogniser`: the recogniser of machines that have none
* `Transcriber`: the listener of one room, over any detector and recogniser
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Executor
from contextlib import suppress
from enum import Enum, auto

import numpy as np

from characters.audio.signal import SpeechGate, decibels, volume
from characters.english import ENGLISH
from characters.protocol.turn_settings import SmartTurn, VoiceActivityOptions
from characters.speech.interfaces import (
    BUSY,
    SAY_AGAIN,
    CollectedUtterance,
    Completeness,
    Detector,
    Heard,
    Recogniser,
    Rejected,
    SpeechContinued,
    SpeechEvent,
    SpeechPaused,
    SpeechStarted,
    SpeechStopped,
    TurnDetector,
    Utterance,
)

__all__ = [
    "Activity", "CUT_OFF", "LoudnessDetector", "NullRecogniser", "Transcriber", "VoiceActivity",
]  # fmt: skip


log = logging.getLogger(__name__)

# Recognisers need a little silence after the last word.
AIR_SECONDS = 0.2
TOLERANCE = 1e-6
CUT_OFF = ENGLISH("speech.cut_off")
FRAME_BYTES = 640
FRAME_SECONDS = 0.02
# How far the detector's confidence lags behind the voice, and some silence before the first
# consonant, because the recogniser has to know the room's noise.
CERTAINTY_SECONDS = 0.4
# Less voice than this and no words is a cough or a door: the player is not asked to repeat it.
COUGH_SECONDS = 0.35
# Of the pause that ends a turn.
PAUSE_SHARES = {Completeness.WHOLE: 0.5, Completeness.UNKNOWN: 1.0, Completeness.UNFINISHED: 1.5}
# What a turn detector is given of the utterance.
DETECTOR_BYTES = 8 * 32_000


class Activity(Enum):
    """What a frame changed."""

    NOTHING = auto()
    STARTED = auto()
    STOPPED = auto()  # a turn's worth of silence
    TOO_LONG = auto()


class VoiceActivity:
    """Follows one microphone: speech starts after `start_secs` of it, a turn ends by a pause.

    A pause ends the turn after `stop_secs` of the detector, or of the smart turn if that is longer;
    after half of that where the sentence is whole, and half as much again where it is not.
    """

    def __init__(self, options: VoiceActivityOptions, turn: SmartTurn) -> None:
        self._options = options
        self._turn = turn
        self.is_speaking = False
        self._run = 0.0  # seconds of evidence against `is_speaking`
        self.seconds = 0.0  # of the turn so far
        self.voiced_seconds = 0.0
        self.completeness = Completeness.UNKNOWN
        """What is known of the utterance in this pause; whoever finds it out sets it."""

    @property
    def is_voiced(self) -> bool:
        """Whether the last frame of the utterance was speech."""
        return self.is_speaking and self._run == 0.0

    @property
    def is_pausing(self) -> bool:
        """Whether the speaker has paused for longer than is worth recognising."""
        return self.is_speaking and self._run > self._options.stop_secs + AIR_SECONDS + TOLERANCE

    @property
    def is_over(self) -> bool:
        """Whether the pause is long enough for what it may be the end of."""
        pause = self._turn.stop_secs * PAUSE_SHARES[self.completeness]
        return self.is_speaking and self._run >= max(self._options.stop_secs, pause) - TOLERANCE

    def hear(self, confidence: float, db: float, seconds: float) -> Activity:
        """Follow one frame: how sure the detector is, 0 to 1, its loudness and length."""
        speech = confidence >= self._options.confidence and volume(db) >= self._options.min_volume
        if not self.is_speaking:
            return self._wait(speech, seconds)
        return self._follow(speech, seconds)

    def stop(self) -> None:
        """End the turn from outside."""
        self.is_speaking = False
        self.completeness = Completeness.UNKNOWN
        self._run = 0.0

    def _wait(self, speech: bool, seconds: float) -> Activity:
        # A plosive's gap halves the evidence instead of forgetting it, or short words are missed.
        self._run = self._run + seconds if speech else max(0.0, self._run - seconds)
        if not speech or self._run < self._options.start_secs - TOLERANCE:
            return Activity.NOTHING
        self.is_speaking = True
        self.seconds = self.voiced_seconds = self._run
        self._run = 0.0
        return Activity.STARTED

    def _follow(self, speech: bool, seconds: float) -> Activity:
        self.seconds += seconds
        self.voiced_seconds += seconds if speech else 0.0
        self._run = 0.0 if speech else self._run + seconds
        if speech:
            self.completeness = Completeness.UNKNOWN
        if self.is_over:
            self.stop()
            return Activity.STOPPED
        if self.seconds >= self._turn.max_duration_secs - TOLERANCE:
            self.stop()
            return Activity.TOO_LONG
        return Activity.NOTHING


class LoudnessDetector:
    """Implements `Detector` by loudness alone: what is clearly louder than the noise is speech."""

    def __init__(self) -> None:
        self._gate = SpeechGate()

    def confidence(self, pcm: bytes) -> float:
        """Return 1 for a frame that is loud, and for the short gaps between such frames."""
        self._gate = self._gate.hear(decibels(np.frombuffer(pcm, "<i2")), 0.02)
        return float(self._gate.is_open)

    def close(self) -> None:
        """Do nothing."""


class NullRecogniser:
    """The recogniser of a machine that has none: every utterance is rejected with the reason."""

    def __init__(self, advice: str) -> None:
        self._advice = advice

    def prepare(self, phrases: tuple[str, ...]) -> None:
        """Do nothing."""

    async def open(self, phrases: tuple[str, ...]) -> CollectedUtterance:
        """Begin an utterance."""
        return CollectedUtterance(self.reject)

    async def reject(self, pcm: bytes) -> Rejected:
        """Return the reason."""
        return Rejected(self._advice)

    async def close(self) -> None:
        """Do nothing."""


class Transcriber:
    """Listens in one room: any detector of speech, then any recogniser, in a worker thread.

    All calls come from the event loop, one at a time; none of them holds it.
    """

    def __init__(
        self,
        phrases: Iterable[str],
        detector: Detector,
        recogniser: Recogniser,
        activity: VoiceActivityOptions,
        turn: SmartTurn,
        turn_detector: TurnDetector | None = None,
        finish_within: float = 10.0,  # seconds for the recogniser after the utterance
        detection: Executor | None = None,  # where the detector works; None is here
    ) -> None:
        self._detector = detector
        self._detection = detection
        self._recogniser = recogniser
        self._turn_detector = turn_detector
        self._sound = bytearray()  # of the utterance, for the turn detector
        self._finish_within = finish_within
        self._phrases = tuple(phrases)
        recogniser.prepare(self._phrases)
        if turn_detector is not None:
            turn_detector.load()
        self._activity = VoiceActivity(activity, turn)
        lead = activity.start_secs + CERTAINTY_SECONDS + turn.pre_speech_ms / 1000.0
        self._pre_roll_ms = turn.pre_speech_ms
        self._before: deque[bytes] = deque(maxlen=max(1, round(lead / FRAME_SECONDS)))
        self._pause: list[bytes] = []
        self._utterance: Utterance | None = None
        self._was_pausing = False
        self._rest = b""
        self._now = 0.0
        self._muted = False
        self._closed = False

    async def feed(self, pcm: bytes, timestamp: float) -> tuple[SpeechEvent, ...]:
        """Take microphone sound of any length; return the events that follow, in order."""
        self._now = timestamp
        if self._muted or self._closed:
            return ()
        data = self._rest + pcm
        whole = len(data) - len(data) % FRAME_BYTES
        self._rest = data[whole:]
        frames = [data[start : start + FRAME_BYTES] for start in range(0, whole, FRAME_BYTES)]
        events: list[SpeechEvent] = []
        for frame, confidence in zip(frames, await self._confidences(frames), strict=True):
            events += await self._hear(frame, confidence)
        return tuple(events)

    async def _confidences(self, frames: list[bytes]) -> list[float]:
        def detect() -> list[float]:
            return [self._confidence(frame) for frame in frames]

        if self._detection is None:
            return detect()
        return await asyncio.get_running_loop().run_in_executor(self._detection, detect)

    def _confidence(self, frame: bytes) -> float:
        try:
            return self._detector.confidence(frame)
        except Exception as error:  # a damaged model may raise anything
            log.error("the detector fails, loudness alone decides: %s", type(error).__name__)
            self._detector = LoudnessDetector()
            return self._detector.confidence(frame)

    async def force_stop(self) -> tuple[SpeechEvent, ...]:
        """End the utterance now (`force-user-stopped-speaking`, end of push-to-talk)."""
        if not self._activity.is_speaking:
            return ()
        self._activity.stop()
        return await self._finish("forced")

    async def cut_off(self) -> tuple[SpeechEvent, ...]:
        """End the utterance of a player whose frames have stopped coming: the connection is lost.

        What was said to its end is recognised; what ends within a word could be the beginning
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

    async def close(self) -> None:
        """Close the detector, and drop an open utterance."""
        self._closed = True
        if self._detection is None:
            self._detector.close()
        else:
            with suppress(RuntimeError):  # the whole service is closing, and its thread is gone
                self._detection.submit(self._detector.close)
        await self._drop()

    async def _hear(self, frame: bytes, confidence: float) -> list[SpeechEvent]:
        loudness = decibels(np.frombuffer(frame, "<i2"))
        change = self._activity.hear(confidence, loudness, FRAME_SECONDS)
        self._before.append(frame)
        if change is Activity.STARTED:
            await self._open()
            return [SpeechStarted(self._now, self._pre_roll_ms)]
        if self._utterance is not None:
            await self._pass_on(frame)
            if self._activity.is_pausing and not self._was_pausing:
                self._activity.completeness = await self._completeness(self._utterance)
            if self._activity.is_over:
                self._activity.stop()
                return list(await self._finish("silence"))
        if change is Activity.STOPPED:
            return list(await self._finish("silence"))
        if change is Activity.TOO_LONG:
            return list(await self._finish("maximum"))
        return self._pauses()

    def _pauses(self) -> list[SpeechEvent]:
        """Tell once of each pause, and of its end."""
        is_pausing = self._activity.is_pausing
        if is_pausing == self._was_pausing:
            return []
        self._was_pausing = is_pausing
        if not self._activity.is_speaking:
            return []
        return [SpeechPaused(self._now) if is_pausing else SpeechContinued(self._now)]

    async def _open(self) -> None:
        self._sound = bytearray(b"".join(self._before))
        try:
            self._utterance = await self._recogniser.open(self._phrases)
        except Exception as error:  # whatever failed, the player gets an answer
            self._give_up(error)
        if self._utterance is not None:
            await self._feed(self._utterance, b"".join(self._before))

    async def _feed(self, utterance: Utterance, sound: bytes) -> None:
        try:
            await utterance.feed(sound)
        except Exception as error:
            with suppress(Exception):
                await utterance.cancel()
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """Let what is said be said again: the recogniser has failed in the middle of it."""
        log.error("recognition failed: %s", type(error).__name__)
        self._utterance = CollectedUtterance(NullRecogniser(SAY_AGAIN).reject)

    async def _pass_on(self, frame: bytes) -> None:
        # A pause is held back until speech goes on: the noise of a long one at the end of an
        # utterance would count in its score as if it had been said.
        self._pause.append(frame)
        if self._turn_detector is not None:
            self._sound += frame
            del self._sound[:-DETECTOR_BYTES]
        if self._activity.is_pausing or not self._activity.is_speaking:
            return
        sound, utterance = b"".join(self._pause), self._utterance
        self._pause.clear()
        if utterance is not None:
            await self._feed(utterance, sound)

    async def _completeness(self, utterance: Utterance) -> Completeness:
        """Ask, once in each pause, what it may be the end of: the words first, then the sound."""
        try:
            found = await utterance.completeness()
        except Exception as error:
            log.error("recognition failed: %s", type(error).__name__)
            found = Completeness.UNKNOWN
        if found is Completeness.UNKNOWN and self._turn_detector is not None:
            found = await self._turn_detector.completeness(bytes(self._sound))
        return found

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
            async with asyncio.timeout(self._finish_within):
                return await utterance.finish()
        except Exception as error:  # whatever failed, the player gets an answer
            log.error("recognition failed: %s", type(error).__name__)
            return Rejected(BUSY if isinstance(error, TimeoutError) else SAY_AGAIN)

    async def _drop(self) -> None:
        utterance, self._utterance = self._utterance, None
        self._before.clear()
        self._pause.clear()
        if utterance is not None:
            await utterance.cancel()

    def _stopped(self, reason: str) -> SpeechStopped:
        return SpeechStopped(self._now, reason, round(self._activity.seconds * 1000))
