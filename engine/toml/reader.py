"""Read a TOML file into a pydantic model; every mistake at once, each with its line and column.

    persona = read_toml(Path("personas/nurse.toml"), Persona)

Raises `TomlFileError`, whose `problems` are sorted by place and print as
`file:line:column: object "Name": field: what is wrong (got ...). Try: ...`. Text that is no TOML
is explained too, with more than the first mistake where that is safe. FileWatch calls back after
a file was saved.
"""

from __future__ import annotations

import errno
import logging
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel

from engine.core.errors import EngineError
from engine.core.file_system import NotAFileError, read_file
from engine.toml.diagnostics import NOTHING, Mistake, as_toml, did_you_mean, shortened, validate
from engine.toml.positions import KeyPath, Positions, scan

__all__ = [
    "FileWatch", "Fix", "Problem", "TomlFileError", "TomlSource", "count_values", "field_name",
    "parse_source", "read_source", "read_text", "read_toml", "syntax_mistakes",
]  # fmt: skip


_MOST = 20
_MOST_IN_LARGE = 1  # each takes a reading of the whole file
_LARGE = 200_000
# What is read within seconds; levels and personas are far below.
MOST_BYTES = 8 * 1024 * 1024
MOST_VALUES = 250_000
DEEPEST = 64
_BYTE_ORDER_MARK = "\ufeff"


class SyntaxMistake(NamedTuple):
    """One place where a text is no TOML, why, and what to try."""

    line: int
    column: int
    message: str
    hint: str


def syntax_mistakes(text: str) -> Iterator[SyntaxMistake]:
    """Yield the first mistake, and those further down that do not follow from it."""
    lines = text.split("\n")
    last = 0
    for _ in range(_MOST if len(text) < _LARGE else _MOST_IN_LARGE):
        try:
            tomllib.loads("\n".join(lines))
            return
        except RecursionError:
            yield SyntaxMistake(*_deep_place(text), _TOO_DEEP, "")
            return
        except ValueError as error:
            mistake = _mistake(str(error), lines)
        # A line that was left out may have declared what a later one seems to repeat.
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
            elif cause.startswith("Cannot"):  # reported at the end of the line
                column = len(lines[line - 1]) - len(lines[line - 1].lstrip()) + 1
            found = _found(lines[line - 1][column - 1 :], hint)
            return SyntaxMistake(line, column, sentence, found)
    return SyntaxMistake(line, column, f"is not TOML: {cause[:1].lower()}{cause[1:]}", "")


def _found(rest: str, hint: str) -> str:
    """Return what to try where the rest of the line begins as in another language, or the hint."""
    if hint == _EQUALS:
        return "= in the place of the :" if rest.startswith(":") else hint
    if hint == _ONE_EACH:
        return "# before a comment" if rest.startswith(("//", ";", "--")) else hint
    if hint != _VALUES:
        return hint
    if rest[:1] in _OTHER_QUOTES:
        return 'straight quotes: "text"'
    word = re.split(r"[,#\]}\s]", rest, maxsplit=1)[0]
    if word.casefold() in ("true", "false"):
        return word.casefold()
    return f'"{word}"' if word.isidentifier() and word.isascii() else hint


def _split(message: str, lines: list[str]) -> tuple[int, int, str]:
    """Return line, column and cause of a message of `tomllib`."""
    found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", message, re.DOTALL)
    if found is None:
        last = max((n for n, line in enumerate(lines, 1) if line.strip()), default=1)
        return last, len(lines[last - 1]) + 1, message.removesuffix(" (at end of document)")
    line = int(found[2])
    return line, min(int(found[3]), len(lines[line - 1]) + 1), found[1]


def _end_before(line: int, column: int, lines: list[str]) -> tuple[int, int]:
    """Return the place, or the end of the line above if its own line is blank before it."""
    if lines[line - 1][: column - 1].strip():
        return line, column
    above = next((n for n in range(line - 1, 0, -1) if lines[n - 1].strip()), line)
    return above, len(lines[above - 1].rstrip()) + 1


