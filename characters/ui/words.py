"""Every sentence that the player reads, and the signs beside them, decided without drawing.

The inspector's own rows, which are for developers, are in `report`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from characters.protocol.failures import Failure, FailureKind
from characters.protocol.network_conditions import (
    LATE_SECONDS,
    SLOW_BYTES_PER_SECOND,
    NetworkConditions,
)
from characters.protocol.turn_settings import ListeningMode
from characters.session.conversation import (
    DialogueState,
    FreshReason,
    Resume,
    ResumeOutcome,
    SessionState,
    SessionView,
)
from characters.ui.model import Caption, FaultState, HudModel
from engine.scenes.editor import CODE, Edit
from engine.scenes.file import DEFAULT, LEVEL, FieldRow
from engine.toml.reader import TomlFileError

__all__ = [
    "ago", "attempt", "badge", "BadgeWords", "banner", "closed_door", "countdown", "edited",
    "failure_title", "fault_lines", "is_open_elsewhere", "microphone", "network_words",
    "origin_words", "player_words", "receipt", "RECEIPT_SECONDS", "resume_words", "Shape",
    "speaker", "TALK", "Tone",
]  # fmt: skip


# Labels and hints that never change.

GAME_HINT = "Walk: WASD    Type: Enter    Talk: T    Help: F1"
GAME_HINT_SHORT = "Help: F1"
FIELDS_HINT = "Choose: Up, Down    Edit: Enter    Next: Tab    Back: Esc"
FIELDS_HINT_SHORT = "Back: Esc"
CHAT_HINT = "Say something. Enter sends, Esc closes."
CUT_OFF = " — cut off"

HELP_TITLE = "What you can do"
HELP: tuple[tuple[str, str], ...] = (
    ("W A S D", "walk (arrows and pad work too)"),
    ("Enter", "type to the one who listens"),
    ("T", "talk: hold it, or press once when hands-free"),
    ("Tab", "turn to the next one in reach"),
    ("M", "mute the microphone"),
    ("N", "next visitor, at the kiosk"),
    ("R, V", "for somebody in error: retry, take the talk over"),
    ("F2", "captions: on, larger, off"),
    ("F3", "inspector: the session from inside; E edits"),
    ("F4", "faults: lines, service, microphone"),
    ("F5 to F8", "cut, black hole, kill the service, start it"),
    ("F1", "this help"),
    ("Esc", "close, or the menu: sound, captions"),
)

MENU_TITLE = "Menu"
MENU_KEYS = "Up and Down, Enter; Esc goes on"
GO_ON = "Go on"
SHOW_HELP = "What the keys do"
MUTE = "Mute the microphone"
UNMUTE = "Unmute the microphone"
OPEN_SOUND = "Sound ..."
LEAVE_GAME = "Leave the game"
BACK = "Esc: back"

RETRY, RETRY_KEY = "Retry", "Retry (R)"
TAKE_OVER, TAKE_OVER_KEY = "Take over", "Take over (V)"
START_ANEW = "Start anew"

NOBODY_HERE = "Nobody is here."
SESSION_PAGE, FIELDS_PAGE = "Session", "Fields (E)"
TIMELINE_TITLE = "What happened, newest first"
MESSAGES_TITLE = "Last messages"
TRANSCRIPT_TITLE = "Transcript"
PLAYER_SAID, CHARACTER_SAID = "you", "they"
EDIT_FIELD, SAVE_FIELD, LEAVE_FIELD = "Enter: edit", "Enter: save", "Esc: leave it"
UNDO_FIELD = "U: undo"
EMPTY_FIELD = "empty"

FAULTS_TITLE = "Break something"
FAULTS_KEYS = "Number: who. Letter: what. F4 closes."
EVERYBODY = "Everybody"
CUT = "Cut"
BLACK_HOLE = "Black hole"
LAG = f"Lag {LATE_SECONDS:g} s"
HEAL = "Heal line"
PLUG_IN, UNPLUG = "Plug in mic", "Unplug mic"
KILL_SERVICE, LAUNCH_SERVICE = "Kill service", "Launch service"
EXPIRE_SESSION = "Expire session"
NO_FAULTS = "There is nothing to break here: this game was given no faults."

SOUND_TITLE = "Sound"
SOUND_KEYS = "Choose: Up, Down    Change: Left, Right    Mute: M    Back: Esc"
LOOKING = "Looking for microphones and loudspeakers ..."
NO_VOICES = "Nobody in this level has a voice."
NO_DEVICES = "This game was given no sound devices to choose from."
NONE_FOUND = "None was found; one that is plugged in is used by itself."
SYSTEM_DEFAULT, NOT_THERE = "System default", " (not there)"
MICROPHONE = "Microphone"
MICROPHONE_HINT = "M mutes it. Choosing one does not open it."
MICROPHONE_MUTED_HINT = "Muted; M lets it hear again."
LOUDSPEAKER, LOUDSPEAKER_HINT = "Loudspeaker", "All the voices come from here."
MODE, HANDS_FREE, PUSH_TO_TALK = "You talk", "hands-free", "push-to-talk"
MODE_HINT = "Hands-free leaves the microphone open while you play; M mutes it."
TALK_KEY, TOGGLE, HOLD = "T key", "press to begin and to end", "hold to talk"
TALK_KEY_HINT = "For push-to-talk: how the key, or the button of a pad, is used."
HEADPHONES, YES, NO = "Headphones", "yes", "no"
HEADPHONES_HINT = "With headphones a character falls silent when you speak."
VOLUME_MUTED, VOLUME_HINT = "muted", "Enter or M mutes; the captions go on."


def _rate(bytes_per_second: float) -> str:
    return f"{bytes_per_second / 1000:g} KB/s"


SLOW = f"Slow {_rate(SLOW_BYTES_PER_SECOND)}"


# The session, over the head and in its receipt.

STARTING = "starting"
RECEIPT_SECONDS = 7.0
RING_STEPS = 24


class Shape(StrEnum):
    """The outline of a badge's sign: each state has its own, so that colour is not needed."""

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
"""The badges of a connected character."""


