"""Which font shows which letters: the game's own, else one that the system has."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import pygame

from engine.ui.letters import clusters, is_mark

__all__ = ["Faces", "Run", "rendered", "system_fonts"]

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
_NOBODYS = "\uffff"  # no character: what a font draws for it, it draws for all that it lacks
_REPLACEMENTS = "\ufffd□?"
_SIZE = 16  # of a look at what a font has


def system_fonts() -> Iterator[Path]:
    """Yield the files of well-known fonts that this machine has; the first one takes a while."""
    for name in _NAMES:
        found = pygame.font.match_font(name)
        if found is not None:
            yield Path(found)


class Faces:
    """Splits texts into runs of one font each; the system is asked when a letter is missing."""

    def __init__(
        self, own: Path | None, others: Callable[[], Iterable[Path]] = system_fonts
    ) -> None:
        self._own = own
        self._others = others
        self._found: list[Path] | None = None
        self._font = lru_cache(maxsize=None)(_font)
        self._face = lru_cache(maxsize=2000)(self._find)

    def runs(self, text: str) -> tuple[Run, ...]:
        """Return the text in runs; what nothing shows is replaced by a sign that says so."""
        found: list[Run] = []
        for cluster in clusters(unicodedata.normalize("NFC", text)):
            shown, face = self._face(cluster)
            if found and found[-1][1] == face:
                found[-1] = (found[-1][0] + shown, face)
            elif shown:
                found.append((shown, face))
        return tuple(found)

    def _find(self, cluster: str) -> Run:
        """Return how a letter is shown, and by which font."""
        clean = "".join("\ufffd" if _is_unprintable(c) else c for c in cluster)
        for face in self._candidates():
            if all(self._has(face, c) for c in clean):
                return clean, face
        # Marks that no font has say little; the letter under them says most of it.
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
        return _picture(font, letter) != _picture(font, _NOBODYS)


def _is_unprintable(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cs")  # pygame raises for some of them


def _font(face: Path | None) -> pygame.font.Font:
    return pygame.font.Font(face, _SIZE)


def rendered(font: pygame.font.Font, text: str, colour: tuple[int, int, int]) -> pygame.Surface:
    """Return the text as a picture; one that takes no room has no width."""
    try:
        return font.render(text, True, colour)
    except pygame.error:  # so pygame says that nothing of it is to be seen
        return pygame.Surface((0, font.get_height()), pygame.SRCALPHA, 32)


def _picture(font: pygame.font.Font, letter: str) -> tuple[tuple[int, int], bytes]:
    picture = rendered(font, letter, (255, 255, 255))
    return picture.get_size(), pygame.image.tobytes(picture, "RGBA")
