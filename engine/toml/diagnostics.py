"""Mistakes in TOML data and how they are worded, with "did you mean" and an example.

`validate` reads plain data (what `tomllib` gives) into a pydantic model and returns every mistake
with the path of keys that it is at. It knows no file and no line; `engine.toml.reader` adds those.

`normalised` accepts spellings beside the strict ones: enums, "none", presets by name.
"""

from __future__ import annotations

import dataclasses
import json
import operator
import re
import types
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from difflib import get_close_matches
from enum import Enum
from functools import cached_property, lru_cache
from itertools import islice
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema

from engine.toml.positions import KeyPath

__all__ = [
    "NOTHING", "Mistake", "ModelSchema", "as_data", "as_toml", "bare", "below", "choices",
    "did_you_mean", "is_table", "item_types", "meant_by", "members", "normalised", "one_of",
    "preset_mistake", "presets", "read_rest", "shortened", "similar_names", "unknown_name",
    "validate",
]  # fmt: skip


NOTHING: Any = object()
"""In the place of a value that was not found, since None may be one."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake at a path of the data.

    `at` is what to point at: the key, the value, or the table in which the key is missing.
    """

    path: KeyPath
    message: str
    got: Any = NOTHING
    hint: str = ""
    at: Literal["key", "value", "table"] = "value"
    replacement: str | None = None
    """The one name or value that was surely meant, or None."""


def below(prefix: KeyPath, mistake: Mistake) -> Mistake:
    """Return a mistake of an inner table with its path in the outer one."""
    return replace(mistake, path=(*prefix, *mistake.path))


def unknown_name(path: KeyPath, message: str, name: str, known: Iterable[str]) -> Mistake:
    """Return the mistake of a text that is none of the known names, with what was meant."""
    hint, sure = did_you_mean(name, known)
    return Mistake(path, message, name, hint, replacement=None if sure is None else as_toml(sure))


_LONGEST_GOT = 60
_LONGEST_MEANT = 200  # letters; to compare two of a megabyte takes hours
_MOST_COMPARED = 2_000  # names; each mistake looks at all of them
_MOST_CHOICES = 12


def similar_names(
    word: str, known: Iterable[str], likeness: float = 0.6
) -> tuple[list[str], str | None]:
    """Return the names that an unknown word is like, and the one that was surely meant or None."""
    if len(word) > _LONGEST_MEANT:
        return [], None
    folded = {name.casefold(): name for name in islice(dict.fromkeys(known), _MOST_COMPARED)}
    close = get_close_matches(word.casefold(), folded, n=3, cutoff=likeness)
    sure = get_close_matches(word.casefold(), close, n=2, cutoff=0.8)
    return [folded[name] for name in close], folded[sure[0]] if len(sure) == 1 else None


def did_you_mean(word: str, known: Iterable[str]) -> tuple[str, str | None]:
    """Return a hint for an unknown word, and the word that was surely meant or None.

    The hint names what is similar, else all that is known if that is not much.
    """
    names = list(dict.fromkeys(known))
    close, sure = similar_names(word, names)
    if not close and 0 < len(names) <= _MOST_CHOICES:
        return ("one of " if len(names) > 1 else "") + ", ".join(names), None
    return " or ".join(close), sure


def one_of(names: Sequence[str]) -> str:
    """Return the message for a value that is none of the names."""
    return ("must be one of " if len(names) > 1 else "must be ") + ", ".join(names)


def as_toml(value: Any) -> str:
    """Return a value as it is written in TOML, shortened to fit into a message."""
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
    return shortened(text, _LONGEST_GOT)


def shortened(text: str, most: int) -> str:
    """Return a text, or as much of its beginning as fits."""
    return text if len(text) <= most else text[: most - 1] + "…"


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


_TEXT = 'must be text in "quotes"'
_TABLE = "must be a table"
_LIST = "must be a list in [brackets]"
_SENTENCES: dict[str, str | Callable[[Mapping[str, Any]], str]] = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "string_type": _TEXT,
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
"""The message for each kind of pydantic error, or a function from its context to one."""


Schema = Mapping[str, Any]


