"""Values of custom properties in Tiled, of every kind and with the types of the project.

The facts are from the pages "Custom Properties", "TMX Map Format" and "JSON Map Format" of Tiled's
manual (1.12).
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from engine.scenes.tiled_format import Element, JsonTable, table_element
from engine.toml.reader import DEEPEST, MOST_VALUES, Problem, TomlFileError

__all__ = ["finite", "MapColour", "ObjectId", "PropertyReader"]


class ObjectId(int):
    """The number of an object that a property refers to."""


class MapColour(NamedTuple):
    """A property that is a colour, each part from 0 to 255."""

    red: int
    green: int
    blue: int
    alpha: int

    def __str__(self) -> str:
        parts = self if self.alpha < 255 else self[:3]
        return "#" + "".join(f"{part:02x}" for part in parts)


@dataclass(frozen=True)
class Enumeration:
    """An enum of the project."""

    names: tuple[str, ...]
    is_set: bool
    """Whether it takes several values: saved as bits, or with commas between."""

    def named(self, value: object) -> Any:
        """Return the name of a saved value, or the names. Raises ValueError if it has none."""
        if self.is_set and isinstance(value, str):
            return [name for name in value.split(",") if name]
        if not isinstance(value, int):
            return value
        if self.is_set:
            return [name for bit, name in enumerate(self.names) if value >> bit & 1]
        if not 0 <= value < len(self.names):
            raise ValueError
        return self.names[value]


class PropertyReader:
    """Reads properties; a file that one names is returned as the name of an asset."""

    def __init__(self, asset_root: Path, problems: list[Problem]) -> None:
        self._asset_root = asset_root
        self._problems = problems
        self._classes: dict[str, dict[str, Element]] = {}
        self._object_classes: set[str] = set()
        self._enums: dict[str, Enumeration] = {}
        self._values = 0

    def add_types(self, project: Element) -> None:
        """Take over the classes and enums of a project."""
        types = project.values.get("propertyTypes")
        tables = types if isinstance(types, list) else ()
        for table in (it for it in tables if isinstance(it, JsonTable)):
            name = str(table.get("name"))
            if table.get("type") == "class":
                members = table_element(project.file, "class", table).all("property")
                self._classes[name] = {member.get("name"): member for member in members}
                if "object" in (table.get("useAs") or ()):
                    self._object_classes.add(name)
            elif isinstance(names := table.get("values"), list):
                is_set = table.get("valuesAsFlags") is True
                self._enums[name] = Enumeration(tuple(map(str, names)), is_set)

    def read(self, kind: str, sources: Iterable[Element | None], owner: Element) -> dict[str, Any]:
        """Return the properties of an object of a class; those of later sources count."""
        found = dict(self._classes[kind]) if kind in self._object_classes else {}
        for source in sources:
            if source is not None:
                found |= source.properties
        try:
            return self._evaluated(found, owner, 0)
        except RecursionError:
            self._problems.append(owner.problem("has a property that is nested too deeply"))
            return {}

    def count(self, owner: Element, more: int) -> None:
        """Add to the values that the map has with classes and templates; raise if too many."""
        self._values += more
        if self._values > MOST_VALUES:
            message = f"the map has more than {MOST_VALUES} values"
            raise TomlFileError([owner.file.problem((1, 1), message)])

    def _evaluated(
        self, items: Mapping[str, Element], owner: Element, depth: int
    ) -> dict[str, Any]:
        self.count(owner, len(items))
        values = {name: self._value(item, owner, depth) for name, item in items.items()}
        return {name: value for name, value in values.items() if value is not None}

    def _value(self, item: Element, owner: Element, depth: int) -> Any:
        """Return the value of a property, or None if it is not set or after noting a mistake."""
        if depth > DEEPEST:
            raise RecursionError
        kind = item.get("type") or "string"
        named = item.get("propertytype") or item.get("propertyType")  # the latter in a project
        said = item.values.get("value")
        if kind == "class" or (kind == "string" and isinstance(said, Mapping)):
            return self._class_value(item, named, owner, depth)
        if kind == "list" or (kind == "string" and isinstance(said, list)):
            items = list(item.all("item")) or [_with_value(None, v, item) for v in said or ()]
            self.count(owner, len(items))
            return [self._value(inner, owner, depth + 1) for inner in items]
        if said is None or said == "":
            said = "".join(item.texts)
        try:
            value = self._asset(item, said) if kind == "file" else _VALUES[kind](said)
            return self._enums[named].named(value) if named in self._enums else value
        except (KeyError, ValueError, TypeError, OverflowError):
            what = f"must be of the kind {kind}" if kind in _VALUES else f"is of the kind {kind}"
            what = f"must be one of the enum {named}" if named in self._enums else what
            message = f"the property {item.get('name')} {what} (got {said!s:.40})"
            self._problems.append(item.problem(message, name=owner.get("name")))
            return None

    def _class_value(self, item: Element, named: str, owner: Element, depth: int) -> dict[str, Any]:
        """Return the members of a value that is a class: its own, and those of the project."""
        members = self._classes.get(named, {})
        given = dict(item.properties)
        said = item.values.get("value")
        for name, value in said.items() if isinstance(said, Mapping) else ():
            # JSON says the value alone, the project of which kind it is.
            given[name] = _with_value(members.get(name), value, item)
        return self._evaluated(members | given, owner, depth + 1)

    def _asset(self, item: Element, said: str) -> str:
        """Return the name of an asset; Tiled's is relative to the file that has the property."""
        if not said:
            return ""
        path = os.path.relpath(item.file.path.parent / said, self._asset_root)
        return said if path.startswith("..") else Path(path).as_posix()


def _with_value(member: Element | None, value: object, item: Element) -> Element:
    """Return a member of a class with the value that a property gives it."""
    values = {"name": item.get("name")} if member is None else member.values
    table = JsonTable([*values.items(), ("value", value)], 0)
    return replace(table_element(item.file, "property", table), mark=item.mark)


def finite(said: Any) -> float:
    """Return a number. Raises ValueError or TypeError, also for what is not finite."""
    number = float(said)
    if not math.isfinite(number):
        raise ValueError
    return number


def _whole(said: Any) -> int:
    number = int(float(said))
    if number != finite(said) or not -(2**53) <= number <= 2**53:
        raise ValueError
    return number


def _scalar(said: Any) -> Any:
    """Return a text; JSON before 1.2 does not say of which kind a value is."""
    if isinstance(said, (str, bool)):
        return said
    return finite(said) if isinstance(said, float) else _whole(said)


def _truth(said: Any) -> bool:
    if said in (True, False):
        return bool(said)
    return {"true": True, "false": False, "": False}[said]


def _colour(said: str) -> MapColour | None:
    if not said:
        return None
    found = re.fullmatch(r"#?([0-9a-fA-F]{2})?([0-9a-fA-F]{6})", said)
    if found is None:
        raise ValueError
    alpha = int(found[1] or "ff", 16)
    red, green, blue = bytes.fromhex(found[2])
    return MapColour(red, green, blue, alpha)


_VALUES: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "string": _scalar,
        "int": lambda said: _whole(said or 0),
        "float": lambda said: finite(said or 0.0),
        "bool": _truth,
        "color": _colour,
        "object": lambda said: ObjectId(_whole(said or 0)),
    }
)
