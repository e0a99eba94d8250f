from __future__ import annotations

import pytest

from characters.service.speech.phrases import Grammar, Sentence, make_grammar, words_of


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


def test_a_sentence_is_whole_when_no_other_begins_with_it() -> None:
    rules = grammar("yes", "yes please", "where does it hurt", "i am <name>", "how (is|are) you")
    assert rules.is_whole("where does it hurt") and rules.is_whole("yes please")
    assert not rules.is_whole("yes")
    assert not rules.is_whole("where does it") and not rules.is_whole("")


def test_a_sentence_that_may_go_on_in_a_way_nobody_counted_is_not_whole() -> None:
    rules = grammar("i am", "i am <name>", "how are", "how (is | are) you [now]")
    assert not rules.is_whole("i am") and not rules.is_whole("how are you")
    assert not rules.is_whole("i am ada") and not rules.is_whole("how are")
