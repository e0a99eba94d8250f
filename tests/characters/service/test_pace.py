from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from characters.service.pace import Pace, pieces


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text("ab .\n\t\u00e9", max_size=40))
def test_the_pieces_of_a_text_join_again(text: str) -> None:
    assert "".join(pieces(text)) == text


def test_a_piece_is_a_word_with_the_space_before_it() -> None:
    assert pieces("One, two  three. ") == ["One,", " two", "  three. "]


@pytest.mark.parametrize(
    ("piece", "seconds"), [("word", 0.1), ("so,", 0.2), ("end.", 0.4), (" ?", 0.4)]
)
def test_a_breath_follows_a_sentence(piece: str, seconds: float) -> None:
    assert Pace(words_per_second=10.0).seconds_for(piece) == pytest.approx(seconds)


def test_without_a_pace_everything_comes_at_once() -> None:
    assert Pace(words_per_second=0.0).seconds_for("end.") == 0.0
