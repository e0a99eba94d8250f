"""What the player chose for microphone, voices and keys, and the id that services know.

Kept in the preferences; a choice stands above what the level says.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TypeVar

from characters.client.runtime import Runtime
from characters.english import ENGLISH
from characters.protocol.turn_settings import ListeningMode, TurnSettings
from characters.storage.sessions import PLAYER_ID
from engine.app.application import Application
from engine.core.input import Input
from engine.prefs.prefs import PlayerPrefs

__all__ = ["apply_key_choices", "player_id", "PlayerChoices"]

T = TypeVar("T", str, bool, float)

MODE = "player.mode"
TOGGLE = "player.toggle"
HEADPHONES = "player.headphones"
MICROPHONE = "player.microphone"
SPEAKER = "player.speaker"
MUTED = "player.muted"
VOLUME = "player.volume."
MASTER = "player.master_volume"
MASTER_SILENCED = "player.master_silenced"
SILENCED = "player.silenced."


class PlayerChoices:
    """What the player chose; each choice takes effect at once, without a reconnect.

    `character` below is a session's key. Without preferences a choice lasts as long as the level.
    """

    def __init__(
        self,
        runtime: Runtime,
        prefs: PlayerPrefs | None,
        level: TurnSettings,
        application: Application | None = None,
    ) -> None:
        self._runtime = runtime
        self._application = application
        self._prefs = prefs or PlayerPrefs.in_memory(ENGLISH("settings.of_the_level"))
        self._level = level

    @property
    def turns(self) -> TurnSettings:
        """How turns are taken: as the level says, except for what the player chose."""
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
        """Apply every choice, and the level's settings if they are given."""
        if level is not None:
            self._level = level
        voice_input = self._runtime.voice_input
        voice_input.set_muted(self._get(MUTED, False))
        voice_input.choose_device(self.microphone)
        self._runtime.voice.choose(self.speaker)
        self._apply_master()
        voice_input.set_turns(self.turns)

    def set_mode(self, mode: ListeningMode | str) -> None:
        """Choose hands-free or push-to-talk."""
        self._change(MODE, ListeningMode(mode).value)

    def set_toggle(self, toggle: bool) -> None:
        """Choose whether the talk key is held, or pressed to begin and again to end."""
        self._change(TOGGLE, toggle)

    def set_headphones(self, headphones: bool) -> None:
        """Set whether the player wears headphones, so that no echo reaches the microphone."""
        self._change(HEADPHONES, headphones)

    def set_microphone(self, device: str | None) -> None:
        """Choose a microphone by its stable name, None for the system's default."""
        self._put(MICROPHONE, device or "")
        self._runtime.voice_input.choose_device(device)

    def set_speaker(self, device: str | None) -> None:
        """Choose a loudspeaker by its stable name, None for the system's default."""
        self._put(SPEAKER, device or "")
        self._runtime.voice.choose(device)

    def set_muted(self, muted: bool) -> None:
        """Mute or unmute the microphone."""
        self._put(MUTED, muted)
        self._runtime.voice_input.set_muted(muted)

    @property
    def master_volume(self) -> float:
        """The volume of all that the game plays, 0 to 1, whether it is muted or not."""
        return self._get(MASTER, 1.0)

    def set_master_volume(self, volume: float) -> None:
        """Set the volume of voices, music and effects together, 0 to 1."""
        self._put(MASTER, min(1.0, max(0.0, float(volume))))
        self._apply_master()

    @property
    def is_all_silenced(self) -> bool:
        """Whether all that the game plays is muted; captions go on."""
        return self._get(MASTER_SILENCED, False)

    def set_all_silenced(self, silenced: bool) -> None:
        """Mute or unmute all that the game plays; the volume stays."""
        self._put(MASTER_SILENCED, silenced)
        self._apply_master()

    def _apply_master(self) -> None:
        volume = 0.0 if self.is_all_silenced else self.master_volume
        self._runtime.voice.set_master(volume)
        if self._application is not None:
            self._application.volume = volume

    def volume(self, character: str) -> float:
        """Return the volume of a character, 0 to 1, whether it is muted or not."""
        return self._get(VOLUME + character, 1.0)

    def set_volume(self, character: str, volume: float) -> None:
        """Set the volume of a character, 0 to 1, on top of what its distance leaves."""
        self._put(VOLUME + character, min(1.0, max(0.0, float(volume))))
        self.apply_voice(character)

    def is_silenced(self, character: str) -> bool:
        """Return whether a character's voice is muted; its captions go on."""
        return self._get(SILENCED + character, False)

    def set_silenced(self, character: str, silenced: bool) -> None:
        """Mute or unmute a character's voice; its volume stays."""
        self._put(SILENCED + character, silenced)
        self.apply_voice(character)

    def apply_voice(self, character: str) -> None:
        """Apply the volume and the mute of a character."""
        volume = 0.0 if self.is_silenced(character) else self.volume(character)
        self._runtime.voice.set_volume(character, volume)

    def _change(self, name: str, value: str | bool) -> None:
        self._put(name, value)
        self._runtime.voice_input.set_turns(self.turns)

    def _get(self, name: str, default: T) -> T:
        # A value of another type, from another version or written by hand, counts as not set.
        if isinstance(default, bool):
            return self._prefs.get_bool(name, default)
        if isinstance(default, str):
            return self._prefs.get_string(name, default)
        return self._prefs.get_float(name, default)

    def _put(self, name: str, value: str | bool | float) -> None:
        if isinstance(value, bool):
            self._prefs.set_bool(name, value)
        elif isinstance(value, str):
            self._prefs.set_string(name, value)
        else:
            self._prefs.set_float(name, value)


def player_id(prefs: PlayerPrefs) -> str:
    """Return the random id that this player has at every service; made once, kept in `prefs`."""
    known = prefs.get_string(PLAYER_ID, "")
    if not known:
        known = secrets.token_hex(8)
        prefs.set_string(PLAYER_ID, known)
    return known


KEY_CHOICE = "bindings."


def apply_key_choices(source: Input, prefs: PlayerPrefs) -> None:
    """Bind the keys that the player chose: the setting "bindings.talk" is "space,pad 0"."""
    for name in prefs.keys(KEY_CHOICE):
        source.bindings[name.removeprefix(KEY_CHOICE)] = tuple(prefs.get_string(name).split(","))
