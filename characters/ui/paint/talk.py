"""Paints the talk: badges, captions, chat, microphone, notices, and the cards over the level."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from characters.english import ENGLISH
from characters.session.conversation import DialogueState
from characters.ui import words
from characters.ui.actions import Actions
from characters.ui.appearance import AMBER, BRICK, CORAL, CREAM, INK, MUTED, PLUM, SKY, SNOW
from characters.ui.model import Actor, Caption, HudModel, by_cause, captions
from characters.ui.paint.widgets import (
    SIGN,
    TONES,
    Gui,
    arrow_picture,
    microphone_picture,
    sign_picture,
)
from characters.ui.state import MARGIN, MIC_H, MIC_W, HudAction, bar, spread
from characters.ui.words import BadgeWords, MicWords, Shape, Tone
from engine.ui.geometry import Rect
from engine.ui.painter import Painter, PanelStyle
from engine.ui.text_field import TextField

__all__ = [
    "caption_places", "error_cards", "ErrorCard", "paint_badges", "paint_banner", "paint_captions",
    "paint_chat", "paint_errors", "paint_help", "paint_hint", "paint_menu", "paint_microphone",
    "microphone_size", "notice_place", "paint_notice", "prewarm_badges",
]  # fmt: skip


# Badges

_NAME, _WORD, _RECEIPT = 13, 12, 13
_H, _RECEIPT_H = 38, 24
_WIDEST = 210.0
_AROUND = 8
_PLAIN = PanelStyle(fill=INK, border=(255, 255, 255, 30), radius=12, shadow=4)
_AIMED = PanelStyle(fill=INK, border=AMBER, border_width=2, radius=12, shadow=4)
_PAPER = PanelStyle(fill=CREAM, border=(90, 60, 40, 60), radius=11, shadow=4)
_OUTSIDE = 120.0  # beyond the edge of the picture: the feet of such a head are still in it
_TIP = 4.0  # of a badge's tail, what is longer than the gap below it
_EVERYBODY = ""  # no character's key
_FRAME_TOP = 62.0  # below the banner and the microphone


def paint_badges(
    gui: Gui, stage: Rect, taken: Sequence[Rect] = (), talk: Sequence[Rect] = ()
) -> None:
    """Paint a badge over every head in sight, moved so that none covers another.

    `talk` are the places of captions and chat: badges behind them are lifted above them. A head
    behind an open panel, outside the `stage`, has no badge; neither has one whose badge would
    be cut by a card, whose places are `taken`, or by what stands at the top.
    """
    model, in_sight = gui.model, _sight(gui.model, stage)
    shown = [_badge(gui, a, model.now) for a in model.actors if in_sight.contains(a.head)]
    frame = Rect(stage.x - 6, _FRAME_TOP, stage.w + 12, model.size[1] - _FRAME_TOP - 40)
    over = [rect.inset(0, -_TIP) for rect in talk]
    places = _spread(gui, [each.place for each in shown], frame, over)
    for each, rect in zip(shown, places, strict=True):
        if rect.y < frame.y and each.actor.is_target:
            rect = rect.inside(frame)  # in a crowd it rather covers another than be missing
        if rect.y < frame.y or rect.first_overlap(taken):
            continue
        if each.text.note is not None:
            _paint_receipt(gui, each, rect, each.text.note)
        _paint_badge(gui, each, rect)


_Spread: TypeAlias = tuple[tuple[list[Rect], Rect, list[Rect]], tuple[Rect, ...]]


def _spread(gui: Gui, badges: list[Rect], frame: Rect, over: list[Rect]) -> tuple[Rect, ...]:
    """Return the places of badges: those of the frame before, unless something has moved."""
    now = badges, frame, over
    known: _Spread | None = gui.kept.get(_EVERYBODY)
    if known is None or known[0] != now:
        known = gui.kept[_EVERYBODY] = now, spread(badges, frame, over=over)
    return known[1]


def prewarm_badges(painter: Painter) -> Iterator[None]:
    """Draw the signs that change in talk, a picture for each step: they are kept for the game."""
    for dialogue in DialogueState:
        said = words.talk_badge(ENGLISH, dialogue)
        sign_picture(painter, said.shape, said.tone)
        yield
    arrow_picture(painter)
    yield


def _sight(model: HudModel, stage: Rect) -> Rect:
    """Return the area of the heads that have a badge."""
    left = stage.x if stage.x > MARGIN else -_OUTSIDE  # a panel is open there
    right = stage.right if stage.right < model.size[0] - MARGIN else model.size[0] + _OUTSIDE
    return Rect(left, -_OUTSIDE, right - left, model.size[1] + 2 * _OUTSIDE)


class _BadgeText(NamedTuple):
    """What a badge says and how large that is, until it has to be worked out again."""

    about: tuple[object, ...]
    until: float
    said: BadgeWords
    note: str | None
    w: float
    widest: float
    h: float
    pictures: dict[tuple[bool, int] | str, Any]
    """Its pictures as they were last, by whether it is the target's and where its tip is; and that
    of its note."""


class _Badge(NamedTuple):
    """A badge with its place if no other were near."""

    actor: Actor
    text: _BadgeText
    place: Rect


def _badge(gui: Gui, actor: Actor, now: float) -> _Badge:
    about = (actor.view, actor.name, gui.model.words.templates, gui.painter.fonts)
    text = gui.kept.get(actor.key)
    if text is None or now >= text.until or text.about != about:
        text = gui.kept[actor.key] = _badge_text(gui, actor, now, about)
    x, y = actor.head
    place = Rect(x - text.widest / 2, y - text.h - 10, text.widest, text.h)
    return _Badge(actor, text, place)


def _badge_text(gui: Gui, actor: Actor, now: float, about: tuple[object, ...]) -> _BadgeText:
    say, fonts, view = gui.say, gui.fonts, actor.view
    said, note = words.badge(say, view, now), words.receipt(say, view, now)
    inner = max(fonts.width(actor.name, _NAME, True), fonts.width(said.word, _WORD))
    w = widest = min(_WIDEST, inner + SIGN + 26.0)
    h = float(_H)
    if note is not None:
        widest, h = max(w, _note_width(gui, note)), h + _RECEIPT_H + 3
    return _BadgeText(about, words.badge_until(view, now), said, note, w, widest, h, {})


def _note_width(gui: Gui, note: str) -> float:
    return gui.fonts.width(note, _RECEIPT) + 22.0


def _over_head(actor: Actor, w: float, rect: Rect) -> float:
    """Return the left edge of something over the head that stays within the badge's place."""
    return max(rect.x, min(actor.head[0] - w / 2, rect.right - w))


