"""What of an object can be seen and edited: its fields, their values and where each is said."""

from __future__ import annotations

import dataclasses
import math
import tomllib
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, get_args, get_origin, get_type_hints

from engine.annotations import bare, members
from engine.scene_document import ComponentEntry, ObjectEntry, ObjectSettings, SceneDocument
from engine.toml_edit import literal

__all__ = [
    "DEFAULT",
    "LEVEL",
    "FieldRow",
    "choices_of",
    "complaint",
    "field_rows",
    "is_table",
    "nested_rows",
    "parsed",
    "spelled",
    "value_text",
]

LEVEL = "level"
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One value that a scene file may hold.

    `path` is as `SceneFile.set_value` takes it. `origin` says who speaks: `level`, `default`,
    or a preset, profile or prefab by its name.
    """

    path: str
    text: str
    annotation: Any
    origin: str = LEVEL
    choices: tuple[str, ...] = ()
    is_fixed: bool = False
    """Whether it can only be seen: what was set in code and no file could say."""

    @property
    def group(self) -> str:
        """The table that the field stands in; "" for the object's own."""
        return self.path.rpartition(".")[0]

    @property
    def name(self) -> str:
        """The name of the field in its table."""
        return self.path.rpartition(".")[2]


def field_rows(document: SceneDocument, entry: ObjectEntry) -> tuple[FieldRow, ...]:
    """Return every field of an object in a scene file, whether the file speaks of it or not."""
    assert entry.settings is not None  # a document that was built has no mistakes
    rows = []
    for name, info in ObjectSettings.model_fields.items():
        value = getattr(entry.settings, name)
        origin = _origin(entry, (name,), name in entry.layered.data)
        rows.append(_row(name, info.annotation, value, origin))
    for component in entry.components.values():
        rows += _component_rows(document, entry, component)
    return tuple(rows)


def _component_rows(
    document: SceneDocument, entry: ObjectEntry, component: ComponentEntry
) -> Iterator[FieldRow]:
    values = component.values or {}
    for name, spec in document.registry.fields(component.name).items():
        value, raw = values.get(name, spec.default), component.raw.get(name)
        path = f"{component.name}.{name}"
        if is_table(value):
            for row in nested_rows(path, value):
                keys = row.path.removeprefix(f"{path}.").split(".")
                yield dataclasses.replace(row, origin=_nested_origin(entry, path, raw, keys))
        else:
            origin = _origin(entry, (component.name, name), name in component.raw)
            yield _row(path, spec.file_annotation, value, origin)


def nested_rows(path: str, value: Any) -> Iterator[FieldRow]:
    """Yield the fields of a table that is a value itself, as a policy is."""
    hints = get_type_hints(type(value), include_extras=True)
    for field in dataclasses.fields(value):
        inner, below = getattr(value, field.name), f"{path}.{field.name}"
        if is_table(inner):
            yield from nested_rows(below, inner)
        else:
            yield _row(below, hints[field.name], inner, DEFAULT)


def _row(path: str, annotation: Any, value: Any, origin: str) -> FieldRow:
    return FieldRow(path, value_text(value), annotation, origin, choices_of(annotation))


def is_table(value: Any) -> bool:
    """Tell whether a value is a table with typed fields of its own, as a policy is."""
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _origin(entry: ObjectEntry, path: tuple[str, ...], is_said: bool) -> str:
    if not is_said:
        return DEFAULT
    for layer in entry.layered.layers:
        if layer.path(path) is not None:
            kind = "profile" if layer.mount else "prefab"
            is_own = layer is entry.layered.layers[0]
            return LEVEL if is_own else f"{kind} {layer.source.file.rpartition('/')[2]}"
    return DEFAULT


def _nested_origin(entry: ObjectEntry, path: str, raw: Any, keys: Sequence[str]) -> str:
    """Return who says a value inside a table; `keys` lead to it."""
    for key in keys:
        if isinstance(raw, Mapping) and key in raw:
            raw = raw[key]
            continue
        preset = raw.get("preset") if isinstance(raw, Mapping) else raw
        return f"preset {preset}" if isinstance(preset, str) else DEFAULT
    return _origin(entry, (*path.split("."), *keys), is_said=True)


def value_text(value: Any) -> str:
    """Return a value as it is shown and edited: text bare, everything else as in TOML."""
    if value is None:
        return "none"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, str):
        return value
    return literal(value)


def choices_of(annotation: Any) -> tuple[str, ...]:
    """Return the values that a field may have, where they can be counted; none for free text."""
    found: list[str] = []
    for kind in map(bare, members(bare(annotation))):
        if kind is bool:
            found += ["true", "false"]
        elif isinstance(kind, type) and issubclass(kind, Enum):
            found += [str(member.value) for member in kind]
        elif get_origin(kind) is Literal:
            found += map(str, get_args(kind))
        elif kind is types.NoneType:
            found += ["none"]
        else:
            return ()
    return tuple(found)


def parsed(annotation: Any, text: str) -> Any:
    """Return what a typed text says as TOML data; whether that is right is the model's to tell."""
    kinds = tuple(map(bare, members(bare(annotation))))
    if bool in kinds and text in ("true", "false"):
        return text == "true"
    if str in kinds or choices_of(annotation):
        return text
    try:
        said = tomllib.loads(f"value = {text}")
    except ValueError:
        return _number(text)
    return said["value"] if len(said) == 1 else text


def _number(text: str) -> Any:
    """Return what somebody in a hurry meant with `.5`, or the text itself."""
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def spelled(entry: ObjectEntry, path: str, value: Any) -> tuple[str, Any]:
    """Return path and value as the file has to say them.

    A field of a table that is there as a preset's name cannot be added to that name: the whole
    is said as `{ preset = "patient", field = value }` then.
    """
    component, *keys = path.split(".")
    said: Any = entry.components[component].raw if component in entry.components else {}
    for depth, key in enumerate(keys[:-1], 2):
        said = said.get(key) if isinstance(said, Mapping) else None
        if isinstance(said, str):
            table = ".".join(path.split(".")[:depth])
            return table, {"preset": said, **_nested(keys[depth - 1 :], value)}
    return path, value


def _nested(keys: Sequence[str], value: Any) -> dict[str, Any]:
    head, *rest = keys
    return {head: _nested(rest, value) if rest else value}


def complaint(field: str, message: str, got: str | None, hint: str | None) -> str:
    """Return what is wrong with a value in one sentence, the field by its own name alone."""
    name = field.rpartition(".")[2] or "It"
    said = f" (got {got})" if got is not None else ""
    return f"{name} {message}{said}." + (f" Try: {hint}" if hint else "")
