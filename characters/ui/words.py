"""What the HUD shows of one frame: plain values, gathered once and then only painted.

What the HUD says of a session: every word and shape it shows, decided without drawing.

What the fault panel says of what is broken, decided without drawing.

What the player is told of a failure: what happened and what he can do, no word for developers.

Developers find the failure's code and advice in the inspector.

Which captions are shown, for how long, and which come first: decided without drawing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from characters.protocol.failures import Failure, FailureKind
from characters.protocol.network_conditions import NetworkConditions
from characters.session.conversation import (
    DialogueState,
    FreshReason,
    Resume,
    ResumeOutcome,
    SessionState,
    SessionView,
    Turn,
)
from characters.session.policy import ReconnectPolicy
from engine.toml.reader import TomlFileError

__all__ = [
    "Actor",
    "ago",
    "attempt",
    "badge",
    "BadgeWords",
    "banner",
    "Caption",
    "captions",
    "closed_door",
    "countdown",
    "failure_title",
    "fault_lines",
    "FaultState",
    "HudModel",
    "is_open_elsewhere",
    "Microphone",
    "microphone",
    "player_words",
    "rate_words",
    "reading_seconds",
    "receipt",
    "RECEIPT_SECONDS",
    "resume_words",
    "Shape",
    "TALK",
    "Tone",
    "network_words",
    "listener_name",
]


Point = tuple[float, float]


class Actor(NamedTuple):
    """A character of the level: its session, and where its head is on the screen."""

    key: str
    name: str
    view: SessionView
    head: Point = (0.0, 0.0)
    policy: ReconnectPolicy = ReconnectPolicy.DEFAULT
    is_target: bool = False
    messages: tuple[str, ...] = ()
    """The last wire messages, their types and sizes only, the newest last, for the inspector."""

    @property
    def is_in_error(self) -> bool:
        """Whether it waits for the player to press Retry."""
        return self.view.state is SessionState.ERROR


@dataclass(frozen=True, slots=True)
class Microphone:
    """What the player has to know of the microphone at every moment."""

    level: float = 0.0
    is_open: bool = False
    is_muted: bool = False
    is_allowed: bool = False
    is_hands_free: bool = False
    is_toggled: bool = False
    kept_seconds: float = 0.0
    problem: str | None = None
    device: str = ""
    listener: str | None = None
    """The key of who hears it while it is open, or is to hear the kept words. A sentence stays with
    whom it began with, so this may be another than the target of the next one."""


@dataclass(frozen=True, slots=True)
class FaultState:
    """What the fault panel may break, and what of it is broken."""

    has_service: bool = False
    is_running: bool = False
    weather: NetworkConditions | None = NetworkConditions.CALM
    """Of the chosen line; None for several that differ."""
    is_unplugged: bool = False


@dataclass(frozen=True, slots=True)
class HudModel:
    """All of it."""

    now: float
    size: Point = (960, 600)
    actors: tuple[Actor, ...] = ()
    microphone: Microphone = field(default_factory=Microphone)
    faults: FaultState = field(default_factory=FaultState)
    player_name: str = "You"
    notice: str | None = None
    pointer: Point = (-1.0, -1.0)
    endpoint: str = "local"
    """The host that the talk goes to, or `local` for the embedded service."""

    @property
    def target(self) -> Actor | None:
        """The one who hears the player."""
        return next((actor for actor in self.actors if actor.is_target), None)

    @property
    def failed(self) -> tuple[Actor, ...]:
        """Those in ERROR, in the order of the level."""
        return tuple(actor for actor in self.actors if actor.is_in_error)


_LIVE_ELSEWHERE, _TAKEN_OVER = "session.live_elsewhere", "session.taken_over"
_HELD_ELSEWHERE: Mapping[SessionState, str] = MappingProxyType(
    {SessionState.ERROR: _LIVE_ELSEWHERE, SessionState.DISCONNECTED: _TAKEN_OVER}
)

_SILENT = "Nobody answers at the other end. Wait a moment, then press Retry."
_BUSY = "Too many people talk at the moment. Wait a little, then press Retry."
_NOT_SET_UP = "This game is not set up to reach them. Once that is put right, press Retry."
_USED_UP = "The talking time of this game is used up for now. Press Retry later."
_TAKE_OVER = (
    "Your talk is open in another game. Press Take over to go on with it here, "
    "or close it there and press Retry."
)
_NOT_KEPT = "Your talk cannot be kept on this computer now. Press Retry to try again."
_UNKNOWN = "Something unexpected happened. Press Retry to try again."

_BY_CODE: Mapping[str, str] = MappingProxyType(
    {
        "server.draining": "The other end is being restarted. Wait a moment, then press Retry.",
        "connection.concurrency_limit": _BUSY,
        "connection.unavailable": _BUSY,
        "connection.speaker_limit": _USED_UP,
        "connection.quota_exceeded": _USED_UP,
        _LIVE_ELSEWHERE: _TAKE_OVER,
        _TAKEN_OVER: _TAKE_OVER,
        "session.idle_timeout": "It was quiet for long, so the talk ended. Press Retry to go on.",
        "session.ended": "The other end closed the talk. Press Retry to go on.",
    }
)
_BY_STAGE: Mapping[str, str] = MappingProxyType(
    {
        "resume": "Your earlier talk is not there any more. Start anew begins a new one; "
        "Retry looks for the old one again.",
        "connect": _SILENT,
        "join": _SILENT,
        "ready": "They did not get ready in time. Press Retry to try again.",
        "live": "The line was cut and did not come back. Wait a moment, then press Retry.",
        "store": _NOT_KEPT,
    }
)


def is_open_elsewhere(view: SessionView) -> bool:
    """Tell whether another game holds the talk, so that it can be taken over from there.

    It refused us, which is an error, or took the talk from us, which ended it.
    """
    wanted = _HELD_ELSEWHERE.get(view.state)
    return wanted is not None and view.error is not None and view.error.code == wanted


def player_words(error: Failure | None) -> str:
    """Return what happened and what to press, in the player's words."""
    if error is None:
        return _UNKNOWN
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    if error.stage == "connect" and error.kind is FailureKind.TERMINAL:
        return _NOT_SET_UP
    return _BY_STAGE.get(error.stage, _UNKNOWN)


