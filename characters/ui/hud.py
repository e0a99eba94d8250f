"""Hud: everything on the screen that is not the level; put one on an object of each scene."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any, ClassVar

from characters.client.config import TextRefused, TranscriptChanged
from characters.client.voice_input import VoiceInputStatus
from characters.components.manager import CharacterManager
from characters.ui.actions import UP_DOWN, Actions, SceneQuery, gather, steps
from characters.ui.report import EventLog
from characters.ui.state import CaptionSize, HudLayer, HudState
from characters.ui.words import closed_door
from engine.app.hot_reload import HotReload
from engine.core.events import Subscription
from engine.objects.objects import Component
from engine.prefs.prefs import PlayerPrefs
from engine.scenes.editor import SceneEditor
from engine.scenes.manager import SceneLoad, SceneManager
from engine.ui.events import Hotspots

__all__ = ["Hud"]


HUD_BINDINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "type": ("return", "pad 3"),
        "help": ("f1",),
        "captions": ("f2",),
        "inspector": ("f3",),
        "fields": ("e",),
        "faults": ("f4",),
        "retry": ("r", "pad 1"),
        "take_over": ("v", "pad 4"),
        "menu": ("escape", "pad 7"),
    }
)
"""What the HUD's keys are; `scene.input.bindings` may name others before the level starts."""

CAPTIONS = "hud.captions"

_log = logging.getLogger(__name__)