def _paint_badge(gui: Gui, shown: _Badge, rect: Rect) -> None:
    actor, w, pictures = shown.actor, shown.text.w, shown.text.pictures
    x, y = _over_head(actor, w, rect), rect.bottom - _H
    middle = round(max(12.0, min(actor.head[0] - x, w - 12)))
    picture = pictures.get((actor.is_target, middle))
    if picture is None:
        picture = _badge_picture(gui, actor, shown.text, middle)
        pictures[actor.is_target, middle] = picture
    gui.blit(picture, (round(x) - _AROUND, round(y) - _AROUND))
    voice = gui.model.voice
    if voice.is_open and actor.key == voice.target:
        _paint_level(gui, Rect(x, y, w, _H), voice.level)


def _badge_picture(gui: Gui, actor: Actor, text: _BadgeText, middle: int) -> Any:
    return gui.painter.composed(
        ("badge", actor.name, text.said, actor.is_target, middle),
        (math.ceil(text.w) + 2 * _AROUND, _H + 2 * _AROUND),
        lambda blank: _compose(gui.on(blank), actor, text.said, text.w, middle),
    )


def _compose(gui: Gui, actor: Actor, said: BadgeWords, w: float, middle: int) -> None:
    """Paint a badge with its shadow, its tip, and `_AROUND` pixels of room on each side."""
    box = Rect(_AROUND, _AROUND, w, _H)
    gui.panel(box, _AIMED if actor.is_target else _PLAIN)
    gui.blit(sign_picture(gui.painter, said.shape, said.tone, said.ring), (box.x + 7, box.y + 7))
    left, room = box.x + SIGN + 12, w - SIGN - 20
    gui.text(actor.name, (left, box.y + 4), _NAME, CREAM, bold=True, room=room)
    gui.text(said.word, (left, box.y + 19), _WORD, TONES[said.tone], room=room)
    gui.blit(arrow_picture(gui.painter), (_AROUND + middle - 7, _AROUND + _H - 1))


