from __future__ import annotations

import sys

import pytest

from characters.audio.clock_voice import ClockVoice
from characters.audio.echo import EchoCanceller
from characters.audio.microphone import PortAudioMicrophone
from characters.audio.sources import SilentSource
from characters.audio.speaker import PortAudioVoice
from characters.components.sound import open_sound


def test_a_game_hears_and_speaks_through_portaudio_by_default() -> None:
    sound = open_sound()
    assert isinstance(sound.microphone(), PortAudioMicrophone)
    assert isinstance(sound.voice, PortAudioVoice)
    assert isinstance(sound.echo, EchoCanceller)


def test_a_game_without_sound_opens_no_device_and_keeps_time() -> None:
    sound = open_sound(devices=False)
    assert isinstance(sound.microphone(), SilentSource)
    assert type(sound.voice) is ClockVoice and sound.echo is None


@pytest.mark.parametrize("missing", ["characters.audio.microphone", "characters.audio.speaker"])
def test_a_machine_without_pyaudio_says_so_and_the_game_goes_on(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)  # its import fails, as without the package
    sound = open_sound()
    for part in (sound.microphone(), sound.voice):
        assert part.problem is not None and "PyAudio is not installed" in part.problem


def test_a_machine_without_the_extra_hears_its_own_loudspeakers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "livekit", None)
    assert open_sound().echo is None
