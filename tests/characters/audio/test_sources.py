from __future__ import annotations

import threading
import time
import wave
from pathlib import Path

import numpy as np
import pytest

from characters.audio.source import FRAME_SECONDS, MicrophoneSource
from characters.audio.sources import ScriptSource, SilentSource, ToneSource, read_wav
from characters.core.levels import Samples, decibels


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
    source.speak_wav(save(tmp_path / "a.wav", spoken))
    heard = np.concatenate(collect(source, 5).frames)
    assert np.array_equal(heard[:700], spoken)
    assert not heard[700:].any() and not source.is_speaking


def test_frames_come_at_the_pace_of_time() -> None:
    began = time.monotonic()
    sink = collect(ToneSource(), 10)
    assert 0.19 <= sink.times[9] - began < 1.0


def test_a_tone_is_as_loud_as_asked_and_does_not_click_between_frames() -> None:
    sound = np.concatenate(collect(ToneSource(amplitude=0.5), 4).frames).astype(int)
    assert decibels(sound.astype(np.int16)) == pytest.approx(-9.0, abs=0.1)
    assert np.abs(np.diff(sound)).max() < 0.5 * 32_767 * 2 * np.pi * 440 / 16_000 + 2


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


def test_what_is_no_wav_file_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "c.wav"
    path.write_bytes(b"not a wave")
    with pytest.raises(ValueError, match=r"c\.wav is not a WAV file"):
        read_wav(path)


def test_eight_bit_samples_are_refused_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "d.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(16_000)
        file.writeframes(b"\x80" * 320)
    with pytest.raises(ValueError, match="convert it to 16-bit"):
        read_wav(path)