def _paint_level(gui: Gui, box: Rect, level: float) -> None:
    """Show along the badge's foot how loud the player is heard there."""
    full = box.w - 24
    gui.fill((90, 80, 110, 255), (box.x + 12, box.bottom - 4, full, 2))
    gui.fill(AMBER, (box.x + 12, box.bottom - 4, full * min(1.0, level), 2))


def _paint_receipt(gui: Gui, shown: _Badge, rect: Rect, note: str) -> None:
    w, pictures = _note_width(gui, note), shown.text.pictures
    picture = pictures.get(note)
    if picture is None:
        picture = pictures[note] = _receipt_picture(gui, w, note)
    gui.blit(picture, (round(_over_head(shown.actor, w, rect)) - _AROUND, round(rect.y) - _AROUND))


def _receipt_picture(gui: Gui, w: float, note: str) -> Any:
    def compose(blank: Any) -> None:
        on = gui.on(blank)
        on.panel(Rect(_AROUND, _AROUND, w, _RECEIPT_H), _PAPER)
        on.text(note, (_AROUND + w / 2, _AROUND + 4), _RECEIPT, INK, align="center")

    size = (math.ceil(w) + 2 * _AROUND, _RECEIPT_H + 2 * _AROUND)
    return gui.painter.composed(("receipt", note), size, compose)


# Captions and chat

_BACK = PanelStyle(fill=(30, 24, 46, 255), border=(255, 255, 255, 26), radius=14, shadow=5)
_PILL = PanelStyle(fill=(30, 24, 46, 255), border=(255, 255, 255, 20), radius=12, shadow=0)
_FIELD = PanelStyle(fill=CREAM, border=AMBER, border_width=2.5, radius=14, shadow=6)
_WARN = PanelStyle(fill=(255, 240, 205, 245), border=AMBER, border_width=2, radius=12, shadow=5)
_MOST_LINES = 3
ELLIPSIS = "…"


class CaptionPlace(NamedTuple):
    """A caption, where it stands, and its lines with the height of their letters."""

    caption: Caption
    rect: Rect
    lines: Sequence[str]
    size: int


def caption_places(gui: Gui, stage: Rect, bottom: float, size: int) -> tuple[CaptionPlace, ...]:
    """Return the captions with their places upwards from `bottom`, the lowest first."""
    places: list[CaptionPlace] = []
    for caption in reversed(captions(gui.model)):
        places.append(_caption_place(gui, caption, stage, bottom, size))
        bottom = places[-1].rect.y - 6
    return tuple(places)


def _caption_place(
    gui: Gui, caption: Caption, stage: Rect, bottom: float, size: int
) -> CaptionPlace:
    w, most = min(720.0, stage.w), _MOST_LINES
    if caption.is_player:  # players know what they said: a glance is enough
        size, most = round(size * 0.8), 2
    text = gui.say("caption.cut_off", text=caption.text) if caption.is_cut else caption.text
    lines = _last_lines(gui, text, w - 36, size, most)
    h = len(lines) * gui.fonts.height(size) + gui.fonts.height(14) + 16
    return CaptionPlace(caption, bar(stage, w, h, bottom), lines, size)


def _last_lines(gui: Gui, text: str, w: float, size: int, most: int) -> Sequence[str]:
    """Return the last lines of a text, with a sign where the beginning is left out."""
    lines = gui.fonts.lines(text, w, size, False)
    if len(lines) <= most:
        return lines
    first, *others = lines[-most:]
    while first and gui.fonts.width(f"{ELLIPSIS} {first}", size) > w:
        first = first.partition(" ")[2]
    return [f"{ELLIPSIS} {first}", *others]


def paint_captions(gui: Gui, places: Sequence[CaptionPlace]) -> None:
    """Paint the captions where they stand."""
    for caption, box, lines, size in places:
        gui.panel(box, _BACK)
        colour = SKY if caption.is_player else AMBER
        gui.text(words.speaker(gui.say, caption), (box.x + 18, box.y + 6), 14, colour, bold=True)
        y = box.y + 8 + gui.fonts.height(14)
        for line in lines:
            rect = gui.text(line, (box.x + 18, y), size, CREAM)
            y += gui.fonts.height(size)
        if caption.is_open:
            gui.fill(colour, (rect.right + 4, rect.y + size * 0.3, 3, size * 0.8))


