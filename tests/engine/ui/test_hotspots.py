from __future__ import annotations

from engine.ui.hotspots import Hotspots
from engine.ui.rect import Rect


def test_a_click_calls_the_topmost_action_alone() -> None:
    spots, called = Hotspots(), list[str]()
    spots.add(Rect(0, 0, 100, 100), lambda: called.append("below"))
    spots.add(Rect(10, 10, 20, 20), lambda: called.append("above"))
    assert spots.click((15, 15))
    assert called == ["above"]


def test_a_click_beside_everything_is_nobodys() -> None:
    spots = Hotspots()
    spots.add(Rect(0, 0, 10, 10), lambda: None)
    assert not spots.click((50, 50))


def test_a_new_picture_forgets_the_old_one() -> None:
    spots = Hotspots()
    spots.add(Rect(0, 0, 10, 10), lambda: None)
    spots.begin()
    assert not spots.click((5, 5))
