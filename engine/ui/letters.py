"""What a reader takes for one letter, however many characters it is made of."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

__all__ = ["clusters", "is_mark"]

_JOINER = "\u200d"


def clusters(text: str) -> Iterator[str]:
    """Yield what is shown as one letter: with its marks, joined emoji whole."""
    cluster = ""
    for letter in text:
        if cluster and (is_mark(letter) or cluster[-1] == _JOINER):
            cluster += letter
        else:
            if cluster:
                yield cluster
            cluster = letter
    if cluster:
        yield cluster


def is_mark(letter: str) -> bool:
    """Tell whether a character only changes the one before it."""
    is_skin_tone = "\U0001f3fb" <= letter <= "\U0001f3ff"
    return is_skin_tone or unicodedata.category(letter) in ("Mn", "Me", "Cf")
