"""What must hold between the objects of a scene file: names, parents, references, assets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.component import Component
from engine.fields import Asset, FieldSpec, Marker, ObjectRef, marked, resolved
from engine.registry import ComponentRegistry
from engine.scene_document import ComponentEntry, ObjectEntry, SceneDocument
from engine.toml_file import Problem
from engine.toml_mistakes import NOTHING, Mistake
from engine.toml_positions import KeyPath
from engine.toml_words import as_toml, did_you_mean

__all__ = ["HandlerName", "scene_problems"]


def scene_problems(document: SceneDocument) -> Iterator[Problem]:
    """Yield every mistake that needs more than one table to be seen."""
    rules = _Rules(document)
    yield from rules.names()
    yield from rules.parents()
    for entry in document.objects:
        for component in entry.components.values():
            yield from rules.component(entry, component)


@dataclass(frozen=True)
class HandlerName:
    """A method as a file names it: `Component.method`, or `Object:Component.method`."""

    object: str | None
    component: str
    method: str

    @classmethod
    def parse(cls, text: str) -> HandlerName | None:
        """Return the parts of a name, or None if it is none."""
        owner, colon, rest = text.rpartition(":")
        component, dot, method = rest.partition(".")
        if not (dot and component and method) or (colon and not owner):
            return None
        return cls(owner.strip() if colon else None, component.strip(), method.strip())


class _Rules:
    def __init__(self, document: SceneDocument) -> None:
        self.document = document
        self.by_name: dict[str, ObjectEntry] = {}
        for entry in document.objects:
            if entry.name:
                self.by_name.setdefault(entry.name, entry)

    @property
    def _registry(self) -> ComponentRegistry:
        return self.document.registry

    def names(self) -> Iterator[Problem]:
        """Two objects of one name: nobody could say which one is meant."""
        for entry in self.document.objects:
            first = self.by_name.get(entry.name, entry)
            if first is not entry:
                place = self.document.position(first.index, None, "name")
                mistake = Mistake(
                    ("name",),
                    f"is the name of another object at {place}",
                    entry.name,
                    as_toml(f"{entry.name} 2"),
                )
                yield entry.layered.problem(mistake)

    def parents(self) -> Iterator[Problem]:
        """Parents that are not there, and circles of them."""
        for entry in self.document.objects:
            parent = _parent(entry)
            if self.document.is_part:
                continue
            if parent and parent not in self.by_name:
                yield entry.layered.problem(self._no_object(("parent",), parent))
            elif parent and entry.name in self._ancestors(entry):
                mistake = Mistake(("parent",), "goes in a circle", parent, "another parent")
                yield entry.layered.problem(mistake)

    def _ancestors(self, entry: ObjectEntry) -> list[str]:
        seen: list[str] = []
        above: ObjectEntry | None = entry
        while above is not None and _parent(above) not in seen:
            seen.append(_parent(above))
            above = self.by_name.get(_parent(above))
        return seen

    def component(self, entry: ObjectEntry, component: ComponentEntry) -> Iterator[Problem]:
        """What the marked texts of a component name, and what its constructor says."""
        specs = self.document.registry.fields(component.name)
        mistakes = list(self._texts(entry, component, specs))
        is_whole = all(not s.required or name in component.raw for name, s in specs.items())
        if not mistakes and component.values is not None and is_whole:
            mistakes = list(self._construction(component, specs))
        yield from map(entry.layered.problem, mistakes)

    def _texts(
        self, entry: ObjectEntry, component: ComponentEntry, specs: Mapping[str, FieldSpec]
    ) -> Iterator[Mistake]:
        known = {name: value for name, value in component.raw.items() if name in specs}
        for name, value in known.items():
            for path, marker, text in marked(specs[name].annotation, value):
                mistake = self._text((component.name, name, *path), marker, text, entry)
                if mistake is not None:
                    yield mistake

    def _text(self, path: KeyPath, marker: Marker, text: str, entry: ObjectEntry) -> Mistake | None:
        if isinstance(marker, Asset):
            assets = self.document.assets
            return assets.mistake(text, path, marker.suffixes) if text else None
        if isinstance(marker, ObjectRef):
            return self._reference(path, marker, text)
        return self._handler(path, text, entry)

    def _reference(self, path: KeyPath, marker: ObjectRef, text: str) -> Mistake | None:
        target = self.by_name.get(text)
        if self.document.is_part:
            return None
        if target is None:
            return self._no_object(path, text)
        wanted = marker.component
        if wanted is None or any(issubclass(kind, wanted) for kind in self._kinds(target)):
            return None
        have = [e.name for e in self.by_name.values() if self._has(e, wanted)]
        return Mistake(path, f"object {as_toml(text)} has no {wanted.__name__}", NOTHING,
                       did_you_mean(text, have)[0])  # fmt: skip

    def _has(self, entry: ObjectEntry, wanted: type[Component]) -> bool:
        return any(issubclass(kind, wanted) for kind in self._kinds(entry))

    def _kinds(self, entry: ObjectEntry) -> list[type[Component]]:
        return [self.document.registry.get(name) for name in entry.components]

    def _no_object(self, path: KeyPath, text: str) -> Mistake:
        hint, sure = did_you_mean(text, self.by_name)
        quoted = None if sure is None else as_toml(sure)
        return Mistake(path, "there is no object of that name", text, hint, replacement=quoted)

    def _handler(self, path: KeyPath, text: str, entry: ObjectEntry) -> Mistake | None:
        name = HandlerName.parse(text)
        if name is None:
            hint = '"Component.method" or "Object:Component.method"'
            return Mistake(path, "must name a method", text, hint)
        target = entry if name.object is None else self.by_name.get(name.object)
        if self.document.is_part:
            return self._method(path, text, name) if name.component in self._registry else None
        if target is None:
            hint, _ = did_you_mean(name.object or "", self.by_name)
            return Mistake(path, f"there is no object {as_toml(name.object)}", text, hint)
        if name.component not in target.components:
            hint, _ = did_you_mean(name.component, target.components)
            message = f"object {as_toml(target.name)} has no component {name.component}"
            return Mistake(path, message, text, hint)
        return self._method(path, text, name)

    def _method(self, path: KeyPath, text: str, name: HandlerName) -> Mistake | None:
        methods = _methods(self._registry.get(name.component))
        if name.method in methods:
            return None
        hint, sure = did_you_mean(name.method, methods)
        fixed = None if sure is None else as_toml(text[: -len(name.method)] + sure)
        message = f"{name.component} has no method {name.method}"
        return Mistake(path, message, text, hint, replacement=fixed)

    def _construction(
        self, component: ComponentEntry, specs: Mapping[str, FieldSpec]
    ) -> Iterator[Mistake]:
        """Make the component once: its own `__post_init__` may have rules that no type says."""
        assert component.values is not None
        values = component.values.items()
        arguments = {k: resolved(specs[k].annotation, v, lambda m, t: None) for k, v in values}
        try:
            self.document.registry.get(component.name)(**arguments)
        except ValueError as error:
            yield _complaint(component, str(error))
        except Exception as error:  # any constructor's own code; the reader gets a sentence
            yield _complaint(component, f"cannot be made: {type(error).__name__}: {error}")


def _parent(entry: ObjectEntry) -> str:
    """Return what the file says, whatever is wrong with the object's other settings."""
    parent = entry.layered.data.get("parent")
    return parent if isinstance(parent, str) else ""


def _complaint(component: ComponentEntry, sentence: str) -> Mistake:
    words = sentence.replace("'", " ").replace(":", " ").split()
    named = next((word for word in words if word in component.raw), None)
    path: KeyPath = (component.name,) if named is None else (component.name, named)
    if named is not None:
        sentence = sentence.removeprefix(named).strip()
    return Mistake(path, sentence.rstrip("."))


def _methods(kind: type[Any]) -> list[str]:
    own = [n for n in dir(kind) if not n.startswith("_") and callable(getattr(kind, n, None))]
    hooks = set(dir(Component))
    return [name for name in own if name not in hooks]