class ModelSchema:
    """The known keys and the defaults of a model, from its JSON schema."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model

    @cached_property
    def _root(self) -> Schema:
        try:
            return self._model.model_json_schema()
        except PydanticInvalidForJsonSchema:
            return {}

    def keys(self, path: KeyPath) -> list[str]:
        """Return the known keys of the table at the path."""
        return [name for node in self._nodes(path) for name in node.get("properties", ())]

    def example(self, path: KeyPath, bounds: Mapping[str, Any] = MappingProxyType({})) -> str:
        """Return a correct line, or item of a list, for the path; "" if unknown.

        Of several kinds of tables with such a key it is that of one whose default is in `bounds`,
        and in its own: a default may be what nobody can write.
        """
        if path and isinstance(path[-1], int):
            items = next(self._fields(path[:-1]), {}).get("default") or ()
            return as_toml(items[path[-1]]) if path[-1] < len(items) else ""
        fitting = (
            it
            for it in self._fields(path)
            if _fits(it.get("default"), bounds) and _fits(it.get("default"), _bounds_of(it))
        )
        field = next(fitting, None)
        if field is None:
            return ""
        if "default" in field and field["default"] is not None:
            return f"{path[-1]} = {as_toml(field['default'])}"
        value = self._sample(field)
        return f"{path[-1]} = {value}" if value else ""

    def is_text(self, path: KeyPath) -> bool:
        """Tell whether the value at the path is a text, and no date."""
        return any(n.get("type") == "string" and "format" not in n for n in self._nodes(path))

    def _sample(self, field: Schema) -> str:
        """Return a value for a field: of a table what it must hold, of a list one item."""
        node = next((n for n in self._resolve(field) if n.get("type") in _EXAMPLES), None)
        if node is None:
            return ""
        needed = [
            f"{name} = {self._sample(node['properties'][name])}"
            for name in node.get("required", ())
        ]
        if needed:
            return f"{{ {', '.join(needed)} }}"
        if isinstance(node.get("items"), Mapping):
            return f"[{self._sample(node['items']) or '...'}]"
        return _EXAMPLES[node["type"]]

    def _fields(self, path: KeyPath) -> Iterator[Schema]:
        nodes = self._nodes(path[:-1]) if path else []
        return (n["properties"][path[-1]] for n in nodes if self._has(n, path[-1]))

    @staticmethod
    def _has(node: Schema, key: object) -> bool:
        return key in node.get("properties", ())

    def _nodes(self, path: KeyPath) -> list[Schema]:
        nodes = self._resolve(self._root)
        for part in path:
            nodes = [found for node in nodes for found in self._step(node, part)]
        return nodes

    def _step(self, node: Schema, part: str | int) -> list[Schema]:
        if isinstance(part, int):
            prefix = node.get("prefixItems", ())
            inner = prefix[part] if part < len(prefix) else node.get("items")
        else:
            inner = node.get("properties", {}).get(part, node.get("additionalProperties"))
        return self._resolve(inner) if isinstance(inner, Mapping) else []

    def _resolve(self, node: Schema) -> list[Schema]:
        if "$ref" in node:
            name = str(node["$ref"]).rsplit("/", 1)[-1]
            return self._resolve(self._root["$defs"][name])
        choices = [*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())]
        return [n for choice in choices for n in self._resolve(choice)] if choices else [node]


_BOUNDS: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {"gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le}
)


_OWN_BOUNDS: Mapping[str, str] = MappingProxyType(
    {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}
)


def _bounds_of(field: Schema) -> Mapping[str, Any]:
    """Return the bounds in a field's JSON schema by pydantic's names."""
    return {name: field[own] for name, own in _OWN_BOUNDS.items() if own in field}


def _fits(value: object, bounds: Mapping[str, Any]) -> bool:
    """Tell whether a value, if it is a number, is within the bounds that pydantic names."""
    known = [(is_within, bounds[name]) for name, is_within in _BOUNDS.items() if name in bounds]
    is_number = isinstance(value, int | float)
    return not is_number or all(is_within(value, bound) for is_within, bound in known)


_EXAMPLES = {
    "string": '"..."',
    "integer": "1",
    "number": "1.0",
    "boolean": "true",
    "array": "[...]",
    "object": "{...}",
}


M = TypeVar("M", bound=BaseModel)


def validate(
    model: type[M], data: Mapping[str, Any], schema: ModelSchema | None = None
) -> tuple[M | None, list[Mistake]]:
    """Read data into the model; return it, or None and every mistake.

    Types are strict, as in JSON: text is no number and 1 is no `true`, but a list may become a
    tuple and a text an enum. `schema` saves work where one model is used repeatedly.
    """
    value, mistakes = read_rest(model, data, schema)
    return (None if mistakes else value), mistakes


def read_rest(
    model: type[M], data: Mapping[str, Any], schema: ModelSchema | None = None
) -> tuple[M | None, list[Mistake]]:
    """Read data into the model without the values that are wrong; None if one is required."""
    schema = schema or ModelSchema(model)
    found = {mistake.path: mistake for mistake in _dates_for_texts(data, schema)}
    removed = {path for path in map(_removable, found) if path}
    rest: Any = _without(data, removed) if removed else data
    # A wrong type hides the mistakes that __post_init__ finds, and that raises at its first one:
    # leave out what was found and validate again.
    while True:
        try:
            value = model.model_validate_json(_as_json(rest), strict=True)
        except ValidationError as error:
            mistakes = _translate(error, schema, rest)
        except Exception as error:  # a model's own code may raise anything
            mistakes = [Mistake((), f"cannot be read: {type(error).__name__}: {error}")]
        else:
            return value, list(found.values())
        fresh = {m.path: m for m in mistakes if m.path not in found and m.path not in removed}
        if not fresh:
            return None, list(found.values())
        found |= fresh
        wrong = {path for path in map(_removable, fresh) if path} - removed
        removed |= wrong
        rest = _without(rest, wrong)


def _removable(path: KeyPath) -> KeyPath:
    """Return the part of a path up to its first list: single elements cannot be left out."""
    numbers = [index for index, part in enumerate(path) if isinstance(part, int)]
    return path[: numbers[0]] if numbers else path


def _dates_for_texts(data: Any, schema: ModelSchema, path: KeyPath = ()) -> Iterator[Mistake]:
    """Yield a mistake for each date or time where a text is wanted: in JSON both are texts."""
    if isinstance(data, (date, time)):
        if schema.is_text(path):
            yield Mistake(path, _TEXT, data, as_toml(data.isoformat()))
    elif isinstance(data, (dict, list)):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            if isinstance(value, (date, time, dict, list)):
                yield from _dates_for_texts(value, schema, (*path, key))


def _as_json(data: Any) -> str:
    return json.dumps(data, default=_date_as_text)


def _date_as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, (date, time)) else str(value)


def _without(data: Mapping[str, Any], paths: Iterable[KeyPath]) -> dict[str, Any]:
    """Return a copy of nested tables without the values at the paths."""
    copy, inner = dict(data), defaultdict[str, list[KeyPath]](list)
    for head, *tail in paths:
        inner[str(head)].append(tuple(tail))
    for key, rests in inner.items():
        value = copy.pop(key, None)
        if all(rests) and isinstance(value, Mapping):
            copy[key] = _without(value, rests)
    return copy


def _translate(error: ValidationError, schema: ModelSchema, data: Any) -> list[Mistake]:
    mistakes: dict[KeyPath, Mistake] = {}
    for detail in error.errors(include_url=False):
        if _is_emptied(detail):
            continue
        path = tuple(_real_path(detail["loc"], data, keeps_last=detail["type"] == "missing"))
        mistake = _mistake(path, detail, schema, data)
        earlier = mistakes.get(mistake.path)
        # Each member of a union complains about the same value.
        if earlier is not None and earlier.message != mistake.message:
            both = f"{earlier.message} or {mistake.message.removeprefix('must be ')}"
            mistake = Mistake(path, both, mistake.got, earlier.hint or mistake.hint)
        mistakes[mistake.path] = mistake
    return list(mistakes.values())


def _is_emptied(detail: Any) -> bool:
    """Tell whether a list is too short only because its wrong items, told already, do not count."""
    is_list = detail["type"] == "too_short" and isinstance(detail["input"], Sequence)
    return is_list and len(detail["input"]) > detail["ctx"]["actual_length"]


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
        name = str(path[-1])  # which another kind of table may have, where there are several
        hint, sure = did_you_mean(name, [key for key in schema.keys(path[:-1]) if key != name])
        return Mistake(path, "is not a known key", hint=hint, at="key", replacement=sure)
    if kind in ("enum", "literal_error"):
        return _choice(path, str(context["expected"]), got)
    if kind in ("value_error", "assertion_error"):
        return _blame(path, str(context.get("error", detail["msg"])), got)
    sentence = _SENTENCES.get(kind)
    if sentence is None:
        return Mistake(path, _lower_first(detail["msg"]), got, schema.example(path))
    message = sentence(context) if callable(sentence) else sentence
    example = schema.example(path, context)
    if message == _LIST and isinstance(got, Mapping) and " = [{" in example:
        example = f"[[{path[-1]}]], not [{path[-1]}]"  # a list of tables
    return Mistake(path, message, got, _unquoted(got, kind) or example)


def _choice(path: KeyPath, expected: str, got: Any) -> Mistake:
    names = re.findall(r"'((?:[^'\\]|\\.)*)'", expected) or [expected]
    close, sure = similar_names(str(got), names)
    hint = " or ".join(close).replace('"', "")
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
    expected = pattern.get(kind.split("_")[0])
    return f"{got} without quotes" if expected and re.fullmatch(expected, got.strip()) else ""


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def members(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the annotation alone."""
    if get_origin(annotation) in (Union, types.UnionType):
        return get_args(annotation)
    return (annotation,)


