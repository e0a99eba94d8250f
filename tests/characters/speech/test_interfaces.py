from __future__ import annotations

from pathlib import Path

import pocketsphinx
import pytest

from characters.speech.interfaces import (
    GIVEN_NAMES,
    MAX_CHARACTERS,
    SAY_AGAIN,
    Heard,
    Rejected,
    dictated,
)


def test_every_name_can_be_pronounced_by_the_dictionary_that_comes_with_the_recogniser() -> None:
    dictionary = Path(pocketsphinx.get_model_path()) / "en-us" / "cmudict-en-us.dict"
    words = {line.split(" ", 1)[0] for line in dictionary.read_text().splitlines()}
    assert [name for name in GIVEN_NAMES if name not in words] == []


def test_no_name_is_listed_twice() -> None:
    assert len(GIVEN_NAMES) == len(set(GIVEN_NAMES))


@pytest.mark.parametrize("text", ["", " \n", "...", "[BLANK_AUDIO]", "(door closes)", "*sighs*"])
def test_what_holds_no_word_is_rejected(text: str) -> None:
    assert dictated(text) == Rejected(SAY_AGAIN)


def test_descriptions_and_blanks_are_left_out() -> None:
    assert dictated(" (cough)  Where\ndoes it hurt? ") == Heard("Where does it hurt?")


def test_nobody_says_more_than_a_line() -> None:
    heard = dictated("word " * 500)
    assert isinstance(heard, Heard) and len(heard.text) <= MAX_CHARACTERS
