"""What plays the characters' voices: the protocol, and the silence that keeps time."""

from __future__ import annotations

from typing import Protocol

from characters.core.turn_settings import BargeIn

__all__ = ["Voice"]


class Voice(Protocol):
    """Plays every character's voice in one mix; safe to call from any thread, never waits."""

    @property
    def device(self) -> str:
        """What plays now, for the HUD."""

    @property
    def problem(self) -> str | None:
        """One sentence when nothing can be heard, None while all is well."""

    def start(self) -> None:
        """Begin to play; returns at once."""

    def play(self, key: str, pcm: bytes, sample_rate: int) -> None:
        """Queue more of a character's voice, 16-bit little-endian mono."""

    def interrupt(self, key: str) -> None:
        """Fade a character out within `fade_out_seconds` and drop what is queued."""

    def duck(self, key: str, ducked: bool) -> None:
        """Lower a character while the player may be speaking, or restore it."""

    def place(self, key: str, gain: float, pan: float) -> None:
        """Set loudness 0..1 and direction -1 (left) .. 1 (right)."""

    def set_volume(self, key: str, volume: float) -> None:
        """Set the player's own volume 0..1 for a character; 0 mutes it."""

    def set_barge_in(self, barge_in: BargeIn) -> None:
        """Set how far and how fast a character is ducked, and how fast it fades."""

    def choose(self, device: str | None) -> None:
        """Switch to a device by its stable name, None for the default; others ignore it."""

    def is_playing(self, key: str) -> bool:
        """Return whether anything of this character is still to be heard."""

    def level(self, key: str) -> float:
        """Return how loud a character is now, 0..1, before place and volume."""

    def close(self) -> None:
        """Stop; never waits for a device."""
