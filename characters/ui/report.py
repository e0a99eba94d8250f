"""What the inspector lists of a session: rows of label and value, the timeline, the event log."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from characters.session.conversation import (
    SessionState,
    SessionStateChanged,
    SessionView,
    shorten_id,
)
from characters.session.policy import ReconnectPolicy
from characters.ui.model import Actor
from characters.ui.words import ago, attempt, countdown, resume_words
from engine.core.events import Signal, Subscription

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


def rows(actor: Actor, now: float) -> tuple[Row, ...]:
    """Return the rows about a session now."""
    view = actor.view
    found = [
        Row("Character", actor.view.character_id),
        Row("State", _state(view, now)),
        Row("Session id", _stored_id(view, now)),
        Row("Outcome", resume_words(view.resume) if view.resume else "none yet"),
        Row("Room", shorten_id(view.room_name)),
        Row("Policy", _policy(actor.policy)),
        Row("Retries", _retries(actor.policy)),
        Row("Heartbeat", _heartbeat(view, actor.policy)),
        Row("Microphone", _gate(view, actor.policy, now)),
        Row("Last answer", _stages(view)),
        Row("Dialogue", view.dialogue.value + (f", {view.emotion}" if view.emotion else "")),
    ]
    if view.error is not None:
        found[2:2] = [Row("Error", view.error.code), Row("Advice", view.error.message)]
    return tuple(found)


def timeline(view: SessionView, now: float, most: int = 6) -> tuple[Moment, ...]:
    """Return the last changes of state, the newest first."""
    return tuple(_moment(change, now) for change in reversed(view.timeline[-most:]))


def policy_name(policy: ReconnectPolicy) -> str:
    """Return the preset's name, or `own`."""
    return next((name for name, preset in _PRESETS.items() if preset == policy), "own")


def _state(view: SessionView, now: float) -> str:
    words = view.state.name
    if view.state in (SessionState.CONNECTING, SessionState.RECONNECTING):
        words += f" {attempt(view)}".rstrip()
    seconds = countdown(view, now)
    if seconds is not None:
        words += f", next try in {seconds} s"
    if view.state is SessionState.CONNECTED and view.connected_at is not None:
        words += f" for {ago(now - view.connected_at)}"
    return words


def _stored_id(view: SessionView, now: float) -> str:
    short = shorten_id(view.session_id)
    if view.session_id is None:
        return short
    if view.stored_at is not None:
        return f"{short}, stored {ago(max(0.0, now - view.stored_at))} ago"
    return f"{short}, {'stored' if view.supports_session_persistence else 'not stored'}"


def _stages(view: SessionView) -> str:
    """Return when each stage was reached, counted from the end of the question."""
    return ", ".join(f"{name} {seconds:.2f} s" for name, seconds in view.stages) or "none yet"


def _policy(policy: ReconnectPolicy) -> str:
    return (
        f"{policy_name(policy)}: {policy.resume_policy.value.replace('_', ' ')}, "
        f"rejoin within {policy.room_rejoin_ttl_seconds:g} s"
    )


def _retries(policy: ReconnectPolicy) -> str:
    most = policy.max_reconnect_attempts
    words = "no limit of attempts" if most is None else f"{most} attempts"
    if policy.reconnect_budget_seconds is not None:
        words += f", for {ago(policy.reconnect_budget_seconds)}"
    return f"{words}, waits up to {policy.backoff_cap_seconds:g} s"


def _heartbeat(view: SessionView, policy: ReconnectPolicy) -> str:
    every = f"every {policy.heartbeat_interval_seconds:g} s"
    if view.state is not SessionState.CONNECTED:
        return f"none now; {every} while connected"
    if view.round_trip_seconds is None:
        return f"no answer yet, {every}"
    return f"{view.round_trip_seconds * 1000:.1f} ms, {every}"


def _gate(view: SessionView, policy: ReconnectPolicy, now: float) -> str:
    mic, delay = view.microphone, policy.auto_mic_start_delay_seconds
    if mic.ready_at is None or view.state is not SessionState.CONNECTED:
        return f"closed; opens {delay:g} s after ready"
    if mic.opened_at is None:
        left = mic.ready_at + delay - now
        return f"opens in {left:.1f} s" if left > 0 else "may open: the delay is over"
    late = mic.opened_at - mic.ready_at
    state = "open" if mic.is_open else "was open"
    return (
        f"{state} {late:.2f} s after ready, {mic.frames_sent} sent, {mic.frames_before_open} early"
    )


def _moment(change: SessionStateChanged, now: float) -> Moment:
    why = change.reason or (change.error_code or "")
    if change.is_connection_established and change.resume is not None:
        why = resume_words(change.resume)
    return Moment(f"-{ago(max(0.0, now - change.t))}", change.new_state, why)


_KEPT = 12
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def line(event: object) -> str | None:
    """Return the line of an event, None for a change of state, which is in the timeline."""
    if isinstance(event, SessionStateChanged):
        return None
    name = _CAPITAL.sub("-", type(event).__name__).lower()
    text = getattr(event, "text", None)
    return f"{name}, {len(text)} letters" if isinstance(text, str) else name


class EventLog:
    """The last twelve events of each character, as types and sizes and never as words."""

    def __init__(self, on_event: Callable[[str, object], object] | None = None) -> None:
        self._on_event = on_event
        self._lines: dict[str, deque[tuple[str, int]]] = {}
        self._subscriptions: dict[str, tuple[object, Subscription]] = {}

    def follow(self, key: str, events: Signal[object]) -> None:
        """Subscribe to a character, once; a new signal under the same key replaces the first."""
        known = self._subscriptions.get(key)
        if known is not None and known[0] is events:
            return
        if known is not None:
            known[1].cancel()
        # Kept in a local name, as signals know their handlers by identity.
        handler = self._handler(key)
        self._subscriptions[key] = (events, events.subscribe(handler))

    def lines(self, key: str) -> tuple[str, ...]:
        """Return the last lines of a character, the newest last."""
        kept = self._lines.get(key, ())
        return tuple(words if n == 1 else f"{words}, {n} times" for words, n in kept)

    def close(self) -> None:
        """Cancel the subscriptions."""
        for _, subscription in self._subscriptions.values():
            subscription.cancel()
        self._subscriptions.clear()

    def _handler(self, key: str) -> Callable[[object], object]:
        def record(event: object) -> None:
            words = line(event)
            if words is not None:
                self._write(self._lines.setdefault(key, deque(maxlen=_KEPT)), words)
            if self._on_event is not None:
                self._on_event(key, event)

        return record

    def _write(self, lines: deque[tuple[str, int]], words: str) -> None:
        """Add a line, or count it when it is the last one again, as visemes are."""
        times = lines.pop()[1] if lines and lines[-1][0] == words else 0
        lines.append((words, times + 1))
