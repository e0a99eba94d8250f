"""Paints the whole screen over a level, in one order, into places that do not overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from characters.ui.actions import Actions
from characters.ui.paint.panels import paint_faults, paint_inspector, paint_sound
from characters.ui.paint.talk import (
    CaptionPlace,
    caption_places,
    error_places,
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
from characters.ui.state import HudLayer, HudLayout, HudState, hud_layout
from characters.ui.words import Actor, HudModel
from engine.ui.canvas import Rect
from engine.ui.events import Hotspots
from engine.ui.painter import Painter

__all__ = ["paint_screen"]


_HINT = "Walk: WASD    Type: Enter    Talk: T    Help: F1"
_SHORT_HINT = "Help: F1"
_FIELDS_HINT = "Choose: Up, Down    Edit: Enter    Next: Tab    Back: Esc"
_SHORT_FIELDS_HINT = "Back: Esc"


def paint_screen(
    painter: Painter,
    surface: Any,
    model: HudModel,
    state: HudState,
    actions: Actions,
    hotspots: Hotspots,
) -> None:
    """Paint badges first, then what may cover them; under a menu or the help is the level alone."""
    layout = hud_layout(
        model.size,
        inspector=state.is_inspector_open,
        faults=state.is_faults_open,
        people=len(model.actors),
    )
    if not state.is_covering:
        _paint_game(painter, surface, model, state, layout, actions, hotspots)
    paint_banner(painter, surface, model, layout.banner)
    paint_microphone(painter, surface, model, layout.microphone)
    if state.layer is HudLayer.HELP:
        paint_help(painter, surface, model)
    elif state.layer is HudLayer.MENU:
        paint_menu(painter, surface, model, actions.menu(), state.menu_index, hotspots)
    elif state.layer is HudLayer.SOUND:
        paint_sound(painter, surface, model, actions.sound, hotspots)


def _paint_game(
    painter: Painter,
    surface: Any,
    model: HudModel,
    state: HudState,
    layout: HudLayout,
    actions: Actions,
    hotspots: Hotspots,
) -> None:
    cards = error_places(painter, model, layout.stage)
    below = layout.chat if state.layer is HudLayer.CHAT else layout.hint
    said = _captions(painter, model, state, layout.stage, below.y - 7)
    talk = (below, *(place.rect for place in said))
    paint_badges(painter, surface, model, layout.stage, cards, talk)
    _paint_talk(painter, surface, model, state, layout, said)
    if layout.inspector is not None:
        actor = _inspected(model, state)
        paint_inspector(painter, surface, model, layout.inspector, actor, hotspots, actions)
    if layout.faults is not None:
        paint_faults(
            painter, surface, model, layout.faults, state.fault_target, actions.faults(),
            hotspots, actions.aim_faults,
        )  # fmt: skip
    paint_errors(painter, surface, model, layout.stage, hotspots, actions)
    if model.notice is not None:
        paint_notice(painter, surface, layout.stage, talk[-1].y - 6, model.notice)


def _captions(
    painter: Painter, model: HudModel, state: HudState, stage: Rect, bottom: float
) -> tuple[CaptionPlace, ...]:
    size = state.caption_size.pixels
    return caption_places(painter, model, stage, bottom, size) if size else ()


def _paint_talk(
    painter: Painter,
    surface: Any,
    model: HudModel,
    state: HudState,
    layout: HudLayout,
    said: Sequence[CaptionPlace],
) -> None:
    """Paint chat or hint, and the captions."""
    if state.layer is HudLayer.CHAT:
        paint_chat(painter, surface, model, layout.chat, state.chat)
    else:
        paint_hint(painter, surface, layout.hint, _hint(state, layout.hint.w))
    paint_captions(painter, surface, said)


def _hint(state: HudState, room: float) -> str:
    if state.layer is HudLayer.FIELDS:
        return _FIELDS_HINT if room > 340 else _SHORT_FIELDS_HINT
    return _HINT if room > 340 else _SHORT_HINT


def _inspected(model: HudModel, state: HudState) -> Actor | None:
    """Return whom the inspector shows: the chosen one, or else the one who listens."""
    for actor in model.actors:
        if actor.key == state.inspected:
            return actor
    return model.target or (model.actors[0] if model.actors else None)
