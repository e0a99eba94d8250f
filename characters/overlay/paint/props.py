"""Pictures of furniture by kind, with what is written on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from characters.overlay.catalogue import PROPS, PropKind
from characters.overlay.paint import fittings, furniture
from characters.overlay.palette import CREAM, INK, SNOW, WALNUT
from engine.ui.canvas import Canvas
from engine.ui.colour import Colour, hex_colour
from engine.ui.painter import Painter

__all__ = ["MARGIN", "prop_picture"]

MARGIN = 28
"""Room around a piece for its shadow and what sticks out."""

DrawProp: TypeAlias = Callable[[Canvas, Colour | None], None]

_DRAWN: Mapping[PropKind, DrawProp] = MappingProxyType(
    {
        "bed": fittings.draw_bed,
        "bench": furniture.draw_bench,
        "blackboard": fittings.draw_blackboard,
        "blanket": fittings.draw_blanket,
        "books": fittings.draw_books,
        "cabinet": fittings.draw_cabinet,
        "chair": furniture.draw_chair,
        "clock": fittings.draw_clock,
        "curtain": fittings.draw_curtain,
        "desk": furniture.draw_desk,
        "door": furniture.draw_door,
        "drip": fittings.draw_drip,
        "lamp": furniture.draw_lamp,
        "monitor": fittings.draw_monitor,
        "notice": fittings.draw_notice,
        "plant": furniture.draw_plant,
        "poster": fittings.draw_poster,
        "reception": furniture.draw_reception,
        "rug": furniture.draw_rug,
        "shelf": furniture.draw_shelf,
        "sofa": furniture.draw_sofa,
        "student_desk": furniture.draw_student_desk,
        "table": furniture.draw_table,
        "trolley": fittings.draw_trolley,
        "washbasin": fittings.draw_washbasin,
    }
)


def prop_picture(
    painter: Painter, kind: PropKind, label: str, colour: str, flip: bool
) -> tuple[Any, tuple[float, float]]:
    """Return the picture and where in it the foot stands."""
    size = PROPS[kind]
    # A rug's blobs and a bell's flowers stick out a little: the margin is all around.
    whole = (size.w + 2 * MARGIN, size.h + 2 * MARGIN)
    foot = (size.w / 2 + MARGIN, size.h + MARGIN)

    def draw(canvas: Canvas) -> None:
        canvas.origin = foot
        _DRAWN[kind](canvas, hex_colour(colour) if colour else None)
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
    words = painter.fonts.render(label, 13 * c.scale, CREAM if kind != "reception" else INK, True)
    w, h = words.get_width() / c.scale, words.get_height() / c.scale
    back = CREAM if kind == "reception" else WALNUT
    c.rect(-w / 2 - 9, y - h / 2 - 3, w + 18, h + 6, back, 6)
    c.stamp_large(words, -w / 2, y - h / 2)


def _chalk(c: Canvas, painter: Painter, label: str) -> None:
    size = 17
    lines = painter.fonts.lines(label, 220, size, False)
    y = -66 - len(lines) * size * 0.65
    for line in lines:
        words = painter.fonts.render(line, size * c.scale, (*SNOW[:3], 225), False)
        c.stamp_large(words, -words.get_width() / c.scale / 2, y)
        y += size * 1.3
