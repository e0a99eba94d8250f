"""What the panels of the developer look like: their sheet, their tabs, their small type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from characters.overlay.palette import AMBER, CREAM, INK, PLUM
from engine.ui.hotspots import Hotspots
from engine.ui.painter import Painter, PanelStyle
from engine.ui.rect import Rect

__all__ = ["LINE", "SHEET", "SMALL", "TAB", "TAB_ON", "Tab", "paint_heading", "paint_tabs"]

SHEET = PanelStyle(fill=(36, 29, 54, 252), border=(255, 255, 255, 36), radius=14, shadow=6)
TAB = PanelStyle(fill=PLUM, border=(255, 255, 255, 30), radius=9, shadow=0)
TAB_ON = PanelStyle(fill=AMBER, border=(255, 255, 255, 60), radius=9, shadow=0)
SMALL, LINE = 13, 17

Tab = tuple[str, bool, Callable[[], object]]
"""The words of a tab, whether it is the open one, and what a click does."""


def paint_tabs(
    painter: Painter, surface: Any, rect: Rect, y: float, tabs: Sequence[Tab], hotspots: Hotspots
) -> float:
    """Paint tabs from left to right, on as many lines as they need; return the y below them."""
    x = rect.x + 10
    for words, is_on, action in tabs:
        name = painter.fonts.shortened(words, 110, SMALL, True)
        w = painter.fonts.width(name, SMALL, True) + 18.0
        if x + w > rect.right - 8:
            x, y = rect.x + 10, y + 28
        tab = Rect(x, y, w, 24)
        painter.panel(surface, tab, TAB_ON if is_on else TAB)
        painter.text(surface, name, (x + 9, y + 4), SMALL, INK if is_on else CREAM, bold=True)
        hotspots.add(tab, action)
        x += w + 6
    return y + 30


def paint_heading(painter: Painter, surface: Any, rect: Rect, y: float, text: str) -> float:
    """Paint a line and a title below it; return the y below them."""
    surface.fill((90, 78, 118), (rect.x + 14, y + 5, rect.w - 28, 1))
    painter.text(surface, text, (rect.x + 14, y + 9), 12, AMBER, bold=True)
    return y + 29
