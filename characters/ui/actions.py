"""Gathers from the scene what the HUD shows, and carries out what the player asks of it.

Deeds: what keys and buttons of the HUD do, one definition for both.

FieldActions: what keys and clicks do in the inspector's list of fields.

SoundActions: the Sound page of the menu, what it offers and what keys and clicks do there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias
from urllib.parse import urlsplit

from characters.audio.portaudio import DeviceReport
from characters.audio.sources import AudioDevice
from characters.components.character import Character
from characters.components.faults import Faults
from characters.components.manager import CharacterManager
from characters.components.parts import SoundDevices
from characters.components.player import Player
from characters.protocol.network_conditions import LATE_SECONDS, SLOW_BYTES_PER_SECOND
from characters.protocol.turn_settings import ListeningMode
from characters.session.conversation import SessionState
from characters.ui.report import EventLog
from characters.ui.state import FieldState, HudLayer, HudState, edited, sound_people
from characters.ui.visuals import CharacterSprite
from characters.ui.words import (
    Actor,
    FaultState,
    HudModel,
    Microphone,
    is_open_elsewhere,
    rate_words,
)
from engine.app.application import Application
from engine.core.input import Input
from engine.objects.scene import Scene
from engine.scenes.editor import EditError, SceneEditor
from engine.scenes.file import FieldRow

__all__ = [
    "Actions",
    "FaultButton",
    "FieldActions",
    "gather",
    "SceneQuery",
    "SoundActions",
    "SoundRow",
    "steps",
    "UP_DOWN",
    "Volume",
]


Lines: TypeAlias = Callable[[str], tuple[str, ...]]

HEAD = 120.0
"""How high a badge's tip is over the feet of somebody who stands."""


