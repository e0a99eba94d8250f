from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.ui.wrap import shorten, wrap


def letters(text: str) -> float:
    return float(len(text))


def test_lines_break_between_words() -> None:
    assert wrap("the quick brown fox", 10, letters) == ("the quick", "brown fox")


def test_a_word_longer_than_a_line_is_broken_within() -> None:
    assert wrap("a supercalifragilistic b", 8, letters) == ("a", "supercal", "ifragili", "stic b")


def test_only_a_line_that_may_be_too_wide_is_measured_whole() -> None:
    measured: list[str] = []
    wrap("to be or not to be, that is the question", 80, lambda t: measured.append(t) or letters(t))  # type: ignore[func-returns-value]  # None is what makes `or` go on
    assert all(" " not in text.strip() for text in measured)


@given(st.text("ab ", max_size=80), st.integers(1, 20))
def test_lines_are_as_full_as_when_each_is_measured_whole(text: str, width: int) -> None:
    lines = wrap(text, width, letters)
    firsts = [line.split()[0] for line in lines[1:] if line.split()]
    for line, first in zip(lines, firsts, strict=False):
        assert len(f"{line} {first}") > width or len(first) == width or len(line) == width


def test_line_breaks_of_the_text_stay() -> None:
    assert wrap("one\n\ntwo", 80, letters) == ("one", "", "two")


def test_no_text_has_one_empty_line() -> None:
    assert wrap("", 80, letters) == ("",)


def test_text_that_fits_is_not_shortened() -> None:
    assert shorten("hello", 5, letters) == "hello"


def test_text_that_does_not_fit_ends_in_an_ellipsis() -> None:
    assert shorten("hello world", 7, letters) == "hello…"


@given(st.text(max_size=80), st.integers(1, 20))
def test_no_line_is_wider_than_asked_and_no_letter_is_lost(text: str, width: int) -> None:
    lines = wrap(text, width, letters)
    assert all(len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(st.text(max_size=80), st.integers(1, 20))
def test_shortened_text_fits(text: str, width: int) -> None:
    assert len(shorten(text, width, letters)) <= width
