"""TalkingOver: what the player's voice does to a character that speaks: ducked, or cut off."""

from __future__ import annotations

from characters.audio.voice import Voice
from characters.runtime.listening import AudioDriver

__all__ = ["CANCELLED_SECONDS", "HEADPHONES_SECONDS", "TalkingOver"]

# After this much of the player's voice over its own, a character is cut off at once. A canceller
# leaves some echo for a moment when sound stumbles on its way to the loudspeaker.
HEADPHONES_SECONDS = 0.2
CANCELLED_SECONDS = 0.5


class TalkingOver:
    """Ducks the one who hears the player, and interrupts it when that surely is the player."""

    def __init__(self, voice: Voice | None) -> None:
        self._voice = voice
        self._ducked: str | None = None
        self._since: float | None = None

    def hear(
        self,
        key: str,
        driver: AudioDriver,
        now: float,
        *,
        speaks: bool,
        commits_after: float | None,
    ) -> None:
        """Take a frame that went to a character.

        `commits_after` is how long the player has to speak to interrupt, None where what is heard
        may be a loudspeaker: then the service decides.
        """
        if not speaks:
            self._since = None
        elif self._since is None:
            self._since = now
        self.duck(key if speaks else None)
        if self._since is None or self._voice is None or commits_after is None:
            return
        if now - self._since >= commits_after and self._voice.is_playing(key):
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