def bare(annotation: Any) -> Any:
    """Return the annotation without its markers."""
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def item_types(annotation: Any, value: Any) -> tuple[Any, ...]:
    """Return the type of each item of a list or tuple that holds `value`."""
    kinds = get_args(annotation)
    if get_origin(annotation) is list or kinds[-1:] == (Ellipsis,):
        return kinds[:1] * len(value)
    return kinds


def normalised(annotation: Any, raw: Any) -> Any:
    """Return raw data with allowed spellings replaced by the strict ones.

    Enums by value or name in any case, "none" for an optional that is no text, presets of a
    frozen dataclass by name (`"patient"`, or a table with `preset = "patient"` and overrides).
    """
    kinds = members(bare(annotation))
    if raw == "none" and types.NoneType in kinds and not _takes_text(kinds):
        return None
    for member in map(bare, kinds):
        if isinstance(member, type) and issubclass(member, Enum) and isinstance(raw, str):
            return _enum_value(member, raw)
        if dataclasses.is_dataclass(member):
            return _table(member, raw)
        if get_origin(member) in (list, tuple) and isinstance(raw, list):
            known = [normalised(k, v) for k, v in zip(item_types(member, raw), raw, strict=False)]
            return known + raw[len(known) :]
    return raw


def _takes_text(kinds: tuple[Any, ...]) -> bool:
    return any(k is str or get_origin(k) is Literal for k in map(bare, kinds))


