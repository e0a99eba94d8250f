"""Characters that talk, and remember, for levels made with the engine.

    from characters import Character, CharacterManager, Player, ReconnectPolicy

Each name is loaded when it is first used: the service, which needs only the core, starts fast.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType

_MODULES: Mapping[str, str] = MappingProxyType(
    {
        "CharacterEvent": "characters.client.config",
        "MessageRefused": "characters.client.config",
        "SessionConfig": "characters.client.config",
        "TextRefused": "characters.client.config",
        "TranscriptChanged": "characters.client.config",
        "SessionHandle": "characters.client.handle",
        "Runtime": "characters.client.runtime",
        "RuntimeBuilder": "characters.client.runtime",
        "RuntimeParts": "characters.client.runtime",
        "ServiceError": "characters.client.service_process",
        "ServiceProcess": "characters.client.service_process",
        "VoiceInput": "characters.client.voice_input",
        "VoiceInputStatus": "characters.client.voice_input",
        "Character": "characters.components.character",
        "ConnectMode": "characters.components.character",
        "LevelPolicy": "characters.components.character",
        "SCENE_CHECKS": "characters.components.checks",
        "one_manager": "characters.components.checks",
        "one_session_each": "characters.components.checks",
        "Faults": "characters.components.faults",
        "ServiceControl": "characters.components.faults",
        "Task": "characters.components.faults",
        "CharacterManager": "characters.components.manager",
        "Parts": "characters.components.parts",
        "make_parts": "characters.components.parts",
        "parts_for": "characters.components.parts",
        "Door": "characters.components.player",
        "FAULT_BINDINGS": "characters.components.player",
        "FaultKeys": "characters.components.player",
        "NextVisitor": "characters.components.player",
        "PLAYER_BINDINGS": "characters.components.player",
        "Player": "characters.components.player",
        "SpawnPoint": "characters.components.player",
        "find_path": "characters.components.player",
        "register_components": "characters.components.registration",
        "CharacterEventRelay": "characters.components.relays",
        "EventRelay": "characters.components.relays",
        "SessionEventRelay": "characters.components.relays",
        "TranscriptEventRelay": "characters.components.relays",
        "RespondMode": "characters.protocol.messages",
        "BargeIn": "characters.protocol.turn_settings",
        "ListeningMode": "characters.protocol.turn_settings",
        "PushToTalkOptions": "characters.protocol.turn_settings",
        "SmartTurn": "characters.protocol.turn_settings",
        "Startup": "characters.protocol.turn_settings",
        "TurnSettings": "characters.protocol.turn_settings",
        "VoiceActivityOptions": "characters.protocol.turn_settings",
        "FreshReason": "characters.session.conversation",
        "MicrophoneView": "characters.session.conversation",
        "Resume": "characters.session.conversation",
        "ResumeOutcome": "characters.session.conversation",
        "RetryScheduled": "characters.session.conversation",
        "SessionRecord": "characters.session.conversation",
        "SessionState": "characters.session.conversation",
        "SessionStateChanged": "characters.session.conversation",
        "SessionView": "characters.session.conversation",
        "shorten_id": "characters.session.conversation",
        "IdlePolicy": "characters.session.policy",
        "Persist": "characters.session.policy",
        "ReconnectPolicy": "characters.session.policy",
        "ResumePolicy": "characters.session.policy",
        "TargetingMode": "characters.session.targeting",
        "SpeechDetector": "characters.speech.settings",
        "SpeechSettings": "characters.speech.settings",
        "EncryptedStore": "characters.storage.extras",
        "SQLiteStore": "characters.storage.extras",
        "KeyValueSessionPersistence": "characters.storage.sessions",
        "KeyValueStore": "characters.storage.sessions",
        "ListableStore": "characters.storage.sessions",
        "MemoryStore": "characters.storage.sessions",
        "PersistenceError": "characters.storage.sessions",
        "PlayerPrefsStore": "characters.storage.sessions",
        "SessionData": "characters.storage.sessions",
        "SessionPersistence": "characters.storage.sessions",
        "Hud": "characters.ui.hud",
        "register_visuals": "characters.ui.registration",
        "Backdrop": "characters.ui.visuals",
        "CharacterSprite": "characters.ui.visuals",
        "PlayerSprite": "characters.ui.visuals",
        "Prop": "characters.ui.visuals",
    }
)
"""Each public name and the module that has it; `__init__.pyi` says the same to type checkers."""

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'characters' has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)
