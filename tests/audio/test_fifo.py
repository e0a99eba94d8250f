"""The capture path on a real PortAudio device: a FIFO behind ALSA."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.audio.child import child
from tests.audio.devices import fifo_microphone, until

AT_ONCE = 15.0  # seconds: what hangs here hangs for ever


def noise(seconds: float, seed: int = 1) -> NDArray[np.int16]:
    size = round(16_000 * seconds)
    return np.random.default_rng(seed).integers(-9_000, 9_000, size).astype(np.int16)


def captured(path: Path) -> NDArray[np.int16]:
    data = path.read_bytes() if path.exists() else b""
    return np.frombuffer(data[: len(data) // 2 * 2], np.int16)


def spoken_part(path: Path, size: int) -> NDArray[np.int16]:
    return np.trim_zeros(captured(path), "f")[:size]


@pytest.mark.parametrize("p99_ms", [math.inf, pytest.param(60.0, marks=pytest.mark.slow)])
def test_what_is_spoken_into_the_device_arrives_bit_by_bit(tmp_path: Path, p99_ms: float) -> None:
    sound, file = noise(1.0), tmp_path / "heard.raw"
    with fifo_microphone() as device, child(device.environment, "capture", str(file)) as process:
        process.wait_for("first frame", 60.0)
        device.speak(sound)
        until(lambda: len(spoken_part(file, sound.size)) == sound.size, 60.0, "all arrives")
        process.end()
        figures = process.wait_for("end", 60.0)
    assert np.array_equal(spoken_part(file, sound.size), sound)
    assert figures["overruns"] == 0 and figures["p99"] < p99_ms


def test_portaudios_chatter_stays_off_stderr(tmp_path: Path) -> None:
    with (
        fifo_microphone() as device,
        child(device.environment, "capture", str(tmp_path / "f")) as p,
    ):
        p.wait_for("first frame", 60.0)
        p.end()
    assert p.stderr == b""


def test_the_device_is_listed_by_name() -> None:
    with fifo_microphone() as device, child(device.environment, "devices") as process:
        report = process.wait_for("devices", 60.0)
    assert "default" in report["names"] and report["problem"] is None


def test_a_machine_without_devices_says_so_and_ends_at_once(tmp_path: Path) -> None:
    config = tmp_path / "alsa.conf"
    config.write_text("pcm.!default { type hw card 31 }\n")  # there is no such card
    environment = {**os.environ, "ALSA_CONFIG_PATH": str(config)}
    with child(environment, "capture", str(tmp_path / "f")) as process:
        report = process.wait_for("problem", 60.0)
        assert process.end() < AT_ONCE
    assert "No microphone was found" in report["problem"] and process.stderr == b""


def test_a_machine_without_any_sound_configuration_survives_and_says_so(tmp_path: Path) -> None:
    environment = {**os.environ, "ALSA_CONFIG_PATH": str(tmp_path / "absent.conf")}
    with child(environment, "capture", str(tmp_path / "f")) as process:
        report = process.wait_for("problem", 60.0)
        process.end()
    assert "no working sound configuration" in report["problem"] and process.stderr == b""


def test_a_device_that_outruns_time_is_no_microphone(tmp_path: Path) -> None:
    config = tmp_path / "alsa.conf"
    config.write_text("pcm.!default { type null }\n")
    environment = {**os.environ, "ALSA_CONFIG_PATH": str(config)}
    with child(environment, "capture", str(tmp_path / "f")) as process:
        report = process.wait_for("problem", 60.0)
        process.end()
    assert "faster than time passes" in report["problem"]


def test_a_device_that_stops_delivering_does_not_hold_up_the_exit(tmp_path: Path) -> None:
    with (
        fifo_microphone() as device,
        child(device.environment, "capture", str(tmp_path / "f")) as p,
    ):
        p.wait_for("first frame", 60.0)
        with device.paused():
            p.wait_for("problem", 60.0)
            assert p.end() < AT_ONCE
