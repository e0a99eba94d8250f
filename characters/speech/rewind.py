"""Where a voice that was paused goes on: at the word in which it stopped. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from characters.audio.signal import Samples, ramp
from characters.speech.interfaces import VoiceChunk

__all__ = ["SpokenVoice"]

KEPT_SECONDS = 5.0
# No word that is said within this is longer.
LONGEST_WORD = 1.5
# A device plays a little later than the client knows.
LATENCY_SECONDS = 0.05
# A word may really begin so far from its mark.
NEAR_SECONDS = 0.06
# A voice without marks stops between two words in the quietest moment of the last while.
LATELY_SECONDS = 0.8
STEP_SECONDS = 0.01


class SpokenVoice:
    """The last seconds of a turn's voice, each piece with the time at which it is heard."""

    def __init__(self) -> None:
        self._spoken: deque[tuple[float, VoiceChunk]] = deque()

    def add(self, start: float, chunk: VoiceChunk) -> None:
        """Note a piece that is heard from `start` on."""
        self._spoken.append((start, chunk))
        while start - self._spoken[0][0] > KEPT_SECONDS:
            self._spoken.popleft()

    def rewind(self, heard_until: float) -> tuple[VoiceChunk, ...]:
        """Return what is to be spoken again, from the word in which it was stopped; forget all."""
        at = self._begin_of_word(heard_until - LATENCY_SECONDS)
        again = [(start, chunk) for start, chunk in self._spoken if start + chunk.seconds > at]
        self._spoken.clear()
        if not again:
            return ()
        start, first = again[0]
        cut = max(0, round((at - start) * first.sample_rate))
        return (_from(first, cut), *(chunk for _, chunk in again[1:]))

    def _begin_of_word(self, heard_until: float) -> float:
        marks = [mark for mark in self._marks() if heard_until - LONGEST_WORD < mark <= heard_until]
        near = marks[-1] if marks else heard_until
        low, high = near - LATELY_SECONDS, near
        if marks:
            low, high = near - NEAR_SECONDS, near + NEAR_SECONDS
        places = [(loud, abs(at - near), at) for loud, at in self._places() if low <= at <= high]
        return min(places)[2] if places else near

    def _marks(self) -> Iterator[float]:
        for start, chunk in self._spoken:
            for sample in chunk.words:
                yield start + sample / chunk.sample_rate

    def _places(self) -> Iterator[tuple[float, float]]:
        """Yield how loud each hundredth of a second is, and its beginning."""
        for start, chunk in self._spoken:
            samples = _samples(chunk).astype(np.float32)
            step = round(chunk.sample_rate * STEP_SECONDS)
            for at in range(0, samples.size, step):
                yield float(np.abs(samples[at : at + step]).mean()), start + at / chunk.sample_rate


def _samples(chunk: VoiceChunk) -> Samples:
    return np.frombuffer(chunk.pcm, "<i2")


def _from(chunk: VoiceChunk, sample: int) -> VoiceChunk:
    """Return a piece from a sample on, which fades in so that nothing clicks."""
    samples = _samples(chunk)[sample:].astype(np.float32)
    size = min(samples.size, round(chunk.sample_rate * STEP_SECONDS))
    samples[:size] *= ramp(0.0, 1.0, size)
    words = tuple(word - sample for word in chunk.words if word >= sample)
    return replace(chunk, pcm=samples.astype("<i2").tobytes(), words=words)
