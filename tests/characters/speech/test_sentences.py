from __future__ import annotations

import pytest

from characters.speech.sentences import sentences, whole_sentences


def test_a_text_is_cut_after_its_sentences_and_short_ones_stay_together() -> None:
    assert sentences(" Ah. You are new here, my dear friend!  Come in. Sit down. ") == (
        "Ah. You are new here, my dear friend!",
        "Come in. Sit down.",
    )
    assert sentences(" ") == ()


@pytest.mark.parametrize(
    "whole",
    [
        "You have to go and ask for that upstairs, at Dr. Varga's.",
        "It was written a very long time ago by J. R. R. Tolkien, I think.",
        "The doors of the whole house are closed from 5 p.m. on.",
        "It costs three gold pieces and a half, that is 3.50 of them.",
    ],
)
def test_a_dot_that_ends_no_sentence_cuts_none(whole: str) -> None:
    assert sentences(whole) == (whole,)
    assert whole_sentences(whole) == (whole, "")


def test_a_quote_ends_with_its_sentence() -> None:
    said = ("“Go home, my very dear old friend.”", "That is what she has said to me.")
    assert sentences(" ".join(said)) == said
    one = "请坐在那边的椅子上等一会儿吧然后我再叫你过去坐到这里来说话吧。"
    assert sentences(one * 3) == (one,) * 3


@pytest.mark.parametrize(
    "text",
    [
        "some words and more " * 300,
        "a" * 5_000,
        "well, this, and that, " * 200,
        "Hm. " + "ok " * 999,
    ],
)
def test_what_is_very_long_is_cut_and_loses_nothing(text: str) -> None:
    found = sentences(text)
    assert max(map(len, found)) <= 300 and len(found) < 2 + len(text) // 100
    assert "".join(found).replace(" ", "") == text.replace(" ", "")
    assert all(part.endswith(",") for part in found[:-1]) or "," not in text


@pytest.mark.parametrize(
    ("so_far", "ready"),
    [
        ("Well. I talked to Dr.", "Well."),
        ("Well. It costs 3.", "Well."),
        ("Well. It costs 3. And", "Well. It costs 3."),
        ('He said: "Go." And', 'He said: "Go."'),
        ("Ah! So", "Ah!"),
        ("是的。我", "是的。"),
        ("So", ""),
    ],
)
def test_of_what_still_comes_whole_sentences_are_spoken(so_far: str, ready: str) -> None:
    assert whole_sentences(so_far) == (ready, so_far[len(ready) :])
