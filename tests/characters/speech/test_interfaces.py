from __future__ import annotations

import time
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


@pytest.mark.parametrize(
    "text",
    ["", " \n", "...", "[BLANK_AUDIO]", "(door closes)", "*sighs*", "♪ la la ♪", "🎵 oh", "<|en|>"],
)
def test_what_holds_no_word_is_rejected(text: str) -> None:
    assert dictated(text) == Rejected(SAY_AGAIN)


@pytest.mark.parametrize(
    "text",
    [
        "Thank you for watching!", "Thanks for watching, bye.", "Like, comment, and subscribe!",
        "Thank you so much for watching. Don\u2019t forget to subscribe. Bye bye!",
        "I'll see you guys next time.", "If you enjoyed this video, please subscribe.",
        "Subtitles by the Amara.org community", "Transcription by CastingWords",
        "\u00a9 BF-WATCH TV 2021", "www.zeoranger.co.uk", "Untertitel im Auftrag des ZDF, 2017",
        "Vielen Dank f\u00fcrs Zuschauen und bis zum n\u00e4chsten Mal!",
        "Sous-titrage ST' 501", "\u00a1Gracias por ver el video!",
        "\u3054\u8996\u8074\u3042\u308a\u304c\u3068\u3046\u3054\u3056\u3044\u307e\u3057\u305f\u3002",
        "\u8c22\u8c22\u89c2\u770b", "Music playing", "<|nospeech|>",
    ],
)  # fmt: skip
def test_what_models_invent_of_silence_is_rejected(text: str) -> None:
    assert dictated(text) == Rejected(SAY_AGAIN)


@pytest.mark.parametrize(
    "text",
    [
        "Thank you.", "Bye.", "Hello. Bye.", "Thank you for watching the door.", "And you?",
        "See you next week.", "Copyright law is dull.", "You and I like music.", "Please.",
    ],
)  # fmt: skip
def test_what_people_say_is_not(text: str) -> None:
    assert dictated(text) == Heard(text)


def test_songs_and_marks_beside_a_line_are_left_out() -> None:
    assert dictated("<|en|> Where does ♪ la la ♪ it hurt?<|endoftext|>") == Heard(
        "Where does it hurt?"
    )


def test_a_megabyte_of_brackets_takes_no_time() -> None:
    began = time.process_time()
    for sign in "([*♪":
        assert isinstance(dictated("hello " + sign * 1_000_000), Heard | Rejected)
    assert time.process_time() - began < 5.0  # it was ten minutes


def test_what_is_invented_behind_a_line_is_left_out() -> None:
    heard = dictated("Where does it hurt? Thank you for watching! Bye.")
    assert heard == Heard("Where does it hurt?")


def test_a_line_that_a_model_has_written_several_times_is_said_once() -> None:
    assert dictated(" my name is Ada, my name is Ada,") == Heard("my name is Ada")
    assert dictated("Where is it? Where is it? Where is it?") == Heard("Where is it?")
    for text in ("No, no.", "Come in, come in.", "I know that I know him.", "Two by two by two"):
        assert dictated(text) == Heard(text)


def test_descriptions_and_blanks_are_left_out() -> None:
    assert dictated(" (cough)  Where\ndoes it hurt? ") == Heard("Where does it hurt?")
    assert dictated("Where\0does\x1b it hurt?") == Heard("Where does it hurt?")


def test_nobody_says_more_than_a_line() -> None:
    heard = dictated("word " * 500)
    assert isinstance(heard, Heard) and len(heard.text) <= MAX_CHARACTERS
