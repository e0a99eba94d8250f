from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pyaudio
import pytest

from characters.audio.microphone import Blocks, CaptureStream, PortAudioMicrophone, why_not_open
from characters.audio.portaudio import OPEN_STREAMS, DeviceReport
from characters.audio.signal import Samples
from characters.audio.sources import AudioDevice, FrameSink
from engine.core.clock import ManualClock
from tests.audio.devices import until
from tests.characters.audio.picky_device import PickyAudio

ONE = DeviceReport((AudioDevice("Mic", 1, 0, 48_000),))
NONE = DeviceReport()


class Frames:
    def __init__(self) -> None:
        self.frames: list[Samples] = []
        self.times: list[float] = []

    def __call__(self, samples: Samples, captured_at: float) -> None:
        self.frames.append(samples.copy())
        self.times.append(captured_at)


def take(blocks: Blocks, clock: ManualClock, sound: Samples, block: int, rate: int) -> None:
    for at in range(0, sound.size, block):
        clock.advance(block / rate)
        assert blocks.take(sound[at : at + block])


def test_blocks_of_one_frame_pass_as_they_are() -> None:
    sink, clock = Frames(), ManualClock()
    sound = np.arange(640, dtype=np.int16)
    take(Blocks(16_000, sink, clock.now), clock, sound, 320, 16_000)
    assert np.array_equal(np.concatenate(sink.frames), sound)
    assert sink.times == [pytest.approx(0.02), pytest.approx(0.04)]


def test_blocks_of_any_size_are_cut_into_frames_with_the_right_times() -> None:
    sink, clock = Frames(), ManualClock()
    sound = np.arange(1_024, dtype=np.int16)
    take(Blocks(16_000, sink, clock.now), clock, sound, 512, 16_000)
    assert np.array_equal(np.concatenate(sink.frames), sound[:960])
    assert sink.times == pytest.approx([0.02, 0.04, 0.06])


def test_a_device_at_48_khz_is_resampled_into_frames() -> None:
    sink, clock = Frames(), ManualClock()
    angle = 2.0 * np.pi * 440.0 * np.arange(48_000) / 48_000
    take(
        Blocks(48_000, sink, clock.now), clock, (9e3 * np.sin(angle)).astype(np.int16), 960, 48_000
    )
    assert 46 <= len(sink.frames) <= 50
    assert all(frame.size == 320 for frame in sink.frames)


def test_a_device_that_outruns_time_is_stopped() -> None:
    clock = ManualClock()
    blocks = Blocks(16_000, Frames(), clock.now)
    taken = [blocks.take(np.ones(320, np.int16)) for _ in range(110)]
    assert not taken[-1] and blocks.fault == "fast"
    assert all(taken[:100])


def test_a_burst_after_a_hiccup_is_no_fault() -> None:
    clock = ManualClock()
    blocks = Blocks(16_000, Frames(), clock.now)
    blocks.take(np.ones(320, np.int16))
    clock.advance(1.0)
    assert all(blocks.take(np.ones(320, np.int16)) for _ in range(50))


class FakeStream:
    """A stream that a test feeds, silences or breaks."""

    def __init__(self, wanted: str | None, sink: FrameSink, now: Callable[[], float]) -> None:
        self.device = wanted or "Mic"
        self.blocks = Blocks(16_000, sink, now)
        self.closed = False

    def speak(self) -> None:
        self.blocks.take(np.ones(320, np.int16))

    def close(self) -> None:
        self.closed = True


