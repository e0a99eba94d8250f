"""ModelSchema: which keys a table of a model knows, and what would be right in it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema

from engine.toml_positions import KeyPath
from engine.toml_words import as_toml

__all__ = ["ModelSchema"]

Schema = Mapping[str, Any]


class ModelSchema:
    """Questions to a model's JSON schema: which keys does this table know, what is a default."""

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

    def example(self, path: KeyPath) -> str:
        """Return a line, or an item of a list, that would be right at the path; "" if unknown."""
        if path and isinstance(path[-1], int):
            items = (self._field(path[:-1]) or {}).get("default") or ()
            return as_toml(items[path[-1]]) if path[-1] < len(items) else ""
        field = self._field(path)
        if field is None:
            return ""
        if "default" in field and field["default"] is not None:
            return f"{path[-1]} = {as_toml(field['default'])}"
        kinds = [node.get("type") for node in self._resolve(field)]
        value = next((_EXAMPLES[kind] for kind in kinds if kind in _EXAMPLES), None)
        return f"{path[-1]} = {value}" if value else ""

    def _field(self, path: KeyPath) -> Schema | None:
        nodes = self._nodes(path[:-1]) if path else []
        return next((n["properties"][path[-1]] for n in nodes if self._has(n, path[-1])), None)

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


_EXAMPLES = {
    "string": '"..."',
    "integer": "1",
    "number": "1.0",
    "boolean": "true",
    "array": "[...]",
    "object": "{...}",
}
