"""Paints the fields of an object in the inspector, and the value under edit.

Paints the inspector: one session from inside, or the fields of its object.

Paints the Sound page of the menu: microphone, loudspeaker, and everybody's volume.

Paints the fault panel: whom to break, and how.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from characters.session.conversation import SessionState
from characters.ui.actions import Actions, FaultButton, FieldActions, SoundActions, SoundRow, Volume
from characters.ui.appearance import AMBER, CORAL, CREAM, INK, MUTED, PLUM, SAGE, SNOW
from characters.ui.paint.talk import MENU_SHEET
from characters.ui.paint.widgets import (
    LINE,
    SHEET,
    SIGN,
    SMALL,
    TAB,
    TAB_ON,
    TONES,
    Tab,
    loudspeaker_picture,
    paint_heading,
    paint_tabs,
    sign_picture,
)
from characters.ui.report import Moment, Row, rows, timeline
from characters.ui.state import SOUND_ROW, Draft, listing, origin_words, sound_page, window
from characters.ui.words import Actor, HudModel, Shape, Tone, badge, fault_lines
from engine.scenes.editor import CODE
from engine.scenes.file import DEFAULT, LEVEL, FieldRow
from engine.ui.canvas import Colour, Rect, mix
from engine.ui.events import Hotspots
from engine.ui.painter import Painter, PanelStyle

__all__ = ["paint_faults", "paint_inspector", "paint_sound"]


_FOOT = 124.0
_VALUE_W = 134.0
_BAR = PanelStyle(fill=(88, 72, 122, 255), border=(0, 0, 0, 0), radius=6, shadow=0)
_BOX = PanelStyle(fill=SNOW, border=AMBER, border_width=2, radius=6, shadow=0)


def paint_fields(
    painter: Painter,
    surface: Any,
    rect: Rect,
    y: float,
    fields: FieldActions,
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
            _paint_field_row(painter, surface, place, rows[line.index], is_chosen=is_chosen)
            hotspots.add(place, _click(fields, line.index))
            under_edit = place if is_chosen else under_edit
        y += LINE
    if fields.state.draft is not None:  # over the rows beside it
        _paint_draft(painter, surface, under_edit, fields.state.draft)
    foot = Rect(rect.x, rect.bottom - _FOOT, rect.w, _FOOT)
    _paint_foot(painter, surface, foot, fields, pointer, hotspots)


def _click(fields: FieldActions, index: int) -> Callable[[], object]:
    return lambda: fields.click(index)


def _paint_field_row(
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
    fields: FieldActions,
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
    actions: Actions,
) -> None:
    """Paint what is to be known of one character; tabs choose of whom, and which page."""
    painter.panel(surface, rect, SHEET)
    y = paint_tabs(painter, surface, rect, rect.y + 10, _people(model, actor, actions), hotspots)
    if actor is None:
        painter.text(surface, "Nobody is here.", (rect.x + 16, y + 4), 15, MUTED)
        return
    fields = actions.fields
    pages: list[Tab] = [
        ("Session", not fields.is_open, fields.close),
        ("Fields (E)", fields.is_open, fields.open),
    ]
    y = paint_tabs(painter, surface, rect, y, pages, hotspots) + 4
    if fields.is_open:
        paint_fields(painter, surface, rect, y, fields, model.pointer, hotspots)
    else:
        _paint_session(painter, surface, model, rect, y, actor)


def _people(model: HudModel, actor: Actor | None, actions: Actions) -> list[Tab]:
    return [
        (other.name, actor is not None and other.key == actor.key, _inspect(actions, other.key))
        for other in model.actors
    ]


def _inspect(actions: Actions, key: str) -> Any:
    return lambda: actions.inspect(key)


def _paint_session(
    painter: Painter, surface: Any, model: HudModel, rect: Rect, y: float, actor: Actor
) -> None:
    for row in rows(actor, model.now):
        y = _paint_report_row(painter, surface, rect, y, row)
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


def _paint_report_row(painter: Painter, surface: Any, rect: Rect, y: float, row: Row) -> float:
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


_HEAD = 44.0
_LABEL_W, _ARROW_W, _PERCENT_W = 176.0, 26.0, 62.0
_KEYS = "Choose: Up, Down    Change: Left, Right    Mute: M    Back: Esc"


def paint_sound(
    painter: Painter, surface: Any, model: HudModel, sound: SoundActions, hotspots: Hotspots
) -> None:
    """Paint a row for each choice, the chosen one lit, and below what is to be said of it."""
    rows, chosen = sound.rows, sound.chosen
    page = sound_page(model.size, len(rows))
    painter.shade(surface, Rect(0, 0, *model.size), (20, 14, 30, 150))
    painter.panel(surface, page, MENU_SHEET)
    painter.text(surface, "Sound", (page.x + 28, page.y + 11), 22, AMBER, bold=True)
    _paint_back(painter, surface, model, page, sound, hotspots)
    for nth, row in enumerate(rows):
        place = Rect(page.x + 16, page.y + _HEAD + nth * SOUND_ROW, page.w - 32, SOUND_ROW - 3)
        hotspots.add(place, _chooses(sound, nth))
        _paint_sound_row(painter, surface, model, place, row, hotspots, is_chosen=nth == chosen)
    hint = rows[chosen].hint if rows else ""
    _paint_note(painter, surface, page, sound.note, hint)
    keys = painter.fonts.shortened(_KEYS, page.w - 32, 12)
    painter.text(surface, keys, (page.center[0], page.bottom - 22), 12, MUTED, align="center")


def _chooses(sound: SoundActions, nth: int) -> Callable[[], object]:
    return lambda: sound.choose(nth)


def _paint_back(
    painter: Painter,
    surface: Any,
    model: HudModel,
    page: Rect,
    sound: SoundActions,
    hotspots: Hotspots,
) -> None:
    box = Rect(page.right - 104, page.y + 11, 88, 25)
    is_hot = box.contains(model.pointer)
    painter.button(surface, box, "Esc: back", size=13, hot=is_hot, colour=PLUM, text_colour=CREAM)
    hotspots.add(box, sound.close)


def _paint_sound_row(
    painter: Painter,
    surface: Any,
    model: HudModel,
    place: Rect,
    row: SoundRow,
    hotspots: Hotspots,
    *,
    is_chosen: bool,
) -> None:
    ink, back = (INK, TAB_ON) if is_chosen else (CREAM, TAB)
    painter.panel(surface, place, back)
    label = painter.fonts.shortened(row.label, _LABEL_W - 46, 15, True)
    painter.text(surface, label, (place.x + 12, place.y + 3), 15, ink, bold=True)
    left = Rect(place.x + _LABEL_W, place.y, _ARROW_W, place.h)
    right = Rect(place.right - _ARROW_W, place.y, _ARROW_W, place.h)
    for box, sign, by in ((left, "<", -1), (right, ">", 1)):
        colour = SNOW if box.contains(model.pointer) and not is_chosen else ink
        at = (box.center[0], box.y + 3)
        painter.text(surface, sign, at, 15, colour, bold=True, align="center")
        hotspots.add(box, _steps(row, by))
    between = Rect(left.right + 4, place.y, right.x - left.right - 8, place.h)
    if row.volume is None:
        value = painter.fonts.shortened(row.value, between.w, 14)
        painter.text(surface, value, (between.center[0], place.y + 4), 14, ink, align="center")
        return
    _paint_mute(painter, surface, left.x - SIGN - 4, place, row.volume, ink, hotspots)
    at = (between.right - 4, place.y + 4)
    painter.text(surface, row.value, at, 14, ink, align="right")
    bar = Rect(between.x + 4, place.y + 6, between.w - _PERCENT_W, place.h - 12)
    _paint_volume(surface, bar, row.volume, ink, mix(back.fill, ink, 0.25), hotspots)


def _steps(row: SoundRow, by: int) -> Callable[[], object]:
    return lambda: row.step(by)


def _paint_mute(
    painter: Painter,
    surface: Any,
    x: float,
    place: Rect,
    volume: Volume,
    ink: Colour,
    hotspots: Hotspots,
) -> None:
    surface.blit(loudspeaker_picture(painter, ink, volume.is_muted), (x, place.y))
    hotspots.add(Rect(x, place.y, SIGN, place.h), volume.mute)


def _paint_volume(
    surface: Any, bar: Rect, volume: Volume, ink: Colour, dim: Colour, hotspots: Hotspots
) -> None:
    """Paint ten cells, lit up to the volume; a click on one is that volume."""
    w = bar.w / 10
    lit = 0 if volume.is_muted else volume.tenths
    for nth in range(10):
        cell = Rect(bar.x + nth * w, bar.y, w, bar.h)
        surface.fill((ink if nth < lit else dim)[:3], (cell.x, cell.y, w - 3, cell.h))
        hotspots.add(cell, _sets(volume, nth + 1))


def _sets(volume: Volume, tenths: int) -> Callable[[], object]:
    return lambda: volume.set(tenths)


def _paint_note(painter: Painter, surface: Any, page: Rect, note: str, hint: str) -> None:
    y = page.bottom - 24 - 2 * LINE
    for line in painter.fonts.lines(note or hint, page.w - 56, SMALL, False)[:2]:
        colour = AMBER if note else CREAM
        painter.text(surface, line, (page.center[0], y), SMALL, colour, align="center")
        y += LINE


TARGET_STEP, BUTTON_STEP = 29, 36
STATE_H = 3 * 18 + 26


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
    painter.panel(surface, rect, SHEET)
    painter.text(surface, "Break something", (rect.x + 16, rect.y + 10), 17, AMBER, bold=True)
    y = rect.y + 40
    targets: list[tuple[str | None, str]] = [(None, "Everybody")]
    targets += [(actor.key, actor.name) for actor in model.actors]
    below = 8 + ((len(buttons) + 1) // 2) * BUTTON_STEP + 2 + STATE_H
    room = max(1, int((rect.bottom - y - below) // TARGET_STEP))
    for nth, (key, name) in enumerate(targets[:room]):
        row = Rect(rect.x + 10, y, rect.w - 20, 25)
        is_on = key == chosen
        painter.panel(surface, row, TAB_ON if is_on else TAB)
        colour = INK if is_on else CREAM
        words = painter.fonts.shortened(f"{nth}  {name}", row.w - 46, 14, True)
        painter.text(surface, words, (row.x + 10, y + 4), 14, colour, bold=True)
        _paint_state(painter, surface, model, key, row)
        hotspots.add(row, lambda key=key: choose(key))  # type: ignore[misc]  # the default binds the loop's value
        y += TARGET_STEP
    at = Rect(rect.x, y + 8, rect.w, 0)
    y = _paint_buttons(painter, surface, model, at, buttons, hotspots)
    _paint_state_of_things(painter, surface, model, rect.x + 14, y + 2)


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
) -> float:
    w = (at.w - 30) / 2
    for nth, button in enumerate(buttons):
        box = Rect(at.x + 10 + (nth % 2) * (w + 10), at.y + (nth // 2) * BUTTON_STEP, w, 31)
        colour: Colour = CORAL if button.is_harmful else SAGE
        is_hot = button.is_enabled and box.contains(model.pointer)
        painter.button(
            surface, box, f"{button.key.upper()}  {button.label}", hot=is_hot, size=13,
            colour=colour if button.is_enabled else (98, 90, 112, 255),
            text_colour=INK if button.is_enabled else MUTED,
        )  # fmt: skip
        if button.is_enabled:
            hotspots.add(box, button.action)
    return at.y + ((len(buttons) + 1) // 2) * BUTTON_STEP


def _paint_state_of_things(
    painter: Painter, surface: Any, model: HudModel, x: float, y: float
) -> None:
    for words, tone in fault_lines(model.faults):
        painter.text(surface, words, (x, y), 13, TONES[tone])
        y += 18
    painter.text(surface, "Number: who. Letter: what. F4 closes.", (x, y + 2), 12, MUTED)
