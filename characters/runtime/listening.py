"""What the ears are told, what they show, and what they need of a character's driver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from characters.core.turn_settings import ListeningMode, TurnSettings

__all__ = ["EarsStatus"]


class AudioDriver(Protocol):
    """The network side of one character, as the ears use it (network thread)."""

    def offer_audio(self, pcm: bytes, captured_at: float) -> bool:
        """Send a frame if this character's gate is open; return whether it was sent."""
        ...

    @property
    def is_listening(self) -> bool:
        """Whether this character's gate is open."""
        ...

    @property
    def is_getting_ready(self) -> bool:
        """Whether it will hear soon: it connects, or its microphone delay runs."""
        ...

    def offer_kept(self, pcm: bytes) -> bool:
        """Send a frame of before the opening as the next one since; return whether it was sent."""
        ...

    def force_user_stopped_speaking(self) -> None:
        """Tell the service that the utterance is over."""
        ...

    def interrupt(self) -> None:
        """Cut the character off, if it speaks."""
        ...

    def set_addressed(self, is_addressed: bool) -> None:
        """Note whether the player's voice goes to this character."""
        ...


DriverLookup: TypeAlias = Callable[[str], "AudioDriver | None"]
"""Finds the driver of a session key, None when there is none (network thread)."""


Facts: TypeAlias = tuple[Any, ...]
"""The fields of a status, in order."""


@dataclass(frozen=True, slots=True)
class EarsStatus:
    """What the HUD shows of the microphone, at every moment true."""

    level: float = 0.0  # 0..1
    target: str | None = None
    is_open: bool = False  # frames go to the target now
    problem: str | None = None
    device: str = ""
    is_allowed: bool = False
    muted: bool = False
    mode: ListeningMode = TurnSettings.DEFAULT.mode
    is_speech: bool = False  # a local guess, from loudness alone
    overruns: int = 0
    kept_seconds: float = 0.0  # first words that wait for the target to get ready
    is_echo_handled: bool = False  # by headphones, or because it is cancelled


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the main thread wants; replaced as a whole, so it is never half read."""

    allowed: bool = False
    muted: bool = False
    focused: bool = True
    covered: bool = False
    turns: TurnSettings = TurnSettings.DEFAULT
    target: str | None = None
    device: str | None = None
    closed: bool = False

    @property
    def permits(self) -> bool:
        """Whether the player lets anybody hear anything now."""
        return self.allowed and not self.muted and self.focused and not self.covered
