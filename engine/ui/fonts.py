"""Fonts: each size loaded once; texts and their wrapped lines kept within a bound.

Letters that the game's fonts lack come from the system's, where it has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

import pygame

from engine.ui.colour import Colour
from engine.ui.faces import Faces, Run, rendered, system_fonts
from engine.ui.wrap import shorten, wrap

__all__ = ["Fonts"]


class Fonts:
    """Renders text with the two files in `folder`; without them pygame's own font serves.

    `others` names the fonts that are asked for missing letters.
    """

    def __init__(
        self,
        folder: Path | None = None,
        regular: str = "Lato-Regular.ttf",
        bold: str = "Lato-Bold.ttf",
        max_texts: int = 600,
        others: Callable[[], Iterable[Path]] = system_fonts,
    ) -> None:
        pygame.font.init()
        self._files = {False: _file(folder, regular), True: _file(folder, bold)}
        self._faces = {bold: Faces(file, others) for bold, file in self._files.items()}
        # Caches of this object, not of the class: two games in one process share nothing.
        self.font = lru_cache(maxsize=64)(self._font)
        self._other = lru_cache(maxsize=64)(pygame.font.Font)
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
        runs = self._runs(text, bold)
        pieces = [self._piece(part, face, size, colour, bold) for part, face in runs]
        picture = pieces[0] if len(pieces) == 1 else self._joined(pieces, size, bold)
        if colour[3] < 255:
            picture.set_alpha(colour[3])
        return picture

    def _piece(
        self, text: str, face: Path | None, size: int, colour: Colour, bold: bool
    ) -> pygame.Surface:
        """Render a run; that of another font no taller than a line of ours.

        Our own may be: its longest letters reach a pixel below the line at some sizes.
        """
        font, tall = self._face(face, size, bold), self.font(size, bold).get_height()
        picture = rendered(font, text, colour[:3])
        w, h = picture.get_size()
        if h <= tall or face == self._files[bold]:
            return picture
        return pygame.transform.smoothscale(picture, (max(1, round(w * tall / h)), tall))

    def _joined(self, pieces: list[pygame.Surface], size: int, bold: bool) -> pygame.Surface:
        width = sum(piece.get_width() for piece in pieces)
        tall = self.font(size, bold).get_height()
        joined, x = pygame.Surface((width, tall), pygame.SRCALPHA, 32), 0
        for piece in pieces:
            joined.blit(piece, (x, (tall - piece.get_height()) // 2))
            x += piece.get_width()
        return joined

    def _face(self, face: Path | None, size: int, bold: bool) -> pygame.font.Font:
        own = self._files[bold]
        return self.font(size, bold) if face == own else self._other(face, size)

    def _runs(self, text: str, bold: bool) -> tuple[Run, ...]:
        if text.isascii() and text.isprintable():  # nearly every text, and every font has it
            return ((text, self._files[bold]),)
        return self._faces[bold].runs(text)

    def _width(self, text: str, size: int, bold: bool = False) -> int:
        return sum(self._run_width(run, size, bold) for run in self._runs(text, bold))

    def _run_width(self, run: Run, size: int, bold: bool) -> int:
        w, h = self._face(run[1], size, bold).size(run[0])
        tall = self.font(size, bold).get_height()
        is_own = run[1] == self._files[bold]
        return w if is_own or h <= tall else max(1, round(w * tall / h))

    def _lines(self, text: str, width: float, size: int, bold: bool = False) -> tuple[str, ...]:
        # Of a text that grows, all but its end was measured before.
        return wrap(text, width, lambda part: self.width(part, size, bold))

    def _shortened(self, text: str, width: float, size: int, bold: bool = False) -> str:
        return shorten(text, width, lambda part: self._width(part, size, bold))


def _file(folder: Path | None, name: str) -> Path | None:
    path = None if folder is None else folder / name
    return path if path is not None and path.is_file() else None
