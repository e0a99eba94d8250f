"""The files of Tiled in one shape, in XML (.tmx, .tsx, .tx) or JSON (.tmj, .tsj, .tj).

    root = read_element(Path("assets/maps/level.tmx"))
    [layer.get("name") for layer in root.all("objectgroup")]

A table of JSON is read as the element that XML has for it, from each version since 1.0; each knows
its line. The contents of tile layers are left out. A `PropertyReader` reads custom properties, of
every kind and with the types of the project; the facts are from the pages "Custom Properties",
"TMX Map Format" and "JSON Map Format" of Tiled's manual (1.12).
"""

from __future__ import annotations

import json
import math
import os
import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from xml.parsers import expat

from engine.toml.positions import line_starts
from engine.toml.reader import DEEPEST, MOST_VALUES, Problem, TomlFileError, read_text

__all__ = [
    "Element", "finite", "MapColour", "MapFile", "ObjectId", "PropertyReader", "read_element",
]  # fmt: skip


@dataclass(frozen=True)
class MapFile:
    """One file that a map was read from: the map, a tileset, a template or the project."""

    path: Path
    text: str

    def table_place(self, number: int) -> tuple[int, int]:
        """Return where a table of a JSON text begins; they count in the order of their ends."""
        start = self._tables[number]
        line = bisect_right(self._lines, start)
        return line, start - self._lines[line - 1] + 1

    @cached_property
    def _tables(self) -> list[int]:
        begun: list[int] = []
        found = []
        for token in _JSON_TOKEN.finditer(self.text):
            if token[0] == "{":
                begun.append(token.start())
            elif token[0] == "}":
                found.append(begun.pop())
        return found

    @cached_property
    def _lines(self) -> array[int]:
        return line_starts(self.text)

    def problem(
        self, place: tuple[int, int], message: str, hint: str = "", name: str | None = None
    ) -> Problem:
        """Return what is wrong at a line and column."""
        return Problem(str(self.path), *place, name or None, None, message, None, hint or None)


_JSON_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}]')


@dataclass(frozen=True, slots=True)
class Element:
    """An element of XML, or a table of JSON in the same shape: attributes, children and text."""

    tag: str
    values: Mapping[str, Any]
    file: MapFile
    mark: tuple[int, int] | int
    """Line and column, or the number of the table among those of the file."""
    parts: list[Element] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    @property
    def place(self) -> tuple[int, int]:
        """The line and column where it begins."""
        if isinstance(self.mark, tuple):
            return self.mark
        return self.file.table_place(self.mark)

    def get(self, key: str) -> str:
        """Return an attribute as text, "" if there is none."""
        value = self.values.get(key, "")
        return value if isinstance(value, str) else ""

    def all(self, tag: str) -> Iterator[Element]:
        """Yield the children of a tag."""
        return (part for part in self.parts if part.tag == tag)

    def first(self, *tags: str) -> Element | None:
        """Return the first child that has one of the tags."""
        return next((part for part in self.parts if part.tag in tags), None)

    @property
    def properties(self) -> dict[str, Element]:
        """The custom properties by name."""
        lists = self.all("properties")
        return {item.get("name"): item for part in lists for item in part.all("property")}

    def problem(self, message: str, hint: str = "", name: str | None = None) -> Problem:
        """Return what is wrong with it."""
        return self.file.problem(
            self.place, message, hint, self.get("name") if name is None else name
        )


def read_element(path: Path) -> Element:
    """Return the root of a file in either format. Raises TomlFileError."""
    file = MapFile(path, read_text(path))
    text = file.text.removeprefix("\ufeff").lstrip()
    if text.startswith("<"):
        return _from_xml(file)
    if text.startswith("{"):
        return _from_json(file)
    raise TomlFileError([file.problem((1, 1), "is no file of Tiled", "save it as .tmx or .tmj")])


def _from_xml(file: MapFile) -> Element:
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    root = Element("", {}, file, (1, 1))
    opened = [root]

    def start(tag: str, values: dict[str, str]) -> None:
        mark = parser.CurrentLineNumber, parser.CurrentColumnNumber + 1
        element = Element(tag, values, file, mark)
        if len(opened) > DEEPEST:
            raise TomlFileError([element.problem("is nested too deeply")])
        if opened[-1].tag not in _TILES:
            opened[-1].parts.append(element)
        opened.append(element)

    def text(data: str) -> None:
        if opened[-1].tag not in _TILES:
            opened[-1].texts.append(data)

    def entity(name: str, *_: Any) -> None:
        place = parser.CurrentLineNumber, parser.CurrentColumnNumber + 1
        message = f"declares the entity {name}, and a map has none"
        raise TomlFileError([file.problem(place, message, "save it with Tiled")])

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: opened.pop()
    parser.CharacterDataHandler = text
    parser.EntityDeclHandler = entity
    try:
        parser.Parse(file.text.encode(), True)
    except expat.ExpatError as error:
        message = f"is no map that can be read: {expat.ErrorString(error.code)}"
        raise TomlFileError([file.problem((error.lineno, error.offset + 1), message)]) from None
    return root.parts[0]