class SceneQuery:
    """The characters of a scene, looked up once in each frame."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.manager = scene.find_component(CharacterManager)
        self.player = scene.find_component(Player)
        self.faults = scene.find_service(Faults)
        manager = self.manager
        present = scene.find_components(Character) if manager is None else manager.nearby
        self.characters = tuple(c for c in present if c.has_session)

    @property
    def keys(self) -> tuple[str, ...]:
        """The session keys, the nearest ones only where the level has a crowd."""
        return tuple(character.key for character in self.characters)

    def find(self, key: str | None) -> Character | None:
        """Return the character of a session key."""
        return next((c for c in self.characters if c.key == key), None)


def gather(query: SceneQuery, event_log: EventLog, state: HudState) -> HudModel:
    """Return what this frame shows."""
    scene = query.scene
    target = query.manager.target if query.manager is not None else None
    lines = event_log.lines if state.is_inspector_open else _no_lines
    return HudModel(
        now=scene.time.now,
        size=scene.camera.size,
        actors=tuple(_actor(each, scene, lines, each is target) for each in query.characters),
        microphone=_microphone(query.manager),
        faults=_faults(query, state),
        player_name=query.player.name if query.player is not None else "You",
        notice=state.notice,
        pointer=scene.input.mouse_position,
        endpoint=_endpoint(query.manager),
    )


def _no_lines(key: str) -> tuple[str, ...]:
    return ()


def _actor(character: Character, scene: Scene, lines: Lines, is_target: bool) -> Actor:
    x, y = character.transform.position
    sprite = character.get_component(CharacterSprite)
    top = sprite.head_height if sprite is not None else HEAD
    return Actor(
        key=character.key,
        name=character.label,
        view=character.view,
        head=scene.camera.to_screen((x, y - top)),
        policy=character.reconnect_policy,
        is_target=is_target,
        messages=lines(character.key),
    )


def _microphone(manager: CharacterManager | None) -> Microphone:
    if manager is None:
        return Microphone()
    status = manager.ears.status
    return Microphone(
        level=status.level,
        is_open=status.is_open,
        is_muted=manager.ears.muted,
        is_allowed=status.is_allowed,
        is_hands_free=status.mode is ListeningMode.HANDS_FREE,
        is_toggled=manager.ears.turns.push_to_talk.toggle,
        kept_seconds=status.kept_seconds,
        problem=status.problem,
        device=status.device,
        listener=status.target,
    )


def _faults(query: SceneQuery, state: HudState) -> FaultState:
    faults, who = query.faults, state.fault_target
    if faults is None:
        return FaultState()
    weather = faults.weather(who) if query.keys and (who is None or who in query.keys) else None
    return FaultState(
        faults.has_service, faults.is_service_running, weather, faults.is_microphone_unplugged
    )


def _endpoint(manager: CharacterManager | None) -> str:
    if manager is None or manager.endpoint == "local":
        return "local"
    return urlsplit(manager.endpoint).hostname or manager.endpoint


_log = logging.getLogger(__name__)

_STEPS: Mapping[str, int] = MappingProxyType(
    {
        "up": -1,
        "down": 1,
        "pad up": -1,
        "pad down": 1,
        "mouse 4": -3,
        "mouse 5": 3,
        "page up": -12,
        "page down": 12,
        "home": -1000,
        "end": 1000,
    }
)
_ENTER = ("return", "enter", "pad 0")


class FieldActions:
    """Edits the fields of the inspected character's object, in this frame."""

    def __init__(self, query: SceneQuery, state: HudState) -> None:
        self._query = query
        self._hud = state

    @property
    def state(self) -> FieldState:
        """What is chosen and under edit."""
        return self._hud.fields

    @property
    def is_open(self) -> bool:
        """Whether the fields are shown and take the keys."""
        return self._hud.layer is HudLayer.FIELDS

    @property
    def rows(self) -> tuple[FieldRow, ...]:
        """The fields of the inspected character's object."""
        who = self._character
        return () if who is None else self._editor.rows(who.game_object)

    @property
    def chosen(self) -> FieldRow | None:
        """The chosen field."""
        rows = self.rows
        return rows[min(self.state.chosen, len(rows) - 1)] if rows else None

    @property
    def buttons(self) -> tuple[tuple[str, Callable[[], object]], ...]:
        """What can be clicked below the list: what Enter, Escape and U do."""
        if self.state.draft is not None:
            return (("Enter: save", self.accept), ("Esc: leave it", self.cancel))
        return (("Enter: edit", self.begin), ("U: undo", self.undo), ("Esc: back", self.close))

    def obey(self, source: Input) -> None:
        """Do what the keys of this frame say."""
        if self._is_gone or not self._hud.is_inspector_open:
            self.close()
        elif source.get_button_down("inspector"):
            self.close()
            self._hud.is_inspector_open = False
        elif self.state.draft is not None:
            self._write(source)
        else:
            self._browse(source)

    def open(self) -> None:
        """Show the fields, in place of the session, and take the keys."""
        if self._hud.is_inspector_open and self._character is not None:
            self._hud.inspected = self._character.key  # whoever listens next: these are edited
            self._hud.layer = HudLayer.FIELDS
            self.state.move(0, len(self.rows))

    def close(self) -> None:
        """Show the session again, and give the keys back to the game."""
        self.state.leave()
        self._hud.close()

    def click(self, index: int) -> None:
        """Choose the row and edit it; the row under edit goes to its next choice."""
        draft = self.state.draft
        if draft is not None and draft.row == self.rows[index]:
            if draft.row.choices:
                draft.turn(1)
            return
        self.state.chosen = index
        self.begin()

    def begin(self) -> None:
        """Edit the chosen value."""
        row = self.chosen
        if row is not None and not row.is_fixed:
            self.state.begin(row)

    def accept(self) -> None:
        """Apply and save what was typed; what is wrong stays under edit, and says why."""
        draft, who = self.state.draft, self._character
        if draft is None or who is None:
            return
        if not draft.is_changed:
            self.state.leave()
            return
        try:
            edit = self._editor.set(who.game_object, draft.row, draft.text)
        except EditError as error:
            self.state.say(f"Not changed: {error}", is_refusal=True)
            return
        self.state.leave()
        self.state.say(edited(edit))
        self._hud.inspected = who.key  # which may be what was edited

    def cancel(self) -> None:
        """Leave the value as it was."""
        self.state.leave()

    def undo(self) -> None:
        """Take the last edit back."""
        try:
            edit = self._editor.undo()
        except EditError as error:
            self.state.say(str(error), is_refusal=True)
            return
        self.state.say(f"Undone: {edit.path.rpartition('.')[2]} of {edit.object} is as before.")

    # inside

    @property
    def _editor(self) -> SceneEditor:
        return self._query.scene.get_service(SceneEditor)

    @property
    def _character(self) -> Character | None:
        query = self._query
        target = None if query.manager is None else query.manager.target
        first = next(iter(query.characters), None)
        return query.find(self._hud.inspected) or target or first

    @property
    def _is_gone(self) -> bool:
        """Whether nobody is there, or the one whose field is under edit has left meanwhile."""
        is_found = self._query.find(self._hud.inspected) is not None
        return self._character is None or (self.state.draft is not None and not is_found)

    def _browse(self, source: Input) -> None:
        if source.get_button_down("menu") or source.get_button_down("fields"):
            self.close()
            return
        for key, by in _STEPS.items():
            if times := source.get_key_repeat(key):
                self.state.move(by * times, len(self.rows))
                _log.debug("Field %s is chosen.", self.chosen and self.chosen.path)
        if any(map(source.get_key_down, _ENTER)):
            self.begin()
            draft = self.state.draft
            if draft is not None and source.typed:  # in a slow frame, after Enter
                draft.feed(source)
        elif source.get_key_down("u"):
            self.undo()
        elif source.get_key_down("tab"):
            self._next_character()

    def _write(self, source: Input) -> None:
        draft = self.state.draft
        assert draft is not None  # see obey
        if source.get_button_down("menu"):
            self.cancel()
            return
        draft.feed(source)
        if any(map(source.get_key_down, _ENTER)):
            self.accept()

    def _next_character(self) -> None:
        keys, here = self._query.keys, self._character
        at = keys.index(here.key) if here is not None and here.key in keys else -1
        self._hud.inspected = keys[(at + 1) % len(keys)]
        self.state.leave()


