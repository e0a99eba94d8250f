"""SceneFile: a level in TOML, checked whole, built into a scene, and saved with its comments.

    registry = ComponentRegistry(Door, Lamp)
    file = SceneFile.read(Path("assets/scenes/hall.toml"), registry)
    scene = file.new_scene(clock=clock)
    file.build(scene)

Editing replaces the one value in the text; every other character stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from engine.assets import AssetFolder
from engine.inspection import spelled
from engine.registry import ComponentRegistry
from engine.scene import Scene
from engine.scene_build import BuiltScene, SceneBuilder
from engine.scene_document import (
    ObjectEntry,
    SceneCheck,
    SceneDocument,
    SceneSettings,
    field_path,
    read_document,
)
from engine.scene_rules import scene_problems
from engine.toml_edit import save_atomically, set_in_text
from engine.toml_file import Problem, TomlFileError, TomlSource, parse_source, read_source
from engine.toml_words import did_you_mean

__all__ = ["SceneFile"]


class SceneFile:
    """A scene file without mistakes; `read` refuses any other with all of them at once.

    One that was read to be mended has those of `problems`, and no edit may add another.
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
        """Check a parsed file. Raises TomlFileError with every problem, unless it is `to_mend`."""
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
        """Read and check a file; assets are looked for below the `assets` folder it lies in.

        Raises TomlFileError with every problem, those of `checks` among them; `to_mend` only if
        it is no TOML.
        """
        assets = AssetFolder.of(path) if asset_root is None else AssetFolder(asset_root)
        source = read_source(path)
        return cls(path, source, registry, assets, tuple(checks), to_mend=to_mend)

    def reread(self, assets: AssetFolder | None = None) -> SceneFile:
        """Read the same file again, for the same game. Raises TomlFileError as `read` does.

        `assets`, a fresh view of the same folder, knows afterwards which files it awaits.
        """
        assets = assets or self.fresh_assets()
        return SceneFile(self.path, read_source(self.path), self._registry, assets, self._checks)

    def fresh_assets(self) -> AssetFolder:
        """Return the file's folder of assets as one that has not looked at anything yet."""
        return AssetFolder(self._assets.root)

    def is_current(self) -> bool:
        """Tell whether every file that this was read from still has the same text."""
        try:
            return all(path.read_bytes() == text.encode() for path, text in self._texts.items())
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
        """What the file says of each object, in its order."""
        return self.document.objects

    def new_scene(self, **parts: Any) -> Scene:
        """Return an empty scene of the file's name, size and background; `parts` as for Scene."""
        scene = Scene(self.settings.name, size=self.settings.size, **parts)
        scene.background = self.settings.background
        return scene

    def build(self, scene: Scene) -> BuiltScene:
        """Make every object in the scene, parents first, components in the file's order."""
        scene.provide(self)
        return SceneBuilder(self.document, scene).build()

    def build_steps(self, scene: Scene) -> Iterator[float]:
        """Make the objects one by one, for loads that are spread over frames; yields progress."""
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
        if self.path.read_bytes() != self._on_disk.encode():
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
        problems += scene_problems(document)
        for check in self._checks:
            problems += check(document)
        return document, tuple(problems)


def _mistake(problem: Problem) -> tuple[str, str | None, str | None, str, str | None]:
    """Return what is wrong, wherever it stands by now."""
    return problem.file, problem.object, problem.field, problem.message, problem.got
