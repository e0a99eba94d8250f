"""Voice activity and smart turn, pure: frame by frame, when somebody speaks and is done."""

from __future__ import annotations

from enum import Enum, auto

from characters.core.levels import volume
from characters.core.turn_settings import SmartTurn, VoiceActivityOptions

__all__ = ["Activity", "VoiceActivity"]

# Recognisers want a little silence after the last word.
AIR_SECONDS = 0.2
TOLERANCE = 1e-6


class Activity(Enum):
    """What a frame changed."""

    NOTHING = auto()
    STARTED = auto()
    STOPPED = auto()  # a turn's worth of silence
    TOO_LONG = auto()


class VoiceActivity:
    """Follows one microphone: speech starts after `start_secs` of it, a turn ends by a pause.

    A pause ends the turn after `stop_secs` of the detector, or of the smart turn if that is longer.
    """

    def __init__(self, options: VoiceActivityOptions, turn: SmartTurn) -> None:
        self._options = options
        self._turn = turn
        self.is_speaking = False
        self._run = 0.0  # seconds of evidence against the present answer
        self.seconds = 0.0  # of the turn so far
        self.voiced_seconds = 0.0

    @property
    def is_voiced(self) -> bool:
        """Whether the last frame of the utterance was speech."""
        return self.is_speaking and self._run == 0.0

    @property
    def is_pausing(self) -> bool:
        """Whether the speaker has paused for longer than is worth recognising."""
        return self.is_speaking and self._run > self._options.stop_secs + AIR_SECONDS + TOLERANCE

    @property
    def may_be_over(self) -> bool:
        """Whether the pause is half of what ends a turn: enough after a whole sentence."""
        return self.is_pausing and self._run >= self._turn.stop_secs / 2.0 - TOLERANCE

    def hear(self, confidence: float, db: float, seconds: float) -> Activity:
        """Take how sure the detector is, 0 to 1, and the loudness of one frame."""
        speech = confidence >= self._options.confidence and volume(db) >= self._options.min_volume
        if not self.is_speaking:
            return self._wait(speech, seconds)
        return self._follow(speech, seconds)

    def stop(self) -> None:
        """End the turn from outside."""
        self.is_speaking = False
        self._run = 0.0

    def _wait(self, speech: bool, seconds: float) -> Activity:
        # A plosive's gap halves the evidence instead of forgetting it, or short words are missed.
        self._run = self._run + seconds if speech else max(0.0, self._run - seconds)
        if self._run < self._options.start_secs - TOLERANCE:
            return Activity.NOTHING
        self.is_speaking = True
        self.seconds = self.voiced_seconds = self._run
        self._run = 0.0
        return Activity.STARTED

    def _follow(self, speech: bool, seconds: float) -> Activity:
        self.seconds += seconds
        self.voiced_seconds += seconds if speech else 0.0
        self._run = 0.0 if speech else self._run + seconds
        pause = max(self._options.stop_secs, self._turn.stop_secs)
        if self._run >= pause - TOLERANCE:
            self.stop()
            return Activity.STOPPED
        if self.seconds >= self._turn.max_duration_secs - TOLERANCE:
            self.stop()
            return Activity.TOO_LONG
        return Activity.NOTHING
