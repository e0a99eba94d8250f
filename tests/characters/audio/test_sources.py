from __future__ import annotations

import os
import re
import struct
import sys
import threading
import time
import wave
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from characters.audio.signal import Samples
from characters.audio.sources import (
    FRAME_SECONDS,
    UNPLUGGED,
    FaultInjector,
    FrameRing,
    FrameSink,
    MicrophoneSource,
    ScriptSource,
    SilentSource,
    read_wav,
)
from engine.core.errors import install_command

needs_soundfile = pytest.mark.skipif(
    find_spec("soundfile") is None, reason="the extra `speech` is not installed whole"
)


class Sink:
    """Keeps copies of frames and tells when enough have come."""

    def __init__(self, enough: int) -> None:
        self.frames: list[Samples] = []
        self.times: list[float] = []
        self.done = threading.Event()
        self._enough = enough

    def __call__(self, samples: Samples, captured_at: float) -> None:
        self.frames.append(samples.copy())
        self.times.append(captured_at)
        if len(self.frames) >= self._enough:
            self.done.set()


def collect(source: MicrophoneSource, count: int) -> Sink:
    sink = Sink(count)
    source.start(sink)
    assert sink.done.wait(count * FRAME_SECONDS + 5.0), "the source delivers no frames"
    source.stop()
    return sink


