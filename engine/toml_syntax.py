"""What is no TOML in a text, in a writer's words; more than the first mistake where it is safe."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["SyntaxMistake", "syntax_mistakes"]

_MOST = 20
_BYTE_ORDER_MARK = "\ufeff"


class SyntaxMistake(NamedTuple):
    """One place where the text stops being TOML, what it is, and what to try."""

    line: int
    column: int
    message: str
    hint: str


def syntax_mistakes(text: str) -> Iterator[SyntaxMistake]:
    """Yield the first mistake, and those further down that do not follow from it."""
    lines = text.split("\n")
    last = 0
    for _ in range(_MOST):
        try:
            tomllib.loads("\n".join(lines))
            return
        except RecursionError:
            yield SyntaxMistake(last + 1, 1, "the values are nested too deeply", "")
            return
        except ValueError as error:
            mistake = _mistake(str(error), lines)
        # A line that was left out may have declared what a later one is said to repeat.
        if mistake.line <= last or (last and "twice" in mistake.message):
            return
        yield mistake
        lines[mistake.line - 1] = ""
        last = mistake.line


def _mistake(message: str, lines: list[str]) -> SyntaxMistake:
    if lines[0].startswith(_BYTE_ORDER_MARK):
        return SyntaxMistake(1, 1, "the file starts with a byte order mark", "save it without")
    line, column, cause = _split(message, lines)
    for pattern, sentence, hint in _KNOWN:
        if re.search(pattern, cause):
            if cause.startswith("Unclosed"):
                line, column = _end_before(line, column, lines)
            elif cause.startswith("Cannot"):  # said at the end of what should not begin
                column = len(lines[line - 1]) - len(lines[line - 1].lstrip()) + 1
            return SyntaxMistake(line, column, sentence, hint)
    return SyntaxMistake(line, column, f"is not TOML: {cause[:1].lower()}{cause[1:]}", "")


def _split(message: str, lines: list[str]) -> tuple[int, int, str]:
    """Return line, column and cause of a message of `tomllib`."""
    found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", message, re.DOTALL)
    if found is None:
        last = max((n for n, line in enumerate(lines, 1) if line.strip()), default=1)
        return last, len(lines[last - 1]) + 1, message.removesuffix(" (at end of document)")
    line = int(found[2])
    return line, min(int(found[3]), len(lines[line - 1]) + 1), found[1]


def _end_before(line: int, column: int, lines: list[str]) -> tuple[int, int]:
    """Return the end of the line above, where nothing stands before the place in its own."""
    if lines[line - 1][: column - 1].strip():
        return line, column
    above = next((n for n in range(line - 1, 0, -1) if lines[n - 1].strip()), line)
    return above, len(lines[above - 1].rstrip()) + 1


_QUOTE = "close it with a quote"
_KNOWN = (
    (r"Illegal character '\\[rn]'", "the text does not end on its line", _QUOTE),
    (r"[Uu]nterminated string|Expected \"'", "the text does not end", _QUOTE),
    (r"Unclosed array", "a comma or the ] of the list is missing", "close it with ]"),
    (r"Unclosed inline table", "a comma or the } of the table is missing", "close it with }"),
    (r"Cannot overwrite a value", "the key is given twice", "delete one of them"),
    (r"Cannot declare", "the table is declared twice", "join them, or write [[...]] for a list"),
    (r"Expected '=' after a key", "a key without a value", "key = value"),
    (r"Invalid value", "is not a value", 'text in "quotes", a number, true, false, or a [list]'),
    (r"Expected newline", "more follows than one value", "one key = value on each line"),
    (r"Expected '\]\]?' at the end", "the header does not end", "close it with as many ] as ["),
    (r"Unescaped '\\'|escape", "a backslash means something here", r"'single quotes', or \\"),
    (r"Invalid statement", "is no key", 'letters, digits, - and _; anything else in "quotes"'),
)
