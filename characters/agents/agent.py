"""What a conversation asks of a character's agent, and what an agent may answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias
from weakref import WeakKeyDictionary

from characters.protocol.messages import Action, ModelUsage

__all__ = [
    "Agent", "Arrived", "BrokenOff", "Do", "Event", "Feel", "let_others_go_on", "LimitReached",
    "Part", "PlayerSaid", "Prompt", "Refused", "Say", "Silence", "Spoken",
]  # fmt: skip


SPEAK = re.compile(r"<speak>(.*?)</speak>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Arrived:
    """The player came; `away_seconds` since the last time, None when this is the first."""

    away_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class PlayerSaid:
    """The player said or typed something."""

    text: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened in the level.

    A text with `<speak>...</speak>` in it says word for word what the character says about it.
    """

    name: str
    text: str = ""

    @property
    def speech(self) -> str:
        """What stands between the tags, on one line; "" without them."""
        found = SPEAK.search(self.text)
        return " ".join(found[1].split()) if found else ""


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


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that the character cannot do, though its mind wanted it; `reason` is a sentence."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class BrokenOff:
    """The answer ends in mid-sentence: what was not let out of its last sentence never is.

    Where that sentence has begun to be let out, `closing` is said after it. With a `reason` the
    turn counts as aborted; without one the answer was merely long.
    """

    closing: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LimitReached:
    """The session has used up what its model may use; `message` is a sentence for the player."""

    message: str


Part: TypeAlias = Say | Feel | Do | Refused | BrokenOff | ModelUsage | LimitReached


@dataclass(frozen=True, slots=True)
class Spoken:
    """Something that was said in this talk, as it was heard: by "player" or "character"."""

    speaker: str
    text: str
    was_cut: bool = field(default=False, kw_only=True)


class Agent(Protocol):
    """One character in one conversation."""

    def reply(self, prompt: Prompt, context: Mapping[str, Any]) -> AsyncGenerator[Part, None]:
        """Answer a prompt piece by piece; an async generator, closed when interrupted.

        `context` is what the game told about the level: "dynamic_info" (text), "scene"
        (list of things), "keys" (template variables), "attention" (name), "player_name" and
        "actions" (the names of what can be done, None for anything) and "functions" (description
        and parameters of actions, by name, where the game told them). "history" is what was said
        before (`Spoken`, oldest first), what the player has just said being its end. "unwanted" are
        answers to the same that the player took back: other words are wanted.
        """

    def note(self, text: str) -> None:
        """Take in what the player said, without an answer, or before it is requested."""

    def phrases(self) -> Iterable[str]:
        """Return what a player can be expected to say, for the recogniser."""

    @property
    def player_name(self) -> str:
        """The name by which the character knows the player, "" before it was told."""

    @property
    def mood(self) -> Feel | None:
        """How the character feels, None where that is not known."""

    def memory(self) -> dict[str, Any]:
        """Return everything to keep of this conversation, as JSON values."""


# Of the loop, between two pieces of work: a ping is read, taken, answered and written in as many.
PASSES = 4


# Whose turn it is, of all that work on a loop.
_TURNS = WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]()


async def let_others_go_on() -> None:
    """Let the event loop read what came in meanwhile, hand it on and answer it.

    Of all who call this on a loop one goes on at a time, in the order of asking: between any two
    pieces of work everything else is served, however many there are.
    """
    async with _TURNS.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
        for _ in range(PASSES):
            await asyncio.sleep(0)
