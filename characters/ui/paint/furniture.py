"""Draws furniture around the middle of its foot, once for each kind and colour."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from characters.ui.appearance import (
    AMBER,
    BRICK,
    CORAL,
    CREAM,
    HONEY,
    INK,
    LEAF,
    PAPER,
    PROPS,
    ROSE,
    SAGE,
    SHADOW,
    SKY,
    SMOKE,
    SNOW,
    STEEL,
    TEAL,
    WALNUT,
    WOOD,
    PropKind,
    shade,
)
from engine.ui.canvas import Canvas
from engine.ui.colour import Colour, fade, hex_colour, mix
from engine.ui.painter import Painter

__all__ = ["MARGIN", "prop_picture"]

MARGIN = 28
"""Room around a piece for its shadow and what sticks out."""


class _Piece(NamedTuple):
    """How a kind of furniture is drawn: its own colour, and the shadow at its foot."""

    draw: Callable[[Canvas, Colour], None]
    colour: Colour = WOOD
    shadow: tuple[float, float, float, float] | None = None
    """The middle, and how far it reaches to the sides and up."""


def prop_picture(
    painter: Painter, kind: PropKind, label: str, colour: str, flip: bool
) -> tuple[Any, tuple[float, float]]:
    """Return the picture of a piece of furniture, and the place of its foot in it."""
    size = PROPS[kind]
    # A rug's blobs and a bell's flowers stick out a little: the margin is all around.
    whole = (size.w + 2 * MARGIN, size.h + 2 * MARGIN)
    foot = (size.w / 2 + MARGIN, size.h + MARGIN)

    def draw(canvas: Canvas) -> None:
        canvas.origin, piece = foot, _PIECES[kind]
        if piece.shadow is not None:
            canvas.shadow(*piece.shadow, SHADOW)
        piece.draw(canvas, hex_colour(colour) if colour else piece.colour)
        if label:
            _write(canvas, painter, kind, label)

    picture = painter.sprite(("prop", kind, label, colour), whole, draw, is_final=not flip)
    if flip:
        key = ("flipped", kind, label, colour)
        picture = painter.sprites.get(key, lambda: painter.flipped(picture))
    return picture, foot


def _write(c: Canvas, painter: Painter, kind: PropKind, label: str) -> None:
    if kind == "blackboard":
        _chalk(c, painter, label)
        return
    y = {"door": -146.0, "reception": -44.0}.get(kind, -PROPS[kind].h + 0.0)
    words = painter.fonts.render(label, 13 * c.times, CREAM if kind != "reception" else INK, True)
    w, h = words.get_width() / c.scale, words.get_height() / c.scale
    back = CREAM if kind == "reception" else WALNUT
    c.rect(-w / 2 - 9, y - h / 2 - 3, w + 18, h + 6, back, 6)
    c.stamp_large(words, -w / 2, y - h / 2)


def _chalk(c: Canvas, painter: Painter, label: str) -> None:
    size = 17
    lines = painter.fonts.lines(label, 220, size, False)
    y = -66 - len(lines) * size * 0.65
    for line in lines:
        words = painter.fonts.render(line, size * c.times, (*SNOW[:3], 225), False)
        c.stamp_large(words, -words.get_width() / c.scale / 2, y)
        y += size * 1.3


def _bed(c: Canvas, colour: Colour) -> None:
    c.rect(-62, -106, 124, 62, shade(WOOD, 0.12), 14)
    c.rect(-55, -99, 110, 55, WOOD, 11)
    for x in (-58, 52):
        c.rect(x, -22, 7, 22, STEEL, 3)
    c.rect(-60, -62, 120, 50, SNOW, 12)
    c.rect(-60, -24, 120, 14, shade(SNOW, 0.16), 7)
    c.blob([(-38, -84), (0, -89), (38, -84), (42, -66), (0, -58), (-42, -66)], SNOW)
    c.blob([(-34, -68), (0, -62), (34, -68), (38, -64), (0, -57), (-38, -64)], shade(SNOW, 0.12))
    for side in (-1, 1):
        c.rect(side * 64 - 2.5, -64, 5, 40, STEEL, 2.5)
        c.rect(side * 64 - 2.5, -64, 5, 6, SMOKE, 2.5)


def _blanket(c: Canvas, colour: Colour) -> None:
    c.blob(
        [(-57, -46), (-30, -54), (0, -50), (30, -54), (57, -46), (60, -22), (57, -6), (0, -3),
         (-57, -6), (-60, -22)],
        colour,
    )  # fmt: skip
    c.blob([(-56, -45), (0, -50), (56, -45), (57, -35), (0, -39), (-57, -35)], SNOW)
    for y in (-26, -15):
        c.curve([(-58, y), (0, y + 3), (58, y)], mix(colour, SNOW, 0.35), 3.5)
    c.curve([(-16, -34), (-22, -20), (-18, -7)], shade(colour, 0.12), 2)
    c.curve([(20, -34), (24, -20), (20, -7)], shade(colour, 0.12), 2)


def _monitor(c: Canvas, colour: Colour) -> None:
    c.line([(-15, -3), (15, -3)], STEEL, 4)
    c.rect(-2.5, -64, 5, 62, STEEL, 2)
    c.rect(-10, -48, 20, 12, SMOKE, 3)
    c.rect(-29, -112, 58, 48, shade(CREAM, 0.22), 8)
    c.rect(-29, -112, 58, 45, CREAM, 8)
    c.rect(-24, -107, 48, 30, INK, 5)
    pulse = [
        (-22, -90), (-14, -90), (-10, -94), (-7, -84), (-3, -103), (1, -86), (4, -90), (21, -90)
    ]  # fmt: skip
    c.line(pulse, (150, 240, 190, 255), 1.7)
    c.line([(-22, -81), (6, -81)], (120, 200, 240, 255), 1.4)
    c.circle(17, -82, 2.4, CORAL)
    for x, tone in ((-18, TEAL), (-10, AMBER), (-2, CORAL)):
        c.circle(x, -72, 2.2, tone)


def _drip(c: Canvas, colour: Colour) -> None:
    c.line([(-11, -3), (11, -3)], STEEL, 3.4)
    c.rect(-1.5, -128, 3, 126, STEEL, 1.5)
    c.line([(-10, -128), (10, -128)], STEEL, 3)
    c.rect(3, -126, 14, 26, (205, 232, 240, 235), 5)
    c.rect(3, -114, 14, 14, (143, 192, 222, 235), 5)
    c.curve([(10, -100), (12, -80), (4, -62), (-8, -50)], (143, 192, 222, 220), 1.4)


def _cabinet(c: Canvas, colour: Colour) -> None:
    c.rect(-42, -112, 84, 112, shade(colour, 0.12), 6)
    c.rect(-42, -112, 84, 106, colour, 6)
    c.rect(-36, -106, 72, 54, shade(SKY, 0.25), 4)
    for y in (-84, -56):
        c.rect(-36, y, 72, 3, colour)
    upper = ((-30, ROSE), (-20, TEAL), (-9, AMBER), (8, CREAM), (20, SAGE))
    lower = ((-28, SNOW), (-15, CORAL), (2, SAGE), (14, AMBER), (26, ROSE))
    bottles = [(x, -84, tone) for x, tone in upper] + [(x, -56, tone) for x, tone in lower]
    for i, (x, y, tone) in enumerate(bottles):
        tall = 11 + (i * 5) % 7
        c.rect(x, y - tall, 8, tall, tone, 2.5)
        c.rect(x + 1.5, y - tall - 3, 5, 4, INK, 1)
    c.rect(-1.5, -106, 3, 54, colour)
    c.polygon([(-34, -60), (-14, -104), (-6, -104), (-26, -56)], (255, 255, 255, 60))
    for x in (-36, 2):
        c.rect(x, -46, 34, 36, shade(colour, 0.08), 4)
    c.circle(-7, -28, 2.2, STEEL)
    c.circle(7, -28, 2.2, STEEL)


def _trolley(c: Canvas, colour: Colour) -> None:
    for x in (-30, 27):
        c.rect(x, -62, 3.4, 58, STEEL, 1.5)
        c.circle(x + 1.7, -3, 3.6, INK)
    c.rect(-34, -32, 68, 7, SMOKE, 3)
    c.rect(-34, -64, 68, 8, SMOKE, 3)
    c.rect(-34, -60, 68, 4, STEEL, 2)
    c.blob([(-28, -68), (-16, -71), (-4, -67), (-8, -64), (-24, -64)], SKY)
    c.rect(4, -72, 11, 9, SNOW, 3)
    c.rect(18, -76, 10, 13, CORAL, 2)
    c.rect(21.5, -74, 3, 9, SNOW)
    c.rect(18.5, -71, 9, 3, SNOW)
    c.rect(-24, -44, 20, 12, TEAL, 3)
    c.rect(0, -41, 26, 9, PAPER, 2)


def _washbasin(c: Canvas, colour: Colour) -> None:
    c.circle(0, -78, 21, WOOD)
    c.circle(0, -78, 17.5, mix(SKY, SNOW, 0.6))
    c.polygon([(-12, -70), (4, -92), (10, -90), (-6, -66)], (255, 255, 255, 130))
    c.rect(-7, -30, 14, 30, shade(SNOW, 0.16), 4)
    c.blob([(-34, -44), (34, -44), (26, -26), (0, -22), (-26, -26)], SNOW)
    c.ellipse(0, -44, 34, 6, SNOW)
    c.ellipse(0, -44, 27, 4, shade(SNOW, 0.18))
    c.curve([(0, -46), (0, -55), (7, -54)], STEEL, 3)


def _curtain(c: Canvas, colour: Colour) -> None:
    c.rect(-30, -188, 60, 4, STEEL, 2)
    hem = [(26 - 52 * i / 8, -8 + (4 if i % 2 else 0)) for i in range(9)]
    c.inside(
        lambda k: k.blob([(-24, -184), (0, -185), (24, -184), (27, -90), *hem, (-27, -90)], colour),
        lambda k: _folds(k, colour),
    )
    for x in (-20, -7, 7, 20):
        c.circle(x, -185, 2, SMOKE)


def _folds(c: Canvas, cloth: Colour) -> None:
    for i, x in enumerate((-24, -11, 2, 15)):
        c.rect(x, -190, 6, 190, shade(cloth, 0.1 + 0.03 * i))
        c.rect(x + 6, -190, 2.4, 190, mix(cloth, SNOW, 0.25))


def _reception(c: Canvas, colour: Colour) -> None:
    c.rect(-122, -68, 244, 68, shade(colour, 0.12), 12)
    for x in range(-110, 112, 22):
        c.rect(x, -60, 18, 54, mix(colour, SNOW, 0.1) if x < 0 else shade(colour, 0.04), 5)
    c.rect(-122, -12, 244, 12, shade(colour, 0.45), 6)
    c.rect(-126, -78, 252, 16, CREAM, 7)
    c.rect(-126, -68, 252, 6, shade(CREAM, 0.18), 3)
    c.ellipse(48, -78, 9, 3, shade(AMBER, 0.3))
    c.ellipse(48, -82, 8, 6, AMBER)
    c.circle(48, -89, 2, shade(AMBER, 0.3))
    c.rect(-96, -96, 14, 20, TEAL, 4)
    for x, y in ((-98, -104), (-89, -109), (-81, -103)):
        c.line([(-89, -94), (x, y)], LEAF, 1.6)
        c.circle(x, y, 4.6, ROSE)
    c.polygon([(-20, -78), (-14, -84), (18, -84), (14, -78)], SNOW)


def _bench(c: Canvas, colour: Colour) -> None:
    for x in (-50, 46):
        c.rect(x, -24, 5, 24, shade(WALNUT, 0.2), 2)
    c.rect(-60, -30, 120, 14, shade(colour, 0.22), 6)
    for x in (-59, -19, 21):
        c.rect(x, -40, 38, 18, colour, 7)
        c.rect(x + 4, -38, 30, 5, mix(colour, SNOW, 0.2), 2.5)


def _sofa(c: Canvas, colour: Colour) -> None:
    for x in (-64, 60):
        c.rect(x, -10, 5, 10, WALNUT, 2)
    c.rect(-70, -76, 140, 56, shade(colour, 0.08), 16)
    c.rect(-66, -72, 65, 46, colour, 13)
    c.rect(1, -72, 65, 46, colour, 13)
    c.rect(-68, -38, 136, 26, mix(colour, SNOW, 0.12), 9)
    c.rect(-68, -22, 136, 14, shade(colour, 0.16), 6)
    c.line([(0, -37), (0, -22)], shade(colour, 0.12), 1.5)
    for side in (-1, 1):
        c.rect(side * 70 - 10, -56, 20, 50, shade(colour, 0.1 if side < 0 else 0.22), 10)
    c.blob([(-56, -60), (-30, -62), (-28, -38), (-54, -36)], AMBER)
    c.blob([(-53, -57), (-33, -59), (-43, -40)], mix(AMBER, SNOW, 0.25))


def _table(c: Canvas, colour: Colour) -> None:
    c.rect(-5, -26, 10, 22, shade(colour, 0.35), 3)
    c.ellipse(0, -4, 22, 5, shade(colour, 0.4))
    c.ellipse(0, -26, 42, 12, shade(colour, 0.3))
    c.ellipse(0, -30, 42, 12, colour)
    c.ellipse(-4, -31, 32, 7, mix(colour, SNOW, 0.14))
    c.blob([(-6, -46), (6, -46), (8, -36), (4, -30), (-4, -30), (-8, -36)], TEAL)
    for x, y, petals in ((-7, -56, ROSE), (1, -60, AMBER), (8, -54, ROSE)):
        c.line([(0, -44), (x, y)], LEAF, 1.4)
        c.circle(x, y, 4, petals)
    c.polygon([(14, -30), (20, -35), (34, -33), (29, -28)], PAPER)


def _lamp(c: Canvas, colour: Colour) -> None:
    c.blurred(lambda k: k.ellipse(0, -102, 40, 34, (255, 214, 130, 90)), 12)
    c.ellipse(0, -3, 13, 4, shade(WALNUT, 0.3))
    c.rect(-1.8, -96, 3.6, 94, WALNUT, 1.5)
    c.polygon([(-12, -126), (12, -126), (20, -94), (-20, -94)], colour)
    c.polygon([(4, -126), (12, -126), (20, -94), (8, -94)], (180, 110, 40, 40))


def _plant(c: Canvas, colour: Colour) -> None:
    for x, y, tip_x, tip_y, tone in (
        (0, -30, -24, -62, 0.25), (0, -30, 25, -60, 0.3), (0, -32, -12, -82, 0.1),
        (0, -32, 14, -84, 0.2), (0, -30, -28, -42, 0.15), (0, -30, 28, -40, 0.25),
        (0, -32, 1, -90, 0.0),
    ):  # fmt: skip
        _leaf(c, (x, y), (tip_x, tip_y), mix(colour, INK, tone * 0.6))
    pot = mix(BRICK, AMBER, 0.25)
    c.blob([(-17, -30), (17, -30), (13, -4), (8, 0), (-8, 0), (-13, -4)], pot)
    c.blob([(6, -30), (17, -30), (13, -4), (8, 0), (4, 0)], shade(pot, 0.15))
    c.rect(-19, -34, 38, 8, mix(pot, SNOW, 0.12), 3)


def _leaf(c: Canvas, foot: tuple[float, float], tip: tuple[float, float], colour: Colour) -> None:
    (x, y), (tx, ty) = foot, tip
    dx, dy = (ty - y) * 0.22, (x - tx) * 0.22
    mx, my = x + (tx - x) * 0.6, y + (ty - y) * 0.6
    c.blob([(x, y), (mx + dx, my + dy), (tx, ty), (mx - dx, my - dy)], colour)
    c.curve([(x, y), (mx, my), (tx, ty)], mix(colour, SNOW, 0.18), 1)


def _rug(c: Canvas, colour: Colour) -> None:
    for share, tone in ((1.0, shade(colour, 0.12)), (0.94, mix(colour, CREAM, 0.7)), (0.88, colour),
                        (0.6, mix(colour, AMBER, 0.55)), (0.54, mix(colour, CREAM, 0.15)),
                        (0.2, mix(colour, AMBER, 0.45))):  # fmt: skip
        c.ellipse(0, -60, 160 * share, 60 * share, tone)


def _shelf(c: Canvas, colour: Colour) -> None:
    c.rect(-60, -150, 120, 150, colour, 5)
    tones = (BRICK, TEAL, AMBER, SAGE, (91, 74, 120, 255), ROSE, CREAM)
    for row, y in enumerate((-142, -96, -50)):
        c.rect(-54, y, 108, 41, shade(colour, 0.45), 3)
        x, book = -51.0, row * 3
        while x < 38 - row * 6:
            wide, tall = 7 + (book * 5) % 6, 27 + (book * 7) % 11
            tone = tones[book % len(tones)]
            c.rect(x, y + 41 - tall, wide, tall, tone, 1.5)
            c.rect(x, y + 47 - tall, wide, 2.4, mix(tone, SNOW, 0.45))
            x, book = x + wide + 1, book + 1
    c.circle(45, -107, 8, SAGE)
    c.rect(38, -62 - 1, 14, 3, colour)
    c.rect(40, -24, 12, 14, AMBER, 2)


def _books(c: Canvas, colour: Colour) -> None:
    for y, w, tone in ((-8, 38, BRICK), (-16, 32, colour), (-23, 27, AMBER)):
        c.rect(-w / 2, y, w, 7.4, tone, 2)
        c.rect(-w / 2 + 3, y + 1.8, w - 3, 3.6, CREAM, 1)


def _chair(c: Canvas, colour: Colour) -> None:
    for x in (-18, 14):
        c.rect(x, -26, 4.5, 26, WALNUT, 2)
    c.rect(-20, -62, 40, 34, WOOD, 9)
    c.rect(-15, -57, 30, 22, mix(WOOD, SNOW, 0.2), 6)
    c.rect(-22, -33, 44, 11, colour, 5)
    c.rect(-22, -26, 44, 5, shade(colour, 0.22), 2.5)


def _desk(c: Canvas, colour: Colour) -> None:
    c.rect(-80, -52, 160, 50, shade(colour, 0.3), 5)
    c.rect(-72, -46, 40, 40, shade(colour, 0.18), 3)
    c.rect(32, -46, 40, 40, shade(colour, 0.18), 3)
    for x in (-52, 52):
        c.line([(x - 6, -28), (x + 6, -28)], AMBER, 3)
    c.rect(-88, -64, 176, 15, colour, 5)
    c.rect(-88, -64, 176, 6, mix(colour, SNOW, 0.2), 3)
    c.polygon([(-20, -64), (-14, -71), (24, -71), (20, -64)], SNOW)
    c.polygon([(-32, -64), (-28, -69), (-2, -69), (-6, -64)], PAPER)
    c.rect(44, -68, 30, 5, BRICK, 1.5)
    c.rect(46, -73, 27, 5, TEAL, 1.5)
    c.circle(-56, -69, 6, (214, 74, 66, 255))
    c.curve([(-56, -74), (-54, -79)], WALNUT, 1.6)
    c.ellipse(-51, -77, 3.2, 1.8, LEAF)


def _student_desk(c: Canvas, colour: Colour) -> None:
    for x in (-40, 35):
        c.rect(x, -40, 5, 40, shade(WALNUT, 0.15), 2)
    c.rect(-38, -38, 76, 14, shade(colour, 0.3), 3)
    c.rect(-46, -48, 92, 13, colour, 5)
    c.rect(-46, -48, 92, 5, mix(colour, SNOW, 0.25), 2.5)
    c.polygon([(-22, -48), (-17, -54), (0, -53), (0, -48)], SNOW)
    c.polygon([(22, -48), (17, -54), (0, -53), (0, -48)], CREAM)
    c.line([(28, -50), (37, -54)], AMBER, 2.2)


def _blackboard(c: Canvas, colour: Colour) -> None:
    c.rect(-130, -126, 260, 122, SHADOW, 6)
    c.rect(-130, -128, 260, 120, WOOD, 6)
    c.rect(-122, -120, 244, 104, colour, 3)
    c.polygon([(-122, -120), (-40, -120), (-100, -16), (-122, -16)], (255, 255, 255, 14))
    c.rect(-126, -12, 252, 8, shade(WOOD, 0.25), 3)
    for x, tone in ((-60, SNOW), (-46, ROSE), (50, AMBER)):
        c.line([(x, -14), (x + 9, -14)], tone, 3)
    c.rect(78, -19, 24, 8, WALNUT, 2)


def _door(c: Canvas, colour: Colour) -> None:
    c.rect(-42, -146, 84, 146, shade(WOOD, 0.35), 6)
    c.rect(-38, -142, 76, 142, WOOD, 4)
    c.rect(-33, -134, 66, 134, colour, 3)
    c.inside(
        lambda k: k.rect(-20, -122, 40, 52, mix(CREAM, AMBER, 0.25), 5),
        lambda k: k.polygon([(-20, -92), (14, -124), (22, -124), (-20, -78)], (255, 255, 255, 120)),
    )
    c.frame(-20, -122, 40, 52, shade(colour, 0.25), 2.5, 5)
    c.rect(-20, -58, 40, 44, shade(colour, 0.1), 4)
    c.frame(-20, -58, 40, 44, shade(colour, 0.25), 2, 4)
    c.rect(23, -70, 5, 18, shade(AMBER, 0.1), 2.5)
    c.circle(25.5, -66, 3.6, AMBER)
    c.rect(18, -134, 15, 134, fade(shade(colour, 0.8), 0.16))
    c.rect(-38, -4, 76, 4, shade(WOOD, 0.4))


def _clock(c: Canvas, colour: Colour) -> None:
    c.circle(1, -18, 20, SHADOW)
    c.circle(0, -20, 20, colour)
    c.circle(0, -20, 16.5, SNOW)
    for hour in range(12):
        angle = math.tau * hour / 12
        c.circle(13.4 * math.sin(angle), -20 - 13.4 * math.cos(angle), 0.9, INK)
    c.line([(0, -20), (-7, -25)], INK, 2.2)  # ten past ten, when clocks smile
    c.line([(0, -20), (6, -30)], INK, 1.6)
    c.circle(0, -20, 1.8, CORAL)


def _poster(c: Canvas, colour: Colour) -> None:
    c.rect(-28, -74, 56, 74, WALNUT, 3)
    c.inside(
        lambda k: k.rect(-24, -70, 48, 66, mix(SKY, SNOW, 0.3), 2), lambda k: _hills(k, colour)
    )


def _hills(c: Canvas, near: Colour) -> None:
    c.circle(9, -50, 9, AMBER)
    c.blob([(-40, 10), (-40, -24), (-12, -38), (10, -22), (40, -34), (40, 10)], mix(near, SKY, 0.4))
    c.blob([(-40, 10), (-40, -12), (-8, -22), (20, -12), (40, -20), (40, 10)], near)


def _notice(c: Canvas, colour: Colour) -> None:
    c.rect(-37, -54, 74, 54, WALNUT, 4)
    c.rect(-33, -50, 66, 46, colour, 2)
    notes = (
        (-29, -46, 18, 22, SNOW), (-6, -44, 16, 16, AMBER), (14, -46, 15, 20, ROSE),
        (-27, -20, 22, 12, SKY), (0, -24, 26, 16, CREAM),
    )  # fmt: skip
    for x, y, w, h, tone in notes:
        c.rect(x, y, w, h, tone, 1)
        c.circle(x + w / 2, y + 1.5, 1.7, BRICK)
        c.line([(x + 4, y + h - 4), (x + w - 4, y + h - 4)], fade(INK, 0.35), 1.1)


_PIECES: Mapping[PropKind, _Piece] = MappingProxyType(
    {
        "bed": _Piece(_bed, shadow=(0, -2, 70, 9)),
        "bench": _Piece(_bench, TEAL, (0, -1, 60, 6)),
        "blackboard": _Piece(_blackboard, (58, 92, 84, 255)),
        "blanket": _Piece(_blanket, SKY),
        "books": _Piece(_books, TEAL),
        "cabinet": _Piece(_cabinet, CREAM, (0, -1, 44, 6)),
        "chair": _Piece(_chair, SAGE, (0, -1, 23, 5)),
        "clock": _Piece(_clock, WALNUT),
        "curtain": _Piece(_curtain, mix(SAGE, SNOW, 0.35), (0, -4, 26, 5)),
        "desk": _Piece(_desk, WOOD, (0, -2, 92, 9)),
        "door": _Piece(_door, TEAL),
        "drip": _Piece(_drip, shadow=(0, -1, 13, 4)),
        "lamp": _Piece(_lamp, mix(AMBER, CREAM, 0.55), (0, -1, 14, 4)),
        "monitor": _Piece(_monitor, shadow=(0, -1, 20, 5)),
        "notice": _Piece(_notice, (214, 164, 112, 255)),
        "plant": _Piece(_plant, LEAF, (2, -2, 24, 6)),
        "poster": _Piece(_poster, SAGE),
        "reception": _Piece(_reception, WOOD, (0, -2, 128, 10)),
        "rug": _Piece(_rug, BRICK),
        "shelf": _Piece(_shelf, WALNUT, (0, -1, 62, 6)),
        "sofa": _Piece(_sofa, mix(BRICK, ROSE, 0.35), (0, -3, 82, 9)),
        "student_desk": _Piece(_student_desk, HONEY, (0, -1, 48, 6)),
        "table": _Piece(_table, WOOD, (0, -2, 40, 8)),
        "trolley": _Piece(_trolley, shadow=(0, -1, 36, 5)),
        "washbasin": _Piece(_washbasin),
    }
)