def badge(view: SessionView, now: float) -> BadgeWords:
    """Return what the badge over a head shows."""
    state = view.state
    if state is SessionState.CONNECTED:
        return TALK[view.dialogue]
    if view.is_starting:
        return BadgeWords(Shape.ARC, STARTING, Tone.BUSY)
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
    """Return `2/3`, or `2` if attempts have no limit."""
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
    """Return a length of time in words: `12 min`, `3 h`, `2 days`."""
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


def receipt(view: SessionView, now: float) -> str | None:
    """Return what a connection restored while it is new, else None."""
    if view.state is not SessionState.CONNECTED or view.resume is None:
        return None
    if view.connected_at is None or now - view.connected_at > RECEIPT_SECONDS:
        return None
    return resume_words(view.resume)


# Failures and closed doors.

_LIVE_ELSEWHERE, _TAKEN_OVER = "session.live_elsewhere", "session.taken_over"
_HELD_ELSEWHERE: Mapping[SessionState, str] = MappingProxyType(
    {SessionState.ERROR: _LIVE_ELSEWHERE, SessionState.DISCONNECTED: _TAKEN_OVER}
)

_SILENT = "Nobody answers at the other end. Wait a moment, then press Retry."
_NOT_STARTED = (
    "The conversation service of this game does not start. Press Retry to start it again."
)
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
        "service.not_started": _NOT_STARTED,
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
    """Tell whether another game holds the session, so that it can be taken over from there.

    Either that game kept it when this one asked (ERROR), or took it from this one (DISCONNECTED).
    """
    code = _HELD_ELSEWHERE.get(view.state)
    return code is not None and view.error is not None and view.error.code == code


def player_words(error: Failure | None) -> str:
    """Return what happened and what to press; developers find code and advice in the inspector."""
    if error is None:
        return _UNKNOWN
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    if error.stage == "connect" and error.kind is FailureKind.TERMINAL:
        return _NOT_SET_UP
    return _BY_STAGE.get(error.stage, _UNKNOWN)


def failure_title(name: str, view: SessionView) -> str:
    """Return what happened to a character in ERROR, in one short sentence."""
    stage = view.error.stage if view.error is not None else ""
    if stage == "resume":
        return f"{name} cannot go on where you stopped"
    if stage in ("connect", "join", "ready"):
        return f"{name} could not be reached"
    return f"{name} lost the connection"


def closed_door(level: str, error: Exception) -> str:
    """Return why the level behind a door does not open: its first mistake, with its place."""
    calm = f"This door stays closed for now: the level behind it ({Path(level).name}) has a mistake"
    if not isinstance(error, TomlFileError):
        return f"{calm} ({type(error).__name__}); the log tells more."
    first = error.problems[0]
    more = len(error.problems) - 1
    rest = f"\nand {more} more" if more else ""
    return f"{calm}.\n{replace(first, file=Path(first.file).name)}{rest}"


# The microphone, the endpoint, the talk.


def banner(model: HudModel) -> str:
    """Return the line that says where the talk goes, and that the answers are generated."""
    if model.endpoint == "local":
        return "Nothing leaves this machine. Replies are generated."
    return f"Talk goes to {model.endpoint}. Replies are generated."


