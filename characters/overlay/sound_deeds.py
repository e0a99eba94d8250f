"""SoundDeeds: the Sound page of the menu, what it offers and what keys and clicks do there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from characters.audio.portaudio import DeviceReport
from characters.audio.source import AudioDevice
from characters.components.character import Character
from characters.components.manager import CharacterManager
from characters.components.sound import SoundDevices
from characters.core.turn_settings import ListeningMode
from characters.overlay.cast import Cast
from characters.overlay.hud_state import HudState, Layer
from characters.overlay.layout import sound_people
from engine.input import Input

__all__ = ["UP_DOWN", "SoundDeeds", "SoundRow", "Volume", "steps"]

DEFAULT = "System default"
_NO_LIST = DeviceReport(problem="This game was given no sound devices to choose from.")

UP_DOWN: Mapping[str, int] = MappingProxyType(
    {"up": -1, "w": -1, "pad up": -1, "down": 1, "s": 1, "pad down": 1}
)
_LEFT_RIGHT: Mapping[str, int] = MappingProxyType(
    {"left": -1, "a": -1, "pad left": -1, "right": 1, "d": 1, "pad right": 1}
)
_ENTER = ("return", "enter", "pad 0")
_NONE_FOUND = "None was found; one that is plugged in is used by itself."
_FOR_PUSH_TO_TALK = "For push-to-talk: how the key, or the button of a pad, is used."


@dataclass(frozen=True, slots=True)
class Volume:
    """How loud a character is, and whether the player muted it."""

    tenths: int
    is_muted: bool
    set: Callable[[int], object]
    mute: Callable[[], object]


@dataclass(frozen=True, slots=True)
class SoundRow:
    """Something that the player may choose: its value now, and the steps to others."""

    label: str
    value: str
    step: Callable[[int], object]
    """Goes so many choices to the right, or to the left."""
    hint: str = ""
    volume: Volume | None = None

    def enter(self) -> None:
        """Do what Enter does: go to the next choice, or mute a voice."""
        if self.volume is None:
            self.step(1)
        else:
            self.volume.mute()


class SoundDeeds:
    """Carries out what the player chooses for microphone, loudspeaker and voices, in this frame.

    Choosing a microphone does not open it: that waits for the player's first act, as hands-free is.
    """

    def __init__(self, cast: Cast, state: HudState) -> None:
        self._cast = cast
        self._hud = state

    @property
    def rows(self) -> tuple[SoundRow, ...]:
        """What can be chosen: the player's ears and voice, and as many characters as fit."""
        manager = self._cast.manager
        if manager is None:
            return ()
        people = self._cast.characters[: sound_people(self._cast.scene.camera.size[1])]
        return (
            self._microphone(manager),
            *self._ways_to_talk(manager),
            self._speaker(manager),
            self._headphones(manager),
            *(_voice(manager, character) for character in people),
        )

    @property
    def chosen(self) -> int:
        """Which row the keys change."""
        return min(self._hud.sound_index, max(0, len(self.rows) - 1))

    @property
    def note(self) -> str:
        """What is to be said of the devices; empty while all is well."""
        if self._is_looking:
            return "Looking for microphones and loudspeakers ..."
        if self._cast.manager is None:
            return "Nobody in this level has a voice."
        return self._report.problem or ""

    def obey(self, source: Input) -> None:
        """Do what the keys of this frame say."""
        rows = self.rows
        if source.get_button_down("menu"):
            self.close()
        elif rows:
            self.choose(self.chosen + steps(source, UP_DOWN))
            self._change(rows[self.chosen], source)

    def open(self) -> None:
        """Show the page, and look for devices meanwhile."""
        self._hud.layer, self._hud.sound_index = Layer.SOUND, 0
        if self._devices is not None:
            self._devices.look()

    def close(self) -> None:
        """Go back to the menu."""
        self._hud.layer = Layer.MENU

    def choose(self, index: int) -> None:
        """Let the keys change this row, counted around."""
        self._hud.sound_index = index % max(1, len(self.rows))

    def toggle_mute(self) -> None:
        """Mute the microphone or not, as M does in the game."""
        if self._cast.manager is not None:
            self._cast.manager.choices.set_muted(not self._cast.manager.ears.muted)

    # inside

    def _change(self, row: SoundRow, source: Input) -> None:
        mute = self.toggle_mute if row.volume is None else row.volume.mute
        if by := steps(source, _LEFT_RIGHT):
            row.step(by)
        elif source.get_button_down("mute"):
            mute()
        elif any(map(source.get_key_down, _ENTER)):
            row.enter()

    @property
    def _devices(self) -> SoundDevices | None:
        return self._cast.scene.find_service(SoundDevices)

    @property
    def _is_looking(self) -> bool:
        return self._devices is not None and self._devices.is_looking

    @property
    def _report(self) -> DeviceReport:
        return _NO_LIST if self._devices is None else self._devices.report

    def _microphone(self, manager: CharacterManager) -> SoundRow:
        choices = manager.choices
        is_muted = manager.ears.muted
        hint = (
            "Muted; M lets it hear again."
            if is_muted
            else "M mutes it. Choosing one does not open it."
        )
        return self._device(
            ("Microphone", hint), choices.microphone, self._report.inputs,
            manager.ears.status.device, choices.set_microphone,
        )  # fmt: skip

    def _speaker(self, manager: CharacterManager) -> SoundRow:
        choices, voice = manager.choices, manager.runtime.voice
        hint = voice.problem or "All the voices come from here."
        return self._device(
            ("Loudspeaker", hint), choices.speaker, self._report.outputs, voice.device,
            choices.set_speaker,
        )  # fmt: skip

    def _device(
        self,
        words: tuple[str, str],
        chosen: str | None,
        found: Sequence[AudioDevice],
        in_use: str,
        choose: Callable[[str | None], object],
    ) -> SoundRow:
        known = [None, *(device.name for device in found)]
        there = chosen in known or chosen == in_use  # one in use may be hidden from who looks
        is_known = not self._is_looking and self._report.problem is None
        choices = known if chosen in known else [*known, chosen]

        def step(by: int) -> None:
            wanted = choices[(choices.index(chosen) + by) % len(choices)]
            if wanted != chosen:  # the same again would open the device anew
                choose(wanted)

        gone = " (not there)" if is_known and not there else ""
        hint = words[1] if found or not is_known else _NONE_FOUND
        return SoundRow(words[0], (chosen or DEFAULT) + gone, step, hint)

    def _ways_to_talk(self, manager: CharacterManager) -> tuple[SoundRow, SoundRow]:
        choices, turns = manager.choices, manager.choices.turns
        mode = "hands-free" if turns.mode is ListeningMode.HANDS_FREE else "push-to-talk"
        hint = "Hands-free leaves the microphone open while you play; M mutes it."
        is_toggle = turns.push_to_talk.toggle
        key = "press to begin and to end" if is_toggle else "hold to talk"
        return (
            SoundRow("You talk", mode, lambda by: self._change_mode(manager), hint),
            SoundRow("T key", key, lambda by: choices.set_toggle(not is_toggle), _FOR_PUSH_TO_TALK),
        )

    def _headphones(self, manager: CharacterManager) -> SoundRow:
        choices, worn = manager.choices, manager.choices.turns.headphones
        hint = "With headphones a character falls silent when you speak."
        value = "yes" if worn else "no"
        return SoundRow("Headphones", value, lambda by: choices.set_headphones(not worn), hint)

    def _change_mode(self, manager: CharacterManager) -> None:
        """Change between push-to-talk and hands-free; choosing is the act that allows it."""
        if manager.choices.turns.mode is ListeningMode.HANDS_FREE:
            manager.choices.set_mode(ListeningMode.PUSH_TO_TALK)
        else:
            manager.choices.set_mode(ListeningMode.HANDS_FREE)
            manager.ears.allow()


def steps(source: Input, ways: Mapping[str, int]) -> int:
    """Return how far the keys of this frame go: in a slow frame more than one step."""
    return sum(by * source.get_key_repeat(key) for key, by in ways.items())


def _voice(manager: CharacterManager, character: Character) -> SoundRow:
    choices, key = manager.choices, character.key
    tenths, is_muted = round(10 * choices.volume(key)), choices.is_silenced(key)

    def set_tenths(wanted: int) -> None:
        choices.set_volume(key, wanted / 10)  # which keeps it within its bounds

    return SoundRow(
        character.label,
        "muted" if is_muted else f"{10 * tenths} %",
        lambda by: set_tenths(tenths + by),
        "Enter or M mutes; the captions go on.",
        Volume(tenths, is_muted, set_tenths, lambda: choices.set_silenced(key, not is_muted)),
    )
