"""Makes the objects of a checked scene document, and remembers where each was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

from engine.component import Component
from engine.fields import Handler, Marker, ObjectRef, resolved
from engine.game_object import GameObject
from engine.scene import Scene
from engine.scene_document import ComponentEntry, ObjectEntry, Place, SceneDocument
from engine.scene_rules import HandlerName

__all__ = ["BuiltScene", "SceneBuilder", "parents_first"]


@dataclass(frozen=True)
class BuiltScene:
    """The objects that came from a file; `scene.get_service(BuiltScene)` finds it.

    So an error in a running game names the line of the level that it comes from.
    """

    document: SceneDocument
    objects: Mapping[str, GameObject]
    _indexes: WeakKeyDictionary[GameObject, int]

    def where(
        self, game_object: GameObject, component: str | None = None, field: str = ""
    ) -> Place | None:
        """Return where an object, its component or a field is written; None if in no file."""
        index = self._indexes.get(game_object)
        return None if index is None else self.document.position(index, component, field)

    def entry(self, game_object: GameObject) -> ObjectEntry | None:
        """Return what the file says of an object; None if it came from no file."""
        index = self._indexes.get(game_object)
        return None if index is None else self.document.objects[index]


class SceneBuilder:
    """Builds one document into one scene, in steps, so that a load can be spread over frames."""

    def __init__(self, document: SceneDocument, scene: Scene) -> None:
        self.document = document
        self.scene = scene
        self.objects: dict[str, GameObject] = {}
        self._parts: dict[str, dict[str, Component]] = {}

    def build(self) -> BuiltScene:
        """Make everything at once."""
        for _ in self.steps():
            pass
        return self.built()

    def steps(self) -> Iterator[float]:
        """Make the objects one by one; yields progress from 0 to 1 between them."""
        entries = self.document.objects
        for entry in parents_first(entries):
            self._create(entry)
        for entry in entries:
            self._parts[entry.name] = dict(self._make(entry, entry.components))
        # All are in place before the first awakes: it may look for any other.
        for number, entry in enumerate(entries, 1):
            self._connect(entry, entry.components)
            yield 0.5 * number / len(entries)
        yield from self._wake(entries)
        yield 1.0

    def built(self) -> BuiltScene:
        """Return what was built and let the scene offer it as a service."""
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
        """Give the components what they refer to and add them to their object."""
        owner = self.objects[entry.name]
        for component in map(entry.components.__getitem__, names):
            made = self._parts[entry.name][component.name]
            for name, value in self._resolved(entry, component).items():
                if component.values and value is not component.values[name]:
                    setattr(made, name, value)
            owner.add(made)

    def _resolved(self, entry: ObjectEntry, component: ComponentEntry) -> dict[str, Any]:
        """Return what the file says of a component, each reference replaced by what it names."""
        return self._arguments(component, lambda m, text: self._named(m, text, entry.name))

    def _wake(self, entries: Iterable[ObjectEntry]) -> Iterator[float]:
        """Switch the objects on that the file wants active; yields progress as `steps` does."""
        wanted = [e for e in entries if e.settings is not None and e.settings.active]
        most = sum(len(entry.components) for entry in wanted)
        objects = [self.objects[entry.name] for entry in wanted]
        for number, _ in enumerate(self.scene._lifecycle.switch_on(objects), 1):
            yield 0.5 + 0.5 * min(1.0, number / max(1, most))

    def _named(self, marker: Marker, text: str, owner: str) -> Any:
        """Return what a text in the file refers to; the document was checked before."""
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
