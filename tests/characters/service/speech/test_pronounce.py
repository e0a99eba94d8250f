from __future__ import annotations

import pytest

from characters.service.speech.pronounce import ask_espeak, phones_of
from tests.audio.devices import require


def test_phonemes_become_the_dictionarys_phones() -> None:
    assert phones_of("s_k_'3:_v_i\n") == "S K ER V IY"


def test_a_phoneme_that_is_not_known_gives_up_the_word() -> None:
    assert phones_of("s_??_t") is None and phones_of("") is None


@pytest.mark.parametrize(("word", "phones"), [("hurt", "HH ER T"), ("judge", "JH AH JH")])
def test_a_known_word_is_pronounced_as_the_dictionary_has_it(word: str, phones: str) -> None:
    require("espeak-ng")
    assert ask_espeak("espeak-ng", word) == phones


def test_a_program_that_is_missing_teaches_nothing() -> None:
    assert ask_espeak("no-such-program", "hurt") is None


def test_what_is_no_word_never_reaches_the_program() -> None:
    assert ask_espeak("no-such-program", "--help") is None
