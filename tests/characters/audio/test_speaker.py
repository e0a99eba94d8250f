from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from characters.audio.portaudio import DeviceReport
from characters.audio.signal import Samples
from characters.audio.sources import AudioDevice
from characters.audio.speaker import BLOCK_SECONDS, OUTPUT_RATE, ClockVoice, DeviceVoice
from tests.audio.devices import until

ONE = DeviceReport((AudioDevice("Speaker", 0, 2, 48_000),))


def speech(seconds: float) -> bytes:
    return np.full(round(16_000 * seconds), 5_000, np.int16).tobytes()


class FakeOutput:
    """An output that takes blocks at the pace of time, until it is told to fail or to hang."""

    block_seconds = BLOCK_SECONDS

    def __init__(self, name: str, pace: float = 0.01) -> None:
        self.name = name
        self.heard = 0
        self.pace = pace
        self.error: Exception | None = None
        self.hang = threading.Event()
        self.hang.set()
        self.closed = threading.Event()

    def write(self, block: bytes) -> None:
        self.hang.wait(20.0)
        if self.error is not None:
            raise self.error
        self.closed.wait(self.pace)
        self.heard += bool(np.frombuffer(block, np.int16).any())

    def close(self) -> None:
        self.closed.set()


class Sound:
    """A sound system with outputs that a test breaks."""

    def __init__(self) -> None:
        self.report = ONE
        self.outputs: list[FakeOutput] = []
        self.pace = 0.01
        self.voice = DeviceVoice(lambda: self.report, self.open)

    def open(self, wanted: str | None) -> FakeOutput:
        self.outputs.append(FakeOutput(wanted or "Speaker", self.pace))
        return self.outputs[-1]

    def start(self) -> FakeOutput:
        self.voice.start()
        until(lambda: self.voice.device == "Speaker", 5.0, "the loudspeaker is used")
        return self.outputs[-1]


@pytest.fixture
def sound() -> Iterator[Sound]:
    sound = Sound()
    yield sound
    sound.voice.close()
    for output in sound.outputs:
        output.hang.set()


def test_a_voice_reaches_the_device(sound: Sound) -> None:
    output = sound.start()
    sound.voice.play("ada", speech(0.2), 16_000)
    until(lambda: output.heard >= 19, 5.0, "it is played")
    until(lambda: not sound.voice.is_playing("ada"), 5.0, "it is over")
    assert sound.voice.problem is None


def test_no_loudspeaker_is_one_calm_sentence_and_time_goes_on(sound: Sound) -> None:
    sound.report = DeviceReport()
    sound.voice.start()
    until(lambda: "No loudspeaker" in (sound.voice.problem or ""), 5.0, "it is told")
    sound.voice.play("ada", speech(0.1), 16_000)
    until(lambda: not sound.voice.is_playing("ada"), 5.0, "the voice is consumed")


@pytest.mark.parametrize("error", [OSError(-9988, "Stream closed"), SystemError("driver")])
def test_a_lost_loudspeaker_is_a_problem_and_found_again(sound: Sound, error: Exception) -> None:
    sound.start().error = error
    until(lambda: sound.voice.problem is not None, 5.0, "the loss is told")
    until(lambda: len(sound.outputs) == 2 and sound.voice.problem is None, 8.0, "it is back")
    sound.voice.play("ada", speech(0.1), 16_000)
    until(lambda: sound.outputs[1].heard > 5, 5.0, "it is heard there")


def test_a_write_that_never_returns_holds_up_no_caller(sound: Sound) -> None:
    output = sound.start()
    until(
        lambda: sound.voice._writer is not None and bool(sound.voice._writer.last_write_at), 5.0, ""
    )
    sound.report = DeviceReport()
    output.hang.clear()
    sound.voice.play("ada", speech(0.2), 16_000)
    until(lambda: not sound.voice.is_playing("ada"), 8.0, "the clock takes over")
    assert not output.closed.is_set()
    output.hang.set()
    until(output.closed.is_set, 5.0, "it is closed when its write comes back")


def test_a_device_that_swallows_sound_at_once_is_none(sound: Sound) -> None:
    sound.pace = 0.0
    sound.voice.start()
    until(lambda: bool(sound.outputs) and sound.outputs[0].closed.is_set(), 5.0, "it is closed")


def test_closing_takes_no_time_even_while_a_write_hangs(sound: Sound) -> None:
    sound.start().hang.clear()
    began = time.monotonic()
    sound.voice.close()
    assert time.monotonic() - began < 1.0


def test_without_a_device_a_voice_lasts_as_long_as_it_would_be_heard() -> None:
    voice = ClockVoice()
    voice.start()
    voice.play("ada", speech(0.3), 16_000)
    took = until(lambda: not voice.is_playing("ada"), 5.0, "the voice is consumed")
    voice.close()
    assert 0.25 < took < 30.0


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
