"""What a conversation asks of a character's agent, and what an agent may answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from characters.protocol.messages import Action

__all__ = [
    "Agent", "Arrived", "Do", "Event", "Feel", "Part", "PlayerSaid", "Prompt", "Say", "Silence",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Arrived:
    """The player came; `away_seconds` since the last time, None when this is the first."""

    away_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class PlayerSaid:
    """The player said or typed something; `message_id` is only passed along."""

    text: str
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened in the level."""

    name: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing was said for a while."""


Prompt: TypeAlias = Arrived | PlayerSaid | Event | Silence


@dataclass(frozen=True, slots=True)
class Say:
    """A piece of the answer; pieces join without anything between them."""

    text: str


@dataclass(frozen=True, slots=True)
class Feel:
    """A change of mood, scale 1 subtle to 3 intense."""

    emotion: str
    scale: int = 1


@dataclass(frozen=True, slots=True)
class Do:
    """Something that the character does."""

    actions: tuple[Action, ...]


Part: TypeAlias = Say | Feel | Do


class Agent(Protocol):
    """One character in one conversation."""

    def reply(self, prompt: Prompt, context: Mapping[str, Any]) -> AsyncGenerator[Part, None]:
        """Answer a prompt piece by piece; an async generator, closed when interrupted.

        `context` is what the game told about the level: "dynamic_info" (text), "scene"
        (list of things), "keys" (template variables), "attention" (name), "player_name" and
        "actions" (the names of what can be done, None for anything).
        """

    def note(self, text: str) -> None:
        """Take in what the player said, without an answer, or before it is requested."""

    def phrases(self) -> Iterable[str]:
        """Return what a player can be expected to say, for the recogniser."""

    def memory(self) -> dict[str, Any]:
        """Return everything to keep of this conversation, as JSON values."""
