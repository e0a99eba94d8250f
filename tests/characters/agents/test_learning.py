"""What a player tells of himself: two facts at once, corrections, and names that are one."""

from __future__ import annotations

import pytest

from characters.agents.facts import update
from characters.agents.learning import learn


def kept(*lines: str) -> dict[str, str]:
    facts: dict[str, str] = {}
    for line in lines:
        update(facts, learn(line, facts))
    return facts


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        (
            "I am a carpenter from Bristol and my dog is called Rex",
            {"profession": "carpenter", "home": "Bristol", "dog": "Rex"},
        ),
        ("I have a sister called Lucy", {"sister": "Lucy"}),
        (
            "I have two cats, Tom and Jerry, and a sister named Lucy",
            {"has": "two cats", "cats": "Tom and Jerry", "sister": "Lucy"},
        ),
        ("I am Dr. Eleanor Marsh, the new physician.", {"name": "Dr. Eleanor Marsh"}),
        ("I'm Rose, and you?", {"name": "Rose"}),
        ("My father was a fisherman.", {"father": "was a fisherman"}),
        ("my name is Ada not Eva", {"name": "Ada"}),
    ],
)
def test_a_sentence_may_hold_several_facts(text: str, facts: dict[str, str]) -> None:
    assert kept(text) == facts


@pytest.mark.parametrize(
    "text",
    [
        "I am tired", "I AM HUNGRY", "I'm Tired", "my wife died", "my head hurts", "call me later",
        "my name is none of your business", "what did i say my name was", "What if I am a robot?",
    ],
)  # fmt: skip
def test_what_is_no_fact_teaches_nothing(text: str) -> None:
    assert kept(text) == {}


def test_what_is_taken_back_is_forgotten() -> None:
    assert kept("My name is Ada", "My name is not Ada, it is Bob") == {"name": "Bob"}
    assert kept("My name is Batman", "jk its Kyle") == {"name": "Kyle"}
    assert kept("I am a nurse", "I am not a nurse") == {}
    assert kept("I like tea", "I like cats", "I don't like tea") == {
        "likes": "cats",
        "dislikes": "tea",
    }


