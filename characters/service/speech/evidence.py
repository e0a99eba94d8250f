"""How sure one can be of a sentence: what speaks for it, and how much the noise demands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from characters.core.levels import decibels

__all__ = ["Evidence", "Loudness", "Segment", "spoken_frames", "worst_word"]

FRAME_SAMPLES = 320
# With fewer frames of 10 ms than this the two scores are too close to mean anything.
MIN_FRAMES = 15
# Words that lie under a part of the speech only have been fitted into it: the rest went for noise.
COVERAGE = 0.6
# By how many log steps per 10 ms the phones may be ahead of the sentence, by how far the voice
# stands above the noise (dB). Noise makes all phones alike: there the sentence has to be ahead.
# Found on nine synthetic voices; `python -m tests.audio.corpus` reports on others.
SNR_DB = (14.0, 24.0, 40.0)
LEAD = (-2.0, 0.0, 5.0)
# The same for the word that fits worst: "open the window" is "open the door" but for its end. These
# are the decoder's scores of sound alone, 1024 to a log step, with the words' own share left out.
WORD_LEAD = (90_000.0, 90_000.0, 104_000.0)
# A shorter word is a few frames of anything.
MIN_WORD_FRAMES = 12


class Loudness:
    """How loud an utterance was, 20 ms by 20 ms."""

    def __init__(self) -> None:
        self._levels: list[float] = []

    def feed(self, pcm: bytes) -> None:
        """Take more of the utterance, 16 kHz mono int16."""
        samples = np.frombuffer(pcm, "<i2")
        whole = samples[: samples.size - samples.size % FRAME_SAMPLES]
        self._levels += map(decibels, whole.reshape(-1, FRAME_SAMPLES))

    @property
    def above_noise_db(self) -> float:
        """By how much its loud parts are louder than its quiet ones."""
        if not self._levels:
            return 0.0
        quiet, loud = np.percentile(self._levels, (10, 90))
        return float(loud - quiet)


@dataclass(frozen=True, slots=True)
class Segment:
    """A word or a phone, the frames it lies under (10 ms, both ends within) and its score."""

    name: str
    first: int
    last: int
    score: float

    @property
    def frames(self) -> int:
        """How long it is."""
        return self.last - self.first + 1

    @property
    def is_filler(self) -> bool:
        """Whether it is silence, noise or an end of the sentence."""
        return self.name == "SIL" or self.name[0] in "<[+"


def spoken_frames(segments: Sequence[Segment]) -> int:
    """Return how many frames are taken for speech, not for silence or noise."""
    return sum(segment.frames for segment in segments if not segment.is_filler)


def worst_word(words: Sequence[Segment], phones: Sequence[Segment]) -> float:
    """Return by how much the phones are ahead, for each frame, of the word that fits worst."""
    end = max((segment.last for segment in (*words, *phones)), default=0)
    scores = np.zeros(end + 1)
    for phone in phones:
        scores[phone.first : phone.last + 1] = phone.score / max(1, phone.frames)
    return max(
        (
            (float(scores[word.first : word.last + 1].sum()) - word.score) / word.frames
            for word in words
            if not word.is_filler and word.frames >= MIN_WORD_FRAMES
        ),
        default=0.0,
    )


@dataclass(frozen=True, slots=True)
class Evidence:
    """What two passes over an utterance found: one of words, one of any phones in any order."""

    frames: int  # of 10 ms
    lead: float  # of the phones over the words, in log steps for each frame
    word_lead: float  # the same for the worst of the words, in steps of sound alone
    coverage: float  # the words' share of what the phones take for speech
    above_noise_db: float

    @property
    def _margin(self) -> float:
        return float(np.interp(self.above_noise_db, SNR_DB, LEAD)) - self.lead

    @property
    def is_enough(self) -> bool:
        """Whether the words are to be believed."""
        word_limit = float(np.interp(self.above_noise_db, SNR_DB, WORD_LEAD))
        return (
            self.frames >= MIN_FRAMES
            and self.coverage >= COVERAGE
            and self.word_lead <= word_limit
            and self._margin >= 0.0
        )

    @property
    def confidence(self) -> float:
        """How sure it is, 0.5 where it is just enough."""
        return 1.0 / (1.0 + math.exp(-min(60.0, max(-60.0, self._margin)) / 4.0))
