"""Paints the Sound page of the menu: microphone, loudspeaker, and everybody's volume."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from characters.overlay.layout import SOUND_ROW, sound_page
from characters.overlay.model import HudModel
from characters.overlay.paint.cards import MENU_SHEET
from characters.overlay.paint.sheet import LINE, SMALL, TAB, TAB_ON
from characters.overlay.paint.signs import SIGN, loudspeaker_picture
from characters.overlay.palette import AMBER, CREAM, INK, MUTED, PLUM, SNOW
from characters.overlay.sound_deeds import SoundDeeds, SoundRow, Volume
from engine.ui.colour import Colour, mix
from engine.ui.hotspots import Hotspots
from engine.ui.painter import Painter
from engine.ui.rect import Rect

__all__ = ["paint_sound"]

_HEAD = 44.0
_LABEL_W, _ARROW_W, _PERCENT_W = 176.0, 26.0, 62.0
_KEYS = "Choose: Up, Down    Change: Left, Right    Mute: M    Back: Esc"


def paint_sound(
    painter: Painter, surface: Any, model: HudModel, sound: SoundDeeds, hotspots: Hotspots
) -> None:
    """Paint a row for each choice, the chosen one lit, and below what is to be said of it."""
    rows, chosen = sound.rows, sound.chosen
    page = sound_page(model.size, len(rows))
    painter.shade(surface, Rect(0, 0, *model.size), (20, 14, 30, 150))
    painter.panel(surface, page, MENU_SHEET)
    painter.text(surface, "Sound", (page.x + 28, page.y + 11), 22, AMBER, bold=True)
    _paint_back(painter, surface, model, page, sound, hotspots)
    for nth, row in enumerate(rows):
        place = Rect(page.x + 16, page.y + _HEAD + nth * SOUND_ROW, page.w - 32, SOUND_ROW - 3)
        hotspots.add(place, _chooses(sound, nth))
        _paint_row(painter, surface, model, place, row, hotspots, is_chosen=nth == chosen)
    hint = rows[chosen].hint if rows else ""
    _paint_note(painter, surface, page, sound.note, hint)
    keys = painter.fonts.shortened(_KEYS, page.w - 32, 12)
    painter.text(surface, keys, (page.center[0], page.bottom - 22), 12, MUTED, align="center")


def _chooses(sound: SoundDeeds, nth: int) -> Callable[[], object]:
    return lambda: sound.choose(nth)


def _paint_back(
    painter: Painter,
    surface: Any,
    model: HudModel,
    page: Rect,
    sound: SoundDeeds,
    hotspots: Hotspots,
) -> None:
    box = Rect(page.right - 104, page.y + 11, 88, 25)
    is_hot = box.contains(model.pointer)
    painter.button(surface, box, "Esc: back", size=13, hot=is_hot, colour=PLUM, text_colour=CREAM)
    hotspots.add(box, sound.close)


def _paint_row(
    painter: Painter,
    surface: Any,
    model: HudModel,
    place: Rect,
    row: SoundRow,
    hotspots: Hotspots,
    *,
    is_chosen: bool,
) -> None:
    ink, back = (INK, TAB_ON) if is_chosen else (CREAM, TAB)
    painter.panel(surface, place, back)
    label = painter.fonts.shortened(row.label, _LABEL_W - 46, 15, True)
    painter.text(surface, label, (place.x + 12, place.y + 3), 15, ink, bold=True)
    left = Rect(place.x + _LABEL_W, place.y, _ARROW_W, place.h)
    right = Rect(place.right - _ARROW_W, place.y, _ARROW_W, place.h)
    for box, sign, by in ((left, "<", -1), (right, ">", 1)):
        colour = SNOW if box.contains(model.pointer) and not is_chosen else ink
        at = (box.center[0], box.y + 3)
        painter.text(surface, sign, at, 15, colour, bold=True, align="center")
        hotspots.add(box, _steps(row, by))
    between = Rect(left.right + 4, place.y, right.x - left.right - 8, place.h)
    if row.volume is None:
        value = painter.fonts.shortened(row.value, between.w, 14)
        painter.text(surface, value, (between.center[0], place.y + 4), 14, ink, align="center")
        return
    _paint_mute(painter, surface, left.x - SIGN - 4, place, row.volume, ink, hotspots)
    at = (between.right - 4, place.y + 4)
    painter.text(surface, row.value, at, 14, ink, align="right")
    bar = Rect(between.x + 4, place.y + 6, between.w - _PERCENT_W, place.h - 12)
    _paint_volume(surface, bar, row.volume, ink, mix(back.fill, ink, 0.25), hotspots)


def _steps(row: SoundRow, by: int) -> Callable[[], object]:
    return lambda: row.step(by)


def _paint_mute(
    painter: Painter,
    surface: Any,
    x: float,
    place: Rect,
    volume: Volume,
    ink: Colour,
    hotspots: Hotspots,
) -> None:
    surface.blit(loudspeaker_picture(painter, ink, volume.is_muted), (x, place.y))
    hotspots.add(Rect(x, place.y, SIGN, place.h), volume.mute)


def _paint_volume(
    surface: Any, bar: Rect, volume: Volume, ink: Colour, dim: Colour, hotspots: Hotspots
) -> None:
    """Paint ten cells, lit up to the volume; a click on one is that volume."""
    w = bar.w / 10
    lit = 0 if volume.is_muted else volume.tenths
    for nth in range(10):
        cell = Rect(bar.x + nth * w, bar.y, w, bar.h)
        surface.fill((ink if nth < lit else dim)[:3], (cell.x, cell.y, w - 3, cell.h))
        hotspots.add(cell, _sets(volume, nth + 1))


def _sets(volume: Volume, tenths: int) -> Callable[[], object]:
    return lambda: volume.set(tenths)


def _paint_note(painter: Painter, surface: Any, page: Rect, note: str, hint: str) -> None:
    y = page.bottom - 24 - 2 * LINE
    for line in painter.fonts.lines(note or hint, page.w - 56, SMALL, False)[:2]:
        colour = AMBER if note else CREAM
        painter.text(surface, line, (page.center[0], y), SMALL, colour, align="center")
        y += LINE
