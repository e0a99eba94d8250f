"""TiledMap: the objects of a map as Tiled shows them.

    drawn = read_map(Path("assets/maps/level.tmx"), AssetFolder(Path("assets")))
    [(item.name, item.kind, item.corners) for item in drawn.objects]

An object comes with what its template, its tile and its class give it, and its outline is in pixels
on the screen, whatever the orientation. Tiles of tile layers and images are not looked at. The
facts are from Tiled's manual (TMX Map Format; 1.12), the places from its renderers.
"""

from __future__ import annotations

import math
import os
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engine.objects.assets import AssetFolder
from engine.scenes.tiled_format import (
    Element,
    MapFile,
    PropertyReader,
    finite,
    read_element,
)
from engine.toml.reader import Problem, TomlFileError

__all__ = ["MapLayer", "MapObject", "read_map", "TiledMap"]


Vector = tuple[float, float]


@dataclass(frozen=True, slots=True)
class MapLayer:
    """An object layer, with what the groups around it add."""

    name: str
    offset: Vector
    moves_apart: bool
    """Whether it has a parallax factor: where it is shown depends on the view."""
    element: Element


@dataclass(frozen=True, slots=True)
class MapObject:
    """One object. `corners` are its outline on the screen, one point if it has no size."""

    number: int
    """Below 0 if it has none: a map saved before 0.11 or made by another program."""
    name: str
    template_name: str
    """The name in its template, which all objects of that have."""
    kind: str
    """The class: its own, its template's or its tile's."""
    shape: str
    corners: tuple[Vector, ...]
    properties: Mapping[str, Any]
    """Values of Python, with ObjectId and MapColour; those of template, tile and class too."""
    layer: MapLayer
    element: Element

    @property
    def middle(self) -> Vector:
        """The middle of the outline."""
        xs, ys = zip(*self.corners, strict=True)
        return _rounded((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2)

    @property
    def foot(self) -> Vector:
        """The middle of the lower edge of a picture."""
        (left, top), (right, bottom) = self.corners[3], self.corners[2]
        return _rounded((left + right) / 2, (top + bottom) / 2)

    @property
    def size(self) -> Vector:
        """The size of the box around it; 0 for a point."""
        xs, ys = zip(*self.corners, strict=True)
        return _rounded(max(xs) - min(xs), max(ys) - min(ys))

    @property
    def is_upright(self) -> bool:
        """Whether each corner is one of the box around it, so that nothing is turned or askew."""
        near = 1e-6 * (1.0 + sum(self.size))
        xs, ys = zip(*self.corners, strict=True)
        return all(
            min(abs(value - min(values)), abs(value - max(values))) <= near
            for values in (xs, ys)
            for value in values
        )


@dataclass(frozen=True)
class TiledMap:
    """A map as far as it can be read, with what is wrong with single objects."""

    file: MapFile
    orientation: str
    objects: tuple[MapObject, ...]
    files: tuple[MapFile, ...]
    """The tilesets, templates and the project that it was read from."""
    problems: tuple[Problem, ...]


def read_map(path: Path, assets: AssetFolder) -> TiledMap:
    """Read a map. Raises TomlFileError for what is no map.

    A file that is missing or wrong is awaited in `assets`. Files that properties name are told
    from the folder of assets.
    """
    return _MapReader(path, assets).read()


_SHAPES = ("ellipse", "capsule", "point", "polygon", "polyline", "text")
_ORIENTATIONS = ("orthogonal", "isometric", "staggered", "hexagonal", "oblique")
_FLIPS = 0xF0000000
_ALIGNMENTS = MappingProxyType(
    {
        "topleft": (0.0, 0.0), "top": (0.5, 0.0), "topright": (1.0, 0.0),
        "left": (0.0, 0.5), "center": (0.5, 0.5), "right": (1.0, 0.5),
        "bottomleft": (0.0, 1.0), "bottom": (0.5, 1.0), "bottomright": (1.0, 1.0),
    }
)  # fmt: skip


@dataclass(frozen=True)
class Tileset:
    """A tileset as a map or a template uses it."""

    first: int
    element: Element

    @cached_property
    def tiles(self) -> dict[str, Element]:
        """The tiles that have something of their own, by their numbers."""
        return {str(tile.values.get("id")): tile for tile in self.element.all("tile")}


class _MapReader:
    def __init__(self, path: Path, assets: AssetFolder) -> None:
        self.path = path
        self.assets = assets
        self.problems: list[Problem] = []
        self._files: dict[Path, Element | None] = {}
        self._tilesets: dict[Path, tuple[Tileset, ...]] = {}
        self._count = 0
        self._properties = PropertyReader(assets.root, self.problems)

    def read(self) -> TiledMap:
        self.map = root = read_element(self.path)
        if root.tag != "map":
            raise TomlFileError([root.problem(f"is no map, but a {root.tag}", name="")])
        self.orientation = root.get("orientation") or "orthogonal"
        if self.orientation not in _ORIENTATIONS:
            known = " or ".join(_ORIENTATIONS)
            raise TomlFileError([root.problem("has an unknown orientation", known)])
        self._read_projects()
        self._project = self._projection()
        self._used_tilesets(root)
        objects = tuple(self._objects(root, MapLayer("", (0.0, 0.0), False, root)))
        files = tuple(element.file for element in self._files.values() if element is not None)
        problems = tuple(dict.fromkeys(self.problems))
        return TiledMap(root.file, self.orientation, objects, files, problems)

    # Files beside the map

    def _beside(self, name: str | Path, element: Element) -> Element | None:
        """Return the root of a file that an element names, or None after noting what is wrong."""
        path = Path(os.path.normpath(element.file.path.parent / name))
        if path not in self._files:
            self._files[path] = None
            try:
                self._files[path] = read_element(path)
            except TomlFileError as error:
                self.assets.awaited.add(path)
                if isinstance(error.__cause__, FileNotFoundError):
                    message = f"names a file that is not there ({path})"
                    self.problems.append(element.problem(message, "save it there, or embed it"))
                else:
                    self.problems += error.problems
        return self._files[path]

    def _read_projects(self) -> None:
        """Read the custom types of the nearest folder that holds a project."""
        for folder in self.path.parents:
            found = sorted(folder.glob("*.tiled-project"))
            for path in found:
                root = self._beside(path.absolute(), self.map)
                if root is not None:
                    self._properties.add_types(root)
            if found or folder == self.assets.root.parent:
                return

    def _used_tilesets(self, root: Element) -> tuple[Tileset, ...]:
        """Return the tilesets of a map or a template, by their first numbers."""
        if root.file.path not in self._tilesets:
            found = []
            for item in root.all("tileset"):
                source = item.get("source")
                element = self._beside(source, item) if source else item
                if element is not None:
                    found.append(Tileset(int(self._number(item, "firstgid", 1.0)), element))
            found.sort(key=lambda tileset: tileset.first)
            self._tilesets[root.file.path] = tuple(found)
        return self._tilesets[root.file.path]

    # Layers and objects

    def _objects(self, parent: Element, around: MapLayer) -> Iterator[MapObject]:
        for element in parent.parts:
            if element.tag in ("group", "objectgroup"):
                layer = self._layer(element, around)
                yield from self._objects(element, layer)
                for item in element.all("object"):
                    yield self._object(item, layer)

    def _layer(self, element: Element, around: MapLayer) -> MapLayer:
        x, y = (self._number(element, f"offset{axis}") for axis in "xy")
        parallax = [self._number(element, f"parallax{axis}", 1.0) for axis in "xy"]
        offset = around.offset[0] + x, around.offset[1] + y
        moves_apart = around.moves_apart or parallax != [1.0, 1.0]
        return MapLayer(element.get("name"), offset, moves_apart, element)

    def _object(self, element: Element, layer: MapLayer) -> MapObject:
        template = self._template(element)
        whole = _with_template(element, template)
        tileset, tile = self._tile(element, template)
        shape = "tile" if tileset else _shape(whole)
        kinds = (_kind(part) for part in (element, template, tile) if part is not None)
        kind = next(filter(None, kinds), "")
        self._count += 1
        number = int(self._number(element, "id")) or -self._count
        return MapObject(
            number,
            element.get("name"),
            template.get("name") if template is not None else "",
            kind,
            shape,
            self._corners(whole, shape, tileset, tile, layer.offset),
            self._properties.read(kind, (tile, template, element), element),
            layer,
            element,
        )

    def _template(self, element: Element) -> Element | None:
        name = element.get("template")
        root = self._beside(name, element) if name else None
        if root is None:
            return None
        found = root.first("object")
        if found is None:
            self.problems.append(element.problem(f"names a template without an object ({name})"))
        return found

    def _tile(
        self, element: Element, template: Element | None
    ) -> tuple[Tileset | None, Element | None]:
        """Return the tileset of a tile object, and its tile if that has something of its own."""
        owner = element if template is None or self._number(element, "gid") else template
        gid = int(self._number(owner, "gid")) & ~_FLIPS
        if not gid:
            return None, None
        root = self.map if owner is element else self._files[owner.file.path]
        tilesets = self._used_tilesets(root) if root is not None else ()
        index = bisect_right(tilesets, gid, key=lambda tileset: tileset.first) - 1
        if index < 0:
            self.problems.append(element.problem(f"shows the tile {gid}, which no tileset has"))
            return None, None
        return tilesets[index], tilesets[index].tiles.get(str(gid - tilesets[index].first))

    # Places

    def _corners(
        self,
        whole: Element,
        shape: str,
        tileset: Tileset | None,
        tile: Element | None,
        offset: Vector,
    ) -> tuple[Vector, ...]:
        x, y = self._number(whole, "x"), self._number(whole, "y")
        origin = self._project(x, y)
        if tileset is not None:
            outline = self._picture(whole, tileset, tile)
        elif shape in ("polygon", "polyline"):
            outline = self._points(whole, shape)
        else:
            size = self._number(whole, "width"), self._number(whole, "height")
            outline = [(0.0, 0.0)] if shape == "point" else _box(0.0, 0.0, *size)
        if tileset is None and shape != "text":  # pictures and texts stand upright on every map
            drawn = (self._project(x + dx, y + dy) for dx, dy in outline)
            outline = [(dx - origin[0], dy - origin[1]) for dx, dy in drawn]
        cosine, sine = _turn(self._number(whole, "rotation"))
        x, y = origin[0] + offset[0], origin[1] + offset[1]
        return tuple(
            (x + dx * cosine - dy * sine, y + dx * sine + dy * cosine) for dx, dy in outline
        )

    def _projection(self) -> Callable[[float, float], Vector]:
        """Return the function from coordinates of objects to pixels on the screen."""
        width, height = (self._number(self.map, f"tile{side}") for side in ("width", "height"))
        if self.orientation == "isometric" and width and height:
            start = self._number(self.map, "height") * width / 2
            return lambda x, y: ((x - y) / height * width / 2 + start, (x + y) / 2)
        if self.orientation == "oblique" and width and height:
            right = self._number(self.map, "skewx") / height
            down = self._number(self.map, "skewy") / width
            return lambda x, y: (x + y * right, y + x * down)
        return lambda x, y: (x, y)

    def _picture(self, whole: Element, tileset: Tileset, tile: Element | None) -> list[Vector]:
        """Return the corners of a tile beside its origin, as its tileset aligns and shifts it."""
        tile_size = self._tile_size(tileset.element, tile)
        width = self._number(whole, "width") or tile_size[0]
        height = self._number(whole, "height") or tile_size[1]
        usual = "bottom" if self.orientation == "isometric" else "bottomleft"
        align = _ALIGNMENTS.get(tileset.element.get("objectalignment")) or _ALIGNMENTS[usual]
        left, top = -align[0] * width, -align[1] * height
        shift = tileset.element.first("tileoffset")
        if shift is not None and all(tile_size):
            left += self._number(shift, "x") * width / tile_size[0]
            top += self._number(shift, "y") * height / tile_size[1]
        return _box(left, top, width, height)

    def _tile_size(self, tileset: Element, tile: Element | None) -> Vector:
        """Return the size of a tile: of its image in a collection of images."""
        image = tile.first("image") if tile is not None else None
        for part, *keys in (
            (tile, "width", "height"),
            (image, "width", "height"),
            (tile, "imagewidth", "imageheight"),
        ):
            if part is not None and (size := self._number(part, keys[0])):
                return size, self._number(part, keys[1])
        return self._number(tileset, "tilewidth"), self._number(tileset, "tileheight")

    def _points(self, whole: Element, shape: str) -> list[Vector]:
        element = whole.first(shape)
        said = element.values.get("points", "") if element is not None else ""
        try:
            if isinstance(said, str):
                pairs = [pair.split(",") for pair in said.split()]
            else:
                pairs = [[point["x"], point["y"]] for point in said]
            points = [(finite(x), finite(y)) for x, y in pairs]
        except (ValueError, TypeError, KeyError):
            points = []
        self._properties.count(whole, len(points))
        if not points:
            self.problems.append(whole.problem(f"is a {shape} whose points cannot be read"))
        return points or [(0.0, 0.0)]

    def _number(self, element: Element, key: str, default: float = 0.0) -> float:
        """Return a number of an element, or the default after noting that it is none."""
        said = element.values.get(key)
        if said is None or said == "":
            return default
        try:
            return finite(said)
        except (ValueError, TypeError):
            self.problems.append(element.problem(f"{key} must be a number (got {said!s:.40})"))
            return default


def _with_template(element: Element, template: Element | None) -> Element:
    """Return an object with what it takes over from its template, but its properties."""
    if template is None:
        return element
    values = {**template.values, "x": 0, "y": 0}
    values |= {key: value for key, value in element.values.items() if value not in ("", 0, "0")}
    if not (element.values.get("width") and element.values.get("height")):
        values |= {k: template.values.get(k, 0) for k in ("width", "height")}
    if "rotation" in element.values:
        values["rotation"] = element.values["rotation"]
    shapes = [part for part in element.parts if part.tag in _SHAPES]
    return replace(element, values=values, parts=shapes or template.parts)


def _rounded(x: float, y: float) -> Vector:
    """Return both without what sums of binary fractions leave behind the sixth place."""
    return round(x, 6) + 0.0, round(y, 6) + 0.0


def _shape(element: Element) -> str:
    found = element.first(*_SHAPES)
    return "rectangle" if found is None else found.tag


def _kind(element: Element) -> str:
    """Return the class: called `class` in version 1.9, `type` in all others."""
    return element.get("class") or element.get("type")


def _box(left: float, top: float, width: float, height: float) -> list[Vector]:
    right, bottom = left + width, top + height
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _turn(degrees: float) -> Vector:
    """Return cosine and sine; those of quarter turns without an error."""
    quarters, rest = divmod(degrees, 90.0)
    if not rest:
        return ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[int(quarters) % 4]
    return math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
