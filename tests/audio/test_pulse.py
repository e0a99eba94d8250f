"""Loss, recovery and playback on a real sound daemon of our own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.audio.child import Report, child
from tests.audio.devices import PrivatePulse, private_pulseaudio, until
from tests.audio.test_fifo import captured, noise

AT_ONCE = 15.0  # seconds: what hangs here hangs for ever


@pytest.fixture
def pulse() -> Iterator[PrivatePulse]:
    with private_pulseaudio() as daemon:
        yield daemon


def likeness(heard: NDArray[np.int16], said: NDArray[np.int16]) -> float:
    """Return the best correlation of what was said with a part of what was heard."""
    if heard.size < said.size:
        return 0.0
    long, short = heard.astype(float), said.astype(float)
    size = 1 << (long.size + short.size).bit_length()
    spectrum = np.fft.rfft(long, size) * np.conj(np.fft.rfft(short, size))
    peak = int(np.argmax(np.fft.irfft(spectrum, size)[: long.size - short.size + 1]))
    part = long[peak : peak + short.size]
    return float(np.corrcoef(part, short)[0, 1])


def test_what_is_played_into_the_daemon_is_heard(pulse: PrivatePulse, tmp_path: Path) -> None:
    sound, file = noise(1.0), tmp_path / "heard.raw"
    with child(pulse.environment, "capture", str(file)) as process:
        process.wait_for("first frame", 60.0)
        player = pulse.speak(sound)
        until(lambda: likeness(captured(file), sound) > 0.99, 60.0, "the sound arrives")
        player.wait(60.0)
        process.end()


def is_back(reports: list[Report]) -> bool:
    """Tell whether frames came again and the problem is over, whichever was first."""
    return any(report["event"] == "frames again" for report in reports) and any(
        report["event"] == "problem" and report["problem"] is None for report in reports
    )


def test_a_killed_daemon_is_noticed_and_the_microphone_comes_back_with_it(
    pulse: PrivatePulse, tmp_path: Path
) -> None:
    with child(pulse.environment, "capture", str(tmp_path / "f")) as process:
        process.wait_for("first frame", 60.0)
        pulse.kill()
        stopped = process.wait_for("frames stopped", 60.0)
        lost = process.wait_for("problem", 60.0)
        pulse.start()
        # The first frame is PortAudio's thread's, the end of the problem the supervisor's.
        until(lambda: is_back(process.reports), 60.0, "the microphone is back and says so")
        assert process.end() < AT_ONCE
    assert "is gone" in lost["problem"]
    assert lost["t"] - stopped["t"] < AT_ONCE


def test_a_hung_daemon_is_noticed_and_does_not_hold_up_the_exit(
    pulse: PrivatePulse, tmp_path: Path
) -> None:
    with child(pulse.environment, "capture", str(tmp_path / "f")) as process:
        process.wait_for("first frame", 60.0)
        pulse.freeze(True)
        process.wait_for("frames stopped", 60.0)
        process.wait_for("problem", 60.0)
        assert process.end() < AT_ONCE


def test_a_daemon_that_hangs_for_a_while_is_used_again(pulse: PrivatePulse, tmp_path: Path) -> None:
    with child(pulse.environment, "capture", str(tmp_path / "f")) as process:
        process.wait_for("first frame", 60.0)
        pulse.freeze(True)
        process.wait_for("problem", 60.0)
        pulse.freeze(False)
        process.wait_for("frames again", 60.0)
        process.end()


def loudness(path: Path) -> tuple[float, float]:
    """Return the loudness of the left and the right of the last half second."""
    stereo = captured(path)
    stereo = stereo[: stereo.size // 2 * 2].reshape(-1, 2)[-24_000:].astype(float)
    left, right = np.sqrt((stereo**2).mean(axis=0)) if stereo.size else (0.0, 0.0)
    return float(left), float(right)


def test_a_voice_on_the_right_comes_out_on_the_right(pulse: PrivatePulse, tmp_path: Path) -> None:
    file = tmp_path / "voice.raw"
    recorder = pulse.record_voice(file)
    with child(pulse.environment, "play") as process:
        process.wait_for("output", 60.0, device="default")
        until(lambda: loudness(file)[1] > 4_000.0, 60.0, "the voice is heard")
        assert loudness(file)[0] < 50.0
        process.end()
    recorder.kill()
    recorder.wait(60.0)


def test_an_interrupted_voice_fades_and_is_drained(pulse: PrivatePulse, tmp_path: Path) -> None:
    file = tmp_path / "voice.raw"
    recorder = pulse.record_voice(file)
    with child(pulse.environment, "play") as process:
        process.wait_for("output", 60.0, device="default")
        until(lambda: loudness(file)[1] > 4_000.0, 60.0, "the voice is heard")
        process.end()
        interrupted = process.wait_for("interrupted", 60.0)
        drained = process.wait_for("drained", 60.0)
    assert 0.05 < drained["t"] - interrupted["t"] < AT_ONCE
    recorder.kill()
    recorder.wait(60.0)


def test_a_lost_loudspeaker_comes_back_with_the_daemon(pulse: PrivatePulse) -> None:
    with child(pulse.environment, "play") as process:
        process.wait_for("output", 60.0, device="default")
        pulse.kill()
        process.wait_for("output", 60.0, device="none")
        pulse.start()
        process.wait_for("output", 60.0, device="default")
        process.end()