RECEIPT_SECONDS = 7.0
RING_STEPS = 24


class Shape(StrEnum):
    """The outline of a badge's sign: a state is told without its colour."""

    HOLLOW = "hollow circle"
    ARC = "open arc"
    CHECK = "disc with a check"
    WAVES = "disc with waves"
    DOTS = "disc with dots"
    BARS = "disc with bars"
    TRIANGLE = "triangle"
    SQUARE = "square with a cross"
    HALF = "half disc"
    MOON = "moon"


class Tone(StrEnum):
    """The meaning of a colour."""

    QUIET = "quiet"
    BUSY = "busy"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


class BadgeWords(NamedTuple):
    """A badge: its sign, the word of the state, and how much of the countdown ring is left."""

    shape: Shape
    word: str
    tone: Tone
    ring: float | None = None


@dataclass(frozen=True, slots=True)
class MicWords:
    """The microphone's indicator: where the voice goes, and what to press."""

    title: str
    detail: str
    tone: Tone
    is_crossed: bool = False


TALK: Mapping[DialogueState, BadgeWords] = MappingProxyType(
    {
        DialogueState.IDLE: BadgeWords(Shape.CHECK, "ready", Tone.GOOD),
        DialogueState.LISTENING: BadgeWords(Shape.WAVES, "listening", Tone.GOOD),
        DialogueState.ATTENDING: BadgeWords(Shape.WAVES, "attending", Tone.GOOD),
        DialogueState.THINKING: BadgeWords(Shape.DOTS, "thinking", Tone.GOOD),
        DialogueState.SPEAKING: BadgeWords(Shape.BARS, "speaking", Tone.GOOD),
        DialogueState.REACTING: BadgeWords(Shape.BARS, "reacting", Tone.GOOD),
        DialogueState.INTERRUPTED: BadgeWords(Shape.DOTS, "interrupted", Tone.GOOD),
        DialogueState.SETTLING: BadgeWords(Shape.CHECK, "ready", Tone.GOOD),
    }
)
"""The badges of one who is connected."""


def badge(view: SessionView, now: float) -> BadgeWords:
    """Return what stands over the head."""
    state = view.state
    if state is SessionState.CONNECTED:
        return TALK[view.dialogue]
    if state is SessionState.CONNECTING:
        words = "connecting" if view.attempt <= 1 else f"connecting {attempt(view)}"
        return BadgeWords(Shape.ARC, words + _wait(view, now), Tone.BUSY, _ring(view, now))
    if state is SessionState.RECONNECTING:
        words = f"reconnecting {attempt(view)}".rstrip()
        return BadgeWords(Shape.TRIANGLE, words + _wait(view, now), Tone.WARN, _ring(view, now))
    if state is SessionState.ERROR:
        return BadgeWords(Shape.SQUARE, "error: press R to retry", Tone.BAD)
    if state is SessionState.DISCONNECTING:
        return BadgeWords(Shape.HALF, "leaving", Tone.QUIET)
    if view.is_hibernating:
        return BadgeWords(Shape.MOON, "resting: come near", Tone.QUIET)
    if is_open_elsewhere(view):
        return BadgeWords(Shape.HALF, "in another game: press V", Tone.WARN)
    return BadgeWords(Shape.HOLLOW, "not connected", Tone.QUIET)


