"""A streaming resampler in numpy, for machines without soxr: windowed sinc, no clicks."""

from __future__ import annotations

import math

import numpy as np

from characters.core.levels import FULL_SCALE, Floats, Samples

__all__ = ["Resampler", "resample"]

# Zero crossings on each side: stop band below -60 dB, and a delay of under a millisecond.
CROSSINGS = 16
ROLL_OFF = 0.92
KAISER_BETA = 7.0


class Resampler:
    """Resamples a stream chunk by chunk as if it were whole; one object per stream."""

    def __init__(self, rate_in: int, rate_out: int) -> None:
        if rate_in <= 0 or rate_out <= 0:
            raise ValueError(f"sample rates are positive numbers (got {rate_in}, {rate_out})")
        common = math.gcd(rate_in, rate_out)
        self._up = rate_out // common
        self._down = rate_in // common
        self._bank = filter_bank(self._up, self._down)
        self._taps = self._bank.shape[1]
        self._offsets = np.arange(self._taps)
        self._past = np.zeros(self._taps // 2 - 1, np.float32)
        self._phase = 0  # position of the next output, in 1/up of an input sample

    def feed(self, samples: Samples) -> Samples:
        """Take the next samples; return those that are ready at the other rate."""
        signal = np.concatenate((self._past, samples.astype(np.float32)))
        usable = (signal.size - self._taps + 1) * self._up - self._phase
        count = max(0, -(-usable // self._down))
        positions = self._phase + np.arange(count, dtype=np.int64) * self._down
        whole, phase = np.divmod(positions, self._up)
        windows = signal[whole[:, None] + self._offsets]
        result = np.einsum("ij,ij->i", windows, self._bank[phase])
        following = self._phase + count * self._down
        used = min(following // self._up, signal.size)
        self._past = signal[used:]
        self._phase = following - used * self._up
        ready: Samples = np.rint(np.clip(result, -FULL_SCALE - 1.0, FULL_SCALE)).astype(np.int16)
        return ready

    def flush(self) -> Samples:
        """Return what is still inside at the end of the stream."""
        return self.feed(np.zeros(self._taps // 2, np.int16))


def filter_bank(up: int, down: int) -> Floats:
    """Return one windowed-sinc filter for each of the `up` positions between two samples."""
    cutoff = ROLL_OFF * min(1.0, up / down)
    half = math.ceil(CROSSINGS / cutoff)
    offsets = np.arange(-half + 1, half + 1)
    distance = offsets[None, :] - (np.arange(up) / up)[:, None]
    window = np.i0(KAISER_BETA * np.sqrt(np.clip(1.0 - (distance / half) ** 2, 0.0, None)))
    bank = np.sinc(cutoff * distance) * window
    bank /= bank.sum(axis=1, keepdims=True)
    filters: Floats = bank.astype(np.float32)
    return filters


def resample(samples: Samples, rate_in: int, rate_out: int) -> Samples:
    """Resample a whole recording."""
    if rate_in == rate_out:
        return samples
    resampler = Resampler(rate_in, rate_out)
    return np.concatenate((resampler.feed(samples), resampler.flush()))
