from __future__ import annotations

import numpy as np
import pytest

from characters.audio.resampling import open_resampler


def test_equal_rates_need_no_resampler() -> None:
    assert open_resampler(16_000, 16_000) is None


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_a_stream_of_blocks_comes_out_without_clicks(rate: int) -> None:
    stream = open_resampler(rate, 16_000)
    assert stream is not None
    angle = 2.0 * np.pi * 400.0 * np.arange(rate) / rate
    sound = (10_000.0 * np.sin(angle)).astype(np.int16)
    block = rate // 50
    pieces = [stream.feed(sound[at : at + block]) for at in range(0, rate, block)]
    out = np.concatenate(pieces).astype(int)
    steepest = 10_000.0 * 2.0 * np.pi * 400.0 / 16_000
    assert 15_000 < out.size <= 16_001
    assert np.abs(np.diff(out[800:])).max() < steepest * 1.02
