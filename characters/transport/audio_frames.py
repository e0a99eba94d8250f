"""Pack microphone audio and unpack voice: msgpack `[kind, seq, timestamp, pcm(, sample_rate)]`."""

from __future__ import annotations

import msgpack

from characters.transport.protocol import AudioFrame

__all__ = ["pack_microphone", "unpack_voice"]

MICROPHONE, VOICE = 1, 2
MAX_FRAME = 1 << 20


def pack_microphone(seq: int, timestamp: float, pcm: bytes) -> bytes:
    """Return the binary frame for 16 kHz mono int16 audio."""
    packed: bytes = msgpack.packb([MICROPHONE, seq, timestamp, pcm])
    return packed


def unpack_voice(data: bytes) -> AudioFrame:
    """Return the voice in a binary frame. Raises ValueError when it is malformed."""
    if len(data) > MAX_FRAME:
        raise ValueError(f"an audio frame of {len(data)} bytes")
    try:
        kind, seq, timestamp, pcm, sample_rate = msgpack.unpackb(data)
    except Exception as error:
        # msgpack raises half a dozen types of its own, and unpacking two more.
        raise ValueError(f"not an audio frame: {type(error).__name__}") from None
    usable = isinstance(pcm, bytes) and len(pcm) % 2 == 0 and isinstance(seq, int)
    if kind != VOICE or not usable or not isinstance(sample_rate, int):
        raise ValueError("not a voice frame")
    if not isinstance(timestamp, int | float) or not 4000 <= sample_rate <= 192_000:
        raise ValueError("a voice frame with impossible figures")
    return AudioFrame(seq, float(timestamp), pcm, sample_rate)
