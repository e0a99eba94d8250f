"""Draws rooms, in parts so that a level may be of any size; once for each, never per frame."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from characters.ui.appearance import (
    AMBER,
    BRICK,
    CREAM,
    FLOOR_TOP,
    INK,
    LEAF,
    SAGE,
    SKY,
    SNOW,
    WALNUT,
    WOOD,
    shade,
)
from engine.ui.canvas import Canvas, Draw
from engine.ui.colour import Colour, fade, hex_colour, mix
from engine.ui.geometry import Point, Rect
from engine.ui.painter import Painter

__all__ = ["draw_backdrop", "room", "room_parts"]

_PART = (480, 300)
_STRAIGHT = 600.0  # from here on seams run straight: no tile as wide as a hall in a deep room
_SUN: Colour = (255, 236, 190, 255)


@dataclass(frozen=True, slots=True)
class RoomTheme:
    """The colours and windows of a theme; window places are shares of the width."""

    wall: tuple[Colour, Colour]
    dado: Colour
    floor: tuple[Colour, Colour]
    seam: Colour
    windows: tuple[float, ...]
    is_arched: bool = False
    is_tiled: bool = False
    lamps: tuple[float, ...] = ()


def _theme(colours: str, windows: tuple[float, ...], **more: Any) -> RoomTheme:
    """Return a theme; colours: wall above, wall below, dado, floor far, floor near, seam."""
    upper, lower, dado, far, near, seam = map(hex_colour, colours.split())
    return RoomTheme((upper, lower), dado, (far, near), seam, windows, **more)


_ROOMS: Mapping[str, RoomTheme] = MappingProxyType(
    {
        "clinic": _theme(
            "#dfeadb #f2f0df #a9cdbd #e2d3bb #f2e6d2 #cdb99b", (0.27, 0.66), is_tiled=True
        ),
        "lobby": _theme(
            "#f3cfa8 #fbe3c4 #d98f6c #b97d52 #d39a6a #9c653f", (0.25, 0.5, 0.75),
            is_arched=True, lamps=(0.375, 0.625),
        ),
        "exam": _theme(
            "#b9c4dd #d7dcea #8f6a52 #a8754f #c08d63 #8b5d3d", (0.278,), lamps=(0.705, 0.92)
        ),
    }
)  # fmt: skip


def room(theme: str) -> RoomTheme:
    """Return the room of the theme, a clinic for an unknown one."""
    return _ROOMS.get(theme, _ROOMS["clinic"])


def room_parts(
    painter: Painter, theme: str, size: Point, seen: Rect
) -> Iterator[tuple[Any, Point]]:
    """Yield the pictures that cover what is seen of a room, each with its place in the level."""
    w, h = _PART
    for y in range(int(max(0.0, seen.y) // h) * h, math.ceil(min(size[1], seen.bottom)), h):
        for x in range(int(max(0.0, seen.x) // w) * w, math.ceil(min(size[0], seen.right)), w):
            part = (min(w, size[0] - x), min(h, size[1] - y))
            picture = painter.sprite(("room", theme, size, x, y), part, _part(theme, size, x, y), 2)
            yield picture, (x, y)


def _part(theme: str, size: Point, x: int, y: int) -> Draw:
    def draw(canvas: Canvas) -> None:
        canvas.origin = (-x, -y)
        draw_backdrop(canvas, theme, size)

    return draw


def draw_backdrop(c: Canvas, theme: str, size: Point | None = None) -> None:
    """Draw what the canvas shows of a room, which is as large as the canvas if no size is given."""
    here = room(theme)
    w, h = size or c.size
    _wall(c, here, w)
    (_tiles if here.is_tiled else _planks)(c, here, w, h)
    window = _arched_window if here.is_arched else _window
    for x in (round(share * w) for share in here.windows):
        c.apart(x - 110, 0, 220, FLOOR_TOP, partial(window, x=x))
        c.apart(x - 90, FLOOR_TOP, 370, 300, partial(_sunbeam, x=x, h=h))
    for x in (round(share * w) for share in here.lamps):
        c.apart(x - 90, 0, 180, 170, partial(_pendant, x=x))
    _vignette(c, w, h)


def _within(low: float, high: float, step: float, start: float = 0.0) -> range:
    """Return the numbers of the steps from `start` that touch low to high."""
    return range(math.floor((low - start) / step), math.ceil((high - start) / step))


def _wall(c: Canvas, here: RoomTheme, w: float) -> None:
    if c.view.y > FLOOR_TOP + 4:
        return
    c.gradient(0, 0, w, FLOOR_TOP, here.wall)
    c.rect(0, 0, w, 12, mix(here.wall[0], SNOW, 0.55))
    c.rect(0, 12, w, 4, fade(INK, 0.10))
    top = FLOOR_TOP - 66
    c.rect(0, top, w, 66, here.dado)
    c.rect(0, top - 7, w, 9, mix(here.dado, SNOW, 0.35), 3)
    c.rect(0, top + 2, w, 3, fade(INK, 0.13))
    step = 80
    for x in (n * step - 20 for n in _within(c.view.x, min(w, c.view.right), step, -20)):
        c.rect(x + 8, top + 14, step - 16, 34, shade(here.dado, 0.07), 5)
        c.rect(x + 8, top + 14, step - 16, 3, shade(here.dado, 0.16), 1.5)
    c.rect(0, FLOOR_TOP - 10, w, 12, mix(here.dado, SNOW, 0.25))
    c.rect(0, FLOOR_TOP + 2, w, 2, fade(INK, 0.25))


def _rows(c: Canvas, h: float) -> list[tuple[int, float, float]]:
    """Return number, top and bottom of the floor's rows in view: nearer rows are taller."""
    seams, y, step = [], float(FLOOR_TOP + 2), 22.0
    while y < h:
        seams.append(y)
        y, step = y + step, min(52.0, step * 1.14)
    rows = enumerate(pairwise([*seams, h + step]))
    return [(i, y0, y1) for i, (y0, y1) in rows if y1 >= c.view.y and y0 <= c.view.bottom]


