"""The Sound page: what the player chooses for microphone, loudspeaker and voices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from characters.audio.portaudio import DeviceReport
from characters.audio.sources import AudioDevice
from characters.components.character import Character
from characters.components.manager import CharacterManager
from characters.components.parts import SoundDevices
from characters.protocol.turn_settings import ListeningMode
from characters.ui.model import SceneQuery
from characters.ui.state import ENTER_KEYS, UP_DOWN, HudAction, HudLayer, HudState, run_first, steps
from engine.core.input import Input
from engine.core.words import Words

__all__ = ["SoundActions", "SoundRow", "Volume"]

_LEFT_RIGHT: Mapping[str, int] = MappingProxyType(
    {"left": -1, "a": -1, "pad left": -1, "right": 1, "d": 1, "pad right": 1}
)


@dataclass(frozen=True, slots=True)
class Volume:
    """How loud a character is, and whether the player muted it."""

    tenths: int
    is_muted: bool
    set: Callable[[int], object]
    mute: Callable[[], object]


@dataclass(frozen=True, slots=True)
class SoundRow:
    """Something that the player can choose: its present value, and the steps to others."""

    label: str
    value: str
    step: Callable[[int], object]
    """Goes so many choices to the right, or to the left."""
    hint: str = ""
    volume: Volume | None = None

    def enter(self) -> None:
        """Go to the next choice, or mute a voice."""
        if self.volume is None:
            self.step(1)
        else:
            self.volume.mute()


class SoundActions:
    """Carries out what the player chooses for microphone, loudspeaker and voices, in this frame.

    Choosing a microphone does not open it: that waits for the player's first act.
    """

    def __init__(self, query: SceneQuery, state: HudState) -> None:
        self._query = query
        self._say = query.words
        self._hud = state

    @property
    def rows(self) -> tuple[SoundRow, ...]:
        """What can be chosen: the player's devices, and the volume of each voice."""
        manager = self._query.manager
        if manager is None:
            return ()
        return (
            self._microphone(manager),
            *_ways_to_talk(self._say, manager),
            self._speaker(manager),
            _headphones(self._say, manager),
            _everything(self._say, manager),
            *(_voice(self._say, manager, character) for character in self._query.characters),
        )

    @property
    def chosen(self) -> int:
        """The row that the keys change."""
        return min(self._hud.sound_index, max(0, len(self.rows) - 1))

    @property
    def note(self) -> str:
        """What is to be said of the devices; empty if all is well."""
        if self._is_looking:
            return self._say("sound.looking")
        if self._query.manager is None:
            return self._say("sound.no_voices")
        return self._say.translate(self._report.problem or "")

    def obey(self, source: Input) -> None:
        """Run what the keys of this frame say."""
        rows = self.rows
        if source.get_button_down("menu"):
            self.close()
        elif rows:
            self.choose(self.chosen + steps(source, UP_DOWN))
            self._change(rows[self.chosen], source)

    def open(self) -> None:
        """Show the page, and look for devices meanwhile."""
        self._hud.layer, self._hud.sound_index = HudLayer.SOUND, 0
        if self._devices is not None:
            self._devices.look()

    def close(self) -> None:
        """Go back to the menu."""
        self._hud.layer = HudLayer.MENU

    def choose(self, index: int) -> None:
        """Let the keys change this row; an index beyond the last goes round to the first."""
        self._hud.sound_index = index % max(1, len(self.rows))

    def toggle_mute(self) -> None:
        """Mute or unmute the microphone."""
        manager = self._query.manager
        if manager is not None:
            manager.choices.set_muted(not manager.voice_input.muted)

    def _change(self, row: SoundRow, source: Input) -> None:
        mute = self.toggle_mute if row.volume is None else row.volume.mute
        if by := steps(source, _LEFT_RIGHT):
            row.step(by)
        else:
            run_first(
                source, (HudAction(mute, binding="mute"), HudAction(row.enter, keys=ENTER_KEYS))
            )

    @property
    def _devices(self) -> SoundDevices | None:
        return self._query.scene.find_service(SoundDevices)

    @property
    def _is_looking(self) -> bool:
        return self._devices is not None and self._devices.is_looking

    @property
    def _report(self) -> DeviceReport:
        devices = self._devices
        if devices is None:
            return DeviceReport(problem=self._say("sound.no_devices"))
        return devices.report

    def _microphone(self, manager: CharacterManager) -> SoundRow:
        choices, voice_input, say = manager.choices, manager.voice_input, self._say
        hint = say("sound.microphone_muted") if voice_input.muted else say("sound.microphone_hint")
        return self._device(
            (say("sound.microphone"), hint), choices.microphone, self._report.inputs,
            voice_input.status.device, choices.set_microphone,
        )  # fmt: skip

    def _speaker(self, manager: CharacterManager) -> SoundRow:
        choices, voice, say = manager.choices, manager.runtime.voice, self._say
        hint = say.translate(voice.problem or "") or say("sound.loudspeaker_hint")
        return self._device(
            (say("sound.loudspeaker"), hint), choices.speaker,
            self._report.outputs, voice.device, choices.set_speaker,
        )  # fmt: skip

    def _device(
        self,
        label_and_hint: tuple[str, str],
        chosen: str | None,
        found: Sequence[AudioDevice],
        in_use: str,
        choose: Callable[[str | None], object],
    ) -> SoundRow:
        (label, hint), say = label_and_hint, self._say
        known = [None, *(device.name for device in found)]
        is_there = chosen in known or chosen == in_use  # a device in use may be hidden from a list
        is_known = not self._is_looking and self._report.problem is None
        choices = known if chosen in known else [*known, chosen]

        def step(by: int) -> None:
            target = choices[(choices.index(chosen) + by) % len(choices)]
            if target != chosen:  # the same again would open the device anew
                choose(target)

        value = chosen or say("sound.system_default")
        if is_known and not is_there:
            value = say("sound.not_there", device=value)
        if is_known and not found:
            hint = say("sound.none_found")
        return SoundRow(label, value, step, hint)


