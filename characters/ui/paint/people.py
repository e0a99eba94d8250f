"""Draws characters: bodies that walk, heads in layers, faces; and keeps their pictures.

Bodies are drawn up from the feet, heads around their middle. A `turn` is -1, 0 or 1 for left,
front and right; pieces of clothes, hair and face get the x that this turn moves them to.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Any

from characters.ui.appearance import (
    AMBER,
    ASLEEP,
    CORAL,
    CREAM,
    EXPRESSIONS,
    INK,
    SNOW,
    STEEL,
    Expression,
    Face,
    Look,
    dressed,
    shade,
)
from engine.ui.canvas import Canvas, Draw
from engine.ui.colour import Colour, fade, mix
from engine.ui.geometry import snapped
from engine.ui.painter import Painter

__all__ = [
    "BODY_ORIGIN", "BODY_SIZE", "CharacterDrawing", "draw_body", "head_layers",
    "HEAD_ORIGIN", "HEAD_SIZE",
]  # fmt: skip


BODY_SIZE = (96, 102)
BODY_ORIGIN = (48.0, 84.0)
"""Where the feet stand within the picture of the body."""

HEAD_SIZE = (88, 88)
HEAD_ORIGIN = (44, 50)
"""The middle of the head within its picture."""

_NECK = 88  # how high the middle of the head is over the feet
_MOST_LIFT = 2
_WHOLE_TOP = _NECK + HEAD_ORIGIN[1] + _MOST_LIFT  # of the picture of head and body, over the feet
_WHOLE_SIZE = (BODY_SIZE[0], round(_WHOLE_TOP - BODY_ORIGIN[1]) + BODY_SIZE[1])


class CharacterDrawing:
    """The pictures of one character, drawn in layers and kept by the painter.

    `worn` are a look and the colours of clothes, skin and hair, "" for the look's own. `own` is
    a number from 0 to 1 that few neighbours share, so that a crowd does not move at once.
    """

    def __init__(self, painter: Painter, worn: tuple[str, str, str, str], own: float = 0.0) -> None:
        self.worn = worn
        self.own = own
        self.scale = painter.scale
        self._painter = painter
        self._look = dressed(*worn)
        # The last picture of each: most frames show the face of the frame before.
        self._body: tuple[Hashable, Any] = (None, None)
        self._head: tuple[Hashable, Any] = (None, None)
        self._whole: tuple[Hashable, Any] = (None, None)

    def draw(
        self,
        surface: Any,
        feet: tuple[float, float],
        face: Face,
        *,
        turn: int = 0,
        swing: int = 0,
        is_sitting: bool = False,
        lift: int = 0,
    ) -> None:
        """Draw the character; `lift` raises the head by so many pixels."""
        x, y = snapped(feet, self.scale)
        if self._body[0] != (turn, swing, is_sitting):
            self._body = ((turn, swing, is_sitting), self._draw_body(turn, swing, is_sitting))
        if self._head[0] != (turn, face):
            self._head = ((turn, face), self._draw_head(turn, face))
        surface.blit(self._body[1], (x - BODY_ORIGIN[0], y - BODY_ORIGIN[1]))
        # A step lifts the head a little: that is where walking is seen first.
        top = y - _NECK - HEAD_ORIGIN[1] - lift - abs(swing)
        surface.blit(self._head[1], (x - HEAD_ORIGIN[0], top))

    def draw_still(
        self,
        surface: Any,
        feet: tuple[float, float],
        face: Face,
        turn: int,
        is_sitting: bool,
        lift: int,
    ) -> None:
        """Draw the character in one piece: for a closed mouth, as talk brings too many faces."""
        posture = (turn, is_sitting, lift if lift < _MOST_LIFT else _MOST_LIFT, face)
        if self._whole[0] != posture:
            self._whole = (posture, self._draw_whole(*posture))
        x, y = snapped(feet, self.scale)
        surface.blit(self._whole[1], (x - BODY_ORIGIN[0], y - _WHOLE_TOP))

    def draw_outline(self, surface: Any, feet: tuple[float, float], turn: int, swing: int) -> None:
        """Draw where the character stands, over what hides it."""
        key, (x, y) = ("figure", self._look, turn, swing), snapped(feet, self.scale)
        picture = self._painter.outlined(key, self._draw_figure(key, turn, swing), AMBER)
        surface.blit(picture, (x - BODY_ORIGIN[0], y - _WHOLE_TOP))

    def _draw_figure(self, key: Hashable, turn: int, swing: int) -> Any:
        def figure(picture: Any) -> None:
            body = self._draw_body(turn, swing, False, is_final=False)
            picture.blit(body, (0, _WHOLE_TOP - BODY_ORIGIN[1]))
            at = (round(BODY_ORIGIN[0]) - HEAD_ORIGIN[0], _MOST_LIFT)
            self._put_head(picture, at, turn, Face())

        return self._painter.composed(key, _WHOLE_SIZE, figure)

    def prewarm(
        self, turns: Sequence[int], faces: Iterable[Face], *, is_sitting: bool = False
    ) -> Iterator[None]:
        """Draw what is likely to be seen, a picture for each step: it is kept for the game."""
        for turn in turns:
            for swing in (0, -1, 1) if len(turns) > 1 else (0,):
                self._draw_body(turn, swing, is_sitting)
                yield
        for turn, face in product(turns, faces):
            yield from self._prewarm_parts(turn, face)
            self._draw_head(turn, face)
            yield

    def prewarm_talk(self, turn: int) -> Iterator[None]:
        """Draw the parts of every face that talk may bring, a picture for each step."""
        for emotion, lids, gaze in product(EXPRESSIONS, range(3), (-1, 0, 1)):
            yield from self._prewarm_parts(turn, Face(emotion, lids, 0, gaze))
        for mouth in range(1, 5):
            yield from self._prewarm_parts(turn, Face("neutral", 0, mouth))

    def _prewarm_parts(self, turn: int, face: Face) -> Iterator[None]:
        for layer in head_layers(self._look, turn, face):
            before = self._painter.sprites.misses
            self._draw_layer(layer)
            if self._painter.sprites.misses > before:
                yield

    def prewarm_sleep(self, turn: int, is_sitting: bool) -> Iterator[None]:
        """Draw the breath of a character at rest, a picture for each step."""
        yield from self._prewarm_parts(turn, ASLEEP)
        self._draw_body(turn, 0, is_sitting, is_final=False)
        yield
        for lift in range(_MOST_LIFT + 1):
            self._draw_whole(turn, is_sitting, lift, ASLEEP)
            yield

    def _draw_body(self, turn: int, swing: int, is_sitting: bool, *, is_final: bool = True) -> Any:
        def body(canvas: Canvas) -> None:
            canvas.origin = BODY_ORIGIN
            draw_body(canvas, self._look, turn, swing, is_sitting)

        key = ("body", self._look, turn, swing, is_sitting)
        return self._painter.sprite(key, BODY_SIZE, body, is_final=is_final)

    def _draw_head(self, turn: int, face: Face) -> Any:
        def head(picture: Any) -> None:
            self._put_head(picture, (0, 0), turn, face)

        return self._painter.composed(("head", self._look, turn, face), HEAD_SIZE, head)

    def _draw_whole(self, turn: int, is_sitting: bool, lift: int, face: Face) -> Any:
        def whole(picture: Any) -> None:
            body = self._draw_body(turn, 0, is_sitting, is_final=False)
            picture.blit(body, (0, _WHOLE_TOP - BODY_ORIGIN[1]))
            at = (round(BODY_ORIGIN[0]) - HEAD_ORIGIN[0], _MOST_LIFT - lift)
            self._put_head(picture, at, turn, face)

        key = ("still", self._look, turn, is_sitting, lift, face)
        return self._painter.composed(key, _WHOLE_SIZE, whole)

    def _put_head(self, picture: Any, at: tuple[int, int], turn: int, face: Face) -> None:
        for layer in head_layers(self._look, turn, face):
            left, top = layer.box[:2]
            picture.blit(self._draw_layer(layer), (at[0] + left, at[1] + top))

    def _draw_layer(self, layer: HeadLayer) -> Any:
        left, top, w, h = layer.box

        def part(canvas: Canvas) -> None:
            canvas.origin = (HEAD_ORIGIN[0] - left, HEAD_ORIGIN[1] - top)
            layer.draw(canvas)

        return self._painter.sprite(layer.key, (w, h), part)


# Heads

_HEAD_BOX = (0, 0, *HEAD_SIZE)
_EYES = (20, 30, 48, 32)
_MOUTH_AREA = (26, 48, 36, 28)
_SLIT = 0.15  # eyes that are open less than this are lines, wherever they look


@dataclass(frozen=True, slots=True)
class HeadLayer:
    """A part of a head; its key holds exactly what the picture depends on."""

    key: Hashable
    box: tuple[int, int, int, int]
    """Left, top, width and height of the part within the picture of the head."""
    draw: Draw


def head_layers(look: Look, turn: int, face: Face) -> Iterator[HeadLayer]:
    """Yield the layers from back to front, each drawn around the origin; `turn` as of the body.

    Emotions, lids, gaze and mouth have hundreds of combinations, but few pictures of each part,
    so that all of these can be drawn before the game starts.
    """
    feeling, wide = expression(face), opened(face)
    gaze = face.gaze if look.is_machine or wide >= _SLIT else 0
    smile = 0.0 if face.mouth else feeling.smile
    if look.is_machine:
        x, draw_eyes, draw_mouth = turn * 4.0, screen_eyes, screen_mouth
    else:
        x, draw_eyes, draw_mouth = turn * 6.0, eyes, mouth
    yield _back(look, turn, x, feeling.blush)
    yield HeadLayer(
        ("eyes", look.is_machine, turn, wide, gaze), _EYES, lambda c: draw_eyes(c, x, wide, gaze)
    )
    yield HeadLayer(
        ("mouth", look.is_machine, turn, face.mouth, smile),
        _MOUTH_AREA,
        lambda c: draw_mouth(c, x, face.mouth, smile),
    )
    if not look.is_machine:
        yield _front(look, turn, x, (feeling.brow_lift, feeling.brow_tilt))


def _back(look: Look, turn: int, x: float, blush: float) -> HeadLayer:
    """Return what lies behind eyes and mouth."""
    if look.is_machine:
        return HeadLayer(("head back", look, turn), _HEAD_BOX, lambda c: _screen(c, look))

    def draw(c: Canvas) -> None:
        _HAIR[look.style][0](c, look, turn * 4)
        c.ellipse(-24 + turn * 4, 4, 4.5, 6, shade(look.skin, 0.08))
        c.ellipse(24 + turn * 4, 4, 4.5, 6, shade(look.skin, 0.16))
        c.inside(
            lambda k: k.ellipse(0, 0, 25, 25, look.skin),
            lambda k: k.ellipse(36, 10, 25, 34, fade(shade(look.skin, 0.6), 0.16)),
        )
        cheeks(c, look, x, blush)
        c.ellipse(x * 1.15, 8.5, 2.6, 1.8, shade(look.skin, 0.2))

    return HeadLayer(("head back", look, turn, blush), _HEAD_BOX, draw)


def _front(look: Look, turn: int, x: float, brow: tuple[float, float]) -> HeadLayer:
    """Return what lies over the face."""

    def draw(c: Canvas) -> None:
        _HAIR[look.style][1](c, look, turn * 4)
        brows(c, look, x, *brow)
        for name in sorted(look.extras & _HEAD_EXTRAS.keys()):
            _HEAD_EXTRAS[name](c, look, x)

    return HeadLayer(("head front", look, turn, brow), _HEAD_BOX, draw)


def _screen(c: Canvas, look: Look) -> None:
    """Draw a machine's head: a dark screen, for the face that is light on it."""
    c.rect(-32, -28, 64, 52, shade(look.top, 0.3), 12)
    c.rect(-32, -30, 64, 52, look.top, 12)
    c.rect(-27, -25, 54, 41, INK, 8)
    c.polygon([(-24, -23), (-6, -23), (-18, 14), (-24, 14)], (255, 255, 255, 16))
    c.rect(-12, -36, 24, 7, shade(look.top, 0.2), 3)
    c.circle(0, -33, 2, AMBER)


