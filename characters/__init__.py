"""Characters that talk, and remember, for levels made with the engine.

    from characters import Character, CharacterManager, Player, ReconnectPolicy

These are the names that a game is made with; everything else is imported from its module.
Each is loaded when it is first used: the service, which needs none of them, starts fast.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType

from characters.installation import refuse_namesake

# A game may well have an `engine` of its own: said here, not somewhere inside at the first use.
refuse_namesake("engine")

_MODULES: Mapping[str, str] = MappingProxyType(
    {
        # what is put on an object of the level
        "Character": "characters.components.character",
        "CharacterManager": "characters.components.manager",
        "Player": "characters.components.player",
        "Door": "characters.components.player",
        "SpawnPoint": "characters.components.player",
        "NextVisitor": "characters.components.player",
        "SessionEventRelay": "characters.components.relays",
        "CharacterEventRelay": "characters.components.relays",
        "TranscriptEventRelay": "characters.components.relays",
        "Trigger": "characters.components.player",
        "Hud": "characters.ui.hud",
        "Backdrop": "characters.ui.visuals",
        "CharacterSprite": "characters.ui.visuals",
        "PlayerSprite": "characters.ui.visuals",
        "Prop": "characters.ui.visuals",
        # what their fields are set to
        "ReconnectPolicy": "characters.session.policy",
        "ResumePolicy": "characters.session.policy",
        "Persist": "characters.session.policy",
        "ConnectMode": "characters.components.character",
        "LevelPolicy": "characters.components.character",
        "RespondMode": "characters.protocol.messages",
        "TargetingMode": "characters.session.targeting",
        "TurnSettings": "characters.protocol.turn_settings",
        "SpeechSettings": "characters.speech.settings",
        "ModelSettings": "characters.protocol.model_settings",
        # a session, and what is to be seen of it
        "SessionHandle": "characters.client.handle",
        "SessionState": "characters.session.conversation",
        "SessionView": "characters.session.conversation",
        "SessionStateChanged": "characters.session.conversation",
        "ResumeOutcome": "characters.session.conversation",
        # what a game receives
        "TranscriptChanged": "characters.client.config",
        "FinalUserTranscription": "characters.protocol.messages",
        "ActionResponse": "characters.protocol.messages",
        "ActionDone": "characters.client.config",
        "ActionRefused": "characters.protocol.messages",
        "TakenBack": "characters.protocol.messages",
        "BotEmotion": "characters.protocol.messages",
        "Visemes": "characters.protocol.messages",
        # what a game sends
        "TriggerMessage": "characters.protocol.messages",
        "ContextUpdate": "characters.protocol.messages",
        "UpdateTemplateKeys": "characters.protocol.messages",
        # where sessions are kept
        "SessionData": "characters.storage.sessions",
        "SessionPersistence": "characters.storage.sessions",
        "KeyValueSessionPersistence": "characters.storage.sessions",
        "KeyValueStore": "characters.storage.sessions",
        "PlayerPrefsStore": "characters.storage.sessions",
        "MemoryStore": "characters.storage.sessions",
        "SQLiteStore": "characters.storage.extras",
        "EncryptedStore": "characters.storage.extras",
        # a game's own wiring
        "read_scene": "characters.ui.registration",
        "SaveSlots": "characters.components.slots",
        "SlotInfo": "characters.storage.slots",
        "Runtime": "characters.client.runtime",
        "RuntimeBuilder": "characters.client.runtime",
        "Faults": "characters.components.faults",
        "CharactersError": "characters.protocol.failures",
    }
)
"""Each public name and the module that has it; `__init__.pyi` says the same to type checkers."""

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'characters' has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)