def attempt(view: SessionView) -> str:
    """Return `2/3`, or `2` where nobody counts."""
    if view.attempt <= 0:
        return ""
    return f"{view.attempt}/{view.max_attempts}" if view.max_attempts else str(view.attempt)


def countdown(view: SessionView, now: float) -> int | None:
    """Return the whole seconds until the next try, None while a try runs."""
    if view.next_retry_at is None or view.next_retry_at <= now:
        return None
    return math.ceil(view.next_retry_at - now)


def _wait(view: SessionView, now: float) -> str:
    seconds = countdown(view, now)
    return "" if seconds is None else f", {seconds} s"


def _ring(view: SessionView, now: float) -> float | None:
    """Return the share of the wait that is left, in steps that keep few pictures."""
    if view.next_retry_at is None or view.next_retry_at <= now or not view.retry_wait_seconds:
        return None
    share = min(1.0, (view.next_retry_at - now) / view.retry_wait_seconds)
    return math.ceil(share * RING_STEPS) / RING_STEPS


def ago(seconds: float) -> str:
    """Return a length of time as one says it: `12 min`, `3 h`, `2 days`."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    if seconds < 3600:
        return f"{round(seconds / 60)} min"
    if seconds < 2 * 86400:
        return f"{round(seconds / 3600)} h"
    return f"{round(seconds / 86400)} days"


_FRESH: Mapping[FreshReason | None, str] = MappingProxyType(
    {
        FreshReason.POLICY: "starts fresh: it greets everybody anew",
        FreshReason.NO_STORED_ID: "meets you for the first time",
        FreshReason.EXPIRED: "starts fresh: the saved session expired",
        FreshReason.REFUSED: "starts fresh: the saved session was refused",
        FreshReason.OTHER_ENDPOINT: "starts fresh: the saved session belongs to another service",
        None: "starts fresh",
    }
)


def resume_words(resume: Resume) -> str:
    """Return what a connection restored, in words."""
    if resume.outcome is ResumeOutcome.REJOINED:
        return "rejoined, nothing lost"
    if resume.outcome is ResumeOutcome.FRESH:
        return _FRESH[resume.reason]
    if resume.last_seen_seconds is None:
        return "remembers you"
    return f"remembers you, {ago(resume.last_seen_seconds)} ago"


def failure_title(name: str, view: SessionView) -> str:
    """Return what happened to a character in ERROR, in one short sentence."""
    stage = view.error.stage if view.error is not None else ""
    if stage == "resume":
        return f"{name} cannot go on where you stopped"
    if stage in ("connect", "join", "ready"):
        return f"{name} could not be reached"
    return f"{name} lost the connection"


def closed_door(level: str, error: Exception) -> str:
    """Return why the level behind a door cannot be entered: its first mistake, with its place."""
    calm = f"This door stays closed for now: the level behind it ({Path(level).name}) has a mistake"
    if not isinstance(error, TomlFileError):
        return f"{calm} ({type(error).__name__}); the log tells more."
    first = error.problems[0]
    more = len(error.problems) - 1
    rest = f"\nand {more} more" if more else ""
    return f"{calm}.\n{replace(first, file=Path(first.file).name)}{rest}"


def receipt(view: SessionView, now: float) -> str | None:
    """Return the receipt of a connection while it is new, else None."""
    if view.state is not SessionState.CONNECTED or view.resume is None:
        return None
    if view.connected_at is None or now - view.connected_at > RECEIPT_SECONDS:
        return None
    return resume_words(view.resume)


def banner(model: HudModel) -> str:
    """Return the line that says where the talk goes, and that nobody real answers."""
    if model.endpoint == "local":
        return "Nothing leaves this machine. Replies are generated."
    return f"Talk goes to {model.endpoint}. Replies are generated."


def listener_name(model: HudModel) -> str:
    """Return to whom the player talks."""
    return model.target.name if model.target else "nobody"


def microphone(model: HudModel) -> MicWords:
    """Return what the indicator says; it is true at every moment, so it asks the ears only."""
    mic, name = model.microphone, listener_name(model)
    listener = next(
        (actor.name for actor in model.actors if actor.key == mic.listener), mic.listener
    )
    if mic.problem:
        return MicWords("No microphone: typing works", mic.problem, Tone.WARN, is_crossed=True)
    if mic.is_muted:
        return MicWords("Muted", "press M to unmute", Tone.BAD, is_crossed=True)
    if mic.is_open and listener is not None:
        return MicWords(f"{listener} hears you", _listening_hint(mic), Tone.GOOD)
    if mic.kept_seconds and listener is not None:
        hint = f"{listener} hears it when ready"
        return MicWords("Your first words are kept", hint, Tone.WARN)
    if model.target is None:
        return MicWords("Microphone closed", "walk up to somebody", Tone.QUIET)
    return MicWords("Microphone closed", _opening_hint(mic, name), Tone.QUIET)


def _listening_hint(mic: Microphone) -> str:
    if mic.is_hands_free:
        return "hands-free; M mutes"
    return "press T when you are done" if mic.is_toggled else "let go of T when you are done"


def _opening_hint(mic: Microphone, name: str) -> str:
    if not mic.is_hands_free:
        return f"{'press' if mic.is_toggled else 'hold'} T to talk to {name}"
    if not mic.is_allowed:
        return f"press T to let {name} hear you"
    return f"opens when {name} is ready to listen"


def fault_lines(state: FaultState) -> tuple[tuple[str, Tone], ...]:
    """Return a sentence for each thing that can be broken: how it is now."""
    lines = [(f"Line: {network_words(state.weather)}", _tone(state.weather))]
    if state.is_unplugged:
        lines.append(("The microphone is unplugged.", Tone.BAD))
    if state.has_service:
        words = "The service runs." if state.is_running else "The service is down."
        lines.append((words, Tone.GOOD if state.is_running else Tone.BAD))
    return tuple(lines)


def network_words(weather: NetworkConditions | None) -> str:
    """Return what was made of a line; None for several that differ."""
    if weather is None:
        return "not the same for all"
    if weather.is_calm:
        return "calm"
    said = ["black hole"] if weather.is_black_hole else []
    if weather.delay_seconds:
        said.append(f"{weather.delay_seconds:g} s late")
    if weather.bytes_per_second:
        said.append(rate_words(weather.bytes_per_second))
    return ", ".join(said)


def rate_words(bytes_per_second: float) -> str:
    """Return a rate as people say it."""
    return f"{bytes_per_second / 1000:g} KB/s"


def _tone(weather: NetworkConditions | None) -> Tone:
    if weather is not None and weather.is_calm:
        return Tone.GOOD
    return Tone.BAD if weather is not None and weather.is_black_hole else Tone.WARN


MOST_CAPTIONS = 2
_LETTERS_PER_SECOND = 13.0  # slow readers included; subtitles for adults run at 17
_AT_LEAST = 3.0


@dataclass(frozen=True, slots=True)
class Caption:
    """One line of talk with its speaker's name."""

    key: str
    speaker: str
    text: str
    is_player: bool = False
    is_open: bool = False  # still growing
    is_cut: bool = False  # interrupted


