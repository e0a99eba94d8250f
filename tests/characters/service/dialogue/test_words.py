from __future__ import annotations

import pytest

from characters.service.dialogue.words import away_words, best_lines, fill


def test_blanks_are_filled_and_counted() -> None:
    assert fill("Hello, {name}.", {"name": "Ada"}) == ("Hello, Ada.", 1)


def test_a_blank_with_a_way_out_is_never_missing() -> None:
    assert fill("Hello, {name|stranger}.", {}) == ("Hello, stranger.", 0)


def test_a_line_with_an_empty_blank_can_not_be_said() -> None:
    assert fill("Hello, {name}.", {}) is None


def test_a_sentence_begins_with_a_capital() -> None:
    assert fill("Yes. {recall}.", {"recall": "you like tea"}) == ("Yes. You like tea.", 1)
    assert fill("I know {recall}.", {"recall": "you like tea"}) == ("I know you like tea.", 1)


def test_the_lines_that_know_most_go_first() -> None:
    lines = ["Hello.", "Hello, {name}.", "Hello, {name} from {home}."]
    assert best_lines(lines, {"name": "Ada"}) == ["Hello, Ada."]
    assert best_lines(lines, {}) == ["Hello."]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "a moment ago"),
        (44, "a moment ago"),
        (60, "a minute ago"),
        (120, "2 minutes ago"),
        (720, "12 minutes ago"),
        (3600, "an hour ago"),
        (3 * 3600, "3 hours ago"),
        (86400, "a day ago"),
        (3 * 86400, "3 days ago"),
        (14 * 86400, "2 weeks ago"),
    ],
)
def test_time_is_told_in_words(seconds: float, words: str) -> None:
    assert away_words(seconds) == words
