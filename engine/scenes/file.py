"""SceneFile: a level in TOML, checked as a whole, built into a scene, and saved with its comments.

    registry = ComponentRegistry(Door, Lamp)
    file = SceneFile.read(Path("assets/scenes/hall.toml"), registry)
    scene = file.new_scene(clock=clock)
    file.build(scene)

An edit replaces one value in the text; every other character stays. `field_rows` lists what can
be edited: the fields of an object, their values and where each comes from.
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from engine.core.file_system import read_file
from engine.objects.assets import AssetFolder
from engine.objects.registry import ComponentRegistry
from engine.objects.scene import Scene
from engine.scenes.build import BuiltScene, SceneBuilder
from engine.scenes.document import (
    ComponentEntry,
    ObjectEntry,
    ObjectSettings,
    SceneCheck,
    SceneDocument,
    SceneSettings,
    checked,
    field_path,
    read_document,
)
from engine.scenes.rules import scene_problems
from engine.toml.diagnostics import bare, did_you_mean, is_table, members
from engine.toml.editor import literal, save_atomically, set_in_text
from engine.toml.reader import Problem, TomlFileError, TomlSource, parse_source, read_source

__all__ = [
    "choices_of", "complaint", "DEFAULT", "field_rows", "FieldRow", "LEVEL", "nested_rows",
    "parsed", "SceneFile", "spelled", "value_text",
]  # fmt: skip


LEVEL = "level"
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One value that a scene file may hold.

    `path` is an argument of `SceneFile.set_value`. `origin` is where the value comes from:
    `level`, `default`, or a preset, profile or prefab by its name.
    """

    path: str
    text: str
    annotation: Any
    origin: str = LEVEL
    choices: tuple[str, ...] = ()
    is_fixed: bool = False
    """Whether it cannot be edited: a value set in code that no file can hold."""

    @property
    def group(self) -> str:
        """The table of the field; "" for the object's own."""
        return self.path.rpartition(".")[0]

    @property
    def name(self) -> str:
        """The name of the field in its table."""
        return self.path.rpartition(".")[2]


def field_rows(document: SceneDocument, entry: ObjectEntry) -> tuple[FieldRow, ...]:
    """Return every field of an object, whether the file sets it or not."""
    assert entry.settings is not None  # a document that was built has no mistakes
    rows = []
    for name, info in ObjectSettings.model_fields.items():
        value = getattr(entry.settings, name)
        origin = _origin(entry, (name,), name in entry.layered.data)
        rows.append(field_row(name, info.annotation, value, origin))
    for component in entry.components.values():
        rows += _component_rows(document, entry, component)
    return tuple(rows)


def _component_rows(
    document: SceneDocument, entry: ObjectEntry, component: ComponentEntry
) -> Iterator[FieldRow]:
    for name, spec in document.registry.fields(component.name).items():
        value, raw = (component.values or {}).get(name, spec.default), component.raw.get(name)
        path = f"{component.name}.{name}"
        if is_table(value):
            for row in nested_rows(path, value):
                keys = row.path.removeprefix(f"{path}.").split(".")
                yield dataclasses.replace(row, origin=_nested_origin(entry, path, raw, keys))
        else:
            origin = _origin(entry, (component.name, name), name in component.raw)
            yield field_row(path, spec.file_annotation, value, origin)


def nested_rows(path: str, value: Any, origin: str = DEFAULT) -> Iterator[FieldRow]:
    """Yield the fields of a table that is a value itself, as a policy is."""
    hints = get_type_hints(type(value), include_extras=True)
    for field in dataclasses.fields(value):
        inner, below = getattr(value, field.name), f"{path}.{field.name}"
        if is_table(inner):
            yield from nested_rows(below, inner, origin)
        else:
            yield field_row(below, hints[field.name], inner, origin)


def field_row(path: str, annotation: Any, value: Any, origin: str) -> FieldRow:
    """Return the row of one field."""
    return FieldRow(path, value_text(value), annotation, origin, choices_of(annotation))


def _origin(entry: ObjectEntry, path: tuple[str, ...], is_said: bool) -> str:
    if not is_said:
        return DEFAULT
    for layer in entry.layered.layers:
        if layer.path(path) is not None:
            kind = "profile" if layer.mount else "prefab"
            is_own = layer is entry.layered.layers[0]
            return LEVEL if is_own else f"{kind} {Path(layer.source.file).name}"
    return DEFAULT


