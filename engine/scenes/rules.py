"""The rules between the tables of a scene file, its JSON schema, and prefabs and profiles alone.

`scene_problems` checks names, parents, references, handlers and assets. `scene_schema` is for text
editors: completion and red underlines, in draft 7, which they understand. `read_part` reads a
prefab or a profile without a level: what may be missing there, and what it refers to, is not
checked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from engine.objects.assets import AssetFolder
from engine.objects.objects import Component
from engine.objects.registry import (
    Asset,
    ComponentRegistry,
    FieldSpec,
    Marker,
    ObjectRef,
    marked,
    resolved,
)
from engine.scenes.document import (
    ComponentEntry,
    ObjectEntry,
    ObjectSettings,
    SceneCheck,
    SceneDocument,
    SceneSettings,
    checked,
    read_part_document,
)
from engine.toml.diagnostics import NOTHING, Mistake, as_toml, did_you_mean, presets, similar_names
from engine.toml.positions import KeyPath
from engine.toml.reader import Problem, TomlFileError, TomlSource

__all__ = ["HandlerName", "is_part", "profile_of", "read_part", "scene_problems", "scene_schema"]


def scene_problems(document: SceneDocument) -> Iterator[Problem]:
    """Yield every mistake that concerns more than one table."""
    rules = _Rules(document)
    yield from rules.names()
    yield from rules.parents()
    for entry in document.objects:
        for component in entry.components.values():
            yield from rules.component(entry, component)


@dataclass(frozen=True)
class HandlerName:
    """A method as a file names it: `Component.method`, or `Object:Component.method`."""

    object: str | None
    component: str
    method: str

    @classmethod
    def parse(cls, text: str) -> HandlerName | None:
        """Return the parts of a name, or None if it is none."""
        owner, colon, rest = text.rpartition(":")
        component, dot, method = rest.partition(".")
        if not (dot and component and method) or (colon and not owner):
            return None
        return cls(owner.strip() if colon else None, component.strip(), method.strip())


_MOST_HINTS = 50  # each is a look at the names of all objects


class _Rules:
    def __init__(self, document: SceneDocument) -> None:
        self.document = document
        self.by_name: dict[str, ObjectEntry] = {}
        self._hints = _MOST_HINTS
        for entry in document.objects:
            if entry.name:
                self.by_name.setdefault(entry.name, entry)

    @property
    def _registry(self) -> ComponentRegistry:
        return self.document.registry

    def names(self) -> Iterator[Problem]:
        """Yield each object with the name of an earlier one."""
        for entry in self.document.objects:
            first = self.by_name.get(entry.name, entry)
            if first is not entry:
                place = self.document.position(first.index, None, "name")
                mistake = Mistake(
                    ("name",),
                    f"is the name of another object at {place}",
                    entry.name,
                    as_toml(f"{entry.name} 2"),
                )
                yield entry.layered.problem(mistake)

    def parents(self) -> Iterator[Problem]:
        """Yield each parent that does not exist, and circles of parents."""
        if self.document.is_part:
            return
        circles = self._circles()
        for entry in self.document.objects:
            parent = _parent(entry)
            if parent and parent not in self.by_name:
                yield entry.layered.problem(self._no_object(("parent",), parent))
            elif parent and entry.name in circles:
                mistake = Mistake(("parent",), "goes in a circle", parent, "another parent")
                yield entry.layered.problem(mistake)

    def _circles(self) -> set[str]:
        """Return the names of objects that are above themselves, each object looked at once."""
        circles: set[str] = set()
        done: set[str] = set()
        for name in self.by_name:
            way: dict[str, int] = {}
            while name in self.by_name and name not in done and name not in way:
                way[name] = len(way)
                name = _parent(self.by_name[name])
            circles.update(list(way)[way.get(name, len(way)) :])
            done.update(way)
        return circles

    def component(self, entry: ObjectEntry, component: ComponentEntry) -> Iterator[Problem]:
        """Yield the wrong references of a component, else what its constructor raises."""
        specs = self.document.registry.fields(component.name)
        mistakes = list(self._texts(entry, component, specs))
        is_whole = all(not s.required or name in component.raw for name, s in specs.items())
        if not mistakes and component.values is not None and is_whole:
            mistakes = list(self._construction(component, specs))
        yield from map(entry.layered.problem, mistakes)

    def _texts(
        self, entry: ObjectEntry, component: ComponentEntry, specs: Mapping[str, FieldSpec]
    ) -> Iterator[Mistake]:
        known = {name: value for name, value in component.raw.items() if name in specs}
        for name, value in known.items():
            for path, marker, text in marked(specs[name].annotation, value):
                mistake = self._text((component.name, name, *path), marker, text, entry)
                if mistake is not None:
                    yield mistake

    def _text(self, path: KeyPath, marker: Marker, text: str, entry: ObjectEntry) -> Mistake | None:
        if isinstance(marker, Asset):
            assets = self.document.assets
            also = None if marker.also is None else marker.also()
            return assets.mistake(text, path, marker.suffixes, also) if text else None
        if isinstance(marker, ObjectRef):
            return self._reference(path, marker, text)
        return self._handler(path, text, entry)

    def _reference(self, path: KeyPath, marker: ObjectRef, text: str) -> Mistake | None:
        target = self.by_name.get(text)
        if self.document.is_part:
            return None
        if target is None:
            return self._no_object(path, text)
        kind = marker.component
        if kind is None or self._has(target, kind):
            return None
        hint, _ = self._hint(text, (n for n, e in self.by_name.items() if self._has(e, kind)))
        return Mistake(path, f"object {as_toml(text)} has no {kind.__name__}", NOTHING, hint)

    def _has(self, entry: ObjectEntry, kind: type[Component]) -> bool:
        return any(issubclass(self._registry.get(name), kind) for name in entry.components)

    def _no_object(self, path: KeyPath, text: str) -> Mistake:
        hint, sure = self._hint(text, self.by_name)
        replacement = None if sure is None else as_toml(sure)
        message = "there is no object of that name"
        return Mistake(path, message, text, hint, replacement=replacement)

    def _hint(self, text: str, names: Iterable[str]) -> tuple[str, str | None]:
        """Return which name was meant; nothing any more after very many."""
        self._hints -= 1
        return did_you_mean(text, names) if self._hints >= 0 else ("", None)

    def _handler(self, path: KeyPath, text: str, entry: ObjectEntry) -> Mistake | None:
        name = HandlerName.parse(text)
        if name is None:
            hint = '"Component.method" or "Object:Component.method"'
            return Mistake(path, "must name a method", text, hint)
        target = entry if name.object is None else self.by_name.get(name.object)
        if self.document.is_part:
            return self._method(path, text, name) if name.component in self._registry else None
        if target is None:
            hint, _ = self._hint(name.object or "", self.by_name)
            return Mistake(path, f"there is no object {as_toml(name.object)}", text, hint)
        if name.component not in target.components:
            hint, _ = did_you_mean(name.component, target.components)
            message = f"object {as_toml(target.name)} has no component {name.component}"
            return Mistake(path, message, text, hint)
        return self._method(path, text, name)

    def _method(self, path: KeyPath, text: str, name: HandlerName) -> Mistake | None:
        methods = _methods(self._registry.get(name.component))
        if name.method in methods:
            return None
        hint, sure = did_you_mean(name.method, methods)
        fixed = None if sure is None else as_toml(text[: -len(name.method)] + sure)
        message = f"{name.component} has no method {name.method}"
        return Mistake(path, message, text, hint, replacement=fixed)

    def _construction(
        self, component: ComponentEntry, specs: Mapping[str, FieldSpec]
    ) -> Iterator[Mistake]:
        """Yield what the component's constructor raises.

        Its rules are in `__post_init__`, so that they hold for a component made in code too; a
        second hook for files would have to repeat them. A constructor only takes its values
        (see Component), so an instance that is thrown away has no effect.
        """
        assert component.values is not None
        values = component.values.items()
        arguments = {k: resolved(specs[k].annotation, v, lambda m, t: None) for k, v in values}
        try:
            self.document.registry.get(component.name)(**arguments)
        except ValueError as error:
            yield _complaint(component, str(error))
        except Exception as error:  # a constructor may raise anything
            yield _complaint(component, f"cannot be made: {type(error).__name__}: {error}")


def _parent(entry: ObjectEntry) -> str:
    """Return the parent in the file, even if other settings have mistakes."""
    parent = entry.layered.data.get("parent")
    return parent if isinstance(parent, str) else ""


def _complaint(component: ComponentEntry, sentence: str) -> Mistake:
    words = sentence.replace("'", " ").replace(":", " ").split()
    named = next((word for word in words if word in component.raw), None)
    path: KeyPath = (component.name,) if named is None else (component.name, named)
    if named is not None:
        sentence = sentence.removeprefix(named).strip()
    return Mistake(path, sentence.rstrip("."))


def _methods(kind: type[Any]) -> list[str]:
    own = [n for n in dir(kind) if not n.startswith("_") and callable(getattr(kind, n, None))]
    hooks = set(dir(Component))
    return [name for name in own if name not in hooks]


Schema = dict[str, Any]

_BASE_FILE = {"type": "string", "pattern": "\\.toml$"}
_PROFILE = {
    **_BASE_FILE,
    "description": "A file below assets whose keys count where this table says nothing.",
}
_PREFAB = {
    **_BASE_FILE,
    "description": "A file below assets with an object table that this one is laid over.",
}


def scene_schema(registry: ComponentRegistry) -> Schema:
    """Return the JSON schema (draft 7) of a scene file with the registered components."""
    models: list[type[BaseModel]] = [SceneSettings, ObjectSettings]
    models += [registry.model(name) for name in registry.names()]
    refs, made = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/definitions/{model}"
    )
    definitions: Schema = _as_draft_7(made["$defs"])
    scene, thing, *parts = (refs[model, "validation"] for model in models)
    components = dict(zip(registry.names(), parts, strict=True))
    required = {
        name: _open(definitions, _target(ref), registry.fields(name))
        for name, ref in components.items()
    }
    _add_components(definitions[_target(thing)], components, required)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Scene",
        "description": "A level: one [scene] table and any number of [[object]] tables.",
        "type": "object",
        "properties": {
            "scene": scene,
            "object": {"type": "array", "items": thing},
        },
        "required": ["scene"],
        "additionalProperties": False,
        "definitions": definitions,
    }


def _target(ref: Schema) -> str:
    """Return the name of the definition that a reference points to, or ""."""
    inner = ref.get("allOf", [ref])[0]
    return str(inner.get("$ref", "")).rsplit("/", 1)[-1]


def _open(definitions: Schema, target: str, specs: Mapping[str, FieldSpec]) -> list[str]:
    """Allow `profile` and presets in a component's table; return its required keys."""
    schema = definitions[target]
    if "profile" not in specs:
        schema["properties"]["profile"] = _PROFILE
    for spec in specs.values():
        names = sorted({name for kind in _dataclasses(spec.annotation) for name in presets(kind)})
        if names:
            table = schema["properties"][spec.name]
            definitions[_target(table)]["properties"]["preset"] = {"enum": names}
            table.pop("default", None)
            schema["properties"][spec.name] = {"anyOf": [{"enum": names}, table]}
    needed: list[str] = schema.pop("required", [])
    return needed