class Hud(Component):
    """Shows badges, captions, chat, microphone, errors; opens inspector, faults, help and menu.

    While the player types, or a menu is open, `scene.input.captured` is this component.
    """

    execution_order: ClassVar[int] = -50  # after the manager, before the player's own keys

    _state: HudState = field(default_factory=HudState)
    _hotspots: Hotspots = field(default_factory=Hotspots)
    _event_log: EventLog = field(default_factory=EventLog)
    _notices: list[Subscription] = field(default_factory=list)
    _are_mistakes_told: bool = False
    _shown: str = ""
    _was_deaf: bool = False
    _reload: HotReload | None = None

    @property
    def state(self) -> HudState:
        """What is open, and what is typed."""
        return self._state

    def awake(self) -> None:
        """Name the keys, unless somebody has named others."""
        for action, keys in HUD_BINDINGS.items():
            self.input.bindings.setdefault(action, keys)

    def start(self) -> None:
        """Bring the player's choice of captions, and listen for notices."""
        self._event_log = EventLog(self._hear)
        self.scene.provide(SceneEditor(self.scene))
        prefs = self.scene.find_service(PlayerPrefs)
        if prefs is not None:
            wanted = prefs.get_string(CAPTIONS, CaptionSize.NORMAL)
            self._state.caption_size = (
                CaptionSize(wanted) if wanted in list(CaptionSize) else CaptionSize.NORMAL
            )
            self._notices.append(prefs.problem.subscribe(self.notify))
        player = SceneQuery(self.scene).player
        if player is not None:
            self._notices.append(player.notices.subscribe(self.notify))
        levels = self.scene.find_service(SceneManager)
        if levels is not None:
            self._notices.append(levels.load_failed.subscribe(self._tell_closed_door))

    def on_destroy(self) -> None:
        """Stop listening, and give the keys back."""
        self._event_log.close()
        for subscription in self._notices:
            subscription.cancel()
        self._capture(False)
        self._cover_ears(SceneQuery(self.scene).manager, False)

    def notify(self, sentence: str) -> None:
        """Show a sentence to the player for a few seconds."""
        self._state.say(sentence, self.scene.time.now)

    def update(self, dt: float) -> None:
        """Obey keys and clicks."""
        query = SceneQuery(self.scene)
        for character in query.characters:
            self._event_log.follow(character.key, character.events)
        self._state.expire(self.scene.time.now)
        self._tell_mistakes()
        self._tell_microphone(query.manager)
        actions = self._actions(query)
        if self.input.get_mouse_button_down(1):
            self._hotspots.click(self.input.mouse_position)
        _LAYERS[self._state.layer](self, actions)
        self._capture(self._state.is_capturing)
        self._cover_ears(query.manager, self._state.is_covering)
        if self._shown != self._state.shown:
            self._shown = self._state.shown
            _log.debug("On the screen: %s.", self._shown)

    def on_gui(self, surface: Any) -> None:
        """Paint it all."""
        from characters.ui.paint.screen import paint_screen
        from characters.ui.paint.widgets import shared_painter

        query = SceneQuery(self.scene)
        model = gather(query, self._event_log, self._state)
        self._hotspots.begin()
        actions = self._actions(query)
        paint_screen(
            shared_painter(self.scene), surface, model, self._state, actions, self._hotspots
        )

    # inside

    def _actions(self, query: SceneQuery) -> Actions:
        return Actions(query, self._state, self.notify, self._keep_captions)

    def _hear(self, key: str, event: object) -> None:
        if isinstance(event, TextRefused):
            self.notify(event.reason)
        elif isinstance(event, TranscriptChanged) and not event.turns:
            self._state.chat.clear()  # a draft is a word of the last visitor too

    def _tell_closed_door(self, load: SceneLoad) -> None:
        assert load.error is not None  # it has failed
        self.notify(closed_door(load.name, load.error))

    def _tell_mistakes(self) -> None:
        """Show what is wrong with the level's file for as long as it is, and what waits."""
        reload = self.scene.find_component(HotReload)
        if reload is not None and reload is not self._reload:
            self._reload = reload
            self._notices.append(reload.noted.subscribe(self.notify))
        if reload is not None and reload.summary is not None:
            self.notify(reload.summary)
        elif self._are_mistakes_told:
            self._state.notice = None
        self._are_mistakes_told = reload is not None and reload.summary is not None

    def _tell_microphone(self, manager: CharacterManager | None) -> None:
        """Name the microphone that works after none did: it may be another than before."""
        status = VoiceInputStatus() if manager is None else manager.ears.status
        if self._was_deaf and status.problem is None and status.device:
            self.notify(f"The microphone works: {status.device}.")
        self._was_deaf = status.problem is not None

    def _keep_captions(self) -> None:
        prefs = self.scene.find_service(PlayerPrefs)
        if prefs is not None:
            prefs.set_string(CAPTIONS, self._state.caption_size.value)

    def _capture(self, wanted: bool) -> None:
        if wanted:
            self.input.captured = self
        elif self.input.captured is self:
            self.input.captured = None

    def _cover_ears(self, manager: CharacterManager | None, covered: bool) -> None:
        """Close the microphone while a menu or the help is open."""
        if manager is not None:
            manager.ears.set_covered(covered)

    # one method for each layer

    def _in_game(self, actions: Actions) -> None:
        if self.input.captured is not None:
            return  # somebody else types
        for button, act in actions.by_action.items():
            if self.input.get_button_down(button):
                act()
        if self._state.is_faults_open:
            self._fault_keys(actions)

    def _fault_keys(self, actions: Actions) -> None:
        for number in range(10):
            if self.input.get_key_down(str(number)):
                self._state.choose_fault_target(number, actions.query.keys)
        for button in actions.faults():
            if button.is_enabled and self.input.get_key_down(button.key):
                button.action()

    def _in_chat(self, actions: Actions) -> None:
        self._state.chat.feed(self.input)
        if self.input.get_button_down("menu"):
            self._state.close()
        elif self.input.get_key_down("return") or self.input.get_key_down("enter"):
            actions.send()

    def _in_menu(self, actions: Actions) -> None:
        entries = actions.menu()
        if by := steps(self.input, UP_DOWN):
            self._state.move_menu(by, len(entries))
        if self.input.get_button_down("menu"):
            self._state.close()
        elif self.input.get_key_down("return") or self.input.get_key_down("pad 0"):
            entries[self._state.menu_index][1]()

    def _in_sound(self, actions: Actions) -> None:
        actions.sound.obey(self.input)

    def _in_help(self, actions: Actions) -> None:
        if self.input.get_button_down("help") or self.input.get_button_down("menu"):
            self._state.close()

    def _in_fields(self, actions: Actions) -> None:
        actions.fields.obey(self.input)


_LAYERS: Mapping[HudLayer, Callable[[Hud, Actions], None]] = MappingProxyType(
    {
        HudLayer.GAME: Hud._in_game,
        HudLayer.CHAT: Hud._in_chat,
        HudLayer.MENU: Hud._in_menu,
        HudLayer.SOUND: Hud._in_sound,
        HudLayer.HELP: Hud._in_help,
        HudLayer.FIELDS: Hud._in_fields,
    }
)
