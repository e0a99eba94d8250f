"""Paints the fields of an object in the inspector, and the value under edit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from characters.overlay.field_deeds import FieldDeeds
from characters.overlay.field_state import Draft, listing, origin_words, window
from characters.overlay.paint.sheet import LINE, SMALL
from characters.overlay.palette import AMBER, CORAL, CREAM, INK, MUTED, PLUM, SAGE, SNOW
from engine.inspection import DEFAULT, LEVEL, FieldRow
from engine.live_fields import CODE
from engine.ui.hotspots import Hotspots
from engine.ui.painter import Painter, PanelStyle
from engine.ui.rect import Rect

__all__ = ["paint_fields"]

_FOOT = 124.0
_VALUE_W = 134.0
_BAR = PanelStyle(fill=(88, 72, 122, 255), border=(0, 0, 0, 0), radius=6, shadow=0)
_BOX = PanelStyle(fill=SNOW, border=AMBER, border_width=2, radius=6, shadow=0)


def paint_fields(
    painter: Painter,
    surface: Any,
    rect: Rect,
    y: float,
    fields: FieldDeeds,
    pointer: tuple[float, float],
    hotspots: Hotspots,
) -> None:
    """Paint the list around the chosen row, and below it what is to be said of that row."""
    rows, chosen = fields.rows, fields.chosen
    room = int((rect.bottom - _FOOT - y) // LINE)
    shown = window(listing(rows), rows.index(chosen) if chosen else 0, room)
    under_edit = rect
    for line in shown:
        place = Rect(rect.x + 8, y, rect.w - 16, LINE)
        if line.index is None:
            painter.text(surface, line.text, (place.x + 6, y), 12, AMBER, bold=True)
        else:
            is_chosen = rows[line.index] is chosen
            _paint_row(painter, surface, place, rows[line.index], is_chosen=is_chosen)
            hotspots.add(place, _click(fields, line.index))
            under_edit = place if is_chosen else under_edit
        y += LINE
    if fields.state.draft is not None:  # over the rows beside it
        _paint_draft(painter, surface, under_edit, fields.state.draft)
    foot = Rect(rect.x, rect.bottom - _FOOT, rect.w, _FOOT)
    _paint_foot(painter, surface, foot, fields, pointer, hotspots)


def _click(fields: FieldDeeds, index: int) -> Callable[[], object]:
    return lambda: fields.click(index)


def _paint_row(
    painter: Painter, surface: Any, place: Rect, row: FieldRow, *, is_chosen: bool
) -> None:
    if is_chosen:
        painter.panel(surface, place, _BAR)
    value_x = place.right - _VALUE_W
    name = painter.fonts.shortened(row.name, value_x - place.x - 18, SMALL)
    painter.text(surface, name, (place.x + 12, place.y), SMALL, CREAM)
    said = "" if row.origin in (LEVEL, DEFAULT, CODE) else row.origin.partition(" ")[0]
    room = _VALUE_W - 6
    if said:
        at = (place.right - 6, place.y + 1)
        room -= painter.text(surface, said, at, 11, AMBER, align="right").w + 8
    value = painter.fonts.shortened(row.text or "empty", room, SMALL)
    is_quiet = row.origin == DEFAULT or row.is_fixed or not row.text
    colour = MUTED if is_quiet else SNOW
    painter.text(surface, value, (value_x, place.y), SMALL, colour)


def _paint_draft(painter: Painter, surface: Any, place: Rect, draft: Draft) -> None:
    """Paint the value under edit over the row's own; a long one shows where the cursor is."""
    before = draft.text[: draft.field.cursor]
    room = place.w - 40
    while painter.fonts.width(before, SMALL) > room:
        before = before[1:]
    text = painter.fonts.shortened(before + draft.text[draft.field.cursor :], room, SMALL)
    wide = max(_VALUE_W + 4, painter.fonts.width(text, SMALL) + 22)
    box = Rect(place.right - wide, place.y - 1, wide, LINE + 2)
    painter.panel(surface, box, _BOX)
    if draft.row.choices:
        painter.text(surface, text, (box.center[0], place.y), SMALL, INK, bold=True, align="center")
        painter.text(surface, "<", (box.x + 5, place.y), SMALL, INK, bold=True)
        painter.text(surface, ">", (box.right - 12, place.y), SMALL, INK, bold=True)
        return
    at = box.x + 7
    if draft.is_fresh and text:
        wide = painter.fonts.width(text, SMALL)
        surface.fill((250, 214, 150), (round(at) - 1, round(place.y), round(wide) + 2, LINE))
    painter.text(surface, text, (at, place.y), SMALL, INK)
    cursor = at + painter.fonts.width(before, SMALL)
    surface.fill(INK[:3], (round(cursor), round(place.y) + 1, 2, LINE - 2))


def _paint_foot(
    painter: Painter,
    surface: Any,
    foot: Rect,
    fields: FieldDeeds,
    pointer: tuple[float, float],
    hotspots: Hotspots,
) -> None:
    surface.fill((90, 78, 118), (round(foot.x) + 14, round(foot.y) + 4, round(foot.w) - 28, 1))
    row, state = fields.chosen, fields.state
    words, colour = state.message, CORAL if state.is_refusal else SAGE
    if not words and row is not None:
        words, colour = origin_words(row), MUTED
    path = painter.fonts.shortened(row.path if row else "", foot.w - 28, SMALL, True)
    painter.text(surface, path, (foot.x + 14, foot.y + 9), SMALL, SNOW, bold=True)
    y = foot.y + 28
    for line in painter.fonts.lines(words, foot.w - 28, SMALL, False)[:3]:
        painter.text(surface, line, (foot.x + 14, y), SMALL, colour)
        y += LINE - 1
    w = (foot.w - 28 - 8 * (len(fields.buttons) - 1)) / len(fields.buttons)
    for nth, (label, action) in enumerate(fields.buttons):
        box = Rect(foot.x + 14 + nth * (w + 8), foot.bottom - 38, w, 28)
        is_hot = box.contains(pointer)
        painter.button(surface, box, label, size=13, hot=is_hot, colour=PLUM, text_colour=CREAM)
        hotspots.add(box, action)
