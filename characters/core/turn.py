"""Who is speaking: the eight dialogue states of a character.

A dialogue is a handful of facts, set and cleared by what the wire and the speaker report;
the state follows from them. Facts, not transitions, because actions, emotions and the end
of playback come in any order against the service's own messages. The end of a turn is
authoritative only when the service is done *and* the local audio has drained.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, Flag, StrEnum, auto
from functools import cache
from typing import TypeAlias

from characters.core.messages import (
    ActionResponse,
    BotEmotion,
    BotLlmStarted,
    BotStartedSpeaking,
    BotStoppedSpeaking,
    BotTtsStarted,
    BotTurnCompleted,
    FinalUserTranscription,
    LlmNoResponse,
    ServerMessage,
    ServerResponse,
    VadSttStarted,
    VadSttStopped,
)

__all__ = [
    "Dialogue",
    "DialogueState",
    "Local",
    "TurnEvent",
    "is_rejection",
]


class DialogueState(StrEnum):
    """Where a character is in its talk with the player."""

    IDLE = "idle"  # nothing goes on
    LISTENING = "listening"  # the player speaks to it
    ATTENDING = "attending"  # it is the one who hears the player, who is silent
    THINKING = "thinking"  # an answer is being made
    SPEAKING = "speaking"
    REACTING = "reacting"  # it answers by a deed or a mood, not yet by words
    INTERRUPTED = "interrupted"  # cut off, its voice is fading
    SETTLING = "settling"  # the service is done, the last words are still to be heard


class Local(Enum):
    """What this side adds to the messages of the service."""

    ADDRESSED = auto()  # the player's voice now goes to this character
    NOT_ADDRESSED = auto()
    TEXT_SENT = auto()
    LEFT_UNANSWERED = auto()  # the game wants no answer to what the player said, or not yet
    AUDIO_QUEUED = auto()  # a piece of its voice went to the speaker
    AUDIO_DRAINED = auto()  # nothing of it is to be heard any more
    INTERRUPTED = auto()  # the game, or the player's own voice, cut it off
    CONNECTION_LOST = auto()


TurnEvent: TypeAlias = ServerMessage | Local


class Fact(Flag):
    """What is true of a dialogue at one moment."""

    NONE = 0
    ADDRESSED = auto()
    PLAYER_SPEAKING = auto()
    AWAITING = auto()  # the player is done, nothing has come back yet
    RESPONDING = auto()  # from the first sign of a response to turn-completed
    SERVICE_SPEAKING = auto()
    HAS_SPOKEN = auto()  # in this response
    HAS_REACTED = auto()  # in this response
    AUDIBLE = auto()
    CUT_OFF = auto()  # late audio is dropped until the next response starts


RESPONSE = Fact.RESPONDING | Fact.SERVICE_SPEAKING | Fact.HAS_SPOKEN | Fact.HAS_REACTED

# event: (facts cleared, then facts set)
EFFECTS: dict[type[ServerMessage] | Local, tuple[Fact, Fact]] = {
    VadSttStarted: (Fact.AWAITING, Fact.PLAYER_SPEAKING),
    VadSttStopped: (Fact.PLAYER_SPEAKING, Fact.AWAITING),
    FinalUserTranscription: (Fact.PLAYER_SPEAKING, Fact.AWAITING),
    BotLlmStarted: (RESPONSE | Fact.AWAITING | Fact.CUT_OFF, Fact.RESPONDING),
    BotTtsStarted: (Fact.AWAITING, Fact.RESPONDING),
    BotStartedSpeaking: (
        Fact.AWAITING,
        Fact.RESPONDING | Fact.SERVICE_SPEAKING | Fact.HAS_SPOKEN,
    ),
    BotStoppedSpeaking: (Fact.SERVICE_SPEAKING, Fact.NONE),
    BotTurnCompleted: (RESPONSE | Fact.AWAITING, Fact.NONE),
    LlmNoResponse: (RESPONSE | Fact.AWAITING, Fact.NONE),
    ActionResponse: (Fact.NONE, Fact.HAS_REACTED),
    BotEmotion: (Fact.NONE, Fact.HAS_REACTED),
    Local.ADDRESSED: (Fact.NONE, Fact.ADDRESSED),
    Local.NOT_ADDRESSED: (Fact.ADDRESSED, Fact.NONE),
    Local.TEXT_SENT: (Fact.NONE, Fact.AWAITING),
    Local.LEFT_UNANSWERED: (Fact.AWAITING, Fact.NONE),
    Local.AUDIO_QUEUED: (Fact.NONE, Fact.AUDIBLE),
    Local.AUDIO_DRAINED: (Fact.AUDIBLE, Fact.NONE),
    Local.INTERRUPTED: (Fact.SERVICE_SPEAKING, Fact.CUT_OFF),
    # In-flight audio and the active turn do not survive a connection; being addressed does.
    Local.CONNECTION_LOST: (~Fact.ADDRESSED, Fact.NONE),
}


# Reasons of an utterance's end after which no words follow.
WORDLESS = frozenset({"muted", "noise"})


def is_rejection(event: TurnEvent) -> bool:
    """Tell whether the service asks to say it again: then no answer is on its way."""
    if not isinstance(event, ServerResponse):
        return False
    return (event.event_type, event.status) == ("speech", "error")


def _effect_of(event: TurnEvent) -> tuple[Fact, Fact] | None:
    if isinstance(event, ServerResponse):
        return (Fact.AWAITING, Fact.NONE) if is_rejection(event) else None
    if isinstance(event, VadSttStopped) and event.reason in WORDLESS:
        return Fact.PLAYER_SPEAKING, Fact.NONE
    return EFFECTS.get(event if isinstance(event, Local) else type(event))


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One character's turn-taking: feed it what happens, read who has the floor."""

    facts: Fact = Fact.NONE
    since: float = 0.0  # when the present state began

    @property
    def state(self) -> DialogueState:
        """Which of the eight states the facts amount to."""
        return _state_of(self.facts)

    @property
    def accepts_audio(self) -> bool:
        """Whether voice that comes in now belongs to a response nobody has cut off."""
        return not self.facts & Fact.CUT_OFF

    @property
    def is_speaking(self) -> bool:
        """Whether the character can be heard, or is about to be."""
        return bool(self.facts & (Fact.SERVICE_SPEAKING | Fact.AUDIBLE))

    @property
    def is_turn_over(self) -> bool:
        """Whether the service is done and the local audio has drained."""
        return not self.facts & (Fact.RESPONDING | Fact.AWAITING | Fact.AUDIBLE)

    def after(self, event: TurnEvent, now: float) -> Dialogue:
        """Return the dialogue after an event; events of no meaning here change nothing."""
        effect = _effect_of(event)
        if effect is None:
            return self
        if event is Local.INTERRUPTED and self.is_turn_over:
            return self
        cleared, added = effect
        # A response that opens without llm-started is a new one once the old was completed.
        if isinstance(event, BotStartedSpeaking) and not self.facts & Fact.RESPONDING:
            cleared |= Fact.CUT_OFF
        if isinstance(event, BotTurnCompleted) and event.was_interrupted:
            added |= Fact.CUT_OFF
        facts = (self.facts & ~cleared) | added
        is_same_state = _state_of(facts) is self.state
        return Dialogue(facts, self.since if is_same_state else now)


# Best first; a state holds when one fact of each of its groups does.
RANKING: tuple[tuple[tuple[Fact, ...], DialogueState], ...] = (
    ((Fact.CUT_OFF, Fact.RESPONDING | Fact.AUDIBLE), DialogueState.INTERRUPTED),
    ((Fact.PLAYER_SPEAKING,), DialogueState.LISTENING),
    ((Fact.SERVICE_SPEAKING,), DialogueState.SPEAKING),
    ((Fact.HAS_SPOKEN | Fact.AUDIBLE,), DialogueState.SETTLING),
    ((Fact.HAS_REACTED, Fact.RESPONDING | Fact.AWAITING), DialogueState.REACTING),
    ((Fact.RESPONDING | Fact.AWAITING,), DialogueState.THINKING),
    ((Fact.ADDRESSED,), DialogueState.ATTENDING),
)


@cache  # asked for after every message, and there are but a few hundred sets of facts
def _state_of(facts: Fact) -> DialogueState:
    for needed, state in RANKING:
        if all(facts & group for group in needed):
            return state
    return DialogueState.IDLE