def _add_components(
    schema: Schema, components: Mapping[str, Schema], required: Mapping[str, list[str]]
) -> None:
    """Add the components to an object's schema; required keys may come from a prefab."""
    schema["properties"] |= {**components, "prefab": _PREFAB}
    must = {
        name: {"if": {"not": {"required": ["profile"]}}, "then": {"required": keys}}
        for name, keys in required.items()
        if keys
    }
    schema["if"] = {"not": {"required": ["prefab"]}}
    schema["then"] = {"properties": must}


def _dataclasses(annotation: Any) -> Iterable[Any]:
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        return [annotation]
    if get_origin(annotation) is None:
        return []
    return [kind for inner in get_args(annotation) for kind in _dataclasses(inner)]


def _as_draft_7(node: Any) -> Any:
    """Return pydantic's newer draft as draft 7, with "none" for null."""
    if isinstance(node, list):
        return [_as_draft_7(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") == "null":
        return {"const": "none"}
    new = {key: _as_draft_7(value) for key, value in node.items()}
    if "prefixItems" in new:
        new["items"] = new.pop("prefixItems")
        new["additionalItems"] = False
    if new.get("default", ...) is None:
        del new["default"]
    if "$ref" in new and len(new) > 1:
        new = {"allOf": [{"$ref": new.pop("$ref")}], **new}  # draft 7 ignores keys beside $ref
    return new


PREFAB = "prefabs"
"""The folder whose files are prefabs. A folder `characters` has profiles of `Character`."""

_LEVELS = "scenes"
_LEVEL_KEYS = ("scene", "object")


def read_part(
    source: TomlSource, registry: ComponentRegistry, checks: Iterable[SceneCheck] = ()
) -> SceneDocument:
    """Read a prefab or a profile. Raises TomlFileError with every problem."""
    assets = AssetFolder.of(Path(source.file))
    component = profile_of(source, registry)
    document, problems = read_part_document(source, registry, assets, component)
    problems += scene_problems(document)
    problems += checked(document, checks)
    if problems:
        raise TomlFileError(problems)
    return document


def is_part(source: TomlSource, registry: ComponentRegistry) -> bool:
    """Return, by its folder or else by its keys, whether a file is a prefab or a profile."""
    folder = Path(source.file).absolute().parent.name
    if folder == _LEVELS or any(_resembles(key, _LEVEL_KEYS) for key in source.data):
        return False
    if folder == PREFAB or _profile_folder(folder, registry) is not None:
        return True
    return _is_prefab(source, registry) or _best_fit(source, registry) is not None


def profile_of(source: TomlSource, registry: ComponentRegistry) -> str | None:
    """Return the component of which a file is a profile, None for a prefab."""
    folder = Path(source.file).absolute().parent.name
    if folder == PREFAB or _is_prefab(source, registry):
        return None
    return _profile_folder(folder, registry) or _best_fit(source, registry)


def _is_prefab(source: TomlSource, registry: ComponentRegistry) -> bool:
    tables = [key for key, value in source.data.items() if isinstance(value, dict)]
    return "prefab" in source.data or any(_resembles(key, registry) for key in tables)


def _profile_folder(folder: str, registry: ComponentRegistry) -> str | None:
    name = folder.removesuffix("s").replace("_", "").casefold()
    return next((known for known in registry if known.casefold() == name), None)


def _best_fit(source: TomlSource, registry: ComponentRegistry) -> str | None:
    """Return the component that has most of the file's keys, if it has at least half of them."""
    fits = {name: sum(key in registry.fields(name) for key in source.data) for name in registry}
    best = max(fits, key=lambda name: (fits[name], -len(registry.fields(name))), default=None)
    is_half = best is not None and 0 < len(source.data) <= fits[best] * 2
    return best if is_half else None


def _resembles(key: str, known: Iterable[str]) -> bool:
    names = tuple(known)
    return key in names or bool(similar_names(key, names, 0.7)[0])
