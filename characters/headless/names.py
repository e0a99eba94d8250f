"""Looks up every name in a script before its first step: keys, recordings, levels, people, things.

A script starts in one level and comes to those that its steps load, and to whatever lies behind
their doors. Characters, objects and spawn points are looked for in the files of all of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from characters.audio.sources import read_wav
from characters.headless import script
from engine.scenes.document import SceneDocument
from engine.toml.diagnostics import Mistake, unknown_name, validate
from engine.toml.positions import KeyPath
from engine.toml.reader import TomlFileError, read_source

__all__ = ["read_script"]

ReadLevel = Callable[[str], SceneDocument]


def read_script(
    path: Path, read_level: ReadLevel, first_level: str, *, has_own_components: bool = False
) -> script.Script:
    """Read a script whose names are all known. Raises TomlFileError with every mistake.

    `read_level` returns the document of a level's name, or raises TomlFileError. With components
    of the game's own, characters, objects and spawn points may be made by code: then those that
    no file has are looked for when their step begins.
    """
    source = read_source(path)
    value, mistakes = validate(script.Script, source.data)
    if value is not None:
        names = _Names(path.resolve().parent, read_level, has_own_components)
        mistakes = list(names.mistakes(value, first_level))
    if value is None or mistakes:
        raise TomlFileError(source.problem(mistake) for mistake in mistakes)
    return value


class _Names:
    """The names that a script may use."""

    def __init__(self, folder: Path, read_level: ReadLevel, has_own_components: bool) -> None:
        self._folder = folder
        self._read_level = read_level
        self._is_lenient = has_own_components
        self._documents: dict[str, SceneDocument] = {}
        self._keys: frozenset[str] | None = None

    def mistakes(self, value: script.Script, first_level: str) -> Iterator[Mistake]:
        """Yield a mistake for each name that is not known."""
        loads = [step.scene for step in value.step if isinstance(step, script.LoadSceneStep)]
        self._come_to([first_level, *loads])
        for number, step in enumerate(value.step):
            for field, name in _named(step):
                yield from _LOOKUPS[field[-1]](self, ("step", number, *field), name, step)

    def _come_to(self, names: Iterable[str]) -> None:
        """Read the levels, and those behind their doors, as far as they can be read."""
        for name in names:
            if name in self._documents:
                continue
            try:
                document = self._documents[name] = self._read_level(name)
            except TomlFileError:
                continue  # the step that names it says so
            doors = [document.readable(door) for _, door in document.components("Door")]
            self._come_to(str(door["target"]) for door in doors if door.get("target"))

    def _key(self, path: KeyPath, name: str, step: script.Step) -> Iterator[Mistake]:
        if self._keys is None:
            from engine.ui.events import key_names  # with pygame: only where keys are pressed

            self._keys = key_names()
        if name not in self._keys:
            yield unknown_name(path, "is no name of a key", name, self._keys)

    def _file(self, path: KeyPath, name: str, step: script.Step) -> Iterator[Mistake]:
        try:
            read_wav(self._folder / name)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            yield Mistake(path, f"cannot be played: {why}", name)

    def _level(self, path: KeyPath, name: str, step: script.Step) -> Iterator[Mistake]:
        if name not in self._documents:
            try:
                self._read_level(name)
            except TomlFileError as error:
                yield Mistake(path, f"cannot be loaded: {error.problems[0]}", name)

    def _spawn(self, path: KeyPath, name: str, step: script.Step) -> Iterator[Mistake]:
        assert isinstance(step, script.LoadSceneStep)
        document = self._documents.get(step.scene)
        if document is None or self._is_lenient:
            return
        points = document.components("SpawnPoint")
        labels = [document.readable(point).get("label", "default") for _, point in points]
        if name not in labels:
            yield unknown_name(path, f"is no spawn point of level {step.scene!r}", name, labels)

    def _character(self, path: KeyPath, name: str, step: script.Step) -> Iterator[Mistake]:
        known = [
            str(values[field])
            for document in self._documents.values()
            for _, character in document.components("Character")
            for values in [document.readable(character)]
            for field in ("session_key", "character_id")
            if values.get(field)
        ]
        yield from self._missing(path, name, known, "is no character of")

    def _object(self, path: KeyPath, name: str, step: script.Step) -> Iterator[Mistake]:
        known = [entry.name for document in self._documents.values() for entry in document.objects]
        yield from self._missing(path, name, known, "is no object of")

    def _missing(self, path: KeyPath, name: str, known: list[str], what: str) -> Iterator[Mistake]:
        if name not in known and not self._is_lenient:
            levels = ", ".join(self._documents) or "none"
            message = f"{what} a level that the script comes to ({levels})"
            yield unknown_name(path, message, name, known)


_LOOKUPS: Mapping[str, Callable[[_Names, KeyPath, str, script.Step], Iterator[Mistake]]] = (
    MappingProxyType(
        {
            "key": _Names._key,
            "file": _Names._file,
            "scene": _Names._level,
            "spawn": _Names._spawn,
            "character": _Names._character,
            "object": _Names._object,
        }
    )
)


def _named(step: script.Step) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the fields of a step that name something, with the name."""
    table: Any = step.wait if isinstance(step, script.WaitStep) else step
    above = ("wait",) if isinstance(step, script.WaitStep) else ()
    for field in _LOOKUPS:
        name = getattr(table, field, None)
        if name is not None:
            yield (*above, field), name
