"""TurnSettings: how a level lets the player and its characters take turns, in one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from characters.core.bounds import check_range
from characters.core.push_to_talk import PushToTalkOptions
from characters.core.turn import BargeIn, SmartTurn, VoiceActivityOptions

__all__ = ["LONGEST_PRE_ROLL_SECONDS", "ListeningMode", "TurnSettings"]

LONGEST_PRE_ROLL_SECONDS = 10.0


class ListeningMode(StrEnum):
    """How the player opens the microphone."""

    HANDS_FREE = "hands_free"
    PUSH_TO_TALK = "push_to_talk"


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """Who speaks when: the level's defaults, above which the player's own choices stand.

    `push_to_talk` is the safe mode beside loudspeakers. Hands-free, the player interrupts a
    character by speaking only with `headphones`, or with `echo_cancellation` where the extra
    `echo` is installed; elsewhere the character just speaks more quietly meanwhile, and the
    service decides. `pre_roll_seconds` keeps the first words that are spoken while the character
    is still getting ready; 0 keeps none.

    Raises:
        ValueError: a field is out of range; the sentence names the field.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    DEFAULT: ClassVar[TurnSettings]

    mode: ListeningMode = ListeningMode.PUSH_TO_TALK
    headphones: bool = False
    echo_cancellation: bool = True
    pre_roll_seconds: float = 0.0
    push_to_talk: PushToTalkOptions = field(default_factory=PushToTalkOptions)
    smart_turn: SmartTurn = field(default_factory=SmartTurn)
    voice_activity: VoiceActivityOptions = field(default_factory=VoiceActivityOptions)
    barge_in: BargeIn = field(default_factory=BargeIn)

    def __post_init__(self) -> None:
        check_range("pre_roll_seconds", self.pre_roll_seconds, 0.0, LONGEST_PRE_ROLL_SECONDS)


TurnSettings.DEFAULT = TurnSettings()
