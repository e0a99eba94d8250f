"""Paints what is said: captions, chat box, microphone, notices, the banner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from characters.overlay.captions import Caption, captions
from characters.overlay.layout import bar
from characters.overlay.model import HudModel
from characters.overlay.paint.signs import TONES, microphone_picture
from characters.overlay.palette import AMBER, CORAL, CREAM, INK, MUTED, SKY
from characters.overlay.words import banner, microphone, who_hears
from engine.ui.colour import Colour
from engine.ui.painter import Painter, PanelStyle
from engine.ui.rect import Rect
from engine.ui.text_field import TextField

__all__ = [
    "CaptionPlace",
    "caption_places",
    "paint_banner",
    "paint_captions",
    "paint_chat",
    "paint_hint",
    "paint_microphone",
    "paint_notice",
]

_BACK = PanelStyle(fill=(30, 24, 46, 255), border=(255, 255, 255, 26), radius=14, shadow=5)
_PILL = PanelStyle(fill=(30, 24, 46, 255), border=(255, 255, 255, 20), radius=12, shadow=0)
_FIELD = PanelStyle(fill=CREAM, border=AMBER, border_width=2.5, radius=14, shadow=6)
_WARN = PanelStyle(fill=(255, 240, 205, 245), border=AMBER, border_width=2, radius=12, shadow=5)
_MOST_LINES = 3


@dataclass(frozen=True, slots=True)
class CaptionPlace:
    """A caption, where it stands, and its lines with the height of their letters."""

    caption: Caption
    rect: Rect
    lines: Sequence[str]
    size: int


def paint_banner(painter: Painter, surface: Any, model: HudModel, rect: Rect) -> None:
    """Say where the talk goes."""
    words = painter.fonts.shortened(banner(model), 600, 13)
    w = painter.fonts.width(words, 13) + 24
    painter.panel(surface, Rect(rect.x, rect.y, w, rect.h), _PILL)
    painter.text(surface, words, (rect.x + 12, rect.y + 5), 13, CREAM)


def paint_hint(painter: Painter, surface: Any, rect: Rect, text: str) -> None:
    """Show what may be pressed."""
    words = painter.fonts.shortened(text, rect.w - 24, 13)
    w = painter.fonts.width(words, 13) + 24
    x = rect.x + (rect.w - w) / 2
    painter.panel(surface, Rect(x, rect.y, w, rect.h), _PILL)
    painter.text(surface, words, (x + w / 2, rect.y + 3), 13, MUTED, align="center")


def paint_notice(painter: Painter, surface: Any, stage: Rect, bottom: float, text: str) -> None:
    """Show a sentence for the player, such as why a line was not sent, above `bottom`."""
    lines = painter.fonts.lines(text, min(460, stage.w) - 28, 15, True)
    w = min(stage.w, max(painter.fonts.width(line, 15, True) for line in lines) + 28)
    h = len(lines) * painter.fonts.height(15) + 14
    y = min(stage.y + stage.h * 0.52, bottom - h - 8)
    box = Rect(stage.x + (stage.w - w) / 2, y, w, h)
    painter.panel(surface, box, _WARN)
    painter.paragraph(
        surface, text, (box.x + 14, y + 6, w - 27), 15, INK, bold=True, align="center"
    )


def caption_places(
    painter: Painter, model: HudModel, stage: Rect, bottom: float, size: int
) -> tuple[CaptionPlace, ...]:
    """Return the captions with their places upwards from `bottom`, the lowest first."""
    places: list[CaptionPlace] = []
    for caption in reversed(captions(model)):
        places.append(_caption_place(painter, caption, stage, bottom, size))
        bottom = places[-1].rect.y - 6
    return tuple(places)


def _caption_place(
    painter: Painter, caption: Caption, stage: Rect, bottom: float, size: int
) -> CaptionPlace:
    w, most = min(720.0, stage.w), _MOST_LINES
    if caption.is_player:  # what one said oneself needs a glance only
        size, most = round(size * 0.8), 2
    text = caption.text + (" — cut off" if caption.is_cut else "")
    lines = painter.fonts.lines(text, w - 36, size, False)[-most:]
    h = len(lines) * painter.fonts.height(size) + painter.fonts.height(14) + 16
    return CaptionPlace(caption, bar(stage, w, h, bottom), lines, size)


def paint_captions(painter: Painter, surface: Any, places: Sequence[CaptionPlace]) -> None:
    """Paint the captions where they stand."""
    for place in places:
        _paint_caption(painter, surface, place)


def _paint_caption(painter: Painter, surface: Any, place: CaptionPlace) -> None:
    caption, box, size = place.caption, place.rect, place.size
    painter.panel(surface, box, _BACK)
    colour = _name_colour(caption)
    painter.text(surface, caption.speaker, (box.x + 18, box.y + 6), 14, colour, bold=True)
    y = box.y + 8 + painter.fonts.height(14)
    for line in place.lines:
        rect = painter.text(surface, line, (box.x + 18, y), size, CREAM)
        y += painter.fonts.height(size)
    if caption.is_open:
        surface.fill(colour[:3], (rect.right + 4, rect.y + size * 0.3, 3, size * 0.8))


def _name_colour(caption: Caption) -> Colour:
    return SKY if caption.is_player else AMBER


def paint_chat(
    painter: Painter, surface: Any, model: HudModel, rect: Rect, field: TextField
) -> None:
    """Paint the open chat box, its end or its cursor always in sight."""
    size, y = 18, rect.y + 10
    painter.panel(surface, rect, _FIELD)
    label = painter.fonts.shortened(f"To {who_hears(model)}:", rect.w * 0.4, 15, True)
    left = (
        painter.text(surface, label, (rect.x + 16, y + 2), 15, (160, 90, 40, 255), bold=True).right
        + 8
    )
    room = rect.right - 16 - left
    before = field.text[: field.cursor] + field.composed
    text = before + field.text[field.cursor :]
    start = 0
    while painter.fonts.width(before[start:], size) > room - 4:
        start += 1
    shown = text[start:]
    while shown and painter.fonts.width(shown, size) > room:
        shown = shown[:-1]
    if text:
        painter.text(surface, shown, (left, y), size, INK)
    else:
        hint = painter.fonts.shortened("Say something. Enter sends, Esc closes.", room, 16)
        painter.text(surface, hint, (left + 4, y + 1), 16, (150, 135, 140, 255))
    x = left + painter.fonts.width(before[start:], size)
    if field.composed:
        w = min(x - left, painter.fonts.width(field.composed, size))
        surface.fill(INK[:3], (x - w, y + size + 5, w, 2))
    if int(model.now * 2) % 2 == 0:
        surface.fill(INK[:3], (x, y + 1, 2, size + 4))


def paint_microphone(painter: Painter, surface: Any, model: HudModel, rect: Rect) -> None:
    """Paint where the voice goes and how loud it is; always on the screen."""
    said = microphone(model)
    colour = TONES[said.tone]
    painter.panel(surface, rect, _BACK)
    surface.blit(microphone_picture(painter, colour, said.is_crossed), (rect.x + 12, rect.y + 8))
    left, room = rect.x + 50, rect.w - 62
    top = rect.y + (3 if model.microphone.is_open else 7)
    title = painter.fonts.shortened(said.title, room, 14, True)
    painter.text(surface, title, (left, top), 14, colour, bold=True)
    detail = painter.fonts.shortened(said.detail, room, 12)
    painter.text(surface, detail, (left, top + 17), 12, MUTED)
    if model.microphone.is_open:
        _meter(surface, Rect(left, rect.bottom - 8, room, 4), model.microphone.level)


def _meter(surface: Any, rect: Rect, level: float) -> None:
    cells = 24
    lit = round(min(1.0, level) * cells)
    step = rect.w / cells
    for i in range(cells):
        colour = (70, 62, 90) if i >= lit else (CORAL if i > 20 else AMBER)[:3]
        surface.fill(colour, (rect.x + i * step, rect.y, step - 2, rect.h))
