"""Draws figures from the neck down: legs that walk, arms that swing, clothes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from characters.overlay.looks import Look
from characters.overlay.palette import AMBER, CREAM, INK, SNOW, STEEL
from engine.ui.canvas import Canvas
from engine.ui.colour import Colour, fade, mix

__all__ = ["BODY_ORIGIN", "BODY_SIZE", "STRIDE", "draw_body"]

BODY_SIZE = (96, 102)
BODY_ORIGIN = (48.0, 84.0)
"""Where the feet stand within the picture; shapes are drawn up from there."""

STRIDE = (0, 1, 0, -1)
"""The legs in the four pictures of a walk: together, one ahead, together, the other."""

_DARK: Colour = (30, 16, 48, 255)


def shade(colour: Colour, share: float = 0.16) -> Colour:
    """Return the colour in shadow: cooler, not merely darker."""
    return mix(colour, (*_DARK[:3], colour[3]), share)


def draw_body(c: Canvas, look: Look, turn: int, swing: int, is_sitting: bool) -> None:
    """Draw the body; `turn` is -1, 0 or 1 for left, front and right, `swing` one of STRIDE."""
    if not is_sitting:
        c.shadow(0, 0, 25, 6, (42, 27, 58, 90), blur=4)
    if look.is_machine:
        _machine(c, look)
        return
    if not is_sitting:
        _legs(c, look, turn, swing)
    _arm(c, look, -1, turn, swing)
    _arm(c, look, 1, turn, swing)
    _neck(c, look)
    _torso(c, look)
    _CUTS.get(look.cut, _shirt)(c, look, turn)
    for name in sorted(look.extras & _EXTRAS.keys()):
        _EXTRAS[name](c, look, turn)


def _legs(c: Canvas, look: Look, turn: int, swing: int) -> None:
    for side in (-1, 1):
        step = swing * side
        x, lift = side * 8.5 + step * turn * 6, 3.5 if step > 0 else 0.0
        colour = shade(look.legs, 0.14) if side > 0 else look.legs
        c.line([(side * 8, -26), (x, -6 - lift)], colour, 13)
        toe = turn * 4
        c.ellipse(x + toe, -3.5 - lift, 9.5, 5.2, shade(look.shoes) if side > 0 else look.shoes)
        c.rect(x + toe - 9, -1.6 - lift, 18, 2.2, shade(look.shoes, 0.45), 1)


def _arm(c: Canvas, look: Look, side: int, turn: int, swing: int) -> None:
    reach = swing * side * (7 if turn else 3)
    hand = (side * 22 + (reach if turn else 0), -33 - abs(reach) * 0.4)
    elbow = (side * 24 + reach * 0.4, -47)
    sleeve = shade(look.top, 0.2 if side > 0 else 0.1)
    c.circle(*hand, 6.2, shade(look.skin, 0.12) if side > 0 else look.skin)
    c.curve([(side * 15, -60), elbow, (hand[0], hand[1] - 5)], sleeve, 11)


def _neck(c: Canvas, look: Look) -> None:
    c.rect(-6, -72, 12, 14, shade(look.skin, 0.2), 5)


def _outline(c: Canvas, colour: Colour, hem: float = -20.0) -> None:
    c.blob(
        [(-8, -67), (8, -67), (17, -61), (20, -44), (21, hem), (0, hem + 4), (-21, hem),
         (-20, -44), (-17, -61)],
        colour,
    )  # fmt: skip


def _torso(c: Canvas, look: Look) -> None:
    hem = -13.0 if look.cut in ("coat", "gown", "dress") else -20.0
    c.inside(
        lambda k: _outline(k, look.top, hem),
        lambda k: k.rect(7, -72, 20, 70, fade(shade(look.top, 0.5), 0.28)),
    )


def _shirt(c: Canvas, look: Look, turn: int) -> None:
    c.polygon([(-8, -66), (0, -58), (8, -66), (5, -69), (-5, -69)], shade(look.top, 0.22))
    for y in (-50, -41, -32):
        c.circle(turn * 4, y, 1.2, shade(look.top, 0.35))


def _coat(c: Canvas, look: Look, turn: int) -> None:
    x = turn * 4
    c.polygon([(x - 8, -67), (x, -44), (x + 8, -67)], mix(look.legs, CREAM, 0.35))
    c.polygon([(x - 10, -67), (x - 13, -54), (x, -42), (x - 6, -62)], shade(look.top, 0.08))
    c.polygon([(x + 10, -67), (x + 13, -54), (x, -42), (x + 6, -62)], shade(look.top, 0.16))
    c.line([(x, -42), (x, -12)], shade(look.top, 0.22), 1.3)
    c.frame(-16, -32, 10, 9, shade(look.top, 0.2), 1.2, 2)
    c.frame(7, -32, 10, 9, shade(look.top, 0.26), 1.2, 2)


def _scrubs(c: Canvas, look: Look, turn: int) -> None:
    x = turn * 4
    c.polygon([(x - 9, -68), (x, -54), (x + 9, -68)], look.skin)
    c.line([(x - 9, -67), (x, -54), (x + 9, -67)], shade(look.top, 0.3), 2.2)
    c.frame(x + 4, -48, 10, 11, shade(look.top, 0.28), 1.2, 2)
    c.rect(x - 15, -50, 9, 6, SNOW, 1.5)


def _gown(c: Canvas, look: Look, turn: int) -> None:
    c.polygon([(-8, -67), (0, -59), (8, -67)], look.skin)
    for x, y in (
        (-11, -52),
        (0, -46),
        (11, -54),
        (-6, -34),
        (7, -32),
        (-13, -22),
        (13, -21),
        (1, -21),
    ):
        c.circle(x, y, 1.7, mix(look.top, SNOW, 0.65))
    c.line([(-9, -67), (0, -58), (9, -67)], mix(look.top, SNOW, 0.5), 2)


def _suit(c: Canvas, look: Look, turn: int) -> None:
    x = turn * 4
    c.polygon([(x - 8, -68), (x, -40), (x + 8, -68)], CREAM)
    c.polygon([(x - 10, -68), (x - 13, -56), (x, -38), (x - 5, -60)], shade(look.top, 0.2))
    c.polygon([(x + 10, -68), (x + 13, -56), (x, -38), (x + 5, -60)], shade(look.top, 0.3))
    for y in (-33, -26):
        c.circle(x, y, 1.5, AMBER)


def _vest(c: Canvas, look: Look, turn: int) -> None:
    x = turn * 4
    c.polygon([(x - 9, -68), (x, -46), (x + 9, -68)], CREAM)
    c.polygon([(x - 4, -63), (x + 4, -63), (x, -58)], (185, 82, 63, 255))
    c.line([(x, -46), (x, -19)], shade(look.top, 0.35), 1.3)
    for y in (-42, -34, -26):
        c.circle(x - 3.5, y, 1.5, AMBER)


def _hoodie(c: Canvas, look: Look, turn: int) -> None:
    x = turn * 4
    c.blob(
        [(-15, -66), (0, -70), (15, -66), (10, -58), (x, -55), (-10, -58)], shade(look.top, 0.15)
    )
    c.line([(x - 4, -57), (x - 4.5, -48)], SNOW, 1.4)
    c.line([(x + 4, -57), (x + 4.5, -50)], SNOW, 1.4)
    c.blob([(x - 12, -26), (x - 8, -36), (x + 8, -36), (x + 12, -26)], shade(look.top, 0.13))


def _dress(c: Canvas, look: Look, turn: int) -> None:
    c.blob([(-20, -26), (0, -30), (20, -26), (24, -11), (0, -8), (-24, -11)], shade(look.top, 0.1))
    c.curve([(-19, -29), (0, -26), (19, -29)], mix(look.top, AMBER, 0.7), 3)


def _machine(c: Canvas, look: Look) -> None:
    c.ellipse(0, -3, 27, 7, shade(look.top, 0.45))
    c.ellipse(0, -5, 25, 6, shade(look.top, 0.2))
    c.rect(-7, -76, 14, 40, shade(look.top, 0.35), 3)
    c.rect(-9, -40, 18, 36, shade(look.top, 0.3), 4)
    c.rect(-9, -40, 7, 36, shade(look.top, 0.12), 3)
    c.rect(-20, -52, 40, 18, look.top, 7)
    c.rect(-20, -40, 40, 6, shade(look.top, 0.2), 3)
    c.rect(-12, -48, 24, 4, INK, 2)
    c.rect(-8, -46, 16, 12, SNOW, 1)
    for y in (-43, -40, -37):
        c.rect(-5, y, 10, 1.2, STEEL)


def _stethoscope(c: Canvas, look: Look, turn: int) -> None:
    x = turn * 3
    c.curve([(x - 9, -67), (x - 8, -52), (x, -44), (x + 8, -52), (x + 9, -67)], INK, 2)
    c.line([(x, -44), (x + 1, -36)], INK, 2)
    c.circle(x + 1, -34, 3.6, STEEL)
    c.circle(x + 1, -34, 1.8, SNOW)


def _satchel(c: Canvas, look: Look, turn: int) -> None:
    c.line([(-14, -64), (15, -28)], (122, 74, 46, 255), 2.6)
    c.rect(9, -33, 17, 14, (150, 94, 58, 255), 3)
    c.rect(9, -33, 17, 7, (122, 74, 46, 255), 3)
    c.circle(17.5, -26, 1.4, AMBER)


def _watch(c: Canvas, look: Look, turn: int) -> None:
    c.line([(turn * 4 + 9, -52), (turn * 4 + 9, -46)], AMBER, 1.6)
    c.circle(turn * 4 + 9, -44, 2.8, AMBER)
    c.circle(turn * 4 + 9, -44, 1.7, SNOW)


def _scarf(c: Canvas, look: Look, turn: int) -> None:
    c.blob([(-11, -67), (0, -70), (11, -67), (9, -59), (0, -57), (-9, -59)], AMBER)
    c.blob([(2, -60), (9, -60), (12, -45), (5, -44)], mix(AMBER, INK, 0.15))


def _brooch(c: Canvas, look: Look, turn: int) -> None:
    c.circle(turn * 4 - 12, -53, 3, AMBER)
    c.circle(turn * 4 - 12, -53, 1.5, (238, 111, 94, 255))


_Piece = Callable[[Canvas, Look, int], None]
_CUTS: Mapping[str, _Piece] = MappingProxyType(
    {
        "shirt": _shirt,
        "coat": _coat,
        "scrubs": _scrubs,
        "gown": _gown,
        "suit": _suit,
        "vest": _vest,
        "hoodie": _hoodie,
        "dress": _dress,
    }
)
_EXTRAS: Mapping[str, _Piece] = MappingProxyType(
    {
        "stethoscope": _stethoscope,
        "satchel": _satchel,
        "watch": _watch,
        "scarf": _scarf,
        "brooch": _brooch,
    }
)
