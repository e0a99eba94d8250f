"""What is to be done in a room: messages, speech, listening, and entries for the store. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from characters.agents.agent import Part, Prompt, Spoken
from characters.protocol.messages import Action, ServerMessage

__all__ = [
    "BeginExchange", "Effect", "Effects", "End", "EndUtterance", "Entry", "Generate", "MuteInput",
    "Note", "PauseSpeaking", "PendingReply", "PersistActions", "PersistEntry", "PlayerLine",
    "ResolveReply", "ResumeSpeaking", "Send", "SpeakText", "StopSpeaking", "UndoExchange",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message to the client."""

    message: ServerMessage


@dataclass(frozen=True, slots=True)
class Generate:
    """Ask the agent; hand its parts to `part`, then call `decided` and `completed`."""

    turn: int
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class Note:
    """Let the agent take in what the player said, without an answer."""

    text: str


@dataclass(frozen=True, slots=True)
class SpeakText:
    """Speak this next; None: nothing more comes in this turn."""

    turn: int
    text: str | None


@dataclass(frozen=True, slots=True)
class StopSpeaking:
    """Stop generating and speaking for that turn at once."""

    turn: int


@dataclass(frozen=True, slots=True)
class PauseSpeaking:
    """Be silent; the client has heard the voice up to `heard_until`, None for all that was sent."""

    heard_until: float | None


@dataclass(frozen=True, slots=True)
class ResumeSpeaking:
    """Go on speaking, from the word in which it stopped."""


@dataclass(frozen=True, slots=True)
class MuteInput:
    """Stop or resume listening to the player's microphone."""

    muted: bool


@dataclass(frozen=True, slots=True)
class EndUtterance:
    """End the player's utterance now."""


@dataclass(frozen=True, slots=True)
class UndoExchange:
    """Undo the last exchange; with `answer_again` its line is answered once more."""

    answer_again: bool


@dataclass(frozen=True, slots=True)
class PersistEntry(Spoken):
    """Something said, for the transcript; `was_cut` is whether more was to come.

    `message_id` is the client's id of a typed line; `answers` is the id of the line that is
    answered: an answer that is repeated is persisted once.
    """

    message_id: str | None = None
    answers: str | None = None


@dataclass(frozen=True, slots=True)
class PersistActions:
    """What the character has done, which the game undoes if that is taken back."""

    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class BeginExchange:
    """What the agent knew before the line that is persisted next: that can be taken back."""

    memory: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PlayerLine:
    """Something that the player typed or said; `is_kept` once it was handed to the store."""

    text: str
    message_id: str | None = None
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class PendingReply:
    """Lines that are to be answered together: with these parts, or None while that is undecided.

    It is written in one transaction with the agent's memory, so that an answer is decided once.
    `is_kept` is whether the answer is in the transcript already.
    """

    lines: tuple[PlayerLine, ...]
    parts: tuple[Part, ...] | None
    is_kept: bool = False

    @property
    def message_ids(self) -> tuple[str, ...]:
        """The ids of the lines that have one."""
        return tuple(line.message_id for line in self.lines if line.message_id is not None)


@dataclass(frozen=True, slots=True)
class ResolveReply:
    """The reply to this line is pending no more: it arrived whole, or is not waited for.

    None stands for every line whose answer is decided.
    """

    message_id: str | None


@dataclass(frozen=True, slots=True)
class End:
    """End the room; the reason is for the client's `bye`."""

    reason: str


Entry: TypeAlias = PersistEntry | PersistActions | BeginExchange | PendingReply | ResolveReply
"""What the store writes, in order."""

Effect: TypeAlias = (
    Send | Generate | Note | SpeakText | PauseSpeaking | ResumeSpeaking | StopSpeaking
    | MuteInput | EndUtterance | UndoExchange | Entry | End
)  # fmt: skip
Effects: TypeAlias = list[Effect]
