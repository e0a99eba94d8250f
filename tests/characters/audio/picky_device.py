"""A PortAudio whose only device takes few rates and numbers of channels."""

from __future__ import annotations

from collections.abc import Callable

import pyaudio

__all__ = ["PickyAudio", "PickyStream"]


class PickyStream:
    """What is written to the device; the test plays its callback."""

    def __init__(self) -> None:
        self.written = b""
        self.is_closed = self.is_gone = False

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.is_closed = True
        if self.is_gone:
            raise OSError(-9988, "Stream closed")


class PickyAudio:
    """A device that can be opened in one way; `asked` are the rates and channels that were tried.

    With `why` it refuses all of them, for this reason.
    """

    def __init__(self, rate: int, channels: int, why: int | None = None) -> None:
        self.way = rate, channels
        self.why = why
        self.asked: list[tuple[int, int]] = []
        self.stream = PickyStream()
        self.hear: Callable[[bytes], object] = len
        self.is_terminated = False

    def get_device_count(self) -> int:
        return 1

    def get_device_info_by_index(self, index: int) -> dict[str, object]:
        rate, channels = self.way
        ways = {"maxInputChannels": channels, "maxOutputChannels": channels}
        return {"index": index, "name": "Picky", "defaultSampleRate": float(rate), **ways}

    def get_default_input_device_info(self) -> dict[str, object]:
        return self.get_device_info_by_index(0)

    get_default_output_device_info = get_default_input_device_info

    def open(self, **asked: object) -> PickyStream:
        rate, channels = asked["rate"], asked["channels"]
        assert isinstance(rate, int) and isinstance(channels, int)
        self.asked.append((rate, channels))
        if self.why is not None:
            raise OSError(self.why, "refused")
        if channels != self.way[1]:
            raise OSError(pyaudio.paInvalidChannelCount, "Invalid number of channels")
        if rate != self.way[0]:
            raise OSError(pyaudio.paInvalidSampleRate, "Invalid sample rate")
        callback = asked.get("stream_callback")
        if callable(callback):
            self.hear = callback
        return self.stream

    def terminate(self) -> None:
        self.is_terminated = True
