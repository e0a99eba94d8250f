"""Fonts: each size loaded once; texts and their wrapped lines kept within a bound."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pygame

from engine.ui.colour import Colour
from engine.ui.wrap import shorten, wrap

__all__ = ["Fonts"]


class Fonts:
    """Renders text with the two files in `folder`; without them pygame's own font serves."""

    def __init__(
        self,
        folder: Path | None = None,
        regular: str = "Lato-Regular.ttf",
        bold: str = "Lato-Bold.ttf",
        max_texts: int = 600,
    ) -> None:
        pygame.font.init()
        self._files = {False: _file(folder, regular), True: _file(folder, bold)}
        # Caches of this object, not of the class: two games in one process share nothing.
        self.font = lru_cache(maxsize=64)(self._font)
        self.render = lru_cache(maxsize=max_texts)(self._render)
        self.width = lru_cache(maxsize=8 * max_texts)(self._width)
        self.lines = lru_cache(maxsize=max_texts)(self._lines)
        self.shortened = lru_cache(maxsize=max_texts)(self._shortened)

    def height(self, size: int) -> int:
        """Return the distance from one line to the next."""
        return round(size * 1.3)

    def _font(self, size: int, bold: bool) -> pygame.font.Font:
        file = self._files[bold]
        font = pygame.font.Font(file, size)
        if file is None:
            font.set_bold(bold)
        return font

    def _render(self, text: str, size: int, colour: Colour, bold: bool = False) -> pygame.Surface:
        picture = self.font(size, bold).render(text, True, colour[:3])
        picture.set_alpha(colour[3], pygame.RLEACCEL)
        return picture

    def _width(self, text: str, size: int, bold: bool = False) -> int:
        return self.font(size, bold).size(text)[0]

    def _lines(self, text: str, width: float, size: int, bold: bool = False) -> tuple[str, ...]:
        font = self.font(size, bold)
        return wrap(text, width, lambda part: font.size(part)[0])

    def _shortened(self, text: str, width: float, size: int, bold: bool = False) -> str:
        font = self.font(size, bold)
        return shorten(text, width, lambda part: font.size(part)[0])


def _file(folder: Path | None, name: str) -> Path | None:
    path = None if folder is None else folder / name
    return path if path is not None and path.is_file() else None
