"""Read a TOML file into a pydantic model; every mistake at once, each with its line and column.

    persona = read_toml(Path("personas/nurse.toml"), Persona)

Raises `TomlFileError`, whose `problems` are sorted by place and print as
`file:line:column: object "Name": field: what is wrong (got ...). Try: ...`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from engine.toml_mistakes import NOTHING, Mistake, validate
from engine.toml_positions import KeyPath, Positions, scan
from engine.toml_syntax import syntax_mistakes
from engine.toml_words import as_toml, did_you_mean

__all__ = [
    "Fix",
    "Problem",
    "TomlFileError",
    "TomlSource",
    "parse_toml",
    "read_source",
    "read_toml",
]

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Fix:
    """Write `text` at each of the places (offsets): what `lint --fix` does for a typo."""

    places: tuple[tuple[int, int], ...]
    text: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file: where, at which object and field, what was found, what to try."""

    file: str
    line: int
    column: int
    object: str | None
    field: str | None
    message: str
    got: str | None = None
    hint: str | None = None
    fix: Fix | None = None

    def __str__(self) -> str:
        parts = [f"{self.file}:{self.line}:{self.column}"]
        if self.object is not None:
            parts.append(f"object {as_toml(self.object)}")
        if self.field:
            parts.append(self.field)
        got = f" (got {self.got})" if self.got is not None else ""
        hint = f" Try: {self.hint}" if self.hint else ""
        return f"{': '.join(parts)}: {self.message}{got}.{hint}"


class TomlFileError(Exception):
    """A TOML file that cannot be used as it is; your fault, not the program's.

    `problems` holds every mistake that was found, sorted by place.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.file, p.line, p.column)))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True)
class TomlSource:
    """The text of one file and the data in it; the places of its keys are found when asked for."""

    file: str
    text: str
    data: Mapping[str, Any]

    @cached_property
    def positions(self) -> Positions:
        """The places of all keys and values."""
        return scan(self.text)

    def place(self, path: KeyPath, at: str = "value") -> tuple[int, int]:
        """Return line and column of the value (or `at="key"`) nearest to a path."""
        found, span = self.positions.nearest(path)
        if span is None:
            return 1, 1
        points_at_key = at == "key" or span.is_header or found != path
        return self.positions.line_column(span.key_start if points_at_key else span.start)

    def problem(
        self, mistake: Mistake, *, path: KeyPath | None = None, object_name: str | None = None
    ) -> Problem:
        """Locate a mistake; `path` is where it stands in this file, if not at its own path."""
        path = mistake.path if path is None else path
        line, column = self.place(path, mistake.at)
        got = None if mistake.got is NOTHING else as_toml(mistake.got)
        return Problem(
            self.file,
            line,
            column,
            object_name,
            field_name(mistake.path),
            mistake.message,
            got,
            mistake.hint,
            self._fix(mistake, path),
        )

    def _fix(self, mistake: Mistake, path: KeyPath) -> Fix | None:
        meant, positions = mistake.replacement, self.positions
        span = positions.spans.get(path)
        if meant is None or span is None:
            return None
        if mistake.at != "key":
            return Fix(((span.start, span.end),), meant)
        if (*path[:-1], meant) in positions.spans:
            return None  # it is there too: which one counts is not for a program to say
        return Fix(tuple(positions.names[path]), meant)


def field_name(path: KeyPath) -> str:
    """Return a path the way it is spoken of: `Character.tags[2]`."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def read_toml(path: Path, model: type[M]) -> M:
    """Read a file into the model. Raises TomlFileError with every mistake in it."""
    return _into_model(read_source(path), model)


def parse_toml(text: str, model: type[M], file: str = "<text>") -> M:
    """Read a text into the model, as `read_toml` does; `file` is the name used in errors."""
    return _into_model(parse_source(text, file), model)


def _into_model(source: TomlSource, model: type[M]) -> M:
    value, mistakes = validate(model, source.data)
    if value is None:
        raise TomlFileError(source.problem(mistake) for mistake in mistakes)
    return value


def read_source(path: Path) -> TomlSource:
    """Read and parse a file. Raises TomlFileError where it is missing, unreadable or no TOML."""
    file = str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise TomlFileError([_unreadable(path, error)]) from error
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TomlFileError([_not_utf8(file, raw, error)]) from error
    return parse_source(text, file)


def parse_source(text: str, file: str = "<text>") -> TomlSource:
    """Parse a text. Raises TomlFileError with each line that is no TOML."""
    if not text.strip():
        raise TomlFileError([_plain(file, 1, 1, "the file is empty")])
    try:
        return TomlSource(file, text, tomllib.loads(text))
    except (ValueError, RecursionError):
        found = syntax_mistakes(text)
        raise TomlFileError(_plain(file, *mistake) for mistake in found) from None


def _plain(file: str, line: int, column: int, message: str, hint: str = "") -> Problem:
    return Problem(file, line, column, None, None, message, None, hint)


def _unreadable(path: Path, error: OSError) -> Problem:
    file = str(path)
    if path.is_dir():
        return _plain(file, 1, 1, "is a folder, not a file", "the name of a .toml file in it")
    if isinstance(error, FileNotFoundError):
        return _plain(file, 1, 1, "there is no such file", _neighbour(path))
    return _plain(file, 1, 1, f"cannot be read: {error.strerror or error}", "check its permissions")


def _neighbour(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix == path.suffix]
    except OSError:
        return f"create the folder {path.parent} first"
    return did_you_mean(path.name, names)[0]


def _not_utf8(file: str, raw: bytes, error: UnicodeDecodeError) -> Problem:
    before = raw[: error.start]
    line = before.count(b"\n") + 1
    column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
    message = f"the file is not UTF-8 text (byte 0x{raw[error.start]:02x})"
    return _plain(file, line, column, message, "save it as UTF-8")
