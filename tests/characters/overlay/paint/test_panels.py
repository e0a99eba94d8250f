from __future__ import annotations

from characters.overlay.deeds import FaultButton
from characters.overlay.layout import hud_layout
from characters.overlay.paint.panels import paint_faults, paint_inspector
from engine.ui.hotspots import Hotspots
from engine.ui.rect import Rect
from tests.characters.overlay.helpers import crowd, model
from tests.characters.overlay.paint.pictures import area, painter, sheet

LAYOUT = hud_layout((960, 600), inspector=True, faults=True)


def click_all(spots: Hotspots, rect: Rect) -> None:
    for y in range(int(rect.y), int(rect.bottom), 6):
        for x in range(int(rect.x), int(rect.right), 12):
            spots.click((x, y))


def test_the_inspector_stays_in_its_frame_and_its_tabs_choose() -> None:
    surface, spots, chosen = sheet(), Hotspots(), list[str]()
    shown, rect = crowd(), LAYOUT.inspector
    assert rect is not None
    paint_inspector(painter(), surface, shown, rect, shown.actors[1], spots, chosen.append)
    click_all(spots, rect)
    assert set(chosen) == {actor.key for actor in shown.actors}
    assert area(surface).right <= 960


def test_the_inspector_of_an_empty_level_says_so() -> None:
    surface, rect = sheet(), LAYOUT.inspector
    assert rect is not None
    paint_inspector(painter(), surface, model(), rect, None, Hotspots(), print)
    assert area(surface).w > 300


def test_the_fault_panel_offers_everybody_each_one_and_what_can_be_done() -> None:
    done, chosen, spots = list[str](), list[str | None](), Hotspots()
    shown, rect = crowd(), LAYOUT.faults
    assert rect is not None
    buttons = (
        FaultButton("c", "Cut", lambda: done.append("cut")),
        FaultButton("k", "Kill service", lambda: done.append("kill"), is_enabled=False),
    )
    paint_faults(painter(), sheet(), shown, rect, None, buttons, spots, chosen.append)
    click_all(spots, rect)
    assert set(done) == {"cut"}
    assert set(chosen) == {None, *(actor.key for actor in shown.actors)}