class Sound:
    """A sound system under a test's control."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.report = ONE
        self.error: Exception | None = None
        self.streams: list[FakeStream] = []
        self.sink = Frames()
        self.microphone = PortAudioMicrophone(
            now=self.clock.now,
            probe=lambda: self.report,
            open_stream=self.open,  # type: ignore[arg-type] # a fake of its shape
        )

    def open(self, wanted: str | None, sink: FrameSink, now: Callable[[], float]) -> FakeStream:
        if self.error is not None:
            raise self.error
        self.streams.append(FakeStream(wanted, sink, now))
        return self.streams[-1]

    def start(self) -> FakeStream:
        self.microphone.start(self.sink)
        until(lambda: bool(self.streams), 5.0, "a stream is opened")
        return self.streams[-1]

    def says(self, words: str) -> None:
        until(lambda: words in (self.microphone.problem or ""), 5.0, words)


@pytest.fixture
def sound() -> Sound:
    return Sound()


def test_frames_arrive_and_there_is_no_problem(sound: Sound) -> None:
    sound.start().speak()
    assert len(sound.sink.frames) == 1
    assert sound.microphone.problem is None and sound.microphone.device == "Mic"
    sound.microphone.stop()


def test_after_stop_nothing_is_delivered_and_the_stream_is_closed(sound: Sound) -> None:
    stream = sound.start()
    sound.microphone.stop()
    stream.speak()
    assert not sound.sink.frames
    until(lambda: stream.closed, 5.0, "the stream is closed")


def test_one_that_is_stopped_and_started_while_it_looks_for_a_device_holds_it_once(
    sound: Sound,
) -> None:
    looks: list[threading.Event] = []

    def probe() -> DeviceReport:
        looks.append(threading.Event())
        return ONE if looks[-1].wait(10.0) else NONE

    microphone = PortAudioMicrophone(
        now=sound.clock.now,
        probe=probe,
        open_stream=sound.open,  # type: ignore[arg-type] # a fake of its shape
    )
    for number in (1, 2):
        microphone.start(sound.sink)
        until(lambda wanted=number: len(looks) == wanted, 5.0, "it looks")  # type: ignore[misc]
    looks[0].set()
    until(lambda: bool(sound.streams), 5.0, "the first look opens a stream")
    until(lambda: sound.streams[0].closed, 5.0, "which is let go, for it was stopped")
    looks[1].set()
    until(lambda: len(sound.streams) == 2, 5.0, "the second look opens one")
    microphone.stop()


def test_no_device_is_one_calm_sentence_and_one_that_appears_is_used(sound: Sound) -> None:
    sound.report = NONE
    sound.microphone.start(sound.sink)
    sound.says("No microphone was found")
    sound.report = ONE
    until(lambda: bool(sound.streams), 5.0, "the new device is opened")
    until(lambda: sound.microphone.problem is None, 5.0, "the sentence goes away")
    sound.microphone.stop()


def test_a_busy_device_says_so(sound: Sound) -> None:
    sound.error = OSError(pyaudio.paDeviceUnavailable, "Device unavailable")
    sound.microphone.start(sound.sink)
    sound.says("in use by another program")
    sound.microphone.stop()


def test_a_device_that_falls_silent_for_good_is_reopened(sound: Sound) -> None:
    stream = sound.start()
    stream.speak()
    sound.clock.advance(1.0)
    until(lambda: len(sound.streams) == 2, 5.0, "the device is opened again")
    assert stream.closed and sound.microphone.losses == 1
    sound.microphone.stop()


def test_a_lost_device_says_so_until_it_is_back(sound: Sound) -> None:
    sound.start().speak()
    sound.error = OSError(-9999, "Unanticipated host error")
    sound.clock.advance(1.0)
    sound.says("cannot be opened; trying again")
    sound.error = None
    until(lambda: sound.microphone.problem is None, 5.0, "it is back")
    sound.microphone.stop()


def test_pure_zeros_are_one_calm_sentence_until_a_sound_comes(sound: Sound) -> None:
    stream = sound.start()
    stream.speak()
    for _ in range(8):
        sound.clock.advance(0.5)
        stream.blocks.take(np.zeros(320, np.int16))
    sound.says("delivers only silence")
    stream.speak()
    until(lambda: sound.microphone.problem is None, 5.0, "the sentence goes away")
    sound.microphone.stop()


def test_a_fault_in_the_callback_is_a_loss_and_not_an_exception(sound: Sound) -> None:
    sound.start().blocks.fault = "ValueError in the capture callback"
    until(lambda: sound.microphone.losses == 1, 5.0, "the fault is noticed")
    sound.microphone.stop()


def test_choosing_another_device_switches_without_a_loss(sound: Sound) -> None:
    first = sound.start()
    sound.microphone.choose("Headset")
    until(lambda: sound.microphone.device == "Headset", 5.0, "the headset is used")
    assert first.closed and sound.microphone.losses == 0
    sound.microphone.stop()


def test_an_open_that_hangs_is_a_problem_and_holds_up_no_caller() -> None:
    clock, hang = ManualClock(), threading.Event()

    def open_stream(*_: object) -> FakeStream:
        hang.wait(10.0)
        raise OSError(-9999, "gave up")

    microphone = PortAudioMicrophone(
        now=clock.now,
        probe=lambda: ONE,
        open_stream=open_stream,  # type: ignore[arg-type] # a fake of its shape
    )
    microphone.start(Frames())

    def is_told() -> bool:
        clock.advance(0.5)
        return "does not answer" in (microphone.problem or "")

    until(is_told, 5.0, "the hang is told")
    microphone.stop()
    hang.set()


@pytest.mark.parametrize(
    ("rate", "channels"), [(16_000, 1), (44_100, 1), (16_000, 8), (44_100, 8), (48_000, 2)]
)
def test_a_device_is_opened_in_the_only_way_it_takes(
    rate: int, channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    audio, sink = PickyAudio(rate, channels), Frames()
    monkeypatch.setattr(pyaudio, "PyAudio", lambda: audio)
    stream = CaptureStream(None, sink, ManualClock().now)
    tone = (8_000.0 * np.sin(2.0 * np.pi * 440.0 * np.arange(rate) / rate)).astype("<i2")
    audio.hear(np.repeat(tone, channels).tobytes())
    heard = np.concatenate(sink.frames)[1_000:9_000].astype(float)
    assert np.argmax(np.abs(np.fft.rfft(heard))) == 220  # of half a second
    assert 7_500 < heard.max() < 8_500
    stream.close()
    until(lambda: audio.is_terminated, 5.0, "it is closed")


def test_a_device_that_is_gone_when_it_is_closed_leaves_nothing_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    audio = PickyAudio(16_000, 1)
    audio.stream.is_gone = True
    monkeypatch.setattr(pyaudio, "PyAudio", lambda: audio)
    CaptureStream(None, Frames(), ManualClock().now).close()
    until(lambda: audio.is_terminated, 5.0, "it is closed")
    assert OPEN_STREAMS.wait(5.0)


def test_a_busy_device_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    audio = PickyAudio(44_100, 8, why=pyaudio.paDeviceUnavailable)
    monkeypatch.setattr(pyaudio, "PyAudio", lambda: audio)
    with pytest.raises(OSError, match="refused"):
        CaptureStream(None, Frames(), ManualClock().now)
    assert audio.asked == [(16_000, 1)] and audio.is_terminated


@pytest.mark.parametrize("error", [OSError(-1, "?"), KeyError("index"), SystemError("driver")])
def test_whatever_opening_raises_it_is_tried_again(sound: Sound, error: Exception) -> None:
    sound.error = error
    sound.microphone.start(sound.sink)
    sound.says("cannot be opened")
    sound.error = None
    until(lambda: bool(sound.streams), 5.0, "a stream is opened")
    sound.microphone.stop()


def test_each_refusal_has_its_sentence() -> None:
    assert "sample rate" in why_not_open(OSError(pyaudio.paInvalidSampleRate, ""), "Mic")
    assert "The microphone Mic cannot be opened" in why_not_open(OSError(-1, ""), "Mic")
