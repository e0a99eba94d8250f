"""What the inspector lists of a session: rows of label and value, the timeline, the event log."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType

from characters.protocol.codec import shorten_id
from characters.session.conversation import SessionState, SessionStateChanged, SessionView
from characters.session.policy import ReconnectPolicy
from characters.ui.model import Actor
from characters.ui.words import ago, attempt, countdown, resume_words
from engine.core.events import Signal, Subscription
from engine.core.words import Words

__all__ = ["EventLog", "line", "Moment", "policy_name", "Row", "rows", "timeline"]


_PRESETS: Mapping[str, ReconnectPolicy] = MappingProxyType(
    {
        "default": ReconnectPolicy.DEFAULT,
        "always create new": ReconnectPolicy.ALWAYS_CREATE_NEW,
        "patient": ReconnectPolicy.PATIENT,
    }
)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the inspector."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A change of state: when, into what, and why."""

    when: str
    state: SessionState
    why: str


def rows(say: Words, actor: Actor, now: float) -> tuple[Row, ...]:
    """Return the rows about a session now."""
    view, policy = actor.view, actor.policy
    outcome = resume_words(say, view.resume) if view.resume else say("inspector.none_yet")
    found = [
        Row(say("inspector.character"), view.character_id),
        Row(say("inspector.state"), _state(say, view, now)),
        Row(say("inspector.id"), _stored_id(say, view, now)),
        Row(say("inspector.outcome"), outcome),
        Row(say("inspector.room"), shorten_id(view.room_name)),
        Row(say("inspector.policy"), _policy(say, policy)),
        Row(say("inspector.retries"), _retries(say, policy)),
        Row(say("inspector.heartbeat"), _heartbeat(say, view, policy)),
        Row(say("inspector.microphone"), _gate(say, view, policy, now)),
        Row(say("inspector.answer"), _stages(say, view)),
        Row(say("inspector.model"), _model(say, view)),
        Row(say("inspector.dialogue"), ", ".join(filter(None, (view.dialogue, view.emotion)))),
    ]
    if view.error is not None:
        found[2:2] = [
            Row(say("inspector.error"), view.error.code),
            Row(say("inspector.advice"), view.error.message),
        ]
    return tuple(found)


def timeline(say: Words, view: SessionView, now: float, most: int = 6) -> tuple[Moment, ...]:
    """Return the last changes of state, the newest first."""
    return tuple(_moment(say, change, now) for change in reversed(view.timeline[-most:]))


def policy_name(policy: ReconnectPolicy) -> str:
    """Return the preset's name, or `own`."""
    return next((name for name, preset in _PRESETS.items() if preset == policy), "own")


def _state(say: Words, view: SessionView, now: float) -> str:
    state = view.state.name
    if view.state in (SessionState.CONNECTING, SessionState.RECONNECTING):
        state += f" {attempt(view)}".rstrip()
    seconds = countdown(view, now)
    if seconds is not None:
        return say("inspector.state_next", state=state, seconds=seconds)
    if view.state is SessionState.CONNECTED and view.connected_at is not None:
        return say("inspector.state_since", state=state, ago=ago(say, now - view.connected_at))
    return state


def _stored_id(say: Words, view: SessionView, now: float) -> str:
    short = shorten_id(view.session_id)
    if view.session_id is None:
        return short
    if view.stored_at is not None:
        since = ago(say, max(0.0, now - view.stored_at))
        return say("inspector.id_since", id=short, ago=since)
    is_kept = view.supports_session_persistence
    return say("inspector.id_stored" if is_kept else "inspector.id_not_stored", id=short)


def _stages(say: Words, view: SessionView) -> str:
    """Return when each stage was reached, counted from the end of the question."""
    stages = (say("inspector.stage", name=name, seconds=s) for name, s in view.stages)
    return ", ".join(stages) or say("inspector.none_yet")


def _model(say: Words, view: SessionView) -> str:
    """Return what answers, and what its last answer and the session took."""
    if view.usage is None:
        return view.model or say("inspector.script" if view.model == "" else "inspector.none_yet")
    return say("inspector.usage", **asdict(view.usage))


def _policy(say: Words, policy: ReconnectPolicy) -> str:
    return say(
        "inspector.policy_is",
        name=policy_name(policy),
        resume=policy.resume_policy.value.replace("_", " "),
        seconds=policy.room_rejoin_ttl_seconds,
    )


