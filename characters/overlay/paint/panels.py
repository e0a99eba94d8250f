"""Paints the inspector and the fault panel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from characters.core.state import SessionState
from characters.overlay.deeds import FaultButton
from characters.overlay.model import Actor, HudModel
from characters.overlay.paint.signs import TONES, sign_picture
from characters.overlay.palette import AMBER, CORAL, CREAM, INK, MUTED, PLUM, SAGE, SNOW
from characters.overlay.report import Row, rows, timeline
from characters.overlay.words import Shape, Tone, badge
from engine.ui.colour import Colour
from engine.ui.hotspots import Hotspots
from engine.ui.painter import Painter, PanelStyle
from engine.ui.rect import Rect

__all__ = ["paint_faults", "paint_inspector"]

_SHEET = PanelStyle(fill=(36, 29, 54, 252), border=(255, 255, 255, 36), radius=14, shadow=6)
_TAB = PanelStyle(fill=PLUM, border=(255, 255, 255, 30), radius=9, shadow=0)
_TAB_ON = PanelStyle(fill=AMBER, border=(255, 255, 255, 60), radius=9, shadow=0)
_SMALL, _LINE = 13, 17
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
    choose: Callable[[str], object],
) -> None:
    """Paint one session from inside; the tabs choose whose."""
    painter.panel(surface, rect, _SHEET)
    y = _paint_tabs(painter, surface, model, rect, actor, hotspots, choose)
    if actor is None:
        painter.text(surface, "Nobody is here.", (rect.x + 16, y), 15, MUTED)
        return
    for row in rows(actor, model.now):
        y = _paint_row(painter, surface, rect, y, row)
    y = _heading(painter, surface, rect, y, "What happened, newest first")
    for moment in timeline(actor.view, model.now):
        if y > rect.bottom - 24:
            return
        sign = sign_picture(painter, *_STATE_SIGNS[moment.state])
        surface.blit(sign, (rect.x + 12, y - 4))
        painter.text(surface, moment.when, (rect.x + 82, y), 12, MUTED, align="right")
        words = (
            f"{moment.state.name.lower()}: {moment.why}"
            if moment.why
            else moment.state.name.lower()
        )
        short = painter.fonts.shortened(words, rect.w - 106, _SMALL)
        painter.text(surface, short, (rect.x + 92, y - 1), _SMALL, CREAM)
        y += 20
    y = _paint_list(painter, surface, rect, y, "Last messages", actor.messages)
    said = [
        f"{'you' if t.speaker == 'player' else 'they'}: {t.text}" for t in actor.view.transcript
    ]
    _paint_list(painter, surface, rect, y, "Transcript", said)


def _paint_tabs(
    painter: Painter,
    surface: Any,
    model: HudModel,
    rect: Rect,
    actor: Actor | None,
    hotspots: Hotspots,
    choose: Callable[[str], object],
) -> float:
    x, y = rect.x + 10, rect.y + 10
    for other in model.actors:
        name = painter.fonts.shortened(other.name, 110, _SMALL, True)
        w = painter.fonts.width(name, _SMALL, True) + 18.0
        if x + w > rect.right - 8:
            x, y = rect.x + 10, y + 28
        is_on = actor is not None and other.key == actor.key
        tab = Rect(x, y, w, 24)
        painter.panel(surface, tab, _TAB_ON if is_on else _TAB)
        colour = INK if is_on else CREAM
        painter.text(surface, name, (x + 9, y + 4), _SMALL, colour, bold=True)
        hotspots.add(tab, lambda key=other.key: choose(key))  # type: ignore[misc]  # the default binds the loop's value
        x += w + 6
    return y + 34


def _paint_row(painter: Painter, surface: Any, rect: Rect, y: float, row: Row) -> float:
    painter.text(surface, row.label, (rect.x + 14, y), _SMALL, MUTED)
    room = rect.w - 118
    for line in painter.fonts.lines(row.value, room, _SMALL, False)[:7]:
        painter.text(surface, line, (rect.x + 104, y), _SMALL, SNOW)
        y += _LINE
    return y + 2


def _heading(painter: Painter, surface: Any, rect: Rect, y: float, text: str) -> float:
    y += 5
    surface.fill((90, 78, 118), (rect.x + 14, y, rect.w - 28, 1))
    painter.text(surface, text, (rect.x + 14, y + 4), 12, AMBER, bold=True)
    return y + 24


def _paint_list(
    painter: Painter, surface: Any, rect: Rect, y: float, title: str, lines: Sequence[str]
) -> float:
    """Paint the last lines that find room."""
    room = int((rect.bottom - 8 - y - 29) // _LINE)
    if room < 1 or not lines:
        return y
    y = _heading(painter, surface, rect, y, title)
    for line in lines[-min(room, 4) :]:
        short = painter.fonts.shortened(line, rect.w - 28, _SMALL)
        painter.text(surface, short, (rect.x + 14, y), _SMALL, CREAM)
        y += _LINE
    return y


def paint_faults(
    painter: Painter,
    surface: Any,
    model: HudModel,
    rect: Rect,
    chosen: str | None,
    buttons: Sequence[FaultButton],
    hotspots: Hotspots,
    choose: Callable[[str | None], object],
) -> None:
    """Paint whom to break and how; `chosen` None means everybody."""
    painter.panel(surface, rect, _SHEET)
    painter.text(surface, "Break something", (rect.x + 16, rect.y + 10), 17, AMBER, bold=True)
    y = rect.y + 40
    targets: list[tuple[str | None, str]] = [(None, "Everybody")]
    targets += [(actor.key, actor.name) for actor in model.actors]
    for nth, (key, name) in enumerate(targets):
        row = Rect(rect.x + 10, y, rect.w - 20, 25)
        is_on = key == chosen
        painter.panel(surface, row, _TAB_ON if is_on else _TAB)
        colour = INK if is_on else CREAM
        words = painter.fonts.shortened(f"{nth}  {name}", row.w - 46, 14, True)
        painter.text(surface, words, (row.x + 10, y + 4), 14, colour, bold=True)
        _paint_state(painter, surface, model, key, row)
        hotspots.add(row, lambda key=key: choose(key))  # type: ignore[misc]  # the default binds the loop's value
        y += 29
    _paint_buttons(painter, surface, model, Rect(rect.x, y + 8, rect.w, 0), buttons, hotspots)


def _paint_state(
    painter: Painter, surface: Any, model: HudModel, key: str | None, row: Rect
) -> None:
    actor = next((a for a in model.actors if a.key == key), None)
    if actor is not None:
        said = badge(actor.view, model.now)
        surface.blit(sign_picture(painter, said.shape, said.tone), (row.right - 30, row.y + 0.5))


def _paint_buttons(
    painter: Painter,
    surface: Any,
    model: HudModel,
    at: Rect,
    buttons: Sequence[FaultButton],
    hotspots: Hotspots,
) -> None:
    w = (at.w - 30) / 2
    for nth, button in enumerate(buttons):
        box = Rect(at.x + 10 + (nth % 2) * (w + 10), at.y + (nth // 2) * 40, w, 33)
        colour: Colour = CORAL if button.is_harmful else SAGE
        is_hot = button.is_enabled and box.contains(model.pointer)
        painter.button(
            surface, box, f"{button.key.upper()}  {button.label}", hot=is_hot, size=13,
            colour=colour if button.is_enabled else (98, 90, 112, 255),
            text_colour=INK if button.is_enabled else MUTED,
        )  # fmt: skip
        if button.is_enabled:
            hotspots.add(box, button.action)
    y = at.y + ((len(buttons) + 1) // 2) * 40 + 4
    service = model.service
    if service.has_service:
        words = "The service runs." if service.is_running else "The service is down."
        tone = TONES[Tone.GOOD if service.is_running else Tone.BAD]
        painter.text(surface, words, (at.x + 14, y), 13, tone)
        y += 20
    hint = "Number: who. Letter: what. F4 closes."
    painter.text(surface, hint, (at.x + 14, y), 12, MUTED)
