"""Draws the features of faces: cheeks, eyes, brows, mouths, and a machine's lights."""

from __future__ import annotations

from characters.overlay.looks import EXPRESSIONS, Expression, Face, Look
from characters.overlay.paint.bodies import shade
from characters.overlay.palette import CORAL, INK, SNOW
from engine.ui.canvas import Canvas
from engine.ui.colour import Colour, fade, mix

__all__ = [
    "SLIT",
    "brows",
    "cheeks",
    "expression",
    "eyes",
    "mouth",
    "opened",
    "screen_eyes",
    "screen_mouth",
]

SLIT = 0.15
"""Eyes that are open less than this are lines, wherever they look."""

_MOUTH: Colour = (120, 48, 58, 255)
_GLOW: Colour = (150, 240, 225, 255)


def expression(face: Face) -> Expression:
    """Return what the face's emotion does to its features; an unknown one leaves it calm."""
    return EXPRESSIONS.get(face.emotion, EXPRESSIONS["neutral"])


def opened(face: Face) -> float:
    """Return how wide the eyes are: 1 as at rest, 0 closed."""
    return expression(face).eye * (1.0, 0.5, 0.0)[face.lids]


def cheeks(c: Canvas, look: Look, x: float, blush: float) -> None:
    """Draw both cheeks; `x` is the middle of the face."""
    colour = fade(mix(look.skin, CORAL, 0.75), 0.25 + 0.45 * blush)
    for side in (-1, 1):
        c.ellipse(x + side * 14.5, 10.5, 4.4, 2.8, colour)


def eyes(c: Canvas, x: float, wide: float, gaze: int) -> None:
    """Draw both eyes, so wide, that look to the left (-1), at you or to the right (1)."""
    for side in (-1, 1):
        cx = x + side * 9
        if wide < SLIT:
            c.curve([(cx - 4, 3.2), (cx, 4.8), (cx + 4, 3.2)], INK, 1.9)
            continue
        c.ellipse(cx, 2.5, 4.9, 5.6 * wide, SNOW)
        c.ellipse(cx + gaze * 1.6, 2.8, 3.3, min(4.2, 4.6 * wide), INK)
        c.circle(cx + gaze * 1.6 + 1.1, 1.2, 1.2 * min(1.0, wide), SNOW)
        c.curve(
            [(cx - 5, 2.6 - 4.4 * wide), (cx, 2.2 - 5.8 * wide), (cx + 5, 2.6 - 4.4 * wide)],
            INK,
            1.5,
        )


def brows(c: Canvas, look: Look, x: float, lift: float, tilt: float) -> None:
    """Draw both brows, raised by `lift`; a positive `tilt` lowers the inner ends."""
    colour = shade(look.hair, 0.25)
    for side in (-1, 1):
        inner = (x + side * 5, -7.5 - lift + tilt)
        outer = (x + side * 13, -7.0 - lift - tilt * 0.6)
        middle = ((inner[0] + outer[0]) / 2, (inner[1] + outer[1]) / 2 - 1.4)
        c.curve([inner, middle, outer], colour, 2.3)


def mouth(c: Canvas, x: float, opening: int, smile: float) -> None:
    """Draw the mouth: closed and bent by `smile` (-1 to 1), or open (1 to 4)."""
    bend = smile * 3.2
    if opening == 0:
        y = 15.0
        c.curve([(x - 6, y - bend), (x, y + bend * 0.55), (x + 6, y - bend)], _MOUTH, 2.1)
        return
    tall = 1.4 + opening * 1.5
    wide = (0.0, 5.6, 6.4, 6.0, 7.0)[opening]
    c.inside(
        lambda k: k.ellipse(x, 15.5, wide, tall, _MOUTH),
        lambda k: _tongue_and_teeth(k, x, 15.5, tall),
    )


def _tongue_and_teeth(c: Canvas, x: float, y: float, tall: float) -> None:
    if tall > 4:
        c.rect(x - 8, y - tall - 1, 16, 3.4, SNOW)
        c.ellipse(x, y + tall, 5, tall * 0.6, CORAL)


def screen_eyes(c: Canvas, x: float, wide: float, gaze: int) -> None:
    """Draw a machine's eyes: light on its dark screen."""
    wide = max(0.12, wide)
    for side in (-1, 1):
        c.rect(x + side * 11 - 4 + gaze, -9 - 6 * wide, 8, 12 * wide, _GLOW, min(4, 6 * wide))


def screen_mouth(c: Canvas, x: float, opening: int, smile: float) -> None:
    """Draw a machine's mouth."""
    bend = smile * 3
    if opening == 0:
        c.curve([(x - 8, 8 - bend), (x, 8 + bend * 0.5), (x + 8, 8 - bend)], _GLOW, 2.4)
    else:
        tall = opening * 1.5
        c.rect(x - 7, 8 - tall, 14, 2 * tall + 1, _GLOW, min(6, tall))
