"""Paints the inspector: one session from inside, or the fields of its object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from characters.core.state import SessionState
from characters.overlay.deeds import Deeds
from characters.overlay.model import Actor, HudModel
from characters.overlay.paint.fields import paint_fields
from characters.overlay.paint.sheet import LINE, SHEET, SMALL, Tab, paint_heading, paint_tabs
from characters.overlay.paint.signs import sign_picture
from characters.overlay.palette import CREAM, MUTED, SNOW
from characters.overlay.report import Moment, Row, rows, timeline
from characters.overlay.words import Shape, Tone
from engine.ui.hotspots import Hotspots
from engine.ui.painter import Painter
from engine.ui.rect import Rect

__all__ = ["paint_inspector"]

_STATE_SIGNS: Mapping[SessionState, tuple[Shape, Tone]] = MappingProxyType(
    {
        SessionState.DISCONNECTED: (Shape.HOLLOW, Tone.QUIET),
        SessionState.CONNECTING: (Shape.ARC, Tone.BUSY),
        SessionState.CONNECTED: (Shape.CHECK, Tone.GOOD),
        SessionState.RECONNECTING: (Shape.TRIANGLE, Tone.WARN),
        SessionState.DISCONNECTING: (Shape.HALF, Tone.QUIET),
        SessionState.ERROR: (Shape.SQUARE, Tone.BAD),
    }
)


def paint_inspector(
    painter: Painter,
    surface: Any,
    model: HudModel,
    rect: Rect,
    actor: Actor | None,
    hotspots: Hotspots,
    deeds: Deeds,
) -> None:
    """Paint what is to be known of one character; tabs choose of whom, and which page."""
    painter.panel(surface, rect, SHEET)
    y = paint_tabs(painter, surface, rect, rect.y + 10, _people(model, actor, deeds), hotspots)
    if actor is None:
        painter.text(surface, "Nobody is here.", (rect.x + 16, y + 4), 15, MUTED)
        return
    fields = deeds.fields
    pages: list[Tab] = [
        ("Session", not fields.is_open, fields.close),
        ("Fields (E)", fields.is_open, fields.open),
    ]
    y = paint_tabs(painter, surface, rect, y, pages, hotspots) + 4
    if fields.is_open:
        paint_fields(painter, surface, rect, y, fields, model.pointer, hotspots)
    else:
        _paint_session(painter, surface, model, rect, y, actor)


def _people(model: HudModel, actor: Actor | None, deeds: Deeds) -> list[Tab]:
    return [
        (other.name, actor is not None and other.key == actor.key, _inspect(deeds, other.key))
        for other in model.actors
    ]


def _inspect(deeds: Deeds, key: str) -> Any:
    return lambda: deeds.inspect(key)


def _paint_session(
    painter: Painter, surface: Any, model: HudModel, rect: Rect, y: float, actor: Actor
) -> None:
    for row in rows(actor, model.now):
        y = _paint_row(painter, surface, rect, y, row)
    y = paint_heading(painter, surface, rect, y, "What happened, newest first")
    for moment in timeline(actor.view, model.now):
        if y > rect.bottom - 24:
            return
        _paint_moment(painter, surface, rect, y, moment)
        y += 20
    y = _paint_list(painter, surface, rect, y, "Last messages", actor.messages)
    said = [
        f"{'you' if t.speaker == 'player' else 'they'}: {t.text}" for t in actor.view.transcript
    ]
    _paint_list(painter, surface, rect, y, "Transcript", said)


def _paint_row(painter: Painter, surface: Any, rect: Rect, y: float, row: Row) -> float:
    painter.text(surface, row.label, (rect.x + 14, y), SMALL, MUTED)
    room = rect.w - 118
    for line in painter.fonts.lines(row.value, room, SMALL, False)[:7]:
        painter.text(surface, line, (rect.x + 104, y), SMALL, SNOW)
        y += LINE
    return y + 1


def _paint_moment(painter: Painter, surface: Any, rect: Rect, y: float, moment: Moment) -> None:
    surface.blit(sign_picture(painter, *_STATE_SIGNS[moment.state]), (rect.x + 12, y - 4))
    painter.text(surface, moment.when, (rect.x + 82, y), 12, MUTED, align="right")
    words = moment.state.name.lower() + (f": {moment.why}" if moment.why else "")
    short = painter.fonts.shortened(words, rect.w - 106, SMALL)
    painter.text(surface, short, (rect.x + 92, y - 1), SMALL, CREAM)


def _paint_list(
    painter: Painter, surface: Any, rect: Rect, y: float, title: str, lines: Sequence[str]
) -> float:
    """Paint the last lines that find room."""
    room = int((rect.bottom - 8 - y - 29) // LINE)
    if room < 1 or not lines:
        return y
    y = paint_heading(painter, surface, rect, y, title)
    for line in lines[-min(room, 4) :]:
        short = painter.fonts.shortened(line, rect.w - 28, SMALL)
        painter.text(surface, short, (rect.x + 14, y), SMALL, CREAM)
        y += LINE
    return y
