"""A line of text to edit, letter by letter as a reader sees them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from engine.core.input import Input
from engine.ui.geometry import Rect

__all__ = ["clusters", "is_mark", "TextField"]


_JOINER = "\u200d"
_JOINERS = "\u200c\u200d"  # not printable by themselves, but parts of words and emoji


def clusters(text: str) -> Iterator[str]:
    """Yield what is shown as one letter: a character with its marks, or a joined emoji."""
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
    """Return whether a character only changes the one before it."""
    is_skin_tone = "\U0001f3fb" <= letter <= "\U0001f3ff"
    return is_skin_tone or unicodedata.category(letter) in ("Mn", "Me", "Cf")


class TextField:
    """A line of text, a cursor between its letters, and the keys that change them."""

    def __init__(self, limit: int = 500) -> None:
        self.text = ""
        self.cursor = 0
        self.composed = ""  # unfinished text of an input method, shown at the cursor
        self.limit = limit
        self.is_fresh = False
        """Whether the text is what was there: then typing replaces it, as in a spreadsheet."""
        self.place = Rect(0, 0, 0, 0)
        """Where the text stood when it was painted last."""

    def clear(self) -> str:
        """Empty the field and return what was in it."""
        text, self.text, self.cursor, self.composed = self.text, "", 0, ""
        self.is_fresh = False
        return text

    def suggest(self, text: str) -> None:
        """Put a text into the empty field; the first letter replaces it, a cursor key keeps it."""
        self.insert(text)
        self.is_fresh = True

    def insert(self, text: str) -> None:
        """Put text at the cursor; control characters and what exceeds the limit are left out."""
        clean = "".join(c for c in text if c.isprintable() or c in _JOINERS)
        clean = clean[: self.limit - len(self.text)]
        self.text = self.text[: self.cursor] + clean + self.text[self.cursor :]
        self.cursor += len(clean)

    def press(self, key: str) -> bool:
        """Apply an editing key; return whether it was one."""
        action = _KEYS.get(key)
        if action is not None:
            action(self)
        return action is not None

    def feed(self, source: Input) -> None:
        """Take what was typed in this frame, and the editing keys with their repeats."""
        self.composed = source.composed
        if self.is_fresh and (source.typed or any(map(source.get_key_repeat, _ERASERS))):
            self.clear()
        self.is_fresh = self.is_fresh and not any(map(source.get_key_repeat, _MOVERS))
        self.insert(source.typed)
        for key in _KEYS:
            for _ in range(source.get_key_repeat(key)):
                self.press(key)

    def _backspace(self) -> None:
        end, text = self.cursor, self.text
        self._left()
        self.text = text[: self.cursor] + text[end:]

    def _delete(self) -> None:
        start, text = self.cursor, self.text
        self._right()
        self.text, self.cursor = text[:start] + text[self.cursor :], start

    def _left(self) -> None:
        before = list(clusters(self.text[: self.cursor]))
        self.cursor -= len(before[-1]) if before else 0

    def _right(self) -> None:
        self.cursor += len(next(clusters(self.text[self.cursor :]), ""))

    def _home(self) -> None:
        self.cursor = 0

    def _end(self) -> None:
        self.cursor = len(self.text)


_ERASERS, _MOVERS = ("backspace", "delete"), ("left", "right", "home", "end")
_KEYS: Mapping[str, Callable[[TextField], None]] = MappingProxyType(
    {
        "backspace": TextField._backspace,
        "delete": TextField._delete,
        "left": TextField._left,
        "right": TextField._right,
        "home": TextField._home,
        "end": TextField._end,
    }
)
