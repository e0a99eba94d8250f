"""What a session is opened with, and what it tells the game.

A game hears the changes of the session's state, the service's own messages, and the events here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from characters.protocol.codec import whole_text
from characters.protocol.messages import (
    FUNCTIONS,
    MAX_PLAYER_NAME,
    Action,
    RespondMode,
    ServerMessage,
)
from characters.protocol.turn_settings import SmartTurn, VoiceActivityOptions
from characters.session.conversation import RetryScheduled, SessionStateChanged, Turn
from characters.session.policy import Persist, ReconnectPolicy

__all__ = [
    "ActionDone", "CharacterEvent", "MessageRefused", "SessionConfig", "SpeechNotUnderstood",
    "TextRefused", "TranscriptChanged",
]  # fmt: skip


@dataclass(frozen=True)
class SessionConfig:
    """One character's session: its ids, its service, and how it behaves.

    `endpoint` is a URL, or a name that the runtime's endpoint resolver knows ("local").
    `endpoint_id` marks stored sessions; left empty it is made of the endpoint and a
    fingerprint of the key, so that a session is never resumed at another endpoint or with
    another credential.

    `end_user_id` is the player's account. Without one the player is `local_user_id`, made up on
    this machine, or whoever the store of the sessions already belongs to.
    """

    character_id: str
    session_key: str = ""
    endpoint: str = "local"
    endpoint_id: str = ""
    api_key: str | None = field(default=None, repr=False)
    persona: str | None = None
    policy: ReconnectPolicy = ReconnectPolicy.DEFAULT
    persist: Persist = Persist.ACROSS_RESTARTS
    end_user_id: str | None = None
    local_user_id: str | None = None
    player_name: str | None = None
    others: tuple[str, ...] = ()
    """Who else is in the level, by the names that the player sees."""
    actions: tuple[str, ...] = ()
    functions: tuple[Mapping[str, object], ...] = ()
    """The schemas of those actions that are functions: name, description, parameters."""
    respond_mode: RespondMode = RespondMode.AUTO
    smart_turn: SmartTurn = field(default_factory=SmartTurn)
    voice_activity: VoiceActivityOptions = field(default_factory=VoiceActivityOptions)
    model: Mapping[str, object] | None = field(default=None, repr=False)
    """What the embedded service is told of the language model: `model_request`."""

    def __post_init__(self) -> None:
        if not self.character_id.strip():
            raise ValueError("character_id must not be empty")
        if self.player_name is not None:  # players type what they like, and are to be let in
            name = whole_text(self.player_name)[:MAX_PLAYER_NAME]
            object.__setattr__(self, "player_name", name)

    @property
    def key(self) -> str:
        """The name of the session: the character's id, unless `session_key` gives another."""
        return self.session_key or self.character_id

    @property
    def template_keys(self) -> Mapping[str, object]:
        """What a service is told of the level; lines of personas may hold them as blanks."""
        told = {"player_name": self.player_name or "", "others": ", ".join(self.others)}
        return {name: text for name, text in told.items() if text}

    @property
    def action_config(self) -> Mapping[str, object] | None:
        """What a service is told of the actions; None when there are none."""
        if not self.actions:
            return None
        schemas = {FUNCTIONS: list(self.functions)} if self.functions else {}
        return {"actions": list(self.actions)} | schemas

    @property
    def place(self) -> str:
        """What stored sessions are marked with: endpoint and credential, the latter hashed."""
        if self.endpoint_id or not self.api_key:
            return self.endpoint_id or self.endpoint
        fingerprint = hashlib.sha256(self.api_key.encode()).hexdigest()[:12]
        return f"{self.endpoint}#{fingerprint}"


@dataclass(frozen=True, slots=True)
class TranscriptChanged:
    """The transcript grew, was corrected or was forgotten; `turns` is all of it."""

    session_key: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class TextRefused:
    """What the player typed did not go out; `reason` is a sentence for the player."""

    session_key: str
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class SpeechNotUnderstood:
    """What the player said was heard, but no words came of it; `advice` is for the player."""

    session_key: str
    advice: str


@dataclass(frozen=True, slots=True)
class ActionDone:
    """The game's function of an action was called; `result` is what it returned."""

    session_key: str
    action: Action
    result: object = None


@dataclass(frozen=True, slots=True)
class MessageRefused:
    """A message of the game did not go out; `message_type` is its wire name."""

    session_key: str
    message_type: str
    reason: str


CharacterEvent: TypeAlias = (
    SessionStateChanged
    | RetryScheduled
    | ServerMessage
    | TranscriptChanged
    | TextRefused
    | SpeechNotUnderstood
    | MessageRefused
    | ActionDone
)