def save(path: Path, samples: Samples, rate: int = 16_000, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


def test_a_recording_is_delivered_sample_for_sample_between_silence(tmp_path: Path) -> None:
    spoken = np.arange(1, 701, dtype=np.int16)
    source = ScriptSource()
    source.speak(read_wav(save(tmp_path / "a.wav", spoken)))
    heard = np.concatenate(collect(source, 5).frames)
    assert np.array_equal(heard[:700], spoken)
    assert not heard[700:].any() and not source.is_speaking


def test_frames_come_at_the_pace_of_time() -> None:
    began = time.monotonic()
    sink = collect(SilentSource(), 10)
    assert 0.19 <= sink.times[9] - began < 30.0


def test_silence_is_silent_and_says_why() -> None:
    source = SilentSource("No microphone is used.")
    assert not np.concatenate(collect(source, 2).frames).any()
    assert source.problem == "No microphone is used."


def test_a_stopped_source_can_be_started_again() -> None:
    source = SilentSource()
    collect(source, 1)
    assert len(collect(source, 2).frames) >= 2


def test_other_rates_and_stereo_are_turned_into_16_khz_mono(tmp_path: Path) -> None:
    stereo = np.repeat(np.full(4_800, 1_000, np.int16), 2)
    path = save(tmp_path / "b.wav", stereo, rate=48_000, channels=2)
    samples = read_wav(path)
    assert abs(samples.size - 1_600) <= 1 and samples[800] == 1_000


@needs_soundfile
def test_what_is_no_wav_file_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "c.wav"
    for content in (b"not a wave", b"", b"RIFF", b"<!DOCTYPE html>" * 30, b"ID3\4" + bytes(300)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"c\.wav is not a WAV file that can be read: \w+"):
            read_wav(path)
    with pytest.raises(ValueError, match=r"no file .*other\.wav"):
        read_wav(tmp_path / "other.wav")


def test_a_recording_without_any_sound_is_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no sound"):
        read_wav(save(tmp_path / "e.wav", np.zeros(0, np.int16)))


def riff(kind: int, bits: int, rate: int, sound: bytes, size: int | None = None) -> bytes:
    """Return a mono WAV file with chunks of odd sizes before its sound."""
    form = struct.pack("<HHIIHH", kind, 1, rate, rate * bits // 8 & 0xFFFFFFFF, bits // 8, bits)
    data = struct.pack("<I", len(sound) if size is None else size) + sound
    tags = b"LIST\x07\0\0\0INFOabc\0junk\x01\0\0\0x\0"
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + tags + b"data" + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


TONE = 0.5 * np.sin(2.0 * np.pi * 300.0 * np.arange(24_000) / 24_000)
KINDS = ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW")


@needs_soundfile
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("container", ["WAV", "WAVEX"])
def test_every_kind_of_wav_file_of_today_is_read(tmp_path: Path, kind: str, container: str) -> None:
    soundfile = import_module("soundfile")
    path = tmp_path / "a.wav"
    for sound in (TONE, np.stack((TONE, TONE), 1)):
        soundfile.write(path, sound, 24_000, subtype=kind, format=container)
        samples = read_wav(path)
        assert samples.size == 16_000 and 16_000 < samples.max() < 17_000


@needs_soundfile
@pytest.mark.parametrize("size", [None, 0, 0xFFFF_FFFF])
@pytest.mark.parametrize(("kind", "bits"), [(1, 16), (3, 32)])
def test_a_file_that_was_streamed_does_not_know_its_size(
    tmp_path: Path, kind: int, bits: int, size: int | None
) -> None:
    steps = (TONE * 32_767).astype("<i2") if bits == 16 else TONE.astype("<f4")
    path = tmp_path / "a.wav"
    path.write_bytes(riff(kind, bits, 24_000, steps.tobytes(), size))
    samples = read_wav(path)
    assert samples.size == 16_000 and 16_000 < samples.max() < 17_000


@needs_soundfile
@pytest.mark.parametrize(
    ("content", "why"),
    [
        (riff(3, 32, 16_000, np.full(99, np.nan, "<f4").tobytes()), "no number"),
        (riff(1, 16, 0, bytes(99)), "0 samples a second"),
        (riff(1, 16, 1_000_000_000, bytes(99)), "1000000000 samples a second"),
        (riff(99, 16, 16_000, bytes(99)), "can be read"),
        (riff(1, 24, 16_000, b""), "holds no sound"),
        (b"RIFF\x24\0\0\0WAVEJUNK\xff\xff\xff\xffdata\4\0\0\0\0\0\0\0", "can be read"),
        (b"RIFF\x24\0\0\0WAVEfmt \0\0\0\x80" + bytes(99), "can be read"),
    ],
)
def test_what_cannot_be_spoken_is_refused_with_its_name(
    tmp_path: Path, content: bytes, why: str
) -> None:
    path = tmp_path / "odd.wav"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"odd.wav.*{why}"):
        read_wav(path)


def test_a_recording_that_is_too_long_or_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    path.write_bytes(riff(1, 16, 1_000, bytes(2 * 1_801_000)))
    with pytest.raises(ValueError, match=r"long\.wav is longer than 30 minutes"):
        read_wav(path)
    with path.open("ab") as file:
        file.truncate(1 << 31)  # a hole: it takes no room
    with pytest.raises(OSError, match="are the most"):
        read_wav(path)


@needs_soundfile
def test_a_file_that_says_it_holds_days_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    import_module("soundfile").write(path, TONE, 24_000, format="FLAC", subtype="PCM_16")
    content = bytearray(path.read_bytes())
    content[21] |= 0x0F  # of the number of its samples, 36 bits
    content[22:26] = b"\xff" * 4
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.flac is longer than 30 minutes"):
        read_wav(path)


@needs_soundfile
def test_a_packed_file_that_is_too_long_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    silence = np.zeros(1_000 * 1_801, np.int16)
    import_module("soundfile").write(path, silence, 1_000, format="FLAC", subtype="PCM_16")
    with pytest.raises(ValueError, match=r"long\.wav is longer than 30 minutes"):
        read_wav(path)


@pytest.mark.posix("Windows has no pipes in folders")
def test_a_pipe_in_the_place_of_a_recording_is_told_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(OSError, match=r"a\.wav is a pipe"):
        read_wav(tmp_path / "a.wav")


def test_without_soundfile_other_kinds_are_refused_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    path = save(tmp_path / "plain.wav", np.ones(320, np.int16))
    assert read_wav(path).size == 320
    path.write_bytes(riff(1, 24, 16_000, bytes(99)))
    with pytest.raises(ValueError, match=re.escape(install_command("speech"))):
        read_wav(path)


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


class Device:
    """A microphone that a test speaks into."""

    device = "desk"
    problem: str | None = None

    def __init__(self) -> None:
        self.sink: FrameSink | None = None
        self.chosen: str | None = None

    def choose(self, device: str | None) -> None:
        self.chosen = device

    def start(self, sink: FrameSink) -> None:
        self.sink = sink

    def stop(self) -> None:
        self.sink = None

    def speak(self) -> None:
        if self.sink is not None:
            self.sink(np.zeros(320, np.int16), 0.0)


class Heard:
    """A plug with a device behind it, and what is heard."""

    def __init__(self) -> None:
        self.device = Device()
        self.plug = FaultInjector(lambda: self.device)
        self.frames = 0

    def take(self, samples: Samples, captured_at: float) -> None:
        self.frames += 1


def test_a_microphone_that_is_plugged_in_is_heard_as_it_is() -> None:
    it = Heard()
    source = it.plug()
    source.choose("other")
    source.start(it.take)
    it.device.speak()
    assert (it.frames, source.problem, source.device) == (1, None, "desk")
    assert it.device.chosen == "other"


def test_a_pulled_plug_lets_go_of_the_device_and_says_so() -> None:
    it = Heard()
    source = it.plug()
    source.start(it.take)
    it.plug.pull()
    it.device.speak()
    assert (it.frames, source.problem, it.device.sink) == (0, UNPLUGGED, None)


def test_who_listened_hears_again_once_it_is_back() -> None:
    it = Heard()
    source = it.plug()
    source.start(it.take)
    it.plug.pull()
    it.plug.push()
    it.device.speak()
    assert (it.frames, source.problem) == (1, None)


def test_a_source_made_while_it_is_out_waits_for_it() -> None:
    it = Heard()
    it.plug.pull()
    source = it.plug()
    source.start(it.take)
    assert (source.problem, it.device.sink) == (UNPLUGGED, None)
    it.plug.push()
    it.device.speak()
    assert it.frames == 1


def test_a_source_that_was_stopped_stays_silent_when_it_comes_back() -> None:
    it = Heard()
    source = it.plug()
    source.start(it.take)
    it.plug.pull()
    source.stop()
    it.plug.push()
    assert it.device.sink is None