# Faces

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
    """Draw both eyes, `wide` open (1 as at rest), looking left (-1), ahead (0) or right (1)."""
    for side in (-1, 1):
        cx = x + side * 9
        if wide < _SLIT:
            c.curve([(cx - 4, 3.2), (cx, 4.8), (cx + 4, 3.2)], INK, 1.9)
            continue
        c.ellipse(cx, 2.5, 4.9, 5.6 * wide, SNOW)
        c.ellipse(cx + gaze * 1.6, 2.8, 3.3, min(4.2, 4.6 * wide), INK)
        c.circle(cx + gaze * 1.6 + 1.1, 1.2, 1.2 * min(1.0, wide), SNOW)
        lid = [(cx - 5, 2.6 - 4.4 * wide), (cx, 2.2 - 5.8 * wide), (cx + 5, 2.6 - 4.4 * wide)]
        c.curve(lid, INK, 1.5)


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


# Hair: what lies behind the face, and what lies over it

_Piece = Callable[[Canvas, Look, float], None]


def _nothing(c: Canvas, look: Look, x: float) -> None:
    """Draw no hair on this side."""


def _short(c: Canvas, look: Look, x: float) -> None:
    c.blob(
        [(-25, 0), (-25, -14), (-13, -26), (3, -28), (18, -23), (26, -9), (25, 0),
         (21, -8), (x + 12, -13), (x + 2, -11), (x - 8, -15), (-18, -10)],
        look.hair,
    )  # fmt: skip
    c.curve([(-14, -21), (-3, -25), (8, -24)], mix(look.hair, SNOW, 0.18), 2)


