"""PreRoll: the first words to a character that is still getting ready, until it can hear them."""

from __future__ import annotations

from collections import deque

from characters.audio.source import FRAME_SECONDS
from characters.core.levels import Samples

__all__ = ["PreRoll"]

# What is heard before the first word: a plosive is over before it is recognised as speech.
LEAD_FRAMES = 15
# Whoever gets ready so much later does not know any more what the words were about.
FORGET_SECONDS = 30.0


class PreRoll:
    """Keeps the newest frames of speech in memory, never more than it is told.

    Silence is not kept: before speech only a short lead, and after it no more than `pause`,
    which lets the service find the end of the sentence. It never pushes words out.
    """

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._has_speech = False
        self._last_speech_at = 0.0

    def __bool__(self) -> bool:
        return self._has_speech

    @property
    def seconds(self) -> float:
        """How much speech is kept."""
        return len(self._frames) * FRAME_SECONDS if self._has_speech else 0.0

    def keep(self, samples: Samples, at: float, *, speaks: bool, most: float, pause: float) -> None:
        """Keep a frame that was captured at that time, and at most so many seconds in all."""
        if speaks:
            self._has_speech, self._last_speech_at = True, at
        bound = round(most / FRAME_SECONDS)
        is_full, is_over = len(self._frames) >= bound, at - self._last_speech_at > pause
        if self._has_speech and not speaks and (is_full or is_over):
            return
        self._frames.append(samples.tobytes())
        while len(self._frames) > (bound if self._has_speech else min(bound, LEAD_FRAMES)):
            self._frames.popleft()

    def add(self, samples: Samples) -> None:
        """Put a frame behind what is being sent already: it is the same sentence."""
        self._frames.append(samples.tobytes())

    def first(self) -> bytes:
        """Return the oldest frame."""
        return self._frames[0]

    def sent(self) -> None:
        """Take the oldest frame out."""
        self._frames.popleft()
        if not self._frames:
            self.clear()

    def is_stale(self, now: float) -> bool:
        """Return whether the words are too old to be said now."""
        return self._has_speech and now - self._last_speech_at > FORGET_SECONDS

    def clear(self) -> None:
        """Forget everything."""
        self._frames.clear()
        self._has_speech = False