def _ways_to_talk(say: Words, manager: CharacterManager) -> tuple[SoundRow, SoundRow]:
    choices, turns = manager.choices, manager.choices.turns
    is_hands_free = turns.mode is ListeningMode.HANDS_FREE
    is_toggle = turns.push_to_talk.toggle

    def change_mode(by: int) -> None:
        if is_hands_free:
            choices.set_mode(ListeningMode.PUSH_TO_TALK)
        else:
            choices.set_mode(ListeningMode.HANDS_FREE)
            # Choosing it is the player's act that allows the microphone.
            manager.voice_input.allow()

    mode = say("sound.hands_free") if is_hands_free else say("sound.push_to_talk")
    key = say("sound.toggle") if is_toggle else say("sound.hold")
    return (
        SoundRow(say("sound.mode"), mode, change_mode, say("sound.mode_hint")),
        SoundRow(
            say("sound.talk_key"),
            key,
            lambda by: choices.set_toggle(not is_toggle),
            say("sound.talk_key_hint"),
        ),
    )


def _headphones(say: Words, manager: CharacterManager) -> SoundRow:
    choices, is_worn = manager.choices, manager.choices.turns.headphones
    value = say("sound.yes") if is_worn else say("sound.no")
    label, hint = say("sound.headphones"), say("sound.headphones_hint")
    return SoundRow(label, value, lambda by: choices.set_headphones(not is_worn), hint)


def _everything(say: Words, manager: CharacterManager) -> SoundRow:
    choices, is_muted = manager.choices, manager.choices.is_all_silenced
    volume = Volume(
        round(10 * choices.master_volume),
        is_muted,
        lambda tenths: choices.set_master_volume(tenths / 10),
        lambda: choices.set_all_silenced(not is_muted),
    )
    return _loudness(say, say("sound.all"), volume, say("sound.all_hint"))


def _voice(say: Words, manager: CharacterManager, character: Character) -> SoundRow:
    choices, key = manager.choices, character.key
    is_muted = choices.is_silenced(key)
    volume = Volume(
        round(10 * choices.volume(key)),
        is_muted,
        lambda tenths: choices.set_volume(key, tenths / 10),
        lambda: choices.set_silenced(key, not is_muted),
    )
    return _loudness(say, character.label, volume, say("sound.volume_hint"))


def _loudness(say: Words, label: str, volume: Volume, hint: str) -> SoundRow:
    percent = say("sound.volume", percent=10 * volume.tenths)
    value = say("sound.volume_muted") if volume.is_muted else percent
    # What is set keeps itself within its bounds.
    return SoundRow(label, value, lambda by: volume.set(volume.tenths + by), hint, volume)