def _bun_back(c: Canvas, look: Look, x: float) -> None:
    c.circle(-2.5 * x, -29, 10.5, look.hair)
    c.circle(-2.5 * x - 2, -31, 6, mix(look.hair, SNOW, 0.1))
    c.ellipse(0, -3, 27, 26, look.hair)


def _bun_front(c: Canvas, look: Look, x: float) -> None:
    c.blob(
        [(-26, 3), (-26, -13), (-12, -27), (8, -27), (24, -16), (26, 3), (21, -8), (x + 8, -19),
         (x - 2, -17), (-19, -7)],
        look.hair,
    )  # fmt: skip
    c.curve([(-17, -17), (-8, -22), (2, -23)], mix(look.hair, SNOW, 0.16), 2)


def _bob_back(c: Canvas, look: Look, x: float) -> None:
    c.blob(
        [(-27, -8), (-14, -28), (14, -28), (27, -8), (29, 12), (22, 22), (0, 20),
         (-22, 22), (-29, 12)],
        shade(look.hair, 0.12),
    )  # fmt: skip


def _bob_front(c: Canvas, look: Look, x: float) -> None:
    c.blob(
        [(-28, 10), (-28, -10), (-14, -28), (6, -29), (22, -21), (29, -6), (28, 10), (23, -2),
         (x + 14, -13), (x + 4, -17), (x - 10, -9), (-22, -3)],
        look.hair,
    )  # fmt: skip
    c.curve([(-18, -17), (-8, -23), (4, -25)], mix(look.hair, SNOW, 0.22), 2.2)


