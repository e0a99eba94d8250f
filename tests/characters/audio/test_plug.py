from __future__ import annotations

import numpy as np

from characters.audio.plug import UNPLUGGED, Plug
from characters.audio.source import FrameSink
from characters.core.levels import Samples


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
        self.plug = Plug(lambda: self.device)
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
