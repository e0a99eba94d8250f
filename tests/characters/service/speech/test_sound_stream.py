from __future__ import annotations

import numpy as np
import pytest

from characters.service.speech.sound_stream import BARE_RATE, SoundStream, SoundStreamError
from tests.characters.service.speech.openai_server import tone, wav


def read(data: bytes, size: int) -> tuple[bytes, int]:
    stream = SoundStream()
    pieces = [stream.feed(data[at : at + size]) for at in range(0, len(data), size)]
    return b"".join(pieces), stream.rate


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
def test_a_wav_file_in_pieces_of_any_size_is_read(size: int) -> None:
    sound = tone(0.05, 16_000)
    assert read(wav(sound, 16_000), size) == (sound, 16_000)


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_bare_samples_are_read(size: int) -> None:
    sound = tone(0.05, BARE_RATE)
    assert read(sound, size) == (sound, BARE_RATE)


def test_two_channels_become_one() -> None:
    frames = np.array([[1_000, 3_000], [-200, 0]], "<i2")
    assert (
        read(wav(frames.tobytes(), 44_100, channels=2), 5)[0]
        == np.array([2_000, -100], "<i2").tobytes()
    )


def test_what_follows_the_sound_is_no_sound() -> None:
    sound = tone(0.05, 16_000)
    assert read(wav(sound, 16_000) + b"LIST\x04\0\0\0tags", 100)[0] == sound


def test_who_streams_does_not_know_the_size() -> None:
    data = bytearray(wav(tone(0.05, 16_000), 16_000))
    data[40:44] = b"\xff\xff\xff\xff"
    assert read(bytes(data), 100)[0] == tone(0.05, 16_000)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\xff\xfb\x90\0", "MP3"),
        (b"OggS", "Ogg"),
        (b'{"error": 1}', "JSON"),
        (wav(bytes(90), 16_000, width=3), "24 bits"),
        (wav(bytes(90), 4_000), "4000 samples"),
        (b"RIFF\0\0\0\0WAVE" + b"JUNK\xff\xff\0\0" * 2, "no sound"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "does not say"),
    ],
)
def test_what_cannot_be_played_is_named(data: bytes, what: str) -> None:
    with pytest.raises(SoundStreamError, match=what):
        read(data + bytes(70_000), 10_000)
