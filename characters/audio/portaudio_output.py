"""A loudspeaker that PortAudio opens."""

from __future__ import annotations

import pyaudio

from characters.audio.portaudio import choose_device, portaudio_calls
from characters.audio.speaker import BLOCK_SECONDS, OUTPUT_RATE

__all__ = ["PortAudioOutput"]


class PortAudioOutput:
    """A PortAudio output stream. Opening may take long or fail: OSError."""

    block_seconds = BLOCK_SECONDS

    def __init__(self, wanted: str | None) -> None:
        with portaudio_calls():
            self._audio = pyaudio.PyAudio()
            try:
                index, device = choose_device(self._audio, "output", wanted)
                self.name = device.name
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

    def write(self, block: bytes) -> None:
        """Wait until there is room, then take the block."""
        self._stream.write(block)

    def close(self) -> None:
        """Close the stream and its PortAudio; may hang."""
        with portaudio_calls():
            self._stream.close()
            self._audio.terminate()
