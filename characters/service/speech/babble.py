"""A voice for machines without a synthesiser: soft syllables, so that nobody is silent."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator

import numpy as np

from characters.core.levels import Floats, Samples
from characters.service.speech.protocols import VoiceChunk, VoiceStyle
from characters.service.speech.visemes import weights

__all__ = ["BABBLE_RATE", "Babble", "syllables"]

BABBLE_RATE = 16_000
VOWELS = re.compile(r"[aeiouy]+")
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
    """Return the vowel of each syllable, and a blank after each word."""
    found: list[str] = []
    for word in text.lower().split():
        found += [vowels[0] for vowels in VOWELS.findall(word)]
        found.append(" ")
    return tuple(found)


def tone(vowel: str, pitch: float, seconds: float) -> Samples:
    """Return one syllable: a voice's harmonics through two resonances, rising and dying away."""
    first, second, _ = RESONANCES[vowel]
    time = np.arange(round(seconds * BABBLE_RATE), dtype=np.float32) / BABBLE_RATE
    sound: Floats = np.zeros(time.size, np.float32)
    for harmonic in range(1, int(3400.0 / pitch)):
        hertz = harmonic * pitch
        strength = sum(1.0 / (1.0 + ((hertz - peak) / 120.0) ** 2) for peak in (first, second))
        sound += np.float32(strength / harmonic**0.5) * np.sin(2.0 * np.pi * hertz * time)
    swell = np.sin(np.linspace(0.0, np.pi, time.size)).clip(0.0) ** 0.6
    peak = float(np.max(np.abs(sound))) or 1.0
    spoken: Samples = (sound * swell * (7000.0 / peak)).astype(np.int16)
    return spoken


class Babble:
    """Implements `Synthesiser` with nothing but arithmetic."""

    async def synthesise(self, text: str, style: VoiceStyle) -> AsyncGenerator[VoiceChunk, None]:
        """Speak a text, a chunk for each syllable."""
        # A syllable is 1.5 words of a minute's count long: 165 words sound like speech at 0.12 s.
        seconds = 20.0 / max(60, style.words_per_minute)
        pitch = 90.0 + 1.6 * style.pitch
        for number, vowel in enumerate(syllables(text)):
            if vowel == " ":
                silence = bytes(2 * round(PAUSE_SECONDS * BABBLE_RATE))
                yield VoiceChunk(silence, BABBLE_RATE, weights("sil", 0.0))
                continue
            # The tune comes from the position, so that a text always sounds the same.
            bend = 1.0 + 0.08 * ((number * 7) % 5 - 2) / 2.0
            pcm = tone(vowel, pitch * bend, min(0.1, seconds)).tobytes()
            yield VoiceChunk(pcm, BABBLE_RATE, weights(RESONANCES[vowel][2], 0.8))

    async def close(self) -> None:
        """Nothing is to be given back."""