def _tiles(c: Canvas, here: RoomTheme, w: float, h: float) -> None:
    c.gradient(0, FLOOR_TOP + 2, w, h - FLOOR_TOP, here.floor)
    far, eye = w / 2, -520.0

    def widening(y: float) -> float:
        return (min(y, _STRAIGHT) - eye) / (FLOOR_TOP - eye)

    def seam(x: float, y: float) -> float:
        return far + (x - far) * widening(y)

    for i, y0, y1 in _rows(c, h):
        # In view at the far end of the row, where tiles are narrower.
        left, right = (far + (x - far) / widening(y0) for x in (c.view.x, c.view.right))
        for n in _within(left, right, 60):
            if (n + i) % 2:
                x0, x1 = n * 60.0, n * 60.0 + 60
                ends = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
                c.polygon([(seam(x, y), y) for x, y in ends], fade(SNOW, 0.30))
        c.rect(0, y0, w, 1.2, fade(here.seam, 0.30))


def _planks(c: Canvas, here: RoomTheme, w: float, h: float) -> None:
    c.gradient(0, FLOOR_TOP + 2, w, h - FLOOR_TOP, here.floor)
    for i, y0, y1 in _rows(c, h):
        long = 150 + 14 * i % 280  # of any length in a deep room, but none endless
        start = -((i * 67) % long)
        for n in _within(c.view.x, c.view.right, long, start):
            x = start + n * long
            tone = ((i * 7 + n * 5) % 5 - 2) * 0.045
            colour = fade(SNOW if tone > 0 else INK, abs(tone))
            c.rect(x, y0, long, y1 - y0, colour)
            c.rect(x, y0, 1.4, y1 - y0, fade(here.seam, 0.75))
        c.rect(0, y0, w, 1.4, fade(here.seam, 0.75))
        c.rect(0, y0 + 1.4, w, 1, fade(SNOW, 0.12))


def _view(c: Canvas, x: float, top: float, w: float, h: float) -> None:
    """Draw the landscape outside."""
    c.gradient(x - w / 2, top, w, h, (mix(SKY, SNOW, 0.25), mix(SKY, CREAM, 0.75)))
    c.circle(x + w * 0.24, top + h * 0.26, 11, (255, 246, 214, 255))
    for dx, dy, r in ((-0.26, 0.24, 8), (-0.16, 0.20, 11), (-0.05, 0.24, 8)):
        c.circle(x + dx * w, top + dy * h, r, fade(SNOW, 0.9))
    base = top + h
    c.blob(
        [(x - w, base + 20), (x - w * 0.7, base - h * 0.34), (x - w * 0.2, base - h * 0.46),
         (x + w * 0.25, base - h * 0.30), (x + w * 0.8, base - h * 0.42), (x + w, base + 20)],
        mix(SAGE, SKY, 0.35),
    )  # fmt: skip
    c.blob(
        [(x - w, base + 20), (x - w * 0.5, base - h * 0.16), (x + w * 0.1, base - h * 0.26),
         (x + w * 0.6, base - h * 0.14), (x + w, base + 20)],
        LEAF,
    )  # fmt: skip


