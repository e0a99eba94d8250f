"""What a session is opened with.

What all drivers of a runtime share: time, chance, the store, the way out and the way home.

What a session tells the game, beside state changes and the service's own messages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from characters.audio.mixer import Voice
from characters.client.limiter import ConnectLimiter
from characters.client.threads import Worker
from characters.protocol.messages import RespondMode, ServerMessage
from characters.protocol.turn_settings import SmartTurn, VoiceActivityOptions
from characters.session.conversation import RetryScheduled, SessionStateChanged, Turn
from characters.session.policy import Persist, ReconnectPolicy
from characters.storage.sessions import SessionPersistence, StoredKeys
from characters.transport.base import Transport

__all__ = [
    "CharacterEvent",
    "MessageRefused",
    "RuntimeContext",
    "SessionConfig",
    "TextRefused",
    "TranscriptChanged",
]


@dataclass(frozen=True)
class SessionConfig:
    """One character's session: who it is, where it lives, and how it behaves.

    ``endpoint`` is a URL, or a name that the runtime's endpoint resolver knows ("local").
    ``endpoint_id`` marks stored sessions; left empty it is made of the endpoint and a
    fingerprint of the key, so that a session is never resumed at another endpoint or with
    another credential.
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
    player_name: str | None = None
    actions: tuple[str, ...] = ()
    respond_mode: RespondMode = RespondMode.AUTO
    smart_turn: SmartTurn = field(default_factory=SmartTurn)
    voice_activity: VoiceActivityOptions = field(default_factory=VoiceActivityOptions)

    def __post_init__(self) -> None:
        if not self.character_id.strip():
            raise ValueError("character_id must not be empty")

    @property
    def key(self) -> str:
        """The name of the session: the character's id, unless ``session_key`` gives another."""
        return self.session_key or self.character_id

    @property
    def place(self) -> str:
        """What stored sessions are marked with: endpoint and credential, the latter hashed."""
        if self.endpoint_id or not self.api_key:
            return self.endpoint_id or self.endpoint
        fingerprint = hashlib.sha256(self.api_key.encode()).hexdigest()[:12]
        return f"{self.endpoint}#{fingerprint}"


class ConversationListener(Protocol):
    """What the ears want to know of the talk (network thread)."""

    def transcript_arrived(self, key: str) -> None:
        """The service understood the player's turn."""

    def answer_began(self, key: str) -> None:
        """A character began to speak, or completed its turn."""


@dataclass(frozen=True)
class RuntimeContext:
    """The surroundings of a driver; all of it belongs to the network thread.

    ``transport_for`` gives the transport of a session's endpoint; it may have to wait until
    the endpoint is known, and raises TransportError when there is none.
    """

    clock: Callable[[], float]
    wall_clock: Callable[[], float]
    chance: Callable[[], float]
    limiter: ConnectLimiter
    worker: Worker
    persistence: SessionPersistence
    stored_keys: StoredKeys
    transport_for: Callable[[SessionConfig], Awaitable[Transport]]
    voice: Voice
    new_id: Callable[[], str]
    hearing: ConversationListener | None = None


@dataclass(frozen=True, slots=True)
class TranscriptChanged:
    """The transcript grew, was corrected or was forgotten; ``turns`` is all of it."""

    session_key: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class TextRefused:
    """What the player typed did not go out; ``reason`` is a sentence for the player."""

    session_key: str
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class MessageRefused:
    """A message of the game did not go out; ``message_type`` is its wire name."""

    session_key: str
    message_type: str
    reason: str


CharacterEvent: TypeAlias = (
    SessionStateChanged
    | RetryScheduled
    | ServerMessage
    | TranscriptChanged
    | TextRefused
    | MessageRefused
)
