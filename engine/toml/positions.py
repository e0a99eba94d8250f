"""Where each key and value of a TOML text is: paths to offsets, lines and columns.

No TOML library for Python keeps the places of what it read, and a mistake without a line helps
little. `scan` walks a text that `tomllib` has read, so it only finds where things begin and end.
"""

from __future__ import annotations

import re
import tomllib
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

__all__ = ["KeyPath", "line_starts", "Positions", "scan"]


KeyPath = tuple[str | int, ...]

# What is repeated is possessive: of each turn of a repeat that may be taken back `re` keeps
# a note, and a text of 8 MB would take a gigabyte.
_SKIP = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_BLANK = re.compile(r"[ \t]*")
_LINE_REST = re.compile(r"[^\n]*\n?")
_KEY = re.compile(r"""("(?:[^"\\\n]++|\\.)*+"|'[^'\n]*'|[^\s.=\]"']+)[ \t]*(\.?)[ \t]*""")
# The closing quotes of a multi-line string may be preceded by one or two that belong to it.
_SCALAR = re.compile(
    r'"""(?:[^"\\]++|\\.|"(?!""))*+"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:[^"\\\n]++|\\.)*+"'
    r"|'[^'\n]*'"
    r"|[^,\]}#\n]+",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets of one key and its value; for a table, of the name in its header and the header."""

    key_start: int
    key_end: int
    start: int
    end: int
    is_header: bool = False


@dataclass
class Positions:
    """The places of one text: `spans` by path, and per table where a new key would go.

    A table's name may be in many headers: `names` has the offsets of all of them.
    """

    text: str
    spans: dict[KeyPath, Span] = field(default_factory=dict)
    names: dict[KeyPath, list[tuple[int, int]]] = field(default_factory=dict)
    line_ends: dict[KeyPath, int] = field(default_factory=lambda: {(): 0})

    @cached_property
    def _line_starts(self) -> array[int]:
        return line_starts(self.text)

    def line_column(self, offset: int) -> tuple[int, int]:
        """Return the line and column of an offset, both from 1."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def nearest(self, path: KeyPath) -> tuple[KeyPath, Span | None]:
        """Return the longest beginning of `path` that the text holds, and its span."""
        for length in range(len(path), 0, -1):
            span = self.spans.get(path[:length])
            if span is not None:
                return path[:length], span
        return (), None


def line_starts(text: str) -> array[int]:
    """Return the offset of each line's first character."""
    return array("L", chain((0,), (found.end() for found in re.finditer("\n", text))))


def scan(text: str) -> Positions:
    """Find every key, table header and array element of a valid TOML text."""
    positions = Positions(text)
    _Scanner(positions).run()
    return positions


class _Scanner:
    """One walk over one text; offsets only move forward."""

    def __init__(self, positions: Positions) -> None:
        self.text = positions.text
        self.positions = positions
        self.spans = positions.spans
        self.table: KeyPath = ()
        self.counts: dict[KeyPath, int] = {}

    def run(self) -> None:
        at = self._skip(0)
        while at < len(self.text):
            at = self._header(at) if self.text[at] == "[" else self._line(at)
            at = self._skip(at)

    def _skip(self, at: int) -> int:
        found = _SKIP.match(self.text, at)
        return found.end() if found else at

    def _line(self, at: int) -> int:
        end = self._pair(at, self.table)
        self.positions.line_ends[self.table] = self._after_line(end)
        return end

    def _after_line(self, at: int) -> int:
        rest = _LINE_REST.match(self.text, at)
        return rest.end() if rest else at

    def _header(self, at: int) -> int:
        is_array = self.text.startswith("[[", at)
        start = _blank_end(self.text, at + (2 if is_array else 1))
        parts = list(self._key_parts(start))
        end = parts[-1][2] + (2 if is_array else 1)
        path: KeyPath = ()
        for index, (name, key_start, _) in enumerate(parts):
            path = (*path, name)
            span = Span(key_start, _name_end(parts[index], self.text), at, end, is_header=True)
            self._note_name(path, span)
            if is_array and index == len(parts) - 1:
                self.spans.setdefault(path, span)
                path = self._next_element(path)
                self.spans[path] = span
            elif index == len(parts) - 1:
                # A header may follow those of tables inside it.
                self.spans[path] = span
            else:
                self.spans.setdefault(path, span)
                path = self._last_element(path)
        self.table = path
        self.positions.line_ends[path] = self._after_line(end)
        return end

    def _note_name(self, path: KeyPath, span: Span) -> None:
        self.positions.names.setdefault(path, []).append((span.key_start, span.key_end))

    def _next_element(self, path: KeyPath) -> KeyPath:
        index = self.counts.get(path, 0)
        self.counts[path] = index + 1
        return (*path, index)

    def _last_element(self, path: KeyPath) -> KeyPath:
        return (*path, self.counts[path] - 1) if path in self.counts else path

    def _key_parts(self, at: int) -> Iterator[tuple[str, int, int]]:
        """Yield each part of a dotted key: its name, its start, the offset after it."""
        while True:
            found = _KEY.match(self.text, at)
            if found is None:
                return
            yield _unquote(found[1]), at, found.end()
            at = found.end()
            if not found[2]:
                return

    def _pair(self, at: int, table: KeyPath) -> int:
        parts = list(self._key_parts(at))
        start = _blank_end(self.text, parts[-1][2] + 1)
        paths = []
        for name, _, _ in parts:
            table = (*table, name)
            paths.append(table)
        end = self._value(start, table)
        for path, part in zip(paths, parts, strict=True):
            span = Span(part[1], _name_end(part, self.text), start, end)
            self._note_name(path, span)
            self.spans.setdefault(path, span)
        return end

    def _value(self, at: int, path: KeyPath) -> int:
        opening = self.text[at]
        if opening == "[":
            return self._items(at, path)
        if opening == "{":
            return self._inline(at, path)
        found = _SCALAR.match(self.text, at)
        if found is None:
            return at + 1
        return at + len(found[0].rstrip())

    def _items(self, at: int, path: KeyPath) -> int:
        at = self._skip(at + 1)
        index = 0
        while self.text[at] != "]":
            end = self._value(at, (*path, index))
            self.spans[(*path, index)] = Span(at, end, at, end)
            index += 1
            at = self._after_comma(end)
        return at + 1

    def _inline(self, at: int, path: KeyPath) -> int:
        at = self._skip(at + 1)
        while self.text[at] != "}":
            at = self._after_comma(self._pair(at, path))
        return at + 1

    def _after_comma(self, at: int) -> int:
        at = self._skip(at)
        return self._skip(at + 1) if self.text[at] == "," else at


def _blank_end(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _name_end(part: tuple[str, int, int], text: str) -> int:
    return part[1] + len(text[part[1] : part[2]].rstrip(" \t."))


def _unquote(name: str) -> str:
    if name[0] == '"' and "\\" in name:
        return str(tomllib.loads(f"name = {name}")["name"])
    return name[1:-1] if name[0] in "\"'" else name
