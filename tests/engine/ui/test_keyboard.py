"""Keys on layouts with and without Latin letters."""

from __future__ import annotations

from collections.abc import Callable

import pygame
import pytest

from engine.core.input import Input
from engine.ui import events
from engine.ui.events import feed_event, key_labels, key_name, layout_labels

US = dict(zip([*range(4, 39)], "abcdefghijklmnopqrstuvwxyz123456789", strict=True))
RUSSIAN = {**US, **dict(zip(range(4, 30), "фисвуапршолдьтщзйкыегмцчня", strict=True)), 55: "ю"}
GREEK = {**US, **dict(zip(range(4, 30), "αβψδεφγηιξκλμνοπ;ρστθωςχυζ", strict=True))}
HEBREW = {**US, **dict(zip(range(4, 30), "שנבגקכעיןחלךצמםפ/רדאוה'סטז", strict=True))}
FRENCH = {**US, 4: "q", 20: "a", 26: "z", 29: "w", 16: ",", 51: "m"}
W = 26


def at(layout: dict[int, str]) -> Callable[[int], int]:
    return lambda place: ord(layout.get(place, "\0"))


def pressed(layout: dict[int, str], place: int) -> str:
    event = pygame.event.Event(pygame.KEYDOWN, key=ord(layout[place]), scancode=place)
    return key_name(event, key_labels(at(layout)))


@pytest.mark.parametrize("layout", [RUSSIAN, GREEK, HEBREW], ids=["ru", "gr", "il"])
def test_without_latin_letters_a_key_has_the_name_of_its_place(layout: dict[int, str]) -> None:
    assert [pressed(layout, place) for place in range(4, 30)] == list("abcdefghijklmnopqrstuvwxyz")
    assert pressed(layout, 30) == "1"


def test_where_there_are_latin_letters_a_key_has_the_name_of_its_letter() -> None:
    assert pressed(US, W) == "w"
    assert pressed(FRENCH, W) == "z"
    assert pressed(FRENCH, 16) == ","


def test_labels_are_what_is_on_the_keys() -> None:
    labels = key_labels(at(RUSSIAN))
    assert (labels["w"], labels["a"], labels["."], labels["1"]) == ("Ц", "Ф", "Ю", "1")
    labels = key_labels(at(GREEK))
    assert (labels["w"], labels["s"]) == ("ς", "Σ")
    assert key_labels(at(FRENCH)) == key_labels(lambda place: 0) == {}


def test_keys_without_a_letter_keep_their_names_on_every_layout() -> None:
    for key, name in ((pygame.K_RETURN, "return"), (pygame.K_F5, "f5"), (pygame.K_UP, "up")):
        event = pygame.event.Event(pygame.KEYDOWN, key=key, scancode=80)
        assert key_name(event, {"w": "Ц"}) == name


def test_a_letter_that_pygame_has_no_name_for_is_named_by_its_place_all_the_same() -> None:
    event = pygame.event.Event(pygame.KEYDOWN, key=ord("ц"), scancode=W)
    assert key_name(event, {}) == "w"


def test_without_a_window_the_layout_is_not_known() -> None:
    pygame.display.quit()
    assert layout_labels() == {}


def test_a_change_of_the_layout_lets_go_of_what_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Input()
    feed.press("w")
    change = pygame.event.Event(pygame.KEYMAPCHANGED)
    feed_event(change, feed)
    assert feed.get_key("w")  # the same layout as before
    monkeypatch.setattr(events, "layout_labels", lambda: {"w": "Ц"})
    feed_event(change, feed)
    assert not feed.get_key("w")
    assert (feed.label("w"), feed.label("f5")) == ("Ц", "F5")
    feed_event(pygame.event.Event(pygame.KEYDOWN, key=ord("ц"), scancode=W), feed)
    assert feed.get_button("up")
    feed_event(pygame.event.Event(pygame.KEYUP, key=ord("ц"), scancode=W), feed)
    assert not feed.get_button("up")
