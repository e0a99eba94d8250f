"""Who is speaking: turn options, the eight dialogue states, push-to-talk and barge-in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["DialogueState", "SmartTurn", "VoiceActivityOptions"]


class DialogueState(StrEnum):
    """Where a character is in its talk with the player."""

    IDLE = "idle"
    LISTENING = "listening"
    ATTENDING = "attending"
    THINKING = "thinking"
    SPEAKING = "speaking"
    REACTING = "reacting"
    INTERRUPTED = "interrupted"
    SETTLING = "settling"


@dataclass(frozen=True, slots=True)
class VoiceActivityOptions:
    """When sound counts as speech (the wire's `vad_params`)."""

    confidence: float = 0.7
    start_secs: float = 0.2
    stop_secs: float = 0.2
    min_volume: float = 0.6


@dataclass(frozen=True, slots=True)
class SmartTurn:
    """When an utterance is over (the wire's `turn_detection_config`)."""

    stop_secs: float = 0.8
    pre_speech_ms: int = 100
    max_duration_secs: float = 8.0