DEFAULT = "System default"
_NO_LIST = DeviceReport(problem="This game was given no sound devices to choose from.")

UP_DOWN: Mapping[str, int] = MappingProxyType(
    {"up": -1, "w": -1, "pad up": -1, "down": 1, "s": 1, "pad down": 1}
)
_LEFT_RIGHT: Mapping[str, int] = MappingProxyType(
    {"left": -1, "a": -1, "pad left": -1, "right": 1, "d": 1, "pad right": 1}
)
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


class SoundActions:
    """Carries out what the player chooses for microphone, loudspeaker and voices, in this frame.

    Choosing a microphone does not open it: that waits for the player's first act, as hands-free is.
    """

    def __init__(self, query: SceneQuery, state: HudState) -> None:
        self._query = query
        self._hud = state

    @property
    def rows(self) -> tuple[SoundRow, ...]:
        """What can be chosen: the player's ears and voice, and as many characters as fit."""
        manager = self._query.manager
        if manager is None:
            return ()
        people = self._query.characters[: sound_people(self._query.scene.camera.size[1])]
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
        if self._query.manager is None:
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
        self._hud.layer, self._hud.sound_index = HudLayer.SOUND, 0
        if self._devices is not None:
            self._devices.look()

    def close(self) -> None:
        """Go back to the menu."""
        self._hud.layer = HudLayer.MENU

    def choose(self, index: int) -> None:
        """Let the keys change this row, counted around."""
        self._hud.sound_index = index % max(1, len(self.rows))

    def toggle_mute(self) -> None:
        """Mute the microphone or not, as M does in the game."""
        if self._query.manager is not None:
            self._query.manager.choices.set_muted(not self._query.manager.ears.muted)

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
        return self._query.scene.find_service(SoundDevices)

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


_SLOW = f"Slow {rate_words(SLOW_BYTES_PER_SECOND)}"


@dataclass(frozen=True, slots=True)
class FaultButton:
    """A fault that the panel offers: its key, its words and what it does."""

    key: str
    label: str
    action: Callable[[], object]
    is_harmful: bool = True
    is_enabled: bool = True