def paint_chat(gui: Gui, rect: Rect, field: TextField) -> None:
    """Paint the open chat box, its end or its cursor always in sight."""
    size, y, fonts = 18, rect.y + 10, gui.fonts
    gui.panel(rect, _FIELD)
    to, at, brown = words.chat_label(gui.model), (rect.x + 16, y + 2), (160, 90, 40, 255)
    left = gui.text(to, at, 15, brown, bold=True, room=rect.w * 0.4).right + 8
    room = rect.right - 16 - left
    before = field.text[: field.cursor] + field.composed
    text = before + field.text[field.cursor :]
    start = 0
    while fonts.width(before[start:], size) > room - 4:
        start += 1
    shown = text[start:]
    while shown and fonts.width(shown, size) > room:
        shown = shown[:-1]
    if text:
        gui.text(shown, (left, y), size, INK)
    else:
        gui.text(gui.say("chat.hint"), (left + 4, y + 1), 16, (150, 135, 140, 255), room=room)
    x = left + fonts.width(before[start:], size)
    w = min(x - left, fonts.width(field.composed, size))
    field.place = Rect(x - w, y, w, size + 7)
    if field.composed:
        gui.fill(INK, (x - w, y + size + 5, w, 2))
    if int(gui.model.now * 2) % 2 == 0:
        gui.fill(INK, (x, y + 1, 2, size + 4))


# Always on the screen, or for a moment


def paint_banner(gui: Gui, rect: Rect) -> None:
    """Paint where the talk goes: every host, in as many lines as it takes."""
    room = gui.model.size[0] - _MIC_WIDEST - 3 * MARGIN - 24
    lines = gui.fonts.lines(words.banner(gui.model), room, 13)
    w = max(gui.fonts.width(line, 13) for line in lines) + 24
    step = gui.fonts.height(13)
    gui.panel(Rect(rect.x, rect.y, w, rect.h + (len(lines) - 1) * step), _PILL)
    for number, line in enumerate(lines):
        gui.text(line, (rect.x + 12, rect.y + 5 + number * step), 13, CREAM)


def paint_hint(gui: Gui, rect: Rect, text: str) -> None:
    """Paint which keys can be pressed."""
    text = gui.fonts.shortened(text, rect.w - 24, 13)
    w = gui.fonts.width(text, 13) + 24
    x = rect.x + (rect.w - w) / 2
    gui.panel(Rect(x, rect.y, w, rect.h), _PILL)
    gui.text(text, (x + w / 2, rect.y + 3), 13, MUTED, align="center")


def notice_place(gui: Gui, stage: Rect, bottom: float) -> Rect | None:
    """Return where the notice stands: above `bottom`, or at the top where it would hide a face."""
    if gui.model.notice is None:
        return None
    lines = gui.fonts.lines(gui.model.notice, min(620, stage.w) - 28, 15, True)
    w = min(stage.w, max(gui.fonts.width(line, 15, True) for line in lines) + 28)
    h = len(lines) * gui.fonts.height(15) + 14
    x = stage.x + (stage.w - w) / 2
    faces, place = gui.model.faces, Rect(x, bottom - h, w, h)
    if place.first_overlap(faces) is None:
        return place
    places = place, Rect(x, stage.y, w, h)
    return min(places, key=lambda place: sum(map(place.shared_area, faces)))


def paint_notice(gui: Gui, box: Rect) -> None:
    """Paint a sentence for the player, such as why a line was not sent."""
    gui.panel(box, _WARN)
    place, text = (box.x + 14, box.y + 6, box.w - 27), gui.model.notice or ""
    gui.painter.paragraph(gui.surface, text, place, 15, INK, bold=True, align="center")


_MIC_LEFT, _MIC_LINE = 50, 15
_MIC_WIDEST = 380.0


def microphone_size(gui: Gui, said: MicWords) -> tuple[float, float]:
    """Return how large the microphone's card is: its sentence is never cut off."""
    fonts, beside = gui.fonts, _MIC_LEFT + 12
    title = fonts.width(said.title, 14, True) + beside
    if max(title, fonts.width(said.detail, 12) + beside) <= MIC_W:
        return MIC_W, MIC_H
    widest = _MIC_WIDEST if gui.model.size[0] >= 800 else max(MIC_W, title)
    lines = fonts.lines(said.detail, widest - beside, 12, False)
    w = max(title, *(fonts.width(line, 12) + beside for line in lines))
    return max(MIC_W, w), MIC_H + _MIC_LINE * (len(lines) - 1)


