"""PlayerChoices: what the player set for ears and voices; kept, and above what the level says."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar, cast

from characters.core.turn_settings import ListeningMode, TurnSettings
from characters.runtime import Runtime
from engine.prefs import PlayerPrefs

__all__ = ["PlayerChoices"]

T = TypeVar("T", str, bool, float)

MODE = "player.mode"
TOGGLE = "player.toggle"
HEADPHONES = "player.headphones"
MICROPHONE = "player.microphone"
SPEAKER = "player.speaker"
MUTED = "player.muted"
VOLUME = "player.volume."
SILENCED = "player.silenced."


class PlayerChoices:
    """Takes effect at once, without a reconnect; `character` below is a session's key.

    Without preferences a choice lasts as long as the level.
    """

    def __init__(self, runtime: Runtime, prefs: PlayerPrefs | None, level: TurnSettings) -> None:
        self._runtime = runtime
        self._prefs = prefs
        self._level = level
        self._made: dict[str, str | bool | float] = {}

    @property
    def turns(self) -> TurnSettings:
        """How turns are taken: as the level says, where the player has not said otherwise."""
        level = self._level
        talk = replace(level.push_to_talk, toggle=self._get(TOGGLE, level.push_to_talk.toggle))
        mode = self._get(MODE, level.mode.value)
        return replace(
            level,
            mode=ListeningMode(mode) if mode in tuple(ListeningMode) else level.mode,
            headphones=self._get(HEADPHONES, level.headphones),
            push_to_talk=talk,
        )

    @property
    def microphone(self) -> str | None:
        """The chosen microphone by its stable name, None for the system's default."""
        return self._get(MICROPHONE, "") or None

    @property
    def speaker(self) -> str | None:
        """The chosen loudspeaker by its stable name, None for the system's default."""
        return self._get(SPEAKER, "") or None

    def apply(self, level: TurnSettings | None = None) -> None:
        """Bring all of it into force, with the level's defaults of now."""
        if level is not None:
            self._level = level
        ears = self._runtime.ears
        ears.set_muted(self._get(MUTED, False))
        ears.choose_device(self.microphone)
        self._runtime.voice.choose(self.speaker)
        ears.set_turns(self.turns)

    def set_mode(self, mode: ListeningMode | str) -> None:
        """Choose hands-free or push-to-talk."""
        self._change(MODE, ListeningMode(mode).value)

    def set_toggle(self, toggle: bool) -> None:
        """Choose whether the talk key is held, or pressed to begin and again to end."""
        self._change(TOGGLE, toggle)

    def set_headphones(self, headphones: bool) -> None:
        """Say whether the player wears headphones: then the microphone hears no loudspeaker."""
        self._change(HEADPHONES, headphones)

    def set_microphone(self, device: str | None) -> None:
        """Choose a microphone by its stable name, None for the system's default."""
        self._put(MICROPHONE, device or "")
        self._runtime.ears.choose_device(device)

    def set_speaker(self, device: str | None) -> None:
        """Choose a loudspeaker by its stable name, None for the system's default."""
        self._put(SPEAKER, device or "")
        self._runtime.voice.choose(device)

    def set_muted(self, muted: bool) -> None:
        """Mute the microphone, or not."""
        self._put(MUTED, muted)
        self._runtime.ears.set_muted(muted)

    def volume(self, character: str) -> float:
        """Return how loud the player wants a character, 0 to 1; its mute is another matter."""
        return self._get(VOLUME + character, 1.0)

    def set_volume(self, character: str, volume: float) -> None:
        """Set how loud a character is, 0 to 1; 1 is as loud as its place lets it be."""
        self._put(VOLUME + character, min(1.0, max(0.0, float(volume))))
        self.apply_voice(character)

    def is_silenced(self, character: str) -> bool:
        """Tell whether the player muted a character's voice; its captions go on."""
        return self._get(SILENCED + character, False)

    def set_silenced(self, character: str, silenced: bool) -> None:
        """Mute a character's voice or not; the volume is kept meanwhile."""
        self._put(SILENCED + character, silenced)
        self.apply_voice(character)

    def apply_voice(self, character: str) -> None:
        """Bring volume and mute of a character into force."""
        volume = 0.0 if self.is_silenced(character) else self.volume(character)
        self._runtime.voice.set_volume(character, volume)

    def _change(self, name: str, value: str | bool) -> None:
        self._put(name, value)
        self._runtime.ears.set_turns(self.turns)

    def _get(self, name: str, default: T) -> T:
        prefs = self._prefs
        if prefs is None:
            return cast(T, self._made.get(name, default))
        # One of another type, from another version or a hand, counts as not set.
        if isinstance(default, bool):
            return prefs.get_bool(name, default)
        if isinstance(default, str):
            return prefs.get_string(name, default)
        return prefs.get_float(name, default)

    def _put(self, name: str, value: str | bool | float) -> None:
        prefs = self._prefs
        if prefs is None:
            self._made[name] = value
        elif isinstance(value, bool):
            prefs.set_bool(name, value)
        elif isinstance(value, str):
            prefs.set_string(name, value)
        else:
            prefs.set_float(name, value)
