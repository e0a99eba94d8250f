from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from characters.audio.portaudio import (
    OpenStreams,
    Retries,
    find_device,
    portaudio_calls,
    report_from,
    run_abandonable,
    stable_name,
    why_probe_failed,
)
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


def test_a_device_is_found_by_its_stable_name() -> None:
    assert find_device(["default", "USB Audio (hw:7,0)"], "USB Audio") == 1
    assert find_device(["default"], "USB Audio") is None
    assert find_device(["default"], None) is None


def test_the_same_device_of_two_host_interfaces_is_listed_once_and_keeps_the_default() -> None:
    report = report_from(
        {
            "devices": [["Mic", 1, 0, 44100.0], ["Mic", 2, 0, 48000.0], ["Out", 0, 2, 48000.0]],
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