def paint_microphone(gui: Gui, rect: Rect, said: MicWords) -> None:
    """Paint where the voice goes and how loud it is; always on the screen."""
    voice = gui.model.voice
    colour = TONES[said.tone]
    gui.panel(rect, _BACK)
    picture = microphone_picture(gui.painter, colour, said.is_crossed)
    gui.blit(picture, (rect.x + 12, rect.y + 8))
    left, room = rect.x + _MIC_LEFT, rect.w - _MIC_LEFT - 12
    top = rect.y + (3 if voice.is_open else 7)
    gui.text(said.title, (left, top), 14, colour, bold=True, room=room)
    lines = gui.fonts.lines(said.detail, room + 1, 12, False)
    gui.lines(lines, (left, top + 17), 12, MUTED, step=_MIC_LINE)
    if voice.is_open:
        _paint_meter(gui, Rect(left, rect.bottom - 8, room, 4), voice.level)


def _paint_meter(gui: Gui, rect: Rect, level: float) -> None:
    cells = 24
    lit = round(min(1.0, level) * cells)
    step = rect.w / cells
    for i in range(cells):
        colour = (70, 62, 90, 255) if i >= lit else (CORAL if i > 20 else AMBER)
        gui.fill(colour, (rect.x + i * step, rect.y, step - 2, rect.h))


# Cards

_CARD = PanelStyle(fill=(255, 246, 230, 250), border=CORAL, border_width=2.5, radius=14, shadow=8)
_KEY = PanelStyle(fill=CREAM, border=(120, 90, 70, 160), radius=6, shadow=0)
_MOST_CARDS = 3


class ErrorCard(NamedTuple):
    """The card of those who failed for one cause, its words, and where it stands.

    Nobody has failed on the card of the service's problem.
    """

    together: Sequence[Actor]
    title: str
    text: str
    rect: Rect


def error_cards(gui: Gui, stage: Rect, taken: Sequence[Rect] = ()) -> tuple[ErrorCard, ...]:
    """Return a card for each cause, where nobody stands and nothing is `taken`, if that can be."""
    cards: list[ErrorCard] = []
    covered, w = [*gui.model.figures, *taken], min(400.0, stage.w)
    for together, title, text in _causes(gui)[:_MOST_CARDS]:
        lines = gui.fonts.lines(text, w - 36, 15, False)
        h = _title_height(gui, title, w) + len(lines) * gui.fonts.height(15) + 50
        places = _places(gui, stage, w, h, taken)
        rect = min(places, key=lambda place: sum(map(place.shared_area, covered)))
        cards.append(ErrorCard(together, title, text, rect))
        covered.append(rect.inset(-8))
    return tuple(cards)


def _causes(gui: Gui) -> list[tuple[Sequence[Actor], str, str]]:
    """Return who failed for each cause, with title and text: all that is to be told on cards."""
    say, model, problem = gui.say, gui.model, gui.model.service_problem
    found: list[tuple[Sequence[Actor], str, str]] = []
    for together in by_cause(model.actors):
        names, view = [actor.name for actor in together], together[0].view
        are_all = len(names) == len(model.actors)
        title = words.failure_title(say, names, view, are_all=are_all)
        found.append((together, title, words.player_words(say, view.error, problem)))
        if view.error is not None and view.error.code == words.NOT_STARTED:
            problem = ""  # it is told already
    if problem:
        found.append(((), say("service.trouble"), problem))
    return found


def _places(gui: Gui, stage: Rect, w: float, h: float, taken: Sequence[Rect]) -> Iterator[Rect]:
    """Yield where a card may stand: along the top, and then above what is `taken` below."""
    bottom = min([stage.bottom, *(rect.y for rect in taken)]) - h - 8
    left, middle, right = stage.x, stage.x + (stage.w - w) / 2, stage.right - w
    for x in (left, right, middle):
        is_beside_microphone = x + w < gui.model.size[0] - MIC_W - 2 * MARGIN
        yield Rect(x, stage.y - 22 if is_beside_microphone else stage.y, w, h)
    for x in (left, right, middle):
        yield Rect(x, max(stage.y, bottom), w, h)