def _window(c: Canvas, x: float) -> None:
    top, w, h = 30.0, 132.0, 112.0
    c.rect(x - w / 2 - 8, top - 6, w + 16, h + 14, WALNUT, 6)
    c.rect(x - w / 2 - 6, top - 6, w + 12, h + 12, WOOD, 6)
    c.clipped(lambda k: k.rect(x - w / 2, top, w, h, SNOW, 3), lambda k: _view(k, x, top, w, h))
    c.rect(x - 2.5, top, 5, h, WOOD)
    c.rect(x - w / 2, top + h * 0.42, w, 4.5, WOOD)
    c.rect(x - w / 2 - 14, top + h + 4, w + 28, 9, mix(WOOD, SNOW, 0.25), 3)
    c.rect(x - w / 2 - 14, top + h + 11, w + 28, 3, fade(INK, 0.2), 1)
    for side in (-1, 1):
        _drape(c, x + side * (w / 2 + 4), side, top, h)
    c.rect(x - w / 2 - 28, top - 15, w + 56, 5, WALNUT, 2.5)


def _drape(c: Canvas, edge: float, side: int, top: float, h: float) -> None:
    folds = ((18, -12), (-16, -12), (-12, 40), (4, 74), (9, h + 2), (20, h))
    c.blob([(edge + side * dx, top + dy) for dx, dy in folds], mix(CREAM, AMBER, 0.12))
    crease = ((8, -8), (4, 40), (12, h - 4))
    c.curve([(edge + side * dx, top + dy) for dx, dy in crease], fade(INK, 0.08), 2)


def _arched_window(c: Canvas, x: float) -> None:
    top, w, h = 26.0, 104.0, 124.0

    def opening(k: Canvas, grow: float, colour: Colour) -> None:
        k.rect(x - w / 2 - grow, top + w / 2, w + 2 * grow, h - w / 2 + grow, colour, 3)
        k.circle(x, top + w / 2, w / 2 + grow, colour)

    opening(c, 9, mix(BRICK, CREAM, 0.45))
    opening(c, 5, CREAM)
    c.clipped(lambda k: opening(k, 0, SNOW), lambda k: _view(k, x, top, w, h))
    c.rect(x - 2, top, 4, h, CREAM)
    c.rect(x - w / 2, top + w / 2, w, 4, CREAM)
    for side in (-1, 1):
        c.line([(x, top + w / 2), (x + side * w * 0.36, top + w * 0.14)], CREAM, 3)
    c.rect(x - w / 2 - 15, top + h, w + 30, 9, mix(CREAM, WOOD, 0.2), 3)
    c.rect(x - w / 2 - 15, top + h + 8, w + 30, 3, fade(INK, 0.16), 1)


def _sunbeam(c: Canvas, x: float, h: float) -> None:
    near, far = FLOOR_TOP + 14.0, min(h - 20, FLOOR_TOP + 270.0)
    light = (fade(_SUN, 0.55), fade(_SUN, 0.0))

    def panes(k: Canvas) -> None:
        for lo, hi in ((-0.47, -0.05), (0.05, 0.47)):
            k.polygon(
                [(x + 26 + lo * 130, near), (x + 26 + hi * 130, near),
                 (x + 140 + hi * 220, far), (x + 140 + lo * 220, far)],
                SNOW,
            )  # fmt: skip

    c.blurred(
        lambda k: k.clipped(panes, lambda m: m.gradient(x - 110, near, 420, far - near, light)), 5
    )


def _pendant(c: Canvas, x: float) -> None:
    c.blurred(lambda k: k.circle(x, 74, 46, fade((255, 214, 140, 255), 0.4)), 16)
    c.rect(x - 1, 0, 2, 50, INK)
    c.blob([(x - 22, 74), (x - 14, 54), (x, 48), (x + 14, 54), (x + 22, 74)], WALNUT)
    c.ellipse(x, 74, 22, 4, (255, 226, 160, 255))


def _vignette(c: Canvas, w: float, h: float) -> None:
    c.gradient(0, h - 130, w, 130, ((60, 30, 60, 0), (60, 30, 60, 46)))
    c.gradient(0, FLOOR_TOP + 2, w, 26, ((50, 26, 50, 46), (50, 26, 50, 0)))
