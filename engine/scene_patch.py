"""Applies what changed in a scene file to the living scene, and touches nothing else.

Parents are hung before anybody goes: who was moved from a parent that goes stays. Whatever the
game did itself since the level was built, stays too: who walked stays where it walked, unless
its place in the file changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from engine.component import Component
from engine.fields import Marker
from engine.game_object import GameObject
from engine.scene import Scene
from engine.scene_build import BuiltScene, SceneBuilder, parents_first
from engine.scene_difference import Change, ObjectDifference, SceneDifference
from engine.scene_document import ObjectEntry, SceneDocument
from engine.toml_file import Problem

__all__ = ["ScenePatch"]


class ScenePatch(SceneBuilder):
    """Makes `document` of a scene that was built from another one."""

    def __init__(self, document: SceneDocument, scene: Scene, built: BuiltScene) -> None:
        super().__init__(document, scene)
        self.notes: list[Problem] = []
        """Edits that have no effect before the level is loaded again."""
        self._entries = {entry.name: entry for entry in document.objects}
        self._before = built.objects

    def apply(self, found: SceneDifference) -> BuiltScene:
        """Do what the difference says, and return the scene's new description."""
        changed = [self._entries[name] for name in found.changed if not self._is_gone(name)]
        added = [self._entries[name] for name in found.added]
        new = {name: found.changed[name].added for name in found.changed}
        self._take_over(entry for name, entry in self._entries.items() if name not in found.added)
        for entry in (*added, *changed):  # first: a constructor that refuses changes nothing
            made = self._make(entry, new.get(entry.name, entry.components))
            self._parts.setdefault(entry.name, {}).update(made)
        for entry in parents_first(self.document.objects):
            if entry.name in found.added:
                self._create(entry)
        for entry in changed:
            self._settle(entry, found.changed[entry.name].changed.get("", {}))
        self._let_go(found)
        touched = [part for e in changed for part in self._set(e, found.changed[e.name])]
        touched += self._refer_again(found)
        for entry in (*added, *changed):
            self._connect(entry, new.get(entry.name, entry.components))
        for _ in self._wake(added):
            pass
        self._set_level(found.settings)
        for part in dict.fromkeys(touched):
            self.scene._lifecycle.validate(part)
        return self.built()

    def _is_gone(self, name: str) -> bool:
        return self._before[name].is_destroyed

    def _take_over(self, entries: Iterable[ObjectEntry]) -> None:
        for entry in entries:
            owner = self.objects[entry.name] = self._before[entry.name]
            kinds = {name: self.document.registry.get(name) for name in entry.components}
            parts = ((name, _living(owner, kind)) for name, kind in kinds.items())
            self._parts[entry.name] = {name: part for name, part in parts if part is not None}

    def _settle(self, entry: ObjectEntry, changes: Mapping[str, Change]) -> None:
        """Bring an object's place, parent, tag, layer and activity in line with the file."""
        assert entry.settings is not None
        owner, settings = self.objects[entry.name], entry.settings
        if "parent" in changes:
            parent = self.objects[settings.parent].transform if settings.parent else None
            owner.transform.set_parent(parent, keep_world_position=False)
        if "position" in changes:
            owner.transform.local_position = settings.position
        if "active" in changes:
            owner.set_active(settings.active)
        owner.tag = settings.tag if "tag" in changes else owner.tag
        if "layer" in changes:
            owner.layer = settings.layer

    def _let_go(self, found: SceneDifference) -> None:
        for name in found.removed:
            if not self._is_gone(name):
                self._before[name].destroy()
        for name, change in found.changed.items():
            for kind in map(self.document.registry.get, change.removed):
                part = _living(self._before[name], kind)
                if part is not None:
                    self.scene.destroy(part)

    def _set(self, entry: ObjectEntry, change: ObjectDifference) -> Iterator[Component]:
        """Set the changed fields of the living components; yields who was touched."""
        for name, fields in change.changed.items():
            part = self._parts[entry.name].get(name)
            if part is None:
                continue  # the object's own settings, or the game has destroyed it
            told = self._resolved(entry, entry.components[name])
            specs = self.document.registry.fields(name)
            for field in fields:
                if field in part.fixed_fields:
                    why = part.fixed_fields[field]
                    self.notes.append(self.document.problem(entry.index, name, field, why))
                    continue
                value = told[field] if field in told else deepcopy(specs[field].default)
                setattr(part, field, value)
            yield part

    def _refer_again(self, found: SceneDifference) -> Iterator[Component]:
        """Lead references from what went to what took its place; yields who was touched."""
        if not found.removed and not any(change.removed for change in found.changed.values()):
            return
        for entry in self._entries.values():
            for name, part in self._parts[entry.name].items():
                told = self._resolved(entry, entry.components[name])
                stale = [f for f in told if _is_gone(getattr(part, f, None))]
                for field in stale:
                    setattr(part, field, told[field])
                if stale:
                    yield part

    def _named(self, marker: Marker, text: str, owner: str) -> Any:
        try:
            return super()._named(marker, text, owner)
        except LookupError:
            return None  # the game has destroyed it

    def _set_level(self, changes: Mapping[str, Change]) -> None:
        for name in changes.keys() & {"name", "size", "background"}:
            setattr(self.scene, name, changes[name].after)


def _is_gone(value: Any) -> bool:
    """Tell whether a reference, a handler or one of several leads to what was destroyed."""
    if isinstance(value, (list, tuple)):
        return any(map(_is_gone, value))
    target = getattr(value, "__self__", value)
    return isinstance(target, (Component, GameObject)) and target.is_destroyed


def _living(owner: GameObject, kind: type[Any]) -> Component | None:
    """Return the component of exactly that type, which is what a file names."""
    parts = (part for part in owner.components if type(part) is kind and not part.is_destroyed)
    return next(parts, None)
