"""Draws heads: hair, and a face that blinks, looks, feels and speaks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from characters.overlay.looks import EXPRESSIONS, Expression, Face, Look
from characters.overlay.paint.bodies import shade
from characters.overlay.palette import AMBER, CORAL, INK, SNOW
from engine.ui.canvas import Canvas
from engine.ui.colour import Colour, fade, mix

__all__ = ["HEAD_ORIGIN", "HEAD_SIZE", "draw_head"]

HEAD_SIZE = (88, 88)
HEAD_ORIGIN = (44.0, 50.0)
"""The middle of the head within the picture."""

_MOUTH: Colour = (120, 48, 58, 255)
_GLOW: Colour = (150, 240, 225, 255)


def draw_head(c: Canvas, look: Look, turn: int, face: Face) -> None:
    """Draw the head around the origin; `turn` as of the body."""
    feeling = EXPRESSIONS.get(face.emotion, EXPRESSIONS["neutral"])
    if look.is_machine:
        _screen(c, look, turn, face, feeling)
        return
    x = turn * 6.0
    back, front = _HAIR[look.style]
    back(c, look, turn)
    c.ellipse(-24 + turn * 4, 4, 4.5, 6, shade(look.skin, 0.08))
    c.ellipse(24 + turn * 4, 4, 4.5, 6, shade(look.skin, 0.16))
    c.inside(
        lambda k: k.ellipse(0, 0, 25, 25, look.skin),
        lambda k: k.ellipse(36, 10, 25, 34, fade(shade(look.skin, 0.6), 0.16)),
    )
    _cheeks(c, look, x, feeling)
    _eyes(c, x, face, feeling)
    c.ellipse(x * 1.15, 8.5, 2.6, 1.8, shade(look.skin, 0.2))
    _mouth(c, x, face, feeling)
    front(c, look, turn)
    _brows(c, look, x, feeling)
    for name in sorted(look.extras & _EXTRAS.keys()):
        _EXTRAS[name](c, look, x)


def _cheeks(c: Canvas, look: Look, x: float, feeling: Expression) -> None:
    colour = fade(mix(look.skin, CORAL, 0.75), 0.25 + 0.45 * feeling.blush)
    for side in (-1, 1):
        c.ellipse(x + side * 14.5, 10.5, 4.4, 2.8, colour)


def _eyes(c: Canvas, x: float, face: Face, feeling: Expression) -> None:
    wide = feeling.eye * (1.0, 0.5, 0.0)[face.lids]
    for side in (-1, 1):
        cx = x + side * 9
        if wide < 0.15:
            c.curve([(cx - 4, 3.2), (cx, 4.8), (cx + 4, 3.2)], INK, 1.9)
            continue
        c.ellipse(cx, 2.5, 4.9, 5.6 * wide, SNOW)
        c.ellipse(cx + face.gaze * 1.6, 2.8, 3.3, min(4.2, 4.6 * wide), INK)
        c.circle(cx + face.gaze * 1.6 + 1.1, 1.2, 1.2 * min(1.0, wide), SNOW)
        c.curve(
            [(cx - 5, 2.6 - 4.4 * wide), (cx, 2.2 - 5.8 * wide), (cx + 5, 2.6 - 4.4 * wide)],
            INK,
            1.5,
        )


def _brows(c: Canvas, look: Look, x: float, feeling: Expression) -> None:
    colour = shade(look.hair, 0.25)
    for side in (-1, 1):
        inner = (x + side * 5, -7.5 - feeling.brow_lift + feeling.brow_tilt)
        outer = (x + side * 13, -7.0 - feeling.brow_lift - feeling.brow_tilt * 0.6)
        middle = ((inner[0] + outer[0]) / 2, (inner[1] + outer[1]) / 2 - 1.4)
        c.curve([inner, middle, outer], colour, 2.3)


def _mouth(c: Canvas, x: float, face: Face, feeling: Expression) -> None:
    bend = feeling.smile * 3.2
    if face.mouth == 0:
        y = 15.0
        c.curve([(x - 6, y - bend), (x, y + bend * 0.55), (x + 6, y - bend)], _MOUTH, 2.1)
        return
    tall = 1.4 + face.mouth * 1.5
    wide = (0.0, 5.6, 6.4, 6.0, 7.0)[face.mouth]
    c.inside(
        lambda k: k.ellipse(x, 15.5, wide, tall, _MOUTH),
        lambda k: _tongue_and_teeth(k, x, 15.5, tall),
    )


def _tongue_and_teeth(c: Canvas, x: float, y: float, tall: float) -> None:
    if tall > 4:
        c.rect(x - 8, y - tall - 1, 16, 3.4, SNOW)
        c.ellipse(x, y + tall, 5, tall * 0.6, CORAL)


# hair: what lies behind the face, and what lies over it


def _nothing(c: Canvas, look: Look, turn: int) -> None:
    """Draw no hair on this side."""


def _short(c: Canvas, look: Look, turn: int) -> None:
    x = turn * 4
    c.blob(
        [(-25, 0), (-25, -14), (-13, -26), (3, -28), (18, -23), (26, -9), (25, 0),
         (21, -8), (x + 12, -13), (x + 2, -11), (x - 8, -15), (-18, -10)],
        look.hair,
    )  # fmt: skip
    c.curve([(-14, -21), (-3, -25), (8, -24)], mix(look.hair, SNOW, 0.18), 2)


def _bun_back(c: Canvas, look: Look, turn: int) -> None:
    c.circle(-turn * 10, -29, 10.5, look.hair)
    c.circle(-turn * 10 - 2, -31, 6, mix(look.hair, SNOW, 0.1))
    c.ellipse(0, -3, 27, 26, look.hair)


def _bun_front(c: Canvas, look: Look, turn: int) -> None:
    x = turn * 4
    c.blob(
        [(-26, 3), (-26, -13), (-12, -27), (8, -27), (24, -16), (26, 3), (21, -8), (x + 8, -19),
         (x - 2, -17), (-19, -7)],
        look.hair,
    )  # fmt: skip
    c.curve([(-17, -17), (-8, -22), (2, -23)], mix(look.hair, SNOW, 0.16), 2)


def _bob_back(c: Canvas, look: Look, turn: int) -> None:
    c.blob(
        [(-27, -8), (-14, -28), (14, -28), (27, -8), (29, 12), (22, 22), (0, 20),
         (-22, 22), (-29, 12)],
        shade(look.hair, 0.12),
    )  # fmt: skip


def _bob_front(c: Canvas, look: Look, turn: int) -> None:
    x = turn * 4
    c.blob(
        [(-28, 10), (-28, -10), (-14, -28), (6, -29), (22, -21), (29, -6), (28, 10), (23, -2),
         (x + 14, -13), (x + 4, -17), (x - 10, -9), (-22, -3)],
        look.hair,
    )  # fmt: skip
    c.curve([(-18, -17), (-8, -23), (4, -25)], mix(look.hair, SNOW, 0.22), 2.2)


def _long_back(c: Canvas, look: Look, turn: int) -> None:
    c.blob(
        [(-27, -6), (-15, -28), (15, -28), (27, -6), (30, 18), (24, 34), (8, 30),
         (-8, 30), (-24, 34), (-30, 18)],
        shade(look.hair, 0.12),
    )  # fmt: skip


def _curly_back(c: Canvas, look: Look, turn: int) -> None:
    for x, y, r in ((-24, 2, 8), (24, 2, 8), (-26, -8, 9), (26, -8, 9), (0, -20, 18)):
        c.circle(x, y, r, shade(look.hair, 0.12))


def _curly_front(c: Canvas, look: Look, turn: int) -> None:
    shift = turn * 3
    for x, y, r in (
        (-21, -13, 9),
        (-13, -21, 10),
        (-2, -24, 10),
        (10, -23, 10),
        (19, -16, 9),
        (24, -6, 6),
        (-25, -4, 6),
    ):
        c.circle(x, y, r, look.hair)
    for x, y, r in ((-11, -14, 7), (0, -16, 7), (11, -15, 6)):
        c.circle(x + shift, y, r, look.hair)
    c.curve([(-14, -23), (-8, -27), (-1, -28)], mix(look.hair, SNOW, 0.2), 2)


def _balding(c: Canvas, look: Look, turn: int) -> None:
    for side in (-1, 1):
        c.blob([(side * 20, -14), (side * 26, -9), (side * 27, 3), (side * 22, 4)], look.hair)
    c.curve([(-8, -23), (1, -25), (9, -22)], fade(look.hair, 0.7), 1.6)
    c.ellipse(-8, -16, 5, 3, (255, 255, 255, 60))


_Piece = Callable[[Canvas, Look, int], None]
_HAIR: Mapping[str, tuple[_Piece, _Piece]] = MappingProxyType(
    {
        "none": (_nothing, _nothing),
        "short": (_nothing, _short),
        "bun": (_bun_back, _bun_front),
        "bob": (_bob_back, _bob_front),
        "long": (_long_back, _bob_front),
        "curly": (_curly_back, _curly_front),
        "balding": (_nothing, _balding),
    }
)


def _glasses(c: Canvas, look: Look, x: float) -> None:
    for side in (-1, 1):
        c.frame(x + side * 9 - 7.5, -4.5, 15, 13.5, INK, 1.5, 6)
        c.line([(x + side * 16.5, 0), (side * 24, -1)], INK, 1.4)
    c.line([(x - 2, 0.5), (x + 2, 0.5)], INK, 1.4)


def _moustache(c: Canvas, look: Look, x: float) -> None:
    for side in (-1, 1):
        c.blob(
            [(x, 10.5), (x + side * 6, 10.2), (x + side * 10, 13.5), (x + side * 4, 13.4)],
            look.hair,
        )


def _beard(c: Canvas, look: Look, x: float) -> None:
    c.clipped(
        lambda k: k.ellipse(0, 1, 25, 25, look.hair),
        lambda k: k.blob(
            [(-26, 5), (x - 10, 10), (x, 21), (x + 10, 10), (26, 5), (20, 30), (-20, 30)], look.hair
        ),
    )


def _cap(c: Canvas, look: Look, x: float) -> None:
    c.blob([(-26, -9), (-22, -26), (0, -33), (22, -26), (26, -9), (0, -14)], look.top)
    c.blob([(-25, -8), (0, -15), (25, -8), (22, -4), (0, -10), (-22, -4)], shade(look.top, 0.35))
    c.curve([(-24, -13), (0, -19), (24, -13)], AMBER, 2.6)


def _plaster(c: Canvas, look: Look, x: float) -> None:
    c.line([(x + 11, -15), (x + 18, -11)], (250, 226, 196, 255), 5)
    c.circle(x + 14.5, -13, 1.3, (225, 180, 150, 255))


_EXTRAS: Mapping[str, Callable[[Canvas, Look, float], None]] = MappingProxyType(
    {
        "glasses": _glasses,
        "moustache": _moustache,
        "beard": _beard,
        "cap": _cap,
        "plaster": _plaster,
    }
)


def _screen(c: Canvas, look: Look, turn: int, face: Face, feeling: Expression) -> None:
    """Draw a machine's face: light on a dark screen."""
    c.rect(-32, -28, 64, 52, shade(look.top, 0.3), 12)
    c.rect(-32, -30, 64, 52, look.top, 12)
    c.rect(-27, -25, 54, 41, INK, 8)
    c.polygon([(-24, -23), (-6, -23), (-18, 14), (-24, 14)], (255, 255, 255, 16))
    c.rect(-12, -36, 24, 7, shade(look.top, 0.2), 3)
    c.circle(0, -33, 2, AMBER)
    x, wide = turn * 4.0, max(0.12, feeling.eye * (1.0, 0.5, 0.1)[face.lids])
    for side in (-1, 1):
        c.rect(x + side * 11 - 4 + face.gaze, -9 - 6 * wide, 8, 12 * wide, _GLOW, min(4, 6 * wide))
    bend = feeling.smile * 3
    if face.mouth == 0:
        c.curve([(x - 8, 8 - bend), (x, 8 + bend * 0.5), (x + 8, 8 - bend)], _GLOW, 2.4)
    else:
        tall = face.mouth * 1.5
        c.rect(x - 7, 8 - tall, 14, 2 * tall + 1, _GLOW, min(6, tall))
