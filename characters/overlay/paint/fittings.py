"""Draws what hangs on walls and what a clinic needs: each piece around the middle of its foot."""

from __future__ import annotations

import math

from characters.overlay.paint.bodies import shade
from characters.overlay.palette import (
    AMBER,
    BRICK,
    CORAL,
    CREAM,
    INK,
    PAPER,
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
)  # fmt: skip
from engine.ui.canvas import Canvas
from engine.ui.colour import Colour, fade, mix

__all__ = [
    "draw_bed", "draw_blackboard", "draw_blanket", "draw_books", "draw_cabinet", "draw_clock",
    "draw_curtain", "draw_drip", "draw_monitor", "draw_notice", "draw_poster", "draw_trolley",
    "draw_washbasin",
]  # fmt: skip


def draw_bed(c: Canvas, colour: Colour | None) -> None:
    """Draw a hospital bed, its foot towards us; the blanket is a prop of its own."""
    c.shadow(0, -2, 70, 9, SHADOW)
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


def draw_blanket(c: Canvas, colour: Colour | None) -> None:
    """Draw the blanket that lies over somebody's legs, to stand before them."""
    wool = colour or SKY
    c.blob(
        [(-57, -46), (-30, -54), (0, -50), (30, -54), (57, -46), (60, -22), (57, -6), (0, -3),
         (-57, -6), (-60, -22)],
        wool,
    )  # fmt: skip
    c.blob([(-56, -45), (0, -50), (56, -45), (57, -35), (0, -39), (-57, -35)], SNOW)
    for y in (-26, -15):
        c.curve([(-58, y), (0, y + 3), (58, y)], mix(wool, SNOW, 0.35), 3.5)
    c.curve([(-16, -34), (-22, -20), (-18, -7)], shade(wool, 0.12), 2)
    c.curve([(20, -34), (24, -20), (20, -7)], shade(wool, 0.12), 2)


def draw_curtain(c: Canvas, colour: Colour | None) -> None:
    """Draw a folded curtain on its rail."""
    cloth = colour or mix(SAGE, SNOW, 0.35)
    c.rect(-30, -188, 60, 4, STEEL, 2)
    c.shadow(0, -4, 26, 5, SHADOW)
    hem = [(26 - 52 * i / 8, -8 + (4 if i % 2 else 0)) for i in range(9)]
    c.inside(
        lambda k: k.blob([(-24, -184), (0, -185), (24, -184), (27, -90), *hem, (-27, -90)], cloth),
        lambda k: _folds(k, cloth),
    )
    for x in (-20, -7, 7, 20):
        c.circle(x, -185, 2, SMOKE)


def _folds(c: Canvas, cloth: Colour) -> None:
    for i, x in enumerate((-24, -11, 2, 15)):
        c.rect(x, -190, 6, 190, shade(cloth, 0.1 + 0.03 * i))
        c.rect(x + 6, -190, 2.4, 190, mix(cloth, SNOW, 0.25))


def draw_monitor(c: Canvas, colour: Colour | None) -> None:
    """Draw a heart monitor on its stand."""
    c.shadow(0, -1, 20, 5, SHADOW)
    c.line([(-15, -3), (15, -3)], STEEL, 4)
    c.rect(-2.5, -64, 5, 62, STEEL, 2)
    c.rect(-10, -48, 20, 12, SMOKE, 3)
    c.rect(-29, -112, 58, 48, shade(CREAM, 0.22), 8)
    c.rect(-29, -112, 58, 45, CREAM, 8)
    c.rect(-24, -107, 48, 30, INK, 5)
    pulse = [
        (-22, -90),
        (-14, -90),
        (-10, -94),
        (-7, -84),
        (-3, -103),
        (1, -86),
        (4, -90),
        (21, -90),
    ]
    c.line(pulse, (150, 240, 190, 255), 1.7)
    c.line([(-22, -81), (6, -81)], (120, 200, 240, 255), 1.4)
    c.circle(17, -82, 2.4, CORAL)
    for x, tone in ((-18, TEAL), (-10, AMBER), (-2, CORAL)):
        c.circle(x, -72, 2.2, tone)


def draw_drip(c: Canvas, colour: Colour | None) -> None:
    """Draw a drip stand."""
    c.shadow(0, -1, 13, 4, SHADOW)
    c.line([(-11, -3), (11, -3)], STEEL, 3.4)
    c.rect(-1.5, -128, 3, 126, STEEL, 1.5)
    c.line([(-10, -128), (10, -128)], STEEL, 3)
    c.rect(3, -126, 14, 26, (205, 232, 240, 235), 5)
    c.rect(3, -114, 14, 14, (143, 192, 222, 235), 5)
    c.curve([(10, -100), (12, -80), (4, -62), (-8, -50)], (143, 192, 222, 220), 1.4)