def _nested_origin(entry: ObjectEntry, path: str, raw: Any, keys: Sequence[str]) -> str:
    """Return where a value inside a table comes from; `keys` lead to it."""
    for key in keys:
        if isinstance(raw, Mapping) and key in raw:
            raw = raw[key]
            continue
        preset = raw.get("preset") if isinstance(raw, Mapping) else raw
        return f"preset {preset}" if isinstance(preset, str) else DEFAULT
    return _origin(entry, (*path.split("."), *keys), is_said=True)


def value_text(value: Any) -> str:
    """Return a value as it is shown and edited: text without quotes, the rest as in TOML."""
    if value is None:
        return "none"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, str):
        return value
    return literal(value)


_WRITTEN: Mapping[type, tuple[str, ...]] = types.MappingProxyType(
    {bool: ("true", "false"), types.NoneType: ("none",)}
)


def choices_of(annotation: Any) -> tuple[str, ...]:
    """Return the values that a field may have if they are few; () for free input."""
    found: list[str] = []
    for kind in map(bare, members(bare(annotation))):
        if kind in _WRITTEN:
            found += _WRITTEN[kind]
        elif isinstance(kind, type) and issubclass(kind, Enum):
            found += [str(member.value) for member in kind]
        elif get_origin(kind) is Literal:
            found += map(str, get_args(kind))
        else:
            return ()
    return tuple(found)


def parsed(annotation: Any, text: str) -> Any:
    """Return a typed text as TOML data, which may be of a wrong type."""
    kinds = tuple(map(bare, members(bare(annotation))))
    if bool in kinds and text in ("true", "false"):
        return text == "true"
    if str in kinds or choices_of(annotation):
        return text
    try:
        said = tomllib.loads(f"value = {text}")
    except ValueError:
        return _number(text)
    return said["value"] if len(said) == 1 else text


def _number(text: str) -> Any:
    """Return the number of a short form as `.5`, or the text itself."""
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def spelled(entry: ObjectEntry, path: str, value: Any) -> tuple[str, Any]:
    """Return path and value as the file has to write them.

    A field cannot be added to a table that is written as the name of a preset: the table becomes
    `{ preset = "patient", field = value }`.
    """
    component, *keys = path.split(".")
    said: Any = entry.components[component].raw if component in entry.components else {}
    for depth, key in enumerate(keys[:-1], 2):
        said = said.get(key) if isinstance(said, Mapping) else None
        if isinstance(said, str):
            table = ".".join(path.split(".")[:depth])
            return table, {"preset": said, **_nested(keys[depth - 1 :], value)}
    return path, value


def _nested(keys: Sequence[str], value: Any) -> dict[str, Any]:
    head, *rest = keys
    return {head: _nested(rest, value) if rest else value}


def complaint(field: str, message: str, got: str | None, hint: str | None) -> str:
    """Return what is wrong with a value in one sentence, with the field's last name."""
    name = field.rpartition(".")[2] or "It"
    said = f" (got {got})" if got is not None else ""
    return f"{name} {message}{said}." + (f" Try: {hint}" if hint else "")


_MOST_PROBLEMS = 1_000  # beyond those of single tables: each may take a look at every object