def _target_name(model: HudModel) -> str:
    """Return the name of the character that the player's words go to."""
    return model.target.name if model.target else "nobody"


def microphone(model: HudModel) -> MicWords:
    """Return what the indicator says; by the microphone alone, so that it is always true."""
    mic, name = model.voice, _target_name(model)
    listener = next((actor.name for actor in model.actors if actor.key == mic.target), mic.target)
    if mic.problem:
        return MicWords("No microphone: typing works", mic.problem, Tone.WARN, is_crossed=True)
    if mic.muted:
        return MicWords("Muted", "press M to unmute", Tone.BAD, is_crossed=True)
    if mic.is_open and listener is not None:
        return MicWords(f"{listener} hears you", _listening_hint(model), Tone.GOOD)
    if mic.kept_seconds and listener is not None:
        hint = f"{listener} hears it when ready"
        return MicWords("Your first words are kept", hint, Tone.WARN)
    if model.target is None:
        return MicWords("Microphone closed", "walk up to somebody", Tone.QUIET)
    return MicWords("Microphone closed", _opening_hint(model, name), Tone.QUIET)


def _listening_hint(model: HudModel) -> str:
    if model.voice.mode is ListeningMode.HANDS_FREE:
        return "hands-free; M mutes"
    return "press T when you are done" if model.is_toggled else "let go of T when you are done"


def _opening_hint(model: HudModel, name: str) -> str:
    if model.voice.mode is not ListeningMode.HANDS_FREE:
        return f"{'press' if model.is_toggled else 'hold'} T to talk to {name}"
    if not model.voice.is_allowed:
        return f"press T to let {name} hear you"
    return f"opens when {name} is ready to listen"


def microphone_works(device: str) -> str:
    """Return that a microphone works, after none did."""
    return f"The microphone works: {device}."


def chat_label(model: HudModel) -> str:
    """Return the words before the chat box: where its text goes."""
    return f"To {_target_name(model)}:"


def speaker(caption: Caption) -> str:
    """Return the name over a caption; of the player's own line also the character's."""
    return f"{caption.speaker or 'You'} to {caption.to}" if caption.to else caption.speaker


def captions_choice(size: str) -> str:
    """Return how large captions are now."""
    return f"Captions: {size}"


# What is broken.


def fault_lines(state: FaultState) -> tuple[tuple[str, Tone], ...]:
    """Return a sentence for each thing that can be broken: how it is now."""
    lines = [(f"Line: {network_words(state.network)}", _tone(state.network))]
    if state.is_unplugged:
        lines.append(("The microphone is unplugged.", Tone.BAD))
    if state.has_service:
        words = "The service runs." if state.is_running else "The service is down."
        lines.append((words, Tone.GOOD if state.is_running else Tone.BAD))
    return tuple(lines)


def network_words(network: NetworkConditions | None) -> str:
    """Return the conditions of a line in words; None stands for several that differ."""
    if network is None:
        return "not the same for all"
    if network.is_calm:
        return "calm"
    said = ["black hole"] if network.is_black_hole else []
    if network.delay_seconds:
        said.append(f"{network.delay_seconds:g} s late")
    if network.bytes_per_second:
        said.append(_rate(network.bytes_per_second))
    return ", ".join(said)


def _tone(network: NetworkConditions | None) -> Tone:
    if network is not None and network.is_calm:
        return Tone.GOOD
    return Tone.BAD if network is not None and network.is_black_hole else Tone.WARN


# The fields of the inspector, and what became of an edit.


def origin_words(row: FieldRow) -> str:
    """Return where a value comes from, and what saving does."""
    if row.is_fixed:
        return "Set by the game's code: it can only be seen here."
    if row.origin == CODE:
        return "Made in code: an edit applies, and there is nothing to save to."
    if row.origin == LEVEL:
        return "The level's file says so."
    if row.origin == DEFAULT:
        return "The default. Saving adds a line to the level."
    return f"From {row.origin}. Saving overrides it in this level alone."


def edited(edit: Edit) -> str:
    """Return what was changed, and where it was saved."""
    name = edit.path.rpartition(".")[2]
    words = f"{name} is {edit.text or 'empty'} now. "
    if edit.saved is None:
        return words + "Made in code: there is nothing to save to."
    return words + (edit.note or f"Saved in {edit.saved.name}, line {edit.line}.")


def refused(error: Exception) -> str:
    """Return why an edit was not made."""
    return f"Not changed: {error}"


def undone(edit: Edit) -> str:
    """Return which edit was taken back."""
    return f"Undone: {edit.path.rpartition('.')[2]} of {edit.object} is as before."
