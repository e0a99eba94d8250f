"""Draws soft and domestic furniture: each piece around the middle of its foot."""

from __future__ import annotations

from characters.overlay.paint.bodies import shade
from characters.overlay.palette import (
    AMBER,
    BRICK,
    CREAM,
    HONEY,
    INK,
    LEAF,
    PAPER,
    ROSE,
    SAGE,
    SHADOW,
    SNOW,
    TEAL,
    WALNUT,
    WOOD,
)  # fmt: skip
from engine.ui.canvas import Canvas
from engine.ui.colour import Colour, fade, mix

__all__ = [
    "draw_bench", "draw_chair", "draw_desk", "draw_door", "draw_lamp", "draw_plant",
    "draw_reception", "draw_rug", "draw_shelf", "draw_sofa", "draw_student_desk", "draw_table",
]  # fmt: skip


def draw_door(c: Canvas, colour: Colour | None) -> None:
    """Draw a double-panelled door with light behind its pane."""
    leaf = colour or TEAL
    c.rect(-42, -146, 84, 146, shade(WOOD, 0.35), 6)
    c.rect(-38, -142, 76, 142, WOOD, 4)
    c.rect(-33, -134, 66, 134, leaf, 3)
    c.inside(
        lambda k: k.rect(-20, -122, 40, 52, mix(CREAM, AMBER, 0.25), 5),
        lambda k: k.polygon([(-20, -92), (14, -124), (22, -124), (-20, -78)], (255, 255, 255, 120)),
    )
    c.frame(-20, -122, 40, 52, shade(leaf, 0.25), 2.5, 5)
    c.rect(-20, -58, 40, 44, shade(leaf, 0.1), 4)
    c.frame(-20, -58, 40, 44, shade(leaf, 0.25), 2, 4)
    c.rect(23, -70, 5, 18, shade(AMBER, 0.1), 2.5)
    c.circle(25.5, -66, 3.6, AMBER)
    c.rect(18, -134, 15, 134, fade(shade(leaf, 0.8), 0.16))
    c.rect(-38, -4, 76, 4, shade(WOOD, 0.4))


def draw_plant(c: Canvas, colour: Colour | None) -> None:
    """Draw a broad-leaved plant in a pot."""
    c.shadow(2, -2, 24, 6, SHADOW)
    for x, y, tip_x, tip_y, tone in (
        (0, -30, -24, -62, 0.25), (0, -30, 25, -60, 0.3), (0, -32, -12, -82, 0.1),
        (0, -32, 14, -84, 0.2), (0, -30, -28, -42, 0.15), (0, -30, 28, -40, 0.25),
        (0, -32, 1, -90, 0.0),
    ):  # fmt: skip
        _leaf(c, (x, y), (tip_x, tip_y), mix(colour or LEAF, INK, tone * 0.6))
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


def draw_sofa(c: Canvas, colour: Colour | None) -> None:
    """Draw a two-seater with cushions."""
    fabric = colour or mix(BRICK, ROSE, 0.35)
    c.shadow(0, -3, 82, 9, SHADOW)
    for x in (-64, 60):
        c.rect(x, -10, 5, 10, WALNUT, 2)
    c.rect(-70, -76, 140, 56, shade(fabric, 0.08), 16)
    c.rect(-66, -72, 65, 46, fabric, 13)
    c.rect(1, -72, 65, 46, fabric, 13)
    c.rect(-68, -38, 136, 26, mix(fabric, SNOW, 0.12), 9)
    c.rect(-68, -22, 136, 14, shade(fabric, 0.16), 6)
    c.line([(0, -37), (0, -22)], shade(fabric, 0.12), 1.5)
    for side in (-1, 1):
        c.rect(side * 70 - 10, -56, 20, 50, shade(fabric, 0.1 if side < 0 else 0.22), 10)
    c.blob([(-56, -60), (-30, -62), (-28, -38), (-54, -36)], AMBER)
    c.blob([(-53, -57), (-33, -59), (-43, -40)], mix(AMBER, SNOW, 0.25))


def draw_bench(c: Canvas, colour: Colour | None) -> None:
    """Draw a waiting-room bench."""
    seat = colour or TEAL
    c.shadow(0, -1, 60, 6, SHADOW)
    for x in (-50, 46):
        c.rect(x, -24, 5, 24, shade(WALNUT, 0.2), 2)
    c.rect(-60, -30, 120, 14, shade(seat, 0.22), 6)
    for x in (-59, -19, 21):
        c.rect(x, -40, 38, 18, seat, 7)
        c.rect(x + 4, -38, 30, 5, mix(seat, SNOW, 0.2), 2.5)


def draw_chair(c: Canvas, colour: Colour | None) -> None:
    """Draw a wooden chair, seen from the front."""
    seat = colour or SAGE
    c.shadow(0, -1, 23, 5, SHADOW)
    for x in (-18, 14):
        c.rect(x, -26, 4.5, 26, WALNUT, 2)
    c.rect(-20, -62, 40, 34, WOOD, 9)
    c.rect(-15, -57, 30, 22, mix(WOOD, SNOW, 0.2), 6)
    c.rect(-22, -33, 44, 11, seat, 5)
    c.rect(-22, -26, 44, 5, shade(seat, 0.22), 2.5)


