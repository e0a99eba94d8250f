from __future__ import annotations

import pytest

from characters.service.speech.dictation import MAX_CHARACTERS, dictated
from characters.service.speech.protocols import SAY_AGAIN, Heard, Rejected


@pytest.mark.parametrize("text", ["", " \n", "...", "[BLANK_AUDIO]", "(door closes)", "*sighs*"])
def test_what_holds_no_word_is_rejected(text: str) -> None:
    assert dictated(text) == Rejected(SAY_AGAIN)


def test_descriptions_and_blanks_are_left_out() -> None:
    assert dictated(" (cough)  Where\ndoes it hurt? ") == Heard("Where does it hurt?")


def test_nobody_says_more_than_a_line() -> None:
    heard = dictated("word " * 500)
    assert isinstance(heard, Heard) and len(heard.text) <= MAX_CHARACTERS