def _long_back(c: Canvas, look: Look, x: float) -> None:
    c.blob(
        [(-27, -6), (-15, -28), (15, -28), (27, -6), (30, 18), (24, 34), (8, 30),
         (-8, 30), (-24, 34), (-30, 18)],
        shade(look.hair, 0.12),
    )  # fmt: skip


def _curly_back(c: Canvas, look: Look, x: float) -> None:
    for dx, y, r in ((-24, 2, 8), (24, 2, 8), (-26, -8, 9), (26, -8, 9), (0, -20, 18)):
        c.circle(dx, y, r, shade(look.hair, 0.12))


def _curly_front(c: Canvas, look: Look, x: float) -> None:
    for dx, y, r in (
        (-21, -13, 9), (-13, -21, 10), (-2, -24, 10), (10, -23, 10), (19, -16, 9), (24, -6, 6),
        (-25, -4, 6),
    ):  # fmt: skip
        c.circle(dx, y, r, look.hair)
    for dx, y, r in ((-11, -14, 7), (0, -16, 7), (11, -15, 6)):
        c.circle(dx + 0.75 * x, y, r, look.hair)
    c.curve([(-14, -23), (-8, -27), (-1, -28)], mix(look.hair, SNOW, 0.2), 2)


def _balding(c: Canvas, look: Look, x: float) -> None:
    for side in (-1, 1):
        c.blob([(side * 20, -14), (side * 26, -9), (side * 27, 3), (side * 22, 4)], look.hair)
    c.curve([(-8, -23), (1, -25), (9, -22)], fade(look.hair, 0.7), 1.6)
    c.ellipse(-8, -16, 5, 3, (255, 255, 255, 60))