def draw_desk(c: Canvas, colour: Colour | None) -> None:
    """Draw a teacher's desk with papers, an apple and a lamp."""
    top = colour or WOOD
    c.shadow(0, -2, 92, 9, SHADOW)
    c.rect(-80, -52, 160, 50, shade(top, 0.3), 5)
    c.rect(-72, -46, 40, 40, shade(top, 0.18), 3)
    c.rect(32, -46, 40, 40, shade(top, 0.18), 3)
    for x in (-52, 52):
        c.line([(x - 6, -28), (x + 6, -28)], AMBER, 3)
    c.rect(-88, -64, 176, 15, top, 5)
    c.rect(-88, -64, 176, 6, mix(top, SNOW, 0.2), 3)
    c.polygon([(-20, -64), (-14, -71), (24, -71), (20, -64)], SNOW)
    c.polygon([(-32, -64), (-28, -69), (-2, -69), (-6, -64)], PAPER)
    c.rect(44, -68, 30, 5, BRICK, 1.5)
    c.rect(46, -73, 27, 5, TEAL, 1.5)
    c.circle(-56, -69, 6, (214, 74, 66, 255))
    c.curve([(-56, -74), (-54, -79)], WALNUT, 1.6)
    c.ellipse(-51, -77, 3.2, 1.8, LEAF)


def draw_student_desk(c: Canvas, colour: Colour | None) -> None:
    """Draw a small desk with an open exercise book."""
    top = colour or HONEY
    c.shadow(0, -1, 48, 6, SHADOW)
    for x in (-40, 35):
        c.rect(x, -40, 5, 40, shade(WALNUT, 0.15), 2)
    c.rect(-38, -38, 76, 14, shade(top, 0.3), 3)
    c.rect(-46, -48, 92, 13, top, 5)
    c.rect(-46, -48, 92, 5, mix(top, SNOW, 0.25), 2.5)
    c.polygon([(-22, -48), (-17, -54), (0, -53), (0, -48)], SNOW)
    c.polygon([(22, -48), (17, -54), (0, -53), (0, -48)], CREAM)
    c.line([(28, -50), (37, -54)], AMBER, 2.2)


def draw_table(c: Canvas, colour: Colour | None) -> None:
    """Draw a round coffee table with a vase."""
    top = colour or WOOD
    c.shadow(0, -2, 40, 8, SHADOW)
    c.rect(-5, -26, 10, 22, shade(top, 0.35), 3)
    c.ellipse(0, -4, 22, 5, shade(top, 0.4))
    c.ellipse(0, -26, 42, 12, shade(top, 0.3))
    c.ellipse(0, -30, 42, 12, top)
    c.ellipse(-4, -31, 32, 7, mix(top, SNOW, 0.14))
    c.blob([(-6, -46), (6, -46), (8, -36), (4, -30), (-4, -30), (-8, -36)], TEAL)
    for x, y, colour_ in ((-7, -56, ROSE), (1, -60, AMBER), (8, -54, ROSE)):
        c.line([(0, -44), (x, y)], LEAF, 1.4)
        c.circle(x, y, 4, colour_)
    c.polygon([(14, -30), (20, -35), (34, -33), (29, -28)], PAPER)


def draw_reception(c: Canvas, colour: Colour | None) -> None:
    """Draw a curved counter with a bell and flowers."""
    front = colour or WOOD
    c.shadow(0, -2, 128, 10, SHADOW)
    c.rect(-122, -68, 244, 68, shade(front, 0.12), 12)
    for x in range(-110, 112, 22):
        c.rect(x, -60, 18, 54, mix(front, SNOW, 0.1) if x < 0 else shade(front, 0.04), 5)
    c.rect(-122, -12, 244, 12, shade(front, 0.45), 6)
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


def draw_shelf(c: Canvas, colour: Colour | None) -> None:
    """Draw a bookcase, filled by the same books every time."""
    wood = colour or WALNUT
    c.shadow(0, -1, 62, 6, SHADOW)
    c.rect(-60, -150, 120, 150, wood, 5)
    tones = (BRICK, TEAL, AMBER, SAGE, (91, 74, 120, 255), ROSE, CREAM)
    for row, y in enumerate((-142, -96, -50)):
        c.rect(-54, y, 108, 41, shade(wood, 0.45), 3)
        x, book = -51.0, row * 3
        while x < 38 - row * 6:
            wide, tall = 7 + (book * 5) % 6, 27 + (book * 7) % 11
            tone = tones[book % len(tones)]
            c.rect(x, y + 41 - tall, wide, tall, tone, 1.5)
            c.rect(x, y + 47 - tall, wide, 2.4, mix(tone, SNOW, 0.45))
            x, book = x + wide + 1, book + 1
    c.circle(45, -107, 8, SAGE)
    c.rect(38, -62 - 1, 14, 3, wood)
    c.rect(40, -24, 12, 14, AMBER, 2)


def draw_rug(c: Canvas, colour: Colour | None) -> None:
    """Draw an oval rug that lies on the floor."""
    base = colour or BRICK
    for share, tone in ((1.0, shade(base, 0.12)), (0.94, mix(base, CREAM, 0.7)), (0.88, base),
                        (0.6, mix(base, AMBER, 0.55)), (0.54, mix(base, CREAM, 0.15)),
                        (0.2, mix(base, AMBER, 0.45))):  # fmt: skip
        c.ellipse(0, -60, 160 * share, 60 * share, tone)


def draw_lamp(c: Canvas, colour: Colour | None) -> None:
    """Draw a standing lamp and its glow."""
    c.shadow(0, -1, 14, 4, SHADOW)
    c.blurred(lambda k: k.ellipse(0, -102, 40, 34, (255, 214, 130, 90)), 12)
    c.ellipse(0, -3, 13, 4, shade(WALNUT, 0.3))
    c.rect(-1.8, -96, 3.6, 94, WALNUT, 1.5)
    c.polygon([(-12, -126), (12, -126), (20, -94), (-20, -94)], colour or mix(AMBER, CREAM, 0.55))
    c.polygon([(4, -126), (12, -126), (20, -94), (8, -94)], (180, 110, 40, 40))
