"""The fields that a scene file may set on a component: read off its own typed definition.

Markers say what a text in a file stands for; a component's author writes them once, beside the
type, and the loader, the linter and the JSON schema all follow:

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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from engine.annotations import bare, item_types, members
from engine.component import Component
from engine.game_object import GameObject
from engine.toml_positions import KeyPath

__all__ = [
    "Asset",
    "FieldSpec",
    "Handler",
    "Marker",
    "ObjectRef",
    "field_specs",
    "marked",
    "resolved",
]


@dataclass(frozen=True)
class Asset:
    """Marks a text that names a file below the assets folder; "" stands for none."""

    suffixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Handler:
    """Marks a callable that a file names as `Component.method` or `Object:Component.method`."""


@dataclass(frozen=True)
class ObjectRef:
    """Marks a text that names an object of the same level, or a component on it."""

    component: type[Component] | None = None


Marker = Asset | Handler | ObjectRef


@dataclass(frozen=True)
class FieldSpec:
    """One field: what the author wrote, and what of it a file can hold."""

    name: str
    annotation: Any
    """As in the component."""
    file_annotation: Any
    """The same with references and callables replaced by texts."""
    required: bool
    default: Any


def field_specs(component: type[Component]) -> tuple[FieldSpec, ...]:
    """Return the fields of a component type: of its dataclass, or of its own `__init__`."""
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
        raise TypeError(
            f"{component.__name__} cannot be used in scene files: its field types name "
            f"{error.name!r}, which its module does not import at run time."
        ) from error


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
    """Return what the annotation says of its text, spoken or by its type."""
    if get_origin(annotation) is Annotated:
        found = [m for m in get_args(annotation)[1:] if isinstance(m, Marker)]
        return found[0] if found else _marker(bare(annotation))
    if annotation is GameObject:
        return ObjectRef()
    if isinstance(annotation, type) and issubclass(annotation, Component):
        return ObjectRef(annotation)
    return None


def marked(
    annotation: Any, value: Any, path: KeyPath = ()
) -> Iterator[tuple[KeyPath, Marker, Any]]:
    """Yield each marked text in a value, with its path inside the value."""
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
    """Return the value with every reference and handler replaced by what it names."""
    marker = _marker(annotation)
    if marker is not None:
        return value if isinstance(marker, Asset) or value is None else resolve(marker, value)
    inner = bare(annotation)
    if get_origin(inner) in (list, tuple) and isinstance(value, (list, tuple)):
        kinds = item_types(inner, value)
        items = [resolved(k, v, resolve) for k, v in zip(kinds, value, strict=True)]
        return type(value)(items)
    if value is None:
        return None
    for member in members(inner):
        if member is not inner and _marker(member) is not None:
            return resolved(member, value, resolve)
    return value
