"""Push-to-talk: when the microphone is open around a key, and when a turn is forced to end.

    CLOSED --press--> HELD --release--> TAIL --no words in time--> FORCED --window over--> CLOSED
                                         \\--transcript--> ANSWERING --answer or timeout--> CLOSED

The microphone is open in HELD and TAIL. A press is refused in FORCED and ANSWERING while the
turn before is not done, and taken back to HELD in TAIL.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

from characters.core.turn_settings import PushToTalkOptions, TurnSettings

__all__ = [
    "PushToTalk",
    "TalkCommand",
    "TalkEvent",
    "TalkPhase",
]


class TalkPhase(Enum):
    """Where a push-to-talk turn is."""

    CLOSED = auto()
    HELD = auto()
    TAIL = auto()
    FORCED = auto()
    ANSWERING = auto()


class TalkEvent(Enum):
    """What happens to a push-to-talk turn."""

    PRESSED = auto()
    RELEASED = auto()
    TRANSCRIBED = auto()
    ANSWERED = auto()  # the character began to speak, or its turn was completed
    TICK = auto()


class TalkCommand(Enum):
    """What a push-to-talk turn asks for."""

    FORCE_USER_STOPPED_SPEAKING = auto()
    INTERRUPT_BOT = auto()


@dataclass(frozen=True, slots=True)
class PushToTalk:
    """One key's turn; `advance` it with events and with ticks."""

    options: PushToTalkOptions = TurnSettings.DEFAULT.push_to_talk
    phase: TalkPhase = TalkPhase.CLOSED
    deadline: float = 0.0

    @classmethod
    def begin(cls, options: PushToTalkOptions) -> PushToTalk:
        """Return the turn before the first press."""
        return cls(options, TalkPhase.CLOSED if options.start_muted else TalkPhase.HELD)

    def under(self, options: PushToTalkOptions) -> PushToTalk:
        """Return the turn under other options."""
        before = self.options
        if (options.start_muted, options.startup) != (before.start_muted, before.startup):
            return PushToTalk.begin(options)
        # A key that is no longer held, or no longer toggles, must not leave it open.
        is_let_go = self.phase is TalkPhase.HELD and options.toggle != before.toggle
        return replace(self, options=options, phase=TalkPhase.CLOSED if is_let_go else self.phase)

    @property
    def is_open(self) -> bool:
        """Whether the microphone is open."""
        return self.phase in (TalkPhase.HELD, TalkPhase.TAIL)

    def advance(self, event: TalkEvent, now: float) -> tuple[PushToTalk, tuple[TalkCommand, ...]]:
        """Return the turn after an event, and what to do; impossible events change nothing."""
        match event, self.phase:
            case TalkEvent.PRESSED, _:
                return self._press()
            case TalkEvent.RELEASED, TalkPhase.HELD:
                return self._release(now)
            case TalkEvent.TRANSCRIBED, TalkPhase.TAIL | TalkPhase.FORCED:
                return self._await_answer(now), ()
            case TalkEvent.ANSWERED, TalkPhase.ANSWERING | TalkPhase.FORCED | TalkPhase.TAIL:
                return replace(self, phase=TalkPhase.CLOSED), ()
            case TalkEvent.TICK, _ if now >= self.deadline:
                return self._expire(now)
        return self, ()

    def _press(self) -> tuple[PushToTalk, tuple[TalkCommand, ...]]:
        waiting = self.phase in (TalkPhase.FORCED, TalkPhase.ANSWERING)
        if waiting and self.options.require_turn_completion_before_next_press:
            return self, ()
        held = replace(self, phase=TalkPhase.HELD)
        # Within the tail the same turn goes on: there is nothing to interrupt yet.
        fresh = self.phase not in (TalkPhase.HELD, TalkPhase.TAIL)
        interrupts = fresh and self.options.interrupt_bot_on_press
        return held, (TalkCommand.INTERRUPT_BOT,) if interrupts else ()

    def _release(self, now: float) -> tuple[PushToTalk, tuple[TalkCommand, ...]]:
        tail = self.options.release_tail_ms / 1000.0
        if tail == 0.0:
            return self._force(now)
        return replace(self, phase=TalkPhase.TAIL, deadline=now + tail), ()

    def _force(self, now: float) -> tuple[PushToTalk, tuple[TalkCommand, ...]]:
        # With no tail the second window is a second: the service still needs a moment.
        window = self.options.release_tail_ms / 1000.0 or 1.0
        forced = replace(self, phase=TalkPhase.FORCED, deadline=now + window)
        return forced, (TalkCommand.FORCE_USER_STOPPED_SPEAKING,)

    def _await_answer(self, now: float) -> PushToTalk:
        timeout = self.options.turn_completion_timeout_ms / 1000.0
        return replace(self, phase=TalkPhase.ANSWERING, deadline=now + timeout)

    def _expire(self, now: float) -> tuple[PushToTalk, tuple[TalkCommand, ...]]:
        if self.phase is TalkPhase.TAIL:
            return self._force(now)
        if self.phase in (TalkPhase.FORCED, TalkPhase.ANSWERING):
            return replace(self, phase=TalkPhase.CLOSED), ()
        return self, ()
