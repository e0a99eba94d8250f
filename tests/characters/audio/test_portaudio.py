from __future__ import annotations

import json
import math
import os
import sys
import threading
from pathlib import Path

import pyaudio
import pytest

from characters.audio import device_probe, portaudio
from characters.audio.portaudio import (
    OpenStreams,
    Retries,
    choose_device,
    list_devices,
    portaudio_calls,
    read_device,
    report_from,
    run_abandonable,
    stable_name,
    why_probe_failed,
)
from characters.audio.sources import AudioDevice
from engine.core.errors import install_command


@pytest.mark.parametrize(
    ("name", "stable"),
    [
        ("HDA Intel PCH: ALC257 Analog (hw:0,0)", "HDA Intel PCH: ALC257 Analog"),
        ("USB Audio (hw:3,0)", "USB Audio"),
        ("default", "default"),
    ],
)
def test_a_stable_name_has_no_card_numbers(name: str, stable: str) -> None:
    assert stable_name(name) == stable


class FakeAudio:
    """PortAudio with devices that make sense and devices that make none; the last is the default.

    A device is its name, or what PortAudio raises instead of telling of it.
    """

    def __init__(self, *names: object) -> None:
        self._names = names

    def get_device_count(self) -> int:
        return len(self._names)

    def get_device_info_by_index(self, index: int) -> dict[str, object]:
        name = self._names[index]
        if isinstance(name, Exception):
            raise name
        rate = math.nan if name != "Good" else 44_100.0
        channels = {"maxInputChannels": 1, "maxOutputChannels": -1}
        return {"index": index, "name": name, "defaultSampleRate": rate, **channels}

    def get_default_input_device_info(self) -> dict[str, object]:
        return self.get_device_info_by_index(len(self._names) - 1)


def test_a_device_is_found_by_its_stable_name_beside_those_that_make_no_sense() -> None:
    odd = FakeAudio(b"\xff\xfe", None, "", UnicodeDecodeError("utf-8", b"", 0, 1, "?"), "Good", "A")
    index, device = choose_device(odd, "input", "Good")
    assert (index, device) == (4, AudioDevice("Good", 1, 0, 44_100))
    assert choose_device(odd, "input", "Headset")[0] == choose_device(odd, "input", None)[0] == 5


@pytest.mark.parametrize("told", [{"index": None}, {"index": -1}, {"index": 9}, {}, None])
def test_a_default_that_makes_no_sense_costs_the_others_nothing(told: object) -> None:
    audio = FakeAudio(None, OSError("broken"), "Good")
    audio.get_default_input_device_info = lambda: told  # type: ignore[method-assign,assignment,return-value]  # whatever it tells
    assert choose_device(audio, "input", None)[0] == 0
    audio = FakeAudio(OSError("broken"))
    with pytest.raises(OSError, match="no input device"):
        choose_device(audio, "input", None)


def test_a_device_whose_card_has_another_number_now_is_the_same() -> None:
    assert choose_device(FakeAudio("USB Audio (hw:7,0)", "A"), "input", "USB Audio")[0] == 0


def device(name: object, inputs: object, outputs: object, rate: object) -> dict[str, object]:
    """Return a device as PyAudio describes one."""
    channels = {"maxInputChannels": inputs, "maxOutputChannels": outputs}
    return {"name": name, "defaultSampleRate": rate, **channels}


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ((b"Mikrofon \xe4", 1, 0, 16_000.0), AudioDevice("Mikrofon \ufffd", 1, 0, 16_000)),
        ((None, 0, -1, 0.0), AudioDevice("?", 0, 0, 48_000)),
        (("", 400, 2, 1e9), AudioDevice("?", 400, 2, 48_000)),
        (("M\ud83d", "two", None, math.nan), AudioDevice("M", 0, 0, 48_000)),
        (("X\0", True, 2.5, "fast"), AudioDevice("X", 1, 0, 48_000)),
    ],
)
def test_what_makes_no_sense_about_a_device_is_replaced(
    told: tuple[object, ...], read: AudioDevice
) -> None:
    assert read_device(device(*told)) == read


def test_a_device_that_makes_no_sense_costs_the_others_nothing() -> None:
    rows = [None, {}, device("Mic", 1, 0, 44_100.0), device("Out", 0, 2, math.inf)]
    report = report_from(json.loads(json.dumps({"devices": rows, "input": 1, "output": 2})))
    assert [device.name for device in report.inputs] == ["Mic"]
    assert [device.name for device in report.outputs] == ["Out"]


