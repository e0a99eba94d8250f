"""What is checked across the objects of a level, before it is built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from characters.components.id_checks import ids_are_plain, ids_look_different
from characters.components.scene_checks import (
    doors_lead_somewhere,
    endpoints_are_known,
    policies_can_be_kept,
)
from engine.scene_document import ObjectEntry, SceneCheck, SceneDocument
from engine.toml_file import Problem
from engine.toml_words import as_toml

__all__ = ["SCENE_CHECKS", "one_manager", "one_session_each"]


def one_session_each(document: SceneDocument) -> Iterator[Problem]:
    """Yield a problem for each character whose session another one has taken."""
    first: dict[str, ObjectEntry] = {}
    for entry, component in document.components("Character"):
        key = _session_key(component.raw)
        if not key:
            continue
        other = first.setdefault(key, entry)
        if other is entry:
            continue
        where = document.position(other.index, "Character", "character_id")
        yield document.problem(
            entry.index,
            "Character",
            "session_key" if component.raw.get("session_key") else "character_id",
            f"is that of object {as_toml(other.name)} too ({where})",
            got=key,
            hint='another id, or session_key = "..." for a deliberate clone',
        )


def one_manager(document: SceneDocument) -> Iterator[Problem]:
    """Yield a problem when characters have no manager, and for each manager after the first."""
    if document.is_part:
        return
    managers = [entry for entry, _ in document.components("CharacterManager")]
    characters = [entry for entry, _ in document.components("Character")]
    for entry in managers[1:]:
        message = f"is on object {managers[0].name!r} already; a level has one"
        yield document.problem(entry.index, "CharacterManager", "", message)
    if characters and not managers:
        message = "needs a CharacterManager in the level"
        hint = "an [[object]] with [object.CharacterManager]"
        yield document.problem(characters[0].index, "Character", "", message, hint=hint)


SCENE_CHECKS: tuple[SceneCheck, ...] = (
    one_session_each,
    one_manager,
    ids_are_plain,
    ids_look_different,
    doors_lead_somewhere,
    endpoints_are_known,
    policies_can_be_kept,
)
"""Hand these to `SceneFile.read`."""


def _session_key(raw: Mapping[str, Any]) -> str:
    key = raw.get("session_key") or raw.get("character_id")
    return key if isinstance(key, str) else ""
