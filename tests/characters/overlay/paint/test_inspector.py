from __future__ import annotations

from characters.overlay.cast import Cast
from characters.overlay.deeds import Deeds
from characters.overlay.hud_state import HudState
from characters.overlay.layout import hud_layout
from characters.overlay.paint.inspector import paint_inspector
from engine.scene import Scene
from engine.ui.hotspots import Hotspots
from engine.ui.rect import Rect
from tests.characters.overlay.helpers import crowd, model
from tests.characters.overlay.paint.pictures import area, painter, sheet
from tests.characters.overlay.paint.test_fault_panel import click_all

LAYOUT = hud_layout((960, 600), inspector=True, faults=True)


class Choosing(Deeds):
    """Deeds that note whom to inspect."""

    def __init__(self) -> None:
        super().__init__(Cast(Scene()), HudState(), print, int)
        self.chosen: list[str] = []

    def inspect(self, key: str) -> None:
        self.chosen.append(key)


def frame() -> Rect:
    assert LAYOUT.inspector is not None
    return LAYOUT.inspector


def test_the_inspector_stays_in_its_frame_and_its_tabs_choose() -> None:
    surface, spots, deeds, shown = sheet(), Hotspots(), Choosing(), crowd()
    paint_inspector(painter(), surface, shown, frame(), shown.actors[1], spots, deeds)
    click_all(spots, frame())
    assert set(deeds.chosen) == {actor.key for actor in shown.actors}
    assert area(surface).right <= 960


def test_the_inspector_of_an_empty_level_says_so() -> None:
    surface = sheet()
    paint_inspector(painter(), surface, model(), frame(), None, Hotspots(), Choosing())
    assert area(surface).w > 300
