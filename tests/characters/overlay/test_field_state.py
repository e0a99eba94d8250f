from __future__ import annotations

from pathlib import Path

import pytest

from characters.overlay.field_state import (
    Draft,
    FieldState,
    edited,
    listing,
    origin_words,
    window,
)
from engine.input import Input
from engine.inspection import FieldRow
from engine.scene_editor import Edit


def row(text: str = "1.0", **changes: object) -> FieldRow:
    path = str(changes.pop("path", "Character.reconnect_policy.delay"))
    return FieldRow(path, text, float, **changes)  # type: ignore[arg-type]  # names checked by it


def pressed(*keys: str, typed: str = "") -> Input:
    source = Input()
    for key in keys:
        source.press(key)
    source.type_text(typed)
    return source


def test_the_first_letter_replaces_the_value_and_the_next_ones_follow() -> None:
    draft = Draft(row("1.0"))
    draft.feed(pressed(typed="2"))
    draft.feed(pressed(typed=".5"))
    assert (draft.text, draft.is_changed) == ("2.5", True)


def test_a_moved_cursor_keeps_the_value() -> None:
    draft = Draft(row("1.0"))
    draft.feed(pressed("end"))
    draft.feed(pressed(typed="5"))
    assert draft.text == "1.05"


def test_backspace_on_a_fresh_value_takes_it_all() -> None:
    draft = Draft(row("1.0"))
    draft.feed(pressed("backspace"))
    assert draft.text == ""


def test_a_choice_is_turned_around_and_not_typed() -> None:
    draft = Draft(row("b", choices=("a", "b", "c")))
    draft.feed(pressed("right", typed="x"))
    assert draft.text == "c"
    draft.feed(pressed("down"))
    assert draft.text == "a"
    draft.feed(pressed("left"))
    assert draft.text == "c"


def test_two_presses_in_a_slow_frame_are_two_steps() -> None:
    draft = Draft(row("a", choices=("a", "b", "c")))
    draft.feed(pressed("right", "right"))
    assert draft.text == "c"


def test_a_value_that_was_not_touched_is_not_changed() -> None:
    draft = Draft(row())
    draft.feed(pressed("left"))
    assert not draft.is_changed


def test_the_list_has_ends() -> None:
    state = FieldState()
    state.move(-1, 5)
    assert state.chosen == 0
    state.move(1000, 5)
    assert state.chosen == 4


def test_a_message_goes_with_the_next_step() -> None:
    state = FieldState()
    state.say("Not changed.", is_refusal=True)
    state.move(1, 5)
    assert state.message == ""


def test_fields_stand_under_the_names_of_their_tables() -> None:
    rows = [row(path="position"), row(path="Lamp.colour"), row(path="Lamp.policy.mood")]
    lines = [(line.text, line.index) for line in listing(rows)]
    assert lines == [
        ("Object", None),
        ("position", 0),
        ("Lamp", None),
        ("colour", 1),
        ("Lamp.policy", None),
        ("mood", 2),
    ]


@pytest.mark.parametrize(("chosen", "first"), [(0, 0), (10, 6), (19, 12)])
def test_the_chosen_line_is_in_the_window(chosen: int, first: int) -> None:
    lines = listing([row(path=f"f{n}") for n in range(20)])[1:]
    shown = window(lines, chosen, 8)
    assert [line.index for line in shown] == list(range(first, first + 8))


def test_who_says_a_value_is_said_and_what_saving_does() -> None:
    assert "Saving overrides it in this level alone" in origin_words(row(origin="profile shy.toml"))
    assert "Saving adds a line" in origin_words(row(origin="default"))
    assert "nothing to save to" in origin_words(row(origin="code"))
    assert "only be seen" in origin_words(row(origin="code", is_fixed=True))


def test_an_edit_says_where_it_was_saved_or_that_it_could_not_be() -> None:
    saved = Edit("Ann", "Actor.policy.delay", "2", Path("levels/hall.toml"), 13)
    assert edited(saved) == "delay is 2 now. Saved in hall.toml, line 13."
    assert edited(Edit("Ann", "tag", "")).endswith("there is nothing to save to.")
