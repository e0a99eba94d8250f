"""Makes the components known to scene files."""

from __future__ import annotations

from characters.components.character import Character
from characters.components.fault_keys import FaultKeys
from characters.components.manager import CharacterManager
from characters.components.next_visitor import NextVisitor
from characters.components.places import Door, SpawnPoint
from characters.components.player import Player
from characters.components.relays import (
    CharacterEventRelay,
    SessionEventRelay,
    TranscriptEventRelay,
)
from engine.physics import BoxCollider
from engine.registry import ComponentRegistry

__all__ = ["register_components"]


def register_components(registry: ComponentRegistry) -> None:
    """Register every component of this package, and the engine's collider."""
    registry.register(
        BoxCollider,
        Character,
        CharacterEventRelay,
        CharacterManager,
        Door,
        FaultKeys,
        NextVisitor,
        Player,
        SessionEventRelay,
        SpawnPoint,
        TranscriptEventRelay,
    )
