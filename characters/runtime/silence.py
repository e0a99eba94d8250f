"""A voice that nobody hears: what a runtime has that was given no other."""

from __future__ import annotations

__all__ = ["SilentVoice"]


class SilentVoice:
    """Takes what it is given and is done with it at once."""

    @property
    def problem(self) -> str | None:
        """Nothing is wrong with silence."""
        return None

    def start(self) -> None:
        """Do nothing."""

    def play(self, key: str, pcm: bytes, sample_rate: int) -> None:
        """Drop it."""

    def interrupt(self, key: str) -> None:
        """Nothing plays."""

    def duck(self, key: str, ducked: bool) -> None:
        """Nothing plays."""

    def place(self, key: str, gain: float, pan: float) -> None:
        """Nothing plays."""

    def set_volume(self, key: str, volume: float) -> None:
        """Nothing plays."""

    def is_playing(self, key: str) -> bool:
        """Return False."""
        return False

    def level(self, key: str) -> float:
        """Return 0."""
        return 0.0

    def close(self) -> None:
        """Do nothing."""
