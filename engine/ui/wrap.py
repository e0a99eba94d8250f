"""Breaks text into lines and shortens it, by whatever measure a font gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator

__all__ = ["Measure", "shorten", "wrap"]

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
