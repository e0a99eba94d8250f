"""What a session tells the game, beside state changes and the service's own messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from characters.core.messages import ServerMessage
from characters.core.state import RetryScheduled, SessionStateChanged
from characters.core.transcript import Turn

__all__ = ["CharacterEvent", "MessageRefused", "TextRefused", "TranscriptChanged"]


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
