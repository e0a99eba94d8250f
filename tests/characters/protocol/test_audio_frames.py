from __future__ import annotations

import msgpack
import pytest

from characters.protocol.audio_frames import (
    MAX_MICROPHONE_PCM,
    MAX_VOICE_FRAME,
    AudioFrame,
    pack_microphone,
    pack_voice,
    unpack_microphone,
    unpack_voice,
)
from characters.protocol.codec import MessageError


def test_a_voice_frame_comes_out_as_it_went_in() -> None:
    data = pack_voice(7, 1.5, b"\1\2\3\4", 24_000)
    assert msgpack.unpackb(data) == [2, 7, 1.5, b"\1\2\3\4", 24_000]
    assert unpack_voice(data) == AudioFrame(7, 1.5, b"\1\2\3\4", 24_000)


def test_a_microphone_frame_comes_out_as_it_went_in() -> None:
    data = pack_microphone(3, 0.25, b"\0\0")
    assert msgpack.unpackb(data) == [1, 3, 0.25, b"\0\0"]
    assert unpack_microphone(data) == (b"\0\0", 0.25)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        msgpack.packb([1, 7, 1.5, b"\0\0", 24_000]),
        msgpack.packb([2, 7, 1.5, b"\0", 24_000]),
        msgpack.packb([2, 7, "soon", b"\0\0", 24_000]),
        msgpack.packb([2, 7, 1.5, b"\0\0", 10**9]),
        msgpack.packb([2, 7, 1.5]),
        bytes(MAX_VOICE_FRAME + 1),
    ],
)
def test_anything_else_is_no_voice(data: bytes) -> None:
    with pytest.raises(MessageError, match="frame"):
        unpack_voice(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * 100,
        msgpack.packb([1, 1]),
        msgpack.packb([2, 1, 0.0, b"\0\0"]),
        msgpack.packb([1, 1, float("nan"), b"\0\0"]),
        msgpack.packb([1, 1, 0.0, b"odd"]),
        msgpack.packb([1, 1, 0.0, "text"]),
        msgpack.packb([1, 1, 0.0, bytes(MAX_MICROPHONE_PCM + 2)]),
    ],
)
def test_anything_else_is_no_microphone_audio(data: bytes) -> None:
    with pytest.raises(MessageError, match="frame"):
        unpack_microphone(data)
