"""Paints the whole HUD over a level, in one order, into places that do not overlap."""

from __future__ import annotations

import math

from characters.ui import words
from characters.ui.actions import Actions
from characters.ui.appearance import INK
from characters.ui.model import Actor, HudModel
from characters.ui.paint.panels import (
    paint_faults,
    paint_inspector,
    paint_slots,
    paint_sound,
)
from characters.ui.paint.talk import (
    caption_places,
    error_cards,
    microphone_size,
    notice_place,
    paint_badges,
    paint_banner,
    paint_captions,
    paint_chat,
    paint_errors,
    paint_help,
    paint_hint,
    paint_menu,
    paint_microphone,
    paint_notice,
)
from characters.ui.paint.widgets import Gui
from characters.ui.state import HudLayer, HudLayout, HudState, hud_layout

__all__ = ["paint_screen"]


def paint_screen(gui: Gui, state: HudState, actions: Actions) -> None:
    """Paint badges first, then what may cover them; a card hides all but banner and microphone."""
    model = gui.model
    said = words.microphone(model)
    layout = hud_layout(
        model.size,
        inspector=state.is_inspector_open,
        faults=state.is_faults_open,
        people=len(model.actors),
        microphone=microphone_size(gui, said),
    )
    if not state.is_covering:
        _paint_game(gui, state, layout, actions)
    paint_banner(gui, layout.banner)
    paint_microphone(gui, layout.microphone, said)
    if state.layer is HudLayer.HELP:
        paint_help(gui)
    elif state.layer is HudLayer.MENU:
        paint_menu(gui, actions.menu(), state.menu_index)
    elif state.layer is HudLayer.SOUND:
        paint_sound(gui, actions.sound)
    elif state.layer is HudLayer.SLOTS:
        paint_slots(gui, actions.slots, state.slot_name)


def _paint_game(gui: Gui, state: HudState, layout: HudLayout, actions: Actions) -> None:
    model, stage = gui.model, layout.stage
    is_chatting, letters = state.layer is HudLayer.CHAT, state.caption_size.pixels
    below = layout.chat if is_chatting else layout.hint
    notice = notice_place(gui, stage, below.y - 7)
    talk = [below] if notice is None else [below, notice]
    lowest = min(rect.y for rect in talk if rect.y > stage.center[1])
    captions = caption_places(gui, stage, lowest - 7, letters) if letters else ()
    talk += [place.rect for place in captions]
    cards = error_cards(gui, stage, talk)
    paint_badges(gui, stage, [card.rect for card in cards], talk)
    if is_chatting:
        paint_chat(gui, layout.chat, state.chat)
    else:
        paint_hint(gui, layout.hint, _hint(gui, state, layout.hint.w))
    paint_captions(gui, captions)
    _paint_beyond(gui)
    if layout.inspector is not None:
        inspected = _inspected(model, state)
        paint_inspector(gui, layout.inspector, inspected, actions, state.session_scroll)
    if layout.faults is not None:
        paint_faults(gui, layout.faults, state, actions.faults())
    paint_errors(gui, cards, actions)
    if notice is not None:
        paint_notice(gui, notice)


def _paint_beyond(gui: Gui) -> None:
    """Paint what is beyond the level where the picture was moved out from under a panel."""
    (w, h), level = gui.model.size, gui.model.level
    for x, end in () if level is None else ((0.0, level[0]), (level[1], w)):
        if end > x:
            gui.fill(INK, (round(x), 0, math.ceil(end - x), h))


def _hint(gui: Gui, state: HudState, room: float) -> str:
    if state.layer in (HudLayer.FIELDS, HudLayer.MEMORY):
        return gui.say("hint.fields") if room > 340 else gui.say("hint.fields_short")
    if room <= 340:
        return gui.say("hint.game_short")
    return gui.say("hint.game_standing" if "walk" in gui.model.absent else "hint.game")


def _inspected(model: HudModel, state: HudState) -> Actor | None:
    """Return the chosen character, or else the target, or else the first."""
    chosen = next((actor for actor in model.actors if actor.key == state.inspected), None)
    return chosen or model.target or next(iter(model.actors), None)
