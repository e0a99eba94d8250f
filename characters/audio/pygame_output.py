"""The loudspeaker where PyAudio is not installed: one channel of pygame's mixer.

The mixer may be the game's own, at whatever rate the game has opened it; the blocks are made to
fit. One block plays while the next one waits in the channel's queue, which the mixer goes on to
within the same buffer: there is no gap.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pygame

from characters.audio.portaudio import DeviceReport, portaudio_calls
from characters.audio.signal import Samples, StereoFitter
from characters.audio.sources import AudioDevice
from characters.audio.speaker import OUTPUT_RATE

__all__ = ["pygame_devices", "PygameOutput"]

NAME = "pygame"
BUFFER_FRAMES = 512
# A mixer that plays nothing for so long was paused or is gone.
PATIENCE_SECONDS = 2.0
INT16, FLOAT32 = -16, -32  # as pygame.mixer.get_init tells them


def pygame_devices() -> DeviceReport:
    """Return the one loudspeaker that pygame plays on: the system's default."""
    return DeviceReport((AudioDevice(NAME, 0, 2, OUTPUT_RATE),))


class PygameOutput:
    """A channel of pygame's mixer, behind those that the game has. Opening may fail: OSError."""

    name = NAME
    block_seconds = 0.04

    def __init__(self, wanted: str | None) -> None:
        with portaudio_calls(), _os_errors():
            if pygame.mixer.get_init() is None:
                pygame.mixer.init(OUTPUT_RATE, INT16, 2, BUFFER_FRAMES, allowedchanges=0)
            rate, self._format, self._width = pygame.mixer.get_init()
            self._index = pygame.mixer.get_num_channels()
            pygame.mixer.set_num_channels(self._index + 1)
        # Whoever is inside a call when pygame ends would crash the whole program.
        self._inside = threading.Lock()
        self._is_over = False
        pygame.register_quit(self._end)
        if self._format not in (INT16, FLOAT32):
            raise OSError(f"the samples of pygame's mixer have a format of {self._format}")
        self._fitter = StereoFitter(OUTPUT_RATE, rate, self._width)
        # A resampler hands out uneven pieces, and one that is too short would end in a gap.
        self._ready = b""
        self._least = round(rate * self.block_seconds) * self._width * abs(self._format) // 8

    def write(self, block: bytes) -> None:
        """Wait until there is room, then take the block. Raises OSError when the mixer is gone."""
        with _os_errors():
            ends_at = time.monotonic() + PATIENCE_SECONDS
            while self._is_full():
                if time.monotonic() > ends_at:
                    raise OSError("pygame's mixer has played nothing for a while")
                time.sleep(self.block_seconds / 8)
            self._ready += self._fitted(np.frombuffer(block, np.int16).reshape(-1, 2))
            if len(self._ready) >= self._least:
                with self._inside:
                    self._channel().queue(pygame.mixer.Sound(buffer=self._ready))
                self._ready = b""

    def close(self) -> None:
        """Give the channel back; the mixer stays open for the game."""
        try:
            with self._inside:
                self._channel().stop()
                if pygame.mixer.get_num_channels() == self._index + 1:
                    pygame.mixer.set_num_channels(self._index)
        except (pygame.error, IndexError):
            return  # the game has closed its mixer, and the channel with it

    def _end(self) -> None:
        """Wait for a call that is under way; there is none after it."""
        with self._inside:
            self._is_over = True

    def _is_full(self) -> bool:
        with self._inside:
            return self._channel().get_queue() is not None

    def _channel(self) -> pygame.mixer.Channel:
        """Return the channel, made anew for each call: one whose mixer was closed would crash."""
        if self._is_over:
            raise pygame.error("pygame has ended")
        return pygame.mixer.Channel(self._index)

    def _fitted(self, stereo: Samples) -> bytes:
        """Return the block in the mixer's rate, channels and format."""
        mixed = self._fitter.feed(stereo)
        if self._format == FLOAT32:
            return (mixed / np.float32(32_768)).astype(np.float32).tobytes()
        return mixed.tobytes()


@contextmanager
def _os_errors() -> Iterator[None]:
    try:
        yield
    except (pygame.error, IndexError) as error:
        raise OSError(str(error)) from error
