from __future__ import annotations

from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from characters.overlay.layout import hud_layout, spread
from engine.ui.rect import Rect

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
