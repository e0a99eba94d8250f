"""What changed between two readings of a scene file: what a hot reload has to do, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.scene_document import ObjectEntry, SceneDocument

__all__ = ["Change", "ObjectDifference", "SceneDifference", "difference"]


@dataclass(frozen=True, slots=True)
class Change:
    """One field before and after; None where the file says nothing of it."""

    before: Any
    after: Any


@dataclass(frozen=True)
class ObjectDifference:
    """What changed in one object; field changes by component, `""` for the object's own."""

    name: str
    added: tuple[str, ...] = ()
    """Components that are new."""
    removed: tuple[str, ...] = ()
    """Components that are gone."""
    changed: Mapping[str, Mapping[str, Change]] = field(default_factory=dict)


@dataclass(frozen=True)
class SceneDifference:
    """Objects by name that are new, gone, or changed; settings of the level by field."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: Mapping[str, ObjectDifference]
    settings: Mapping[str, Change]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.settings)


def difference(old: SceneDocument, new: SceneDocument) -> SceneDifference:
    """Return what has to be done to make `new` of `old`; both without mistakes."""
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
