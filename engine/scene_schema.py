"""The JSON schema of scene files, for editors: completion and red underlines while typing.

Draft 7, which the TOML editors understand. It says what the loader says of one table; what
concerns several tables, files and methods is the linter's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from engine.fields import FieldSpec
from engine.registry import ComponentRegistry
from engine.scene_document import ObjectSettings, SceneSettings
from engine.spellings import presets

__all__ = ["scene_schema"]

Schema = dict[str, Any]

_BASE_FILE = {"type": "string", "pattern": "\\.toml$"}


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
    """Return the name of the definition that a reference points to, "" if it is none."""
    inner = ref.get("allOf", [ref])[0]
    return str(inner.get("$ref", "")).rsplit("/", 1)[-1]


def _open(definitions: Schema, target: str, specs: Mapping[str, FieldSpec]) -> list[str]:
    """Let a component's table say `profile`; return the keys that it must have without one."""
    schema = definitions[target]
    if "profile" not in specs:
        schema["properties"]["profile"] = {
            **_BASE_FILE,
            "description": "A file below assets whose keys count where this table says nothing.",
        }
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
    """Add the components to the schema of an object; what they must have, a prefab may give."""
    schema["properties"].update(components)
    schema["properties"]["prefab"] = {
        **_BASE_FILE,
        "description": "A file below assets with an object table that this one is laid over.",
    }
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
    """Return pydantic's newer draft in the words of draft 7, and "none" for null."""
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
        new = {"allOf": [{"$ref": new.pop("$ref")}], **new}  # draft 7 hears nothing beside $ref
    return new