_TILES = ("data", "chunk")  # what is most of a map, and nothing of its objects


class JsonTable(dict[str, Any]):
    """A table of JSON that knows its number among those of the file."""

    def __init__(self, pairs: list[tuple[str, Any]], number: int) -> None:
        super().__init__(pairs)
        self.number = number


def _from_json(file: MapFile) -> Element:
    numbers = count()

    def wrong(place: tuple[int, int], message: str) -> TomlFileError:
        return TomlFileError([file.problem(place, f"is no map that can be read: {message}")])

    try:
        text = file.text.removeprefix("\ufeff")
        table = json.loads(text, object_pairs_hook=lambda pairs: JsonTable(pairs, next(numbers)))
        json.dumps(table, ensure_ascii=False).encode()  # half a character cannot be shown
        usual = "map" if "layers" in table else "file of another kind"
        return table_element(file, table.get("type") or usual, table)
    except json.JSONDecodeError as error:
        raise wrong((error.lineno, error.colno), error.msg) from None
    except RecursionError:
        raise wrong((1, 1), "the values are nested too deeply") from None
    except UnicodeEncodeError:
        raise wrong((1, 1), "a text has half a character") from None
    except ValueError as error:
        raise wrong((1, 1), str(error)) from None


def table_element(file: MapFile, tag: object, table: JsonTable, depth: int = 0) -> Element:
    """Return a table of JSON as the element that XML has for it. Raises RecursionError."""
    if depth > DEEPEST:
        raise RecursionError
    parts = [table_element(file, tag, inner, depth + 1) for tag, inner in _parts(table)]
    return Element(str(tag), table, file, table.number, parts)


_LISTS = {
    "layers": "layer", "objects": "object", "tilesets": "tileset", "tiles": "tile",
    "members": "property", "property": "property", "item": "item",
}  # fmt: skip


_TABLES = ("object", "tileset", "text", "tileoffset")


def _parts(table: JsonTable) -> Iterator[tuple[object, JsonTable]]:
    """Yield the tables that are children in XML, each with its tag."""
    for key, value in table.items():
        if key in _LISTS and isinstance(value, list):
            for inner in value:
                if isinstance(inner, JsonTable):
                    yield inner.get("type") if key == "layers" else _LISTS[key], inner
        elif key in _TABLES and isinstance(value, JsonTable):
            yield key, value
        elif key in ("ellipse", "point", "capsule") and value is True:
            yield key, JsonTable([], table.number)
        elif key in ("polygon", "polyline"):
            yield key, JsonTable([("points", value)], table.number)
        elif key == "properties":
            items = _old_properties(table, value) if isinstance(value, JsonTable) else value
            yield key, JsonTable([("property", items)], table.number)
        elif key == "value" and table.get("type") == "list":
            yield from _parts(JsonTable([("item", value)], table.number))
        elif key == "tiles" and isinstance(value, JsonTable):
            yield from (("tile", tile) for tile in _old_tiles(table))


def _old_properties(table: JsonTable, values: JsonTable) -> list[JsonTable]:
    """Return properties saved before 1.2: values by name, and their kinds beside them."""
    kinds = table.get("propertytypes")
    kinds = kinds if isinstance(kinds, JsonTable) else {}
    return [
        JsonTable([("name", name), ("type", kinds.get(name)), ("value", value)], values.number)
        for name, value in values.items()
    ]


def _old_tiles(tileset: JsonTable) -> Iterator[JsonTable]:
    """Yield the tiles of a tileset saved before 1.2: by number, with properties beside them."""
    names = {"tiles": "", "tileproperties": "properties", "tilepropertytypes": "propertytypes"}
    tables = {new: tileset.get(old) for old, new in names.items()}
    known = {new: table for new, table in tables.items() if isinstance(table, JsonTable)}
    for number in dict.fromkeys(number for table in known.values() for number in table):
        own = known[""].get(number)
        pairs = list(own.items()) if isinstance(own, JsonTable) else []
        pairs += [(new, table[number]) for new, table in known.items() if new and number in table]
        yield JsonTable([*pairs, ("id", number)], tileset.number)


# --- custom properties ------------------------------------------------------------------------


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
                uses = table.get("useAs")
                if isinstance(uses, list) and "object" in uses:
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
            inner = said if isinstance(said, list) else ()
            items = list(item.all("item")) or [_with_value(None, value, item) for value in inner]
            self.count(owner, len(items))
            return [self._value(one, owner, depth + 1) for one in items]
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
    try:
        number = float(said)
    except OverflowError:
        raise ValueError from None
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
