"""The fields of objects that were made in code: seen and changed where they live."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

from engine.component import Component
from engine.game_object import GameObject
from engine.inspection import (
    FieldRow,
    choices_of,
    complaint,
    is_table,
    nested_rows,
    value_text,
)
from engine.registry import ComponentRegistry
from engine.scene_document import ObjectSettings
from engine.toml_file import field_name
from engine.toml_mistakes import NOTHING, Mistake, validate
from engine.toml_words import as_toml

__all__ = ["CODE", "LiveFields"]

CODE = "code"
"""The origin of every value that no file holds."""

_OWN = ("name", "position", "tag", "layer", "active")

TakeBack = Callable[[], object]


class LiveFields:
    """Looks at fields and sets them; what it has learnt of a component type it keeps."""

    def __init__(self) -> None:
        self._kinds: dict[type[Component], ComponentRegistry | None] = {}

    def rows(self, owner: GameObject) -> tuple[FieldRow, ...]:
        """Return every field of the object that a scene file could hold, as it is now."""
        rows = [_own_row(owner, name) for name in _OWN]
        rows += (row for part in self._parts(owner) for row in self._part_rows(part))
        return tuple(dataclasses.replace(row, origin=CODE) for row in rows)

    def set(self, owner: GameObject, path: str, value: Any) -> TakeBack:
        """Set a field to TOML data if its type agrees; return what takes it back.

        Raises ValueError with what is wrong.
        """
        component, _, field = path.partition(".")
        if not field:
            return _set_own(owner, path, value)
        part = next(p for p in self._parts(owner) if type(p).__name__ == component)
        field, _, inner = field.partition(".")
        before = getattr(part, field)
        wanted = _with(_plain(before), inner.split("."), value) if inner else value
        _assign(part, field, self._checked(part, field, wanted))
        return lambda: _assign(part, field, before)

    def _parts(self, owner: GameObject) -> Iterator[Component]:
        return (part for part in owner.components if self._registry(type(part)) is not None)

    def _registry(self, kind: type[Component]) -> ComponentRegistry | None:
        """Return a registry of that type alone; None if no file could hold its fields."""
        if kind not in self._kinds:
            try:
                self._kinds[kind] = ComponentRegistry(kind)
            except TypeError:
                self._kinds[kind] = None
        return self._kinds[kind]

    def _part_rows(self, part: Component) -> Iterator[FieldRow]:
        registry, name = self._registry(type(part)), type(part).__name__
        assert registry is not None  # see _parts
        for spec in registry.fields(name).values():
            path, value = f"{name}.{spec.name}", getattr(part, spec.name)
            if spec.annotation != spec.file_annotation:
                yield FieldRow(path, _called(value), spec.annotation, is_fixed=True)
            elif is_table(value):
                yield from nested_rows(path, value)
            else:
                yield _row(path, spec.annotation, value)

    def _checked(self, part: Component, field: str, value: Any) -> Any:
        registry, name = self._registry(type(part)), type(part).__name__
        assert registry is not None  # see _parts
        specs = registry.fields(name)
        needed = {n: _plain(getattr(part, n)) for n, spec in specs.items() if spec.required}
        values, mistakes = registry.read(name, {**needed, field: value})
        if values is None:
            raise ValueError(_sentence(mistakes[0]))
        # Its own `__post_init__` may have rules that no type says.
        type(part)(**{n: getattr(part, n) for n in specs} | {field: values[field]})
        return values[field]


def _with(data: Mapping[str, Any], keys: Sequence[str], value: Any) -> dict[str, Any]:
    """Return a table with the value that the keys lead to replaced."""
    head, *rest = keys
    return {**data, head: _with(data[head], rest, value) if rest else value}


def _own_row(owner: GameObject, name: str) -> FieldRow:
    annotation = ObjectSettings.model_fields[name].annotation
    return _row(name, annotation, _own(owner)[name])


def _own(owner: GameObject) -> Mapping[str, Any]:
    return {
        "name": owner.name,
        "position": owner.transform.local_position,
        "tag": owner.tag,
        "layer": owner.layer,
        "active": owner.active_self,
    }


def _set_own(owner: GameObject, name: str, value: Any) -> TakeBack:
    before = _own(owner)
    settings, mistakes = validate(ObjectSettings, {"name": owner.name, name: value})
    if settings is None:
        raise ValueError(_sentence(mistakes[0]))
    _put(owner, name, getattr(settings, name))
    return lambda: _put(owner, name, before[name])


def _put(owner: GameObject, name: str, value: Any) -> None:
    if name == "position":
        owner.transform.local_position = value
    elif name == "active":
        owner.set_active(value)
    else:
        setattr(owner, name, value)


def _assign(part: Component, field: str, value: Any) -> None:
    setattr(part, field, value)
    part.scene._lifecycle.validate(part)


def _row(path: str, annotation: Any, value: Any) -> FieldRow:
    return FieldRow(path, value_text(value), annotation, choices=choices_of(annotation))


def _called(value: Any) -> str:
    """Return what something that is no plain value is called."""
    if value is None:
        return "none"
    if isinstance(value, Component):
        return value.game_object.name
    return str(getattr(value, "__qualname__", None) or getattr(value, "name", value))


def _plain(value: Any) -> Any:
    """Return a value as data that a file could hold."""
    if is_table(value):
        value = dataclasses.asdict(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return value.value if isinstance(value, Enum) else value


def _sentence(mistake: Mistake) -> str:
    got = None if mistake.got is NOTHING else as_toml(mistake.got)
    return complaint(field_name(mistake.path), mistake.message, got, mistake.hint)
