"""Chooses the streaming resampler: soxr where it is installed, ours in numpy otherwise."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from characters.core.levels import Samples
from characters.core.resampler import Resampler

__all__ = ["StreamResampler", "open_resampler"]


class StreamResampler(Protocol):
    """Resamples a stream chunk by chunk."""

    def feed(self, samples: Samples) -> Samples:
        """Take the next samples; return those that are ready at the other rate."""
        ...


class SoxrResampler:
    """The soxr library (an extra): about twenty times faster than ours."""

    def __init__(self, rate_in: int, rate_out: int) -> None:
        import soxr

        self._stream = soxr.ResampleStream(rate_in, rate_out, 1, dtype="int16", quality="HQ")

    def feed(self, samples: Samples) -> Samples:
        """Take the next samples; return those that are ready at the other rate."""
        return np.asarray(self._stream.resample_chunk(samples), np.int16)


def open_resampler(rate_in: int, rate_out: int) -> StreamResampler | None:
    """Return a resampler for one stream, None when the rates agree."""
    if rate_in == rate_out:
        return None
    try:
        return SoxrResampler(rate_in, rate_out)
    except ImportError:
        return Resampler(rate_in, rate_out)
