"""Event relays: a session's events as separate signals, wired in code or in a scene file.

In code, for as long as the relay lives:

    relay.connected.subscribe(panel.hide)

In a scene file, by the name of a component's method, on the same object or another one:

    [object.SessionEventRelay]
    on_error = "Error panel:ErrorPanel.show"

A relay listens while it is enabled; after any number of changes it hears each event once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field, fields
from typing import Annotated, Any, Literal, TypeAlias

from characters.client.config import TextRefused, TranscriptChanged
from characters.components.character import Character
from characters.protocol import messages
from characters.session.conversation import SessionState, SessionStateChanged, Turn
from engine.core.events import Signal, Subscription
from engine.objects.objects import Component
from engine.objects.registry import Handler

__all__ = ["CharacterEventRelay", "EventRelay", "SessionEventRelay", "TranscriptEventRelay"]

Method: TypeAlias = Annotated[Callable[..., object] | None, Handler()]


def _signal(name: str) -> Any:
    return field(init=False, repr=False, default_factory=lambda: Signal(name))


class EventRelay(Component):
    """Follows the Character of its object, or the one in `character`; the base of the relays."""

    character: Character | None = None

    _subscription: Subscription | None = None

    _wired: list[Subscription] = field(default_factory=list)

    def awake(self) -> None:
        """Subscribe the handlers that a scene file named."""
        for name in (f.name for f in fields(self) if f.name.startswith("on_")):
            handler = getattr(self, name)
            if handler is not None:
                self._wired.append(getattr(self, name.removeprefix("on_")).subscribe(handler))

    def on_validate(self) -> None:
        """Apply an edit of the level's file: other handlers, or another character."""
        while self._wired:
            self._wired.pop().cancel()
        self.awake()
        if self.is_active_and_enabled:
            self.on_enable()

    def on_enable(self) -> None:
        """Begin to listen. Raises LookupError without a Character."""
        source = self.character or self.get_component(Character)
        if source is None:
            raise LookupError(
                f"{type(self).__name__} of object {self.game_object.name!r} has nobody to listen "
                'to: put it on the object of a Character or set `character = "Object name"`.'
            )
        self.on_disable()
        self._subscription = source.events.subscribe(self._relay)

    def on_disable(self) -> None:
        """Stop listening."""
        if self._subscription is not None:
            self._subscription.cancel()
            self._subscription = None

    def _relay(self, event: object) -> None:
        for name in self._sort(event):
            getattr(self, name).emit(event)

    def _sort(self, event: object) -> Iterator[str]:
        """Yield the names of the signals that the event belongs to."""
        raise NotImplementedError


class SessionEventRelay(EventRelay):
    """The life of a session: connected, lost, back, in error, idle, out of quota."""

    on_state_changed: Method = None
    on_connected: Method = None
    on_disconnected: Method = None
    on_reconnecting: Method = None
    on_reconnected: Method = None
    on_error: Method = None
    on_idle_warning: Method = None
    on_idle_timeout: Method = None
    on_usage_limit: Method = None

    state_changed: Signal[SessionStateChanged] = _signal("session.state_changed")
    connected: Signal[SessionStateChanged] = _signal("session.connected")
    disconnected: Signal[SessionStateChanged] = _signal("session.disconnected")
    reconnecting: Signal[SessionStateChanged] = _signal("session.reconnecting")
    reconnected: Signal[SessionStateChanged] = _signal("session.reconnected")
    error: Signal[SessionStateChanged] = _signal("session.error")
    idle_warning: Signal[messages.UserIdleWarning] = _signal("session.idle_warning")
    idle_timeout: Signal[SessionStateChanged] = _signal("session.idle_timeout")
    usage_limit: Signal[messages.UsageLimitReached] = _signal("session.usage_limit")

    def _sort(self, event: object) -> Iterator[str]:
        if isinstance(event, SessionStateChanged):
            yield "state_changed"
            yield from self._sort_change(event)
        elif isinstance(event, messages.UserIdleWarning):
            yield "idle_warning"
        elif isinstance(event, messages.UsageLimitReached):
            yield "usage_limit"

    def _sort_change(self, change: SessionStateChanged) -> Iterator[str]:
        # The changes on the way to DISCONNECTED carry the error too; only the last one is relayed.
        if change.is_disconnected and change.error_code == "session.idle_timeout":
            yield "idle_timeout"
        if change.is_reconnection_successful:
            yield "reconnected"
        elif change.new_state is SessionState.CONNECTED:
            yield "connected"
        elif change.is_disconnected:
            yield "disconnected"
        elif change.is_reconnecting:
            yield "reconnecting"
        elif change.is_error:
            yield "error"


class CharacterEventRelay(EventRelay):
    """What a character does: speaks, falls silent, ends its turn, feels, acts.

    `only_actions` lets only actions of these names through; empty lets all through.
    """

    only_actions: tuple[str, ...] = ()
    on_started_speaking: Method = None
    on_stopped_speaking: Method = None
    on_turn_completed: Method = None
    on_emotion: Method = None
    on_action: Method = None

    started_speaking: Signal[messages.BotStartedSpeaking] = _signal("character.started_speaking")
    stopped_speaking: Signal[messages.BotStoppedSpeaking] = _signal("character.stopped_speaking")
    turn_completed: Signal[messages.BotTurnCompleted] = _signal("character.turn_completed")
    emotion: Signal[messages.BotEmotion] = _signal("character.emotion")
    action: Signal[messages.ActionResponse] = _signal("character.action")

    def _sort(self, event: object) -> Iterator[str]:
        name, only = _CHARACTER_EVENTS.get(type(event)), self.only_actions
        if only and isinstance(event, messages.ActionResponse):
            name = name if any(action.name in only for action in event.actions) else None
        if name is not None:
            yield name


_CHARACTER_EVENTS: dict[type[object], str] = {
    messages.BotStartedSpeaking: "started_speaking",
    messages.BotStoppedSpeaking: "stopped_speaking",
    messages.BotTurnCompleted: "turn_completed",
    messages.BotEmotion: "emotion",
    messages.ActionResponse: "action",
}


class TranscriptEventRelay(EventRelay):
    """What is said: each change of the transcript, and each line once it is complete.

    `speaker` lets only one side through; empty lets both.
    """

    speaker: Literal["", "player", "character"] = ""
    on_changed: Method = None
    on_player_line: Method = None
    on_character_line: Method = None
    on_refused: Method = None

    changed: Signal[TranscriptChanged] = _signal("transcript.changed")
    player_line: Signal[Turn] = _signal("transcript.player_line")
    character_line: Signal[Turn] = _signal("transcript.character_line")
    refused: Signal[TextRefused] = _signal("transcript.refused")

    _relayed_until: float = float("-inf")

    def on_enable(self) -> None:
        """Begin to listen to what is said from now on."""
        super().on_enable()
        self._relayed_until = self.scene.clock.now()

    def _relay(self, event: object) -> None:
        if isinstance(event, TextRefused):
            self.refused.emit(event)
        elif isinstance(event, TranscriptChanged):
            self.changed.emit(event)
            self._relay_lines(event.turns)

    def _relay_lines(self, turns: tuple[Turn, ...]) -> None:
        """Emit the complete lines that were not emitted yet, up to the first incomplete one."""
        for turn in turns:
            if turn.t <= self._relayed_until:
                continue
            if not turn.final:
                return
            self._relayed_until = turn.t
            if self.speaker in ("", turn.speaker):
                line = self.player_line if turn.speaker == "player" else self.character_line
                line.emit(turn)
