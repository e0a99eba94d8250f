"""Paints the panels: the inspector with its pages, the Sound and Slots page, the fault panel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

from characters.client.context import RememberedFact
from characters.session.conversation import SessionState
from characters.storage.slots import Picture, SlotInfo
from characters.ui import words
from characters.ui.actions import Actions, FieldActions
from characters.ui.appearance import AMBER, CORAL, CREAM, INK, MUTED, PLUM, SAGE, SNOW
from characters.ui.memory import MemoryActions
from characters.ui.model import Actor
from characters.ui.paint.widgets import (
    LINE,
    SHEET,
    SIGN,
    SMALL,
    TAB,
    TAB_ON,
    TONES,
    Gui,
    Tab,
    loudspeaker_picture,
    sign_picture,
)
from characters.ui.report import Moment, rows, timeline
from characters.ui.slots import SlotActions
from characters.ui.sound import SoundActions, SoundRow, Volume
from characters.ui.state import (
    SLOT_ROW,
    SOUND_ROW,
    Draft,
    FieldLine,
    HudAction,
    HudState,
    Scroll,
    listing,
    slots_page,
    sound_page,
    sound_rows,
    window,
)
from characters.ui.words import Shape, Tone
from engine.scenes.editor import CODE
from engine.scenes.file import DEFAULT, LEVEL, FieldRow
from engine.ui.colour import Colour, mix
from engine.ui.geometry import Rect
from engine.ui.painter import PanelStyle
from engine.ui.text_field import TextField

__all__ = ["paint_faults", "paint_inspector", "paint_slots", "paint_sound"]


# The inspector

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
    gui: Gui, rect: Rect, actor: Actor | None, actions: Actions, scroll: Scroll
) -> None:
    """Paint a page about one character; tabs choose the character and the page."""
    gui.panel(rect, SHEET)
    people: list[Tab] = [
        (other.name, other is actor, partial(actions.inspect, other.key))
        for other in gui.model.actors
    ]
    y = gui.tabs(rect, rect.y + 10, people)
    if actor is None:
        gui.text(gui.say("inspector.nobody"), (rect.x + 16, y + 4), 15, MUTED)
        return
    fields, memory = actions.fields, actions.memory
    is_session = not (fields.is_open or memory.is_open)
    pages: list[Tab] = [
        (gui.say("inspector.session"), is_session, fields.close),
        (gui.say("inspector.fields"), fields.is_open, fields.open),
        (gui.say("inspector.memory"), memory.is_open, memory.open),
    ]
    y = gui.tabs(rect, y, pages) + 4
    page = Rect(rect.x, y, rect.w, rect.bottom - 8 - y)
    if fields.is_open:
        _paint_fields(gui, page, fields)
        return
    if memory.is_open:
        _paint_memory(gui, page, memory)
        return
    lines = tuple(_session_lines(gui, page, actor))
    shown = scroll.window(len(lines), int(page.h // SESSION_LINE))
    for nth in shown:
        lines[nth](page.y + (nth - shown.start) * SESSION_LINE)
    gui.scroll_bar(page, shown, len(lines))


_SAID = MappingProxyType(
    {"player": "inspector.player_said", "character": "inspector.character_said"}
)
SESSION_LINE = 18
SessionLine: TypeAlias = Callable[[float], object]
"""Paints itself at a y."""


def _session_lines(gui: Gui, page: Rect, actor: Actor) -> Iterator[SessionLine]:
    for row in rows(gui.say, actor, gui.model.now):
        for nth, text in enumerate(gui.fonts.lines(row.value, page.w - 116, SMALL, False)):
            yield partial(_paint_row, gui, page, "" if nth else row.label, text)
    yield from _heading(gui, page, gui.say("inspector.timeline"))
    for moment in timeline(gui.say, actor.view, gui.model.now):
        yield partial(_paint_moment, gui, page, moment)
    said = [gui.say(_SAID[entry.speaker], text=entry.text) for entry in actor.view.transcript]
    yield from _texts(gui, page, gui.say("inspector.transcript"), said)
    yield from _texts(gui, page, gui.say("inspector.messages"), actor.messages)


def _texts(gui: Gui, page: Rect, title: str, texts: Sequence[str]) -> Iterator[SessionLine]:
    """Yield the lines of texts, the newest first, under a heading."""
    if not texts:
        return
    yield from _heading(gui, page, title)
    for text in reversed(texts):
        for line in gui.fonts.lines(text, page.w - 34, SMALL, False):
            yield partial(_paint_row, gui, page, line, "")


def _heading(gui: Gui, page: Rect, title: str) -> Iterator[SessionLine]:
    """Yield a heading, which is as high as two lines."""
    yield partial(gui.heading, page, text=title)
    yield lambda y: None


def _paint_row(gui: Gui, page: Rect, label: str, value: str, y: float) -> None:
    room = 86 if value else None
    gui.text(label, (page.x + 14, y), SMALL, MUTED if value else CREAM, room=room)
    gui.text(value, (page.x + 104, y), SMALL, SNOW)


def _paint_moment(gui: Gui, page: Rect, moment: Moment, y: float) -> None:
    gui.blit(sign_picture(gui.painter, *_STATE_SIGNS[moment.state]), (page.x + 12, y - 4))
    gui.text(moment.when, (page.x + 82, y), 12, MUTED, align="right")
    what = moment.state.name.lower() + (f": {moment.why}" if moment.why else "")
    gui.text(what, (page.x + 92, y - 1), SMALL, CREAM, room=page.w - 112)


# The fields of the inspector

_FOOT = 124.0
_FIELD_H = 20  # as high as the box of a value under edit
_VALUE_W = 134.0
_BAR = PanelStyle(fill=(88, 72, 122, 255), border=(0, 0, 0, 0), radius=6, shadow=0)
_BOX = PanelStyle(fill=SNOW, border=AMBER, border_width=2, radius=6, shadow=0)


def _paint_fields(gui: Gui, page: Rect, fields: FieldActions) -> None:
    """Paint the list around the chosen row, and below it the words about that row."""
    rows, chosen = fields.rows, fields.chosen
    lines = listing(rows)
    index = rows.index(chosen) if chosen else 0
    at = next((nth for nth, line in enumerate(lines) if line.index == index), 0)
    listed = Rect(page.x, page.y, page.w, page.h + 8 - _FOOT)
    shown = window(len(lines), at, int(listed.h // _FIELD_H))
    for nth, place in _places(shown, Rect(page.x + 8, page.y, page.w - 22, _FIELD_H), _FIELD_H):
        _paint_field_line(gui, place, lines[nth], fields)
    gui.scroll_bar(listed, shown, len(lines))
    _paint_foot(gui, Rect(page.x, page.bottom + 8 - _FOOT, page.w, _FOOT), fields)


def _paint_field_line(gui: Gui, place: Rect, line: FieldLine, fields: FieldActions) -> None:
    if line.index is None:
        heading = line.text or gui.say("field.object")
        gui.text(heading, (place.x + 6, place.y + 2), 12, AMBER, bold=True)
        return
    row, draft = fields.rows[line.index], fields.state.draft
    is_chosen = row is fields.chosen
    _paint_field_row(gui, place, row, is_chosen=is_chosen)
    gui.hotspots.add(place, partial(fields.click, line.index))
    if is_chosen and draft is not None:
        _paint_draft(gui, place, draft)


def _paint_field_row(gui: Gui, place: Rect, row: FieldRow, *, is_chosen: bool) -> None:
    if is_chosen:
        gui.panel(place, _BAR)
    value_x, room = place.right - _VALUE_W, _VALUE_W - 6
    gui.text(row.name, (place.x + 12, place.y + 1), SMALL, CREAM, room=value_x - place.x - 18)
    origin = "" if row.origin in (LEVEL, DEFAULT, CODE) else row.origin.partition(" ")[0]
    if origin:
        at = (place.right - 6, place.y + 2)
        room -= gui.text(origin, at, 11, AMBER, align="right").w + 8
    is_quiet = row.origin == DEFAULT or row.is_fixed or not row.text
    colour = MUTED if is_quiet else SNOW
    gui.text(row.text or gui.say("field.empty"), (value_x, place.y + 1), SMALL, colour, room=room)


def _paint_draft(gui: Gui, place: Rect, draft: Draft) -> None:
    """Paint the value under edit over the row's own."""
    _, text = _in_sight(gui, draft.field, place.w - 40, SMALL)
    wide = max(_VALUE_W + 4, gui.fonts.width(text, SMALL) + 22)
    box = Rect(place.right - wide, place.y, wide, place.h)
    if not draft.row.choices:
        _paint_typed(gui, box, draft.field, SMALL)
        return
    draft.field.place = box
    gui.panel(box, _BOX)
    y = place.y + 1
    gui.text(text, (box.center[0], y), SMALL, INK, bold=True, align="center")
    gui.text("<", (box.x + 5, y), SMALL, INK, bold=True)
    gui.text(">", (box.right - 12, y), SMALL, INK, bold=True)


