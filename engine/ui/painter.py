"""Painter: text, panels and buttons on a surface; what is costly is cached between frames."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pygame
from numpy.typing import NDArray

from engine.ui.canvas import Canvas, Draw, SpriteCache
from engine.ui.colour import Colour, fade, mix
from engine.ui.fonts import Fonts
from engine.ui.geometry import Rect, snapped
from engine.ui.surface import ScaledSurface, Target

__all__ = ["Painter", "PanelStyle"]

_MOST_PIXELS = 12_000_000  # of pictures that are kept, in logical pixels


Align = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class PanelStyle:
    """How a panel looks; hashable, as pictures of panels are kept by it."""

    fill: Colour = (43, 35, 64, 238)
    border: Colour = (255, 255, 255, 34)
    border_width: float = 1
    radius: float = 10
    shadow: float = 6


class Painter:
    """Draws widgets in immediate mode: call it each frame; only what is new costs time.

    Everything is in logical pixels, on surfaces that have `scale` pixels for each.
    """

    def __init__(self, font_folder: Path | None = None, scale: float = 1.0) -> None:
        self.scale = scale
        self.fonts = Fonts(font_folder, scale=scale)
        self.sprites = SpriteCache(round(_MOST_PIXELS * max(1.0, scale * scale)))
        self._font_folder = font_folder
        self._other: Painter | None = None

    def at(self, scale: float) -> Painter:
        """Return the painter for a surface of that scale; it keeps one for another than its own."""
        if scale == self.scale:
            return self
        if self._other is None or self._other.scale != scale:
            self._other = Painter(self._font_folder, scale)
        return self._other

    def sprite(
        self,
        key: Hashable,
        size: tuple[float, float],
        draw: Draw,
        times: int = 3,
        *,
        is_final: bool = False,
    ) -> pygame.Surface:
        """Return the picture of the key, drawn on a canvas the first time.

        A final one blits twice as fast, but only to a surface without opacity, as a screen.
        """

        def make() -> pygame.Surface:
            canvas = Canvas(size, self._times(times), pixels=self.scale)
            draw(canvas)
            return _final(canvas.finish()) if is_final else canvas.finish()

        return self.sprites.get((key, size, times, is_final), make)

    def _times(self, times: int) -> int:
        """Return how much larger to draw: small pixels hide their steps, smoothing takes time."""
        if self.scale < 2:
            return times
        return min(times, 2) if self.scale < 3 else (times + 1) // 2

    def composed(
        self, key: Hashable, size: tuple[int, int], paint: Callable[[Any], object]
    ) -> pygame.Surface:
        """Return the final picture of the key, painted with this painter the first time.

        `paint` gets an empty surface of the painter's scale.
        """

        def make() -> pygame.Surface:
            wide, high = (math.ceil(side * self.scale) for side in size)
            picture = pygame.Surface((wide, high), pygame.SRCALPHA, 32)
            paint(picture if self.scale == 1 else ScaledSurface(picture, size, self.scale))
            return _final(picture)

        return self.sprites.get((key, size), make)

    def photo(
        self, key: Hashable, pixels: NDArray[np.uint8], size: tuple[int, int]
    ) -> pygame.Surface:
        """Return the final picture of the key: height x width x 3 pixels, made to fit a size."""

        def make() -> pygame.Surface:
            wide, high = (math.ceil(side * self.scale) for side in size)
            picture = pygame.surfarray.make_surface(pixels.swapaxes(0, 1))
            return _final(pygame.transform.smoothscale(picture, (wide, high)))

        return self.sprites.get(("photo", key, size), make)

    def flipped(self, picture: pygame.Surface) -> pygame.Surface:
        """Return the picture with left and right exchanged."""
        return pygame.transform.flip(picture, True, False)

    def outlined(self, key: Hashable, figure: pygame.Surface, colour: Colour) -> pygame.Surface:
        """Return the outline of a picture, two logical pixels wide."""

        def make() -> pygame.Surface:
            outline = pygame.Surface(figure.get_size(), pygame.SRCALPHA, 32)
            mask, wide = pygame.mask.from_surface(figure), round(2 * self.scale)
            shape = mask.to_surface(setcolor=colour, unsetcolor=(0, 0, 0, 0))
            for at in product((-wide, 0, wide), repeat=2):
                outline.blit(shape, at)
            inside = mask.to_surface(setcolor=(255, 255, 255, 255), unsetcolor=(0, 0, 0, 0))
            outline.blit(inside, (0, 0), special_flags=pygame.BLEND_RGBA_SUB)
            return _final(outline)

        return self.sprites.get(("outline", key), make)

    def text(
        self,
        surface: Target,
        text: str,
        at: tuple[float, float],
        size: int,
        colour: Colour,
        *,
        bold: bool = False,
        align: Align = "left",
    ) -> Rect:
        """Write one line; `at` is its top left, centre or right. Return the area that it covers."""
        picture = self.fonts.render(text, size, colour, bold)
        w, h = (side / self.scale for side in picture.get_size())
        shift = {"left": 0.0, "center": w / 2, "right": w}[align]
        x, y = snapped((at[0] - shift, at[1]), self.scale)
        surface.blit(picture, (x, y + self.fonts.lowering(size, bold)))
        return Rect(x, y, w, h)

    def paragraph(
        self,
        surface: Target,
        text: str,
        box: tuple[float, float, float],
        size: int,
        colour: Colour,
        *,
        bold: bool = False,
        align: Align = "left",
        max_lines: int | None = None,
    ) -> float:
        """Write wrapped lines into left, top and width; return the y below them.

        With `max_lines` the last lines are shown: streamed text grows at its end.
        """
        x, y, width = box
        lines = self.fonts.lines(text, width, size, bold)
        start = {"left": x, "center": x + width / 2, "right": x + width}[align]
        for line in lines[-max_lines:] if max_lines else lines:
            self.text(surface, line, (start, y), size, colour, bold=bold, align=align)
            y += self.fonts.height(size)
        return y

    def panel(self, surface: Target, rect: Rect, style: PanelStyle | None = None) -> None:
        """Draw a rounded panel with its soft shadow."""
        style = style or PanelStyle()
        margin = round(style.shadow * 2)
        size = (round(rect.w) + 2 * margin, round(rect.h) + 2 * margin)
        # A screen has no opacity, so what is drawn on it can be kept as runs of pixels.
        is_final = not surface.get_flags() & pygame.SRCALPHA

        def make() -> pygame.Surface:
            picture = self._stretched_panel(margin, style, size)
            return _final(picture) if is_final else picture

        picture = self.sprites.get(("panel", style, size, is_final), make)
        surface.blit(picture, (round(rect.x) - margin, round(rect.y) - margin))

    def _stretched_panel(
        self, margin: int, style: PanelStyle, size: tuple[int, int]
    ) -> pygame.Surface:
        """Return a panel of that size from the corners and edges of a small one.

        Captions change their size while text streams in: drawing each from scratch costs frames.
        """
        corner = margin + min(
            math.ceil(style.radius) + 2, (size[0] - 2 * margin) // 2, (size[1] - 2 * margin) // 2
        )
        # The corners are rounded to whole pixels: these three leave a middle to stretch.
        side = 2 * corner + max(2, math.ceil(3 / self.scale))
        small = self.sprite(
            ("panel", style, corner),
            (side, side),
            lambda canvas: _draw_panel(canvas, margin, style),
        )
        wide, high = (round(side * self.scale) for side in size)
        return _nine_slices(small, round(corner * self.scale), (wide, high))

    def button(
        self,
        surface: Target,
        rect: Rect,
        label: str,
        *,
        hot: bool = False,
        colour: Colour = (242, 176, 74, 255),
        text_colour: Colour = (43, 35, 64, 255),
        size: int = 14,
    ) -> None:
        """Draw a button; `hot` when the pointer is on it."""
        fill = mix(colour, (255, 255, 255, 255), 0.25) if hot else colour
        edge = mix(colour, (0, 0, 0, 255), 0.25)
        self.panel(surface, rect, PanelStyle(fill, edge, 1, min(8, rect.h / 2), 2))
        words = self.fonts.shortened(label, rect.w - 12, size, True)
        x, y = rect.center
        at = (x, y - self.fonts.letter_height(size, True) / 2)
        self.text(surface, words, at, size, text_colour, bold=True, align="center")

    def shade(self, surface: Target, rect: Rect, colour: Colour) -> None:
        """Draw a see-through rectangle."""
        picture = self.sprite(("shade", colour), (rect.w, rect.h), _filler(colour), 1)
        surface.blit(picture, (rect.x, rect.y))


def _final(picture: pygame.Surface) -> pygame.Surface:
    """Store a picture as runs of clear, full and mixed pixels."""
    if picture.get_flags() & pygame.SRCALPHA:
        picture.set_alpha(255, pygame.RLEACCEL)
    return picture


def _filler(colour: Colour) -> Draw:
    return lambda canvas: canvas.rect(0, 0, *canvas.size, colour)


def _nine_slices(small: pygame.Surface, corner: int, size: tuple[int, int]) -> pygame.Surface:
    """Return the picture stretched to a size without touching its corners."""
    corner = min(corner, *((side - 1) // 2 for side in size))  # rounded up they could overlap
    large = pygame.Surface(size, pygame.SRCALPHA, 32)
    cuts, across, down = (_thirds(side, corner) for side in (small.get_width(), *size))
    for (x, w), (to_x, to_w) in zip(cuts, across, strict=True):
        for (y, h), (to_y, to_h) in zip(cuts, down, strict=True):
            if to_w and to_h:
                piece = small.subsurface((x, y, w, h))
                large.blit(pygame.transform.scale(piece, (to_w, to_h)), (to_x, to_y))
    return large


def _thirds(side: int, corner: int) -> tuple[tuple[int, int], ...]:
    """Return the start and the length of the two corners and what is between them."""
    return (0, corner), (corner, max(0, side - 2 * corner)), (side - corner, corner)


def _draw_panel(canvas: Canvas, margin: int, style: PanelStyle) -> None:
    w, h = canvas.size[0] - 2 * margin, canvas.size[1] - 2 * margin
    if style.shadow:
        dark = fade((20, 12, 30, 110), style.fill[3] / 255)
        canvas.blurred(
            lambda c: c.rect(margin, margin + style.shadow / 2, w, h, dark, style.radius),
            style.shadow,
        )
    canvas.rect(margin, margin, w, h, style.fill, style.radius)
    if style.border_width and style.border[3]:
        canvas.frame(margin, margin, w, h, style.border, style.border_width, style.radius)
