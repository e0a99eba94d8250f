from __future__ import annotations

from characters.overlay.deeds import FaultButton
from characters.overlay.layout import hud_layout
from characters.overlay.paint.fault_panel import paint_faults
from engine.ui.hotspots import Hotspots
from engine.ui.rect import Rect
from tests.characters.overlay.helpers import crowd
from tests.characters.overlay.paint.pictures import painter, sheet

LAYOUT = hud_layout((960, 600), inspector=True, faults=True)


def click_all(spots: Hotspots, rect: Rect) -> None:
    for y in range(int(rect.y), int(rect.bottom), 6):
        for x in range(int(rect.x), int(rect.right), 12):
            spots.click((x, y))


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
