"""ComponentRegistry: the component types that scene files may name, and their fields.

The fields come from the component's own annotations. Markers beside a type say what a text in a
file means; the loader, the linter and the JSON schema follow them:

    class Door(Component):
        target: Annotated[str, Asset()]              # a file below the assets folder
        partner: GameObject | None = None            # another object of the level, by its name
        sound: AudioPlayer | None = None             # that component of the named object
        opened: Annotated[Callable[..., object] | None, Handler()] = None   # "Lamp:Light.toggle"
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from engine.objects.objects import Component, GameObject, check_component_type
from engine.toml.diagnostics import (
    Mistake,
    ModelSchema,
    bare,
    below,
    item_types,
    members,
    normalised,
    preset_mistake,
    read_rest,
    validate,
)
from engine.toml.positions import KeyPath

__all__ = [
    "Asset", "ComponentRegistry", "field_specs", "FieldSpec", "Handler", "marked", "Marker",
    "ObjectRef", "resolved",
]  # fmt: skip


@dataclass(frozen=True)
class Asset:
    """Marks a text that names a file below the assets folder; "" is none."""

    suffixes: tuple[str, ...] = ()
    also: Callable[[], Path] | None = None
    """Returns a second folder, in which the file is looked for after the assets folder."""


@dataclass(frozen=True)
class Handler:
    """Marks a callable that a file names as `Component.method` or `Object:Component.method`."""


@dataclass(frozen=True)
class ObjectRef:
    """Marks a text that names an object of the same level, or a component on it."""

    component: type[Component] | None = None


Marker = Asset | Handler | ObjectRef
MarkedText = tuple[KeyPath, Marker, Any]


@dataclass(frozen=True)
class FieldSpec:
    """One field of a component, as annotated and as a file holds it."""

    name: str
    annotation: Any
    file_annotation: Any
    """`annotation` with references and callables replaced by texts."""
    required: bool
    default: Any


def field_specs(component: type[Component]) -> tuple[FieldSpec, ...]:
    """Return the fields of a component type, from its dataclass or from its own `__init__`."""
    hints = _hints(component)
    return tuple(
        FieldSpec(name, hints[name], _in_file(hints[name]), required, default)
        for name, required, default in _parameters(component)
        if name in hints
    )


def _parameters(component: type[Component]) -> Iterator[tuple[str, bool, Any]]:
    if component._has_own_init or not dataclasses.is_dataclass(component):
        for name, parameter in list(inspect.signature(component).parameters.items()):
            required = parameter.default is parameter.empty
            yield name, required, None if required else parameter.default
        return
    for item in dataclasses.fields(component):
        if item.init and not item.name.startswith("_"):
            required = item.default is dataclasses.MISSING
            factory = item.default_factory
            made = None if factory is dataclasses.MISSING else factory()
            is_required = required and factory is dataclasses.MISSING
            yield item.name, is_required, made if required else item.default


def _hints(component: type[Component]) -> dict[str, Any]:
    """Return the resolved types of the public fields, those of base classes first."""
    try:
        if component._has_own_init:
            return get_type_hints(component.__init__, include_extras=True)
        hints: dict[str, Any] = {}
        for owner in reversed(component.__mro__):
            if owner is not Component:
                hints |= _public_hints(owner)
        return hints
    except NameError as error:
        why = f"its field types name {error.name!r}, which its module does not import at run time"
        raise TypeError(f"{component.__name__} cannot be used in scene files: {why}.") from error


def _public_hints(owner: type) -> dict[str, Any]:
    annotations = inspect.get_annotations(owner)
    # dataclasses keep ClassVars as pseudo-fields; typing refuses them outside of a class.
    fields = {f.name for f in dataclasses.fields(owner)} if dataclasses.is_dataclass(owner) else ()
    public = {k: v for k, v in annotations.items() if k in fields and not k.startswith("_")}
    holder = types.SimpleNamespace(__annotations__=public)
    module = vars(sys.modules[owner.__module__])
    return get_type_hints(holder, module, dict(vars(owner)), include_extras=True)


def _in_file(annotation: Any) -> Any:
    marker = _marker(annotation)
    if marker is not None:
        optional = any(m is types.NoneType for m in members(bare(annotation)))
        return Annotated[str, marker] if not optional else Annotated[str, marker] | None
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return Union[tuple(_in_file(m) for m in get_args(annotation))]  # noqa: UP007 - built at run time
    if origin in (list, tuple):
        inner = tuple(a if a is Ellipsis else _in_file(a) for a in get_args(annotation))
        return origin[inner]
    return annotation


def _marker(annotation: Any) -> Marker | None:
    """Return the marker of an annotation: written there, or implied by its type."""
    if get_origin(annotation) is Annotated:
        found = [m for m in get_args(annotation)[1:] if isinstance(m, Marker)]
        return found[0] if found else _marker(bare(annotation))
    if annotation is GameObject:
        return ObjectRef()
    if isinstance(annotation, type) and issubclass(annotation, Component):
        return ObjectRef(annotation)
    return None


def marked(annotation: Any, value: Any, path: KeyPath = ()) -> Iterator[MarkedText]:
    """Yield the path inside a value, the marker and the text of each marked text."""
    marker = _marker(annotation)
    if marker is not None:
        if isinstance(value, str):
            yield path, marker, value
        return
    inner = bare(annotation)
    for member in members(inner):
        if member is not inner:
            yield from marked(member, value, path)
    if get_origin(inner) in (list, tuple) and isinstance(value, (list, tuple)):
        for index, (item, kind) in enumerate(zip(value, item_types(inner, value), strict=False)):
            yield from marked(kind, item, (*path, index))


Resolver = Callable[[Marker, str], Any]


def resolved(annotation: Any, value: Any, resolve: Resolver) -> Any:
    """Return the value with every reference and handler replaced by what `resolve` returns."""
    marker = _marker(annotation)
    if value is None or isinstance(marker, Asset):
        return value
    if marker is not None:
        return resolve(marker, value)
    inner = bare(annotation)
    if get_origin(inner) in (list, tuple) and isinstance(value, (list, tuple)):
        items = zip(item_types(inner, value), value, strict=True)
        return type(value)(resolved(kind, item, resolve) for kind, item in items)
    by_marker = (kind for kind in members(inner) if _marker(kind) is not None)
    return next((resolved(kind, value, resolve) for kind in by_marker), value)


class ComponentRegistry:
    """Component types by their class names, each with a pydantic model of its fields."""

    def __init__(self, *component_types: type[Component]) -> None:
        self._types: dict[str, type[Component]] = {}
        self._fields: dict[str, Mapping[str, FieldSpec]] = {}
        self._models: dict[str, type[BaseModel]] = {}
        self._parts: dict[str, type[BaseModel]] = {}
        self._schemas: dict[str, ModelSchema] = {}
        self.register(*component_types)

    def register(self, *component_types: type[Component]) -> None:
        """Register types under their class names.

        Raises ValueError for a name that another type has taken, TypeError for field types
        that no file can hold.
        """
        for kind in component_types:
            check_component_type(kind)
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
        """Return the model of a component's table in which no key is required, made once."""
        if name not in self._parts:
            specs = [replace(spec, required=False) for spec in self._fields[name].values()]
            self._parts[name] = _model(name, tuple(specs), None)
        return self._parts[name]

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
        """Return the values that a component's table sets, or None, and all mistakes.

        In a part, as a prefab or a profile is, no key is required.
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
    """Return the name of a field inside the model, as pydantic reserves some."""
    return f"field_{field}" if hasattr(BaseModel, field) else field
