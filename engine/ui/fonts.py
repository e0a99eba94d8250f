"""Fonts: text as pictures, measured and wrapped; missing letters come from the system's fonts.

Each size of a font is loaded once; pictures of texts and their lines are cached within a bound.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import pygame

from engine.ui.colour import Colour
from engine.ui.text_field import clusters, is_mark

__all__ = ["Faces", "Fonts", "shorten", "system_fonts", "wrap"]


Run = tuple[str, Path | None]
"""A piece of text and the font file that shows all of it; None is pygame's own font."""

_NAMES = (
    "notosanscjksc", "notosanscjkjp", "notosanscjkkr", "sourcehansanssc", "wenquanyimicrohei",
    "wenquanyizenhei", "droidsansfallback", "microsoftyahei", "yugothic", "malgungothic",
    "pingfangsc", "hiraginosansgb", "applesdgothicneo", "notosansarabic", "notosanshebrew",
    "notosansdevanagari", "notosansthai", "segoeui", "notoemoji", "notocoloremoji",
    "segoeuiemoji", "applecoloremoji", "segoeuisymbol", "symbola", "dejavusans",
    "arialunicodems", "unifont",
)  # fmt: skip
_NO_LETTER = "\uffff"  # no character: fonts draw it as they draw any that they lack
_REPLACEMENTS = "\ufffd□?"
_SIZE = 16  # at which a font is asked for its letters


def system_fonts() -> Iterator[Path]:
    """Yield the files of well-known fonts on this machine; the first one takes a while."""
    for name in _NAMES:
        found = pygame.font.match_font(name)
        if found is not None:
            yield Path(found)


class Faces:
    """Splits texts into runs of one font each; the system's fonts serve for missing letters."""

    def __init__(
        self, own: Path | None, others: Callable[[], Iterable[Path]] = system_fonts
    ) -> None:
        self._own = own
        self._others = others
        self._found: list[Path] | None = None
        self._font = lru_cache(maxsize=None)(_font)
        self._face = lru_cache(maxsize=2000)(self._find)

    def runs(self, text: str) -> tuple[Run, ...]:
        """Return the text in runs; letters that no font has become a replacement sign."""
        found: list[Run] = []
        for cluster in clusters(unicodedata.normalize("NFC", text)):
            shown, face = self._face(cluster)
            if found and found[-1][1] == face:
                found[-1] = (found[-1][0] + shown, face)
            elif shown:
                found.append((shown, face))
        return tuple(found)

    def _find(self, cluster: str) -> Run:
        """Return how a letter is written, and the font for it."""
        clean = "".join("\ufffd" if _is_unprintable(c) else c for c in cluster)
        for face in self._candidates():
            if all(self._has(face, c) for c in clean):
                return clean, face
        # Without its marks a letter is still readable.
        base = "".join(c for c in clean if not is_mark(c))
        for face in self._candidates():
            if base and all(self._has(face, c) for c in base):
                return base, face
        if not base:
            return "", self._own
        return next((c for c in _REPLACEMENTS if self._has(self._own, c)), "?"), self._own

    def _candidates(self) -> Iterator[Path | None]:
        yield self._own
        if self._found is None:
            self._found = [path for path in self._others() if self._opens(path)]
        yield from self._found

    def _opens(self, path: Path) -> bool:
        try:
            self._font(path)
        except (OSError, pygame.error):
            return False
        return True

    def _has(self, face: Path | None, letter: str) -> bool:
        font = self._font(face)
        return _picture(font, letter) != _picture(font, _NO_LETTER)


