from __future__ import annotations

import numpy as np

from characters.audio.clock_voice import ClockVoice
from characters.audio.outputs import OUTPUT_RATE
from characters.core.levels import Samples
from tests.audio.devices import until


def speech(seconds: float) -> bytes:
    return np.full(round(16_000 * seconds), 5_000, np.int16).tobytes()


def test_without_a_device_a_voice_lasts_as_long_as_it_would_be_heard() -> None:
    voice = ClockVoice()
    voice.start()
    voice.play("ada", speech(0.3), 16_000)
    took = until(lambda: not voice.is_playing("ada"), 5.0, "the voice is consumed")
    voice.close()
    assert 0.25 < took < 1.5


def test_it_says_what_it_stands_in_for() -> None:
    assert ClockVoice().problem is None
    assert ClockVoice(problem="There is no sound.").problem == "There is no sound."


def test_the_mix_is_handed_on_in_blocks_of_forty_milliseconds() -> None:
    blocks: list[Samples] = []
    voice = ClockVoice(played=blocks.append)
    voice.start()
    until(lambda: len(blocks) > 2, 5.0, "it renders")
    voice.close()
    assert blocks[0].shape == (round(OUTPUT_RATE * 0.04), 2)
