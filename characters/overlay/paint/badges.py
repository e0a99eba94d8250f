"""Paints the badges over the heads: sign, name, word, receipt; and who the microphone goes to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from characters.overlay.layout import MARGIN, spread
from characters.overlay.model import Actor, HudModel, Microphone
from characters.overlay.paint.signs import SIGN, TONES, arrow_picture, sign_picture
from characters.overlay.palette import AMBER, CREAM, INK
from characters.overlay.words import TALK, BadgeWords, badge, receipt
from engine.ui.painter import Painter, PanelStyle
from engine.ui.rect import Rect

__all__ = ["paint_badges", "rehearse_badges"]

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


def rehearse_badges(painter: Painter) -> Iterator[None]:
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
    if microphone.is_open and actor.key == microphone.hearer:
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
