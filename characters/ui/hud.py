"""Hud: everything on the screen that is not the level; put one on an object of each scene."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field
from typing import Any, ClassVar

from pydantic import PositiveFloat

from characters.client.config import (
    MessageRefused,
    SpeechNotUnderstood,
    TextRefused,
    TranscriptChanged,
)
from characters.client.voice_input import VoiceInputStatus
from characters.components.manager import CharacterManager
from characters.components.slots import LoadedSlot, SaveSlots
from characters.protocol.messages import (
    BotReady,
    FinalUserTranscription,
    ServerResponse,
    TakeBack,
    TakenBack,
    UsageLimitReached,
)
from characters.protocol.turn_settings import ListeningMode
from characters.storage.slots import SlotInfo
from characters.ui import words
from characters.ui.actions import Actions
from characters.ui.model import BADGE_HEIGHT, HUD_BINDINGS, Destinations, SceneQuery, gather
from characters.ui.report import EventLog
from characters.ui.slots import SlotPage
from characters.ui.state import CaptionSize, HudState, hud_layout, view_shift
from engine.app.hot_reload import HotReload
from engine.core.events import Subscription
from engine.core.words import ScreenText, Words
from engine.objects.objects import Component
from engine.prefs.prefs import PlayerPrefs
from engine.scenes.editor import SceneEditor
from engine.scenes.manager import SceneLoad, SceneManager
from engine.ui.geometry import Hotspots, Rect, scale_of

__all__ = ["Hud"]


CAPTIONS = "hud.captions"
SHIFT_SECONDS = 0.12  # in which the picture goes most of its way out from under a panel

_log = logging.getLogger(__name__)


class Hud(Component):
    """Shows badges, captions, chat, microphone, errors; opens inspector, faults, help and menu.

    While the player types, or a menu is open, `scene.input.captured` is this component.
    """

    draws_sharp: ClassVar[bool] = True
    execution_order: ClassVar[int] = -50  # after the manager, before the player's own keys

    badge_height: PositiveFloat = BADGE_HEIGHT  # over the feet of one without a CharacterSprite

    _state: HudState = field(default_factory=HudState)
    _hotspots: Hotspots = field(default_factory=Hotspots)
    _event_log: EventLog = field(default_factory=EventLog)
    _destinations: Destinations = field(default_factory=Destinations)
    _badges: dict[str, Any] = field(default_factory=dict)
    _subscriptions: list[Subscription] = field(default_factory=list)
    _are_mistakes_shown: bool = False
    _shown: str = ""
    _missed_words: str | None = None
    _model_problem: str = ""
    _had_no_microphone: bool = False
    _reload: HotReload | None = None
    _slots: SaveSlots | None = None
    _was_covering: bool = False
    _slot_page: SlotPage = field(default_factory=SlotPage)

    @property
    def state(self) -> HudState:
        """What is open, and what is typed."""
        return self._state

    @property
    def text_box(self) -> Rect | None:
        """Where the text under edit is on the screen, None while no key types."""
        field = self._state.field_under_edit
        return None if field is None else field.place

    def awake(self) -> None:
        """Bind the keys, unless the game has bound others."""
        for action, keys in HUD_BINDINGS.items():
            self.input.bindings.setdefault(action, keys)

    def start(self) -> None:
        """Apply the player's choice of captions, and subscribe to notices."""
        self._event_log = EventLog(self._receive)
        self.scene.provide(SceneEditor(self.scene))
        prefs = self.scene.find_service(PlayerPrefs)
        if prefs is not None:
            with suppress(ValueError):  # a size of another version
                size = prefs.get_string(CAPTIONS, CaptionSize.NORMAL)
                self._state.caption_size = CaptionSize(size)
            self._subscriptions.append(prefs.problem.subscribe(self.notify))
        player = SceneQuery(self.scene).player
        if player is not None:
            self._subscriptions.append(player.notices.subscribe(self.notify))
        levels = self.scene.find_service(SceneManager)
        if levels is not None:
            self._subscriptions.append(levels.load_failed.subscribe(self._show_closed_door))

    def on_destroy(self) -> None:
        """Cancel the subscriptions, and give the keys back."""
        self._event_log.close()
        for subscription in self._subscriptions:
            subscription.cancel()
        self._capture(False)
        self.scene.camera.shift = (0.0, 0.0)
        self._close_microphone(SceneQuery(self.scene).manager, False)

    def notify(self, sentence: str) -> None:
        """Show a sentence to the player for a few seconds."""
        self._state.say(self._say.translate(sentence))

    def update(self, dt: float) -> None:
        """Run the actions of this frame's keys and clicks."""
        query = SceneQuery(self.scene)
        for character in query.characters:
            self._event_log.follow(character.key, character.events)
        self._state.pass_time(self.scene.time.unscaled_delta)
        self._show_mistakes()
        self._show_microphone(query.manager)
        self._follow_slots()
        if self.input.get_mouse_button_down(1):
            self._hotspots.click(self.input.mouse_position)
        self._actions(query).obey(self.input)
        self._make_room(query, dt)
        self._capture(self._state.is_capturing)
        self._close_microphone(query.manager, self._state.is_covering)
        self._keep_picture()
        if self._shown != self._state.shown:
            self._shown = self._state.shown
            _log.debug("On the screen: %s.", self._shown)

    def on_gui(self, surface: Any) -> None:
        """Paint it all."""
        from characters.ui.paint.painter import shared_painter
        from characters.ui.paint.screen import paint_screen
        from characters.ui.paint.widgets import Gui

        query = SceneQuery(self.scene)
        lines, height = self._event_log.lines, self.badge_height
        model = gather(query, self._state, lines, self._destinations, height)
        self._hotspots.begin()
        painter = shared_painter(self.scene, scale_of(surface))
        gui = Gui(painter, surface, model, self._hotspots, self._badges)
        paint_screen(gui, self._state, self._actions(query))

    @property
    def _say(self) -> Words:
        return SceneQuery(self.scene).words

    def _actions(self, query: SceneQuery) -> Actions:
        return Actions(query, self._state, self.notify, self._keep_captions, self._slot_page)

    def _follow_slots(self) -> None:
        """Listen to the game's slots once there are any: they come with the runtime."""
        slots = self.scene.find_service(SaveSlots) if self._slots is None else None
        if slots is not None:
            self._slots = slots
            self._subscriptions += (
                slots.saved.subscribe(self._tell_saved),
                slots.loaded.subscribe(self._tell_loaded),
                slots.failed.subscribe(self._tell_slot_failed),
            )

    def _keep_picture(self) -> None:
        """Let a slot show the level as it is, and not the menu over it."""
        if self._slots is None:
            return
        if not self._state.is_covering:
            self._slots.look_away()
        elif not self._was_covering:
            self._slots.look()
        self._was_covering = self._state.is_covering

    def _tell_saved(self, slot: SlotInfo) -> None:
        self._slot_page.is_stale = True
        self.notify(words.saved(self._say, slot))

    def _tell_loaded(self, loaded: LoadedSlot) -> None:
        self._state.close()
        self.notify(words.loaded(self._say, loaded.slot.name, loaded.fresh, loaded.gone))

    def _tell_slot_failed(self, error: Exception) -> None:
        self._slot_page.is_stale = True
        self.notify(self._say("slots.failed", why=str(error)))

    def _receive(self, key: str, event: object) -> None:
        if isinstance(event, TextRefused):
            self.notify(event.reason)
        elif isinstance(event, SpeechNotUnderstood):
            self._show_missed_words(event.advice)
        elif isinstance(event, ServerResponse) and event.event_type == "speech":
            if event.status == "processing":
                self.notify(ScreenText.from_data(event.message or "", event.extras))
        elif isinstance(event, FinalUserTranscription):
            self._forget_missed_words()
        elif isinstance(event, UsageLimitReached) and event.quota_type == "session_tokens":
            self.notify(self._say("model.spent"))
        elif isinstance(event, BotReady):
            self._show_model_problem(event.about)
        elif isinstance(event, TakenBack):
            self.notify(self._say("taken_back.again" if event.is_repeated else "taken_back.done"))
        elif isinstance(event, MessageRefused) and event.message_type == TakeBack.TYPE:
            self.notify(event.reason)
        elif isinstance(event, TranscriptChanged) and not event.turns:
            self._state.chat.clear()  # what the last visitor typed goes with the talk

    def _show_missed_words(self, advice: str) -> None:
        """Show that words were missed, unless it may be a character that was heard."""
        query = SceneQuery(self.scene)
        voice = VoiceInputStatus() if query.manager is None else query.manager.voice_input.status
        is_open = voice.mode is ListeningMode.HANDS_FREE and not voice.is_echo_handled
        if not (is_open and any(one.view.is_speaking for one in query.characters)):
            self.notify(advice)
            self._missed_words = self._state.notice

    def _forget_missed_words(self) -> None:
        """Hide that words were missed: they have come after all, or others have."""
        if self._missed_words is not None and self._missed_words == self._state.notice:
            self._state.notice = self._missed_words = None

    def _show_model_problem(self, about: Mapping[str, object]) -> None:
        """Say once why a model that was asked for does not answer."""
        raw = about.get("model_problem")
        text = raw.get("text") if isinstance(raw, Mapping) else None
        if isinstance(text, str) and text != self._model_problem:
            self._model_problem = text
            self.notify(ScreenText.from_data(text, raw))

    def _show_closed_door(self, load: SceneLoad) -> None:
        assert load.error is not None  # it has failed
        self.notify(words.closed_door(self._say, load.name, load.error))

    def _show_mistakes(self) -> None:
        """Show the mistakes of the level's file for as long as there are any."""
        reload = self.scene.find_component(HotReload)
        if reload is not None and reload is not self._reload:
            self._reload = reload
            self._subscriptions.append(reload.noted.subscribe(self.notify))
        if reload is not None and reload.summary is not None:
            self.notify(reload.summary)
        elif self._are_mistakes_shown:
            self._state.notice = None
        self._are_mistakes_shown = reload is not None and reload.summary is not None

    def _show_microphone(self, manager: CharacterManager | None) -> None:
        """Name the microphone that works again: it may be another one than before."""
        status = VoiceInputStatus() if manager is None else manager.voice_input.status
        if self._had_no_microphone and status.problem is None and status.device:
            self.notify(self._say("microphone.works", device=status.device))
        self._had_no_microphone = status.problem is not None

    def _make_room(self, query: SceneQuery, dt: float) -> None:
        """Move the picture until no open panel covers the player and who is talked to."""
        camera, state = self.scene.camera, self._state
        layout = hud_layout(
            camera.size, inspector=state.is_inspector_open, faults=state.is_faults_open
        )
        before = camera.shift[0]
        matter = filter(None, (query.player, query.target, query.find(state.inspected)))
        figures = [camera.to_screen(one.transform.position)[0] - before for one in matter]
        left = view_shift(layout, camera.size[0], figures) - before
        step = left if abs(left) < 1.0 else left * min(1.0, dt / SHIFT_SECONDS)
        camera.shift = (before + step, 0.0)

    def _keep_captions(self) -> None:
        prefs = self.scene.find_service(PlayerPrefs)
        if prefs is not None:
            prefs.set_string(CAPTIONS, self._state.caption_size.value)

    def _capture(self, is_captured: bool) -> None:
        if is_captured:
            self.input.captured = self
        elif self.input.captured is self:
            self.input.captured = None

    def _close_microphone(self, manager: CharacterManager | None, is_closed: bool) -> None:
        """Close the microphone while a menu or the help is open."""
        if manager is not None:
            manager.voice_input.set_covered(is_closed)
