"""ComponentRegistry: the component types that scene files may name, each with its model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from engine.component import Component
from engine.fields import FieldSpec, field_specs
from engine.model_schema import ModelSchema
from engine.spellings import normalised, preset_mistake
from engine.toml_mistakes import Mistake, below, read_rest, validate

__all__ = ["ComponentRegistry"]


class ComponentRegistry:
    """Names of component types for scene files; two registries know nothing of each other."""

    def __init__(self, *component_types: type[Component]) -> None:
        self._types: dict[str, type[Component]] = {}
        self._fields: dict[str, Mapping[str, FieldSpec]] = {}
        self._models: dict[str, type[BaseModel]] = {}
        self._schemas: dict[str, ModelSchema] = {}
        self.register(*component_types)

    def register(self, *component_types: type[Component]) -> None:
        """Let scene files use the types under their class names.

        Raises ValueError for a name that another type has taken, TypeError for field types
        that no file can hold.
        """
        for kind in component_types:
            name = kind.__name__
            if self._types.get(name, kind) is not kind:
                raise ValueError(f"Two component types are called {name}: rename one of them.")
            specs = field_specs(kind)
            self._types[name] = kind
            self._fields[name] = MappingProxyType({spec.name: spec for spec in specs})
            self._models[name] = _model(name, specs, kind.__doc__)
            self._schemas[name] = ModelSchema(self._models[name])

    def get(self, name: str) -> type[Component]:
        """Return the component type of a name. Raises KeyError."""
        return self._types[name]

    def names(self) -> tuple[str, ...]:
        """Return all names in alphabetical order."""
        return tuple(sorted(self._types))

    def readable(self, name: str, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of a component's table that have no mistakes."""
        specs = self._fields[name]
        data = {
            key: normalised(specs[key].annotation, value)
            for key, value in raw.items()
            if key in specs and preset_mistake(specs[key].annotation, value) is None
        }
        model, _ = read_rest(self._part(name), data, self._schemas[name])
        if model is None:
            return {}
        names = {_attribute(key): key for key in data}
        return {names[a]: getattr(model, a) for a in model.model_fields_set}

    def _part(self, name: str) -> type[BaseModel]:
        specs = [replace(spec, required=False) for spec in self._fields[name].values()]
        return _model(name, tuple(specs), None)

    def __contains__(self, name: object) -> bool:
        return name in self._types

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def fields(self, name: str) -> Mapping[str, FieldSpec]:
        """Return the fields of a component by name."""
        return self._fields[name]

    def model(self, name: str) -> type[BaseModel]:
        """Return the pydantic model of a component's table."""
        return self._models[name]

    def read(
        self, name: str, raw: Mapping[str, Any], *, is_part: bool = False
    ) -> tuple[dict[str, Any] | None, list[Mistake]]:
        """Read a component's table: the values of the keys it gives, or None and all mistakes.

        No key has to be there in a part of a table, as a prefab or a profile has it.
        """
        specs = self._fields[name]
        data: dict[str, Any] = {}
        unknown_presets: list[Mistake] = []
        for key, value in raw.items():
            mistake = preset_mistake(specs[key].annotation, value) if key in specs else None
            if mistake is not None:
                unknown_presets.append(below((key,), mistake))
            else:
                data[key] = normalised(specs[key].annotation, value) if key in specs else value
        kind = self._part(name) if is_part else self._models[name]
        model, mistakes = validate(kind, data, self._schemas[name])
        if model is None or unknown_presets:
            found = {m.path[0] for m in unknown_presets}
            return None, [*unknown_presets, *(m for m in mistakes if m.path[0] not in found)]
        names = {_attribute(key): key for key in data}
        return {names[a]: getattr(model, a) for a in model.model_fields_set}, []


def _model(name: str, specs: tuple[FieldSpec, ...], doc: str | None) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for spec in specs:
        default = ... if spec.required else spec.default
        attribute = _attribute(spec.name)
        alias = spec.name if attribute != spec.name else None
        fields[attribute] = (spec.file_annotation, Field(default, alias=alias))
    config = ConfigDict(
        extra="forbid", protected_namespaces=(), arbitrary_types_allowed=True, allow_inf_nan=False
    )
    return create_model(name, __config__=config, __doc__=doc, **fields)


def _attribute(field: str) -> str:
    """Return the name of a field inside the model: pydantic keeps some for itself."""
    return f"field_{field}" if hasattr(BaseModel, field) else field
