"""Change single values of a TOML text and leave every other character as it is."""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import InlineTable

from engine.core.file_system import FileSystem, expect_file, real_path
from engine.toml.diagnostics import as_data
from engine.toml.positions import KeyPath, Positions
from engine.toml.reader import Fix

__all__ = ["apply_fixes", "is_toml", "literal", "save_atomically", "set_in_text"]


def literal(value: Any) -> str:
    """Return a value as TOML on one line. Raises ValueError for what TOML cannot hold."""
    try:
        return str(_item(value).as_string())
    except (TypeError, ValueError) as error:
        raise ValueError(f"TOML cannot hold {value!r}.") from error


def _item(value: Any) -> Any:
    value = as_data(value)
    if isinstance(value, dict):
        table: InlineTable = tomlkit.inline_table()
        table.update({key: _item(inner) for key, inner in value.items() if inner is not None})
        return table
    if isinstance(value, (list, tuple)):
        array = tomlkit.array()
        array.extend(map(_item, value))
        return array
    return tomlkit.item(value)


def set_in_text(positions: Positions, path: KeyPath, value: Any) -> str:
    """Return the text with the value at the path replaced, or added on a line of its own."""
    span = positions.spans.get(path)
    text = positions.text
    if span is not None and not span.is_header:
        return text[: span.start] + literal(value) + text[span.end :]
    if span is not None:
        raise ValueError("A whole table cannot be replaced: set its keys one by one.")
    return _added(positions, path, value)


def _added(positions: Positions, path: KeyPath, value: Any) -> str:
    """Return the text with a new key at the end of the nearest table above it."""
    text = positions.text
    for length in range(len(path) - 1, -1, -1):
        table, rest = path[:length], path[length:]
        if any(isinstance(part, int) for part in rest):
            break
        line = f"{_dotted(rest)} = {literal(value)}"
        if table in positions.line_ends:
            return _with_line(text, positions.line_ends[table], line)
        span = positions.spans.get(table)
        if span is not None and text[span.start] == "{":
            return _with_pair(text, span.start, span.end, line)
    raise ValueError(f"There is no table to put {path[-1]!r} into.")


def _with_line(text: str, at: int, line: str) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    before = "" if at == 0 or text[at - 1] == "\n" else newline
    return f"{text[:at]}{before}{line}{newline}{text[at:]}"


def _with_pair(text: str, start: int, end: int, pair: str) -> str:
    inside = text[start + 1 : end - 1].rstrip()
    comma = ", " if inside.strip() else " "
    return f"{text[: start + 1]}{inside}{comma}{pair} {text[end - 1 :]}"


def _dotted(path: KeyPath) -> str:
    return ".".join(tomlkit.key(str(part)).as_string() for part in path)


def apply_fixes(text: str, fixes: Iterable[Fix]) -> str:
    """Return the text with every fix made; of two that overlap, the later one is made."""
    places = {(start, end, fix.text) for fix in fixes for start, end in fix.places}
    parts, last = list[str](), len(text) + 1
    for start, end, new in sorted(places, reverse=True):
        if end <= last:
            parts += (text[end:last], new)
            last = start
    return "".join((text[:last], *reversed(parts)))


def is_toml(text: str) -> bool:
    """Tell whether the text can be parsed."""
    with suppress(ValueError, RecursionError):
        tomllib.loads(text)
        return True
    return False


def save_atomically(path: Path, text: str) -> None:
    """Write the file so that a reader finds the old text or the new one.

    Raises OSError, and NotAFileError for a pipe or a device, which a file would take the place of.
    """
    expect_file(path, follows_links=True)
    target = real_path(path)  # a link stays a link
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            FileSystem().flush(file.fileno())
        with suppress(FileNotFoundError):
            FileSystem().copy_mode(target, Path(name))
        FileSystem().replace(Path(name), target)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):  # a write does not say where, a rename names the new one
            error.filename, error.filename2 = str(path), None
        raise
