"""What the player can do in the HUD: for each layer its actions, with the keys that run them.

Buttons are painted from the same actions, so that a click does what the key does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from characters.components.character import Character
from characters.components.faults import Faults
from characters.ui import words
from characters.ui.memory import MemoryActions
from characters.ui.model import Actor, Failed, SceneQuery, by_cause
from characters.ui.slots import SlotActions, SlotPage
from characters.ui.sound import SoundActions
from characters.ui.state import ENTER_KEYS, UP_DOWN, HudAction, HudLayer, HudState, run_first, steps
from engine.app.application import Application
from engine.core.input import Input
from engine.scenes.editor import EditError, SceneEditor
from engine.scenes.file import FieldRow

__all__ = ["Actions", "FieldActions"]


_log = logging.getLogger(__name__)

_SCALES = MappingProxyType(
    {"smooth": ("menu.scale_smooth", "whole"), "whole": ("menu.scale_whole", "smooth")}
)
"""How the picture fits into the window: the words for it, and the other way."""
_THROUGH_SESSION: Mapping[str, int] = MappingProxyType(
    {"mouse 4": -3, "mouse 5": 3, "page up": -12, "page down": 12}
)
_THROUGH_FIELDS: Mapping[str, int] = MappingProxyType(
    {"up": -1, "down": 1, "pad up": -1, "pad down": 1, "mouse 4": -3, "mouse 5": 3,
     "page up": -12, "page down": 12, "home": -1000, "end": 1000}
)  # fmt: skip


class Actions:
    """The actions of this frame, on the characters of this frame."""

    def __init__(
        self,
        query: SceneQuery,
        state: HudState,
        notify: Callable[[str], object],
        keep_captions: Callable[[], object],
        slots: SlotPage | None = None,
    ) -> None:
        self.query = query
        self.say = query.words
        self._state = state
        self._notify = notify
        self._keep_captions = keep_captions
        self.fields = FieldActions(query, state)
        self.sound = SoundActions(query, state)
        self.slots = SlotActions(query, state, slots or SlotPage())
        self.memory = MemoryActions(query, state)

    def obey(self, source: Input) -> None:
        """Run the actions of the open layer whose keys went down in this frame."""
        _LAYERS[self._state.layer](self, source)

    def _obey_in_game(self, source: Input) -> None:
        if source.captured is not None:
            return  # the keys are another component's
        for action in self.game():
            action.run_if_pressed(source)
        if self._state.is_faults_open:
            for number in range(10):
                if source.get_key_down(str(number)):
                    self._state.choose_fault_target(number, self.query.keys)
            for action in self.faults():
                action.run_if_pressed(source)
        if self._state.is_inspector_open:
            self._state.session_scroll.move(steps(source, _THROUGH_SESSION))

    def _obey_in_chat(self, source: Input) -> None:
        self._state.chat.feed(source)
        send = HudAction(self.send, keys=("return", "enter"))
        run_first(source, (self._close("menu"), send))

    def _obey_in_menu(self, source: Input) -> None:
        entries = self.menu()
        if by := steps(source, UP_DOWN):
            self._state.move_menu(by, len(entries))
        chosen = HudAction(entries[self._state.menu_index].run, keys=ENTER_KEYS)
        run_first(source, (self._close("menu"), chosen))

    def _obey_in_help(self, source: Input) -> None:
        run_first(source, (self._close("menu"), self._close("help")))

    def _close(self, binding: str) -> HudAction:
        return HudAction(self._state.close, binding=binding)

    # what a layer offers

    def game(self) -> tuple[HudAction, ...]:
        """Return what the keys do while no layer is open."""
        state = self._state
        return (
            HudAction(lambda: state.open(HudLayer.CHAT), binding="type"),
            HudAction(lambda: state.open(HudLayer.HELP), binding="help"),
            HudAction(self.next_captions, binding="captions"),
            HudAction(self.toggle_inspector, binding="inspector"),
            HudAction(self.fields.open, binding="fields"),
            HudAction(self.memory.open_page, binding="memory"),
            HudAction(self.toggle_faults, binding="faults"),
            HudAction(self.retry_first, binding="retry"),
            HudAction(self.take_over_first, binding="take_over"),
            HudAction(self.take_back, binding="take_back"),
            HudAction(self.answer_again, binding="answer_again"),
            HudAction(lambda: state.open(HudLayer.MENU), binding="menu"),
        )

    def menu(self) -> tuple[HudAction, ...]:
        """Return the entries of the menu."""
        state, manager, say = self._state, self.query.manager, self.say
        is_muted = manager is not None and manager.voice_input.muted
        return (
            HudAction(state.close, say("menu.go_on")),
            HudAction(lambda: state.open(HudLayer.HELP), say("menu.help")),
            HudAction(self.next_captions, words.captions_choice(say, state.caption_size)),
            HudAction(self.sound.toggle_mute, say("menu.unmute") if is_muted else say("menu.mute")),
            HudAction(self.sound.open, say("menu.sound")),
            *self._slots(),
            *self._memory(),
            *self._picture(),
            HudAction(self.quit, say("menu.leave")),
        )

    def _slots(self) -> tuple[HudAction, ...]:
        """Return the way to the slots, if the game has any."""
        is_there = self.slots.is_there
        return (HudAction(self.slots.open, self.say("menu.slots")),) if is_there else ()

    def _memory(self) -> tuple[HudAction, ...]:
        """Return the way to what the characters know, if there are any."""
        memory = self.memory
        return (HudAction(memory.open, self.say("menu.memory")),) if self.query.characters else ()

    def _picture(self) -> tuple[HudAction, ...]:
        """Return the choices about the picture, if the game has a window of the engine's."""
        application = self.query.scene.find_service(Application)
        window = None if application is None else application.window
        if window is None:
            return ()
        screen = "menu.window" if window.is_fullscreen else "menu.fullscreen"
        scale, other = _SCALES[window.scale_mode]
        return (
            HudAction(window.toggle_fullscreen, self.say(screen)),
            HudAction(lambda: window.set_scale_mode(other), self.say(scale)),
        )

    def faults(self) -> tuple[HudAction, ...]:
        """Return what the fault panel can break and mend."""
        faults, target, say = self.query.faults, self._state.fault_target, self.say
        if faults is None:
            return ()
        runs = say("faults.runs") if faults.is_service_running else ""
        down = "" if faults.is_service_running else say("faults.down")
        if not faults.has_service:
            runs = down = say("faults.no_service")
        listener = self.query.target
        key = target if target is not None else listener and listener.key
        return (
            self._fault("c", say("faults.cut"), lambda: faults.cut(target)),
            self._fault("b", say("faults.black_hole"), lambda: faults.black_hole(target)),
            self._fault("g", words.lag_button(say), lambda: faults.latency(target)),
            self._fault("o", words.slow_button(say), lambda: faults.slow_link(target)),
            self._fault("h", say("faults.heal"), lambda: faults.heal(target), is_harmful=False),
            self._cable(faults),
            self._fault("k", say("faults.kill"), faults.kill_service, why_not=down),
            self._fault(
                "l", say("faults.launch"), faults.start_service, is_harmful=False, why_not=runs
            ),
            self._fault(
                "x", say("faults.expire"), lambda: faults.expire_session(key or ""),
                why_not="" if key is not None else say("faults.expire_whose"),
            ),
        )  # fmt: skip

    def _cable(self, faults: Faults) -> HudAction:
        if faults.is_microphone_unplugged:
            label = self.say("faults.plug_in")
            return self._fault("u", label, faults.plug_in_microphone, is_harmful=False)
        why_not = "" if faults.has_microphone else self.say("faults.no_microphone")
        label = self.say("faults.unplug")
        return self._fault("u", label, faults.unplug_microphone, why_not=why_not)

    def _fault(
        self,
        key: str,
        label: str,
        act: Callable[[], object],
        *,
        is_harmful: bool = True,
        why_not: str = "",
    ) -> HudAction:
        """Return the action, its refusal shown to the player."""

        def run() -> None:
            if why_not:
                self._notify(why_not)
                return
            try:
                act()
            except LookupError as error:
                self._notify(error.args[0] if error.args else str(error))

        label = f"{self.say.keys[key]}  {label}"
        return HudAction(run, label, (key,), is_harmful=is_harmful, why_not=why_not)

    def offers(
        self, together: Sequence[Actor], causes: Sequence[Sequence[Actor]]
    ) -> tuple[HudAction, ...]:
        """Return the buttons of a card: Retry always, then what suits the failure.

        The card is of those who failed `together`, for one of the `causes`; nobody has failed on
        the card of the service's problem. A key is written on the first of its buttons only,
        which is the one that it runs.
        """
        say, is_first = self.say, together is causes[0]
        if not together:
            label = say("service.close_key") if is_first else say("service.close")
            return (HudAction(self.dismiss_problem, label),)
        one = together[0]
        label = say("error.retry_key") if is_first else say("error.retry")
        if len(together) > 1:
            label = say("error.retry_all_key") if is_first else say("error.retry_all")
        found = [HudAction(lambda: self._each(together, self.retry), label)]
        if one.view.error is not None and one.view.error.stage == "resume":
            found.append(HudAction(lambda: self.start_anew(one.key), say("error.start_anew")))
        elif words.is_open_elsewhere(one.view):
            label = say("error.take_over_key")  # one cause, one card
            found.append(HudAction(lambda: self._each(together, self.take_over), label))
        return tuple(found)

    def _each(self, together: Sequence[Failed], act: Callable[[str], object]) -> None:
        for one in together:
            act(one.key)

    # what they do

    def send(self) -> None:
        """Send what was typed; text that no character can hear stays in the box."""
        player, text = self.query.player, self._state.chat.text.strip()
        if not text:
            self._state.close()
        elif player is not None and player.say(text):
            self._state.chat.clear()
            self._state.close()

    def retry(self, key: str) -> None:
        """Let a character in ERROR try again, or call one back that has left its room."""
        if character := self.query.find(key):
            session = character.session
            session.retry() if character.view.has_agent else session.spawn_agent()

    def retry_first(self) -> None:
        """Retry the characters of the first card, or else call back those that have left.

        Where there is neither, the card of the service's problem is closed.
        """
        found = self.query.characters
        away = [c for c in found if not c.view.has_agent]
        retried = next(iter(by_cause(found)), away)
        self._each(retried, self.retry)
        if not retried:
            self.dismiss_problem()

    def dismiss_problem(self) -> None:
        """Close the card of the service's problem."""
        manager = self.query.manager
        if manager is not None and manager.runtime.service is not None:
            manager.runtime.service.dismiss_problem()

    def start_anew(self, key: str) -> None:
        """Forget the session that cannot be resumed, and begin another."""
        if character := self.query.find(key):
            character.session.clear_session_id()
            character.session.retry()

    def take_over(self, key: str) -> None:
        """Continue here a session that is open in another game, which loses it."""
        if character := self.query.find(key):
            character.session.connect(take_over=True)

    def take_over_first(self) -> None:
        """Take over the sessions whose card or badge offers it."""
        offered = [c for c in self.query.characters if words.is_open_elsewhere(c.view)]
        self._each(offered, self.take_over)

    def take_back(self) -> None:
        """Undo the last exchange with the character that listens."""
        if target := self.query.target:
            target.take_back()

    def answer_again(self) -> None:
        """Let the character that listens answer the last line once more."""
        if target := self.query.target:
            target.answer_again()

    def inspect(self, key: str) -> None:
        """Show this character in the inspector."""
        self._state.inspected = key
        self._state.fields.leave()
        self._state.memory.value = None

    def toggle_inspector(self) -> None:
        """Open or close the inspector."""
        self._state.is_inspector_open = not self._state.is_inspector_open

    def toggle_faults(self) -> None:
        """Open or close the fault panel."""
        if self.query.faults is None and not self._state.is_faults_open:
            self._notify(self.say("faults.none"))
            return
        self._state.is_faults_open = not self._state.is_faults_open

    def next_captions(self) -> None:
        """Go through normal, large and no captions, and keep the choice."""
        self._state.caption_size = self._state.caption_size.next
        self._keep_captions()
        self._notify(words.captions_choice(self.say, self._state.caption_size))

    def quit(self) -> None:
        """Leave the game; a loop of its own is asked to, as if the window was closed."""
        from engine.ui.events import ask_to_close  # pygame is there with a screen only

        if application := self.query.scene.find_service(Application):
            application.quit()
        else:
            ask_to_close()


