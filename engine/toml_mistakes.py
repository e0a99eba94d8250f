"""What pydantic found wrong, in a writer's words: a path, a sentence, and what to try instead.

`validate` reads plain data (what `tomllib` gives) into a model and returns every mistake with
the path of keys it stands at. It knows no file and no line; `engine.toml_file` adds those.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from engine.model_schema import ModelSchema
from engine.toml_positions import KeyPath
from engine.toml_words import SENTENCES, as_toml, did_you_mean, one_of

__all__ = ["NOTHING", "Mistake", "below", "read_rest", "validate"]

M = TypeVar("M", bound=BaseModel)

NOTHING: Any = object()
"""Stands where no value was found, since None may be one."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake at a path of the data.

    `at` says what to point at: the key, the value, or the table in which the key is missing.
    """

    path: KeyPath
    message: str
    got: Any = NOTHING
    hint: str = ""
    at: Literal["key", "value", "table"] = "value"
    replacement: str | None = None
    """The one name or value that was surely meant, if there is one."""


def below(prefix: KeyPath, mistake: Mistake) -> Mistake:
    """Return a mistake of an inner table as one of the table around it."""
    return replace(mistake, path=(*prefix, *mistake.path))


def validate(
    model: type[M], data: Mapping[str, Any], schema: ModelSchema | None = None
) -> tuple[M | None, list[Mistake]]:
    """Read data into the model; return it, or None and every mistake.

    Types are strict, as in JSON: text is no number and 1 is no `true`, but a list may become a
    tuple and a text an enum. `schema` saves work where one model is used again and again.
    """
    value, mistakes = read_rest(model, data, schema)
    return (None if mistakes else value), mistakes


def read_rest(
    model: type[M], data: Mapping[str, Any], schema: ModelSchema | None = None
) -> tuple[M | None, list[Mistake]]:
    """Read data into the model without what is wrong in it; None if that is not to be left out."""
    schema = schema or ModelSchema(model)
    found: dict[KeyPath, Mistake] = {}
    removed: set[KeyPath] = set()
    rest: Any = data
    # What is wrong by type hides what a __post_init__ would say, and that stops at its first
    # complaint: leave out what was found and ask again.
    while True:
        try:
            value = model.model_validate_json(_as_json(rest), strict=True)
        except ValidationError as error:
            mistakes = _translate(error, schema, rest)
        except Exception as error:  # a model's own code may raise anything; the reader gets words
            mistakes = [Mistake((), f"cannot be read: {type(error).__name__}: {error}")]
        else:
            return value, list(found.values())
        fresh = {m.path: m for m in mistakes if m.path not in found and m.path not in removed}
        if not fresh:
            return None, list(found.values())
        found |= fresh
        for path in map(_removable, fresh):
            if path and path not in removed:
                removed.add(path)
                rest = _without(rest, path)


def _removable(path: KeyPath) -> KeyPath:
    """Return the part of a path up to its first list: single elements cannot be left out."""
    numbers = [index for index, part in enumerate(path) if isinstance(part, int)]
    return path[: numbers[0]] if numbers else path


def _as_json(data: Any) -> str:
    return json.dumps(data, default=_date_as_text)


def _date_as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, (date, time)) else str(value)


def _without(data: Mapping[str, Any], path: KeyPath) -> dict[str, Any]:
    """Return a copy of nested tables that lacks what stands at the path."""
    head, *tail = path
    copy = dict(data)
    inner = copy.pop(str(head), None)
    if tail and isinstance(inner, Mapping):
        copy[str(head)] = _without(inner, tuple(tail))
    return copy


def _translate(error: ValidationError, schema: ModelSchema, data: Any) -> list[Mistake]:
    mistakes: dict[KeyPath, Mistake] = {}
    for detail in error.errors(include_url=False):
        path = tuple(_real_path(detail["loc"], data, keeps_last=detail["type"] == "missing"))
        mistake = _mistake(path, detail, schema, data)
        earlier = mistakes.get(mistake.path)
        # Each member of a union complains about the same value.
        if earlier is not None and earlier.message != mistake.message:
            both = f"{earlier.message} or {mistake.message.removeprefix('must be ')}"
            mistake = Mistake(path, both, mistake.got, earlier.hint or mistake.hint)
        mistakes[mistake.path] = mistake
    return list(mistakes.values())


def _real_path(loc: Iterable[str | int], data: Any, *, keeps_last: bool) -> Iterator[str | int]:
    """Yield the parts of a pydantic location that are keys of the data, not names of types."""
    parts = list(loc)
    for index, part in enumerate(parts):
        inside = _at(data, (part,))
        if inside is not NOTHING:
            yield part
            data = inside
        elif keeps_last and index == len(parts) - 1:
            yield part


def _at(data: Any, path: Iterable[str | int]) -> Any:
    for part in path:
        is_key = isinstance(data, Mapping) and part in data
        if not is_key and not (isinstance(data, list) and _is_index(part, data)):
            return NOTHING
        data = data[part]
    return data


def _is_index(part: object, data: Sequence[Any]) -> bool:
    return isinstance(part, int) and part < len(data)


def _mistake(path: KeyPath, detail: Any, schema: ModelSchema, data: Any) -> Mistake:
    kind, context = detail["type"], detail.get("ctx", {})
    got = _at(data, path)
    if kind == "missing" and isinstance(path[-1], int):
        short = path[:-1]
        message = f"must hold {path[-1] + 1} values"
        return Mistake(short, message, _at(data, short), schema.example(short))
    if kind == "missing":
        return Mistake(path, "is missing", hint=schema.example(path), at="table")
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        hint, sure = did_you_mean(str(path[-1]), schema.keys(path[:-1]))
        return Mistake(path, "is not a known key", hint=hint, at="key", replacement=sure)
    if kind in ("enum", "literal_error"):
        return _choice(path, str(context["expected"]), got)
    if kind in ("value_error", "assertion_error"):
        return _blame(path, str(context.get("error", detail["msg"])), got)
    sentence = SENTENCES.get(kind)
    if sentence is None:
        return Mistake(path, _lower_first(detail["msg"]), got, schema.example(path))
    message = sentence(context) if callable(sentence) else sentence
    return Mistake(path, message, got, _unquoted(got, kind) or schema.example(path))


def _choice(path: KeyPath, expected: str, got: Any) -> Mistake:
    names = re.findall(r"'((?:[^'\\]|\\.)*)'", expected) or [expected]
    hint, sure = did_you_mean(str(got), names)
    hint = hint if hint.startswith("one of") else hint.replace('"', "")
    if not hint or hint.startswith("one of"):
        return Mistake(path, one_of(names), got)
    quoted = as_toml(sure) if sure is not None else None
    return Mistake(path, one_of(names), got, hint, replacement=quoted)


def _blame(path: KeyPath, sentence: str, got: Any) -> Mistake:
    """Point at the key inside the table that the sentence names, if it names one."""
    if isinstance(got, Mapping):
        for word in re.findall(r"\w+", sentence):
            if word in got:
                return _said((*path, word), sentence.removeprefix(word).strip(), got[word])
    return _said(path, sentence, got)


def _said(path: KeyPath, sentence: str, got: Any) -> Mistake:
    has_got = "(got " in sentence or isinstance(got, Mapping)
    return Mistake(path, sentence.rstrip("."), NOTHING if has_got else got)


def _unquoted(got: Any, kind: str) -> str:
    """Return the value without its quotes where those are the whole mistake."""
    if not isinstance(got, str):
        return ""
    pattern = {"bool": r"true|false", "int": r"[+-]?\d+", "float": r"[+-]?\d+(\.\d+)?"}
    wanted = pattern.get(kind.split("_")[0])
    return f"{got} without quotes" if wanted and re.fullmatch(wanted, got.strip()) else ""


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
