"""Paints cards: the error of one character with its Retry, the help, the menu.

Paints the badges over the heads: sign, name, word, receipt; and who the microphone goes to.

Paints what is said: captions, chat box, microphone, notices, the banner.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from characters.ui.actions import Actions
from characters.ui.appearance import AMBER, BRICK, CORAL, CREAM, INK, MUTED, PLUM, SKY, SNOW
from characters.ui.paint.widgets import SIGN, TONES, arrow_picture, microphone_picture, sign_picture
from characters.ui.state import MARGIN, MIC_W, bar, spread
from characters.ui.words import (
    TALK,
    Actor,
    BadgeWords,
    Caption,
    HudModel,
    Microphone,
    Shape,
    Tone,
    badge,
    banner,
    captions,
    failure_title,
    is_open_elsewhere,
    listener_name,
    microphone,
    player_words,
    receipt,
)
from engine.ui.canvas import Colour, Rect
from engine.ui.events import Hotspots, TextField
from engine.ui.painter import Painter, PanelStyle

__all__ = [
    "caption_places",
    "CaptionPlace",
    "error_places",
    "HELP",
    "MENU_SHEET",
    "paint_badges",
    "paint_banner",
    "paint_captions",
    "paint_chat",
    "paint_errors",
    "paint_help",
    "paint_hint",
    "paint_menu",
    "paint_microphone",
    "paint_notice",
    "prewarm_badges",
]


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
    actions: Actions,
) -> None:
    """Paint a card for each character in ERROR; the others go on behind it."""
    for actor, rect in zip(model.failed, error_places(painter, model, stage), strict=False):
        _paint_card(painter, surface, actor, rect)
        for box, label, colour, action in _offers(actor, rect, actions, model.failed):
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


def _offers(
    actor: Actor, rect: Rect, actions: Actions, failed: Sequence[Actor]
) -> Iterator[_Offer]:
    """Yield the buttons of a card: Retry always, and what else goes on after this failure.

    A key stands on the first of its buttons, which is the one that it presses.
    """
    box, error = Rect(rect.right - 118, rect.bottom - 44, 100, 32), actor.view.error
    retry = "Retry (R)" if actor is failed[0] else "Retry"
    yield box, retry, CORAL, lambda: actions.retry(actor.key)
    if error is not None and error.stage == "resume":
        yield box.moved(-110, 0), "Start anew", PLUM, lambda: actions.start_anew(actor.key)
    elif is_open_elsewhere(actor.view):
        is_first = actor is next(other for other in failed if is_open_elsewhere(other.view))
        label, wider = "Take over (V)" if is_first else "Take over", 14
        box = Rect(box.x - 110 - wider, box.y, box.w + wider, box.h)
        yield box, label, PLUM, lambda: actions.take_over(actor.key)


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


_NAME, _WORD, _RECEIPT = 13, 12, 13
_H, _RECEIPT_H = 38, 24
_WIDEST = 210.0
_AROUND = 8
_PLAIN = PanelStyle(fill=INK, border=(255, 255, 255, 30), radius=12, shadow=4)
_AIMED = PanelStyle(fill=INK, border=AMBER, border_width=2, radius=12, shadow=4)
_PAPER = PanelStyle(fill=CREAM, border=(90, 60, 40, 60), radius=11, shadow=4)
_OUTSIDE = 120.0  # somebody whose head is cut off by the edge still has feet in the picture
_TIP = 4.0  # what of a badge's tail is longer than the gap below it
_FRAME_TOP = 62.0  # below the banner and the microphone


def paint_badges(
    painter: Painter,
    surface: Any,
    model: HudModel,
    stage: Rect,
    taken: Sequence[Rect] = (),
    talk: Sequence[Rect] = (),
) -> None:
    """Paint the badge of everybody in sight, moved so that none covers another.

    Whose head is behind the captions has his badge above them: `talk` are their places. Who
    stands behind an open panel, outside the `stage`, has none; neither has one whose badge would
    be cut by a card, whose places are `taken`, or by what stands at the top.
    """
    in_sight = _sight(model, stage)
    shown = [_badge(painter, a, model.now) for a in model.actors if in_sight.contains(a.head)]
    frame = Rect(stage.x - 6, _FRAME_TOP, stage.w + 12, model.size[1] - _FRAME_TOP - 40)
    over = [rect.inset(0, -_TIP) for rect in talk]
    places = spread([each.wanted for each in shown], frame, over=over)
    for each, rect in zip(shown, places, strict=True):
        if rect.y < frame.y and each.actor.is_target:
            rect = rect.inside(frame)  # in a crowd it rather covers another than be missing
        if rect.y < frame.y or any(map(rect.overlaps, taken)):
            continue
        if each.note is not None:
            _paint_receipt(painter, surface, each.actor, rect, each.note)
        _paint_badge(painter, surface, each, rect, model.microphone)


def prewarm_badges(painter: Painter) -> Iterator[None]:
    """Draw the signs that change in talk, a picture for each step: they are kept for the game."""
    for said in TALK.values():
        sign_picture(painter, said.shape, said.tone)
        yield
    arrow_picture(painter)
    yield


def _sight(model: HudModel, stage: Rect) -> Rect:
    """Return where heads are that have a badge."""
    left = stage.x if stage.x > MARGIN else -_OUTSIDE  # a panel is open there
    right = stage.right if stage.right < model.size[0] - MARGIN else model.size[0] + _OUTSIDE
    return Rect(left, -_OUTSIDE, right - left, model.size[1] + 2 * _OUTSIDE)


class _Badge(NamedTuple):
    """What is to be said over a head, how wide that is, and the place it would like to have."""

    actor: Actor
    said: BadgeWords
    note: str | None
    w: float
    wanted: Rect


def _badge(painter: Painter, actor: Actor, now: float) -> _Badge:
    said, note, fonts = badge(actor.view, now), receipt(actor.view, now), painter.fonts
    inner = max(fonts.width(actor.name, _NAME, True), fonts.width(said.word, _WORD))
    w = widest = min(_WIDEST, inner + SIGN + 26.0)
    h = float(_H)
    if note is not None:
        widest, h = max(w, _note_width(painter, note)), h + _RECEIPT_H + 3
    x, y = actor.head
    return _Badge(actor, said, note, w, Rect(x - widest / 2, y - h - 10, widest, h))


def _note_width(painter: Painter, note: str) -> float:
    return painter.fonts.width(note, _RECEIPT) + 22.0


def _over_head(actor: Actor, w: float, rect: Rect) -> float:
    """Return the left edge of something over the head that stays within the badge's place."""
    return max(rect.x, min(actor.head[0] - w / 2, rect.right - w))


