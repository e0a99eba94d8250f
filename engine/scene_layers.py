"""Prefabs and profiles: what lies below an object's own table, and which file says what.

    [[object]]
    prefab = "prefabs/npc.toml"           # an object table in a file of its own, as a default
    [object.Character]
    profile = "characters/patient.toml"   # a component table in a file of its own, as a default

What the level says wins, key by key. A prefab may name a prefab and profiles itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.assets import AssetFolder
from engine.toml_file import Problem, TomlFileError, TomlSource, read_source
from engine.toml_mistakes import Mistake
from engine.toml_positions import KeyPath

__all__ = ["Layer", "LayeredObject", "Layers"]

_DEEPEST = 8  # a prefab of a prefab of a prefab is a mistake long before that

KeepsKey = Callable[[str, str], bool]


@dataclass(frozen=True)
class Layer:
    """A table of a file that lies under an object at `mount`; `prefix` is its path in the file."""

    source: TomlSource
    prefix: KeyPath
    mount: KeyPath = ()

    def path(self, path: KeyPath) -> KeyPath | None:
        """Return the path in the file of a path in the object, if this layer says something."""
        depth = len(self.mount)
        if path[:depth] != self.mount or len(path) < depth:
            return None
        inside = (*self.prefix, *path[depth:])
        return inside if inside in self.source.positions.spans else None


@dataclass(frozen=True)
class LayeredObject:
    """One object: its data with all defaults filled in, and the layers it came from."""

    data: Mapping[str, Any]
    layers: tuple[Layer, ...]

    def find(self, path: KeyPath, *, own: bool = False) -> tuple[TomlSource, KeyPath]:
        """Return the file and the path in it that is nearest to a path in the object.

        With `own`, only the level itself counts: where a key should be added.
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
        return source.problem(mistake, path=path, object_name=self._spoken_of)

    @property
    def _spoken_of(self) -> str | None:
        """The object's name, or its number; a part may have neither."""
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
    """Reads the files that objects are based on, each once, and lays them together."""

    assets: AssetFolder
    keeps_profile: Callable[[str], bool]
    """Whether a component has a field called `profile` itself."""
    problems: list[Problem] = field(default_factory=list)
    _sources: dict[str, TomlSource | None] = field(default_factory=dict)

    @property
    def sources(self) -> tuple[TomlSource, ...]:
        """Every file that was laid below an object."""
        return tuple(source for source in self._sources.values() if source is not None)

    def expand(self, source: TomlSource, index: int, table: Mapping[str, Any]) -> LayeredObject:
        """Return one object of a level with everything that it is based on."""
        prefix: KeyPath = ("object", index)
        layers = [Layer(source, prefix)]
        data = self._with_bases(layers[0], table, layers, LayeredObject(table, tuple(layers)), 0)
        return LayeredObject(data, tuple(layers))

    def part(self, source: TomlSource, component: str | None) -> LayeredObject:
        """Return a prefab, or the profile of a component, as an object known no further."""
        mount = () if component is None else (component,)
        table = source.data if component is None else {component: source.data}
        layers = [Layer(source, (), mount)]
        data = self._with_bases(layers[0], table, layers, LayeredObject(table, tuple(layers)), 0)
        return LayeredObject(data, tuple(layers))

    def _with_bases(
        self,
        layer: Layer,
        table: Mapping[str, Any],
        layers: list[Layer],
        owner: LayeredObject,
        depth: int,
    ) -> dict[str, Any]:
        data = dict(table)
        prefab = data.pop("prefab", None)
        if prefab is not None:
            base = self._base(prefab, ("prefab",), owner, layer, depth)
            if base is not None:
                below = Layer(base, ())
                layers.append(below)
                lower = self._with_bases(below, base.data, layers, owner, depth + 1)
                data = _merged(lower, data)
        for name, part in _tables(table):
            if "profile" in part and not self.keeps_profile(name):
                data[name] = self._with_profile(name, data[name], layers, owner, layer)
        return data

    def _with_profile(
        self,
        name: str,
        part: Mapping[str, Any],
        layers: list[Layer],
        owner: LayeredObject,
        layer: Layer,
    ) -> dict[str, Any]:
        own = dict(part)
        base = self._base(own.pop("profile"), (name, "profile"), owner, layer, 0)
        if base is None:
            return own
        layers.append(Layer(base, (), (name,)))
        return _merged(base.data, own)

    def _base(
        self, name: object, path: KeyPath, owner: LayeredObject, layer: Layer, depth: int
    ) -> TomlSource | None:
        """Return the file that a layer is based on, or None after noting what is wrong with it."""
        mistake = self._mistake(name, path, depth)
        if mistake is not None:
            found = layer.path(path) or layer.prefix
            self.problems.append(
                layer.source.problem(mistake, path=found, object_name=owner.data.get("name"))
            )
            return None
        if name not in self._sources:
            self._sources[str(name)] = self._read(self.assets.path(str(name)))
        return self._sources[str(name)]

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
    """Return both tables in one; where both speak, the upper one is heard."""
    both = dict(lower)
    for key, value in upper.items():
        below = both.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            value = _merged(below, value)
        both[key] = value
    return both