_QUOTE = "close it with a quote"
_OTHER_QUOTES = ("\u201c", "\u201d", "\u201e", "\u2018", "\u2019", "\u00ab", "\u00bb", "`")
_EQUALS = "key = value"
_ONE_EACH = "one key = value on each line"
_VALUES = 'text in "quotes", a number, true, false, or a [list]'
_KNOWN = (
    (r"Illegal character '\\[rn]'", "the text does not end on its line", _QUOTE),
    (r"[Uu]nterminated string|Expected \"'", "the text does not end", _QUOTE),
    (r"Unclosed array", "a comma or the ] of the list is missing", "close it with ]"),
    (r"Unclosed inline table", "a comma or the } of the table is missing", "close it with }"),
    (r"Cannot overwrite a value", "the key is given twice", "delete one of them"),
    (r"Cannot declare", "the table is declared twice", "join them, or write [[...]] for a list"),
    (r"Expected '=' after a key", "a key without a value", _EQUALS),
    (r"Invalid value", "is not a value", _VALUES),
    (r"Expected newline", "more follows than one value", _ONE_EACH),
    (r"Expected '\]\]?' at the end", "the header does not end", "close it with as many ] as ["),
    (r"Unescaped '\\'|escape", "a backslash means something here", r"'single quotes', or \\"),
    (r"Exceeds the limit", "is a number with too many digits", ""),
    (r"Invalid statement", "is no key", 'letters, digits, - and _; anything else in "quotes"'),
)


M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Fix:
    """Write `text` at each of the places (offsets): what `lint --fix` does for a typo."""

    places: tuple[tuple[int, int], ...]
    text: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file: its place, object and field, the value that is wrong, what to try."""

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
        told = self.in_short()
        parts = [f"{_shown(self.file)}:{self.line}:{self.column}"]
        if told.object is not None:
            parts.append(f"object {as_toml(told.object)}")
        if told.field:
            parts.append(told.field)
        got = f" (got {told.got})" if told.got is not None else ""
        hint = f" Try: {told.hint}" if told.hint else ""
        return f"{': '.join(parts)}: {told.message}{got}.{hint}"

    def in_short(self) -> Problem:
        """Return it with only the beginning of what is very long: a key may fill a whole file."""
        return replace(
            self,
            object=self.object and shortened(self.object, _LONGEST_NAME),
            field=self.field and shortened(self.field, _LONGEST_NAME),
            message=shortened(self.message, _LONGEST_SENTENCE),
            hint=self.hint and shortened(self.hint, _LONGEST_SENTENCE),
        )


def _shown(name: str) -> str:
    """Return a file's name on one line: it may hold whatever another file says, NUL too."""
    letters = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
    return "".join(letters)


_LONGEST_NAME, _LONGEST_SENTENCE = 200, 500  # characters


class TomlFileError(EngineError):
    """A TOML file has mistakes.

    `problems` holds every mistake that was found, sorted by place.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.file, p.line, p.column)))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True)
class TomlSource:
    """The text of one file and the data in it; places of keys are found on first use."""

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
        """Locate a mistake; `path` is its path in this file, if that differs from its own."""
        path = mistake.path if path is None else path
        where = (self.file, *self.place(path, mistake.at), object_name, field_name(mistake.path))
        is_told = mistake.got is not NOTHING and not _may_be_a_key(mistake.path)
        got = as_toml(mistake.got) if is_told else None
        return Problem(*where, mistake.message, got, mistake.hint, self._fix(mistake, path))

    def _fix(self, mistake: Mistake, path: KeyPath) -> Fix | None:
        replacement, positions = mistake.replacement, self.positions
        span = positions.spans.get(path)
        if replacement is None or span is None:
            return None
        if mistake.at != "key":
            return Fix(((span.start, span.end),), replacement)
        if (*path[:-1], replacement) in positions.spans:
            return None  # both are there: only the author knows which one counts
        return Fix(tuple(positions.names[path]), replacement)


def _may_be_a_key(path: KeyPath) -> bool:
    """Tell whether a wrong value may be a secret: the key in the place of its variable's name."""
    return bool(path) and str(path[-1]).endswith("_env")


