"""What is dropped on a GameObject: Character, Player, CharacterManager, relays, doors."""

from __future__ import annotations

from characters.components.character import Character, ConnectMode, LevelPolicy, RespondMode
from characters.components.checks import SCENE_CHECKS, one_manager, one_session_each
from characters.components.fault_keys import FAULT_BINDINGS, FaultKeys
from characters.components.faults import Faults, ServiceControl, Task
from characters.components.manager import (
    CharacterManager,
    SpeechDetector,
    SpeechSettings,
    TargetingMode,
)
from characters.components.next_visitor import NextVisitor
from characters.components.parts import Parts, make_parts, parts_for
from characters.components.pathfinding import find_path
from characters.components.places import Door, SpawnPoint
from characters.components.player import PLAYER_BINDINGS, Player
from characters.components.registration import register_components
from characters.components.relays import (
    CharacterEventRelay,
    EventRelay,
    SessionEventRelay,
    TranscriptEventRelay,
)

__all__ = [
    "FAULT_BINDINGS",
    "Parts",
    "make_parts",
    "parts_for",
    "PLAYER_BINDINGS",
    "SCENE_CHECKS",
    "Character",
    "CharacterEventRelay",
    "CharacterManager",
    "ConnectMode",
    "Door",
    "EventRelay",
    "FaultKeys",
    "Faults",
    "LevelPolicy",
    "NextVisitor",
    "Player",
    "RespondMode",
    "ServiceControl",
    "SessionEventRelay",
    "SpawnPoint",
    "SpeechDetector",
    "SpeechSettings",
    "TargetingMode",
    "Task",
    "TranscriptEventRelay",
    "find_path",
    "one_manager",
    "one_session_each",
    "register_components",
]
