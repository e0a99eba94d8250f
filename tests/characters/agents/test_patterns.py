from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from characters.agents.patterns import (
    Pattern,
    PatternError,
    PatternIndex,
    away_words,
    fill,
    normalise,
    sayable,
)


def fits(pattern: str, text: str) -> bool:
    return Pattern.compile(pattern).matches(normalise(text))


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("where does it hurt", "So, WHERE does it hurt?"),
        ("where * hurt", "Where exactly does it hurt you?"),
        ("where * hurt", "where hurt"),
        ("bruise*", "any bruises?"),
        ("(hello | good morning)", "Good morning, Bram!"),
        ("[really] hurt", "it hurt"),
        ("[really] hurt", "it really hurt"),
        ("= yes", "Yes!"),
        ("= (yes | yes please)", "yes, please."),
        ("what is your name", "What's your name?"),
        ("i am a doctor", "I\u2019m a doctor"),
        ("wifi", "is there Wi-Fi"),
        ("can (i | we) [please] help", "can we please help"),
        ("*", "anything at all"),
    ],
)
def test_a_pattern_fits(pattern: str, text: str) -> None:
    assert fits(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("hurt", "hurtful"),
        ("pain", "painter"),
        ("art", "heart"),
        ("= yes", "yes but no"),
        ("where * hurt", "hurt where"),
        ("where * hurt", "where one two three four five six seven hurt"),
        ("(a | b) c", "c"),
    ],
)
def test_a_pattern_does_not_fit(pattern: str, text: str) -> None:
    assert not fits(pattern, text)


def test_more_words_weigh_more_and_a_whole_sentence_most() -> None:
    weights = [Pattern.compile(p).weight for p in ("*", "cat", "the cat", "= the cat")]
    assert weights == sorted(weights)
    assert len(set(weights)) == 4


@pytest.mark.parametrize("source", ["", "  ", "(a", "a)", "[a", "(a]", "a | b"])
def test_a_broken_pattern_says_that_it_is(source: str) -> None:
    with pytest.raises(PatternError, match="the pattern"):
        Pattern.compile(source)


@given(st.text("ab*()[]|= \u00e9?+.\\$", max_size=20), st.text("ab \u00e9?", max_size=30))
def test_no_pattern_and_no_text_break_the_compiler(source: str, text: str) -> None:
    try:
        pattern = Pattern.compile(source)
    except PatternError:
        return
    assert pattern.matches(normalise(text)) in (True, False)


@pytest.mark.parametrize(
    "source",
    ["a * a * a * a * a * b", "<a> <b> <c> <d> <e> f", "[a] " * 12 + "b", "(a | a b) " * 12],
)
def test_a_pattern_that_can_be_tried_in_too_many_ways_is_refused(source: str) -> None:
    with pytest.raises(PatternError, match="leaves too much open"):
        Pattern.compile(source)


@pytest.mark.parametrize("source", ["a " * 2_000, "(" * 30 + "a" + ")" * 30, "[a " * 30 + "]" * 30])
def test_a_pattern_of_no_end_is_refused(source: str) -> None:
    with pytest.raises(PatternError, match="is too long"):
        Pattern.compile(source)


SOURCES = (
    "a", "a b", "a * b", "(a | b) c", "[a] b", "pa*", "(pa* | c) b", "*", "= c", "<x> b",
    "(a | *) c",
)  # fmt: skip
INDEX = PatternIndex((source, Pattern.compile(source)) for source in SOURCES)


@given(st.lists(st.sampled_from(["a", "b", "c", "pa", "pain", "p"]), max_size=6))
def test_the_index_leaves_out_no_pattern_that_matches(words: list[str]) -> None:
    text = normalise(" ".join(words))
    near = {source for source, _ in INDEX.near(frozenset(words))}
    assert near >= {source for source in SOURCES if fits(source, text)}


@pytest.mark.parametrize(("line", "near"), [("a d", {"a", "*"}), ("b", {"[a] b", "*", "<x> b"})])
def test_only_patterns_all_of_whose_words_are_there_are_tried(line: str, near: set[str]) -> None:
    assert {source for source, _ in INDEX.near(line.split())} - {"(a | *) c"} == near


def test_a_long_text_is_matched_in_no_time() -> None:
    assert not fits("a * b * c * d", "a b a b " * 250)


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
    assert sayable(lines, {"name": "Ada"}) == {1: "Hello, Ada."}
    assert sayable(lines, {}) == {0: "Hello."}


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
