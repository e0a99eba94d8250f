"""What a conversation decides; the room performs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from characters.core.messages import ServerMessage
from characters.service.dialogue.mind import Part, Prompt

__all__ = [
    "Consult",
    "Effect",
    "Effects",
    "End",
    "Entry",
    "Hush",
    "Keep",
    "Note",
    "Owe",
    "Send",
    "Settle",
    "Voice",
]


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
class Note:
    """Let the mind take in what the player said, without an answer."""

    text: str


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

    `message_id` is what the client called a typed line; `answers` is the line that is answered.
    """

    speaker: str
    text: str
    message_id: str | None = None
    answers: str | None = None


@dataclass(frozen=True, slots=True)
class Owe:
    """Remember that these lines are to be answered: with these parts, or None for undecided yet.

    It is kept in one go with what the mind remembers by then, so that an answer is decided once.
    """

    message_ids: tuple[str, ...]
    parts: tuple[Part, ...] | None


@dataclass(frozen=True, slots=True)
class Settle:
    """Forget that this line is to be answered: it was, or nobody waits for it any more.

    None stands for every line whose answer is decided.
    """

    message_id: str | None


@dataclass(frozen=True, slots=True)
class End:
    """End the talk; the reason is for the client's `bye`."""

    reason: str


Entry: TypeAlias = Keep | Owe | Settle
"""What is written down, in order."""

Effect: TypeAlias = Send | Consult | Note | Voice | Hush | Entry | End
Effects: TypeAlias = list[Effect]
