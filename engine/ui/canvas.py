"""Canvas: draws flat shapes much too large and shrinks them once, so that edges are smooth."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import pygame

from engine.ui.colour import Colour, mix
from engine.ui.pixels import shrunk, soften
from engine.ui.rect import Rect

__all__ = ["Canvas", "Draw", "Point"]

Point: TypeAlias = tuple[float, float]
Draw: TypeAlias = Callable[["Canvas"], object]
_CLEAR = (0, 0, 0, 0)
_STEPS = 10  # from one point of a curve to the next


def _catmull_rom(t: float) -> tuple[float, float, float, float]:
    """Return how much each of four neighbouring points counts, `t` of the way between two."""
    return (
        0.5 * (-t + 2 * t * t - t**3),
        0.5 * (2 - 5 * t * t + 3 * t**3),
        0.5 * (t + 4 * t * t - 3 * t**3),
        0.5 * (t**3 - t * t),
    )


_WEIGHTS = tuple(_catmull_rom(i / _STEPS) for i in range(_STEPS))
_BEYOND = 40  # of what lies outside the picture, a blur brings this much into it


class Canvas:
    """A picture in logical units, drawn `scale` times as large until `finish`.

    Meant for pictures that are made once and kept: nothing here is fast enough for each frame.
    """

    def __init__(
        self, size: tuple[float, float], scale: int = 3, origin: Point = (0.0, 0.0)
    ) -> None:
        self.size = (math.ceil(size[0]), math.ceil(size[1]))
        self.scale = scale
        self.origin = origin
        """Where (0, 0) of the shapes lies in the picture."""
        large = (self.size[0] * scale, self.size[1] * scale)
        self._surface = pygame.Surface(large, pygame.SRCALPHA, 32)
        self._scratch: pygame.Surface | None = None

    @property
    def view(self) -> Rect:
        """Which part of the shapes' plane the picture shows."""
        return Rect(-self.origin[0], -self.origin[1], *self.size)

    def finish(self) -> pygame.Surface:
        """Return the picture in its logical size."""
        if self.scale == 1:
            return self._surface
        return shrunk(self._surface, self.scale)

    # shapes

    def rect(
        self, x: float, y: float, w: float, h: float, colour: Colour, radius: float = 0
    ) -> None:
        """Fill a rectangle, its corners rounded by `radius`."""
        box, corner = self._box(x, y, w, h), round(radius * self.scale)
        self._paint(colour, lambda on: pygame.draw.rect(on, colour, box, 0, corner))

    def frame(
        self, x: float, y: float, w: float, h: float, colour: Colour, width: float, radius: float
    ) -> None:
        """Draw the outline of a rounded rectangle, `width` wide, within its box."""
        box = self._box(x, y, w, h)
        line, corner = max(1, round(width * self.scale)), round(radius * self.scale)
        self._paint(colour, lambda on: pygame.draw.rect(on, colour, box, line, corner))

    def circle(self, cx: float, cy: float, r: float, colour: Colour) -> None:
        """Fill a circle."""
        self.ellipse(cx, cy, r, r, colour)

    def ellipse(self, cx: float, cy: float, rx: float, ry: float, colour: Colour) -> None:
        """Fill an ellipse."""
        box = self._box(cx - rx, cy - ry, 2 * rx, 2 * ry)
        self._paint(colour, lambda on: pygame.draw.ellipse(on, colour, box))

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill a polygon with straight sides."""
        large = self._large(points)
        self._paint(colour, lambda on: pygame.draw.polygon(on, colour, large))

    def blob(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill the smooth closed curve through the points."""
        self.polygon(_smooth(points, closed=True), colour)

    def line(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        """Draw straight lines with round ends and joints."""
        large = self._large(points)
        self._paint(colour, lambda on: _stroke(on, large, colour, width * self.scale))

    def curve(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        """Draw the smooth open curve through the points, its ends round."""
        self.line(_smooth(points, closed=False), colour, width)

    def arc(
        self,
        center: Point,
        r: float,
        turn: tuple[float, float],
        colour: Colour,
        width: float,
    ) -> None:
        """Draw part of a circle; `turn` is its start and end in whole turns, clockwise from 12."""
        cx, cy = center
        steps = max(2, int(abs(turn[1] - turn[0]) * 64))
        angles = [math.tau * (turn[0] + (turn[1] - turn[0]) * i / steps) for i in range(steps + 1)]
        self.line([(cx + r * math.sin(a), cy - r * math.cos(a)) for a in angles], colour, width)

    # light

    def gradient(
        self, x: float, y: float, w: float, h: float, colours: tuple[Colour, Colour]
    ) -> None:
        """Fill a rectangle from the first colour at its top to the second at its bottom."""
        box = self._box(x, y, w, h)
        seen = box.clip(self._surface.get_rect())
        if not seen.w or not seen.h:
            return
        strip = pygame.Surface((1, seen.h), pygame.SRCALPHA, 32)
        for row in range(seen.h):
            strip.set_at((0, row), mix(*colours, (row + seen.y - box.y) / box.h))
        self._surface.blit(pygame.transform.scale(strip, seen.size), seen.topleft)

    def shadow(
        self, cx: float, cy: float, rx: float, ry: float, colour: Colour, blur: float = 4
    ) -> None:
        """Lay a soft ellipse; `blur` is how far its edge spreads."""
        self.blurred(lambda c: c.ellipse(cx, cy, rx, ry, colour), blur)

    def blurred(self, draw: Draw, blur: float) -> None:
        """Draw something and soften it by about `blur` logical pixels."""
        layer = self._layer()
        draw(layer)
        spread = round(2 * blur * self.scale)
        area = layer._surface.get_bounding_rect().inflate(2 * spread, 2 * spread)
        area = area.clip(layer._surface.get_rect())
        if area.w and area.h:
            soft = soften(layer._surface.subsurface(area), blur * self.scale)
            self._surface.blit(soft, area.topleft)

    def clipped(self, shape: Draw, content: Draw) -> None:
        """Draw the content, but only where the shape is."""
        mask, layer = self._layer(), self._layer()
        shape(mask)
        content(layer)
        # Only the mask's opacity counts, so its colours are made white first.
        area = mask._surface.get_bounding_rect()
        mask._surface.fill((255, 255, 255, 0), area, special_flags=pygame.BLEND_RGBA_MAX)
        layer._surface.blit(mask._surface, area, area, special_flags=pygame.BLEND_RGBA_MULT)
        self._surface.blit(layer._surface, area, area)

    def inside(self, shape: Draw, content: Draw) -> None:
        """Draw the shape, and the content over it, cut at its edge."""
        shape(self)
        self.clipped(shape, content)

    def apart(self, x: float, y: float, w: float, h: float, draw: Draw) -> None:
        """Draw on a layer of its own that covers only this rectangle: blurs and clips cost less."""
        seen = self.view.inset(-_BEYOND)
        left, top = math.floor(max(x, seen.x)), math.floor(max(y, seen.y))
        right, bottom = min(x + w, seen.right), min(y + h, seen.bottom)
        if right > left and bottom > top:
            layer = Canvas((right - left, bottom - top), self.scale, (-left, -top))
            draw(layer)
            self._surface.blit(layer._surface, self._box(left, top, 0, 0).topleft)

    def stamp_large(self, picture: pygame.Surface, x: float, y: float) -> None:
        """Put a finished picture there that is `scale` times as large as it shall look."""
        self._surface.blit(picture, self._box(x, y, 0, 0).topleft)

    def _layer(self) -> Canvas:
        return Canvas(self.size, self.scale, self.origin)

    def _box(self, x: float, y: float, w: float, h: float) -> pygame.Rect:
        s, (left, top) = self.scale, self.origin
        return pygame.Rect(round((x + left) * s), round((y + top) * s), round(w * s), round(h * s))

    def _large(self, points: Sequence[Point]) -> list[Point]:
        s, (left, top) = self.scale, self.origin
        return [((x + left) * s, (y + top) * s) for x, y in points]

    def _paint(self, colour: Colour, draw: Callable[[pygame.Surface], pygame.Rect]) -> None:
        if colour[3] == 255:
            draw(self._surface)
            return
        # pygame's shapes replace pixels, opacity included: blend them through a scratch layer.
        if self._scratch is None:
            self._scratch = self._layer()._surface
        area = draw(self._scratch)
        self._surface.blit(self._scratch, area.topleft, area)
        self._scratch.fill(_CLEAR, area)


def _stroke(on: pygame.Surface, points: list[Point], colour: Colour, width: float) -> pygame.Rect:
    half = width / 2
    areas = [pygame.draw.circle(on, colour, point, half) for point in points]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        length = math.hypot(x1 - x0, y1 - y0)
        if length > 0:
            dx, dy = -(y1 - y0) / length * half, (x1 - x0) / length * half
            sides = [(x0 + dx, y0 + dy), (x1 + dx, y1 + dy), (x1 - dx, y1 - dy), (x0 - dx, y0 - dy)]
            areas.append(pygame.draw.polygon(on, colour, sides))
    return areas[0].unionall(areas)


def _smooth(points: Sequence[Point], closed: bool) -> list[Point]:
    """Return a Catmull-Rom curve through the points as a polyline."""
    if closed:
        around = [points[-1], *points, points[0], points[1]]
    else:
        around = [points[0], *points, points[-1]]
    curve = []
    for i in range(len(around) - 3):
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = around[i : i + 4]
        curve += [
            (a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3)
            for a, b, c, d in _WEIGHTS
        ]
    return curve if closed else [*curve, points[-1]]
