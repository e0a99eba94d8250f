"""Draws heads in layers that change apart: hair and skin, eyes, mouth, fringe and brows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from characters.overlay.looks import Face, Look
from characters.overlay.paint import features
from characters.overlay.paint.bodies import shade
from characters.overlay.palette import AMBER, INK, SNOW
from engine.ui.canvas import Canvas, Draw
from engine.ui.colour import fade, mix

__all__ = ["HEAD_ORIGIN", "HEAD_SIZE", "HeadLayer", "head_layers"]

HEAD_SIZE = (88, 88)
HEAD_ORIGIN = (44, 50)
"""The middle of the head within the picture."""

_WHOLE = (0, 0, *HEAD_SIZE)
_EYES = (20, 30, 48, 32)
_MOUTH = (26, 48, 36, 28)


@dataclass(frozen=True, slots=True)
class HeadLayer:
    """A part of a head; the key has all that its picture depends on, and no more."""

    key: Hashable
    box: tuple[int, int, int, int]
    """Left, top, width and height of the part within the picture of the head."""
    draw: Draw


def head_layers(look: Look, turn: int, face: Face) -> Iterator[HeadLayer]:
    """Yield the layers from back to front, each drawn around the origin; `turn` as of the body.

    Emotions, lids, gaze and mouth have hundreds of combinations, but few pictures of each part:
    these can all be drawn before anybody feels anything.
    """
    feeling, wide = features.expression(face), features.opened(face)
    gaze = face.gaze if look.is_machine or wide >= features.SLIT else 0
    smile = 0.0 if face.mouth else feeling.smile
    if look.is_machine:
        x, eyes, mouth = turn * 4.0, features.screen_eyes, features.screen_mouth
    else:
        x, eyes, mouth = turn * 6.0, features.eyes, features.mouth
    yield _back(look, turn, x, feeling.blush)
    yield HeadLayer(
        ("eyes", look.is_machine, turn, wide, gaze), _EYES, lambda c: eyes(c, x, wide, gaze)
    )
    yield HeadLayer(
        ("mouth", look.is_machine, turn, face.mouth, smile),
        _MOUTH,
        lambda c: mouth(c, x, face.mouth, smile),
    )
    if not look.is_machine:
        yield _front(look, turn, x, (feeling.brow_lift, feeling.brow_tilt))


def _back(look: Look, turn: int, x: float, blush: float) -> HeadLayer:
    """Return what lies behind eyes and mouth."""
    if look.is_machine:
        return HeadLayer(("head back", look, turn), _WHOLE, lambda c: _screen(c, look))

    def draw(c: Canvas) -> None:
        _HAIR[look.style][0](c, look, turn)
        c.ellipse(-24 + turn * 4, 4, 4.5, 6, shade(look.skin, 0.08))
        c.ellipse(24 + turn * 4, 4, 4.5, 6, shade(look.skin, 0.16))
        c.inside(
            lambda k: k.ellipse(0, 0, 25, 25, look.skin),
            lambda k: k.ellipse(36, 10, 25, 34, fade(shade(look.skin, 0.6), 0.16)),
        )
        features.cheeks(c, look, x, blush)
        c.ellipse(x * 1.15, 8.5, 2.6, 1.8, shade(look.skin, 0.2))

    return HeadLayer(("head back", look, turn, blush), _WHOLE, draw)


def _front(look: Look, turn: int, x: float, brows: tuple[float, float]) -> HeadLayer:
    """Return what lies over the face."""

    def draw(c: Canvas) -> None:
        _HAIR[look.style][1](c, look, turn)
        features.brows(c, look, x, *brows)
        for name in sorted(look.extras & _EXTRAS.keys()):
            _EXTRAS[name](c, look, x)

    return HeadLayer(("head front", look, turn, brows), _WHOLE, draw)


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


def _screen(c: Canvas, look: Look) -> None:
    """Draw a machine's head; its face is light on the dark screen."""
    c.rect(-32, -28, 64, 52, shade(look.top, 0.3), 12)
    c.rect(-32, -30, 64, 52, look.top, 12)
    c.rect(-27, -25, 54, 41, INK, 8)
    c.polygon([(-24, -23), (-6, -23), (-18, 14), (-24, 14)], (255, 255, 255, 16))
    c.rect(-12, -36, 24, 7, shade(look.top, 0.2), 3)
    c.circle(0, -33, 2, AMBER)
