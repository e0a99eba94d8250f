from __future__ import annotations

import pytest

from engine.toml_syntax import syntax_mistakes


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("\ufeffa = 1", (1, 1), "byte order mark"),
        ("a = [1\nb = 2", (1, 7), "a comma or the ] of the list is missing"),
        ("a = [1 2]", (1, 8), "a comma or the ]"),
        ("a = {b = 1\nc = 2", (1, 11), "a comma or the } of the table is missing"),
        ('a = """x\n\n', (1, 9), "the text does not end"),
        ("a = '''x", (1, 9), "the text does not end"),
        ("é = 1", (1, 1), "is no key"),
        ("a = 01", (1, 6), "more follows"),
        ("a.b = 1\n[a]", (2, 1), "the table is declared twice"),
        ("a = 1\n  a = 2", (2, 3), "the key is given twice"),
        ('a = "\\q"', (1, 8), "a backslash means something"),
    ],
)
def test_a_mistake_is_named_at_its_place(text: str, place: tuple[int, int], words: str) -> None:
    first = next(syntax_mistakes(text))
    assert (first.line, first.column) == place
    assert words in first.message


def test_a_valid_text_has_no_mistake() -> None:
    assert list(syntax_mistakes("a = 1")) == []


def test_mistakes_that_follow_from_an_earlier_one_are_left_out() -> None:
    assert len(list(syntax_mistakes("[a\nx = 1\n[b]\nx = 1\n[b]\n"))) == 1


def test_there_is_an_end_to_the_mistakes_of_one_file() -> None:
    assert len(list(syntax_mistakes("a\n" * 1000))) == 20
