"""Makes the objects of a scene document, and applies the changes of a document to a running scene.

SceneBuilder makes every object of a document. `difference` compares two readings of a file, and
ScenePatch applies what it found to the running scene and touches nothing else: an object that the
game moved stays where it is, unless its place in the file changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

from engine.objects.objects import Component, GameObject
from engine.objects.registry import Handler, Marker, ObjectRef, resolved
from engine.objects.scene import Scene
from engine.scenes.document import ComponentEntry, ObjectEntry, Place, SceneDocument
from engine.scenes.rules import HandlerName
from engine.toml.reader import Problem

__all__ = ["BuiltScene", "Change", "difference", "SceneBuilder", "SceneDifference", "ScenePatch"]


@dataclass(frozen=True)
class BuiltScene:
    """The objects that came from a file, each with its place; a service of the scene.

    With it an error in a running game names the line of the level that it comes from.
    """

    document: SceneDocument
    objects: Mapping[str, GameObject]
    _indexes: WeakKeyDictionary[GameObject, int]

    def where(
        self, game_object: GameObject, component: str | None = None, field: str = ""
    ) -> Place | None:
        """Return where an object, its component or a field is written; None if it is in no file."""
        index = self._indexes.get(game_object)
        return None if index is None else self.document.position(index, component, field)

    def entry(self, game_object: GameObject) -> ObjectEntry | None:
        """Return the entry of an object; None if it came from no file."""
        index = self._indexes.get(game_object)
        return None if index is None else self.document.objects[index]


class SceneBuilder:
    """Builds a document into a scene, in steps, so that loading can be spread over frames."""

    def __init__(self, document: SceneDocument, scene: Scene) -> None:
        self.document = document
        self.scene = scene
        self.objects: dict[str, GameObject] = {}
        self._parts: dict[str, dict[str, Component]] = {}

    def build(self) -> BuiltScene:
        """Make every object."""
        for _ in self.steps():
            pass
        return self.built()

    def steps(self) -> Iterator[float]:
        """Make the objects one by one; yield the progress from 0 to 1 between them."""
        entries, settings = self.document.objects, self.document.settings
        if settings is not None:
            self.scene.background, self.scene.music = settings.background, self.document.music
        for entry in parents_first(entries):
            self._create(entry)
        self._parts |= {entry.name: dict(self._make(entry, entry.components)) for entry in entries}
        # All are there before the first awakes: it may look for any other.
        for number, entry in enumerate(entries, 1):
            self._connect(entry, entry.components)
            yield 0.5 * number / len(entries)
        yield from self._wake(entries)
        yield 1.0

    def built(self) -> BuiltScene:
        """Return what was built, and provide it as a service of the scene."""
        indexes = WeakKeyDictionary({self.objects[e.name]: e.index for e in self.document.objects})
        built = BuiltScene(self.document, MappingProxyType(self.objects), indexes)
        self.scene.provide(built)
        return built

    def _create(self, entry: ObjectEntry) -> None:
        settings = entry.settings
        assert settings is not None
        self.objects[entry.name] = self.scene.create(
            settings.name,
            settings.position,
            parent=self.objects[settings.parent] if settings.parent else None,
            tag=settings.tag,
            layer=settings.layer,
            active=False,
        )

    def _make(self, entry: ObjectEntry, names: Iterable[str]) -> Iterator[tuple[str, Component]]:
        for name in names:
            kind = self.document.registry.get(name)
            yield name, kind(**self._arguments(entry.components[name], _nothing_yet))

    def _arguments(self, component: ComponentEntry, resolve: Any) -> dict[str, Any]:
        assert component.values is not None
        fields = self.document.registry.fields(component.name)
        return {
            name: resolved(fields[name].annotation, value, resolve)
            for name, value in component.values.items()
        }

    def _connect(self, entry: ObjectEntry, names: Iterable[str]) -> None:
        """Set the references of components and add them to their object."""
        owner = self.objects[entry.name]
        for component in map(entry.components.__getitem__, names):
            made = self._parts[entry.name][component.name]
            for name, value in self._resolved(entry, component).items():
                if component.values and value is not component.values[name]:
                    setattr(made, name, value)
            owner.add(made)

    def _resolved(self, entry: ObjectEntry, component: ComponentEntry) -> dict[str, Any]:
        """Return the values of a component, each reference replaced by its target."""
        return self._arguments(component, lambda m, text: self._target(m, text, entry.name))

    def _wake(self, entries: Iterable[ObjectEntry]) -> Iterator[float]:
        """Activate the objects that are active in the file; yield the progress as `steps` does."""
        active = [e for e in entries if e.settings is not None and e.settings.active]
        most = sum(len(entry.components) for entry in active)
        objects = [self.objects[entry.name] for entry in active]
        for number, _ in enumerate(self.scene.lifecycle.switch_on(objects), 1):
            yield 0.5 + 0.5 * min(1.0, number / max(1, most))

    def _target(self, marker: Marker, text: str, owner: str) -> Any:
        """Return the target of a text in the file; the document was checked before."""
        if isinstance(marker, ObjectRef):
            if marker.component is None:
                return self.objects[text]
            parts = (p for p in self._parts[text].values() if isinstance(p, marker.component))
            return next(parts, None)
        name = HandlerName.parse(text)
        assert isinstance(marker, Handler)
        assert name is not None
        part = self._parts[name.object or owner][name.component]
        return getattr(part, name.method)


def _nothing_yet(marker: Marker, text: str) -> None:
    return None


def parents_first(entries: tuple[ObjectEntry, ...]) -> Iterator[ObjectEntry]:
    """Yield every object after its parent, else in the order of the file."""
    waiting: dict[str, list[ObjectEntry]] = {}
    for entry in entries:
        assert entry.settings is not None
        waiting.setdefault(entry.settings.parent, []).append(entry)
    ready = waiting.pop("", [])[::-1]
    while ready:
        entry = ready.pop()
        yield entry
        ready.extend(waiting.pop(entry.name, [])[::-1])


@dataclass(frozen=True, slots=True)
class Change:
    """One field before and after; None where the file does not set it."""

    before: Any
    after: Any


@dataclass(frozen=True)
class ObjectDifference:
    """What changed in one object; `changed` by component and field, "" for its own fields."""

    name: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: Mapping[str, Mapping[str, Change]] = field(default_factory=dict)


@dataclass(frozen=True)
class SceneDifference:
    """What changed in a level: objects by name, and its settings by field."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: Mapping[str, ObjectDifference]
    settings: Mapping[str, Change]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.settings)


