"""Puts figures together from kept pictures of bodies and heads."""

from __future__ import annotations

from typing import Any

from characters.overlay.looks import Face, Look
from characters.overlay.paint.bodies import BODY_ORIGIN, BODY_SIZE, draw_body
from characters.overlay.paint.heads import HEAD_ORIGIN, HEAD_SIZE, draw_head
from engine.ui.canvas import Canvas
from engine.ui.painter import Painter

__all__ = ["NECK", "draw_figure"]

NECK = 88
"""How high the middle of the head is over the feet."""


def draw_figure(
    painter: Painter,
    surface: Any,
    feet: tuple[float, float],
    look: Look,
    face: Face,
    *,
    turn: int = 0,
    swing: int = 0,
    is_sitting: bool = False,
    lift: int = 0,
) -> None:
    """Draw somebody; `lift` raises the head by so many pixels."""

    def body(canvas: Canvas) -> None:
        canvas.origin = BODY_ORIGIN
        draw_body(canvas, look, turn, swing, is_sitting)

    def head(canvas: Canvas) -> None:
        canvas.origin = HEAD_ORIGIN
        draw_head(canvas, look, turn, face)

    x, y = round(feet[0]), round(feet[1])
    below = painter.sprite(("body", look, turn, swing, is_sitting), BODY_SIZE, body)
    surface.blit(below, (x - BODY_ORIGIN[0], y - BODY_ORIGIN[1]))
    above = painter.sprite(("head", look, turn, face), HEAD_SIZE, head)
    # A step lifts the whole figure a little: walking is seen in the head first.
    surface.blit(above, (x - HEAD_ORIGIN[0], y - NECK - HEAD_ORIGIN[1] - lift - abs(swing)))