def _is_unprintable(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cs")  # pygame raises for some of them


def _font(face: Path | None) -> pygame.font.Font:
    return pygame.font.Font(face, _SIZE)


def rendered(font: pygame.font.Font, text: str, colour: tuple[int, int, int]) -> pygame.Surface:
    """Return the text as a picture; one without visible letters has no width."""
    try:
        picture = font.render(text, True, colour)
    except pygame.error:  # nothing of it is visible
        return pygame.Surface((0, font.get_height()), pygame.SRCALPHA, 32)
    # pygame-ce adds the gap below a line.
    height = max(font.size(text)[1], picture.get_bounding_rect().bottom)
    if height >= picture.get_height():
        return picture
    return picture.subsurface((0, 0, picture.get_width(), height)).copy()


def _picture(font: pygame.font.Font, letter: str) -> tuple[tuple[int, int], bytes]:
    picture = rendered(font, letter, (255, 255, 255))
    return picture.get_size(), pygame.image.tobytes(picture, "RGBA")


Measure = Callable[[str], float]
"""The width of a text in pixels."""

_ROUNDING = 1.0
"""Pixels that a text may be wider than its words and gaps, measured one by one."""


def wrap(text: str, width: float, measure: Measure) -> tuple[str, ...]:
    """Return the lines of the text, none wider than `width` unless one letter is.

    Breaks between words; a word that is wider than a line is broken within. Line breaks of
    the text itself stay. An empty text has one empty line.
    """
    lines: list[str] = []
    gap = measure(" ") + _ROUNDING
    for paragraph in text.split("\n"):
        line, most = "", 0.0
        for piece in _pieces(paragraph, width, measure):
            longer = f"{line} {piece}" if line else piece
            most += gap + measure(piece)
            # Long texts are slow to measure: only one that may be too wide is.
            if line and most > width and measure(longer) > width:
                lines.append(line)
                line, most = piece, gap + measure(piece)
            else:
                line = longer
        lines.append(line)
    return tuple(lines)


def shorten(text: str, width: float, measure: Measure) -> str:
    """Return the text, cut at its end with an ellipsis if it is wider than `width`."""
    if measure(text) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        fits = measure(text[:middle].rstrip() + "…") <= width
        low, high = (middle, high) if fits else (low, middle - 1)
    return text[:low].rstrip() + "…"


def _pieces(paragraph: str, width: float, measure: Measure) -> Iterator[str]:
    for word in paragraph.split():
        rest = word
        while len(rest) > 1 and measure(rest) > width:
            cut = _longest_start(rest, width, measure)
            yield rest[:cut]
            rest = rest[cut:]
        yield rest


def _longest_start(word: str, width: float, measure: Measure) -> int:
    cut = 1
    while cut + 1 < len(word) and measure(word[: cut + 1]) <= width:
        cut += 1
    return cut


class Fonts:
    """Renders text with the two files in `folder`, else with pygame's own font.

    Sizes and widths are logical pixels; a picture has `scale` pixels for each. `others` yields the
    fonts for missing letters.
    """

    def __init__(
        self,
        folder: Path | None = None,
        regular: str = "Lato-Regular.ttf",
        bold: str = "Lato-Bold.ttf",
        max_texts: int = 600,
        others: Callable[[], Iterable[Path]] = system_fonts,
        scale: float = 1.0,
    ) -> None:
        pygame.font.init()
        # The smallest letters are written larger and shrunk: fitted to whole pixels, as a font does
        # it, they would run into one another.
        self._times = 2 if scale < 1 else 1
        self._scale = scale * self._times
        self._files = {False: _file(folder, regular), True: _file(folder, bold)}
        self._faces = {bold: Faces(file, others) for bold, file in self._files.items()}
        # Caches of the object, not of the class: two games in one process share nothing.
        self.font = lru_cache(maxsize=64)(self._font)
        self._other = lru_cache(maxsize=64)(pygame.font.Font)
        self.render = lru_cache(maxsize=max_texts)(self._render)
        self.width = lru_cache(maxsize=8 * max_texts)(self._width)
        self.lines = lru_cache(maxsize=max_texts)(self._lines)
        self.shortened = lru_cache(maxsize=max_texts)(self._shortened)
        self.lowering = lru_cache(maxsize=64)(self._lowering)

    def height(self, size: int) -> int:
        """Return the distance from one line to the next."""
        return round(size * 1.3)

    def letter_height(self, size: int, bold: bool = False) -> float:
        """Return the height of a rendered line."""
        return self.font(size, bold).get_height() / self._scale

    def _font(self, size: int, bold: bool) -> pygame.font.Font:
        file = self._files[bold]
        font = pygame.font.Font(file, self._pixels(size))
        if file is None:
            font.set_bold(bold)
        return font

    def _lowering(self, size: int, bold: bool) -> float:
        """Return how much lower letters have to stand to be on the line that a scale of 1 has.

        A font rounds its height to whole pixels, mostly up: small letters stand lower.
        """
        if self._scale == 1:
            return 0.0
        whole = pygame.font.Font(self._files[bold], size).get_ascent()
        return whole - self.font(size, bold).get_ascent() / self._scale

    def _pixels(self, size: int) -> int:
        return max(1, round(size * self._scale))

    def _render(self, text: str, size: int, colour: Colour, bold: bool = False) -> pygame.Surface:
        runs = self._runs(text, bold)
        pieces = [self._piece(part, face, size, colour, bold) for part, face in runs]
        picture = pieces[0] if len(pieces) == 1 else self._joined(pieces, size, bold)
        if self._times > 1:
            w, h = (math.ceil(side / self._times) for side in picture.get_size())
            picture = pygame.transform.smoothscale(picture, (w, h))
        if colour[3] < 255:
            picture.set_alpha(colour[3])
        return picture

    def _piece(
        self, text: str, face: Path | None, size: int, colour: Colour, bold: bool
    ) -> pygame.Surface:
        """Render a run; one of another font is shrunk to the height of a line of our own.

        Our own may be taller: at some sizes its letters reach a pixel below the line.
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
        return self.font(size, bold) if face == own else self._other(face, self._pixels(size))

    def _runs(self, text: str, bold: bool) -> tuple[Run, ...]:
        if text.isascii() and text.isprintable():  # nearly every text; every font has it
            return ((text, self._files[bold]),)
        return self._faces[bold].runs(text)

    def _width(self, text: str, size: int, bold: bool = False) -> float:
        return sum(self._run_width(run, size, bold) for run in self._runs(text, bold)) / self._scale

    def _run_width(self, run: Run, size: int, bold: bool) -> int:
        w, h = self._face(run[1], size, bold).size(run[0])
        tall = self.font(size, bold).get_height()
        is_own = run[1] == self._files[bold]
        return w if is_own or h <= tall else max(1, round(w * tall / h))

    def _lines(self, text: str, width: float, size: int, bold: bool = False) -> tuple[str, ...]:
        # A text that grows was measured before, but for its end.
        return wrap(text, width, lambda part: self.width(part, size, bold))

    def _shortened(self, text: str, width: float, size: int, bold: bool = False) -> str:
        return shorten(text, width, lambda part: self._width(part, size, bold))


def _file(folder: Path | None, name: str) -> Path | None:
    path = None if folder is None else folder / name
    return path if path is not None and path.is_file() else None
