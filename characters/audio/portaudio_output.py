"""A loudspeaker that PortAudio opens."""

from __future__ import annotations

import numpy as np
import pyaudio

from characters.audio.portaudio import choose_device, open_as_it_can, portaudio_calls
from characters.audio.signal import StereoFitter
from characters.audio.speaker import BLOCK_SECONDS, OUTPUT_RATE

__all__ = ["PortAudioOutput"]


class PortAudioOutput:
    """A PortAudio output stream, as the device can. Opening may take long or fail: OSError."""

    block_seconds = BLOCK_SECONDS

    def __init__(self, wanted: str | None) -> None:
        with portaudio_calls():
            self._audio = pyaudio.PyAudio()
            try:
                index, device = choose_device(self._audio, "output", wanted)
                self.name = device.name
                own = device.sample_rate, device.outputs
                self._stream, self._fitter = self._open(index, *own)
            except BaseException:
                self._audio.terminate()
                raise

    def _open(self, index: int, rate: int, channels: int) -> tuple[pyaudio.Stream, StereoFitter]:
        def open_at(rate: int, channels: int) -> tuple[pyaudio.Stream, StereoFitter]:
            stream = self._audio.open(
                rate=rate,
                channels=channels,
                format=pyaudio.paInt16,
                output=True,
                output_device_index=index,
                frames_per_buffer=round(rate * BLOCK_SECONDS),
            )
            return stream, StereoFitter(OUTPUT_RATE, rate, channels)

        return open_as_it_can(open_at, (OUTPUT_RATE, rate), (2, channels))

    def write(self, block: bytes) -> None:
        """Wait until there is room, then take the block."""
        fitted = self._fitter.feed(np.frombuffer(block, np.int16).reshape(-1, 2))
        if fitted.size:
            self._stream.write(fitted.tobytes())

    def close(self) -> None:
        """Close the stream and its PortAudio; may hang."""
        with portaudio_calls():
            try:
                self._stream.close()
            finally:
                self._audio.terminate()