def draw_cabinet(c: Canvas, colour: Colour | None) -> None:
    """Draw a medicine cabinet with glass doors."""
    body = colour or CREAM
    c.shadow(0, -1, 44, 6, SHADOW)
    c.rect(-42, -112, 84, 112, shade(body, 0.12), 6)
    c.rect(-42, -112, 84, 106, body, 6)
    c.rect(-36, -106, 72, 54, shade(SKY, 0.25), 4)
    for y in (-84, -56):
        c.rect(-36, y, 72, 3, body)
    upper = ((-30, ROSE), (-20, TEAL), (-9, AMBER), (8, CREAM), (20, SAGE))
    lower = ((-28, SNOW), (-15, CORAL), (2, SAGE), (14, AMBER), (26, ROSE))
    bottles = [(x, -84, tone) for x, tone in upper] + [(x, -56, tone) for x, tone in lower]
    for i, (x, y, tone) in enumerate(bottles):
        tall = 11 + (i * 5) % 7
        c.rect(x, y - tall, 8, tall, tone, 2.5)
        c.rect(x + 1.5, y - tall - 3, 5, 4, INK, 1)
    c.rect(-1.5, -106, 3, 54, body)
    c.polygon([(-34, -60), (-14, -104), (-6, -104), (-26, -56)], (255, 255, 255, 60))
    for x in (-36, 2):
        c.rect(x, -46, 34, 36, shade(body, 0.08), 4)
    c.circle(-7, -28, 2.2, STEEL)
    c.circle(7, -28, 2.2, STEEL)


def draw_trolley(c: Canvas, colour: Colour | None) -> None:
    """Draw a trolley with a kidney dish and bandages."""
    c.shadow(0, -1, 36, 5, SHADOW)
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


def draw_washbasin(c: Canvas, colour: Colour | None) -> None:
    """Draw a washbasin under a round mirror."""
    c.circle(0, -78, 21, WOOD)
    c.circle(0, -78, 17.5, mix(SKY, SNOW, 0.6))
    c.polygon([(-12, -70), (4, -92), (10, -90), (-6, -66)], (255, 255, 255, 130))
    c.rect(-7, -30, 14, 30, shade(SNOW, 0.16), 4)
    c.blob([(-34, -44), (34, -44), (26, -26), (0, -22), (-26, -26)], SNOW)
    c.ellipse(0, -44, 34, 6, SNOW)
    c.ellipse(0, -44, 27, 4, shade(SNOW, 0.18))
    c.curve([(0, -46), (0, -55), (7, -54)], STEEL, 3)


def draw_clock(c: Canvas, colour: Colour | None) -> None:
    """Draw a wall clock at ten past ten, when clocks smile."""
    c.circle(1, -18, 20, SHADOW)
    c.circle(0, -20, 20, colour or WALNUT)
    c.circle(0, -20, 16.5, SNOW)
    for hour in range(12):
        angle = math.tau * hour / 12
        c.circle(13.4 * math.sin(angle), -20 - 13.4 * math.cos(angle), 0.9, INK)
    c.line([(0, -20), (-7, -25)], INK, 2.2)
    c.line([(0, -20), (6, -30)], INK, 1.6)
    c.circle(0, -20, 1.8, CORAL)


def draw_poster(c: Canvas, colour: Colour | None) -> None:
    """Draw a framed picture of hills under a sun."""
    c.rect(-28, -74, 56, 74, WALNUT, 3)
    c.inside(
        lambda k: k.rect(-24, -70, 48, 66, mix(SKY, SNOW, 0.3), 2),
        lambda k: _hills(k, colour or SAGE),
    )


def _hills(c: Canvas, near: Colour) -> None:
    c.circle(9, -50, 9, AMBER)
    c.blob([(-40, 10), (-40, -24), (-12, -38), (10, -22), (40, -34), (40, 10)], mix(near, SKY, 0.4))
    c.blob([(-40, 10), (-40, -12), (-8, -22), (20, -12), (40, -20), (40, 10)], near)


def draw_notice(c: Canvas, colour: Colour | None) -> None:
    """Draw a cork board with notes."""
    c.rect(-37, -54, 74, 54, WALNUT, 4)
    c.rect(-33, -50, 66, 46, colour or (214, 164, 112, 255), 2)
    notes = (
        (-29, -46, 18, 22, SNOW), (-6, -44, 16, 16, AMBER), (14, -46, 15, 20, ROSE),
        (-27, -20, 22, 12, SKY), (0, -24, 26, 16, CREAM),
    )  # fmt: skip
    for x, y, w, h, tone in notes:
        c.rect(x, y, w, h, tone, 1)
        c.circle(x + w / 2, y + 1.5, 1.7, BRICK)
        c.line([(x + 4, y + h - 4), (x + w - 4, y + h - 4)], fade(INK, 0.35), 1.1)


def draw_blackboard(c: Canvas, colour: Colour | None) -> None:
    """Draw a blackboard with a chalk shelf; writing comes on top."""
    board = colour or (58, 92, 84, 255)
    c.rect(-130, -126, 260, 122, SHADOW, 6)
    c.rect(-130, -128, 260, 120, WOOD, 6)
    c.rect(-122, -120, 244, 104, board, 3)
    c.polygon([(-122, -120), (-40, -120), (-100, -16), (-122, -16)], (255, 255, 255, 14))
    c.rect(-126, -12, 252, 8, shade(WOOD, 0.25), 3)
    for x, tone in ((-60, SNOW), (-46, ROSE), (50, AMBER)):
        c.line([(x, -14), (x + 9, -14)], tone, 3)
    c.rect(78, -19, 24, 8, WALNUT, 2)


def draw_books(c: Canvas, colour: Colour | None) -> None:
    """Draw a small stack of books."""
    for y, w, tone in ((-8, 38, BRICK), (-16, 32, colour or TEAL), (-23, 27, AMBER)):
        c.rect(-w / 2, y, w, 7.4, tone, 2)
        c.rect(-w / 2 + 3, y + 1.8, w - 3, 3.6, CREAM, 1)
