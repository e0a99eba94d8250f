"""TurnSettings: how a level lets the player and its characters take turns, in one value.

Each of the settings raises a ValueError that names the field if one is out of range.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Literal

from characters.protocol.fields import Choice, by_default, check_range, set_member

__all__ = [
    "BargeIn", "ListeningMode", "PushToTalkOptions", "SmartTurn", "Startup", "TurnSettings",
    "VoiceActivityOptions",
]  # fmt: skip


LONGEST_PRE_ROLL_SECONDS = 10.0


class ListeningMode(StrEnum):
    """How the player opens the microphone."""

    HANDS_FREE = "hands_free"
    PUSH_TO_TALK = "push_to_talk"


@dataclass(frozen=True, slots=True)
class VoiceActivityOptions:
    """When sound counts as speech (the wire's `vad_params`)."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    confidence: float = 0.7
    start_secs: float = 0.2
    stop_secs: float = 0.2
    min_volume: float = 0.6

    def __post_init__(self) -> None:
        check_range("confidence", self.confidence, 0.0, 1.0)
        check_range("start_secs", self.start_secs, 0.0, 5.0)
        check_range("stop_secs", self.stop_secs, 0.0, 5.0)
        check_range("min_volume", self.min_volume, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class SmartTurn:
    """When an utterance is over (the wire's `turn_detection_config`)."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    stop_secs: float = 0.8
    pre_speech_ms: int = 100
    max_duration_secs: float = 8.0

    def __post_init__(self) -> None:
        check_range("stop_secs", self.stop_secs, 0.1, 10.0)
        check_range("pre_speech_ms", self.pre_speech_ms, 0, 2000)
        check_range("max_duration_secs", self.max_duration_secs, 1.0, 60.0)


@dataclass(frozen=True, slots=True)
class BargeIn:
    """What happens when the player speaks while a character does.

    It is turned down to `duck_gain` under what may be the player's voice, and fades out within
    `fade_out_seconds` once it is interrupted.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    duck_gain: float = 0.25
    duck_seconds: float = 0.05
    restore_seconds: float = 0.1
    fade_out_seconds: float = 0.12

    def __post_init__(self) -> None:
        check_range("duck_gain", self.duck_gain, 0.0, 1.0)
        check_range("duck_seconds", self.duck_seconds, 0.01, 0.25)
        check_range("restore_seconds", self.restore_seconds, 0.01, 1.0)
        check_range("fade_out_seconds", self.fade_out_seconds, 0.04, 0.25)


class Startup(StrEnum):
    """When the device opens, once the player has allowed it: at once, or with the first press."""

    PREWARM_MUTED = "prewarm_muted"
    OPEN_ON_FIRST_PRESS = "open_on_first_press"


@dataclass(frozen=True, slots=True)
class PushToTalkOptions:
    """How push-to-talk behaves; Convai's options in milliseconds.

    With `start_muted = false` the microphone is open, once allowed, until the key is let go for
    the first time. With `toggle` one press opens it and the next closes it.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    release_tail_ms: int = 1000
    interrupt_bot_on_press: bool = True
    require_turn_completion_before_next_press: bool = True
    turn_completion_timeout_ms: int = 5000
    start_muted: bool = True
    startup: Choice[Startup, Literal["prewarm_muted", "open_on_first_press"]] = by_default(
        Startup.OPEN_ON_FIRST_PRESS
    )
    toggle: bool = False

    def __post_init__(self) -> None:
        check_range("release_tail_ms", self.release_tail_ms, 0, 5000)
        check_range("turn_completion_timeout_ms", self.turn_completion_timeout_ms, 0, 60_000)
        set_member(self, "startup", Startup)


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """Who speaks when: the level's defaults, above which the player's own choices stand.

    `push_to_talk` is the safe mode beside loudspeakers. Hands-free, the player interrupts a
    character by speaking only with `headphones`, or with `echo_cancellation` where the extra
    `echo` is installed; elsewhere the character just speaks more quietly meanwhile, and the
    service decides. `pre_roll_seconds` keeps the first words that are spoken while the character
    is still getting ready; 0 keeps none.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    DEFAULT: ClassVar[TurnSettings]

    mode: Choice[ListeningMode, Literal["hands_free", "push_to_talk"]] = by_default(
        ListeningMode.PUSH_TO_TALK
    )
    headphones: bool = False
    echo_cancellation: bool = True
    pre_roll_seconds: float = 0.0
    push_to_talk: PushToTalkOptions = field(default_factory=PushToTalkOptions)
    smart_turn: SmartTurn = field(default_factory=SmartTurn)
    voice_activity: VoiceActivityOptions = field(default_factory=VoiceActivityOptions)
    barge_in: BargeIn = field(default_factory=BargeIn)

    def __post_init__(self) -> None:
        set_member(self, "mode", ListeningMode)
        check_range("pre_roll_seconds", self.pre_roll_seconds, 0.0, LONGEST_PRE_ROLL_SECONDS)


TurnSettings.DEFAULT = TurnSettings()