_HAIR: Mapping[str, tuple[_Piece, _Piece]] = MappingProxyType(
    {"none": (_nothing, _nothing), "short": (_nothing, _short), "balding": (_nothing, _balding),
     "bun": (_bun_back, _bun_front), "bob": (_bob_back, _bob_front),
     "long": (_long_back, _bob_front), "curly": (_curly_back, _curly_front)}
)  # fmt: skip


# What is worn on the head


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


_HEAD_EXTRAS: Mapping[str, _Piece] = MappingProxyType(
    {"glasses": _glasses, "moustache": _moustache, "beard": _beard, "cap": _cap,
     "plaster": _plaster}
)  # fmt: skip


# Bodies


def draw_body(c: Canvas, look: Look, turn: int, swing: int, is_sitting: bool) -> None:
    """Draw the body; `turn` is -1, 0 or 1 for left, front and right, `swing` the leg ahead."""
    if not is_sitting:
        c.shadow(0, 0, 25, 6, (42, 27, 58, 90), blur=4)
    if look.is_machine:
        _machine(c, look)
        return
    if not is_sitting:
        _legs(c, look, turn, swing)
    _arm(c, look, -1, turn, swing)
    _arm(c, look, 1, turn, swing)
    c.rect(-6, -72, 12, 14, shade(look.skin, 0.2), 5)
    _torso(c, look)
    _CUTS.get(look.cut, _shirt)(c, look, turn * 4)
    for name in sorted(look.extras & _EXTRAS.keys()):
        _EXTRAS[name](c, look, turn * 4)


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


def _torso(c: Canvas, look: Look) -> None:
    hem = -13.0 if look.cut in ("coat", "gown", "dress") else -20.0
    right = [(8, -67), (17, -61), (20, -44), (21, hem)]
    left = [(-x, y) for x, y in reversed(right)]
    c.inside(
        lambda k: k.blob([*right, (0, hem + 4), *left], look.top),
        lambda k: k.rect(7, -72, 20, 70, fade(shade(look.top, 0.5), 0.28)),
    )


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


# Clothes, and what is worn over them


def _shirt(c: Canvas, look: Look, x: float) -> None:
    c.polygon([(-8, -66), (0, -58), (8, -66), (5, -69), (-5, -69)], shade(look.top, 0.22))
    for y in (-50, -41, -32):
        c.circle(x, y, 1.2, shade(look.top, 0.35))


def _coat(c: Canvas, look: Look, x: float) -> None:
    c.polygon([(x - 8, -67), (x, -44), (x + 8, -67)], mix(look.legs, CREAM, 0.35))
    c.polygon([(x - 10, -67), (x - 13, -54), (x, -42), (x - 6, -62)], shade(look.top, 0.08))
    c.polygon([(x + 10, -67), (x + 13, -54), (x, -42), (x + 6, -62)], shade(look.top, 0.16))
    c.line([(x, -42), (x, -12)], shade(look.top, 0.22), 1.3)
    c.frame(-16, -32, 10, 9, shade(look.top, 0.2), 1.2, 2)
    c.frame(7, -32, 10, 9, shade(look.top, 0.26), 1.2, 2)


def _scrubs(c: Canvas, look: Look, x: float) -> None:
    c.polygon([(x - 9, -68), (x, -54), (x + 9, -68)], look.skin)
    c.line([(x - 9, -67), (x, -54), (x + 9, -67)], shade(look.top, 0.3), 2.2)
    c.frame(x + 4, -48, 10, 11, shade(look.top, 0.28), 1.2, 2)
    c.rect(x - 15, -50, 9, 6, SNOW, 1.5)


def _gown(c: Canvas, look: Look, x: float) -> None:
    c.polygon([(-8, -67), (0, -59), (8, -67)], look.skin)
    for dot in (
        (-11, -52), (0, -46), (11, -54), (-6, -34), (7, -32), (-13, -22), (13, -21), (1, -21)
    ):  # fmt: skip
        c.circle(*dot, 1.7, mix(look.top, SNOW, 0.65))
    c.line([(-9, -67), (0, -58), (9, -67)], mix(look.top, SNOW, 0.5), 2)


