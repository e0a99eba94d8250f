"""Reads a WAV file, or bare samples, while it still comes in."""

from __future__ import annotations

import numpy as np

__all__ = ["BARE_RATE", "SoundStream", "SoundStreamError"]

# What OpenAI's `pcm` is: 24 kHz, 16 bits, little-endian, mono.
BARE_RATE = 24_000
MAX_HEADER_BYTES = 4096
PCM, EXTENSIBLE = 1, 0xFFFE
OTHERS = ((b"ID3", "MP3"), (b"OggS", "Ogg"), (b"fLaC", "FLAC"), (b"{", "JSON"), (b"<", "a page"))


class SoundStreamError(Exception):
    """These bytes are no sound that can be played; the message says what they are."""


class SoundStream:
    """Takes bytes in pieces of any size, gives mono int16; `rate` is known with the first."""

    def __init__(self) -> None:
        self.rate = 0
        self._channels = 1
        self._waiting = b""
        self._left: int | None = None  # bytes of sound still to come, None when nobody said

    def feed(self, data: bytes) -> bytes:
        """Take more bytes, return what can be played now. Raises SoundStreamError."""
        self._waiting += data
        if not self.rate and not self._read_header():
            return b""
        width = 2 * self._channels
        size = len(self._waiting) - len(self._waiting) % width
        if self._left is not None:
            size = min(size, self._left)
            self._left -= size
        sound, self._waiting = self._waiting[:size], self._waiting[size:]
        if self._channels == 1:
            return sound
        frames = np.frombuffer(sound, "<i2").reshape(-1, self._channels)
        mono: bytes = frames.mean(axis=1).astype("<i2").tobytes()
        return mono

    def _read_header(self) -> bool:
        """Return whether the samples begin now."""
        if len(self._waiting) < 4:
            return False
        if not self._waiting.startswith(b"RIFF"):
            self._refuse_others()
            self.rate = BARE_RATE
            return True
        rate, at = 0, 12
        while len(self._waiting) >= at + 8:
            name = self._waiting[at : at + 4]
            size = int.from_bytes(self._waiting[at + 4 : at + 8], "little")
            if name == b"data":
                return self._begin(rate, at + 8, size)
            if name == b"fmt " and len(self._waiting) >= at + 24:
                rate = self._read_format(self._waiting[at + 8 : at + 24])
            at += 8 + size + size % 2
        if at > MAX_HEADER_BYTES:
            raise SoundStreamError("its WAV file has no sound")
        return False

    def _refuse_others(self) -> None:
        start = self._waiting[:4]
        if start[0] == 0xFF and start[1] >= 0xE0:
            raise SoundStreamError("it sends MP3, not WAV")
        for sign, name in OTHERS:
            if start.startswith(sign):
                raise SoundStreamError(f"it sends {name}, not WAV")

    def _read_format(self, form: bytes) -> int:
        kind, channels, bits = (int.from_bytes(form[at : at + 2], "little") for at in (0, 2, 14))
        rate = int.from_bytes(form[4:8], "little")
        if kind not in (PCM, EXTENSIBLE) or bits != 16 or channels not in (1, 2):
            raise SoundStreamError(
                f"its WAV file has {channels} channels of {bits} bits, kind {kind}"
            )
        if not 8_000 <= rate <= 96_000:
            raise SoundStreamError(f"its WAV file has {rate} samples a second")
        self._channels = channels
        return rate

    def _begin(self, rate: int, at: int, size: int) -> bool:
        if not rate:
            raise SoundStreamError("its WAV file does not say what its sound is")
        # Who streams does not know the size and writes 0 or the largest number.
        self._left = size if 0 < size < 0x7FFF_F000 else None
        self.rate = rate
        self._waiting = self._waiting[at:]
        return True