def field_name(path: KeyPath) -> str:
    """Return a path as it is printed: `Character.tags[2]`."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def read_toml(path: Path, model: type[M]) -> M:
    """Read a file into the model. Raises TomlFileError with every mistake in it."""
    source = read_source(path)
    value, mistakes = validate(model, source.data)
    if value is None:
        raise TomlFileError(source.problem(mistake) for mistake in mistakes)
    return value


def read_source(path: Path) -> TomlSource:
    """Read and parse a file. Raises TomlFileError where it is missing, unreadable or no TOML."""
    return parse_source(read_text(path), str(path))


def read_text(path: Path) -> str:
    """Return the text of a file. Raises TomlFileError where it is missing or unreadable."""
    try:
        raw = read_file(path, MOST_BYTES)
    except (OSError, ValueError) as error:  # ValueError: no path at all
        raise TomlFileError([_unreadable(path, error)]) from error
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TomlFileError([_not_utf8(str(path), raw, error)]) from error


def parse_source(text: str, file: str = "<text>") -> TomlSource:
    """Parse a text. Raises TomlFileError with each line that is no TOML."""
    if not text.strip():
        raise TomlFileError([_plain(file, 1, 1, "the file is empty")])
    if too_much := _too_much(text):
        raise TomlFileError([_plain(file, *too_much)])
    try:
        source = TomlSource(file, text, tomllib.loads(text))
    except (ValueError, RecursionError):
        found = syntax_mistakes(text)
        raise TomlFileError(_plain(file, *mistake) for mistake in found) from None
    if unusable := list(_unusable(source)):
        raise TomlFileError(unusable)
    return source


# A part of a dotted key, and so many that no reader of TOML takes them in a reasonable time.
_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]++|\\.)*+"|'[^'\n]*')"""
_LONG_KEY = re.compile(
    rf"(?:^|(?<=[\[{{,]))[ \t]*{_PART}(?:[ \t]*\.[ \t]*{_PART}){{{DEEPEST}}}", re.M
)
_TOO_DEEP = f"the values are nested too deeply, {DEEPEST} levels are the most"


def count_values(text: str) -> int:
    """Return about how many values, lists and tables a text has; surely not fewer."""
    return sum(map(text.count, ",=["))


def _too_much(text: str) -> SyntaxMistake | None:
    """Return why a text is not read at all, lest it takes minutes, or None."""
    if count_values(text) > MOST_VALUES:
        return SyntaxMistake(1, 1, f"the file has more than {MOST_VALUES} values", "")
    if found := _LONG_KEY.search(text):
        before = text[: found.start()]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return SyntaxMistake(line, column, f"the key has more than {DEEPEST} parts", "")
    return None


def _unusable(source: TomlSource) -> Iterator[Problem]:
    """Yield what is TOML but nothing that a program can hold, without recursion."""
    waiting: list[tuple[KeyPath, Any]] = [((), source.data)]
    while waiting:
        path, value = waiting.pop()
        if len(path) > DEEPEST:
            yield _plain(source.file, *_deep_place(source.text), _TOO_DEEP)
            return
        if isinstance(value, dict):
            waiting += (((*path, key), inner) for key, inner in value.items())
        elif isinstance(value, list):
            waiting += (((*path, index), inner) for index, inner in enumerate(value))
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            yield source.problem(Mistake(path, "is a number with too many digits"))


# A text that is left open, as in a comment, is passed over too: what is looked at twice from each
# of its quotes takes days.
_BRACKET = re.compile(r"""["](?:[^"\\\n]|\\.)*+["]?|'[^'\n]*+'?|[\[\]{}]""")


