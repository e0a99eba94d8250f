from __future__ import annotations

import sys
import threading

import pytest

from characters.audio.clock_voice import ClockVoice
from characters.audio.echo import EchoCanceller
from characters.audio.microphone import PortAudioMicrophone
from characters.audio.portaudio import DeviceReport
from characters.audio.sources import SilentSource
from characters.audio.speaker import PortAudioVoice
from characters.components.sound import SoundDevices, open_sound
from tests.audio.devices import until


def test_a_game_hears_and_speaks_through_portaudio_by_default() -> None:
    sound = open_sound()
    assert isinstance(sound.microphone(), PortAudioMicrophone)
    assert isinstance(sound.voice, PortAudioVoice)
    assert isinstance(sound.echo, EchoCanceller)


def test_a_game_without_sound_opens_no_device_and_keeps_time() -> None:
    sound = open_sound(devices=False)
    assert isinstance(sound.microphone(), SilentSource)
    assert type(sound.voice) is ClockVoice and sound.echo is None
    assert looked(sound.devices).problem == (
        "This game runs without sound. Typing and captions work."
    )


def looked(devices: SoundDevices) -> DeviceReport:
    """Return what a search finds."""
    devices.look()
    until(lambda: not devices.is_looking, 10, "the search is over")
    return devices.report


def test_devices_are_looked_for_on_a_thread_with_a_name_and_one_at_a_time() -> None:
    names, go_on = list[str](), threading.Event()

    def find() -> DeviceReport:
        names.append(threading.current_thread().name)
        go_on.wait(10)
        return DeviceReport(problem=str(len(names)))

    devices = SoundDevices(find)
    for _ in range(3):
        devices.look()
    assert devices.is_looking and devices.report == DeviceReport()
    go_on.set()
    until(lambda: not devices.is_looking, 5, "the search is over")
    assert (names, devices.report.problem) == (["list sound devices"], "1")
    assert looked(devices).problem == "2"


def test_a_search_that_fails_is_a_sentence() -> None:
    def fail() -> DeviceReport:
        raise ValueError("no JSON")

    assert looked(SoundDevices(fail)).problem == (
        "The sound devices could not be listed. Typing and captions work."
    )


@pytest.mark.parametrize("missing", ["characters.audio.microphone", "characters.audio.speaker"])
def test_a_machine_without_pyaudio_says_so_and_the_game_goes_on(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)  # its import fails, as without the package
    sound = open_sound()
    for part in (sound.microphone(), sound.voice, looked(sound.devices)):
        assert part.problem is not None and "PyAudio is not installed" in part.problem


def test_a_machine_without_the_extra_hears_its_own_loudspeakers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "livekit", None)
    assert open_sound().echo is None
