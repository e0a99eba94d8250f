from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from characters.speech.grammar import (
    Evidence,
    Grammar,
    Loudness,
    Segment,
    Sentence,
    make_grammar,
    spoken_frames,
    words_of,
    worst_word,
)
from characters.speech.interfaces import Completeness


def knows(word: str) -> bool:
    return word != "zyzzyva"


def grammar(*phrases: str) -> Grammar:
    return make_grammar(phrases, knows)


def test_punctuation_and_case_do_not_matter() -> None:
    assert grammar("Where does it hurt, exactly?").read("where does it hurt exactly ")


def test_a_sentence_that_is_not_in_the_grammar_is_not_read() -> None:
    rules = grammar("where does it hurt")
    assert rules.read("where does it ") is None
    assert rules.read("where does it hurt now ") is None


def test_alternatives_and_options_are_read() -> None:
    rules = grammar("(how | where) are you [feeling]")
    assert rules.read("how are you feeling ") == Sentence("how are you feeling", False)
    assert rules.read("where are you ") == Sentence("where are you", False)
    assert rules.read("are you ") is None


def test_a_name_is_any_given_name_and_is_told() -> None:
    rules = grammar("my name is <name>", "i am <name>")
    assert rules.read("my name is ada ") == Sentence("my name is ada", True)
    assert rules.read("i am george ") == Sentence("i am george", True)
    assert rules.read("my name is where ") is None


def test_a_please_at_the_end_is_understood_and_left_out() -> None:
    assert grammar("open the door").read("open the door please ") == Sentence(
        "open the door", False
    )


def test_a_phrase_with_a_word_nobody_can_pronounce_is_left_out_and_told() -> None:
    rules = grammar("what is a zyzzyva", "hello")
    assert rules.left_out == ("what is a zyzzyva",)
    assert rules.read("hello ") == Sentence("hello", False) and "zyzzyva" not in rules.jsgf


@pytest.mark.parametrize("phrase", ["(how are you", "how] are [you", "how are you)"])
def test_a_phrase_with_open_brackets_is_left_out(phrase: str) -> None:
    assert grammar(phrase).left_out == (phrase,)


def test_no_phrases_make_an_empty_grammar() -> None:
    assert grammar().is_empty and grammar("...", "").is_empty


def test_a_phrase_cannot_break_out_of_the_grammar() -> None:
    rules = grammar('hello; public <x> = "boo";')
    assert rules.jsgf.count("public") == 2 and rules.jsgf.count(";") == 5
    assert rules.read("hello public x boo ") == Sentence("hello public x boo", False)


def test_the_words_of_a_phrase_are_found_without_its_signs() -> None:
    assert words_of("(how | where) are you, <name>?") == {"how", "where", "are", "you"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("where does it hurt", Completeness.WHOLE),
        ("yes please", Completeness.WHOLE),
        ("i am ada", Completeness.WHOLE),
        ("what is up now", Completeness.WHOLE),
        ("is he here", Completeness.WHOLE),
        ("yes", Completeness.UNKNOWN),  # "please" may follow
        ("what is up", Completeness.UNKNOWN),
        ("where does it", Completeness.UNFINISHED),
        ("i am", Completeness.UNFINISHED),
        ("what is", Completeness.UNFINISHED),
        ("is", Completeness.UNFINISHED),
        ("", Completeness.UNKNOWN),
        ("hurt it does", Completeness.UNKNOWN),
        ("i am nobody", Completeness.UNKNOWN),
        ("where does it hurt now", Completeness.UNKNOWN),
    ],
)
def test_a_whole_sentence_is_known_from_half_of_one(words: str, said: Completeness) -> None:
    phrases = ("yes", "yes please", "where does it hurt", "i am <name>")
    rules = grammar(*phrases, "what (is | was) up [now]", "(is | was) (he | she) here")
    assert rules.completeness(words) is said


SURE = Evidence(frames=120, lead=-6.0, word_lead=60_000.0, coverage=1.0, above_noise_db=48.0)


def test_a_sentence_that_explains_the_sound_is_believed() -> None:
    assert SURE.is_enough and SURE.confidence > 0.8


@pytest.mark.parametrize(
    "change",
    [
        {"lead": 5.1},
        {"coverage": 0.55},
        {"frames": 14},
        {"word_lead": 105_000.0},
        {"above_noise_db": 10, "lead": -1},
        {"above_noise_db": 10, "word_lead": 95_000.0},
    ],
)
def test_each_kind_of_evidence_is_needed(change: dict[str, float]) -> None:
    assert not replace(SURE, **change).is_enough  # type: ignore[arg-type]  # by name


def test_the_more_noise_the_further_ahead_the_sentence_has_to_be() -> None:
    tenths = [x / 10 for x in range(-60, 60)]
    leads = [
        max(x for x in tenths if replace(SURE, lead=x, above_noise_db=db).is_enough)
        for db in (10.0, 20.0, 30.0, 50.0)
    ]
    assert leads == sorted(leads) and leads[0] == -2.0 and leads[-1] == 5.0


def test_where_it_is_just_enough_the_confidence_is_half() -> None:
    assert replace(SURE, lead=5.0).confidence == pytest.approx(0.5)


def test_how_far_a_voice_stands_above_the_noise_is_measured() -> None:
    chance = np.random.default_rng(1)
    noise = chance.normal(0.0, 100.0, 16_000)
    noise[6_000:10_000] *= 10.0
    loudness = Loudness()
    loudness.feed(noise[:5_000].astype("<i2").tobytes())
    loudness.feed(noise[5_000:].astype("<i2").tobytes())
    assert loudness.above_noise_db == pytest.approx(20.0, abs=1.5)
    assert Loudness().above_noise_db == 0.0


PHONES = (Segment("SIL", 0, 9, -50.0), Segment("AA", 10, 29, -40.0), Segment("T", 30, 49, -20.0))
WORDS = (
    Segment("<sil>", 0, 9, -90.0),
    Segment("open", 10, 29, -60.0),
    Segment("it", 30, 49, -80.0),
)


def test_the_word_that_fits_worst_is_found() -> None:
    assert worst_word(WORDS, PHONES) == pytest.approx((-20.0 + 80.0) / 20)


def test_short_words_and_silence_are_no_evidence() -> None:
    assert worst_word((Segment("a", 10, 15, -900.0), WORDS[0]), PHONES) == 0.0


def test_silence_and_noise_are_no_speech() -> None:
    assert spoken_frames(PHONES) == 40 and spoken_frames((Segment("[NOISE]", 0, 9, 0.0),)) == 0
