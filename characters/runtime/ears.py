"""One microphone, many characters: what the player says goes to the target, or nowhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

__all__ = ["AudioDriver", "DriverLookup", "EarsStatus", "ListeningMode"]


class ListeningMode(StrEnum):
    """How the player opens the microphone."""

    HANDS_FREE = "hands_free"
    PUSH_TO_TALK = "push_to_talk"


class AudioDriver(Protocol):
    """The network side of one character, as the ears use it (network thread)."""

    def offer_audio(self, pcm: bytes, captured_at: float) -> bool:
        """Send a frame if this character's gate is open; return whether it was sent."""

    def force_user_stopped_speaking(self) -> None:
        """Tell the service that the utterance is over."""


DriverLookup: TypeAlias = Callable[[str], "AudioDriver | None"]
"""Finds the driver of a session key, None when there is none (network thread)."""


@dataclass(frozen=True, slots=True)
class EarsStatus:
    """What the HUD shows of the microphone, at every moment true."""

    level: float = 0.0  # 0..1
    target: str | None = None
    is_open: bool = False  # frames go to the target now
    problem: str | None = None
    device: str = ""


# The class `Ears` has, beside these, on the main thread: allow(), set_muted(bool), muted,
# set_mode(ListeningMode | str), push_to_talk(down), set_target(key | None), status, close();
# and on the network thread: async run(drivers: DriverLookup), transcript_arrived(key).
# Ears(source_factory: SourceFactory, clock: Callable[[], float], voice: Voice | None = None).
