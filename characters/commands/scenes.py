"""`lint` and `set`: find every mistake in a project's files, repair typos, change one value."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain, takewhile
from pathlib import Path
from typing import Any, TextIO

from characters.agents.persona import SMALL_TALK, SmallTalk, read_small_talk
from characters.agents.persona_checks import check_persona, check_small_talk
from characters.commands.own_components import components_of, components_of_game
from characters.components.checks import SCENE_CHECKS
from characters.components.language import lint_words
from characters.headless.script import Script
from characters.installation import package_assets
from characters.ui.registration import component_registry
from engine.objects.assets import AssetFolder
from engine.objects.registry import ComponentRegistry
from engine.scenes.document import SceneCheck
from engine.scenes.file import SceneFile
from engine.scenes.rules import is_part, read_part
from engine.toml.diagnostics import did_you_mean
from engine.toml.editor import apply_fixes, is_toml, save_atomically
from engine.toml.reader import Problem, TomlFileError, read_source, read_toml

__all__ = ["expand", "Linter", "project_linter", "project_registry", "report", "set_from_text"]

_MOST_ROUNDS = 5  # a repaired name may bring the mistakes below it to light


@dataclass(frozen=True)
class Linter:
    """Checks files: levels and their parts, and by folder or key other kinds of files.

    `readers` read those others, by the folder that they lie in or a key that they have.
    """

    registry: ComponentRegistry
    checks: tuple[SceneCheck, ...] = ()
    readers: Mapping[str, Callable[[Path], object]] = field(default_factory=dict)

    def problems(self, path: Path) -> tuple[Problem, ...]:
        """Return every problem of one file, and of the files that it is based on."""
        reader = self.readers.get(path.absolute().parent.name, self._read_by_content)
        try:
            reader(path)
        except TomlFileError as error:
            return error.problems
        return ()

    def fix(self, path: Path) -> int:
        """Repair plain typos and leave the layout alone; return how many there were."""
        counts = (self._fix_once(path) for _ in range(_MOST_ROUNDS))
        return sum(takewhile(bool, counts))

    def _fix_once(self, path: Path) -> int:
        fixable = [p for p in self.problems(path) if p.fix is not None and p.file == str(path)]
        if not fixable:
            return 0
        before = read_source(path).text
        after = apply_fixes(before, (p.fix for p in fixable if p.fix is not None))
        if not is_toml(after):
            return 0
        save_atomically(path, after)
        left = {_identity(problem) for problem in self.problems(path)}
        if left.isdisjoint(map(_identity, fixable)):
            return len(fixable)
        save_atomically(path, before)
        return 0

    def _read_by_content(self, path: Path) -> object:
        source = read_source(path)
        for key, reader in self.readers.items():
            if key in source.data:
                return reader(path)
        if is_part(source, self.registry):
            return read_part(source, self.registry, self.checks)
        return SceneFile(path, source, self.registry, AssetFolder.of(path), self.checks)


def expand(paths: Iterable[Path]) -> list[Path]:
    """Return the files to check: those given, and all `.toml` files below the folders given."""
    found = (sorted(path.rglob("*.toml")) if path.is_dir() else [path] for path in paths)
    return list(dict.fromkeys(chain.from_iterable(found)))


def report(problems: Sequence[Problem], files: int, out: TextIO, *, as_json: bool) -> None:
    """Print the problems, for a reader or for a program."""
    if as_json:
        print(json.dumps(list(map(_as_data, problems)), indent=2, ensure_ascii=False), file=out)
        return
    for problem in problems:
        print(problem, file=out)
    what = "no mistakes" if not problems else _count(len(problems), "mistake")
    print(f"{_count(files, 'file')}, {what}.", file=out)


def _identity(problem: Problem) -> tuple[str | None, ...]:
    return problem.object, problem.field, problem.message, problem.got


def _as_data(problem: Problem) -> dict[str, Any]:
    data = asdict(problem.in_short())
    data["fixable"] = data.pop("fix") is not None
    return data


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def project_registry(modules: Iterable[str] = (), script: Path | None = None) -> ComponentRegistry:
    """Return the components of this package, of the modules, and of a game by its main script.

    The modules are looked for in the working folder first. Raises ImportError.
    """
    registry = component_registry()
    own = [kind for name in modules for kind in components_of(name, Path.cwd())]
    if script is not None:
        own += components_of_game(script)
    for kind in own:
        try:
            registry.register(kind)
        except (TypeError, ValueError) as error:  # a name that is taken, or a field that cannot be
            raise ImportError(f"{sys.modules[kind.__module__].__file__}: {error}") from error
    return registry


def project_linter(modules: Iterable[str] = (), script: Path | None = None) -> Linter:
    """Return the linter for all kinds of files: see `project_registry`. Raises ImportError."""

    def persona(path: Path) -> object:
        return check_persona(path, _small_talk(path))

    readers = {
        "personas": persona,
        "fallback": persona,  # what each has to have, wherever it lies
        "shared": check_small_talk,
        "words": lint_words,
        "step": lambda path: read_toml(path, Script),
    }
    return Linter(project_registry(modules, script), SCENE_CHECKS, readers)


def _small_talk(persona: Path) -> SmallTalk | None:
    """Return what a persona's small talk may be about; None if that cannot be read."""
    own = persona.absolute().parent.parent / SMALL_TALK
    try:
        return read_small_talk(own if own.is_file() else package_assets() / SMALL_TALK)
    except TomlFileError:
        return None  # it is reported for its own file


def split_target(file: SceneFile, target: str) -> tuple[str, str]:
    """Return object and field of `Object.field`; names may hold dots. Raises LookupError."""
    names = [entry.name for entry in file.objects if target.startswith(f"{entry.name}.")]
    if names:
        name = max(names, key=len)
        return name, target[len(name) + 1 :]
    first = target.partition(".")[0]
    hint, _ = did_you_mean(first, [entry.name for entry in file.objects])
    raise LookupError(
        f"{file.path} has no object for {target!r}: write OBJECT.FIELD."
        + (f" Try: {hint}" if hint else "")
    )


def set_from_text(file: SceneFile, target: str, text: str) -> None:
    """Set a value given as TOML, or as a bare text where that is what the field holds.

    Raises LookupError, ValueError, or TomlFileError if the file would have mistakes then.
    """
    name, field = split_target(file, target)
    value = _as_toml(text)
    try:
        file.set_value(name, field, value)
    except TomlFileError as problem:
        if value == text:
            raise
        try:
            file.set_value(name, field, text)  # an id may look like a number
        except TomlFileError:
            raise problem from None


def _as_toml(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except ValueError:
        return text
