"""What a line is before its words are matched."""

from __future__ import annotations

import pytest

from characters.agents.hearing import Speller, hear, is_backchannel


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Wo tut es weh?", "German"),
        ("Ich spreche kein Englisch", "German"),
        ("Bonjour, comment \u00e7a va ?", "French"),
        ("\u00bfC\u00f3mo te llamas?", "Spanish"),
        ("hola", "Spanish"),
        ("Parli italiano?", "Italian"),
        ("Voc\u00ea fala portugu\u00eas?", "Portuguese"),
        ("\u043a\u0430\u043a \u0434\u0435\u043b\u0430", "Russian"),
        ("\u03a4\u03b9 \u03ba\u03ac\u03bd\u03b5\u03b9\u03c2;", "Greek"),
        ("\u65e5\u672c\u8a9e\u3092\u8a71\u305b\u307e\u3059\u304b", "Japanese"),
        ("\u4f60\u597d\u5417", "Chinese"),
        ("Where does it hurt?", ""),
        ("no no no", ""),
        ("?", ""),
    ],
)
def test_a_foreign_language_is_known_by_its_words_or_letters(text: str, language: str) -> None:
    assert hear(text).language == language


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("asdfghjkl", "gibberish"),
        ("a", "gibberish"),
        ("1234567890", "number"),
        ("what is 2+2?", "sum"),
        ("?", "question"),
        ("...", "dots"),
        ("\U0001f986\U0001f986", "emoji"),
        ("*waves*", "deed"),
        ("STOP SHOUTING AT ME", "shouting"),
    ],
)
def test_a_line_has_a_kind(text: str, kind: str) -> None:
    assert kind in hear(text).kinds


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("wehre does it hrut", "where does it hurt "),
        ("teh lighthuose", "the lighthouse "),
        ("pennicilin", "penicillin "),
        ("that is right", "that is right "),
        ("my hat", "my hat "),
    ],
)
def test_typing_mistakes_are_corrected_and_common_words_are_none(wrong: str, right: str) -> None:
    words = ["where", "does", "hurt", "the", "lighthouse", "penicillin", "light", "cat"]
    assert Speller(words).correct(wrong) == right


def test_of_a_line_with_many_mistakes_the_first_are_corrected() -> None:
    wrong = ["wehre", "wheer", "hrut", "hutr", "thrusday", "thursdya", "lihgt", "ligth"]
    speller = Speller(["where", "hurt", "thursday", "light"])
    line = speller.correct(" ".join([*wrong, "wehre", "wherre"])).split()
    right = ["where", "where", "hurt", "hurt", "thursday", "thursday", "light", "light"]
    assert line == [*right, "where", "wherre"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Uh-huh.", "en-us"), ("Mhm", "en"), ("mm-hmm", "en-gb"), ("Yeah, yeah.", "en"),
        ("OK!", "en"), ("Right.", "en"), ("I see\u2026", "en"), ("Ach so!", "de"), ("mhm", "ja"),
        ("D\u2019accord.", "fr"), ("\u306f\u3044\u3002", "ja"), ("\u0423\u0433\u0443", "ru"),
        ("Uh huh, uh huh.", "en"), ("Yeah yeah yeah", "en"), ("Hm, I see.", "en"),
        ("Ah, right, go on.", "en"), ("Hmmmmm", "en"), ("Aaah!", "de"), ("Ach so, ja, klar", "de"),
        ("Ha ha ha!", "en"), ("Hahahaha.", "en"), ("Heh, okay", "en"), ("Ahem.", "en"),
        ("Uhhuh.", "en"), ("Mhmm", "de"), ("Mmhmm.", "en"), ("Hm-mm", "fr"), ("Mm-hm, mm-hm", "es"),
        ("Muahaha", "en"), ("Ahahahah!", "tr"), ("Really, wow.", "en"), ("That\u2019s right", "en"),
    ],
)  # fmt: skip
def test_what_only_shows_that_one_listens_is_known_by_language(text: str, language: str) -> None:
    assert is_backchannel(text, language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Right?", "en"), ("Yeah but why", "en"), ("no", "en"), ("stop", "en"), ("wait", "en"),
        ("Genau.", "en"), ("yeah right now", "en"), ("", "en"), ("Uh-uh.", "de"), ("ham", "en"),
        ("mmhm" * 2_000 + "x", "en"), ("Really?", "en"), ("home", "en"), ("Mum", "en"),
        ("He", "en"), ("Hi hi", "en"), ("Ha, no", "en"), ("Oh no", "en"), ("Yes yes no", "en"),
        ("yeah right " * 20, "en"), ("yeah right " * 20 + "now", "en"),
        ("\u2026", "en"), ("Ja", "xx"),
    ],
)  # fmt: skip
def test_whatever_says_more_is_a_line(text: str, language: str) -> None:
    assert not is_backchannel(text, language)


def test_a_question_may_ask_for_more_than_a_pattern_names() -> None:
    words = frozenset({"hospital", "pain"})
    assert hear("Who runs the hospital?").asks_beyond(words, ())
    assert not hear("What is this hospital?").asks_beyond(words, ())
    assert not hear("Is it painful, Bram?").asks_beyond(words, {"bram"})
    assert not hear("My uncle ran the hospital.").asks_beyond(words, ())


def test_what_asks_back_is_no_answer_to_a_question() -> None:
    assert hear("Why do you ask?").asks_back
    assert hear("You seem lonely").asks_back
    assert hear("Would you go easy on me?").asks_back
    assert not hear("Wash my hands?").asks_back
    assert not hear("You wash your hands").asks_back


def test_a_short_question_is_asked_with_the_noun_for_he_or_it() -> None:
    told = {"he", "is", "ginger"}
    assert hear("What does he look like?").named("cat", told) == "what does cat look like "
    assert hear("What does she look like?").named("cat", told) == ""
    assert hear("Where is he?").named("cat", told) == ""
    assert hear("What did he say when he came home so late?").named("cat", told) == ""


def test_a_short_question_about_a_thing_that_was_spoken_of_asks_on() -> None:
    told = "there is a kettle behind my desk "
    assert hear("where's the kettle then").asks_on_about(told)
    assert not hear("where's the door then").asks_on_about(told)
    assert not hear("can you boil the kettle").asks_on_about(told)


def test_its_is_it_is_where_a_line_begins_so() -> None:
    assert hear("its complicated").normal == "it is complicated "
    assert hear("its name is Bo").normal == "its name is bo "