def difference(old: SceneDocument, new: SceneDocument) -> SceneDifference:
    """Return what changed from `old` to `new`, both without mistakes."""
    before = {entry.name: entry for entry in old.objects}
    after = {entry.name: entry for entry in new.objects}
    both = (_object(before[name], after[name]) for name in after if name in before)
    return SceneDifference(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed={found.name: found for found in both if found is not None},
        settings=_changes(_settings(old.settings), _settings(new.settings)),
    )


def _object(old: ObjectEntry, new: ObjectEntry) -> ObjectDifference | None:
    own = _changes(_settings(old.settings), _settings(new.settings))
    changed = {"": own} if own else {}
    for name, component in new.components.items():
        if name in old.components:
            fields = _changes(old.components[name].values or {}, component.values or {})
            if fields:
                changed[name] = fields
    added = tuple(name for name in new.components if name not in old.components)
    removed = tuple(name for name in old.components if name not in new.components)
    if not (changed or added or removed):
        return None
    return ObjectDifference(new.name, added, removed, changed)


def _settings(settings: Any) -> Mapping[str, Any]:
    return {} if settings is None else settings.model_dump()


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Change]:
    names = dict.fromkeys((*old, *new))
    found = {name: Change(old.get(name), new.get(name)) for name in names}
    return {name: change for name, change in found.items() if change.before != change.after}