def _suit(c: Canvas, look: Look, x: float) -> None:
    c.polygon([(x - 8, -68), (x, -40), (x + 8, -68)], CREAM)
    c.polygon([(x - 10, -68), (x - 13, -56), (x, -38), (x - 5, -60)], shade(look.top, 0.2))
    c.polygon([(x + 10, -68), (x + 13, -56), (x, -38), (x + 5, -60)], shade(look.top, 0.3))
    for y in (-33, -26):
        c.circle(x, y, 1.5, AMBER)


def _vest(c: Canvas, look: Look, x: float) -> None:
    c.polygon([(x - 9, -68), (x, -46), (x + 9, -68)], CREAM)
    c.polygon([(x - 4, -63), (x + 4, -63), (x, -58)], (185, 82, 63, 255))
    c.line([(x, -46), (x, -19)], shade(look.top, 0.35), 1.3)
    for y in (-42, -34, -26):
        c.circle(x - 3.5, y, 1.5, AMBER)


def _hoodie(c: Canvas, look: Look, x: float) -> None:
    c.blob(
        [(-15, -66), (0, -70), (15, -66), (10, -58), (x, -55), (-10, -58)], shade(look.top, 0.15)
    )
    c.line([(x - 4, -57), (x - 4.5, -48)], SNOW, 1.4)
    c.line([(x + 4, -57), (x + 4.5, -50)], SNOW, 1.4)
    c.blob([(x - 12, -26), (x - 8, -36), (x + 8, -36), (x + 12, -26)], shade(look.top, 0.13))


def _dress(c: Canvas, look: Look, x: float) -> None:
    c.blob([(-20, -26), (0, -30), (20, -26), (24, -11), (0, -8), (-24, -11)], shade(look.top, 0.1))
    c.curve([(-19, -29), (0, -26), (19, -29)], mix(look.top, AMBER, 0.7), 3)


def _stethoscope(c: Canvas, look: Look, x: float) -> None:
    x *= 0.75  # it hangs nearer to the neck
    c.curve([(x - 9, -67), (x - 8, -52), (x, -44), (x + 8, -52), (x + 9, -67)], INK, 2)
    c.line([(x, -44), (x + 1, -36)], INK, 2)
    c.circle(x + 1, -34, 3.6, STEEL)
    c.circle(x + 1, -34, 1.8, SNOW)


def _satchel(c: Canvas, look: Look, x: float) -> None:
    c.line([(-14, -64), (15, -28)], (122, 74, 46, 255), 2.6)
    c.rect(9, -33, 17, 14, (150, 94, 58, 255), 3)
    c.rect(9, -33, 17, 7, (122, 74, 46, 255), 3)
    c.circle(17.5, -26, 1.4, AMBER)


def _watch(c: Canvas, look: Look, x: float) -> None:
    c.line([(x + 9, -52), (x + 9, -46)], AMBER, 1.6)
    c.circle(x + 9, -44, 2.8, AMBER)
    c.circle(x + 9, -44, 1.7, SNOW)


def _scarf(c: Canvas, look: Look, x: float) -> None:
    c.blob([(-11, -67), (0, -70), (11, -67), (9, -59), (0, -57), (-9, -59)], AMBER)
    c.blob([(2, -60), (9, -60), (12, -45), (5, -44)], mix(AMBER, INK, 0.15))


def _brooch(c: Canvas, look: Look, x: float) -> None:
    c.circle(x - 12, -53, 3, AMBER)
    c.circle(x - 12, -53, 1.5, (238, 111, 94, 255))


_CUTS: Mapping[str, _Piece] = MappingProxyType(
    {"shirt": _shirt, "coat": _coat, "scrubs": _scrubs, "gown": _gown, "suit": _suit,
     "vest": _vest, "hoodie": _hoodie, "dress": _dress}
)  # fmt: skip
_EXTRAS: Mapping[str, _Piece] = MappingProxyType(
    {"stethoscope": _stethoscope, "satchel": _satchel, "watch": _watch, "scarf": _scarf,
     "brooch": _brooch}
)  # fmt: skip
