"""Blank sheets, and what has been painted onto them."""

from __future__ import annotations

from functools import cache
from typing import Any

import pygame

from characters.installation import package_assets
from characters.ui.model import HudModel
from characters.ui.paint.painter import make_painter
from characters.ui.paint.widgets import Gui
from engine.ui.geometry import Hotspots, Rect
from engine.ui.painter import Painter, PanelStyle

__all__ = [
    "area",
    "BLANK",
    "gui",
    "MeasuringPainter",
    "NotingPainter",
    "painter",
    "sheet",
]


BLANK = (1, 2, 3)


class NotingPainter(Painter):
    """A painter that records every text."""

    def __init__(self) -> None:
        super().__init__(package_assets() / "fonts")
        self.words: list[str] = []

    def text(self, surface: Any, text: str, *at: Any, **style: Any) -> Rect:
        self.words.append(text)
        return super().text(surface, text, *at, **style)


class MeasuringPainter(NotingPainter):
    """A painter that records where panels and texts are."""

    def __init__(self) -> None:
        super().__init__()
        self.panels: list[Rect] = []
        self.texts: list[Rect] = []

    def panel(self, surface: Any, rect: Rect, style: PanelStyle | None = None) -> None:
        self.panels.append(rect)
        super().panel(surface, rect, style)

    def text(self, surface: Any, text: str, *at: Any, **style: Any) -> Rect:
        self.texts.append(super().text(surface, text, *at, **style))
        return self.texts[-1]


@cache
def painter() -> Painter:
    """Return a painter with the game's fonts; one for all, so that each picture is drawn once."""
    return make_painter()


def sheet() -> pygame.Surface:
    """Return an empty screen."""
    made = pygame.Surface((960, 600))
    made.fill(BLANK)
    return made


def gui(
    shown: HudModel,
    surface: pygame.Surface | None = None,
    *,
    brush: Painter | None = None,
    spots: Hotspots | None = None,
) -> Gui:
    """Return what paints that frame, onto an empty screen unless another surface is given."""
    on = sheet() if surface is None else surface
    return Gui(brush or painter(), on, shown, spots or Hotspots())


def area(surface: pygame.Surface) -> pygame.Rect:
    """Return the smallest rectangle around what was painted; an empty one for nothing."""
    xs, ys = (pygame.surfarray.array3d(surface) != BLANK).any(axis=2).nonzero()
    if not len(xs):
        return pygame.Rect(0, 0, 0, 0)
    left, top = int(xs.min()), int(ys.min())
    return pygame.Rect(left, top, int(xs.max()) - left + 1, int(ys.max()) - top + 1)