def _paint_foot(gui: Gui, foot: Rect, fields: FieldActions) -> None:
    gui.fill((90, 78, 118, 255), (round(foot.x) + 14, round(foot.y) + 4, round(foot.w) - 28, 1))
    row, state, inner = fields.chosen, fields.state, foot.w - 28
    message, colour = state.message, CORAL if state.is_refusal else SAGE
    if not message and row is not None:
        message, colour = words.origin_words(gui.say, row), MUTED
    path, x = row.path if row else "", foot.x + 14
    gui.text(path, (x, foot.y + 9), SMALL, SNOW, bold=True, room=inner)
    lines = gui.fonts.lines(message, inner, SMALL, False)[:3]
    gui.lines(lines, (x, foot.y + 28), SMALL, colour, step=LINE - 1)
    _paint_buttons(gui, Rect(x, foot.bottom - 38, inner, 28), fields.buttons)


def _places(shown: range, first: Rect, step: float) -> Iterator[tuple[int, Rect]]:
    """Yield each row of a list that is shown, with its place below the first one."""
    return ((nth, first.moved(0, (nth - shown.start) * step)) for nth in shown)


def _paint_buttons(gui: Gui, row: Rect, buttons: Sequence[HudAction]) -> None:
    w = (row.w - 8 * (len(buttons) - 1)) / len(buttons)
    for nth, action in enumerate(buttons):
        box = Rect(row.x + nth * (w + 8), row.y, w, row.h)
        gui.button(box, action, PLUM, CREAM, 13)


