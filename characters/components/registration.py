"""Registers the components for scene files."""

from __future__ import annotations

from characters.components.character import Character
from characters.components.manager import CharacterManager
from characters.components.player import Door, FaultKeys, NextVisitor, Player, SpawnPoint, Trigger
from characters.components.relays import (
    CharacterEventRelay,
    SessionEventRelay,
    TranscriptEventRelay,
)
from engine.objects.physics import BoxCollider
from engine.objects.registry import ComponentRegistry

__all__ = ["register_components"]


def register_components(registry: ComponentRegistry) -> None:
    """Register every component of this package, and the engine's collider."""
    registry.register(
        BoxCollider, Character, CharacterEventRelay, CharacterManager, Door, FaultKeys, NextVisitor,
        Player, SessionEventRelay, SpawnPoint, TranscriptEventRelay, Trigger,
    )  # fmt: skip
