"""What a conversation decides; the room performs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from characters.core.messages import ServerMessage
from characters.service.dialogue.mind import Prompt

__all__ = ["Consult", "Effect", "Effects", "End", "Hush", "Keep", "Send", "Voice"]


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message to the client."""

    message: ServerMessage


@dataclass(frozen=True, slots=True)
class Consult:
    """Ask the mind; hand its parts to `part`, and then call `thought_out`."""

    turn: int
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class Voice:
    """Speak this next; None: nothing more comes in this turn."""

    turn: int
    text: str | None


@dataclass(frozen=True, slots=True)
class Hush:
    """Stop consulting and speaking for that turn at once."""

    turn: int


@dataclass(frozen=True, slots=True)
class Keep:
    """Remember that this was said, speaker "player" or "character".

    `message_id` is what the client called a typed line.
    """

    speaker: str
    text: str
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class End:
    """End the talk; the reason is for the client's `bye`."""

    reason: str


Effect: TypeAlias = Send | Consult | Voice | Hush | Keep | End
Effects: TypeAlias = list[Effect]
