"""Paints the fault panel: whom to break, and how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from characters.overlay.deeds import FaultButton
from characters.overlay.fault_words import fault_lines
from characters.overlay.model import HudModel
from characters.overlay.paint.sheet import SHEET, TAB, TAB_ON
from characters.overlay.paint.signs import TONES, sign_picture
from characters.overlay.palette import AMBER, CORAL, CREAM, INK, MUTED, SAGE
from characters.overlay.words import badge
from engine.ui.colour import Colour
from engine.ui.hotspots import Hotspots
from engine.ui.painter import Painter
from engine.ui.rect import Rect

__all__ = ["paint_faults"]

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
