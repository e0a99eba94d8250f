"""Pictures with smooth edges: a canvas, and a cache for what is drawn.

A Canvas draws flat shapes several times too large and shrinks them once. Shrinking and blurring
multiply colours with their opacity first, so that see-through edges get no dark rims.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pygame

from engine.ui.colour import Colour, mix
from engine.ui.geometry import Point, Rect

__all__ = ["Canvas", "Draw", "shrunk", "soften", "SpriteCache"]


Pixels = npt.NDArray[np.float32]

_ALPHA = 3 if sys.byteorder == "little" else 0  # which byte of a pixel is its opacity
_BLUR = 4  # pixels of the coarse picture that a blur spreads over: fewer show its steps

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
_BEYOND = 40  # pixels outside the picture that a blur may bring into it


class Canvas:
    """A picture in logical units, drawn `times` as large as it shall be until `finish`.

    For pictures that are made once and kept; it is too slow for each frame. `pixels` is how many
    pixels of the finished picture a logical one becomes.
    """

    def __init__(
        self,
        size: tuple[float, float],
        times: int = 3,
        origin: Point = (0.0, 0.0),
        pixels: float = 1.0,
    ) -> None:
        self.size = (math.ceil(size[0]), math.ceil(size[1]))
        self.times = times
        self.pixels = pixels
        self.scale = times * pixels
        """How many pixels a logical one has while it is drawn."""
        self.origin = origin
        """Where (0, 0) of the shapes lies in the picture."""
        wide, high = (math.ceil(side * pixels) * times for side in self.size)
        self._surface = pygame.Surface((wide, high), pygame.SRCALPHA, 32)
        self._scratch: pygame.Surface | None = None

    @property
    def view(self) -> Rect:
        """The part of the plane that the picture shows."""
        return Rect(-self.origin[0], -self.origin[1], *self.size)

    def finish(self) -> pygame.Surface:
        """Return the picture in its size."""
        return self._surface if self.times == 1 else shrunk(self._surface, self.times)

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
            layer = Canvas((right - left, bottom - top), self.times, (-left, -top), self.pixels)
            draw(layer)
            self._surface.blit(layer._surface, self._box(left, top, 0, 0).topleft)

    def stamp_large(self, picture: pygame.Surface, x: float, y: float) -> None:
        """Draw a finished picture that is `scale` times as large as it shall look."""
        self._surface.blit(picture, self._box(x, y, 0, 0).topleft)

    def _layer(self) -> Canvas:
        return Canvas(self.size, self.times, self.origin, self.pixels)

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


def shrunk(picture: pygame.Surface, times: int) -> pygame.Surface:
    """Return the picture `times` times smaller, each pixel the mean of those it replaces."""
    w, h = picture.get_width() // times, picture.get_height() // times
    is_opaque = picture.get_at((0, 0))[3] == 255 and _is_opaque(picture)
    made = pygame.Surface((w, h), 0 if is_opaque else pygame.SRCALPHA, 32)
    if is_opaque:
        _bytes(made)[...] = np.rint(_means(picture, times))
    else:
        _fill_straight(made, _means(picture.premul_alpha(), times), np.zeros(4, np.float32))
    return made


def soften(picture: pygame.Surface, radius: float) -> pygame.Surface:
    """Return a copy of the same size, blurred over about `radius` pixels to each side."""
    # Blurred small and stretched: a soft picture has no detail to lose.
    step = min(16, max(1, int(radius / _BLUR)))
    # Stretching spreads it by one more coarse pixel.
    width = max(1, int((radius / step - (step > 1)) / 2))
    w, h = (math.ceil(side / step) for side in picture.get_size())
    room = pygame.Surface(((w + 2) * step, (h + 2) * step), pygame.SRCALPHA, 32)
    room.blit(picture, (step, step))
    layers = _means(room.premul_alpha(), step)
    for axis in (0, 1, 0, 1):  # a box twice is a triangle: smooth enough for any shadow
        layers = _box_blur(layers, width, axis)
    small = pygame.Surface((w + 2, h + 2), pygame.SRCALPHA, 32)
    _fill_straight(small, layers, _mean_colour(layers))
    start = 1
    if step > 1:
        # A stretched row begins and ends in the middles of its first and last pixels.
        small = pygame.transform.smoothscale(small, ((w + 1) * step, (h + 1) * step))
        start = (step + 1) // 2
    return small.subsurface((start, start), picture.get_size()).copy()


def _is_opaque(picture: pygame.Surface) -> bool:
    return bool(pygame.surfarray.pixels_alpha(picture).min() == 255)


def _bytes(picture: pygame.Surface) -> npt.NDArray[np.uint8]:
    """Return height x width x 4: the picture's own memory, its colours in the order they lie."""
    rows: npt.NDArray[np.uint8] = np.frombuffer(picture.get_buffer(), np.uint8)  # type: ignore[call-overload]  # a BufferProxy is a buffer
    return rows.reshape(picture.get_height(), -1, 4)[:, : picture.get_width()]


