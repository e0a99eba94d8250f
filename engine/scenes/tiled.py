"""Tiled maps: an object of a map whose class is a component's name is an object of the level.

    [scene]
    tiled = "maps/level.tmx"

An object of class `Character` with a property `character_id` is enough. A property is a field of
the class's component, `reconnect_policy.max_reconnect_attempts` a field within one, and
`Door.target` a field of another component on the same object. Objects without a class in a layer
called `walls` are BoxColliders. A rectangle is placed by its middle, and gives its
size to a component that has one; place people as points. Needs the extra `tiled`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from engine.core.errors import install_command
from engine.core.file_system import read_file
from engine.objects.registry import ComponentRegistry
from engine.toml.positions import KeyPath, Positions, scan
from engine.toml.reader import MOST_BYTES, Problem, TomlFileError, TomlSource

__all__ = ["read_tiled"]


WALLS = "walls"
WALL_CLASS = "BoxCollider"
SOLID = ("rectangle", "tile")  # what has a width and a height


@dataclass(frozen=True)
class TiledSource(TomlSource):
    """A map as the source of a level: `data` has its object tables."""

    ids: tuple[int, ...] = ()

    @cached_property
    def positions(self) -> Positions:
        """Empty: only the objects of a map have a place."""
        return scan("")

    def place(self, path: KeyPath, at: str = "value") -> tuple[int, int]:
        """Return the line and column of the object of the path."""
        number = self.ids[path[1]] if len(path) > 1 and isinstance(path[1], int) else None
        return _place(self.text, number)


def read_tiled(path: Path, registry: ComponentRegistry) -> TiledSource:
    """Read a map. Raises TomlFileError if it is no map, or if pytiled-parser is missing."""
    try:
        import pytiled_parser
    except ImportError:
        raise _error(path, "needs the package pytiled-parser", install_command("tiled")) from None
    try:
        text = read_file(path, MOST_BYTES).decode("utf-8")  # as it is: it is compared later
        drawn = pytiled_parser.parse_map(path)
        layers = drawn.layers
    except FileNotFoundError as error:
        message = f"names a file that is not there ({error.filename})"
        raise _error(path, message, "save the tileset there, or embed it in the map") from error
    except Exception as error:  # the parser may raise anything
        raise _error(
            path, f"is no map that can be read ({type(error).__name__}: {error})"
        ) from error
    if drawn.orientation == "isometric":
        raise _error(path, "is an isometric map, and a level is seen straight on", "orthogonal")
    if odd := [_odd_wall(path, text, item) for item in _walls(layers) if not _is_wall_shape(item)]:
        raise TomlFileError(odd)
    made = [
        (item.id, table)
        for layer, item in _objects(layers)
        if (table := _table(layer, item, registry)) is not None
    ]
    data = {"object": [table for _, table in made]}
    return TiledSource(str(path), text, data, tuple(number for number, _ in made))


def _error(path: Path, message: str, hint: str | None = None) -> TomlFileError:
    return TomlFileError([Problem(str(path), 1, 1, None, None, message, None, hint)])


def _odd_wall(path: Path, text: str, item: Any) -> Problem:
    message = f"is a {_shape(item)}, and a wall is a rectangle"
    if _shape(item) in SOLID:
        message = "is turned or has no size, and a wall is a rectangle that stands straight"
    hint = "draw it as one or more rectangles"
    return Problem(str(path), *_place(text, item.id), item.name or None, None, message, None, hint)


def _place(text: str, number: int | None) -> tuple[int, int]:
    found = re.search(rf'<object\s[^>]*?\bid="{number}"', text)
    before = text[: found.start()] if found else ""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _walls(layers: Any) -> Iterator[Any]:
    return (item for layer, item in _objects(layers) if _is_wall(layer, item))


def _is_wall(layer: Any, item: Any) -> bool:
    return not item.class_ and layer.name.lower() == WALLS


def _is_wall_shape(item: Any) -> bool:
    has_size = item.size.width > 0 and item.size.height > 0
    return _shape(item) in SOLID and has_size and not (item.rotation or 0) % 360


def _shape(item: Any) -> str:
    return type(item).__name__.lower()


def _objects(layers: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every object with its layer, those of groups too."""
    for layer in layers or ():
        if hasattr(layer, "tiled_objects"):
            yield from ((layer, item) for item in layer.tiled_objects)
        elif isinstance(getattr(layer, "layers", None), list):
            yield from _objects(layer.layers)


def _table(layer: Any, item: Any, registry: ComponentRegistry) -> dict[str, Any] | None:
    kind = WALL_CLASS if _is_wall(layer, item) else item.class_
    if not kind:
        return None
    width, height = item.size
    is_picture = hasattr(item, "gid")  # its corner is the lower left one
    x = item.coordinates.x + layer.offset.x + width / 2
    y = item.coordinates.y + layer.offset.y + (0.0 if is_picture else height / 2)
    table: dict[str, Any] = {"name": item.name or f"{kind} {item.id}", "position": [x, y], kind: {}}
    has_size = kind in registry and "size" in registry.fields(kind)
    if has_size and width > 0 and height > 0 and not is_picture:
        table[kind]["size"] = [width, height]
    for name, value in (item.properties or {}).items():
        parts = name.split(".")
        _put(table, parts if parts[0] in registry else [kind, *parts], _plain(value))
    return table


def _put(table: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        table = table.setdefault(part, {})
    table[path[-1]] = value


def _plain(value: Any) -> Any:
    """Return a property as a TOML file would hold it."""
    if isinstance(value, Path):
        return value.as_posix()
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if hasattr(value, "_fields"):  # a colour with its alpha last
        return "#" + "".join(f"{part:02x}" for part in value[:3])
    return value
