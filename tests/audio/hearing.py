"""Is it speech, whose, and from where: what a recording of the loudspeakers is examined for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from characters.audio.signal import Samples, resample
from characters.speech.espeak import Espeak
from characters.speech.factory import make_speech
from characters.speech.interfaces import Heard, VoiceStyle
from characters.speech.sphinx import SphinxDetector
from tests.audio.corpus import BY_GRAMMAR, in_a_room, listen
from tests.audio.devices import require

__all__ = ["energy_ratio", "fundamental", "mono", "seconds_of", "share_of_speech", "words_in"]

Stereo: TypeAlias = NDArray[np.int16]
FRAME = 640


def energy_ratio(heard: Stereo) -> float:
    """Return the energy on the right over that on the left."""
    left, right = (heard.astype(np.float64) ** 2).sum(axis=0)
    return float(right / max(left, 1.0))


def mono(heard: Stereo) -> Samples:
    """Return 48 kHz stereo as 16 kHz mono, as loud as the louder side."""
    side = heard[:, int(energy_ratio(heard) > 1.0)]
    return resample(np.ascontiguousarray(side), 48_000, 16_000)


def fundamental(sound: Samples, rate: int) -> float:
    """Return the median height of a voice in Hz, by autocorrelation."""
    found, size = [], 2048
    for start in range(0, sound.size - size, 480):
        piece = sound[start : start + size].astype(np.float64)
        power = np.abs(np.fft.rfft(piece - piece.mean(), 2 * size)) ** 2
        same = np.fft.irfft(power)[:size]
        low, high = rate // 400, rate // 60
        lag = low + int(np.argmax(same[low:high]))
        if same[lag] > 0.5 * same[0] and np.sqrt(np.mean(piece**2)) > 1_000.0:
            found.append(rate / lag)
    return float(np.median(found))


def share_of_speech(sound: Samples) -> float:
    """Return how much of 16 kHz mono a voice detector takes for speech."""
    detector, pcm = SphinxDetector(), sound.tobytes()
    frames = [pcm[at : at + FRAME] for at in range(0, len(pcm) - FRAME, FRAME)]
    return sum(map(detector.is_speech, frames)) / max(1, len(frames))


def words_in(sound: Samples, phrases: Iterable[str]) -> list[str]:
    """Return what the recogniser hears of some phrases in 16 kHz mono."""

    async def hear() -> list[str]:
        speech = make_speech(BY_GRAMMAR, speak=False)
        listener = speech.listen(phrases)
        events = await listen(listener, in_a_room(sound, None, np.random.default_rng(1)))
        await listener.close()
        await speech.close()
        return [event.text for event in events if isinstance(event, Heard)]

    return asyncio.run(hear())


def seconds_of(text: str) -> float:
    """Return how long the service's own voice takes for a text."""
    require("espeak-ng")

    async def speak() -> tuple[bytes, int]:
        chunks = [chunk async for chunk in Espeak("espeak-ng").synthesise(text, VoiceStyle())]
        return b"".join(chunk.pcm for chunk in chunks), chunks[0].sample_rate

    pcm, rate = asyncio.run(speak())
    loud = np.flatnonzero(np.abs(np.frombuffer(pcm, np.int16).astype(np.int32)) > 60)
    return float(loud[-1] - loud[0]) / rate
