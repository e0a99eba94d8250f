"""What a session is opened with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from characters.core.policy import Persist, ReconnectPolicy
from characters.core.respond import RespondMode
from characters.core.turn_settings import SmartTurn, VoiceActivityOptions

__all__ = ["SessionConfig"]


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
