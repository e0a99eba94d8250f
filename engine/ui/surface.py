"""A surface in logical pixels whose picture has the pixels of the screen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pygame

from engine.ui.colour import Colour
from engine.ui.geometry import Point

__all__ = ["ScaledSurface", "Target"]


class ScaledSurface:
    """Draws on `target` as if it were `size` large; each logical pixel is `scale` of its pixels.

    What is drawn on it keeps the target's sharpness: pictures that a Painter made at the same
    scale, and rectangles. For anything else `plain` is a pygame surface in logical pixels, which
    is enlarged; with `is_smooth` its pixels are blended, else each becomes a square.
    """

    def __init__(
        self,
        target: pygame.Surface,
        size: tuple[int, int],
        scale: float,
        *,
        is_smooth: bool = True,
    ) -> None:
        self.target = target
        self.scale = scale
        self._size = size
        self._enlarge = pygame.transform.smoothscale if is_smooth else pygame.transform.scale
        self._ground: pygame.Surface | None = None
        self._layer: pygame.Surface | None = None
        self._open: pygame.Surface | None = None
        self._is_empty = False

    def get_size(self) -> tuple[int, int]:
        """Return width and height in logical pixels."""
        return self._size

    def get_flags(self) -> int:
        """Return pygame's flags of the target."""
        return self.target.get_flags()

    def fill(
        self,
        colour: Colour | tuple[int, int, int],
        rect: Sequence[float] | None = None,
    ) -> None:
        """Fill a rectangle of logical pixels, or all of it."""
        if rect is None:
            self._open = None  # whatever is waiting there would be covered
            self._is_empty = True
            self.target.fill(colour)
            return
        self.flush()
        s, (x, y, w, h) = self.scale, rect
        left, top = round(x * s), round(y * s)
        # A line is at least one pixel wide, on a small screen too.
        right, bottom = max(left + 1, round((x + w) * s)), max(top + 1, round((y + h) * s))
        self.target.fill(colour, (left, top, right - left, bottom - top))

    def blit(self, picture: pygame.Surface, at: Point) -> None:
        """Draw a picture of the target's sharpness with its left top at a logical pixel."""
        self.flush()
        self.target.blit(picture, (round(at[0] * self.scale), round(at[1] * self.scale)))

    def plain(self) -> pygame.Surface:
        """Return a surface in logical pixels to draw on with pygame, before anything else is drawn.

        Where nothing sharp was drawn yet it shows the background; later it is transparent.
        """
        if self._open is None:
            self._open = self._open_ground() if self._is_empty else self._open_layer()
        return self._open

    def flush(self) -> None:
        """Put what was drawn on the plain surface into the picture."""
        opened, self._open = self._open, None
        if opened is not None and opened is self._ground:
            size = self.target.get_size()
            self._enlarge(opened, size, self.target)
        elif opened is not None:
            self._merge(opened)
        self._is_empty = False

    def _open_ground(self) -> pygame.Surface:
        if self._ground is None:
            self._ground = pygame.Surface(self._size, 0, self.target)
        self._ground.fill(self.target.get_at((0, 0)))
        return self._ground

    def _open_layer(self) -> pygame.Surface:
        if self._layer is None:
            self._layer = pygame.Surface(self._size, pygame.SRCALPHA, 32)
        return self._layer

    def _merge(self, layer: pygame.Surface) -> None:
        """Enlarge what was drawn on the layer into the picture, and clear the layer."""
        area = _drawn(layer)
        if area is None:
            return
        s = self.scale
        # A blended edge shows what lies around it: one pixel more on each side.
        area = area.inflate(2, 2).clip(layer.get_rect())
        left, top = math.floor(area.x * s), math.floor(area.y * s)
        size = (math.ceil(area.right * s) - left, math.ceil(area.bottom * s) - top)
        # Blended with their opacity: clear pixels have a colour too, and would darken the edge.
        # Of a copy: of a part, pygame 2.6 loses pixels when it multiplies.
        part = layer.subsurface(area).copy().premul_alpha()
        self.target.blit(
            self._enlarge(part, size), (left, top), special_flags=pygame.BLEND_PREMULTIPLIED
        )
        layer.fill((0, 0, 0, 0), area)


Target: TypeAlias = pygame.Surface | ScaledSurface


def _drawn(layer: pygame.Surface) -> pygame.Rect | None:
    """Return the smallest rectangle with all that is not clear; pygame's own takes ten times."""
    opaque = pygame.surfarray.pixels_alpha(layer)
    columns = np.flatnonzero(opaque.any(axis=1))
    if not len(columns):
        return None
    rows = np.flatnonzero(opaque[columns[0] : columns[-1] + 1].any(axis=0))
    left, top = int(columns[0]), int(rows[0])
    return pygame.Rect(left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top)
