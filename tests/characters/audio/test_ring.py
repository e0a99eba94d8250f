from __future__ import annotations

import threading

import numpy as np

from characters.audio.ring import FrameRing
from characters.core.levels import Samples


def frame(value: int) -> Samples:
    return np.full(320, value, np.int16)


def test_frames_come_out_in_order_with_their_number_and_time() -> None:
    ring = FrameRing(4)
    ring.put(frame(1), 0.02)
    ring.put(frame(2), 0.04)
    first, second = ring.get(), ring.get()
    assert first is not None and second is not None and ring.get() is None
    assert (first.sequence, first.captured_at, first.samples[0]) == (0, 0.02, 1)
    assert (second.sequence, second.captured_at, second.samples[0]) == (1, 0.04, 2)


def test_what_comes_out_is_a_copy() -> None:
    ring = FrameRing(1)
    ring.put(frame(1), 0.0)
    kept = ring.get()
    ring.put(frame(2), 0.0)
    assert kept is not None and kept.samples[0] == 1


def test_a_slow_reader_loses_the_oldest_and_it_is_counted() -> None:
    ring = FrameRing(4)
    for number in range(10):
        ring.put(frame(number), float(number))
    got = ring.get()
    assert got is not None and got.sequence == 6 and got.samples[0] == 6
    assert ring.overruns == 6


def test_clearing_forgets_what_was_not_read() -> None:
    ring = FrameRing(4)
    ring.put(frame(1), 0.0)
    ring.clear()
    assert ring.get() is None and ring.overruns == 0


def test_every_frame_wakes_the_reader() -> None:
    wakes: list[int] = []
    ring = FrameRing(4, lambda: wakes.append(1))
    ring.put(frame(1), 0.0)
    ring.put(frame(2), 0.0)
    assert len(wakes) == 2


def test_a_racing_reader_never_sees_a_torn_frame() -> None:
    ring = FrameRing(2)
    total = 20_000

    def write() -> None:
        for number in range(total):
            ring.put(frame(number % 30_000), 0.0)

    writer = threading.Thread(target=write)
    writer.start()
    read = torn = 0
    while writer.is_alive() or ring.get() is not None:
        got = ring.get()
        if got is not None:
            read += 1
            torn += bool((got.samples != got.sequence % 30_000).any())
    writer.join()
    assert torn == 0 and read > 0
