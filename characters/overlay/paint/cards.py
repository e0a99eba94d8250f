"""Paints cards: the error of one character with its Retry, the help, the menu."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from characters.overlay.model import Actor, HudModel
from characters.overlay.paint.signs import sign_picture
from characters.overlay.palette import AMBER, BRICK, CORAL, CREAM, INK, MUTED, PLUM
from characters.overlay.words import Shape, Tone
from engine.ui.hotspots import Hotspots
from engine.ui.painter import Painter, PanelStyle
from engine.ui.rect import Rect

__all__ = ["HELP", "paint_errors", "paint_help", "paint_menu"]

_CARD = PanelStyle(fill=(255, 246, 230, 250), border=CORAL, border_width=2.5, radius=14, shadow=8)
_SHEET = PanelStyle(fill=(43, 35, 64, 246), border=AMBER, border_width=1.5, radius=18, shadow=10)
_KEY = PanelStyle(fill=CREAM, border=(120, 90, 70, 160), radius=6, shadow=0)
_MOST_CARDS = 3

HELP: tuple[tuple[str, str], ...] = (
    ("W A S D", "walk (arrows and pad work too)"),
    ("Enter", "type to the one who listens"),
    ("T", "hold to talk, if you like to be heard"),
    ("Tab", "turn to the next one in reach"),
    ("M", "mute the microphone"),
    ("R", "retry, for somebody in error"),
    ("F2", "captions: on, larger, off"),
    ("F3", "inspector: the session from inside"),
    ("F4", "faults: cut lines, kill the service"),
    ("F1", "this help"),
    ("Esc", "close, or the menu"),
)


def paint_errors(
    painter: Painter,
    surface: Any,
    model: HudModel,
    stage: Rect,
    hotspots: Hotspots,
    retry: Callable[[str], object],
) -> None:
    """Paint a card for each character in ERROR; the others go on behind it."""
    y = stage.y + 4
    for nth, actor in enumerate(model.failed[:_MOST_CARDS]):
        rect = _card_rect(painter, actor, stage, y)
        _paint_card(painter, surface, model, actor, rect, is_first=nth == 0)
        button = _retry_rect(rect)
        painter.button(
            surface, button, "Retry (R)" if nth == 0 else "Retry",
            hot=button.contains(model.pointer), colour=CORAL, text_colour=(255, 252, 246, 255),
        )  # fmt: skip
        hotspots.add(button, lambda key=actor.key: retry(key))  # type: ignore[misc]  # the default binds the loop's value
        y = rect.bottom + 8


def _advice(actor: Actor) -> str:
    error = actor.view.error
    return error.message if error else "The session ended with an error. Press Retry."


def _card_rect(painter: Painter, actor: Actor, stage: Rect, y: float) -> Rect:
    w = min(430.0, stage.w)
    lines = painter.fonts.lines(_advice(actor), w - 36, 15, False)
    h = 44 + len(lines) * painter.fonts.height(15) + 50
    return Rect(stage.x + (stage.w - w) / 2, y, w, h)


def _retry_rect(rect: Rect) -> Rect:
    return Rect(rect.right - 118, rect.bottom - 44, 100, 32)


def _paint_card(
    painter: Painter, surface: Any, model: HudModel, actor: Actor, rect: Rect, *, is_first: bool
) -> None:
    painter.panel(surface, rect, _CARD)
    sign = sign_picture(painter, Shape.SQUARE, Tone.BAD)
    surface.blit(sign, (rect.x + 14, rect.y + 12))
    title = painter.fonts.shortened(f"{actor.name} could not be reached", rect.w - 64, 17, True)
    painter.text(surface, title, (rect.x + 46, rect.y + 12), 17, INK, bold=True)
    y = painter.paragraph(
        surface, _advice(actor), (rect.x + 18, rect.y + 44, rect.w - 36), 15, (75, 60, 85, 255)
    )
    code = actor.view.error.code if actor.view.error else "unknown"
    small = painter.fonts.shortened(code, rect.w - 150, 12)
    painter.text(surface, small, (rect.x + 18, y + 16), 12, BRICK)


def paint_help(painter: Painter, surface: Any, model: HudModel) -> None:
    """Paint the keys."""
    w, h = 520.0, 400.0
    rect = Rect((model.size[0] - w) / 2, (model.size[1] - h) / 2, w, h)
    painter.shade(surface, Rect(0, 0, *model.size), (20, 14, 30, 120))
    painter.panel(surface, rect, _SHEET)
    painter.text(surface, "What you can do", (rect.x + 30, rect.y + 20), 24, AMBER, bold=True)
    y = rect.y + 64
    for key, what in HELP:
        wide = max(40, painter.fonts.width(key, 14, True) + 18)
        cap = Rect(rect.x + 130 - wide, y, wide, 24)
        painter.panel(surface, cap, _KEY)
        middle = cap.x + wide / 2
        painter.text(surface, key, (middle, cap.y + 3), 14, INK, bold=True, align="center")
        painter.text(surface, what, (rect.x + 146, y + 1), 16, CREAM)
        y += 29


def paint_menu(
    painter: Painter,
    surface: Any,
    model: HudModel,
    entries: Sequence[tuple[str, Callable[[], object]]],
    chosen: int,
    hotspots: Hotspots,
) -> None:
    """Paint the menu; `chosen` is the entry that Enter takes."""
    w, h = 320.0, 84.0 + 48 * len(entries)
    rect = Rect((model.size[0] - w) / 2, (model.size[1] - h) / 2, w, h)
    painter.shade(surface, Rect(0, 0, *model.size), (20, 14, 30, 150))
    painter.panel(surface, rect, _SHEET)
    middle = rect.x + w / 2
    painter.text(surface, "Paused", (middle, rect.y + 18), 24, AMBER, bold=True, align="center")
    for nth, (label, action) in enumerate(entries):
        button = Rect(rect.x + 40, rect.y + 62 + nth * 48, w - 80, 38)
        is_hot = nth == chosen or button.contains(model.pointer)
        painter.button(
            surface, button, label, size=16, colour=AMBER if is_hot else PLUM,
            text_colour=INK if is_hot else CREAM,
        )  # fmt: skip
        hotspots.add(button, action)
    foot = "Up and Down, Enter; Esc goes on"
    painter.text(surface, foot, (middle, rect.bottom - 24), 12, MUTED, align="center")
