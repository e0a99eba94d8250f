"""Paints cards: the error of one character with its Retry, the help, the menu."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from characters.overlay.deeds import Deeds
from characters.overlay.layout import MARGIN, MIC_W
from characters.overlay.mishaps import is_open_elsewhere, player_words
from characters.overlay.model import Actor, HudModel
from characters.overlay.paint.signs import sign_picture
from characters.overlay.palette import AMBER, BRICK, CORAL, CREAM, INK, MUTED, PLUM, SNOW
from characters.overlay.words import Shape, Tone, failure_title
from engine.ui.colour import Colour
from engine.ui.hotspots import Hotspots
from engine.ui.painter import Painter, PanelStyle
from engine.ui.rect import Rect

__all__ = ["HELP", "MENU_SHEET", "error_places", "paint_errors", "paint_help", "paint_menu"]

_CARD = PanelStyle(fill=(255, 246, 230, 250), border=CORAL, border_width=2.5, radius=14, shadow=8)
MENU_SHEET = PanelStyle(
    fill=(43, 35, 64, 252), border=AMBER, border_width=1.5, radius=18, shadow=10
)
_KEY = PanelStyle(fill=CREAM, border=(120, 90, 70, 160), radius=6, shadow=0)
_MOST_CARDS = 3

HELP: tuple[tuple[str, str], ...] = (
    ("W A S D", "walk (arrows and pad work too)"),
    ("Enter", "type to the one who listens"),
    ("T", "talk: hold it, or press once when hands-free"),
    ("Tab", "turn to the next one in reach"),
    ("M", "mute the microphone"),
    ("N", "next visitor, at the kiosk"),
    ("R, V", "for somebody in error: retry, take the talk over"),
    ("F2", "captions: on, larger, off"),
    ("F3", "inspector: the session from inside; E edits"),
    ("F4", "faults: lines, service, microphone"),
    ("F5 to F8", "cut, black hole, kill the service, start it"),
    ("F1", "this help"),
    ("Esc", "close, or the menu: sound, captions"),
)


def paint_errors(
    painter: Painter,
    surface: Any,
    model: HudModel,
    stage: Rect,
    hotspots: Hotspots,
    deeds: Deeds,
) -> None:
    """Paint a card for each character in ERROR; the others go on behind it."""
    for actor, rect in zip(model.failed, error_places(painter, model, stage), strict=False):
        _paint_card(painter, surface, actor, rect)
        for box, label, colour, action in _offers(actor, rect, deeds, model.failed):
            is_hot = box.contains(model.pointer)
            painter.button(surface, box, label, hot=is_hot, colour=colour, text_colour=SNOW)
            hotspots.add(box, action)


def error_places(painter: Painter, model: HudModel, stage: Rect) -> tuple[Rect, ...]:
    """Return where the cards stand, below each other; what finds no room gets none."""
    places: list[Rect] = []
    is_beside_microphone = stage.x + _card_width(stage) < model.size[0] - MIC_W - 2 * MARGIN
    top = stage.y - 22 if is_beside_microphone else stage.y
    for actor in model.failed[:_MOST_CARDS]:
        y = places[-1].bottom + 8 if places else top
        places.append(_card_rect(painter, actor, stage, y))
    return tuple(places)


def _card_width(stage: Rect) -> float:
    return min(400.0, stage.w)


def _card_rect(painter: Painter, actor: Actor, stage: Rect, y: float) -> Rect:
    w = _card_width(stage)
    lines = painter.fonts.lines(player_words(actor.view.error), w - 36, 15, False)
    h = _title_height(painter, actor, w) + len(lines) * painter.fonts.height(15) + 50
    return Rect(stage.x, y, w, h)


def _title_height(painter: Painter, actor: Actor, w: float) -> float:
    lines = painter.fonts.lines(failure_title(actor.name, actor.view), w - 64, 16, True)
    return 23 + len(lines) * painter.fonts.height(16)


_Offer = tuple[Rect, str, Colour, Callable[[], object]]


def _offers(actor: Actor, rect: Rect, deeds: Deeds, failed: Sequence[Actor]) -> Iterator[_Offer]:
    """Yield the buttons of a card: Retry always, and what else goes on after this failure.

    A key stands on the first of its buttons, which is the one that it presses.
    """
    box, error = Rect(rect.right - 118, rect.bottom - 44, 100, 32), actor.view.error
    retry = "Retry (R)" if actor is failed[0] else "Retry"
    yield box, retry, CORAL, lambda: deeds.retry(actor.key)
    if error is not None and error.stage == "resume":
        yield box.moved(-110, 0), "Start anew", PLUM, lambda: deeds.start_anew(actor.key)
    elif is_open_elsewhere(actor.view):
        is_first = actor is next(other for other in failed if is_open_elsewhere(other.view))
        label, wider = "Take over (V)" if is_first else "Take over", 14
        box = Rect(box.x - 110 - wider, box.y, box.w + wider, box.h)
        yield box, label, PLUM, lambda: deeds.take_over(actor.key)


def _paint_card(painter: Painter, surface: Any, actor: Actor, rect: Rect) -> None:
    painter.panel(surface, rect, _CARD)
    sign = sign_picture(painter, Shape.SQUARE, Tone.BAD)
    surface.blit(sign, (rect.x + 14, rect.y + 12))
    title = failure_title(actor.name, actor.view)
    at = (rect.x + 46, rect.y + 14, rect.w - 64)
    painter.paragraph(surface, title, at, 16, INK, bold=True)
    y = rect.y + _title_height(painter, actor, rect.w)
    y = painter.paragraph(
        surface,
        player_words(actor.view.error),
        (rect.x + 18, y, rect.w - 36),
        15,
        (75, 60, 85, 255),
    )
    code = actor.view.error.code if actor.view.error else "unknown"
    if rect.w > 330:  # beside two buttons
        small = painter.fonts.shortened(code, rect.w - 250, 12)
        painter.text(surface, small, (rect.x + 18, y + 16), 12, BRICK)


def paint_help(painter: Painter, surface: Any, model: HudModel) -> None:
    """Paint the keys."""
    row = min(27.0, (model.size[1] - 100) / len(HELP))  # closer in a low picture
    w, h = 520.0, 92.0 + row * len(HELP)
    rect = Rect((model.size[0] - w) / 2, (model.size[1] - h) / 2, w, h)
    painter.shade(surface, Rect(0, 0, *model.size), (20, 14, 30, 120))
    painter.panel(surface, rect, MENU_SHEET)
    painter.text(surface, "What you can do", (rect.x + 30, rect.y + 20), 24, AMBER, bold=True)
    y = rect.y + 64
    for key, what in HELP:
        wide = max(40, painter.fonts.width(key, 14, True) + 18)
        cap = Rect(rect.x + 130 - wide, y, wide, row - 3)
        painter.panel(surface, cap, _KEY)
        middle = cap.x + wide / 2
        top = cap.y + (cap.h - 16) / 2
        painter.text(surface, key, (middle, top), 14, INK, bold=True, align="center")
        painter.text(surface, what, (rect.x + 146, top - 2), 16, CREAM)
        y += row


def paint_menu(
    painter: Painter,
    surface: Any,
    model: HudModel,
    entries: Sequence[tuple[str, Callable[[], object]]],
    chosen: int,
    hotspots: Hotspots,
) -> None:
    """Paint the menu; `chosen` is the entry that Enter takes."""
    row = min(48.0, (model.size[1] - 90) / len(entries))  # closer in a low picture
    w, h = 400.0, 84.0 + row * len(entries)
    rect = Rect((model.size[0] - w) / 2, (model.size[1] - h) / 2, w, h)
    painter.shade(surface, Rect(0, 0, *model.size), (20, 14, 30, 150))
    painter.panel(surface, rect, MENU_SHEET)
    middle = rect.x + w / 2
    painter.text(surface, "Menu", (middle, rect.y + 18), 24, AMBER, bold=True, align="center")
    for nth, (label, action) in enumerate(entries):
        button = Rect(rect.x + 40, rect.y + 62 + nth * row, w - 80, row - 10)
        is_chosen, is_hot = nth == chosen, button.contains(model.pointer)
        painter.button(
            surface, button, label, size=16, hot=is_hot, colour=AMBER if is_chosen else PLUM,
            text_colour=INK if is_chosen else CREAM,
        )  # fmt: skip
        hotspots.add(button, action)
    foot = "Up and Down, Enter; Esc goes on"
    painter.text(surface, foot, (middle, rect.bottom - 24), 12, MUTED, align="center")
