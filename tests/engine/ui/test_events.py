"""pygame's events, fed to a scene by a game's own loop."""

from __future__ import annotations

from typing import Any

import pygame
import pytest

from engine.core.input import Input
from engine.ui.canvas import Rect
from engine.ui.events import Hotspots, TextField, feed_event


def event(kind: int, **values: Any) -> pygame.event.Event:
    return pygame.event.Event(kind, **values)


@pytest.fixture
def feed() -> Input:
    return Input()


def test_a_key_is_named_as_pygame_names_it(feed: Input) -> None:
    feed_event(event(pygame.KEYDOWN, key=pygame.K_RETURN), feed)
    assert feed.get_key_down("return")


def test_a_key_that_went_up_is_held_no_more(feed: Input) -> None:
    feed_event(event(pygame.KEYDOWN, key=pygame.K_w), feed)
    feed_event(event(pygame.KEYUP, key=pygame.K_w), feed)
    assert not feed.get_key("w")


def test_text_is_what_the_keyboard_layout_spells(feed: Input) -> None:
    feed_event(event(pygame.TEXTINPUT, text="é"), feed)
    assert feed.typed == "é"


def test_the_pointer_is_where_the_scene_is_drawn(feed: Input) -> None:
    press = event(pygame.MOUSEBUTTONDOWN, pos=(200, 100), button=1)
    feed_event(press, feed, lambda point: (point[0] / 2, point[1] / 2))
    assert feed.mouse_position == (100, 50)
    assert feed.get_mouse_button_down(1)


def test_losing_the_focus_lets_go_of_every_key(feed: Input) -> None:
    feed_event(event(pygame.KEYDOWN, key=pygame.K_w), feed)
    feed_event(event(pygame.WINDOWFOCUSLOST), feed)
    assert not feed.get_key("w")


def test_the_input_knows_whether_the_window_has_the_focus(feed: Input) -> None:
    assert feed.has_focus
    feed_event(event(pygame.WINDOWFOCUSLOST), feed)
    assert not feed.has_focus
    feed_event(event(pygame.WINDOWFOCUSGAINED), feed)
    assert feed.has_focus


def test_a_hat_is_four_keys(feed: Input) -> None:
    feed_event(event(pygame.JOYHATMOTION, value=(-1, 0)), feed)
    assert feed.get_key("pad left") and not feed.get_key("pad right")


def test_an_event_that_is_no_input_does_nothing(feed: Input) -> None:
    feed_event(event(pygame.USEREVENT), feed)
    assert not feed.has_changed


def test_what_is_being_composed_is_not_typed_and_its_keys_are_not_the_games(feed: Input) -> None:
    feed_event(event(pygame.TEXTEDITING, text="ni", start=0, length=2), feed)
    feed_event(event(pygame.KEYDOWN, key=pygame.K_RETURN), feed)
    assert (feed.composed, feed.typed) == ("ni", "")
    assert not feed.get_key_down("return")


def test_a_composition_ends_as_text(feed: Input) -> None:
    feed_event(event(pygame.TEXTEDITING, text="ni", start=0, length=2), feed)
    feed_event(event(pygame.TEXTINPUT, text="你"), feed)
    feed_event(event(pygame.KEYDOWN, key=pygame.K_RETURN), feed)
    assert (feed.composed, feed.typed) == ("", "你")
    assert feed.get_key_down("return")


@pytest.mark.parametrize("end", ["given up", "escape", "focus"])
def test_no_composition_keeps_the_keyboard_for_good(feed: Input, end: str) -> None:
    feed_event(event(pygame.TEXTEDITING, text="ni", start=0, length=2), feed)
    ends = {
        "given up": event(pygame.TEXTEDITING, text="", start=0, length=0),
        "escape": event(pygame.KEYDOWN, key=pygame.K_ESCAPE),
        "focus": event(pygame.WINDOWFOCUSLOST),
    }
    feed_event(ends[end], feed)
    feed_event(event(pygame.KEYDOWN, key=pygame.K_w), feed)
    assert feed.composed == "" and feed.get_key("w") and not feed.get_key("escape")


def test_a_click_calls_the_topmost_action_alone() -> None:
    spots, called = Hotspots(), list[str]()
    spots.add(Rect(0, 0, 100, 100), lambda: called.append("below"))
    spots.add(Rect(10, 10, 20, 20), lambda: called.append("above"))
    assert spots.click((15, 15))
    assert called == ["above"]


def test_a_click_beside_everything_calls_nothing() -> None:
    spots = Hotspots()
    spots.add(Rect(0, 0, 10, 10), lambda: None)
    assert not spots.click((50, 50))


def test_a_new_picture_forgets_the_old_one() -> None:
    spots = Hotspots()
    spots.add(Rect(0, 0, 10, 10), lambda: None)
    spots.begin()
    assert not spots.click((5, 5))


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
