"""TalkingOver: what the player's voice does to a character that speaks: ducked, or cut off."""

from __future__ import annotations

from characters.audio.voice import Voice
from characters.runtime.listening import AudioDriver

__all__ = ["TalkingOver"]

# After this much of the player's voice over its own, a character is cut off at once.
COMMIT_SECONDS = 0.2


class TalkingOver:
    """Ducks the one who hears the player, and interrupts it when that surely is the player."""

    def __init__(self, voice: Voice | None) -> None:
        self._voice = voice
        self._ducked: str | None = None
        self._since: float | None = None

    def hear(self, key: str, driver: AudioDriver, now: float, *, speaks: bool, sure: bool) -> None:
        """Take a frame that went to a character.

        `sure` says that no loudspeaker can be what is heard: without it the service decides.
        """
        if not speaks:
            self._since = None
        elif self._since is None:
            self._since = now
        self.duck(key if speaks else None)
        if self._since is None or self._voice is None or not sure:
            return
        if now - self._since >= COMMIT_SECONDS and self._voice.is_playing(key):
            driver.interrupt()
            self._since = now

    def duck(self, key: str | None) -> None:
        """Turn one character down, and whoever was down up again."""
        if self._voice is None or key == self._ducked:
            return
        if self._ducked is not None:
            self._voice.duck(self._ducked, False)
        if key is not None:
            self._voice.duck(key, True)
        self._ducked = key