def _paint_badge(
    painter: Painter, surface: Any, shown: _Badge, rect: Rect, microphone: Microphone
) -> None:
    actor, said, w = shown.actor, shown.said, shown.w
    x, y = _over_head(actor, w, rect), rect.bottom - _H
    middle = round(max(12.0, min(actor.head[0] - x, w - 12)))
    picture = painter.composed(
        ("badge", actor.name, said, actor.is_target, middle),
        (math.ceil(w) + 2 * _AROUND, _H + 2 * _AROUND),
        lambda blank: _compose(painter, blank, actor, said, w, middle),
    )
    surface.blit(picture, (round(x) - _AROUND, round(y) - _AROUND))
    if microphone.is_open and actor.key == microphone.listener:
        _paint_level(surface, Rect(x, y, w, _H), microphone.level)


def _compose(
    painter: Painter, picture: Any, actor: Actor, said: BadgeWords, w: float, middle: int
) -> None:
    """Paint a badge with its shadow, its tip, and `_AROUND` pixels of room on each side."""
    fonts, box = painter.fonts, Rect(_AROUND, _AROUND, w, _H)
    painter.panel(picture, box, _AIMED if actor.is_target else _PLAIN)
    sign = sign_picture(painter, said.shape, said.tone, said.ring)
    picture.blit(sign, (box.x + 7, box.y + 7))
    left = box.x + SIGN + 12
    room = w - SIGN - 20
    name = fonts.shortened(actor.name, room, _NAME, True)
    painter.text(picture, name, (left, box.y + 4), _NAME, CREAM, bold=True)
    word = fonts.shortened(said.word, room, _WORD)
    painter.text(picture, word, (left, box.y + 19), _WORD, TONES[said.tone])
    picture.blit(arrow_picture(painter), (_AROUND + middle - 7, _AROUND + _H - 1))


def _paint_level(surface: Any, box: Rect, level: float) -> None:
    """Show along the badge's foot how loud the player arrives there."""
    full = box.w - 24
    surface.fill((90, 80, 110), (box.x + 12, box.bottom - 4, full, 2))
    surface.fill(AMBER[:3], (box.x + 12, box.bottom - 4, full * min(1.0, level), 2))


def _paint_receipt(painter: Painter, surface: Any, actor: Actor, rect: Rect, note: str) -> None:
    w = _note_width(painter, note)

    def compose(blank: Any) -> None:
        painter.panel(blank, Rect(_AROUND, _AROUND, w, _RECEIPT_H), _PAPER)
        at = (_AROUND + w / 2, _AROUND + 4)
        painter.text(blank, note, at, _RECEIPT, INK, align="center")

    size = (math.ceil(w) + 2 * _AROUND, _RECEIPT_H + 2 * _AROUND)
    picture = painter.composed(("receipt", note), size, compose)
    x = _over_head(actor, w, rect)
    surface.blit(picture, (round(x) - _AROUND, round(rect.y) - _AROUND))


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
    label = painter.fonts.shortened(f"To {listener_name(model)}:", rect.w * 0.4, 15, True)
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
