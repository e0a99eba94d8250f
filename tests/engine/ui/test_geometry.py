from __future__ import annotations

from engine.ui.geometry import Hotspots, Rect


def test_the_right_and_bottom_edges_are_outside() -> None:
    rect = Rect(10, 20, 30, 40)
    assert rect.contains((10, 20))
    assert not rect.contains((40, 20))
    assert not rect.contains((10, 60))


def test_touching_rectangles_do_not_overlap() -> None:
    assert not Rect(0, 0, 10, 10).overlaps(Rect(10, 0, 10, 10))
    assert Rect(0, 0, 10, 10).overlaps(Rect(9, 9, 10, 10))


def test_an_inset_takes_the_margin_off_each_side() -> None:
    assert Rect(0, 0, 100, 50).inset(10, 5) == Rect(10, 5, 80, 40)
    assert Rect(0, 0, 100, 50).inset(10) == Rect(10, 10, 80, 30)


def test_a_rectangle_is_moved_into_a_frame_and_no_farther() -> None:
    frame = Rect(0, 0, 100, 100)
    assert Rect(-20, 90, 30, 30).inside(frame) == Rect(0, 70, 30, 30)
    assert Rect(5, 5, 30, 30).inside(frame) == Rect(5, 5, 30, 30)


def test_one_that_is_too_big_shows_its_left_top() -> None:
    assert Rect(50, 50, 200, 300).inside(Rect(0, 0, 100, 100)) == Rect(0, 0, 200, 300)


def test_the_middle_and_a_move() -> None:
    assert Rect(10, 10, 20, 40).moved(5, -5).center == (25, 25)


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