class Actions:
    """Carries out what the player asks of the HUD, in this frame."""

    def __init__(
        self,
        query: SceneQuery,
        state: HudState,
        notify: Callable[[str], object],
        keep_captions: Callable[[], object],
    ) -> None:
        self.query = query
        self._state = state
        self._notify = notify
        self._keep_captions = keep_captions
        self.fields = FieldActions(query, state)
        self.sound = SoundActions(query, state)

    @property
    def by_action(self) -> Mapping[str, Callable[[], object]]:
        """What each action of the key bindings does while nothing is open."""
        state = self._state
        return {
            "type": lambda: state.open(HudLayer.CHAT),
            "help": lambda: state.open(HudLayer.HELP),
            "captions": self.next_captions,
            "inspector": self.toggle_inspector,
            "fields": self.fields.open,
            "faults": self.toggle_faults,
            "retry": self.retry_first,
            "take_over": self.take_over_first,
            "menu": lambda: state.open(HudLayer.MENU),
        }

    def menu(self) -> tuple[tuple[str, Callable[[], object]], ...]:
        """Return the entries of the menu."""
        muted = self.query.manager is not None and self.query.manager.ears.muted
        return (
            ("Go on", self._state.close),
            ("What the keys do", lambda: self._state.open(HudLayer.HELP)),
            (f"Captions: {self._state.caption_size.value}", self.next_captions),
            ("Unmute the microphone" if muted else "Mute the microphone", self.sound.toggle_mute),
            ("Sound ...", self.sound.open),
            ("Leave the game", self.quit),
        )

    def faults(self) -> tuple[FaultButton, ...]:
        """Return the buttons of the fault panel."""
        faults, who = self.query.faults, self._state.fault_target
        if faults is None:
            return ()
        down = faults.has_service and not faults.is_service_running
        up = faults.has_service and not down
        key = who if who is not None else self._listener()
        return (
            FaultButton("c", "Cut", self._tried(lambda: faults.cut(who))),
            FaultButton("b", "Black hole", self._tried(lambda: faults.black_hole(who))),
            FaultButton("g", f"Lag {LATE_SECONDS:g} s", self._tried(lambda: faults.latency(who))),
            FaultButton("o", _SLOW, self._tried(lambda: faults.slow_link(who))),
            FaultButton("h", "Heal line", self._tried(lambda: faults.heal(who)), is_harmful=False),
            self._cable(faults),
            FaultButton("k", "Kill service", self._tried(faults.kill_service), is_enabled=up),
            FaultButton(
                "l",
                "Launch service",
                self._tried(faults.start_service),
                is_harmful=False,
                is_enabled=down,
            ),
            FaultButton(
                "x",
                "Expire session",
                self._tried(lambda: faults.expire_session(key or "")),
                is_enabled=key is not None,
            ),
        )

    def _cable(self, faults: Faults) -> FaultButton:
        if faults.is_microphone_unplugged:
            plug_in = self._tried(faults.plug_in_microphone)
            return FaultButton("u", "Plug in mic", plug_in, is_harmful=False)
        pull = self._tried(faults.unplug_microphone)
        return FaultButton("u", "Unplug mic", pull, is_enabled=faults.has_microphone)

    # actions

    def send(self) -> None:
        """Send what was typed; text that nobody can hear stays in the box."""
        player, text = self.query.player, self._state.chat.text.strip()
        if not text:
            self._state.close()
        elif player is not None and player.say(text):
            self._state.chat.clear()
            self._state.close()

    def retry(self, key: str) -> None:
        """Let a character in ERROR try again."""
        character = self.query.find(key)
        if character is not None:
            character.session.retry()

    def start_anew(self, key: str) -> None:
        """Forget the talk that cannot be resumed, and begin another."""
        character = self.query.find(key)
        if character is not None:
            character.session.clear_session_id()
            character.session.retry()

    def retry_first(self) -> None:
        """Retry the one whose card is the first."""
        for character in self.query.characters:
            if character.view.state is SessionState.ERROR:
                self.retry(character.key)
                return

    def take_over(self, key: str) -> None:
        """Go on here with a talk that is open in another game, which is told and lets go."""
        character = self.query.find(key)
        if character is not None:
            character.session.connect(take_over=True)

    def take_over_first(self) -> None:
        """Take over the first talk whose card or badge offers it."""
        for character in self.query.characters:
            if is_open_elsewhere(character.view):
                self.take_over(character.key)
                return

    def inspect(self, key: str) -> None:
        """Show this character in the inspector."""
        self._state.inspected = key
        self._state.fields.leave()

    def aim_faults(self, key: str | None) -> None:
        """Break this character's line, or everybody's."""
        self._state.fault_target = key

    def toggle_inspector(self) -> None:
        """Open or close the inspector."""
        self._state.is_inspector_open = not self._state.is_inspector_open

    def toggle_faults(self) -> None:
        """Open or close the fault panel."""
        if self.query.faults is None and not self._state.is_faults_open:
            self._notify("There is nothing to break here: this game was given no faults.")
            return
        self._state.is_faults_open = not self._state.is_faults_open

    def next_captions(self) -> None:
        """Go through normal, large and no captions, and keep the choice."""
        self._state.caption_size = self._state.caption_size.next
        self._keep_captions()
        self._notify(f"Captions: {self._state.caption_size.value}")

    def quit(self) -> None:
        """Leave the game."""
        application = self.query.scene.find_service(Application)
        if application is not None:
            application.quit()

    # inside

    def _listener(self) -> str | None:
        target = self.query.manager.target if self.query.manager is not None else None
        return None if target is None else target.key

    def _tried(self, action: Callable[[], object]) -> Callable[[], object]:
        """Return the action with its refusal shown to the player."""

        def run() -> None:
            try:
                action()
            except LookupError as error:
                self._notify(str(error.args[0]) if error.args else str(error))

        return run
