"""Sound as numbers: loudness, the speech gate, gains without clicks, the mix."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FULL_SCALE",
    "Floats",
    "Limiter",
    "Samples",
    "SpeechGate",
    "decibels",
    "equal_power",
    "meter",
    "mix_down",
    "ramp",
    "volume",
]

Samples: TypeAlias = NDArray[np.int16]
Floats: TypeAlias = NDArray[np.float32]

FULL_SCALE = 32_767.0
SILENCE_DB = -100.0
# The wire's `min_volume` counts loudness from -20 to 80 dB over one step of a sample.
VOLUME_OFFSET_DB = 20.0 + 20.0 * math.log10(FULL_SCALE)
METER_FLOOR_DB = -60.0
# Peaks are kept a little below full scale, so that a device's own filter does not overshoot.
CEILING = 0.97 * FULL_SCALE


def decibels(samples: Samples) -> float:
    """Return the loudness of a block in dB of full scale, -100 for silence."""
    if not samples.size:
        return SILENCE_DB
    floats = samples.astype(np.float32)
    power = float(np.dot(floats, floats)) / samples.size
    if power < 1e-1:
        return SILENCE_DB
    return 10.0 * math.log10(power / (FULL_SCALE * FULL_SCALE))


def volume(db: float) -> float:
    """Turn dB of full scale into the 0..1 of `vad_params.min_volume` (0.6 is about -50 dB)."""
    return min(1.0, max(0.0, (db + VOLUME_OFFSET_DB) / 100.0))


def meter(db: float) -> float:
    """Turn dB of full scale into the 0..1 of a level meter (-60 dB and below is 0)."""
    return min(1.0, max(0.0, 1.0 - db / METER_FLOOR_DB))


@dataclass(frozen=True, slots=True)
class SpeechGate:
    """Tells from loudness alone whether somebody may be speaking; the service knows better.

    It opens after `attack_seconds` clearly above the noise it has learnt, and closes after
    `release_seconds` below it.
    """

    attack_seconds: float = 0.06
    release_seconds: float = 0.3
    margin_db: float = 9.0
    minimum_volume: float = 0.6
    noise_db: float = -60.0
    is_open: bool = False
    against: float = 0.0  # seconds of evidence against the present answer

    def hear(self, db: float, seconds: float) -> SpeechGate:
        """Return the gate after a block of that loudness and length."""
        loud = db > self.noise_db + self.margin_db and volume(db) >= self.minimum_volume
        # Noise is learnt fast downwards and slowly upwards: a sentence must not become the noise.
        rate = seconds / (0.5 if db < self.noise_db else 8.0)
        noise = max(-90.0, self.noise_db + min(1.0, rate) * (db - self.noise_db))
        against = self.against + seconds if loud != self.is_open else 0.0
        needed = self.release_seconds if self.is_open else self.attack_seconds
        turns = against >= needed - 1e-9
        # Written out, because `replace` costs more than all the rest, 50 times a second.
        return SpeechGate(
            self.attack_seconds,
            self.release_seconds,
            self.margin_db,
            self.minimum_volume,
            noise,
            self.is_open != turns,
            0.0 if turns else against,
        )


def equal_power(gain: float, pan: float) -> tuple[float, float]:
    """Return left and right gains for a pan of -1 (left) to 1 (right), equally loud throughout."""
    angle = (min(1.0, max(-1.0, pan)) + 1.0) * math.pi / 4.0
    return gain * math.cos(angle), gain * math.sin(angle)


def ramp(start: float, stop: float, size: int) -> Floats:
    """Return `size` gains from after `start` to `stop` inclusive, so that blocks join smoothly."""
    steps = np.arange(1, size + 1, dtype=np.float32) / np.float32(max(1, size))
    return np.float32(start) + steps * np.float32(stop - start)


@dataclass(frozen=True, slots=True)
class Limiter:
    """Keeps a mix below full scale: turns down at once, back up over `release_seconds`."""

    release_seconds: float = 0.2
    gain: float = 1.0

    def next_gain(self, peak: float, seconds: float) -> float:
        """Return the gain for the next block, from its peak and length."""
        wanted = min(1.0, CEILING / peak) if peak > 0.0 else 1.0
        return min(wanted, self.gain + seconds / self.release_seconds)


def mix_down(mix: Floats, limiter: Limiter, seconds: float) -> tuple[Samples, Limiter]:
    """Turn a summed block (in sample steps) into int16 without wrapping or harsh clipping."""
    peak = float(np.max(np.abs(mix))) if mix.size else 0.0
    gain = limiter.next_gain(peak, seconds)
    if gain != 1.0 or limiter.gain != 1.0:
        gains = ramp(limiter.gain, gain, mix.shape[0])
        mix = mix * (gains[:, None] if mix.ndim == 2 else gains)
    clipped = np.clip(mix, -FULL_SCALE - 1.0, FULL_SCALE)
    return np.rint(clipped).astype(np.int16), replace(limiter, gain=gain)
