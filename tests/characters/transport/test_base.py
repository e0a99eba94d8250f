from __future__ import annotations

import msgpack
import pytest

from characters.transport.base import MAX_FRAME, pack_microphone, unpack_voice


def test_a_voice_frame_comes_out_as_it_went_in() -> None:
    frame = unpack_voice(msgpack.packb([2, 7, 1.5, b"\1\2\3\4", 24_000]))
    assert (frame.seq, frame.timestamp, frame.pcm, frame.sample_rate) == (
        7,
        1.5,
        b"\1\2\3\4",
        24000,
    )


def test_a_microphone_frame_is_four_values_of_msgpack() -> None:
    assert msgpack.unpackb(pack_microphone(3, 0.25, b"\0\0")) == [1, 3, 0.25, b"\0\0"]


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
        bytes(MAX_FRAME + 1),
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="frame"):
        unpack_voice(data)