def _deep_place(text: str) -> tuple[int, int]:
    """Return about where the values are nested too deeply."""
    depth = 0
    for found in _BRACKET.finditer(text):
        depth += (found[0] in "[{") - (found[0] in "]}")
        if depth > DEEPEST:
            before = text[: found.start()]
            return before.count("\n") + 1, len(before) - before.rfind("\n")
    return 1, 1


def _plain(file: str, line: int, column: int, message: str, hint: str = "") -> Problem:
    return Problem(file, line, column, None, None, message, None, hint)


def _unreadable(path: Path, error: OSError | ValueError) -> Problem:
    file = str(path)
    if isinstance(error, ValueError) or error.errno == errno.ENAMETOOLONG:
        return _plain(file, 1, 1, "is no name of a file")
    if path.is_dir():
        return _plain(file, 1, 1, "is a folder, not a file", "the name of a .toml file in it")
    if isinstance(error, NotAFileError):
        return _plain(file, 1, 1, f"is a {error.kind}, not a file", "move it away")
    if isinstance(error, FileNotFoundError) and path.is_symlink():
        return _plain(file, 1, 1, "is a link to a file that is not there", "copy that file here")
    if isinstance(error, FileNotFoundError):
        return _plain(file, 1, 1, "there is no such file", _neighbour(path))
    if error.errno == errno.EFBIG:
        most = f"{MOST_BYTES // 2**20} MB are the most that is read"
        return _plain(file, 1, 1, f"is too large: {most}")
    hint = "check its permissions" if isinstance(error, PermissionError) else ""
    return _plain(file, 1, 1, f"cannot be read: {error.strerror or error}", hint)


def _neighbour(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix == path.suffix]
    except OSError:
        return f"create the folder {path.parent} first"
    similar = did_you_mean(path.name, names)[0]
    return similar if similar or path.is_absolute() else f"a path from {Path.cwd()}"


def _not_utf8(file: str, raw: bytes, error: UnicodeDecodeError) -> Problem:
    before = raw[: error.start]
    line = before.count(b"\n") + 1
    column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
    message = f"the file is not UTF-8 text (byte 0x{raw[error.start]:02x})"
    return _plain(file, line, column, message, "save it as UTF-8")


_log = logging.getLogger(__name__)

# Two looks have to find the same: a change is noticed within about half a second.
POLL_SECONDS = 0.25

Stamp = tuple[Path, int, int]


class FileWatch:
    """Calls `changed` on its thread once at first, then after each change of a file.

    An editor may write in several steps or remove the file for a moment, so a change counts when
    two looks find the same. `files` is called before each look, as an edit may name other files;
    one that does not exist is watched too.
    """

    def __init__(
        self, files: Callable[[], Iterable[Path]], changed: Callable[[], object], *, name: str
    ) -> None:
        self._files = files
        self._changed = changed
        self._known: tuple[Stamp, ...] | None = None
        self._last: tuple[Stamp, ...] | None = None
        self._ends = Event()
        self._thread = Thread(target=self._run, name=f"watch {name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, deadline_seconds: float = 1.0) -> bool:
        """End the thread; return whether it ended in time."""
        self._ends.set()
        if self._thread.is_alive():
            self._thread.join(deadline_seconds)
        return not self._thread.is_alive()

    def poll(self) -> None:
        """Look once, as the thread does."""
        found = tuple(map(_stamp, self._files()))
        is_settled, self._last = found == self._last, found
        if is_settled and found != self._known:
            self._known = found
            self._changed()

    def _run(self) -> None:
        while not self._ends.wait(POLL_SECONDS):
            try:
                self.poll()
            except Exception:
                _log.exception("%s could not look after its files.", self._thread.name)


def _stamp(path: Path) -> Stamp:
    """Return the time and size of a file; 0 and -1 if it does not exist."""
    try:
        stat = path.stat()
    except (OSError, ValueError):  # a text in a file may be no possible path
        return path, 0, -1
    return path, stat.st_mtime_ns, stat.st_size
