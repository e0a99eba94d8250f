from __future__ import annotations

import numpy as np
import pyaudio
import pytest

from characters.audio.portaudio_output import PortAudioOutput
from characters.audio.signal import Samples
from tests.characters.audio.picky_device import PickyAudio


def stereo(seconds: float) -> Samples:
    """Return a tone that is on the left twice as loud as on the right."""
    tone = 8_000.0 * np.sin(2.0 * np.pi * 440.0 * np.arange(round(48_000 * seconds)) / 48_000)
    return np.stack((tone, tone / 2), 1).astype(np.int16)


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize(("channels", "loud"), [(1, [6_000]), (2, [8_000, 4_000]), (6, None)])
def test_a_loudspeaker_is_opened_in_the_only_way_it_takes(
    rate: int, channels: int, loud: list[int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    audio = PickyAudio(rate, channels)
    monkeypatch.setattr(pyaudio, "PyAudio", lambda: audio)
    output = PortAudioOutput(None)
    sound = stereo(1.0)
    for start in range(0, len(sound), 480):
        output.write(sound[start : start + 480].tobytes())
    output.close()
    played = np.frombuffer(audio.stream.written, "<i2").reshape(-1, channels)
    assert 0.97 * rate < len(played) <= rate + 1
    middle = played[rate // 4 : 3 * rate // 4]
    assert np.argmax(np.abs(np.fft.rfft(middle[:, 0].astype(float)))) == 220  # of half a second
    assert middle.max(axis=0) == pytest.approx(loud or [8_000, 4_000, 0, 0, 0, 0], rel=0.03)
    assert audio.stream.is_closed and audio.is_terminated


def test_a_loudspeaker_that_takes_nothing_is_no_loudspeaker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    audio = PickyAudio(44_100, 6, why=-1)
    monkeypatch.setattr(pyaudio, "PyAudio", lambda: audio)
    with pytest.raises(OSError, match="refused"):
        PortAudioOutput(None)
    assert audio.asked == [(48_000, 2), (44_100, 2), (48_000, 6), (44_100, 6)]
    assert audio.is_terminated