def test_the_probe_tells_of_all_devices_but_the_one_that_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    audio = FakeAudio(b"\xff", OSError("broken"), "Good")
    monkeypatch.setattr(pyaudio, "PyAudio", lambda: audio)
    audio.get_default_output_device_info = audio.get_default_input_device_info  # type: ignore[attr-defined]  # the same one
    assert device_probe.main() == 0
    names = [device.name for device in report_from(json.loads(capsys.readouterr().out)).devices]
    assert names == ["\ufffd", "?", "Good"]


NOISY_DRIVER = """
import os
class PyAudio:
    def __init__(self): os.write(1, b"A driver says hello.")
    def get_device_count(self): return 1
    def get_device_info_by_index(self, index): return {"name": "Good", "maxInputChannels": 1}
    def get_default_input_device_info(self): return {"index": 0}
    def get_default_output_device_info(self): raise OSError("there is none")
"""


@pytest.mark.skipif(
    bool(sys.flags.ignore_environment),
    reason="this Python is told of its modules by a file of its own",
)
def test_what_a_driver_prints_does_not_hide_the_devices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyaudio.py").write_text(NOISY_DRIVER, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    report = list_devices(60.0)
    assert report.problem is None and [device.name for device in report.inputs] == ["Good"]


def test_a_probe_that_tells_nonsense_is_a_problem_and_no_crash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(portaudio, "PROBE", "this")  # Python's Zen is no list of devices
    assert list_devices(60.0).problem


def test_the_same_device_of_two_host_interfaces_is_listed_once_and_keeps_the_default() -> None:
    report = report_from(
        {
            "devices": [
                device("Mic", 1, 0, 44100.0),
                device("Mic", 2, 0, 48000.0),
                device("Out", 0, 2, 48000.0),
            ],
            "input": 1,
            "output": 2,
        }
    )
    assert [device.name for device in report.devices] == ["Mic", "Out"]
    assert report.inputs[0].sample_rate == 48_000


def test_each_way_to_fail_has_its_sentence() -> None:
    assert install_command("mic") in why_probe_failed(
        1, b"ModuleNotFoundError: No module named 'pyaudio'"
    )
    assert "sound configuration" in why_probe_failed(-6, b"Expression 'alsa...' failed")
    assert "could not be started" in why_probe_failed(1, b"something else")


def test_descriptor_2_is_silent_while_portaudio_works_and_back_afterwards(tmp_path: Path) -> None:
    log = tmp_path / "stderr"
    saved, file = os.dup(2), os.open(log, os.O_WRONLY | os.O_CREAT)
    try:
        os.dup2(file, 2)
        with portaudio_calls():
            os.write(2, b"chatter\n")
        os.write(2, b"ours\n")
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(file)
    assert log.read_text().splitlines() == ["ours"]


def test_calls_are_made_one_at_a_time() -> None:
    inside, order = threading.Event(), []

    def second() -> None:
        inside.wait(5.0)
        with portaudio_calls():
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with portaudio_calls():
        inside.set()
        order.append("first")
    thread.join(5.0)
    assert order == ["first", "second"]


def test_a_call_that_hangs_is_given_up() -> None:
    hang = threading.Event()
    assert not run_abandonable("hang", lambda: hang.wait(10.0), 0.02)
    hang.set()
    assert run_abandonable("quick", lambda: None, 5.0)


def test_a_lost_device_is_looked_for_at_least_every_second_and_a_bit() -> None:
    retries = Retries()
    retries.found()
    waits = [retries.next() for _ in range(50)]
    assert waits[0] == 0.3 and waits == sorted(waits) and max(waits) == 1.2


def test_a_device_that_never_was_there_is_looked_for_ever_more_rarely() -> None:
    retries = Retries()
    assert [retries.next() for _ in range(50)][-1] == 4.0


def test_a_device_that_was_found_is_missed_anew() -> None:
    retries = Retries()
    for _ in range(50):
        retries.next()
    retries.found()
    assert retries.next() == 0.3


def test_an_exit_waits_for_streams_that_are_being_closed_and_not_for_one_that_hangs() -> None:
    streams = OpenStreams()
    streams.opened("ears")
    assert not streams.wait(0.01)
    closing = threading.Timer(0.05, streams.closed, ("ears",))
    closing.start()
    assert streams.wait(5.0)
    closing.join()
    assert streams.wait(0.0)
