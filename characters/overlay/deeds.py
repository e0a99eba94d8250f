"""Deeds: what keys and buttons of the HUD do, one definition for both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from characters.components.faults import Faults
from characters.core.state import SessionState
from characters.core.weather import LATE_SECONDS, SLOW_BYTES_PER_SECOND
from characters.overlay.cast import Cast
from characters.overlay.fault_words import rate_words
from characters.overlay.field_deeds import FieldDeeds
from characters.overlay.hud_state import HudState, Layer
from characters.overlay.mishaps import is_open_elsewhere
from characters.overlay.sound_deeds import SoundDeeds
from engine.application import Application

__all__ = ["Deeds", "FaultButton"]

_SLOW = f"Slow {rate_words(SLOW_BYTES_PER_SECOND)}"


@dataclass(frozen=True, slots=True)
class FaultButton:
    """A fault that the panel offers: its key, its words and what it does."""

    key: str
    label: str
    action: Callable[[], object]
    is_harmful: bool = True
    is_enabled: bool = True


class Deeds:
    """Carries out what the player asks of the HUD, in this frame."""

    def __init__(
        self,
        cast: Cast,
        state: HudState,
        notify: Callable[[str], object],
        keep_captions: Callable[[], object],
    ) -> None:
        self.cast = cast
        self._state = state
        self._notify = notify
        self._keep_captions = keep_captions
        self.fields = FieldDeeds(cast, state)
        self.sound = SoundDeeds(cast, state)

    @property
    def by_action(self) -> Mapping[str, Callable[[], object]]:
        """What each action of the key bindings does while nothing is open."""
        state = self._state
        return {
            "type": lambda: state.open(Layer.CHAT),
            "help": lambda: state.open(Layer.HELP),
            "captions": self.next_captions,
            "inspector": self.toggle_inspector,
            "fields": self.fields.open,
            "faults": self.toggle_faults,
            "retry": self.retry_first,
            "take_over": self.take_over_first,
            "menu": lambda: state.open(Layer.MENU),
        }

    def menu(self) -> tuple[tuple[str, Callable[[], object]], ...]:
        """Return the entries of the menu."""
        muted = self.cast.manager is not None and self.cast.manager.ears.muted
        return (
            ("Go on", self._state.close),
            ("What the keys do", lambda: self._state.open(Layer.HELP)),
            (f"Captions: {self._state.caption_size.value}", self.next_captions),
            ("Unmute the microphone" if muted else "Mute the microphone", self.sound.toggle_mute),
            ("Sound ...", self.sound.open),
            ("Leave the game", self.quit),
        )

    def faults(self) -> tuple[FaultButton, ...]:
        """Return the buttons of the fault panel."""
        faults, who = self.cast.faults, self._state.fault_target
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

    # deeds

    def send(self) -> None:
        """Send what was typed; text that nobody can hear stays in the box."""
        player, text = self.cast.player, self._state.chat.text.strip()
        if not text:
            self._state.close()
        elif player is not None and player.say(text):
            self._state.chat.clear()
            self._state.close()

    def retry(self, key: str) -> None:
        """Let a character in ERROR try again."""
        character = self.cast.find(key)
        if character is not None:
            character.session.retry()

    def start_anew(self, key: str) -> None:
        """Forget the talk that cannot be resumed, and begin another."""
        character = self.cast.find(key)
        if character is not None:
            character.session.clear_session_id()
            character.session.retry()

    def retry_first(self) -> None:
        """Retry the one whose card is the first."""
        for character in self.cast.characters:
            if character.view.state is SessionState.ERROR:
                self.retry(character.key)
                return

    def take_over(self, key: str) -> None:
        """Go on here with a talk that is open in another game, which is told and lets go."""
        character = self.cast.find(key)
        if character is not None:
            character.session.connect(take_over=True)

    def take_over_first(self) -> None:
        """Take over the first talk whose card or badge offers it."""
        for character in self.cast.characters:
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
        if self.cast.faults is None and not self._state.is_faults_open:
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
        application = self.cast.scene.find_service(Application)
        if application is not None:
            application.quit()

    # inside

    def _listener(self) -> str | None:
        target = self.cast.manager.target if self.cast.manager is not None else None
        return None if target is None else target.key

    def _tried(self, action: Callable[[], object]) -> Callable[[], object]:
        """Return the action with its refusal shown to the player."""

        def run() -> None:
            try:
                action()
            except LookupError as error:
                self._notify(str(error.args[0]) if error.args else str(error))

        return run
