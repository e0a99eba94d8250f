from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from characters.client.config import TextRefused, TranscriptChanged
from characters.components.relays import (
    CharacterEventRelay,
    SessionEventRelay,
    TranscriptEventRelay,
)
from characters.protocol.failures import failure
from characters.protocol.messages import (
    Action,
    ActionResponse,
    BotEmotion,
    BotStartedSpeaking,
    BotStoppedSpeaking,
    BotTurnCompleted,
    UsageLimitReached,
    UserIdleWarning,
)
from characters.session.conversation import SessionState, Turn
from engine.core.events import Signal
from engine.objects.objects import Component
from tests.characters.components.fakes import Level

S = SessionState


class Panel(Component):
    """Notes what it is shown."""

    _shown: list[object] = field(default_factory=list)

    def show(self, event: object) -> None:
        self._shown.append(event)


@dataclass
class Wired:
    """A nurse with a relay, and a note of each signal that fired."""

    level: Level
    relay: Any
    fired: list[str]


def wired(relay: Any) -> Wired:
    level = Level()
    nurse = level.character("nurse")
    nurse.game_object.add(relay)
    level.frame()
    fired: list[str] = []

    def noting(name: str) -> Callable[[object], None]:
        return lambda event: fired.append(name)

    for name, signal in vars(relay).items():
        if isinstance(signal, Signal):
            signal.subscribe(noting(name))
    return Wired(level, relay, fired)


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        (S.CONNECTING, S.CONNECTED, "connected"),
        (S.CONNECTED, S.RECONNECTING, "reconnecting"),
        (S.RECONNECTING, S.CONNECTED, "reconnected"),
        (S.DISCONNECTING, S.DISCONNECTED, "disconnected"),
        (S.CONNECTING, S.ERROR, "error"),
    ],
)
def test_each_change_of_state_has_its_signal(
    before: SessionState, after: SessionState, name: str
) -> None:
    it = wired(SessionEventRelay())
    it.level.session("nurse").becomes(before)
    it.fired.clear()
    it.level.session("nurse").becomes(after)
    assert it.fired == ["state_changed", name]


def test_an_idle_time_out_has_a_signal_of_its_own_and_is_told_once() -> None:
    it = wired(SessionEventRelay())
    for state in (S.DISCONNECTING, S.DISCONNECTED):
        it.level.session("nurse").becomes(state, error=failure("session.idle_timeout"))
    assert it.fired == ["state_changed", "state_changed", "idle_timeout", "disconnected"]


def test_the_warning_before_it_is_passed_on() -> None:
    it = wired(SessionEventRelay())
    it.level.session("nurse").events.emit(UserIdleWarning(60.0))
    assert it.fired == ["idle_warning"]


def test_a_spent_quota_is_passed_on() -> None:
    it = wired(SessionEventRelay())
    it.level.session("nurse").events.emit(UsageLimitReached("daily"))
    assert it.fired == ["usage_limit"]


def test_enabling_again_and_again_never_doubles_an_event() -> None:
    it = wired(SessionEventRelay())
    for enabled in (False, True, True, False, True):
        it.relay.enabled = enabled
    it.level.session("nurse").becomes(S.CONNECTED)
    assert it.fired == ["state_changed", "connected"]


def test_a_disabled_relay_is_silent() -> None:
    it = wired(SessionEventRelay())
    it.relay.enabled = False
    it.level.session("nurse").becomes(S.CONNECTED)
    assert it.fired == []


def test_a_handler_given_as_a_field_is_called() -> None:
    level = Level()
    nurse = level.character("nurse")
    panel = nurse.game_object.add(Panel())
    nurse.game_object.add(SessionEventRelay(on_error=panel.show))
    level.frame()
    change = level.session("nurse").becomes(S.ERROR)
    assert panel._shown == [change]


def test_a_relay_may_follow_a_character_on_another_object() -> None:
    level = Level()
    nurse = level.character("nurse")
    relay = level.scene.add(SessionEventRelay(character=nurse))
    level.frame()
    heard: list[object] = []
    relay.connected.subscribe(heard.append)
    level.session("nurse").becomes(S.CONNECTED)
    assert len(heard) == 1


def test_what_a_character_feels_and_does_is_passed_on() -> None:
    it = wired(CharacterEventRelay())
    events = it.level.session("nurse").events
    events.emit(BotEmotion("joy", 2))
    events.emit(ActionResponse((Action("wave"),)))
    assert it.fired == ["emotion", "action"]


def test_speech_and_the_end_of_a_turn_are_passed_on() -> None:
    it = wired(CharacterEventRelay())
    for event in (BotStartedSpeaking(), BotStoppedSpeaking(), BotTurnCompleted(False)):
        it.level.session("nurse").events.emit(event)
    assert it.fired == ["started_speaking", "stopped_speaking", "turn_completed"]


def test_only_wanted_actions_pass_the_filter() -> None:
    it = wired(CharacterEventRelay(only_actions=("sit",)))
    events = it.level.session("nurse").events
    events.emit(ActionResponse((Action("wave"),)))
    assert it.fired == []
    events.emit(ActionResponse((Action("sit"),)))
    assert it.fired == ["action"]


def line(speaker: Any, seconds: float, *, final: bool = True) -> Turn:
    """Something that is said so many seconds after the relay began to listen."""
    return Turn(speaker, "Hello", time.monotonic() + seconds, final)


def hear(it: Wired, *turns: Turn) -> list[str]:
    """Let the transcript become these turns; return what fired besides `changed`."""
    it.fired.clear()
    it.level.session("nurse").events.emit(TranscriptChanged("nurse", turns))
    assert it.fired[0] == "changed"
    return it.fired[1:]


def test_a_line_is_told_once_and_only_when_it_is_complete() -> None:
    it = wired(TranscriptEventRelay())
    hello, answer = line("player", 1.0), line("character", 2.0)
    assert hear(it, hello, replace(answer, final=False)) == ["player_line"]
    assert hear(it, hello, answer) == ["character_line"]
    assert hear(it, hello, answer) == []


def test_a_line_that_waits_for_one_before_it_is_told_after_it() -> None:
    it = wired(TranscriptEventRelay())
    answer, hello = line("character", 1.0, final=False), line("player", 2.0)
    assert hear(it, answer, hello) == []
    assert hear(it, replace(answer, final=True), hello) == ["character_line", "player_line"]


def test_what_was_said_before_the_relay_listened_is_not_told() -> None:
    it = wired(TranscriptEventRelay())
    assert hear(it, line("player", -1.0)) == []


@pytest.mark.parametrize("speaker", ["player", "character"])
def test_only_the_wanted_speaker_passes_the_filter(speaker: Any) -> None:
    it = wired(TranscriptEventRelay(speaker=speaker))
    assert hear(it, line("player", 1.0), line("character", 2.0)) == [f"{speaker}_line"]


def test_a_line_that_was_refused_has_a_signal_of_its_own() -> None:
    it = wired(TranscriptEventRelay())
    it.level.session("nurse").events.emit(TextRefused("nurse", "Hello", "Nobody is connected."))
    assert it.fired == ["refused"]
