"""pygame's events, fed to a scene by a game's own loop."""

from __future__ import annotations

from typing import Any

import pygame
import pytest

from engine.core.input import Input
from engine.ui.events import feed_event, follow_text_box


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


def test_alt_enter_is_a_key_of_its_own(feed: Input) -> None:
    feed_event(event(pygame.KEYDOWN, key=pygame.K_RETURN, mod=pygame.KMOD_LALT), feed)
    assert feed.get_button_down("fullscreen") and not feed.get_key("return")
    feed_event(event(pygame.KEYUP, key=pygame.K_RETURN, mod=0), feed)
    assert not feed.get_key("alt return")


class Keyboard:
    """pygame's input method, noting what it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: list[object] = []
        monkeypatch.setattr(pygame.display, "get_init", lambda: True)
        monkeypatch.setattr(pygame.key, "start_text_input", lambda: self.told.append("on"))
        monkeypatch.setattr(pygame.key, "stop_text_input", lambda: self.told.append("off"))
        monkeypatch.setattr(
            pygame.key, "set_text_input_rect", lambda rect: self.told.append(tuple(rect))
        )

    def take(self) -> list[object]:
        told, self.told = self.told, []
        return told


class TextBox:
    text_box: tuple[float, float, float, float] | None = (10, 20, 30, 40)


def test_the_input_method_works_while_a_text_box_is_open(
    feed: Input, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyboard, box = Keyboard(monkeypatch), TextBox()
    follow_text_box(feed)
    assert keyboard.take() == ["off"]
    follow_text_box(feed)
    assert keyboard.take() == []
    feed.captured = box
    follow_text_box(feed, lambda rect: rect.moved(100, 0))
    assert keyboard.take() == [(110, 20, 30, 40), "on"]
    box.text_box = (15, 20, 30, 40)
    follow_text_box(feed)
    assert keyboard.take() == [(15, 20, 30, 40)]
    box.text_box = None
    follow_text_box(feed)
    assert keyboard.take() == ["off"]


def test_a_box_that_a_key_has_opened_is_followed_before_the_next_events(
    feed: Input, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the first letter that is typed into it would be no text."""
    keyboard = Keyboard(monkeypatch)
    feed_event(event(pygame.KEYDOWN, key=pygame.K_RETURN), feed)
    assert keyboard.take() == ["off"]
    feed.captured = TextBox()
    feed.end_frame()
    assert keyboard.take() == [(10, 20, 30, 40), "on"]


def test_what_takes_the_keys_without_saying_where_is_typed_into(
    feed: Input, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyboard = Keyboard(monkeypatch)
    feed.captured = "a console of the game's own"
    feed_event(event(pygame.USEREVENT), feed)
    assert keyboard.take() == [(0, 0, 0, 0), "on"]
    feed.captured = None
    feed_event(event(pygame.USEREVENT), feed)
    assert keyboard.take() == ["off"]
