"""Elements: the files of Tiled in one shape, in XML (.tmx, .tsx, .tx) or JSON (.tmj, .tsj, .tj).

    root = read_element(Path("assets/maps/level.tmx"))
    [layer.get("name") for layer in root.all("objectgroup")]

A table of JSON is read as the element that XML has for it, from each version since 1.0; each knows
its line. The contents of tile layers are left out.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any
from xml.parsers import expat

from engine.toml.reader import DEEPEST, Problem, TomlFileError, read_text

__all__ = ["Element", "JsonTable", "MapFile", "read_element", "table_element"]


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
    def _lines(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer("\n", self.text))]

    def problem(
        self, place: tuple[int, int], message: str, hint: str = "", name: str | None = None
    ) -> Problem:
        """Return what is wrong at a line and column."""
        return Problem(str(self.path), *place, name or None, None, message, None, hint or None)


_JSON_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}]')


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
        for key, value in pairs:  # half a character cannot be shown
            for text in (key, *(value if isinstance(value, list) else (value,))):
                if isinstance(text, str):
                    text.encode()


def _from_json(file: MapFile) -> Element:
    numbers = count()

    def wrong(place: tuple[int, int], message: str) -> TomlFileError:
        return TomlFileError([file.problem(place, f"is no map that can be read: {message}")])

    try:
        text = file.text.removeprefix("\ufeff")
        table = json.loads(text, object_pairs_hook=lambda pairs: JsonTable(pairs, next(numbers)))
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