# The Memory page

_FACT_H, _MEMORY_FOOT = 42.0, 128.0


def _paint_memory(gui: Gui, page: Rect, memory: MemoryActions) -> None:
    """Paint a row for each fact, and below them what can be done with the chosen one."""
    facts, state = memory.facts, memory.state
    listed = Rect(page.x, page.y, page.w, page.h + 8 - _MEMORY_FOOT)
    shown = window(len(facts), state.chosen, int(listed.h // _FACT_H))
    first = Rect(page.x + 8, page.y, page.w - 22, _FACT_H - 3)
    for nth, place in _places(shown, first, _FACT_H):
        gui.hotspots.add(place, partial(memory.choose, nth))
        is_chosen = facts[nth] is memory.chosen
        _paint_fact(gui, place, facts[nth], memory, is_chosen=is_chosen)
    gui.scroll_bar(listed, shown, len(facts))
    y = page.bottom + 8 - _MEMORY_FOOT
    gui.fill((90, 78, 118, 255), (round(page.x) + 14, round(y) + 4, round(page.w) - 28, 1))
    colour = CORAL if state.has_failed or state.asked else CREAM
    lines = gui.fonts.lines(memory.note, page.w - 28, SMALL, False)[:2]
    gui.lines(lines, (page.x + 14, y + 11), SMALL, colour)
    buttons = memory.buttons()
    for nth in range(0, len(buttons), 2):
        row = Rect(page.x + 14, y + 52 + 17 * nth, page.w - 28, 28)
        _paint_buttons(gui, row, buttons[nth : nth + 2])


def _paint_fact(
    gui: Gui, place: Rect, fact: RememberedFact, memory: MemoryActions, *, is_chosen: bool
) -> None:
    if is_chosen:
        gui.panel(place, _BAR)
    x, y, right = place.x + 10, place.y + 3, place.right - 10
    if fact.is_pinned:
        pinned = gui.say("memory.pinned")
        right -= gui.text(pinned, (right, y + 2), 12, AMBER, bold=True, align="right").w + 8
    key = gui.text(gui.say("memory.key", key=fact.key), (x, y), 15, MUTED, room=right - x)
    colour = SNOW if fact.is_here else MUTED
    at, room = (key.right + 7, y), right - key.right - 7
    gui.text(fact.value, at, 15, colour, bold=True, room=room)
    quiet = CREAM if is_chosen else MUTED
    gui.text(memory.source(fact), (x, y + 19), 12, quiet, room=place.right - 10 - x)
    if is_chosen and memory.state.value is not None:
        box = Rect(key.right + 3, place.y + 1, place.right - key.right - 7, 21)
        _paint_typed(gui, box, memory.state.value, 15)


def _paint_typed(gui: Gui, box: Rect, typed: TextField, size: int) -> None:
    """Paint a text that is typed, with its cursor; a fresh one is marked: typing replaces it.

    What an input method composes is underlined.
    """
    typed.place = box
    gui.panel(box, _BOX)
    before, text = _in_sight(gui, typed, box.w - 14, size)
    x, y, width = box.x + 6, box.center[1] - size * 0.62, gui.fonts.width
    if typed.is_fresh and text:
        marked = round(x) - 1, round(y) + 1, round(width(text, size)) + 2, size + 3
        gui.fill((250, 214, 150, 255), marked)
    gui.text(text, (x, y), size, INK)
    cursor = x + width(before, size)
    gui.fill(INK, (round(cursor), round(y) + 2, 2, size + 1))
    if typed.composed:
        w = min(cursor - x, width(typed.composed, size))
        gui.fill(INK, (round(cursor - w), round(y) + size + 3, round(w), 1))


def _in_sight(gui: Gui, typed: TextField, room: float, size: int) -> tuple[str, str]:
    """Return what stands before the cursor, and the text; of a long one what is around it."""
    before = typed.text[: typed.cursor] + typed.composed
    while gui.fonts.width(before, size) > room:
        before = before[1:]
    return before, gui.fonts.shortened(before + typed.text[typed.cursor :], room, size)


# The Sound page

_HEAD = 44.0
_LABEL_W, _ARROW_W, _PERCENT_W = 176.0, 26.0, 62.0


def paint_sound(gui: Gui, sound: SoundActions) -> None:
    """Paint a row for each choice, the chosen one lit, and the words about it below."""
    rows, chosen = sound.rows, sound.chosen
    page = sound_page(gui.model.size, len(rows))
    gui.sheet(page, 150)
    gui.text(gui.say("sound.title"), (page.x + 28, page.y + 11), 22, AMBER, bold=True)
    back = Rect(page.right - 104, page.y + 11, 88, 25)
    gui.button(back, HudAction(sound.close, gui.say("menu.back")), PLUM, CREAM, 13)
    shown = window(len(rows), chosen, sound_rows(gui.model.size[1]))
    first = Rect(page.x + 16, page.y + _HEAD, page.w - 32, SOUND_ROW - 3)
    for nth, place in _places(shown, first, SOUND_ROW):
        gui.hotspots.add(place, partial(sound.choose, nth))
        _paint_sound_row(gui, place, rows[nth], is_chosen=nth == chosen)
    listed = Rect(page.x, page.y + _HEAD, page.w - 2, len(shown) * SOUND_ROW - 3)
    gui.scroll_bar(listed, shown, len(rows))
    hint = rows[chosen].hint if rows else ""
    lines = gui.fonts.lines(sound.note or hint, page.w - 56, SMALL, False)[:2]
    middle, colour = page.center[0], AMBER if sound.note else CREAM
    gui.lines(lines, (middle, page.bottom - 24 - 2 * LINE), SMALL, colour, align="center")
    at = (middle, page.bottom - 22)
    gui.text(gui.say("sound.keys"), at, 12, MUTED, align="center", room=page.w - 32)


def _paint_sound_row(gui: Gui, place: Rect, row: SoundRow, *, is_chosen: bool) -> None:
    ink, back = (INK, TAB_ON) if is_chosen else (CREAM, TAB)
    gui.panel(place, back)
    at = (place.x + 12, place.y + 3)
    gui.text(row.label, at, 15, ink, bold=True, room=_LABEL_W - 46)
    left = Rect(place.x + _LABEL_W, place.y, _ARROW_W, place.h)
    right = Rect(place.right - _ARROW_W, place.y, _ARROW_W, place.h)
    for box, sign, by in ((left, "<", -1), (right, ">", 1)):
        colour = SNOW if box.contains(gui.model.pointer) and not is_chosen else ink
        gui.text(sign, (box.center[0], box.y + 3), 15, colour, bold=True, align="center")
        gui.hotspots.add(box, partial(row.step, by))
    between = Rect(left.right + 4, place.y, right.x - left.right - 8, place.h)
    if row.volume is None:
        at = (between.center[0], place.y + 4)
        gui.text(row.value, at, 14, ink, align="center", room=between.w)
        return
    mute = Rect(left.x - SIGN - 4, place.y, SIGN, place.h)
    gui.blit(loudspeaker_picture(gui.painter, ink, row.volume.is_muted), (mute.x, mute.y))
    gui.hotspots.add(mute, row.volume.mute)
    gui.text(row.value, (between.right - 4, place.y + 4), 14, ink, align="right")
    bar = Rect(between.x + 4, place.y + 6, between.w - _PERCENT_W, place.h - 12)
    _paint_volume(gui, bar, row.volume, ink, mix(back.fill, ink, 0.25))


def _paint_volume(gui: Gui, bar: Rect, volume: Volume, ink: Colour, dim: Colour) -> None:
    """Paint ten cells, lit up to the volume; a click on one is that volume."""
    w = bar.w / 10
    lit = 0 if volume.is_muted else volume.tenths
    for nth in range(10):
        cell = Rect(bar.x + nth * w, bar.y, w, bar.h)
        gui.fill(ink if nth < lit else dim, (cell.x, cell.y, w - 3, cell.h))
        gui.hotspots.add(cell, partial(volume.set, nth + 1))


# The Slots page

_THUMB_W, _THUMB_H = 102, 64


def paint_slots(gui: Gui, slots: SlotActions, name: TextField | None) -> None:
    """Paint a row for each slot, the chosen one lit, and below them what can be done with it."""
    rows, chosen = slots.rows, slots.chosen
    page, room = slots_page(gui.model.size, rows)
    gui.sheet(page, 150)
    gui.text(gui.say("slots.title"), (page.x + 28, page.y + 11), 22, AMBER, bold=True)
    shown = window(rows, chosen, room)
    first = Rect(page.x + 16, page.y + _HEAD, page.w - 36, SLOT_ROW - 6)
    for nth, place in _places(shown, first, SLOT_ROW):
        gui.hotspots.add(place, partial(slots.click, nth))
        if nth == 0:
            _paint_new_slot(gui, place, name, is_chosen=nth == chosen)
        else:
            _paint_slot(gui, place, slots, nth, is_chosen=nth == chosen)
    gui.scroll_bar(Rect(page.x, page.y + _HEAD, page.w - 2, room * SLOT_ROW - 6), shown, rows)
    slot, middle = slots.slot, page.center[0]
    is_warning = slot is not None and (slot.is_damaged or bool(slot.fresh))
    is_warning = is_warning or bool(slots.page.asked[0])
    colour = AMBER if is_warning else CREAM
    lines = gui.fonts.lines(slots.note, page.w - 56, SMALL, False)[:2]
    gui.lines(lines, (middle, page.bottom - 100), SMALL, colour, align="center")
    _paint_buttons(gui, Rect(page.x + 16, page.bottom - 60, page.w - 32, 28), slots.buttons())
    keys = gui.say("slots.keys")
    gui.text(keys, (middle, page.bottom - 24), 12, MUTED, align="center", room=page.w - 32)


def _paint_new_slot(gui: Gui, place: Rect, name: TextField | None, *, is_chosen: bool) -> None:
    ink, back = (INK, TAB_ON) if is_chosen else (CREAM, TAB)
    gui.panel(place, back)
    sign = Rect(place.x + 4, place.y + 1, _THUMB_W, _THUMB_H)
    gui.text("+", (sign.center[0], sign.y + 10), 32, ink, bold=True, align="center")
    x, y = sign.right + 12, place.y + 20
    if name is None:
        gui.text(gui.say("slots.new"), (x, y), 17, ink, bold=True)
        return
    _paint_typed(gui, Rect(x - 6, y - 6, place.right - x - 6, 34), name, 17)


def _paint_slot(gui: Gui, place: Rect, slots: SlotActions, nth: int, *, is_chosen: bool) -> None:
    slot = slots.page.slots[nth - 1]
    ink, back = (INK, TAB_ON) if is_chosen else (CREAM, TAB)
    quiet = mix(ink, back.fill, 0.25)
    gui.panel(place, back)
    _paint_thumbnail(gui, place, slot, slots.page.pictures.get(slot.name))
    x, room = place.x + _THUMB_W + 16, place.w - _THUMB_W - 28
    gui.text(slot.name, (x, place.y + 5), 17, ink, bold=True, room=room)
    if slot.is_damaged:
        gui.text(gui.say("slots.cannot_be_read"), (x, place.y + 30), SMALL, quiet, room=room)
        return
    gui.text(slots.where(slot), (x, place.y + 27), SMALL, quiet, room=room)
    gui.text(", ".join(slot.here), (x, place.y + 45), SMALL, quiet, room=room)


def _paint_thumbnail(gui: Gui, place: Rect, slot: SlotInfo, pixels: Picture | None) -> None:
    if pixels is not None:
        key = ("slot", slot.name, slot.saved_at)
        picture = gui.painter.photo(key, pixels, (_THUMB_W, _THUMB_H))
        gui.blit(picture, (place.x + 4, place.y + 1))


# The fault panel

_TARGET_STEP, _BUTTON_STEP = 29, 36
_STATE_H = 3 * 18 + 26
_DISABLED: Colour = (98, 90, 112, 255)


def paint_faults(gui: Gui, rect: Rect, state: HudState, buttons: Sequence[HudAction]) -> None:
    """Paint what can be broken, and of which character."""
    gui.panel(rect, SHEET)
    title = gui.say("faults.title")
    gui.text(title, (rect.x + 16, rect.y + 10), 17, AMBER, bold=True, room=rect.w - 32)
    y, button_rows = rect.y + 40, (len(buttons) + 1) // 2
    targets = [None, *gui.model.actors]
    below = 8 + button_rows * _BUTTON_STEP + 2 + _STATE_H
    room = max(1, int((rect.bottom - y - below) // _TARGET_STEP))
    keys = [actor.key for actor in gui.model.actors]
    chosen = keys.index(state.fault_target) + 1 if state.fault_target in keys else 0
    shown = window(len(targets), chosen, room)
    listed = Rect(rect.x, y, rect.w, len(shown) * _TARGET_STEP - 4)
    gui.scroll_bar(listed, shown, len(targets))
    for nth in shown:
        actor, row = targets[nth], Rect(rect.x + 10, y, rect.w - 22, 25)
        _paint_target(gui, row, nth, actor, is_chosen=nth == chosen)
        gui.hotspots.add(row, partial(state.choose_fault_target, nth, keys))
        y += _TARGET_STEP
    _paint_fault_buttons(gui, Rect(rect.x, y + 8, rect.w, 0), buttons)
    x, y = rect.x + 14, y + 10 + button_rows * _BUTTON_STEP
    for line, tone in words.fault_lines(gui.say, gui.model.faults):
        gui.text(line, (x, y), 13, TONES[tone], room=rect.w - 28)
        y += 18
    gui.text(gui.say("faults.keys"), (x, y + 2), 12, MUTED, room=rect.w - 28)


def _paint_target(gui: Gui, row: Rect, nth: int, actor: Actor | None, *, is_chosen: bool) -> None:
    gui.panel(row, TAB_ON if is_chosen else TAB)
    name, colour = actor.name if actor else gui.say("faults.everybody"), INK if is_chosen else CREAM
    at = (row.x + 10, row.y + 4)
    gui.text(f"{nth}  {name}", at, 14, colour, bold=True, room=row.w - 46)
    if actor is not None:
        said = words.badge(gui.say, actor.view, gui.model.now)
        sign = sign_picture(gui.painter, said.shape, said.tone)
        gui.blit(sign, (row.right - 30, row.y + 0.5))


def _paint_fault_buttons(gui: Gui, at: Rect, buttons: Sequence[HudAction]) -> None:
    w = (at.w - 30) / 2
    for nth, action in enumerate(buttons):
        box = Rect(at.x + 10 + (nth % 2) * (w + 10), at.y + (nth // 2) * _BUTTON_STEP, w, 31)
        colour = CORAL if action.is_harmful else SAGE
        if action.why_not:
            gui.button(box, action, _DISABLED, MUTED, 13)
        else:
            gui.button(box, action, colour, INK, 13)