def _retries(say: Words, policy: ReconnectPolicy) -> str:
    most, budget = policy.max_reconnect_attempts, policy.reconnect_budget_seconds
    attempts = say("inspector.no_limit") if most is None else say("inspector.attempts", n=most)
    if budget is not None:
        attempts = say("inspector.budget", attempts=attempts, time=ago(say, budget))
    return say("inspector.retries_are", attempts=attempts, seconds=policy.backoff_cap_seconds)


def _heartbeat(say: Words, view: SessionView, policy: ReconnectPolicy) -> str:
    every = policy.heartbeat_interval_seconds
    if view.state is not SessionState.CONNECTED:
        return say("inspector.heartbeat_off", seconds=every)
    if view.round_trip_seconds is None:
        return say("inspector.heartbeat_none", seconds=every)
    took = view.round_trip_seconds * 1000
    return say("inspector.heartbeat_is", milliseconds=took, seconds=every)


def _gate(say: Words, view: SessionView, policy: ReconnectPolicy, now: float) -> str:
    mic, delay = view.microphone, policy.auto_mic_start_delay_seconds
    if mic.ready_at is None or view.state is not SessionState.CONNECTED:
        return say("inspector.closed", seconds=delay)
    if mic.opened_at is None:
        left = mic.ready_at + delay - now
        return say("inspector.opens_in", seconds=left) if left > 0 else say("inspector.may_open")
    return say(
        "inspector.is_open" if mic.is_open else "inspector.was_open",
        late=mic.opened_at - mic.ready_at,
        sent=mic.frames_sent,
        early=mic.frames_before_open,
    )


def _moment(say: Words, change: SessionStateChanged, now: float) -> Moment:
    why = change.reason or (change.error_code or "")
    if change.is_connection_established and change.resume is not None:
        why = resume_words(say, change.resume)
    return Moment(f"-{ago(say, max(0.0, now - change.t))}", change.new_state, why)


_KEPT = 12
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


Line = tuple[str, int | None]
"""The type of an event, and how many letters of text came with it."""


def line(event: object) -> Line | None:
    """Return the line of an event, None for a change of state, which is in the timeline."""
    if isinstance(event, SessionStateChanged):
        return None
    name = _CAPITAL.sub("-", type(event).__name__).lower()
    text = getattr(event, "text", None)
    return name, len(text) if isinstance(text, str) else None


class EventLog:
    """The last twelve events of each character, as types and sizes and never as words.

    `on_event` is called with the key of a character and each of its events.
    """

    def __init__(self, on_event: Callable[[str, object], object] | None = None) -> None:
        self._on_event = on_event
        self._lines: dict[str, deque[tuple[Line, int]]] = {}
        self._subscriptions: dict[str, tuple[object, Subscription]] = {}

    def follow(self, key: str, events: Signal[object]) -> None:
        """Subscribe to a character, once; a new signal under the same key replaces the first."""
        known = self._subscriptions.get(key)
        if known is not None and known[0] is events:
            return
        if known is not None:
            known[1].cancel()
        self._subscriptions[key] = (events, events.subscribe(self._handler(key)))

    def lines(self, say: Words, key: str) -> tuple[str, ...]:
        """Return the last lines of a character, the newest last."""
        return tuple(_in_words(say, *kept) for kept in self._lines.get(key, ()))

    def close(self) -> None:
        """Cancel the subscriptions."""
        for _, subscription in self._subscriptions.values():
            subscription.cancel()
        self._subscriptions.clear()

    def _handler(self, key: str) -> Callable[[object], object]:
        def record(event: object) -> None:
            found = line(event)
            if found is not None:
                self._write(self._lines.setdefault(key, deque(maxlen=_KEPT)), found)
            if self._on_event is not None:
                self._on_event(key, event)

        return record

    def _write(self, lines: deque[tuple[Line, int]], found: Line) -> None:
        """Add a line, or count it when it is the last one again, as visemes are."""
        times = lines.pop()[1] if lines and lines[-1][0] == found else 0
        lines.append((found, times + 1))


def _in_words(say: Words, found: Line, times: int) -> str:
    event, letters = found
    words = event if letters is None else say("inspector.event_of_text", event=event, n=letters)
    return words if times == 1 else say("inspector.event_times", event=words, n=times)