_LAYERS: Mapping[HudLayer, Callable[[Actions, Input], None]] = MappingProxyType(
    {
        HudLayer.GAME: Actions._obey_in_game,
        HudLayer.CHAT: Actions._obey_in_chat,
        HudLayer.MENU: Actions._obey_in_menu,
        HudLayer.SOUND: lambda actions, source: actions.sound.obey(source),
        HudLayer.SLOTS: lambda actions, source: actions.slots.obey(source),
        HudLayer.HELP: Actions._obey_in_help,
        HudLayer.MEMORY: lambda actions, source: actions.memory.obey(source),
        HudLayer.FIELDS: lambda actions, source: actions.fields.obey(source),
    }
)


class FieldActions:
    """Edits the fields of the inspected character's object, in this frame."""

    def __init__(self, query: SceneQuery, state: HudState) -> None:
        self._query = query
        self._say = query.words
        self._hud = state
        self.state = state.fields

    @property
    def is_open(self) -> bool:
        """Whether the fields are shown and take the keys."""
        return self._hud.layer is HudLayer.FIELDS

    @property
    def rows(self) -> tuple[FieldRow, ...]:
        """The fields of the inspected character's object."""
        character = self._character
        return () if character is None else self._editor.rows(character.game_object)

    @property
    def chosen(self) -> FieldRow | None:
        """The chosen field."""
        rows = self.rows
        return rows[min(self.state.chosen, len(rows) - 1)] if rows else None

    @property
    def buttons(self) -> tuple[HudAction, ...]:
        """The buttons below the list."""
        say = self._say
        if self.state.draft is not None:
            return (
                HudAction(self.accept, say("field.save"), ENTER_KEYS),
                HudAction(self.state.leave, say("field.leave"), binding="menu"),
            )
        return (
            HudAction(self.begin, say("field.edit"), ENTER_KEYS),
            HudAction(self.undo, say("field.undo"), ("u",)),
            HudAction(self.close, say("menu.back"), binding="menu"),
        )

    def obey(self, source: Input) -> None:
        """Run what the keys of this frame say."""
        if self._is_gone or not self._hud.is_inspector_open:
            self.close()
        elif source.get_button_down("inspector"):
            self.close()
            self._hud.is_inspector_open = False
        elif any(map(source.get_button_down, ("faults", "help", "captions"))):
            self.state.say(self._say("field.close_first"), is_refusal=True)
        elif self.state.draft is not None:
            self._write(source)
        else:
            self._browse(source)

    def open(self) -> None:
        """Show the fields in place of the session, and take the keys."""
        if self._hud.is_inspector_open and self._character is not None:
            self._hud.inspected = self._character.key  # also when the target changes meanwhile
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
        """Apply and save the draft; a wrong value stays under edit, with the reason below it."""
        draft, character = self.state.draft, self._character
        if draft is None or character is None:
            return
        if not draft.is_changed:
            self.state.leave()
            return
        try:
            edit = self._editor.set(character.game_object, draft.row, draft.text)
        except EditError as error:
            self.state.say(self._say("field.refused", why=error), is_refusal=True)
            return
        self.state.leave()
        self.state.say(words.edited(self._say, edit))
        self._hud.inspected = character.key  # the edit may have changed the key itself

    def undo(self) -> None:
        """Take the last edit back."""
        try:
            edit = self._editor.undo()
        except EditError as error:
            self.state.say(str(error), is_refusal=True)
            return
        self.state.say(words.undone(self._say, edit))

    @property
    def _editor(self) -> SceneEditor:
        return self._query.scene.get_service(SceneEditor)

    @property
    def _character(self) -> Character | None:
        return self._query.inspected(self._hud.inspected)

    @property
    def _is_gone(self) -> bool:
        """Whether there is no character, or the one whose field is under edit has left."""
        is_found = self._query.find(self._hud.inspected) is not None
        return self._character is None or (self.state.draft is not None and not is_found)

    def _browse(self, source: Input) -> None:
        if source.get_button_down("menu") or source.get_button_down("fields"):
            self.close()
            return
        if by := steps(source, _THROUGH_FIELDS):
            self.state.move(by, len(self.rows))
            _log.debug("Field %s is chosen.", self.chosen and self.chosen.path)
        run_first(source, (*self.buttons, HudAction(self._next_character, keys=("tab",))))
        if self.state.draft is not None and source.typed:  # in a slow frame, after Enter
            self.state.draft.feed(source)

    def _write(self, source: Input) -> None:
        save, cancel = self.buttons
        if cancel.run_if_pressed(source):
            return
        if self.state.draft is not None:
            self.state.draft.feed(source)
        save.run_if_pressed(source)

    def _next_character(self) -> None:
        character = self._character
        self._hud.inspected = self._query.key_after("" if character is None else character.key)
        self.state.leave()
