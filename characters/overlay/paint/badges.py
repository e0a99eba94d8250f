"""Paints the badges over the heads: sign, name, word, receipt; and who the microphone goes to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from characters.overlay.layout import MARGIN, spread
from characters.overlay.model import Actor, HudModel
from characters.overlay.paint.signs import SIGN, TONES, arrow_picture, sign_picture
from characters.overlay.palette import AMBER, CREAM, INK, NIGHT
from characters.overlay.words import TALK, BadgeWords, badge, receipt
from engine.ui.painter import Painter, PanelStyle
from engine.ui.rect import Rect

__all__ = ["paint_badges", "rehearse_badges"]

_NAME, _WORD, _RECEIPT = 13, 12, 13
_H, _RECEIPT_H = 38, 24
_WIDEST = 210.0
_AROUND = 8
_PLAIN = PanelStyle(fill=NIGHT, border=(255, 255, 255, 30), radius=12, shadow=4)
_AIMED = PanelStyle(fill=NIGHT, border=AMBER, border_width=2, radius=12, shadow=4)
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
    actors = [actor for actor in model.actors if _is_in_sight(actor, model, stage)]
    words = [badge(actor.view, model.now) for actor in actors]
    receipts = [receipt(actor.view, model.now) for actor in actors]
    wanted = [
        _rect(painter, actor, said, note)
        for actor, said, note in zip(actors, words, receipts, strict=True)
    ]
    frame = Rect(stage.x - 6, _FRAME_TOP, stage.w + 12, model.size[1] - _FRAME_TOP - 40)
    places = spread(wanted, frame, over=[rect.inset(0, -_TIP) for rect in talk])
    for actor, said, note, rect in zip(actors, words, receipts, places, strict=True):
        if rect.y < frame.y and actor.is_target:
            rect = rect.inside(frame)  # in a crowd it rather covers another than be missing
        if rect.y < frame.y or any(rect.overlaps(other) for other in taken):
            continue
        if note is not None:
            _paint_receipt(painter, surface, actor, rect, note)
        _paint_badge(painter, surface, model, actor, said, rect)


def rehearse_badges(painter: Painter) -> Iterator[None]:
    """Draw the signs that change in talk, a picture for each step: they are kept for the game."""
    for said in TALK.values():
        sign_picture(painter, said.shape, said.tone)
        yield
    arrow_picture(painter)
    yield


def _is_in_sight(actor: Actor, model: HudModel, stage: Rect) -> bool:
    x, y = actor.head
    left = stage.x if stage.x > MARGIN else -_OUTSIDE  # a panel is open there
    right = stage.right if stage.right < model.size[0] - MARGIN else model.size[0] + _OUTSIDE
    return left <= x <= right and -_OUTSIDE <= y <= model.size[1] + _OUTSIDE


def _rect(painter: Painter, actor: Actor, said: BadgeWords, note: str | None) -> Rect:
    w, h = _width(painter, actor, said), float(_H)
    if note is not None:
        w, h = max(w, _note_width(painter, note)), h + _RECEIPT_H + 3
    x, y = actor.head
    return Rect(x - w / 2, y - h - 10, w, h)


def _width(painter: Painter, actor: Actor, said: BadgeWords) -> float:
    fonts = painter.fonts
    inner = max(fonts.width(actor.name, _NAME, True), fonts.width(said.word, _WORD))
    return min(_WIDEST, inner + SIGN + 26.0)


def _note_width(painter: Painter, note: str) -> float:
    return painter.fonts.width(note, _RECEIPT) + 22.0


def _over_head(actor: Actor, w: float, rect: Rect) -> float:
    """Return the left edge of something over the head that stays within the badge's place."""
    return max(rect.x, min(actor.head[0] - w / 2, rect.right - w))


def _paint_badge(
    painter: Painter, surface: Any, model: HudModel, actor: Actor, said: BadgeWords, rect: Rect
) -> None:
    w = _width(painter, actor, said)
    box = Rect(_over_head(actor, w, rect), rect.bottom - _H, w, _H)
    middle = round(max(12.0, min(actor.head[0] - box.x, w - 12)))
    picture = painter.composed(
        ("badge", actor.name, said, actor.is_target, middle),
        (math.ceil(w) + 2 * _AROUND, _H + 2 * _AROUND),
        lambda blank: _compose(painter, blank, actor, said, w, middle),
    )
    surface.blit(picture, (round(box.x) - _AROUND, round(box.y) - _AROUND))
    if model.microphone.is_open and actor.key == model.microphone.hearer:
        _paint_level(surface, box, model.microphone.level)


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