class SceneFile:
    """A scene file without mistakes; `read` raises all of them at once.

    With `to_mend` it has those of `problems`, and no edit may add another.
    """

    def __init__(
        self,
        path: Path,
        source: TomlSource,
        registry: ComponentRegistry,
        assets: AssetFolder,
        checks: tuple[SceneCheck, ...],
        *,
        to_mend: bool = False,
    ) -> None:
        """Check a parsed file. Raises TomlFileError with every problem, unless `to_mend`."""
        self.path = path
        self._registry = registry
        self._assets = assets
        self._checks = checks
        self._on_disk = source.text
        self.document, self.problems = self._look(source)
        if self.problems and not to_mend:
            raise TomlFileError(self.problems)

    @classmethod
    def read(
        cls,
        path: Path,
        registry: ComponentRegistry,
        checks: Iterable[SceneCheck] = (),
        *,
        asset_root: Path | None = None,
        to_mend: bool = False,
    ) -> SceneFile:
        """Read and check a file; its assets are below the `assets` folder that it is in.

        Raises TomlFileError with every problem, those of `checks` too; with `to_mend` only if it
        is no TOML.
        """
        assets = AssetFolder.of(path) if asset_root is None else AssetFolder(asset_root)
        source = read_source(path)
        return cls(path, source, registry, assets, tuple(checks), to_mend=to_mend)

    def reread(self, assets: AssetFolder | None = None) -> SceneFile:
        """Read the same file again. Raises TomlFileError as `read` does.

        `assets`, a fresh view of the same folder, then has the files that are missing.
        """
        assets = assets or self.fresh_assets()
        return SceneFile(self.path, read_source(self.path), self._registry, assets, self._checks)

    def fresh_assets(self) -> AssetFolder:
        """Return the folder of assets without what it remembers of its files."""
        return AssetFolder(self._assets.root)

    def is_current(self) -> bool:
        """Return whether every file that this was read from still has the same text."""
        try:
            return all(read_file(path) == text.encode() for path, text in self._texts.items())
        except OSError:
            return False

    @property
    def files(self) -> tuple[Path, ...]:
        """The file itself and every prefab, profile and map that it is based on."""
        return tuple(self._texts)

    @property
    def _texts(self) -> dict[Path, str]:
        below = {Path(source.file): source.text for source in self.document.based_on}
        return {self.path: self.text} | below

    @property
    def text(self) -> str:
        """The text as it would be saved."""
        return self.document.source.text

    @property
    def settings(self) -> SceneSettings:
        """The `[scene]` table."""
        assert self.document.settings is not None
        return self.document.settings

    @property
    def objects(self) -> tuple[ObjectEntry, ...]:
        """The objects of the file, in its order."""
        return self.document.objects

    def new_scene(self, **parts: Any) -> Scene:
        """Return an empty scene of the file's name and size; `parts` as for Scene."""
        return Scene(self.settings.name, size=self.settings.size, **parts)

    def build(self, scene: Scene) -> BuiltScene:
        """Make every object in the scene, parents first, components in the file's order."""
        scene.provide(self)
        return SceneBuilder(self.document, scene).build()

    def build_steps(self, scene: Scene) -> Iterator[float]:
        """Make the objects one by one, to spread loading over frames; yield the progress."""
        scene.provide(self)
        builder = SceneBuilder(self.document, scene)
        yield from builder.steps()
        builder.built()

    def set_value(self, object_name: str, field: str, value: Any) -> None:
        """Change one value, `"position"` or `"Character.reconnect_policy.idle"`; not yet on disk.

        Raises LookupError for an unknown object or one of a Tiled map, ValueError for what TOML
        cannot hold, TomlFileError if the file would have mistakes then; these change nothing.
        """
        entry = self._object(object_name)
        if entry.layered.layers[0].source is not self.document.source:
            where = entry.layered.layers[0].source.file
            raise LookupError(f"{object_name!r} is placed by {where}. Try: change it in Tiled")
        field, value = spelled(entry, field, value)
        path = ("object", entry.layered.index, *field_path(None, field))
        self.set_text(set_in_text(self.document.source.positions, path, value))

    def set_text(self, text: str) -> None:
        """Replace the whole text; not yet on disk. Raises TomlFileError and changes nothing."""
        document, problems = self._look(parse_source(text, self.document.source.file))
        known = set(map(_mistake, self.problems))
        if new := [problem for problem in problems if _mistake(problem) not in known]:
            raise TomlFileError(new)
        self.document, self.problems = document, problems

    def save(self) -> None:
        """Write the file. Raises OSError, or TomlFileError if it was changed meanwhile."""
        if read_file(self.path) != self._on_disk.encode():
            message = "was changed on disk since it was read; nothing was saved"
            problem = Problem(str(self.path), 1, 1, None, None, message, None, "read it again")
            raise TomlFileError([problem])
        save_atomically(self.path, self.text)
        self._on_disk = self.text

    def _object(self, name: str) -> ObjectEntry:
        for entry in self.objects:
            if entry.name == name:
                return entry
        hint, _ = did_you_mean(name, [entry.name for entry in self.objects])
        tail = f" Try: {hint}" if hint else ""
        raise LookupError(f"{self.path} has no object {name!r}.{tail}")

    def _look(self, source: TomlSource) -> tuple[SceneDocument, tuple[Problem, ...]]:
        document, problems = read_document(source, self._registry, self._assets)
        further = chain(scene_problems(document), checked(document, self._checks))
        return document, (*problems, *islice(further, _MOST_PROBLEMS))


def _mistake(problem: Problem) -> tuple[str, str | None, str | None, str, str | None]:
    """Return a problem without its place, which an edit may shift."""
    return problem.file, problem.object, problem.field, problem.message, problem.got
