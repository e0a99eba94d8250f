from __future__ import annotations

import pytest

from characters.core.messages import VISEMES
from characters.service.speech.visemes import Mouth, mouths, weights, weights_at


def shapes(phonemes: str) -> list[str]:
    return [mouth.shape for mouth in mouths(phonemes)]


def test_phonemes_become_mouths_in_order() -> None:
    assert shapes("w_,e@ d_'V_z I_t h_'3:_t") == [
        "ou", "e", "dd", "aa", "ss", "ih", "dd", "kk", "rr", "dd",
    ]  # fmt: skip


def test_clauses_are_apart_by_a_closed_mouth() -> None:
    assert shapes("h_'aI\nb_'OI") == ["kk", "aa", "sil", "pp", "oh"]


@pytest.mark.parametrize(
    ("phoneme", "shape"), [("tS", "ch"), ("dZ", "ch"), ("T", "th"), ("f", "ff")]
)
def test_the_longest_spelling_wins(phoneme: str, shape: str) -> None:
    assert shapes(phoneme) == [shape]


def test_vowels_last_longer_than_consonants() -> None:
    consonant, vowel = mouths("t_u:")
    assert vowel.share > consonant.share


def test_the_weights_follow_the_position_and_the_loudness() -> None:
    talk = (Mouth("pp", 1.0), Mouth("aa", 1.0))
    assert weights_at(talk, 0.25, 1.0)[VISEMES.index("pp")] == 1.0
    assert weights_at(talk, 0.75, 0.5)[VISEMES.index("aa")] == 0.5
    assert weights_at(talk, 1.0, 0.5)[VISEMES.index("aa")] == 0.5


def test_fifteen_weights_always_sum_to_one() -> None:
    for shape in VISEMES:
        got = weights(shape, 0.3)
        assert len(got) == 15 and sum(got) == pytest.approx(1.0)


def test_without_phonemes_the_mouth_still_moves_with_the_sound() -> None:
    assert weights_at((), 0.5, 0.8)[VISEMES.index("aa")] == 0.8
    assert weights_at((), 0.5, 0.0)[VISEMES.index("sil")] == 1.0