def _enum_value(kind: type[Enum], raw: str) -> Any:
    member = meant_by(kind, raw)
    return raw if member is NOTHING else member.value


def choices(kind: Any) -> dict[str, Any]:
    """Return what a word may stand for: members of an enum or Literal, presets of a dataclass."""
    if get_origin(kind) is Literal:
        return {str(value): value for value in get_args(kind)}
    return {str(m.value): m for m in kind} if issubclass(kind, Enum) else presets(kind)


def meant_by(kind: Any, word: str) -> Any:
    """Return the member of an enum or the preset of a dataclass that a word names, or NOTHING."""
    folded = _folded(word)
    known = choices(kind)
    if issubclass(kind, Enum):
        known = {member.name: member for member in kind} | known
    return next((value for name, value in known.items() if _folded(name) == folded), NOTHING)


def _folded(word: str) -> str:
    return word.strip().casefold().replace("-", "_").replace(" ", "_")


def presets(kind: Any) -> dict[str, Any]:
    """Return the ready-made values that a dataclass offers as attributes, by lower-case name."""
    return {n.casefold(): v for n, v in vars(kind).items() if isinstance(v, kind)}


def preset_mistake(annotation: Any, raw: Any) -> Mistake | None:
    """Return what is wrong with the name of a preset, None if none is named or it is known."""
    for kind in map(bare, members(bare(annotation))):
        if not dataclasses.is_dataclass(kind) or "preset" in getattr(kind, "__annotations__", ()):
            continue
        ready = presets(kind)
        in_table = isinstance(raw, Mapping) and "preset" in raw
        name = raw["preset"] if in_table else raw
        if ready and (in_table or isinstance(raw, str)) and _folded(str(name)) not in ready:
            path: KeyPath = ("preset",) if in_table else ()
            rule = one_of(list(ready)) + ("" if in_table else ", or a table of its fields")
            return replace(unknown_name(path, rule, str(name), ready), got=name)
    return None


def _table(kind: Any, raw: Any) -> Any:
    ready = presets(kind)
    if isinstance(raw, str) and _folded(raw) in ready:
        return as_data(ready[_folded(raw)])
    if not isinstance(raw, Mapping):
        return raw
    hints = _table_hints(kind)
    table = {k: normalised(hints[k], v) if k in hints else v for k, v in raw.items()}
    preset = table.get("preset")
    if "preset" in hints or not isinstance(preset, str) or _folded(preset) not in ready:
        return table
    del table["preset"]
    return {**as_data(ready[_folded(preset)]), **table}


@lru_cache(maxsize=256)  # pure, and called for each object of a level: 40 % of reading it
def _table_hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def is_table(value: Any) -> bool:
    """Return whether a value is a table with typed fields of its own, as a policy is."""
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def as_data(value: Any) -> Any:
    """Return a value as data that a file could hold: dataclasses as tables, enums as values."""
    if is_table(value):
        value = dataclasses.asdict(value)
    if isinstance(value, dict):
        return {key: as_data(inner) for key, inner in value.items()}
    return value.value if isinstance(value, Enum) else value
