"""Audio between the two ends of our WebSocket: its binary frames.

A frame is msgpack: `[1, seq, timestamp, pcm]` for 16 kHz microphone audio, and
`[2, seq, timestamp, pcm, sample_rate]` for a character's voice. `pcm` is 16-bit little-endian
mono, `timestamp` in seconds. Audio is not numbered like messages: what is late is dropped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import msgpack

from characters.protocol.codec import MessageError

__all__ = [
    "MAX_MICROPHONE_PCM", "MAX_VOICE_FRAME", "pack_microphone", "pack_voice", "unpack_microphone",
    "unpack_voice", "AudioFrame",
]  # fmt: skip

MAX_MICROPHONE_PCM = 8192  # bytes: a quarter of a second at 16 kHz
MAX_VOICE_FRAME = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """A piece of the character's voice: 16-bit little-endian mono; `timestamp` in seconds."""

    seq: int
    timestamp: float
    pcm: bytes
    sample_rate: int


def pack_microphone(seq: int, timestamp: float, pcm: bytes) -> bytes:
    """Return the binary frame for 16 kHz mono int16 audio."""
    packed: bytes = msgpack.packb([1, seq, timestamp, pcm])
    return packed


def unpack_microphone(data: bytes) -> tuple[bytes, float]:
    """Return the audio in a frame, and the timestamp of its first sample. Raises MessageError."""
    match _unpack(data, 4):
        case [1, _, int() | float() as timestamp, bytes(pcm)] if (
            len(pcm) % 2 == 0 and len(pcm) <= MAX_MICROPHONE_PCM and math.isfinite(timestamp)
        ):
            return pcm, float(timestamp)
    raise MessageError("validation-error", "Malformed audio frame")


def pack_voice(seq: int, timestamp: float, pcm: bytes, sample_rate: int) -> bytes:
    """Return the binary frame for a piece of a character's voice."""
    packed: bytes = msgpack.packb([2, seq, timestamp, pcm, sample_rate])
    return packed


def unpack_voice(data: bytes) -> AudioFrame:
    """Return the voice in a binary frame. Raises MessageError."""
    if len(data) > MAX_VOICE_FRAME:
        raise MessageError("parse-error", f"An audio frame of {len(data)} bytes")
    match _unpack(data, 5):
        case [2, int(seq), int() | float() as timestamp, bytes(pcm), int(sample_rate)] if (
            len(pcm) % 2 == 0 and math.isfinite(timestamp) and 4000 <= sample_rate <= 192_000
        ):
            return AudioFrame(seq, float(timestamp), pcm, sample_rate)
    raise MessageError("validation-error", "Malformed audio frame")


def _unpack(data: bytes, length: int) -> list[Any]:
    try:
        values = msgpack.unpackb(data)
    except Exception:  # msgpack raises half a dozen types of its own
        values = None
    if not isinstance(values, list) or len(values) != length:
        raise MessageError("parse-error", "Failed to parse audio frame")
    return values