@pytest.mark.parametrize(
    ("lines", "facts"),
    [
        (["my name's Mark. no wait, Marc with a c"], {"name": "Marc"}),
        (["my name is dave", "no wait its davey"], {"name": "Davey"}),
        (["the name's Nadia. Nadine, I mean."], {"name": "Nadine"}),
        (["i'm a fireman", "sorry, not a fireman, a firefighter"], {"profession": "firefighter"}),
        (["i live in Hull. No, sorry, in Hessle, just outside Hull"], {"lives": "in Hessle"}),
        (["I am from Leeds, or rather from York"], {"home": "York"}),
        (["I have two brothers, i mean three brothers"], {"has": "three brothers"}),
        (["I have three kids, sorry, four since May"], {"has": "four kids"}),
        (["I am 30, no wait, 31"], {"age": "31"}),
        (["my dog is called Rex, no sorry, Max"], {"dog": "Max"}),
        (["I like cats", "not cats but dogs"], {"likes": "dogs"}),
        (["my name is Tobby", "i ment Toby not Tobby"], {"name": "Toby"}),
        (["I'm Ines", "I didn't say Ines, I said Inês"], {"name": "Inês"}),
        (
            ["I am Harriet Cole", "It isn't Cole any more, I'm Harriet Marsh since June"],
            {"name": "Harriet Marsh"},
        ),
        (["I am a doctor", "I am no longer a doctor"], {"was": "doctor"}),
        (
            ["my brother Stanley was a porter", "My brother was not a porter, he was a signalman"],
            {"brother": "Stanley", "brother is": "was a signalman"},
        ),
        (["I like trains and cake", "I don't like cake"], {"likes": "trains", "dislikes": "cake"}),
        (
            ["pancake is my cat", "no wait pancake is my dog. my cat is Biscuit"],
            {"cat": "Biscuit", "dog": "Pancake"},
        ),
        (["I live in Bath", "I mean it", "no wait"], {"lives": "in Bath"}),
        (["My name is Ben and I mean it"], {"name": "Ben"}),
    ],
)
def test_who_corrects_himself_is_taken_at_his_last_word(
    lines: list[str], facts: dict[str, str]
) -> None:
    assert kept(*lines) == facts


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("my nmae is sam", {"name": "Sam"}),
        ("my mum is downstairs she broke her arm", {}),
        ("my brother is called Tom he is nine", {"brother": "Tom", "brother age": "nine"}),
        ("My son he is called Matteo", {"son": "Matteo"}),
        ("My name is Ingrid Solheim, from Bergen", {"name": "Ingrid Solheim", "home": "Bergen"}),
        (
            "my sister's a gossip, her name is Meera",
            {"sister": "Meera", "sister is": "a gossip"},
        ),
        ("I live alone now, in Kew", {"lives": "in Kew"}),
        ("I work at Finch and Partners", {"work": "at Finch and Partners"}),
        ("im Zoe im six no im seven", {"name": "Zoe", "age": "seven"}),
        ("I teach logic", {"teach": "logic"}),
        ("mi nam is tobby", {"name": "Tobby"}),
        ("my sistr is calld jane n my bro is sam", {"sister": "jane", "brother": "sam"}),
        ("Good day, I am coming from Portugal", {"home": "Portugal"}),
        ("I am calling Joaquim", {"name": "Joaquim"}),
        ("I'm seventy-eight next March", {"age": "seventy-eight"}),
        ("My papa works here as a cook", {"papa works": "here as a cook"}),
        ("I used to be a seamstress before", {"was": "seamstress"}),
        (
            "My daughter Susan lives in Canada with her boys",
            {"daughter": "Susan", "daughter lives": "in Canada"},
        ),
        (
            "my mum's in here, her name's Dorothy, she's eighty-one",
            {"mum": "Dorothy", "mum age": "eighty-one"},
        ),
        ("the budgie, who is called Nelson", {"budgie": "Nelson"}),
        (
            "My sister works at the mill, she lives in York and she likes trains",
            {"sister works": "at the mill", "sister lives": "in York", "sister likes": "trains"},
        ),
        ("I have a son, he's a pilot in Madrid", {"has": "a son", "son is": "a pilot"}),
        ("I'm with my two brothers, Odin and Loki", {"brothers": "Odin and Loki"}),
        ("I'm the cleaner", {"profession": "cleaner"}),
        ("We live on Mill Lane", {"lives": "on Mill Lane"}),
        ("I live with my mum", {"lives": "with your mum"}),
        ("I'm Wanda, just came from Gdansk", {"name": "Wanda", "home": "Gdansk"}),
        ("i just moved here from Cardiff last month", {"home": "Cardiff"}),
    ],
)
def test_hasty_and_foreign_sentences_tell_facts_too(text: str, facts: dict[str, str]) -> None:
    assert kept(text) == facts


@pytest.mark.parametrize(
    ("lines", "facts"),
    [
        (["I have a brother and two dogs", "I don't have a brother"], {"has": "two dogs"}),
        (["I have one sister", "My sister is called Ada", "I've no sister at all"], {}),
        (["my dog is called Rex", "my dog is a pug", "I don't have a dog anymore"], {}),
        (["I have two cats", "we haven't got any cats"], {}),
        (["I'm afraid of spiders and mice", "I'm not afraid of mice"], {"fears": "spiders"}),
        (["I am allergic to nuts", "I am not allergic to nuts"], {}),
        (["I play the piano", "I don't play the piano"], {}),
        (["I drive a bus", "I never drive a bus"], {}),
        (["I'm married", "im not married"], {}),
        (["I work in a bakery", "I don't work in a bakery"], {}),
        (["I'm a vet", "no, not a vet myself, I work for one"], {}),
        (["I live in Leeds", "forget that I live in York"], {"lives": "in Leeds"}),
        (["my sister is called Jo", "my sister is tall"], {"sister": "Jo", "sister is": "tall"}),
    ],
)
def test_what_is_denied_is_forgotten_with_all_that_hangs_on_it(
    lines: list[str], facts: dict[str, str]
) -> None:
    assert kept(*lines) == facts


def test_who_is_told_of_by_name_is_one_of_the_players_own() -> None:
    facts = kept("My sister is called Lucy", "Lucy lives in York")
    assert facts == {"sister": "Lucy", "sister lives": "in York"}
    assert kept("Rex is my dog", "Rex is my dog") == {"dog": "Rex"}
