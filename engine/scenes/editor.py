"""SceneEditor: change one value of a running level, checked as in the file, and save it.

    editor = SceneEditor(scene)
    row = next(row for row in editor.rows(npc) if row.name == "max_reconnect_attempts")
    editor.set(npc, row, "5")            # EditError, and nothing is changed, if that is wrong
    editor.undo()

A level that was built from a file is changed as by a hot reload, and so is one value of the file.
An object that was made in code is changed alone; there is nothing to save.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from engine.core.errors import EngineError
from engine.objects.objects import Component, GameObject
from engine.objects.registry import ComponentRegistry
from engine.objects.scene import Scene
from engine.scenes.build import BuiltScene, ScenePatch, difference
from engine.scenes.document import ObjectEntry, ObjectSettings, SceneDocument
from engine.scenes.file import (
    FieldRow,
    SceneFile,
    complaint,
    field_row,
    field_rows,
    nested_rows,
    parsed,
)
from engine.toml.diagnostics import NOTHING, Mistake, as_data, as_toml, is_table, validate
from engine.toml.editor import save_atomically
from engine.toml.reader import Problem, TomlFileError, field_name

__all__ = ["CODE", "Edit", "EditError", "SceneEditor"]


_log = logging.getLogger(__name__)

CODE = "code"
"""The origin of values that are in no file."""

_OWN = ("name", "position", "tag", "layer", "active")

TakeBack = Callable[[], object]


class LiveFields:
    """The fields of objects that were made in code; component types are cached."""

    def __init__(self) -> None:
        self._kinds: dict[type[Component], ComponentRegistry | None] = {}

    def rows(self, owner: GameObject) -> tuple[FieldRow, ...]:
        """Return every field of the object that a scene file could hold."""
        rows = [_own_row(owner, name) for name in _OWN]
        rows += (row for part in self._parts(owner) for row in self._part_rows(part))
        return tuple(rows)

    def set(self, owner: GameObject, path: str, value: Any) -> TakeBack:
        """Set a field to TOML data; return a function that takes it back. Raises ValueError."""
        component, _, field = path.partition(".")
        if not field:
            return _set_own(owner, path, value)
        part = next(p for p in self._parts(owner) if type(p).__name__ == component)
        field, _, inner = field.partition(".")
        before = getattr(part, field)
        requested = _with(as_data(before), inner.split("."), value) if inner else value
        _assign(part, field, self._checked(part, field, requested))
        return lambda: _assign(part, field, before)

    def _parts(self, owner: GameObject) -> Iterator[Component]:
        return (part for part in owner.components if self._registry(type(part)) is not None)

    def _registry(self, kind: type[Component]) -> ComponentRegistry | None:
        """Return a registry of that type alone; None if files cannot hold its fields."""
        if kind not in self._kinds:
            try:
                self._kinds[kind] = ComponentRegistry(kind)
            except TypeError:
                self._kinds[kind] = None
        return self._kinds[kind]

    def _part_rows(self, part: Component) -> Iterator[FieldRow]:
        registry, name = self._registry(type(part)), type(part).__name__
        assert registry is not None  # see _parts
        for spec in registry.fields(name).values():
            path, value = f"{name}.{spec.name}", getattr(part, spec.name)
            if spec.annotation != spec.file_annotation:
                yield FieldRow(path, _name_of(value), spec.annotation, CODE, is_fixed=True)
            elif is_table(value):
                yield from nested_rows(path, value, CODE)
            else:
                yield field_row(path, spec.annotation, value, CODE)

    def _checked(self, part: Component, field: str, value: Any) -> Any:
        registry, name = self._registry(type(part)), type(part).__name__
        assert registry is not None  # see _parts
        specs = registry.fields(name)
        needed = {n: as_data(getattr(part, n)) for n, spec in specs.items() if spec.required}
        values, mistakes = registry.read(name, {**needed, field: value})
        if values is None:
            raise ValueError(_mistake_sentence(mistakes[0]))
        # Its `__post_init__` may have further rules.
        type(part)(**{n: getattr(part, n) for n in specs} | {field: values[field]})
        return values[field]


def _with(data: Mapping[str, Any], keys: Sequence[str], value: Any) -> dict[str, Any]:
    """Return a table with the value that the keys lead to replaced."""
    head, *rest = keys
    return {**data, head: _with(data[head], rest, value) if rest else value}


def _own_row(owner: GameObject, name: str) -> FieldRow:
    annotation = ObjectSettings.model_fields[name].annotation
    return field_row(name, annotation, _own(owner)[name], CODE)


def _own(owner: GameObject) -> Mapping[str, Any]:
    return {
        "name": owner.name,
        "position": owner.transform.local_position,
        "tag": owner.tag,
        "layer": owner.layer,
        "active": owner.active_self,
    }


def _set_own(owner: GameObject, name: str, value: Any) -> TakeBack:
    before = _own(owner)
    settings, mistakes = validate(ObjectSettings, {"name": owner.name, name: value})
    if settings is None:
        raise ValueError(_mistake_sentence(mistakes[0]))
    _put(owner, name, getattr(settings, name))
    return lambda: _put(owner, name, before[name])


def _put(owner: GameObject, name: str, value: Any) -> None:
    if name == "position":
        owner.transform.local_position = value
    elif name == "active":
        owner.set_active(value)
    else:
        setattr(owner, name, value)


def _assign(part: Component, field: str, value: Any) -> None:
    setattr(part, field, value)
    part.scene.lifecycle.validate(part)


def _name_of(value: Any) -> str:
    """Return a name for a value that no file can hold."""
    if value is None:
        return "none"
    if isinstance(value, Component):
        return value.game_object.name
    return str(getattr(value, "__qualname__", None) or getattr(value, "name", value))


def _mistake_sentence(mistake: Mistake) -> str:
    got = None if mistake.got is NOTHING else as_toml(mistake.got)
    return complaint(field_name(mistake.path), mistake.message, got, mistake.hint)


class EditError(EngineError):
    """An edit was refused, for the reason in one sentence; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One value that was changed."""

    object: str
    path: str
    text: str
    saved: Path | None = None
    """The file that was saved; None for an object made in code."""
    line: int = 0
    """The line in that file."""
    note: str = ""
    """Why it has no effect before the level is loaded again; "" if it has one."""


@dataclass(frozen=True)
class _Done:
    edit: Edit
    take_back: Callable[[], object]


class SceneEditor:
    """Shows and changes the fields of a scene's objects; for the main thread, between frames."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._live = LiveFields()
        self._done: list[_Done] = []
        self._rows: tuple[object, tuple[FieldRow, ...]] = (None, ())

    def rows(self, owner: GameObject) -> tuple[FieldRow, ...]:
        """Return every field of the object that a scene file may hold."""
        found = self._in_file(owner)
        if found is None:
            return self._live.rows(owner)
        document, entry = found
        if self._rows[0] is not entry:  # called 60 times a second
            self._rows = (entry, field_rows(document, entry))
        return self._rows[1]

    def set(self, owner: GameObject, row: FieldRow, text: str) -> Edit:
        """Change a value to the typed text, in the running level and in its file.

        Raises EditError if the value is wrong or cannot be saved; nothing is changed then.
        """
        if row.is_fixed:
            raise EditError(f"{row.name} was set by the game's code: it can only be changed there.")
        found = self._in_file(owner)
        if found is None:
            done = self._set_live(owner, row, text)
        else:
            done = self._set_in_file(found[1].name, row, text)
        self._done.append(done)
        _log.info("Object %r was edited: %s", done.edit.object, done.edit.path)
        return done.edit

    def undo(self) -> Edit:
        """Take the last edit back, to the letter. Raises EditError if that is not possible."""
        if not self._done:
            raise EditError("Nothing was edited that could be undone.")
        done = self._done[-1]
        done.take_back()
        self._done.pop()
        return done.edit

    # objects of a file

    def _in_file(self, owner: GameObject) -> tuple[SceneDocument, ObjectEntry] | None:
        built = self._scene.find_service(BuiltScene)
        entry = None if built is None else built.entry(owner)
        if built is None or entry is None or self._scene.find_service(SceneFile) is None:
            return None
        return built.document, entry

    def _set_in_file(self, name: str, row: FieldRow, text: str) -> _Done:
        value = parsed(row.annotation, text)
        with _refusals():
            file = self._scene.get_service(SceneFile)
            old = file if file.is_current() else file.reread()
            new = copy(old)
            new.set_value(name, row.path, value)
        notes = self._save(old, new)
        line = _first_difference(old.text, new.text)
        edit = Edit(name, row.path, text, new.path, line, "".join(map(_sentence, notes[:1])))
        return _Done(edit, lambda: self._restore(new, old.text))

    def _restore(self, edited: SceneFile, text: str) -> None:
        with _refusals():
            now = edited.reread()
            if now.text != edited.text:
                raise EditError(f"{now.path.name} was changed since, by somebody else: not undone.")
            old = copy(now)
            old.set_text(text)
        self._save(now, old)

    def _save(self, old: SceneFile, new: SceneFile) -> list[Problem]:
        """Write the file, then change the level; both or neither.

        Return the edits that have no effect before the level is loaded again.
        """
        with _refusals():
            new.save()
        try:
            notes = self._patch(new.document)
        except Exception as error:  # raised by a component's own code
            save_atomically(old.path, old.text)
            raise EditError(f"The level could not take that: {error}") from error
        self._scene.provide(new)
        return notes

    def _patch(self, document: SceneDocument) -> list[Problem]:
        built = self._scene.get_service(BuiltScene)
        patch = ScenePatch(document, self._scene, built)
        patch.apply(difference(built.document, document))
        return patch.notes

    # objects of code

    def _set_live(self, owner: GameObject, row: FieldRow, text: str) -> _Done:
        with _refusals():
            value = parsed(row.annotation, text)
            try:
                take_back = self._live.set(owner, row.path, value)
            except (LookupError, ValueError):
                raise
            except Exception as error:  # a component's own code may raise anything
                raise EditError(f"{row.name} could not be set: {error}") from error
        return _Done(Edit(owner.name, row.path, text), take_back)


def _first_difference(old: str, new: str) -> int:
    """Return the number of the first line that differs, from 1."""
    pairs = zip(old.split("\n"), new.split("\n"), strict=False)
    return 1 + sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn each reason to refuse an edit into an EditError of one sentence."""
    try:
        yield
    except TomlFileError as error:
        raise EditError(_sentence(error.problems[0])) from error
    except OSError as error:
        raise EditError(
            f"The file cannot be written ({error.strerror}): nothing changed."
        ) from error
    except (LookupError, ValueError) as error:
        raise EditError(str(error.args[0]) if error.args else str(error)) from error


def _sentence(problem: Problem) -> str:
    file = Path(problem.file)
    message = problem.message.replace(str(file), file.name)
    return complaint(problem.field or file.name, message, problem.got, problem.hint)
