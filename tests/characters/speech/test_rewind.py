from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from characters.speech.interfaces import VoiceChunk
from characters.speech.rewind import KEPT_SECONDS, LATENCY_SECONDS, STEP_SECONDS, SpokenVoice

RATE = 16_000
PIECE = 0.05


def spoken(seconds: float, words: tuple[float, ...] = (), quiet: tuple[float, ...] = ()) -> bytes:
    """Return a voice of so many seconds that is quiet for 20 ms at some places."""
    sound = np.full(round(seconds * RATE), 8_000, "<i2")
    for at in quiet:
        sound[round(at * RATE) : round((at + 0.02) * RATE)] = 10
    return sound.tobytes()


def voice(pcm: bytes, words: tuple[float, ...] = (), begin: float = 100.0) -> SpokenVoice:
    """Note a voice piece by piece, its words beginning at some seconds."""
    noted, size = SpokenVoice(), round(PIECE * RATE)
    samples = np.frombuffer(pcm, "<i2")
    for at in range(0, samples.size, size):
        marks = tuple(round(word * RATE) - at for word in words)
        begun = tuple(mark for mark in marks if 0 <= mark < size)
        noted.add(begin + at / RATE, VoiceChunk(samples[at : at + size].tobytes(), RATE, (), begun))
    return noted


def seconds(chunks: tuple[VoiceChunk, ...]) -> float:
    return sum(len(chunk.pcm) for chunk in chunks) / 2 / RATE


def test_it_goes_on_with_the_word_in_which_it_stopped() -> None:
    said = voice(spoken(2.0, quiet=(0.49, 0.99, 1.49)), (0.0, 0.5, 1.0, 1.5))
    again = said.rewind(100.0 + 1.3 + LATENCY_SECONDS)
    assert abs(seconds(again) - 1.0) <= 0.02


def test_the_real_beginning_of_a_word_is_looked_for_near_the_mark() -> None:
    said = voice(spoken(2.0, quiet=(0.95,)), (0.5, 1.0))
    assert abs(seconds(said.rewind(100.0 + 1.3)) - 1.05) <= 1.5 * STEP_SECONDS


def test_without_marks_it_goes_on_at_the_quietest_moment_of_the_last_while() -> None:
    said = voice(spoken(3.0, quiet=(0.3, 1.7)))
    assert abs(seconds(said.rewind(102.0)) - 1.3) <= 1.5 * STEP_SECONDS


def test_it_fades_in_so_that_nothing_clicks() -> None:
    first = voice(spoken(2.0), (0.5, 1.0)).rewind(101.3)[0]
    samples = np.abs(np.frombuffer(first.pcm, "<i2").astype(int))
    assert samples[0] < 100 and samples.max() == 8_000


def test_what_was_heard_to_its_end_is_not_said_again() -> None:
    assert seconds(voice(spoken(1.0), (0.0,)).rewind(110.0)) == 0.0


def test_before_its_first_word_was_heard_all_of_it_is_said_again() -> None:
    assert seconds(voice(spoken(1.0), (0.0, 0.5)).rewind(99.0)) == 1.0


def test_it_is_said_again_once() -> None:
    said = voice(spoken(1.0), (0.0, 0.5))
    assert said.rewind(100.8) and said.rewind(100.8) == ()


def test_marks_move_with_the_beginning() -> None:
    said = voice(spoken(1.0, quiet=(0.5,)), (0.52, 0.54))
    first = said.rewind(100.7)[0]
    assert all(0 <= word < len(first.pcm) // 2 for word in first.words)


def test_only_the_last_seconds_are_kept() -> None:
    assert seconds(voice(spoken(60.0)).rewind(0.0)) <= KEPT_SECONDS + 2 * PIECE


@given(
    st.floats(0.1, 4.0),
    st.lists(st.floats(0.0, 4.0), max_size=8),
    st.floats(99.0, 106.0),
)
def test_it_never_goes_on_behind_what_was_heard_nor_far_before_it(
    length: float, words: list[float], heard_until: float
) -> None:
    again = voice(spoken(length), tuple(sorted(words))).rewind(heard_until)
    unheard = max(0.0, min(length, 100.0 + length - heard_until))
    assert unheard - 1 / RATE <= seconds(again) <= unheard + 1.7