def _means(picture: pygame.Surface, times: int) -> Pixels:
    """Return height x width x 4: the means of squares that are `times` pixels wide."""
    h, w = picture.get_height() // times, picture.get_width() // times
    large = _bytes(picture)
    rows = np.zeros((h, large.shape[1], 4), np.uint16)  # enough for squares of 16
    for i in range(times):
        rows += large[i : h * times : times]
    sums = np.zeros((h, w, 4), np.uint16)
    for i in range(times):
        sums += rows[:, i : w * times : times]
    return sums.astype(np.float32) / np.float32(times * times)


def _mean_colour(layers: Pixels) -> Pixels:
    """Return the mean colour; empty pixels get it, so that a stretched edge does not go dark."""
    flat = layers.reshape(-1, 4)
    sums: Pixels = np.ones(len(flat), np.float32) @ flat
    mean: Pixels = sums / max(np.float32(1), sums[_ALPHA])
    return mean


def _fill_straight(made: pygame.Surface, layers: Pixels, empty: Pixels) -> None:
    """Write colours that are multiplied with their opacity as colours that are not."""
    opacity = layers[..., _ALPHA : _ALPHA + 1]
    colours = np.where(opacity >= 1, layers / np.maximum(opacity, 1), empty)
    pixels = _bytes(made)
    pixels[...] = np.rint(np.minimum(colours * 255, 255))
    pixels[..., _ALPHA] = np.rint(opacity[..., 0])


def _box_blur(layers: Pixels, width: int, axis: int) -> Pixels:
    """Return the mean of each pixel and its `width` neighbours on both sides of one axis."""
    margins = [(0, 0)] * 3
    margins[axis] = (width, width)
    padded = np.pad(layers, margins)
    length = layers.shape[axis]
    blurred = np.zeros_like(layers)
    for shift in range(2 * width + 1):
        part = slice(shift, shift + length)
        blurred += padded[part] if axis == 0 else padded[:, part]
    return blurred / np.float32(2 * width + 1)


class SpriteCache:
    """Pictures by key, at most `max_pixels`; the least recently used are dropped first."""

    def __init__(self, max_pixels: int = 12_000_000) -> None:
        self.max_pixels = max_pixels
        self.pixels = 0
        self.misses = 0
        self._kept: OrderedDict[Hashable, pygame.Surface] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable, make: Callable[[], pygame.Surface]) -> pygame.Surface:
        """Return the picture of the key; `make` makes it if it is not there."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        self.misses += 1
        picture = make()
        self._kept[key] = picture
        self.pixels += _area(picture)
        while self.pixels > self.max_pixels and len(self._kept) > 1:
            self.pixels -= _area(self._kept.popitem(last=False)[1])
        return picture


def _area(picture: pygame.Surface) -> int:
    return picture.get_width() * picture.get_height()
