"""What a player tells that he or one of his own did, and which questions that answers."""

from __future__ import annotations

import pytest

from characters.agents.doings import answered, done
from characters.agents.facts import Fact, update
from characters.agents.learning import learn
from characters.agents.patterns import normalise
from characters.agents.recall import recite
from characters.agents.telling import spoken_of


def kept(*lines: str) -> dict[str, str]:
    facts: dict[str, str] = {}
    for line in lines:
        told = learn(line, facts)
        doings = done(line, facts, "", told)
        update(facts, [*told, *doings])
    return facts


@pytest.mark.parametrize(
    ("told", "questions", "answer"),
    [
        (
            "My brother Tom broke his arm",
            ["what did my brother break?", "What did Tom break", "what happened to my brother",
             "When did my brother break his arm?", "did my brother break his leg",
             "what has my brother broken"],
            "your brother broke his arm",
        ),
        (
            "my mother has a bakery in Prague",
            ["what does my mother have?", "where does my mother have her bakery"],
            "your mother has a bakery in Prague",
        ),
        (
            "My uncle Pedro had an operation on Monday",
            ["when did my uncle have his operation", "What did Pedro have?"],
            "your uncle had an operation on Monday",
        ),
        (
            "my son plays the violin in Graz",
            ["what does my son play", "where does he play it", "what my son plays"],
            "your son plays the violin in Graz",
        ),
        (
            "My sister is studying law",
            ["what does my sister study", "what is my sister studying"],
            "your sister is studying law",
        ),
        (
            "I lost my umbrella in the lift",
            ["what did I lose", "where did I lose it?"],
            "you lost your umbrella in the lift",
        ),
        ("I used to smoke, but I stopped", ["do I smoke?"], "you used to smoke"),
        ("my dad can play chess", ["what can my dad play?"], "your dad can play chess"),
    ],
)  # fmt: skip
def test_a_question_is_answered_by_what_was_told_with_its_verb(
    told: str, questions: list[str], answer: str
) -> None:
    facts = kept(told)
    for asked in questions:
        found = answered(normalise(asked), facts, spoken_of(told))
        assert found is not None, asked
        assert recite(found) == answer, asked


@pytest.mark.parametrize(
    ("told", "asked", "answer"),
    [
        ("my dog Bruno ate a whole cake", "who ate the cake?", "your dog ate a whole cake"),
        ("my cousin drove me here", "Who drove me here?", "your cousin drove you here"),
        ("my aunt had the same thing", "who had the same thing", "your aunt had the same thing"),
        ("my mum works in a bank", "who works in a bank", "your mum works in a bank"),
        ("my boss said you were hard", "who said you were hard", "your boss said I was hard"),
    ],
)
def test_who_did_it_is_known_by_what_was_done(told: str, asked: str, answer: str) -> None:
    found = answered(normalise(asked), kept(told))
    assert found is not None
    assert recite(found).endswith(answer)


@pytest.mark.parametrize(
    "asked", ["who broke it", "who ate the apple", "what did I eat", "why did you break it"]
)
def test_another_question_is_not_answered_by_it(asked: str) -> None:
    assert answered(normalise(asked), kept("my dog ate a cake", "my son broke a cup")) is None


def test_of_ones_own_it_is_said_that_nothing_was_told() -> None:
    assert answered(normalise("what did my brother study?"), kept("my brother ate a cake")) == {}
    assert answered(normalise("what happened to my sister?"), {}) == {}


@pytest.mark.parametrize(
    "line",
    [
        "I think you are nice", "I need a doctor", "I know him", "I am tired", "my sister",
        "did my brother break it?", "I washed them", "my arm hurts", "I said so",
    ],
)  # fmt: skip
def test_what_is_said_in_passing_is_no_doing(line: str) -> None:
    assert done(line, {}) == ()


@pytest.mark.parametrize(
    ("lines", "doings"),
    [
        (["my son broke his arm", "my son didn't break his arm, he broke his leg"],
         "broke his leg"),
        (["my son broke his arm", "My son broke his leg, not his arm"], "broke his leg"),
        (["my son broke his arm", "my son never broke his arm"], ""),
        (["my son broke his arm", "it wasn't my son who broke his arm"], ""),
        (["my son broke his arm", "I don't have a son"], ""),
        (["my son reads a lot", "my son no longer reads"], ""),
    ],
)  # fmt: skip
def test_what_was_not_done_is_forgotten(lines: list[str], doings: str) -> None:
    assert kept(*lines).get("son did", "") == doings


def test_who_died_is_not_had_any_more_but_remembered() -> None:
    assert kept("I have a dog", "my dog is called Rex", "my dog died") == {
        "dog": "Rex",
        "dog did": "died",
    }


def test_he_is_whom_the_lines_before_were_about() -> None:
    assert done("he ate a cake", {}, "brother") == (Fact("brother did", "ate a cake"),)
    assert done("he ate a cake", {}) == ()
    assert done("Tom ate a cake", {"brother": "Tom"}) == (Fact("brother did", "ate a cake"),)


def test_of_what_somebody_did_the_last_four_are_kept() -> None:
    facts = kept(*(f"my dog ate {n} cakes" for n in ("two", "three", "four", "five", "six")))
    assert facts["dog did"].split("; ")[0] == "ate three cakes"
    assert len(facts["dog did"].split("; ")) == 4


def test_what_was_corrected_by_hand_may_be_of_no_words() -> None:
    assert answered("what did my dog eat ", {"dog did": "?!", "did": "..."}) == {}


def test_the_oldest_of_four_that_is_told_again_is_kept() -> None:
    cakes = [f"my dog ate {n} cakes" for n in ("two", "three", "four", "five", "two")]
    assert "ate two cakes" in kept(*cakes)["dog did"]
