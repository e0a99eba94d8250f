"""How a player asks for what he told, and how it is said back to him."""

from __future__ import annotations

import pytest

from characters.agents.facts import all_about
from characters.agents.patterns import normalise
from characters.agents.recall import (
    asked_for,
    asked_further,
    is_of_kin,
    known_as,
    of_ones_own,
    recite,
    taken_back,
)
from tests.characters.agents.test_learning import kept


@pytest.mark.parametrize(
    ("told", "asked", "answer"),
    [
        ("I am from Bristol", "Where do I live?", "you are from Bristol"),
        ("I live in Leeds", "where am I from", "you live in Leeds"),
        ("I hate rain", "what don't I like?", "you can't stand rain"),
        ("My dog is called Rex", "what's my dog's name", "your dog is Rex"),
        ("I have a dog", "do i have a dog?", "you have a dog"),
        ("I am from Izmir", "From which city I am?", "you are from Izmir"),
        ("I am from Izmir", "did i tell you where i come from", "you are from Izmir"),
        ("i like trains", "wat do i lik", "you like trains"),
        (
            "My papa works here as a cook",
            "Where does my papa work?",
            "your papa works here as a cook",
        ),
        ("I used to be a seamstress", "What did I do before?", "you used to be a seamstress"),
        ("I bake bread", "what do I bake?", "you bake bread"),
        ("My father was a fisherman", "And what was my father?", "your father was a fisherman"),
        ("My brother is a pilot", "is my brother a pilot?", "your brother is a pilot"),
        ("I am allergic to cats", "am I allergic to dogs?", "you are allergic to cats"),
        ("I'm a medical student", "what do I study", "you are a medical student"),
        ("I'm a PhD student in physics", "what am I studying?", "you study physics"),
        ("I'm studying to be a nurse", "What do I study?", "you study to be a nurse"),
        ("I study law in Leeds", "where do I study", "you study law in Leeds"),
        ("I teach maths at a school", "where do I work?", "you teach maths at a school"),
        ("I'm a maths teacher", "what do I teach", "you are a maths teacher"),
        ("I'm a violinist", "what instrument do I play", "you are a violinist"),
        ("I play the violin", "what did I say I do?", "you play the violin"),
        ("I drive an ambulance", "what's my job", "you drive an ambulance"),
        ("I'm a taxi driver", "what do I drive", "you are a taxi driver"),
        ("I'm a student", "am I a student?", "you are a student"),
        ("I live in Leeds", "do I live in York?", "you live in Leeds"),
    ],
)
def test_what_was_told_can_be_asked_for(told: str, asked: str, answer: str) -> None:
    facts = kept(told)
    key = known_as(asked_for(normalise(asked)) or "", facts)
    assert key is not None
    assert recite(facts, all_about(key, facts)) == answer


def test_all_that_is_known_of_one_is_said_back_together() -> None:
    facts = kept("I have one brother, his name is Kaan, he is engineer")
    assert recite(facts, all_about("brother", facts)) == (
        "your brother is Kaan and your brother is an engineer"
    )


def test_he_and_she_are_of_whom_was_asked_before() -> None:
    assert asked_for(normalise("How old is she?"), "mum") == "mum age"
    assert asked_for(normalise("How old is she?")) is None
    facts = {"budgie": "Nelson"}
    assert asked_further(normalise("And the budgie?"), facts) == "budgie"
    assert asked_further(normalise("And the clock?"), facts) is None


def test_a_name_in_a_question_stands_for_whom_it_is_of() -> None:
    facts = {"tortoise": "Gary", "tortoise age": "forty", "dog": "?!"}
    assert asked_for(of_ones_own("how old is gary ", facts)) == "tortoise age"
    assert of_ones_own("how are you ", facts) == "how are you "


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("what does my sister like", "sister likes"),
        ("what does my mum think", "mum thinks"),
        ("when is my birthday", "birthday"),
        ("where did I say I moved from", "home"),
        ("who do I live with", "lives"),
        ("when did I leave school", "ever"),
        ("do I eat meat", "ever"),
        ("and my surname?", "name"),
        ("how many cats have I got", "cats"),
    ],
)
def test_what_was_never_told_can_be_asked_for_too(line: str, key: str) -> None:
    assert asked_for(normalise(line)) == key


def test_only_the_players_own_people_are_surely_his() -> None:
    assert is_of_kin("sister lives", "where does my sister live ")
    assert not is_of_kin("wife", "where is my wife ")  # who is in this house is the character's
    assert not is_of_kin("result", "what is my result ")


KNOWN = {
    "name": "Ada", "age": "34", "lives": "in Leeds", "work": "in a bakery", "likes": "tea, cake",
    "has": "one brother, two cats and a parrot", "brother": "Tom", "brother age": "twelve",
    "cats": "Kit and Kat", "dog": "Rex", "dog is": "a pug", "fears": "spiders, mice",
}  # fmt: skip
BROTHER = {"brother": "Tom", "brother age": "twelve", "has": "one brother"}


@pytest.mark.parametrize(
    ("line", "last", "gone"),
    [
        ("Forget my age", "", {"age": "34"}),
        ("No, that's not true", "name", {"name": "Ada"}),
        ("Forget that.", "lives", {"lives": "in Leeds"}),
        ("That's wrong", "", {}),
        ("Forget it", "name", {}),
        ("Forget my hat", "name", {}),
        ("forget my dog's name", "", {"dog": "Rex"}),
        ("Forget the name of my dog", "", {"dog": "Rex"}),
        ("please forget where I live", "", {"lives": "in Leeds"}),
        ("can you forget how old I am?", "", {"age": "34"}),
        ("forget that I work in a bakery", "", {"work": "in a bakery"}),
        ("Forget I said I like cake", "", {"likes": "cake"}),
        ("forget what I told you about my cats", "", {"cats": "Kit and Kat", "has": "two cats"}),
        ("Forget my parrot", "", {"has": "a parrot"}),
        ("forget about my brother", "", BROTHER),
        ("forget that I have a brother", "", BROTHER),
        ("Forget everything", "", KNOWN),
        ("forget all I told you about me", "", KNOWN),
        ("forget me", "", KNOWN),
        ("delete my data", "", KNOWN),
    ],
)
def test_what_is_taken_back_is_what_is_named_or_was_told_last(
    line: str, last: str, gone: dict[str, str]
) -> None:
    facts = taken_back(line, last, KNOWN)
    assert {fact.key: fact.value for fact in facts} == gone
    assert all(fact.is_denied for fact in facts)


def test_who_does_something_else_tells_nothing_of_it() -> None:
    assert known_as("study", {"profession": "baker"}) is None
    assert known_as("bake", {"profession": "baker"}) == "profession"
