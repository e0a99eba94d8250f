"""SceneDocument: what a scene file says, read as far as it can be, before anything is built.

Checks that concern several objects get one: `check(document) -> Iterable[Problem]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, PositiveFloat

from engine.assets import AssetFolder
from engine.fields import Asset
from engine.registry import ComponentRegistry
from engine.scene_layers import LayeredObject, Layers
from engine.tiled import read_tiled
from engine.toml_file import Problem, TomlFileError, TomlSource
from engine.toml_mistakes import NOTHING, Mistake, below, validate
from engine.toml_positions import KeyPath
from engine.toml_words import did_you_mean

__all__ = [
    "ComponentEntry",
    "ObjectEntry",
    "ObjectSettings",
    "Place",
    "SceneCheck",
    "SceneDocument",
    "SceneSettings",
    "read_document",
    "read_part_document",
]

MAPS = (".tmx", ".tmj")

Colour: TypeAlias = Annotated[int, Field(ge=0, le=255)]


class SceneSettings(BaseModel):
    """The `[scene]` table: what concerns the level as a whole."""

    model_config = ConfigDict(extra="forbid")

    name: str = "Scene"
    size: tuple[PositiveFloat, PositiveFloat] = (960.0, 600.0)
    background: tuple[Colour, Colour, Colour] = (0, 0, 0)
    music: Annotated[str, Asset()] = ""
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
    """A scene file with all its objects; what has mistakes of its own has no values."""

    source: TomlSource
    registry: ComponentRegistry
    assets: AssetFolder
    settings: SceneSettings | None
    objects: tuple[ObjectEntry, ...]
    based_on: tuple[TomlSource, ...] = ()
    """The prefabs, profiles and the map that lie below the objects."""
    is_part: bool = False
    """Whether this is a prefab or profile on its own: the rest of the level is not known."""

    def components(self, name: str) -> Iterator[tuple[ObjectEntry, ComponentEntry]]:
        """Yield every object that has the component, with its table."""
        for entry in self.objects:
            if name in entry.components:
                yield entry, entry.components[name]

    def readable(self, component: ComponentEntry) -> Mapping[str, Any]:
        """Return the values of a component as far as they have no mistakes of their own."""
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

    def read(self) -> SceneDocument:
        self._refuse_strangers()
        settings = self._settings()
        layers = Layers(self.assets, self._has_profile_field)
        tables = enumerate(self._tables())
        layered = [layers.expand(self.source, i, t) for i, t in tables if isinstance(t, Mapping)]
        map_source = self._map()
        if map_source is not None:
            placed = enumerate(map_source.data["object"])
            layered += [layers.expand(map_source, i, table) for i, table in placed]
        self.problems += layers.problems
        objects = tuple(self._object(index, entry) for index, entry in enumerate(layered))
        below = (*layers.sources, *([map_source] if map_source else ()))
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

    def _refuse_strangers(self) -> None:
        for key in self.source.data:
            if key not in ("scene", "object"):
                hint, sure = did_you_mean(key, ("scene", "object"))
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
        for name, suffixes in (("music", ()), ("tiled", MAPS)):
            found = self._missing(raw.get(name), name, suffixes)
            if found is not None:
                self._note(found)
                settings = None
        return settings

    def _missing(self, file: object, name: str, suffixes: tuple[str, ...]) -> Mistake | None:
        if not isinstance(file, str) or not file:
            return None
        return self.assets.mistake(file, ("scene", name), suffixes)

    def _map(self) -> TomlSource | None:
        # Not from the settings: a mistake elsewhere in them takes no object off the map.
        raw = self.source.data.get("scene")
        tiled = raw.get("tiled") if isinstance(raw, Mapping) else None
        if not isinstance(tiled, str) or not tiled or self._missing(tiled, "tiled", MAPS):
            return None
        try:
            return read_tiled(self.assets.path(tiled), self.registry)
        except TomlFileError as error:
            self.problems += error.problems
            if isinstance(error.__cause__, FileNotFoundError) and error.__cause__.filename:
                self.assets.awaited.add(Path(error.__cause__.filename))  # a tileset of the map
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
        settings, mistakes = validate(ObjectSettings, plain)
        self.problems += map(layered.problem, self._kept(mistakes))
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
        kept = self._kept(mistakes)
        self.problems += (layered.problem(below((name,), mistake)) for mistake in kept)
        return ComponentEntry(name, raw, values)

    def _kept(self, mistakes: list[Mistake]) -> list[Mistake]:
        """Leave out what is missing in a part: the level may have it."""
        return [m for m in mistakes if not (self.is_part and m.at == "table")]

    def _unknown(self, key: str, value: Any, layered: LayeredObject) -> None:
        is_table = isinstance(value, (Mapping, list))
        known = self.registry.names() if is_table else self.object_keys
        hint, sure = did_you_mean(key, known)
        if not hint or hint.startswith("one of"):
            hint, sure = did_you_mean(key, (*self.object_keys, *self.registry.names()))
        what = "is not a known component" if is_table else "is not a known key"
        taken = sure in layered.data
        mistake = Mistake((key,), what, NOTHING, hint, "key", None if taken else sure)
        self.problems.append(layered.problem(mistake))
