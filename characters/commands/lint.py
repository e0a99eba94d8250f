"""`lint`: every mistake in scene and persona files, and the repair of the plain typos."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from engine.registry import ComponentRegistry
from engine.scene_document import SceneCheck
from engine.scene_file import SceneFile
from engine.scene_part import is_part, read_part
from engine.toml_edit import apply_fixes, is_toml, save_atomically
from engine.toml_file import Problem, TomlFileError, read_source

__all__ = ["Linter", "expand", "report"]

_MOST_ROUNDS = 5  # a repaired name may bring the mistakes below it to light


@dataclass(frozen=True)
class Linter:
    """Checks files, each as what it is: a level, or by folder or keys something else.

    `readers` are for files that no level is made of, by the folder they lie in or a key they have.
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
        """Repair what is plainly a typo, nothing else of the layout; return how many were."""
        fixed = 0
        for _ in range(_MOST_ROUNDS):
            count = self._fix_once(path)
            if not count:
                break
            fixed += count
        return fixed

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
        return SceneFile.read(path, self.registry, self.checks)


def expand(paths: Iterable[Path]) -> list[Path]:
    """Return the files to check: those given, and all `.toml` files below the folders given."""
    found: list[Path] = []
    for path in paths:
        found += sorted(path.rglob("*.toml")) if path.is_dir() else [path]
    return list(dict.fromkeys(found))


def report(problems: Sequence[Problem], files: int, out: TextIO, *, as_json: bool) -> None:
    """Print the problems, for a reader or for a program."""
    if as_json:
        json.dump([_as_data(problem) for problem in problems], out, indent=2, ensure_ascii=False)
        out.write("\n")
        return
    for problem in problems:
        print(problem, file=out)
    what = "no mistakes" if not problems else _count(len(problems), "mistake")
    print(f"{_count(files, 'file')}, {what}.", file=out)


def _identity(problem: Problem) -> tuple[str | None, ...]:
    return problem.object, problem.field, problem.message, problem.got


def _as_data(problem: Problem) -> dict[str, Any]:
    data = asdict(problem)
    data["fixable"] = data.pop("fix") is not None
    return data


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
