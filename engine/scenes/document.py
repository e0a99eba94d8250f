"""SceneDocument: a scene file as far as it can be read, before anything is built.

Prefabs and profiles are the defaults of an object and of a component, in files of their own:

    [[object]]
    prefab = "prefabs/npc.toml"           # an object table
    [object.Character]
    profile = "characters/patient.toml"   # a component table

The level overrides them key by key. A prefab may name a prefab and profiles itself.

A SceneCheck of the game is called with each document and returns further problems.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from engine.objects.assets import AssetFolder
from engine.objects.registry import Asset, ComponentRegistry
from engine.scenes.tiled import TiledSource, read_tiled
from engine.toml.diagnostics import (
    NOTHING,
    Mistake,
    ModelSchema,
    below,
    did_you_mean,
    similar_names,
    validate,
)
from engine.toml.positions import KeyPath
from engine.toml.reader import (
    MOST_VALUES,
    Problem,
    TomlFileError,
    TomlSource,
    count_values,
    read_source,
)

__all__ = [
    "checked", "ComponentEntry", "ObjectEntry", "ObjectSettings", "Place", "read_document",
    "read_part_document", "SceneCheck", "SceneDocument", "SceneSettings",
]  # fmt: skip


_DEEPEST = 8  # prefabs of prefabs; deeper is surely a circle
# What prefabs and profiles come to, counted anew for each object: a file as large as may be would
# take hours if each object of a level were based on it.
MOST_BASED = 2 * MOST_VALUES


@dataclass(frozen=True)
class FileLayer:
    """A table in a file, at `prefix`, with the values of an object at `mount`."""

    source: TomlSource
    prefix: KeyPath
    mount: KeyPath = ()

    def path(self, path: KeyPath) -> KeyPath | None:
        """Return the path in the file of a path in the object, or None if it is not there."""
        depth = len(self.mount)
        if path[:depth] != self.mount or len(path) < depth:
            return None
        inside = (*self.prefix, *path[depth:])
        return inside if inside in self.source.positions.spans else None


@dataclass(frozen=True)
class LayeredObject:
    """One object: its data with prefab and profiles, and the layers that it came from."""

    data: Mapping[str, Any]
    layers: tuple[FileLayer, ...]

    def find(self, path: KeyPath, *, own: bool = False) -> tuple[TomlSource, KeyPath]:
        """Return the file and the path in it that is nearest to a path in the object.

        With `own` it is in the level itself: where a key should be added.
        """
        layers = self.layers[:1] if own else self.layers
        for length in range(len(path), 0, -1):
            for layer in layers:
                found = layer.path(path[:length])
                if found is not None:
                    return layer.source, found
        return self.layers[0].source, self.layers[0].prefix

    def problem(self, mistake: Mistake) -> Problem:
        """Locate a mistake whose path begins in this object."""
        source, path = self.find(mistake.path, own=mistake.at == "table")
        return source.problem(mistake, path=path, object_name=self._label)

    @property
    def _label(self) -> str | None:
        """The object's name, or its number; None in a prefab or profile without a name."""
        name = self.data.get("name")
        if isinstance(name, str) and name:
            return name
        return f"number {self.index + 1}" if self.layers[0].prefix else None

    @property
    def index(self) -> int:
        """The place of the object among the `[[object]]` tables of its file, from 0."""
        return int(self.layers[0].prefix[-1])


