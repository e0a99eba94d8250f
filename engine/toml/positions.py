"""Where each key and value of a TOML text stands: paths to offsets, lines and columns.

No TOML library for Python keeps the places of what it read, and a mistake that names no line
helps nobody. `scan` walks a text that is already known to be valid TOML (`tomllib` read it), so
it only has to find where things begin and end, never to judge them.

The words of mistakes: how values look in a sentence, near misses, what each type wants.
"""

from __future__ import annotations

import json
import re
import tomllib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Any

__all__ = ["as_toml", "did_you_mean", "KeyPath", "one_of", "Positions", "scan", "SENTENCES"]


KeyPath = tuple[str | int, ...]

_SKIP = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BLANK = re.compile(r"[ \t]*")
_LINE_REST = re.compile(r"[^\n]*\n?")
_KEY = re.compile(r"""("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s.=\]"']+)[ \t]*(\.?)[ \t]*""")
# The closing quotes of a multi-line string may be preceded by one or two that belong to it.
_SCALAR = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:[^"\\\n]|\\.)*"'
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
    """The places of one text: `spans` by path, and per table where a new key line would go.

    A table's name may stand in many headers: `names` has the offsets of all of them.
    """

    text: str
    spans: dict[KeyPath, Span] = field(default_factory=dict)
    names: dict[KeyPath, list[tuple[int, int]]] = field(default_factory=dict)
    line_ends: dict[KeyPath, int] = field(default_factory=lambda: {(): 0})

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

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
                # A header that follows tables below it is still the place of its table.
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


_LONGEST_GOT = 60
_MOST_CHOICES = 12


def did_you_mean(
    word: str, known: Iterable[str], *, likeness: float = 0.6
) -> tuple[str, str | None]:
    """Return a hint for a word that is not known, and the one that was surely meant or None."""
    names = list(dict.fromkeys(known))
    folded = {name.casefold(): name for name in names}
    close = get_close_matches(word.casefold(), folded, n=3, cutoff=likeness)
    if close:
        sure = get_close_matches(word.casefold(), close, n=2, cutoff=0.8)
        hint = " or ".join(folded[name] for name in close)
        return hint, folded[sure[0]] if len(sure) == 1 else None
    if 0 < len(names) <= _MOST_CHOICES:
        return "one of " + ", ".join(names), None
    return "", None


def one_of(names: Sequence[str]) -> str:
    """Return the sentence for a value that is none of the names."""
    return "must be one of " + ", ".join(names)


def as_toml(value: Any) -> str:
    """Return a value the way it is written in TOML, shortened to fit in a sentence."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        text = "{" + ", ".join(f"{k} = {as_toml(v)}" for k, v in value.items()) + "}"
    elif isinstance(value, (list, tuple)):
        text = "[" + ", ".join(map(as_toml, value)) + "]"
    elif isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
    else:
        text = str(value)
    return text if len(text) <= _LONGEST_GOT else text[: _LONGEST_GOT - 1] + "…"


def _bound(words: str, key: str) -> Callable[[Mapping[str, Any]], str]:
    def sentence(context: Mapping[str, Any]) -> str:
        bound = context.get(key)
        return f"{words} {bound:g}" if isinstance(bound, float) else f"{words} {bound}"

    return sentence


def _count(words: str, key: str, what: str) -> Callable[[Mapping[str, Any]], str]:
    def sentence(context: Mapping[str, Any]) -> str:
        count, actual = context.get(key), context.get("actual_length")
        return f"{words} {count} {what}" + (f", not {actual}" if actual is not None else "")

    return sentence


_TABLE = "must be a table"
_LIST = "must be a list in [brackets]"
SENTENCES: dict[str, str | Callable[[Mapping[str, Any]], str]] = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "string_type": 'must be text in "quotes"',
    "none_required": 'must be "none"',
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "dict_type": _TABLE,
    "model_type": _TABLE,
    "dataclass_type": _TABLE,
    "greater_than": _bound("must be more than", "gt"),
    "greater_than_equal": _bound("must be at least", "ge"),
    "less_than": _bound("must be less than", "lt"),
    "less_than_equal": _bound("must be at most", "le"),
    "too_short": _count("must hold at least", "min_length", "values"),
    "too_long": _count("must hold at most", "max_length", "values"),
    "string_too_short": _count("must be at least", "min_length", "characters long"),
    "string_too_long": _count("must be at most", "max_length", "characters long"),
    "string_pattern_mismatch": _bound("must match", "pattern"),
}
"""What to say for each kind of pydantic error: a sentence, or how to make one of its context."""