def paint_errors(gui: Gui, cards: Sequence[ErrorCard], actions: Actions) -> None:
    """Paint the cards; all characters that have not failed go on behind them."""
    causes = [card.together for card in cards]
    for card in cards:
        _paint_card(gui, card)
        right = card.rect.right - 18
        for nth, action in enumerate(actions.offers(card.together, causes)):
            w = max(100.0, gui.fonts.width(action.label, 14, True) + 26)
            box = Rect(right - w, card.rect.bottom - 44, w, 32)
            gui.button(box, action, PLUM if nth else CORAL, SNOW)
            right = box.x - 10


def _title_height(gui: Gui, title: str, w: float) -> float:
    return 23 + len(gui.fonts.lines(title, w - 64, 16, True)) * gui.fonts.height(16)


def _paint_card(gui: Gui, card: ErrorCard) -> None:
    painter, rect = gui.painter, card.rect
    gui.panel(rect, _CARD)
    gui.blit(sign_picture(painter, Shape.SQUARE, Tone.BAD), (rect.x + 14, rect.y + 12))
    place = (rect.x + 46, rect.y + 14, rect.w - 64)
    painter.paragraph(gui.surface, card.title, place, 16, INK, bold=True)
    place = (rect.x + 18, rect.y + _title_height(gui, card.title, rect.w), rect.w - 36)
    y = painter.paragraph(gui.surface, card.text, place, 15, (75, 60, 85, 255))
    if rect.w > 330 and card.together:  # beside two buttons
        error = card.together[0].view.error
        code = error.code if error else "unknown"
        gui.text(code, (rect.x + 18, y + 16), 12, BRICK, room=rect.w - 250)


def paint_help(gui: Gui) -> None:
    """Paint the keys."""
    size, fonts = gui.model.size, gui.fonts
    rows = [(gui.say(keys), gui.say(what)) for keys, what in words.help_rows(gui.model.absent)]
    row = min(29, int(size[1] - 100) // len(rows))  # closer in a low picture
    # Another language may take more room than English, and a key be called "Leertaste".
    caps = max(100, *(fonts.width(keys, 14, True) + 18 for keys, _ in rows))
    text = 46 + caps
    w = min(max(520, text + 30 + max(fonts.width(what, 16) for _, what in rows)), size[0] - 20)
    h = 92.0 + row * len(rows)
    rect = Rect((size[0] - w) // 2, (size[1] - h) // 2, w, h)
    gui.sheet(rect, 120)
    gui.text(gui.say("help.title"), (rect.x + 30, rect.y + 20), 24, AMBER, bold=True)
    y = rect.y + 64
    for keys, what in rows:
        wide = max(40, fonts.width(keys, 14, True) + 18)
        cap = Rect(rect.x + 30 + caps - wide, y, wide, min(23, row - 4))
        gui.panel(cap, _KEY)
        top = cap.y + (cap.h - 16) / 2
        gui.text(keys, (cap.x + wide / 2, top), 14, INK, bold=True, align="center")
        gui.text(what, (rect.x + text, top - 2), 16, CREAM, room=w - text - 16)
        y += row


def paint_menu(gui: Gui, entries: Sequence[HudAction], chosen: int) -> None:
    """Paint the menu; `chosen` is the entry that Enter runs."""
    size = gui.model.size
    row = min(48.0, (size[1] - 90) / len(entries))  # closer in a low picture
    w, h = 400.0, 84.0 + row * len(entries)
    rect = Rect((size[0] - w) / 2, (size[1] - h) / 2, w, h)
    gui.sheet(rect, 150)
    middle = rect.x + w / 2
    gui.text(gui.say("menu.title"), (middle, rect.y + 18), 24, AMBER, bold=True, align="center")
    for nth, action in enumerate(entries):
        box = Rect(rect.x + 40, rect.y + 62 + nth * row, w - 80, row - 10)
        colour, ink = (AMBER, INK) if nth == chosen else (PLUM, CREAM)
        gui.button(box, action, colour, ink, 16)
    gui.text(gui.say("menu.keys"), (middle, rect.bottom - 24), 12, MUTED, align="center")