def reading_seconds(text: str) -> float:
    """Return how long a text stays, from when it began."""
    return _AT_LEAST + len(text) / _LETTERS_PER_SECOND


def captions(model: HudModel, most: int = MOST_CAPTIONS) -> tuple[Caption, ...]:
    """Return the captions of this moment in the order of the talk, the newest last.

    The player's own line goes first when both sides are shown; somebody who speaks
    right now is never pushed out by somebody who is done.
    """
    found = [
        (turn, actor)
        for actor in model.actors
        for turn in actor.view.transcript[-3:]
        if turn.text.strip() and _is_shown(turn, actor, model.now)
    ]
    found.sort(key=lambda pair: (_is_said_now(*pair), pair[0].t))
    shown = sorted(found[-most:], key=lambda pair: pair[0].t)
    return tuple(_caption(turn, actor, model) for turn, actor in shown)


def _is_shown(turn: Turn, actor: Actor, now: float) -> bool:
    if turn.speaker == "character" and _is_said_now(turn, actor):
        return True
    return now - turn.t < reading_seconds(turn.text)


def _is_said_now(turn: Turn, actor: Actor) -> bool:
    return not turn.final or (turn is actor.view.transcript[-1] and actor.view.is_speaking)


def _caption(turn: Turn, actor: Actor, model: HudModel) -> Caption:
    is_player = turn.speaker == "player"
    name = f"{model.player_name} to {actor.name}" if is_player else actor.name
    return Caption(actor.key, name, turn.text.strip(), is_player, not turn.final, turn.interrupted)
