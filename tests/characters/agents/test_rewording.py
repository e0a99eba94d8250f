"""That something is no longer so, said in other words."""

from __future__ import annotations

import pytest

from characters.agents.rewording import reworded, with_noun


@pytest.mark.parametrize(
    ("sentence", "plain"),
    [
        ("I no longer work as a baker", "I am no longer a baker"),
        ("I quit my job as a baker", "I am no longer a baker"),
        ("I'm no longer married", "I am not married"),
        ("I don't teach any more", "I don't teach"),
        ("I've stopped teaching maths", "I do not teach maths"),
        ("I never taught maths", "I do not teach maths"),
        ("she no longer works in a bank", "she does not work in a bank"),
        ("I used to work in a bank", "I do not work in a bank, I worked in a bank"),
        ("I used to live in York", "I do not live in York, I used to live in York"),
        ("it wasn't my dog who barked", "my dog did not barked"),
        ("I'm actually from Leeds", "I'm from Leeds"),
        ("I now live in Leeds", "I live in Leeds"),
    ],
)
def test_what_is_no_longer_so_is_said_as_what_is_not_so(sentence: str, plain: str) -> None:
    assert reworded(sentence) == plain


@pytest.mark.parametrize(
    ("sentence", "plain"),
    [
        ("I live in Galway, no wait, Limerick", "I live in Limerick"),
        ("My sister lives in Leeds, no, York", "My sister lives in York"),
        ("I'm from Galway, sorry, from Limerick", "I'm from Limerick"),
        ("I am thirty, no, thirty-one", "I am thirty-one"),
        ("I'm 30, I mean 31", "I'm 31"),
        ("I live in Cork, no, really", "I live in Cork, no"),
        ("I live in Leeds, sorry, Nurse", "I live in Leeds, sorry, Nurse"),
        ("I live in Leeds, no, I was born there", "I live in Leeds, no, I was born there"),
    ],
)
def test_who_corrects_himself_has_said_the_second_alone(sentence: str, plain: str) -> None:
    assert reworded(sentence) == plain


@pytest.mark.parametrize("sentence", ["I never knew", "Now then", "I am now here", "I really do"])
def test_other_sentences_keep_their_meaning(sentence: str) -> None:
    assert "not" not in reworded(sentence)


def test_she_and_her_name_are_of_whom_it_was_told() -> None:
    assert with_noun("her name is not Jo, she is Ada", "sister") == (
        "my sister's name is not Jo, my sister is Ada"
    )
