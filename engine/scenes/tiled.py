"""Tiled maps: an object of a map whose class is a component's name is an object of the level.

    [scene]
    tiled = "maps/level.tmx"

An object of class `Character` with a property `character_id` is enough. A property is a field of
the class's component, `reconnect_policy.max_reconnect_attempts` a field within one, and
`Door.target` a field of another component on the same object; `active`, `layer`, `prefab` and
`tag` are the object's own. Objects without a class in a layer called `walls` are BoxColliders. A
shape is placed by its middle and a picture by its foot; a rectangle gives its size to a component
that has one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_args, get_origin

from engine.objects.assets import AssetFolder
from engine.objects.registry import ComponentRegistry, FieldSpec
from engine.scenes.tiled_format import MapColour, ObjectId
from engine.scenes.tiled_map import MapObject, TiledMap, read_map
from engine.toml.diagnostics import bare, members
from engine.toml.positions import KeyPath, Positions, scan
from engine.toml.reader import DEEPEST, Problem, TomlSource

__all__ = ["read_tiled", "TiledSource"]


WALLS = "walls"
WALL_CLASS = "BoxCollider"
OWN_KEYS = ("active", "layer", "prefab", "tag")  # of an object beside its components


@dataclass(frozen=True)
class TiledSource(TomlSource):
    """A map as the source of a level: `data` has its object tables."""

    items: tuple[MapObject, ...] = ()
    problems: tuple[Problem, ...] = ()
    """What is wrong with single objects, and with files that the map names."""
    based_on: tuple[TomlSource, ...] = ()
    """The tilesets, the templates and the project of the map."""

    @cached_property
    def positions(self) -> Positions:
        """Empty: only the objects of a map have a place."""
        return scan("")

    def place(self, path: KeyPath, at: str = "value") -> tuple[int, int]:
        """Return the line and column of the object of the path."""
        index = path[1] if len(path) > 1 else None
        return self.items[index].element.place if isinstance(index, int) else (1, 1)


def read_tiled(path: Path, registry: ComponentRegistry, assets: AssetFolder) -> TiledSource:
    """Read a map. Raises TomlFileError if it is no map."""
    drawn = read_map(path, assets)
    reader = _ObjectReader(drawn, registry)
    tables = [reader.table(item) for item in reader.items]
    return TiledSource(
        str(path),
        drawn.file.text,
        {"object": tables},
        reader.items,
        (*drawn.problems, *reader.problems),
        tuple(TomlSource(str(file.path), file.text, {}) for file in drawn.files),
    )


class _ObjectReader:
    """Turns what a map says of its objects into the tables of a scene file."""

    def __init__(self, drawn: TiledMap, registry: ComponentRegistry) -> None:
        self.items = tuple(item for item in drawn.objects if _component(item))
        self.problems = list(_parallax(self.items))
        self._registry = registry
        self._is_slanted = drawn.orientation in ("isometric", "oblique")
        self._names = {item.number: _name(item) for item in self.items}
        self._unused = {item.number for item in drawn.objects} - set(self._names)

    def table(self, item: MapObject) -> dict[str, Any]:
        """Return an object as a scene file would have it."""
        kind = _component(item)
        is_foot = item.shape == "tile" and kind != WALL_CLASS
        place = item.foot if is_foot else item.middle
        table: dict[str, Any] = {"name": _name(item), "position": list(place), kind: {}}
        if "size" in self._fields(kind) and not is_foot and (any(item.size) or _is_wall(item)):
            self._add_size(table, kind, item)
        said = [(self._path(name, kind), value) for name, value in item.properties.items()]
        for path, value in sorted(said, key=lambda pair: len(pair[0])):
            self._put(table, path, self._as_field(path, value, item), item)
        return table

    def _path(self, name: str, kind: str) -> list[str]:
        """Return where in the table of an object a property belongs."""
        parts = name.split(".")
        is_own = parts[0] in OWN_KEYS and parts[0] not in self._fields(kind)
        return parts if is_own or parts[0] in self._registry else [kind, *parts]

    def _fields(self, kind: str) -> Mapping[str, FieldSpec]:
        return self._registry.fields(kind) if kind in self._registry else {}

    def _add_size(self, table: dict[str, Any], kind: str, item: MapObject) -> None:
        what = "wall" if kind == WALL_CLASS else kind
        if wrong := self._no_box(item):
            message = f"{wrong}, and a {what} is a rectangle that stands straight"
            self._note(item, message, "draw it as one or more rectangles")
        else:
            table[kind]["size"] = list(item.size)

    def _no_box(self, item: MapObject) -> str:
        """Return why an object gives no size, or ""."""
        if item.shape not in ("rectangle", "tile"):
            return f"is a {item.shape}"
        if not all(item.size):
            return "has no width or no height"
        if item.is_upright:
            return ""
        is_askew = self._is_slanted and item.shape == "rectangle"
        return "is drawn askew, as its map is" if is_askew else "is turned"

    def _note(self, item: MapObject, message: str, hint: str = "") -> None:
        self.problems.append(item.element.problem(message, hint, item.name))

    def _put(self, table: dict[str, Any], path: list[str], value: Any, item: MapObject) -> None:
        """Set a value within tables; the name of a preset beside fields is one of them."""
        if value is None:
            return
        name = ".".join(path)
        if len(path) > DEEPEST:
            self._note(item, f"the property {name:.40} has more than {DEEPEST} parts")
            return
        for part in path[:-1]:
            below = table.setdefault(part, {})
            if isinstance(below, str):
                below = table[part] = {"preset": below}
            if not isinstance(below, dict):
                self._note(item, f"the property {name} has no place beside {part}")
                return
            table = below
        last = path[-1]
        both = isinstance(value, dict) and isinstance(table.get(last), dict)
        table[last] = table[last] | value if both else value

    def _as_field(self, path: list[str], value: Any, item: MapObject) -> Any:
        """Return a value as a scene file would have it, for the field at a path; None for none."""
        if isinstance(value, MapColour):
            field = self._fields(path[0]).get(path[1]) if len(path) == 2 else None
            length = _list_length(field)
            return list(value)[:length] if length else str(value)
        return self._plain(value, ".".join(path), item)

    def _plain(self, value: Any, name: str, item: MapObject) -> Any:
        if isinstance(value, ObjectId):
            return self._reference(value, name, item)
        if isinstance(value, MapColour):
            return str(value)
        if isinstance(value, Mapping):
            plain = {key: self._plain(inner, name, item) for key, inner in value.items()}
            return {key: inner for key, inner in plain.items() if inner is not None}
        if isinstance(value, list):
            items = (self._plain(inner, name, item) for inner in value)
            return [inner for inner in items if inner is not None]
        return value

    def _reference(self, number: ObjectId, name: str, item: MapObject) -> str | None:
        if number and number not in self._names:
            why = "has no class" if number in self._unused else "is not in the map"
            self._note(item, f"{name} refers to the object {number}, which {why}")
        return self._names.get(number)


def _component(item: MapObject) -> str:
    """Return the component that an object of a map stands for; "" for none."""
    return item.kind or (WALL_CLASS if _is_wall(item) else "")


def _is_wall(item: MapObject) -> bool:
    return not item.kind and item.layer.name.lower() == WALLS


def _name(item: MapObject) -> str:
    return item.name or f"{item.template_name or _component(item)} {abs(item.number)}"


def _list_length(field: FieldSpec | None) -> int:
    """Return how many parts of a colour a field takes as a list; 0 if it takes a text."""
    for kind in members(bare(field.annotation)) if field is not None else ():
        if get_origin(bare(kind)) in (list, tuple):
            return 4 if len(get_args(bare(kind))) == 4 else 3
    return 0


def _parallax(items: tuple[MapObject, ...]) -> Iterator[Problem]:
    layers = {id(item.layer): item.layer for item in items if item.layer.moves_apart}
    for layer in layers.values():
        message = "has a parallax factor, and the objects of a level move with it"
        yield layer.element.problem(message, "a factor of 1 for it and its groups")
