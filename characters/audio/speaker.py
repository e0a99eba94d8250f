"""The speaker: every voice in one PortAudio stream, or in time with the clock without one.

A thread of its own renders and writes block by block (blocking writes: measured without a gap
where a queue of chunks had many). A second one watches the age of the last write, because a
write into a hung sound daemon never returns; it then abandons the writer and lets the clock
consume the sound until a device is back. So `is_playing` tells the truth in every case.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pyaudio

from characters.audio.clock_voice import ClockVoice
from characters.audio.outputs import BLOCK_SECONDS, OUTPUT_RATE, ClockOutput, Output, Writer
from characters.audio.portaudio import (
    DeviceReport,
    Retries,
    calm,
    find_device,
    list_devices,
    portaudio_calls,
    stable_name,
)
from characters.core.levels import Samples

__all__ = ["PortAudioVoice"]


class DeviceOutput:
    """A PortAudio output stream. Opening may take long or fail: OSError."""

    block_seconds = BLOCK_SECONDS

    def __init__(self, wanted: str | None) -> None:
        with portaudio_calls():
            self._audio = pyaudio.PyAudio()
            try:
                index = self._choose(wanted)
                self._stream = self._audio.open(
                    rate=OUTPUT_RATE,
                    channels=2,
                    format=pyaudio.paInt16,
                    output=True,
                    output_device_index=index,
                    frames_per_buffer=round(OUTPUT_RATE * BLOCK_SECONDS),
                )
            except BaseException:
                self._audio.terminate()
                raise

    def _choose(self, wanted: str | None) -> int:
        count = self._audio.get_device_count()
        infos = [self._audio.get_device_info_by_index(index) for index in range(count)]
        names = [str(info["name"]) if info["maxOutputChannels"] else "" for info in infos]
        index = find_device(names, wanted)
        info = infos[index] if index is not None else self._audio.get_default_output_device_info()
        self.name = stable_name(str(info["name"]))
        return int(info["index"])

    def write(self, block: bytes) -> None:
        """Wait until there is room, then take the block."""
        self._stream.write(block)

    def close(self) -> None:
        """Close the stream and its PortAudio; may hang."""
        with portaudio_calls():
            self._stream.close()
            self._audio.terminate()


class PortAudioVoice(ClockVoice):
    """Plays on a device, and in time with the clock while there is none."""

    def __init__(
        self,
        device: str | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
        played: Callable[[Samples], object] | None = None,
        probe: Callable[[], DeviceReport] = list_devices,
        open_output: Callable[[str | None], Output] = DeviceOutput,
    ) -> None:
        super().__init__(now=now, played=played)
        self._wanted = device
        self._probe = probe
        self._open_output = open_output
        self._stopping = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, name="speaker", daemon=True)
        self._changed = threading.Event()

    def start(self) -> None:
        """Begin to play; a device is looked for in the background."""
        super().start()
        if not self._supervisor.is_alive() and not self._stopping.is_set():
            self._supervisor.start()

    def choose(self, device: str | None) -> None:
        """Switch to another device by its stable name, or to the default one."""
        self._wanted = device
        self._changed.set()

    def close(self) -> None:
        """Stop; never waits for a device."""
        self._stopping.set()
        self._changed.set()
        super().close()

    def _supervise(self) -> None:
        retries = Retries()
        while not self._stopping.is_set():
            self._changed.clear()
            output = self._try_open()
            if output is not None:
                retries.found()
                self._swap(output)
                self._watch()
                self._swap(ClockOutput(self._now))
            if not self._stopping.is_set():
                self._changed.wait(retries.next())

    def _try_open(self) -> Output | None:
        report = self._probe()
        if report.problem is not None or not report.outputs:
            self._problem = report.problem or calm("No loudspeaker was found.")
            return None
        try:
            output = self._open_output(self._wanted)
        except (OSError, ValueError):
            self._problem = calm("The loudspeaker cannot be opened; trying again.")
            return None
        self._problem = None
        return output

    def _swap(self, output: Output) -> None:
        before = self._writer
        if before is not None:
            before.stop()
        self._writer = Writer(self._mixer, output, self._now)
        if before is not None:
            before.abandon()
        if self._stopping.is_set():
            self._writer.abandon()

    def _watch(self) -> None:
        late = 0
        writer = self._writer
        while writer is not None and late < 2 and not writer.failed:
            if self._changed.wait(0.1):
                return
            late = late + 1 if writer.is_late() else 0
        self._problem = calm("The loudspeaker is gone; looking for it again.")
