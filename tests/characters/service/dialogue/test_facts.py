from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from characters.service.dialogue.facts import asked_for, introduced, learn, recite
from characters.service.dialogue.patterns import normalise


def learnt(text: str) -> dict[str, str]:
    return {fact.key: fact.value for fact in learn(text)}


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("My name is Ada.", {"name": "Ada"}),
        ("my name is ada and I am a painter", {"name": "Ada", "profession": "painter"}),
        ("My name's Ada Byron", {"name": "Ada Byron"}),
        ("Hi, I'm Bob", {"name": "Bob"}),
        ("Call me Ishmael.", {"name": "Ishmael"}),
        ("I am from Graz, by the way", {"home": "Graz"}),
        ("I live in a small house", {"home": "a small house"}),
        ("I work as a nurse", {"profession": "nurse"}),
        ("I'm 34 years old", {"age": "34"}),
        (
            "I like long walks and I hate mushrooms",
            {"likes": "long walks", "dislikes": "mushrooms"},
        ),
        ("My dog is called Rex.", {"dog": "Rex"}),
        ("my favourite colour is dark blue!", {"favourite colour": "dark blue"}),
        ("I have a cat", {"has": "a cat"}),
    ],
)
def test_what_a_player_says_of_himself_is_learnt(text: str, facts: dict[str, str]) -> None:
    assert learnt(text) == facts


@pytest.mark.parametrize(
    "text",
    [
        "I'm fine",
        "I am sorry",
        "I'm here to see Mr. Whitlock",
        "I am lost",
        "I like that",
        "I have a question",
        "My god is it late",
        "What is my name?",
        "Is my name Bob?",
        "He is a doctor",
        "hello",
        "",
    ],
)
def test_small_talk_teaches_nothing(text: str) -> None:
    assert learnt(text) == {}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("What's my name?", "name"),
        ("Who am I?", "name"),
        ("How old am I?", "age"),
        ("Where do I live?", "home"),
        ("What do I like?", "likes"),
        ("What is my favourite colour?", "favourite colour"),
        ("Do you remember me?", "*"),
        ("What do you still remember about me?", "*"),
        ("What is your name?", None),
        ("Tell me about the cat", None),
    ],
)
def test_questions_about_the_player_are_recognised(text: str, key: str | None) -> None:
    assert asked_for(normalise(text)) == key


def test_facts_are_recited_with_the_name_first() -> None:
    facts = {"likes": "tea", "dog": "Rex", "name": "Ada", "profession": "engineer"}
    assert recite(facts) == (
        "your name is Ada, you like tea, your dog is Rex and you are an engineer"
    )


@pytest.mark.parametrize(
    ("said", "meant"), [("Ada", "My name is Ada"), ("It's Ada.", "My name is Ada")]
)
def test_a_bare_name_is_an_introduction(said: str, meant: str) -> None:
    assert introduced(said) == meant


@pytest.mark.parametrize("said", ["ada", "Where are you?", "Yes please", "What?"])
def test_other_short_answers_are_taken_as_they_are(said: str) -> None:
    assert introduced(said) in (said, f"My name is {said}")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text("I am my name is.,!?' \u00e9\nABC19", max_size=80))
def test_no_text_breaks_the_learner_and_values_stay_short(text: str) -> None:
    assert all(0 < len(fact.value) <= 60 for fact in learn(text))
