from __future__ import annotations

from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from characters.ui.state import (
    CaptionSize,
    Draft,
    FieldState,
    HudLayer,
    HudState,
    Scroll,
    hud_layout,
    listing,
    spread,
    view_shift,
    window,
)
from engine.core.input import Input
from engine.scenes.file import FieldRow
from engine.ui.geometry import Rect


def test_captions_are_on_at_first_and_go_round() -> None:
    size = HudState().caption_size
    assert size is CaptionSize.NORMAL
    assert [size.next, size.next.next, size.next.next.next] == [
        CaptionSize.LARGE,
        CaptionSize.OFF,
        CaptionSize.NORMAL,
    ]
    assert CaptionSize.LARGE.pixels > CaptionSize.NORMAL.pixels > CaptionSize.OFF.pixels == 0


def test_a_layer_opens_and_the_same_key_closes_it() -> None:
    state = HudState()
    state.open(HudLayer.HELP)
    assert state.is_capturing
    state.open(HudLayer.HELP)
    assert not state.is_capturing


def test_a_notice_goes_away_by_itself() -> None:
    state = HudState()
    state.say("Nobody is near.")
    for _ in range(44):
        state.pass_time(0.1)
    assert state.notice == "Nobody is near."
    for _ in range(2):
        state.pass_time(0.1)
    assert state.notice is None


def test_a_frame_that_loads_a_level_takes_no_notice_away() -> None:
    state = HudState()
    state.say("This game is open already.")
    state.pass_time(10.0)
    assert state.notice is not None


def test_the_menu_goes_round_in_both_directions() -> None:
    state = HudState()
    state.move_menu(-1, 4)
    assert state.menu_index == 3
    state.move_menu(1, 4)
    assert state.menu_index == 0


def test_faults_are_aimed_by_number() -> None:
    state = HudState()
    state.choose_fault_target(2, ["a", "b"])
    assert state.fault_target == "b"
    state.choose_fault_target(7, ["a", "b"])
    assert state.fault_target == "b"
    state.choose_fault_target(0, ["a", "b"])
    assert state.fault_target is None


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
        ("", None),
        ("position", 0),
        ("Lamp", None),
        ("colour", 1),
        ("Lamp.policy", None),
        ("mood", 2),
    ]


@pytest.mark.parametrize(("chosen", "first"), [(0, 0), (10, 6), (19, 12)])
def test_the_chosen_line_is_in_the_window(chosen: int, first: int) -> None:
    assert window(20, chosen, 8) == range(first, first + 8)
    assert window(3, 1, 8) == range(3)


def test_a_list_is_scrolled_to_its_ends_and_no_further() -> None:
    scroll = Scroll()
    scroll.move(50)
    assert scroll.window(20, 8) == range(12, 20)
    scroll.move(-1)
    assert scroll.window(20, 8) == range(11, 19)
    assert scroll.window(5, 8) == range(5)


@pytest.mark.parametrize(
    ("figures", "shift"),
    [
        ((300, 400), 0),  # nobody is covered
        ((900,), 520 - 900),
        ((700, 850), 520 - 850),
        ((900, 100), 520 - 900),  # too far apart: the first is seen
        ((960,), -396),  # no further than the panel reaches
    ],
)
def test_the_picture_moves_until_no_panel_covers_who_matters(
    figures: tuple[float, ...], shift: float
) -> None:
    layout = hud_layout((960, 600), inspector=True, faults=False)
    assert view_shift(layout, 960, figures) == shift


def test_without_a_panel_the_picture_stays() -> None:
    assert view_shift(hud_layout((960, 600), inspector=False, faults=False), 960, (950,)) == 0
    between = hud_layout((960, 600), inspector=True, faults=True)
    assert view_shift(between, 960, (100,)) > 0 > view_shift(between, 960, (800,))


SCREEN = Rect(0, 0, 960, 600)


@pytest.mark.parametrize(("inspector", "faults"), list(product([True, False], repeat=2)))
def test_nothing_covers_anything_and_all_is_on_the_screen(inspector: bool, faults: bool) -> None:
    layout = hud_layout((960, 600), inspector=inspector, faults=faults)
    parts = [layout.banner, layout.microphone, layout.stage, layout.inspector, layout.faults]
    there = [part for part in parts if part is not None]
    assert not [pair for pair in combinations(there, 2) if pair[0].overlaps(pair[1])]
    assert all(part.inside(SCREEN) == part for part in there)


def test_a_narrow_picture_has_room_for_one_panel_and_the_captions() -> None:
    layout = hud_layout((640, 400), inspector=True, faults=True)
    assert layout.inspector is None
    assert layout.faults is not None
    assert layout.stage.w > 240


def test_the_chat_box_stands_between_the_open_panels() -> None:
    layout = hud_layout((960, 600), inspector=True, faults=True)
    assert layout.inspector is not None
    assert layout.faults is not None
    assert not layout.chat.overlaps(layout.inspector)
    assert not layout.chat.overlaps(layout.faults)
    assert layout.chat.w > 240


def test_badges_that_do_not_meet_stay_where_they_are() -> None:
    wanted = [Rect(100, 100, 50, 20), Rect(300, 100, 50, 20)]
    assert list(spread(wanted, SCREEN)) == wanted


def test_of_two_badges_that_meet_the_higher_one_gives_way() -> None:
    low, high = Rect(100, 110, 50, 20), Rect(110, 100, 50, 20)
    assert spread([low, high], SCREEN) == (low, Rect(110, 86, 50, 20))


def test_a_badge_at_the_edge_is_moved_onto_the_screen() -> None:
    (moved,) = spread([Rect(-30, -10, 50, 20)], SCREEN)
    assert (moved.x, moved.y) == (0, 0)


def test_a_badge_is_lifted_over_what_is_said() -> None:
    captions = [Rect(0, 480, 960, 60), Rect(0, 414, 960, 60)]
    wanted = [Rect(100, 500, 50, 20), Rect(300, 300, 50, 20)]
    assert spread(wanted, SCREEN, over=captions) == (Rect(100, 390, 50, 20), wanted[1])


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(300, 580)), max_size=5))
def test_no_badge_covers_another_or_what_is_said(places: list[tuple[int, int]]) -> None:
    said = (Rect(120, 500, 720, 60), Rect(200, 434, 560, 60))
    rects = spread([Rect(x, y, 120, 38) for x, y in places], SCREEN, over=said)
    assert not [pair for pair in combinations((*rects, *said), 2) if pair[0].overlaps(pair[1])]
