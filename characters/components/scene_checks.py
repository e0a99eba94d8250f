"""Checks of a level that no single field can see: doors, endpoints, contradicting policies."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from characters.core.policy import ReconnectPolicy, ResumePolicy
from engine.scene_document import ComponentEntry, ObjectEntry, SceneDocument
from engine.toml_file import Problem
from engine.toml_words import as_toml, did_you_mean

__all__ = [
    "LOCAL_ROOM_TTL_SECONDS",
    "doors_lead_somewhere",
    "endpoints_are_known",
    "policies_can_be_kept",
]

LOCAL_ROOM_TTL_SECONDS = 3600.0
"""The longest time that the embedded service keeps an empty room."""


def doors_lead_somewhere(document: SceneDocument) -> Iterator[Problem]:
    """Yield a problem for each door to a level, or a spawn point in it, that is not there."""
    folder = document.assets.root / "scenes"
    levels = sorted(path.stem for path in folder.glob("*.toml"))
    for entry, door in document.components("Door"):
        target = door.raw.get("target")
        if not levels or not isinstance(target, str) or target.endswith(".toml"):
            continue
        if target not in levels:
            hint, _ = did_you_mean(target, levels)
            message = "there is no level of that name"
            yield document.problem(entry.index, "Door", "target", message, got=target, hint=hint)
        elif "spawn" in door.raw:
            yield from _spawn(document, entry, door, folder / f"{target}.toml")


def endpoints_are_known(document: SceneDocument) -> Iterator[Problem]:
    """Yield a problem for an endpoint that is neither "local" nor an address."""
    for entry, manager in document.components("CharacterManager"):
        endpoint = manager.raw.get("endpoint", "local")
        is_known = endpoint == "local" or str(endpoint).startswith(("http://", "https://"))
        if isinstance(endpoint, str) and not is_known:
            message = 'must be "local" or an address that begins with https://'
            yield document.problem(
                entry.index, "CharacterManager", "endpoint", message, got=endpoint, hint='"local"'
            )


def policies_can_be_kept(document: SceneDocument) -> Iterator[Problem]:
    """Yield a problem for what the endpoint cannot do, and for what contradicts itself."""
    is_local = all(
        manager.raw.get("endpoint", "local") == "local"
        for _, manager in document.components("CharacterManager")
    )
    for entry, character in document.components("Character"):
        values = document.readable(character)
        for field, message, hint in _contradictions(values, is_local=is_local):
            yield document.problem(entry.index, "Character", field, message, hint=hint)


def _contradictions(values: Any, *, is_local: bool) -> Iterator[tuple[str, str, str]]:
    policy: ReconnectPolicy = values.get("reconnect_policy", ReconnectPolicy.DEFAULT)
    if is_local and policy.room_rejoin_ttl_seconds > LOCAL_ROOM_TTL_SECONDS:
        message = (
            f"is {policy.room_rejoin_ttl_seconds:g}, but the local service keeps an empty room "
            f"for {LOCAL_ROOM_TTL_SECONDS:g} s at most"
        )
        hint = f"{LOCAL_ROOM_TTL_SECONDS:g}; the conversation is resumed after that all the same"
        yield "reconnect_policy.room_rejoin_ttl_seconds", message, hint
    resume = policy.resume_policy
    if values.get("connect") == "when_resumable" and resume is ResumePolicy.ALWAYS_FRESH:
        message = "waits for a conversation to resume, but the policy never resumes one"
        yield "connect", message, 'connect = "on_start" or "manual"'
    if values.get("level_policy") == "drop" and resume is ResumePolicy.ALWAYS_RESUME:
        message = "forgets the conversation that the policy must always resume"
        yield "level_policy", message, 'level_policy = "suspend"'


def _spawn(
    document: SceneDocument, entry: ObjectEntry, door: ComponentEntry, level: Path
) -> Iterator[Problem]:
    labels = _spawn_points(level)
    spawn = door.raw["spawn"]
    if isinstance(spawn, str) and labels is not None and spawn not in labels:
        hint, _ = did_you_mean(spawn, labels)
        message = f"level {as_toml(level.stem)} has no spawn point of that name"
        yield document.problem(entry.index, "Door", "spawn", message, got=spawn, hint=hint)


def _spawn_points(level: Path) -> list[str] | None:
    """Return the labels of a level, or None when it cannot be read: that is its own problem."""
    try:
        data = tomllib.loads(level.read_text("utf-8"))
        tables = data.get("object", [])
        if data.get("scene", {}).get("tiled") or any("prefab" in table for table in tables):
            return None  # a map or a prefab may bring the spawn point
        points = [table["SpawnPoint"] for table in tables if "SpawnPoint" in table]
        return [point.get("label", "default") for point in points]
    except (OSError, ValueError, AttributeError, TypeError):
        return None