class ScenePatch(SceneBuilder):
    """Changes a scene that was built from another document to be as `document` says."""

    def __init__(self, document: SceneDocument, scene: Scene, built: BuiltScene) -> None:
        super().__init__(document, scene)
        self.notes: list[Problem] = []
        """The edits that have no effect before the level is loaded again."""
        self._entries = {entry.name: entry for entry in document.objects}
        self._before = built.objects

    def apply(self, found: SceneDifference) -> BuiltScene:
        """Apply the difference and return what is built now."""
        changed = [self._entries[name] for name in found.changed if not self._is_destroyed(name)]
        added = [self._entries[name] for name in found.added]
        new = {name: found.changed[name].added for name in found.changed}
        self._adopt(entry for name, entry in self._entries.items() if name not in found.added)
        for entry in (*added, *changed):  # first: if a constructor raises, nothing was changed
            made = self._make(entry, new.get(entry.name, entry.components))
            self._parts.setdefault(entry.name, {}).update(made)
        for entry in parents_first(self.document.objects):
            if entry.name in found.added:
                self._create(entry)
        for entry in changed:  # before any is destroyed: children that were moved away stay
            self._update_object(entry, found.changed[entry.name].changed.get("", {}))
        self._destroy_removed(found)
        touched = [part for e in changed for part in self._set_fields(e, found.changed[e.name])]
        touched += self._relink(found)
        for entry in (*added, *changed):
            self._connect(entry, new.get(entry.name, entry.components))
        for _ in self._wake(added):
            pass
        self._update_level(found.settings)
        for part in dict.fromkeys(touched):
            self.scene.lifecycle.validate(part)
        return self.built()

    def _is_destroyed(self, name: str) -> bool:
        return self._before[name].is_destroyed

    def _adopt(self, entries: Iterable[ObjectEntry]) -> None:
        for entry in entries:
            owner = self.objects[entry.name] = self._before[entry.name]
            kinds = {name: self.document.registry.get(name) for name in entry.components}
            parts = ((name, _existing(owner, kind)) for name, kind in kinds.items())
            self._parts[entry.name] = {name: part for name, part in parts if part is not None}

    def _update_object(self, entry: ObjectEntry, changes: Mapping[str, Change]) -> None:
        """Set the place, parent, tag, layer and activity of an object that changed in the file."""
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

    def _destroy_removed(self, found: SceneDifference) -> None:
        for name in found.removed:
            if not self._is_destroyed(name):
                self._before[name].destroy()
        for name, change in found.changed.items():
            for kind in map(self.document.registry.get, change.removed):
                part = _existing(self._before[name], kind)
                if part is not None:
                    self.scene.destroy(part)

    def _set_fields(self, entry: ObjectEntry, change: ObjectDifference) -> Iterator[Component]:
        """Set the changed fields of existing components; yield each of those."""
        for name, fields in change.changed.items():
            part = self._parts[entry.name].get(name)
            if part is None:
                continue  # the object's own settings, or a component that the game destroyed
            values = self._resolved(entry, entry.components[name])
            specs = self.document.registry.fields(name)
            for key in fields:
                if key in part.fixed_fields:
                    why = part.fixed_fields[key]
                    self.notes.append(self.document.problem(entry.index, name, key, why))
                    continue
                value = values[key] if key in values else deepcopy(specs[key].default)
                setattr(part, key, value)
            yield part

    def _relink(self, found: SceneDifference) -> Iterator[Component]:
        """Renew references to what was destroyed; yield each component that had one."""
        if not found.removed and not any(change.removed for change in found.changed.values()):
            return
        for entry in self._entries.values():
            for name, part in self._parts[entry.name].items():
                values = self._resolved(entry, entry.components[name])
                stale = [f for f in values if _is_stale(getattr(part, f, None))]
                for key in stale:
                    setattr(part, key, values[key])
                if stale:
                    yield part

    def _target(self, marker: Marker, text: str, owner: str) -> Any:
        try:
            return super()._target(marker, text, owner)
        except LookupError:
            return None  # the game destroyed it

    def _update_level(self, changes: Mapping[str, Change]) -> None:
        for name in changes.keys() & {"name", "size", "background"}:
            setattr(self.scene, name, changes[name].after)
        if "music" in changes:
            self.scene.music = self.document.music


def _is_stale(value: Any) -> bool:
    """Return whether a reference or a handler, or one in a list, leads to what was destroyed."""
    if isinstance(value, (list, tuple)):
        return any(map(_is_stale, value))
    target = getattr(value, "__self__", value)
    return isinstance(target, (Component, GameObject)) and target.is_destroyed


def _existing(owner: GameObject, kind: type[Any]) -> Component | None:
    """Return the component of exactly that type, as files name exact types."""
    parts = (part for part in owner.components if type(part) is kind and not part.is_destroyed)
    return next(parts, None)