@dataclass
class Layers:
    """Reads prefabs and profiles, each once, and merges them with the objects."""

    assets: AssetFolder
    keeps_profile: Callable[[str], bool]
    """Whether a component has a field of its own called `profile`."""
    problems: list[Problem] = field(default_factory=list)
    _sources: dict[str, TomlSource | None] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _based: int = 0

    @property
    def sources(self) -> tuple[TomlSource, ...]:
        """Every prefab and profile that was read."""
        return tuple(source for source in self._sources.values() if source is not None)

    def expand(self, source: TomlSource, index: int, table: Mapping[str, Any]) -> LayeredObject:
        """Return one object of a level with its prefab and profiles."""
        return self._whole(FileLayer(source, ("object", index)), table)

    def part(self, source: TomlSource, component: str | None) -> LayeredObject:
        """Return a prefab, or the profile of a component, as an object."""
        mount = () if component is None else (component,)
        table = source.data if component is None else {component: source.data}
        return self._whole(FileLayer(source, (), mount), table)

    def _whole(self, layer: FileLayer, table: Mapping[str, Any]) -> LayeredObject:
        layers = [layer]
        data = self._with_bases(layer, table, layers, LayeredObject(table, (layer,)), 0)
        return LayeredObject(data, tuple(layers))

    def _with_bases(
        self,
        layer: FileLayer,
        table: Mapping[str, Any],
        layers: list[FileLayer],
        owner: LayeredObject,
        depth: int,
    ) -> dict[str, Any]:
        data = dict(table)
        prefab = data.pop("prefab", None)
        if prefab is not None:
            base = self._base(prefab, ("prefab",), owner, layer, depth)
            if base is not None:
                prefab_layer = FileLayer(base, ())
                layers.append(prefab_layer)
                lower = self._with_bases(prefab_layer, base.data, layers, owner, depth + 1)
                data = _merged(lower, data)
        for name, part in _tables(table):
            if "profile" in part and not self.keeps_profile(name):
                data[name] = self._with_profile(name, data[name], layers, owner, layer)
        return data

    def _with_profile(
        self,
        name: str,
        part: Mapping[str, Any],
        layers: list[FileLayer],
        owner: LayeredObject,
        layer: FileLayer,
    ) -> dict[str, Any]:
        own = dict(part)
        base = self._base(own.pop("profile"), (name, "profile"), owner, layer, 0)
        if base is None:
            return own
        layers.append(FileLayer(base, (), (name,)))
        return _merged(base.data, own)

    def _base(
        self, name: object, path: KeyPath, owner: LayeredObject, layer: FileLayer, depth: int
    ) -> TomlSource | None:
        """Return the prefab or profile of a name, or None after noting what is wrong."""
        if self._based > MOST_BASED:
            return None  # it was told
        mistake = self._mistake(name, path, depth) or self._too_much(str(name), path)
        if mistake is not None:
            found = layer.path(path) or layer.prefix
            self.problems.append(
                layer.source.problem(mistake, path=found, object_name=owner.data.get("name"))
            )
            return None
        return self._sources[str(name)]

    def _too_much(self, name: str, path: KeyPath) -> Mistake | None:
        """Read a prefab or profile, and count it; return a mistake if all come to too much."""
        if name not in self._sources:
            source = self._sources[name] = self._read(self.assets.path(name))
            self._counts[name] = 0 if source is None else count_values(source.text)
        self._based += self._counts[name]
        if self._based <= MOST_BASED:
            return None
        return Mistake(path, f"prefabs and profiles come to more than {MOST_BASED} values", name)

    def _mistake(self, name: object, path: KeyPath, depth: int) -> Mistake | None:
        if not isinstance(name, str):
            return Mistake(path, "must be the name of a .toml file", name)
        if depth >= _DEEPEST:
            return Mistake(path, "goes in a circle: prefabs must end somewhere", name)
        return self.assets.mistake(name, path, (".toml",))

    def _read(self, path: Path) -> TomlSource | None:
        try:
            return read_source(path)
        except TomlFileError as error:
            self.problems += error.problems
            return None


