from __future__ import annotations

import pytest

from engine.core.input import Input
from engine.ui.text_field import TextField, clusters


def typed(text: str) -> TextField:
    field = TextField()
    field.insert(text)
    return field


def press(field: TextField, *keys: str) -> TextField:
    for key in keys:
        assert field.press(key)
    return field


def test_text_goes_in_where_the_cursor_stands() -> None:
    field = press(typed("helo"), "left")
    field.insert("l")
    assert (field.text, field.cursor) == ("hello", 4)


def test_backspace_and_delete_take_the_letters_beside_the_cursor() -> None:
    field = press(typed("abcd"), "left", "left", "backspace", "delete")
    assert (field.text, field.cursor) == ("ad", 1)


def test_the_cursor_stays_within_the_text() -> None:
    assert press(typed("ab"), "left", "left", "left").cursor == 0
    assert press(typed("ab"), "right").cursor == 2
    assert press(typed("ab"), "home", "end").cursor == 2


def test_backspace_in_an_empty_field_does_nothing() -> None:
    assert press(TextField(), "backspace", "delete").text == ""


def test_control_characters_and_what_is_too_much_stay_out() -> None:
    field = TextField(limit=5)
    field.insert("a\r\n\tbc\x00defgh")
    assert field.text == "abcde"


def test_another_key_is_not_an_editing_key() -> None:
    assert not typed("a").press("f5")


def test_clearing_hands_the_text_out() -> None:
    field = typed("hello")
    assert field.clear() == "hello"
    assert (field.text, field.cursor) == ("", 0)


def test_a_frame_of_input_is_taken_with_its_repeats() -> None:
    source, field = Input(), typed("ab")
    source.press("backspace")
    source.type_text("xy")
    field.feed(source)
    source.end_frame()
    source.press("backspace")
    field.feed(source)
    assert field.text == "ab"


@pytest.mark.parametrize(
    ("key", "letters", "text"),
    [("", "a", "a"), ("backspace", "", ""), ("end", "a", "Quay 1a"), ("left", "a", "Quay a1")],
)
def test_what_is_suggested_is_replaced_by_the_first_letter_and_kept_by_the_cursor(
    key: str, letters: str, text: str
) -> None:
    source, field = Input(), TextField()
    field.suggest("Quay 1")
    if key:
        source.press(key)
        field.feed(source)
        source.end_frame()
    source.type_text(letters)
    field.feed(source)
    assert (field.text, field.is_fresh) == (text, False)


def test_a_letter_with_its_marks_and_a_joined_emoji_are_one_letter_each() -> None:
    field = press(typed("e\u0301👩\u200d⚕\ufe0fx"), "left", "backspace")
    assert (field.text, field.cursor) == ("e\u0301x", 2)
    assert press(field, "home", "delete").text == "x"


def test_a_key_that_came_twice_in_a_slow_frame_works_twice() -> None:
    field, keys = typed("abcd"), Input()
    for _ in range(2):
        keys.press("backspace")
    field.feed(keys)
    assert field.text == "ab"


def test_what_is_composed_is_shown_but_no_text_yet() -> None:
    field, source = typed("hi "), Input()
    source.compose_text("ni")
    field.feed(source)
    assert (field.text, field.composed) == ("hi ", "ni")
    source.compose_text("")
    source.type_text("你")
    field.feed(source)
    assert (field.text, field.composed) == ("hi 你", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("abc", ["a", "b", "c"]),
        ("e\u0301a", ["e\u0301", "a"]),
        ("👩\u200d⚕\ufe0f!", ["👩\u200d⚕\ufe0f", "!"]),
        ("👍🏽👍", ["👍🏽", "👍"]),
        ("\u0301a", ["\u0301", "a"]),
    ],
)
def test_a_letter_keeps_what_belongs_to_it(text: str, expected: list[str]) -> None:
    assert list(clusters(text)) == expected