def _tables(table: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((name, part) for name, part in table.items() if isinstance(part, Mapping))


def _merged(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Return both tables in one; where both have a key, the upper value counts."""
    both = dict(lower)
    for key, value in upper.items():
        default = both.get(key)
        if isinstance(value, Mapping) and isinstance(default, Mapping):
            value = _merged(default, value)
        both[key] = value
    return both


MAPS = (".tmx", ".tmj", ".json")
MUSIC = (".ogg", ".mp3", ".wav", ".flac")

Colour: TypeAlias = Annotated[int, Field(ge=0, le=255)]
Length: TypeAlias = Annotated[FiniteFloat, Field(gt=0)]


class SceneSettings(BaseModel):
    """The `[scene]` table: what concerns the level as a whole."""

    model_config = ConfigDict(extra="forbid")

    name: str = "Scene"
    size: tuple[Length, Length] = (960.0, 600.0)
    background: tuple[Colour, Colour, Colour] = (0, 0, 0)
    music: Annotated[str, Asset(MUSIC)] = ""
    tiled: Annotated[str, Asset(MAPS)] = ""


class ObjectSettings(BaseModel):
    """What an `[[object]]` says beside its components; `position` is beside the parent's."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1)
    position: tuple[FiniteFloat, FiniteFloat] = (0.0, 0.0)
    tag: str = ""
    layer: int = 0
    active: bool = True
    parent: str = ""


class Place(NamedTuple):
    """A place in a file; prints as `file:line:column`."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class ComponentEntry:
    """A component's table: `raw` as written, `values` as validated, None if it has mistakes."""

    name: str
    raw: Mapping[str, Any]
    values: Mapping[str, Any] | None


@dataclass(frozen=True)
class ObjectEntry:
    """An object: its settings, None if they have mistakes, and its components by name."""

    index: int
    name: str
    settings: ObjectSettings | None
    components: Mapping[str, ComponentEntry]
    layered: LayeredObject


@dataclass(frozen=True)
class SceneDocument:
    """A scene file with all its objects; entries with mistakes have no values."""

    source: TomlSource
    registry: ComponentRegistry
    assets: AssetFolder
    settings: SceneSettings | None
    objects: tuple[ObjectEntry, ...]
    based_on: tuple[TomlSource, ...] = ()
    """The prefabs and profiles of the objects, and the files of the Tiled map."""
    is_part: bool = False
    """Whether this is a prefab or a profile alone, without a level."""

    @property
    def music(self) -> Path | None:
        """The file of the level's music, or None."""
        name = "" if self.settings is None else self.settings.music
        return self.assets.path(name) if name else None

    def components(self, name: str) -> Iterator[tuple[ObjectEntry, ComponentEntry]]:
        """Yield every object that has the component, with its table."""
        for entry in self.objects:
            if name in entry.components:
                yield entry, entry.components[name]

    def readable(self, component: ComponentEntry) -> Mapping[str, Any]:
        """Return the values of a component that have no mistakes."""
        if component.values is not None:
            return component.values
        return self.registry.readable(component.name, component.raw)

    def position(self, index: int, component: str | None = None, field: str = "") -> Place:
        """Return where an object, a component or a field (`"a.b"`) is written, or nearest to it."""
        path = field_path(component, field)
        source, found = self.objects[index].layered.find(path)
        return Place(source.file, *source.place(found))

    def problem(
        self,
        index: int,
        component: str | None,
        field: str,
        message: str,
        *,
        got: Any = NOTHING,
        hint: str = "",
    ) -> Problem:
        """Return a located problem with a field (`"a.b"`) of an object or of its component."""
        mistake = Mistake(field_path(component, field), message, got, hint)
        return self.objects[index].layered.problem(mistake)


SceneCheck: TypeAlias = Callable[[SceneDocument], Iterable[Problem]]


def checked(document: SceneDocument, checks: Iterable[SceneCheck]) -> Iterator[Problem]:
    """Yield what the checks find, and which one breaks: it may be the game's own."""
    for check in checks:
        try:
            yield from check(document)
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            what = f"{type(error).__name__}: {error} in {Path(frame.filename).name}:{frame.lineno}"
            message = f"the check {getattr(check, '__name__', check)} breaks: {what}"
            yield Problem(document.source.file, 1, 1, None, None, message)


def field_path(component: str | None, field: str) -> KeyPath:
    """Return the path in an object of a component's field, `"a.b"` being b inside a."""
    parts = [component] if component else []
    return (*parts, *(int(p) if p.isdigit() else p for p in field.split(".") if p))


def read_document(
    source: TomlSource, registry: ComponentRegistry, assets: AssetFolder
) -> tuple[SceneDocument, list[Problem]]:
    """Read a parsed file as a scene; return what could be read, and every problem with the rest."""
    reader = _Reader(source, registry, assets)
    document = reader.read()
    return document, reader.problems


def read_part_document(
    source: TomlSource, registry: ComponentRegistry, assets: AssetFolder, component: str | None
) -> tuple[SceneDocument, list[Problem]]:
    """Read a prefab, or a profile of the component, as the one object of a level."""
    reader = _Reader(source, registry, assets, is_part=True)
    document = reader.read_part(component)
    return document, reader.problems


class _Reader:
    def __init__(
        self,
        source: TomlSource,
        registry: ComponentRegistry,
        assets: AssetFolder,
        *,
        is_part: bool = False,
    ) -> None:
        self.source = source
        self.registry = registry
        self.assets = assets
        self.problems: list[Problem] = []
        self.object_keys = (*ObjectSettings.model_fields, "prefab")
        self.is_part = is_part
        self._schema = ModelSchema(ObjectSettings)

    def read(self) -> SceneDocument:
        self._check_keys()
        settings = self._settings()
        layers = Layers(self.assets, self._has_profile_field)
        tables = enumerate(self._tables())
        layered = [layers.expand(self.source, i, t) for i, t in tables if isinstance(t, Mapping)]
        map_source = self._map()
        if map_source is not None:
            placed = enumerate(map_source.data["object"])
            layered += [layers.expand(map_source, i, table) for i, table in placed]
            self.problems += map_source.problems
        self.problems += layers.problems
        objects = tuple(self._object(index, entry) for index, entry in enumerate(layered))
        maps = (map_source, *map_source.based_on) if map_source else ()
        below = (*layers.sources, *maps)
        return SceneDocument(self.source, self.registry, self.assets, settings, objects, below)

    def read_part(self, component: str | None) -> SceneDocument:
        layers = Layers(self.assets, self._has_profile_field)
        layered = layers.part(self.source, component)
        self.problems += layers.problems
        entry = self._object(0, layered)
        return SceneDocument(
            self.source, self.registry, self.assets, None, (entry,), layers.sources, is_part=True
        )

    def _has_profile_field(self, component: str) -> bool:
        return component in self.registry and "profile" in self.registry.fields(component)

    def _check_keys(self) -> None:
        for key in self.source.data:
            if key not in ("scene", "object"):
                hint, sure = did_you_mean(key, ("scene", "object"))
                if key in self.registry:
                    hint, sure = f"[object.{key}]", None
                self._note(Mistake((key,), "is not known here", NOTHING, hint, "key", sure))

    def _note(self, mistake: Mistake) -> None:
        self.problems.append(self.source.problem(mistake))

    def _settings(self) -> SceneSettings | None:
        raw = self.source.data.get("scene")
        if raw is None:
            self._note(Mistake(("scene",), "is missing", hint='[scene] with name = "..."'))
            return None
        if not isinstance(raw, Mapping):
            self._note(Mistake(("scene",), "must be a table", raw, "[scene]"))
            return None
        settings, mistakes = validate(SceneSettings, raw)
        for mistake in mistakes:
            self._note(below(("scene",), mistake))
        for name, suffixes in (("music", MUSIC), ("tiled", MAPS)):
            found = self._missing(raw.get(name), name, suffixes)
            if found is not None:
                self._note(found)
                settings = None
        return settings

    def _missing(self, file: object, name: str, suffixes: tuple[str, ...]) -> Mistake | None:
        if not isinstance(file, str) or not file:
            return None
        path = ("scene", name)
        found = self.assets.mistake(file, path, suffixes)
        if found is None and suffixes == MUSIC:
            found = self.assets.sound_mistake(file, path)
        return found

    def _map(self) -> TiledSource | None:
        # Not from the settings: they are None after a mistake elsewhere in them.
        raw = self.source.data.get("scene")
        tiled = raw.get("tiled") if isinstance(raw, Mapping) else None
        if not isinstance(tiled, str) or not tiled or self._missing(tiled, "tiled", MAPS):
            return None
        try:
            return read_tiled(self.assets.path(tiled), self.registry, self.assets)
        except TomlFileError as error:
            self.problems += error.problems
            return None

    def _tables(self) -> list[Any]:
        raw = self.source.data.get("object", [])
        if not isinstance(raw, list):
            self._note(
                Mistake(("object",), "must be a list of tables", hint="[[object]]", at="key")
            )
            return []
        for index, table in enumerate(raw):
            if not isinstance(table, Mapping):
                self._note(Mistake(("object", index), "must be a table", table, "[[object]]"))
        return raw

    def _object(self, index: int, layered: LayeredObject) -> ObjectEntry:
        plain: dict[str, Any] = {}
        components: dict[str, ComponentEntry] = {}
        for key, value in layered.data.items():
            if key in self.registry:
                components[key] = self._component(key, value, layered)
            elif key in ObjectSettings.model_fields:
                plain[key] = value
            else:
                self._unknown(key, value, layered)
        settings, mistakes = validate(ObjectSettings, plain, self._schema)
        self.problems += map(layered.problem, self._relevant(mistakes))
        name = plain.get("name")
        return ObjectEntry(
            index, name if isinstance(name, str) else "", settings, components, layered
        )

    def _component(self, name: str, raw: Any, layered: LayeredObject) -> ComponentEntry:
        if not isinstance(raw, Mapping):
            mistake = Mistake((name,), "must be one table", NOTHING, f"[object.{name}]", "key")
            self.problems.append(layered.problem(mistake))
            return ComponentEntry(name, {}, None)
        values, mistakes = self.registry.read(name, raw, is_part=self.is_part)
        relevant = self._relevant(mistakes)
        self.problems += (layered.problem(below((name,), mistake)) for mistake in relevant)
        return ComponentEntry(name, raw, values)

    def _relevant(self, mistakes: list[Mistake]) -> list[Mistake]:
        """Leave out missing keys in a part: the level may have them."""
        return [m for m in mistakes if not (self.is_part and m.at == "table")]

    def _field_of(self, key: str) -> str:
        """Return where a key belongs that is no object's; "" if that is not known."""
        if key in ("x", "y"):
            return "position = [x, y]"
        names = self.registry.names()
        owners = [name for name in names if key in self.registry.fields(name)]
        return " or ".join(f"{key} below [object.{name}]" for name in owners[:3])

    def _unknown(self, key: str, value: Any, layered: LayeredObject) -> None:
        is_table = isinstance(value, (Mapping, list))
        known = self.registry.names() if is_table else self.object_keys
        if not similar_names(key, known)[0]:
            known = (*self.object_keys, *self.registry.names())
        hint, sure = did_you_mean(key, known)
        what = "is not a known component" if is_table else "is not a known key"
        taken = sure in layered.data
        is_component = isinstance(value, Mapping) and sure is not None
        if not is_component and (place := self._field_of(key)):
            hint, sure = place, None
        mistake = Mistake((key,), what, NOTHING, hint, "key", None if taken else sure)
        self.problems.append(layered.problem(mistake))
