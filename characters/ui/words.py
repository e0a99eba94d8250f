"""What the player reads of a session, and the signs beside it, decided without drawing.

The texts themselves are in the table of `characters.english`, or in that of another language:
`say` below. The inspector's own rows, which are for developers, are in `report`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
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
from characters.storage.slots import SlotInfo
from characters.ui.model import Caption, FaultState, HudModel
from characters.ui.state import CaptionSize
from engine.core.words import Words
from engine.scenes.editor import CODE, Edit
from engine.scenes.file import DEFAULT, LEVEL, FieldRow
from engine.toml.reader import TomlFileError

__all__ = [
    "ago", "attempt", "badge", "badge_until", "BadgeWords", "banner", "captions_choice",
    "chat_label", "closed_door", "countdown", "edited", "failure_title", "fault_lines", "HELP",
    "help_rows", "is_open_elsewhere", "lag_button", "loaded", "microphone", "MicWords",
    "network_words", "NOT_STARTED", "origin_words", "player_words", "receipt", "RECEIPT_SECONDS",
    "resume_words", "saved", "Shape", "slow_button", "speaker", "talk_badge", "Tone", "undone",
]  # fmt: skip


HELP = (
    ("help.walk_keys", "help.walk"),
    ("help.type_keys", "help.type"),
    ("help.talk_keys", "help.talk"),
    ("help.next_keys", "help.next"),
    ("help.mute_keys", "help.mute"),
    ("help.visitor_keys", "help.visitor"),
    ("help.retry_keys", "help.retry"),
    ("help.undo_keys", "help.undo"),
    ("help.captions_keys", "help.captions"),
    ("help.inspector_keys", "help.inspector"),
    ("help.faults_keys", "help.faults"),
    ("help.break_keys", "help.break"),
    ("help.fullscreen_keys", "help.fullscreen"),
    ("help.help_keys", "help.help"),
    ("help.close_keys", "help.close"),
)
"""The rows of the help: the keys, and what they do."""


def help_rows(absent: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Return the rows of the help without those about what a level has not ("walk", "break")."""
    return tuple(row for row in HELP if row[1].removeprefix("help.") not in absent)


# The session, over the head and in its receipt.

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


_TALK: Mapping[DialogueState, tuple[Shape, str]] = MappingProxyType(
    {
        DialogueState.IDLE: (Shape.CHECK, "badge.ready"),
        DialogueState.LISTENING: (Shape.WAVES, "badge.listening"),
        DialogueState.ATTENDING: (Shape.WAVES, "badge.attending"),
        DialogueState.THINKING: (Shape.DOTS, "badge.thinking"),
        DialogueState.SPEAKING: (Shape.BARS, "badge.speaking"),
        DialogueState.REACTING: (Shape.BARS, "badge.reacting"),
        DialogueState.INTERRUPTED: (Shape.DOTS, "badge.interrupted"),
        DialogueState.SETTLING: (Shape.CHECK, "badge.ready"),
    }
)


def talk_badge(say: Words, dialogue: DialogueState) -> BadgeWords:
    """Return the badge of a connected character."""
    shape, key = _TALK[dialogue]
    return BadgeWords(shape, say(key), Tone.GOOD)


def badge(say: Words, view: SessionView, now: float) -> BadgeWords:
    """Return what the badge over a head shows."""
    state = view.state
    if state is SessionState.CONNECTED and view.has_agent:
        return talk_badge(say, view.dialogue)
    if state is SessionState.CONNECTED:
        return BadgeWords(Shape.HOLLOW, say("badge.away"), Tone.QUIET)
    if view.is_starting:
        return BadgeWords(Shape.ARC, say("badge.starting"), Tone.BUSY)
    if state is SessionState.CONNECTING:
        word: str = say("badge.connecting")
        if view.attempt > 1:
            word = say("badge.connecting_again", attempt=attempt(view))
        return BadgeWords(Shape.ARC, _waiting(say, word, view, now), Tone.BUSY, _ring(view, now))
    if state is SessionState.RECONNECTING:
        word = say("badge.reconnecting", attempt=attempt(view))
        word = _waiting(say, word, view, now)
        return BadgeWords(Shape.TRIANGLE, word, Tone.WARN, _ring(view, now))
    if state is SessionState.ERROR:
        return BadgeWords(Shape.SQUARE, say("badge.error"), Tone.BAD)
    if state is SessionState.DISCONNECTING:
        return BadgeWords(Shape.HALF, say("badge.leaving"), Tone.QUIET)
    if view.is_hibernating:
        return BadgeWords(Shape.MOON, say("badge.resting"), Tone.QUIET)
    if is_open_elsewhere(view):
        return BadgeWords(Shape.HALF, say("badge.elsewhere"), Tone.WARN)
    return BadgeWords(Shape.HOLLOW, say("badge.not_connected"), Tone.QUIET)


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


def _waiting(say: Words, what: str, view: SessionView, now: float) -> str:
    seconds = countdown(view, now)
    what = what.rstrip()  # attempts may have no number
    return what if seconds is None else say("badge.wait", what=what, seconds=seconds)


def _ring(view: SessionView, now: float) -> float | None:
    """Return the share of the wait that is left, in steps that keep few pictures."""
    if view.next_retry_at is None or view.next_retry_at <= now or not view.retry_wait_seconds:
        return None
    share = min(1.0, (view.next_retry_at - now) / view.retry_wait_seconds)
    return math.ceil(share * RING_STEPS) / RING_STEPS


def ago(say: Words, seconds: float) -> str:
    """Return a length of time in words: `12 min`, `3 h`, `2 days`."""
    if seconds < 60:
        return say("ago.seconds", n=max(1, round(seconds)))
    if seconds < 3600:
        return say("ago.minutes", n=round(seconds / 60))
    if seconds < 2 * 86400:
        return say("ago.hours", n=round(seconds / 3600))
    return say("ago.days", n=round(seconds / 86400))


def saved(say: Words, slot: SlotInfo) -> str:
    """Return that a slot was saved, and who will begin afresh all the same."""
    if slot.fresh:
        return say("slots.saved_fresh", name=slot.name, names=", ".join(slot.fresh))
    return say("slots.saved", name=slot.name)


def loaded(say: Words, name: str, fresh: Sequence[str], gone: Sequence[str]) -> str:
    """Return that a slot was loaded, who begins afresh, and who is not there any more."""
    sentences = [say("slots.loaded", name=name)]
    if fresh:
        sentences.append(say("slots.loaded_fresh", names=", ".join(fresh)))
    if gone:
        sentences.append(say("slots.loaded_gone", names=", ".join(gone)))
    return " ".join(sentences)


_FRESH: Mapping[FreshReason | None, str] = MappingProxyType(
    {
        FreshReason.POLICY: "receipt.fresh_policy",
        FreshReason.NO_STORED_ID: "receipt.fresh_first",
        FreshReason.EXPIRED: "receipt.fresh_expired",
        FreshReason.REFUSED: "receipt.fresh_refused",
        FreshReason.OTHER_ENDPOINT: "receipt.fresh_elsewhere",
        None: "receipt.fresh",
    }
)


def resume_words(say: Words, resume: Resume) -> str:
    """Return what a connection restored, in words."""
    if resume.outcome is ResumeOutcome.REJOINED:
        return say("receipt.rejoined")
    if resume.outcome is ResumeOutcome.FRESH:
        return say(_FRESH[resume.reason])
    if resume.last_seen_seconds is None:
        return say("receipt.remembers")
    return say("receipt.remembers_since", ago=ago(say, resume.last_seen_seconds))


def receipt(say: Words, view: SessionView, now: float) -> str | None:
    """Return what a connection restored while it is new, else None."""
    if view.state is not SessionState.CONNECTED or view.resume is None:
        return None
    if view.connected_at is None or now - view.connected_at > RECEIPT_SECONDS:
        return None
    return resume_words(say, view.resume)


def badge_until(view: SessionView, now: float) -> float:
    """Return until when badge and receipt of an unchanged session say what they say `now`."""
    if view.state is not SessionState.CONNECTED or not view.has_agent:
        return now  # counts down, or names a key that may be bound anew
    ends_at = -math.inf if view.connected_at is None else view.connected_at + RECEIPT_SECONDS
    return ends_at if ends_at >= now else math.inf


# Failures and closed doors.

NOT_STARTED = "service.not_started"
_LIVE_ELSEWHERE, _TAKEN_OVER = "session.live_elsewhere", "session.taken_over"
_HELD_ELSEWHERE: Mapping[SessionState, str] = MappingProxyType(
    {SessionState.ERROR: _LIVE_ELSEWHERE, SessionState.DISCONNECTED: _TAKEN_OVER}
)

_BY_CODE: Mapping[str, str] = MappingProxyType(
    {
        "server.draining": "error.draining",
        "connection.concurrency_limit": "error.busy",
        NOT_STARTED: "error.not_started",
        "connection.unavailable": "error.busy",
        "connection.speaker_limit": "error.used_up",
        "connection.quota_exceeded": "error.used_up",
        _LIVE_ELSEWHERE: "error.elsewhere",
        _TAKEN_OVER: "error.elsewhere",
        "session.idle_timeout": "error.idle",
        "session.ended": "error.ended",
    }
)
_BY_STAGE: Mapping[str, str] = MappingProxyType(
    {
        "resume": "error.not_resumed",
        "connect": "error.silent",
        "join": "error.silent",
        "ready": "error.not_ready",
        "live": "error.cut",
        "store": "error.not_kept",
    }
)


def is_open_elsewhere(view: SessionView) -> bool:
    """Tell whether another game holds the session, so that it can be taken over from there.

    Either that game kept it when this one asked (ERROR), or took it from this one (DISCONNECTED).
    """
    code = _HELD_ELSEWHERE.get(view.state)
    return code is not None and view.error is not None and view.error.code == code


def player_words(say: Words, error: Failure | None, service_problem: str = "") -> str:
    """Return what happened and what to press; developers find code and advice in the inspector.

    `service_problem` is why the embedded service does not start, if that is known.
    """
    if error is None:
        return say("error.unknown")
    if service_problem and error.code == NOT_STARTED:
        why = service_problem.rstrip(".") + "."
        return say("error.not_started_why", why=why)
    if error.code in _BY_CODE:
        return say(_BY_CODE[error.code])
    if error.stage == "connect" and error.kind is FailureKind.TERMINAL:
        return say("error.not_set_up")
    return say(_BY_STAGE.get(error.stage, "error.unknown"))


def _together(say: Words, names: Sequence[str], *, are_all: bool) -> str:
    """Return the names as one."""
    if len(names) == 1:
        return names[0]
    if len(names) == 2 and are_all:
        return say("error.both")
    one, other, *more = names
    if more:
        return say("error.names_more", one=one, other=other, n=len(more))
    return say("error.names", one=one, other=other)


def failure_title(say: Words, names: Sequence[str], view: SessionView, *, are_all: bool) -> str:
    """Return what happened to the characters of one cause, in one short sentence.

    `are_all` says whether nobody else is here.
    """
    name, is_one = _together(say, names, are_all=are_all), len(names) == 1
    stage = view.error.stage if view.error is not None else ""
    if stage == "resume":
        return say("error.cannot_go_on", name=name)
    if stage in ("connect", "join", "ready"):
        return say("error.not_reached" if is_one else "error.not_reached_several", name=name)
    return say("error.connection_lost" if is_one else "error.connection_lost_several", name=name)


def closed_door(say: Words, level: str, error: Exception) -> str:
    """Return why the level behind a door does not open: its first mistake, with its place."""
    name = Path(level).name
    if not isinstance(error, TomlFileError):
        return say("door.closed_log", level=name, error=type(error).__name__)
    first = error.problems[0]
    mistake = str(replace(first, file=Path(first.file).name))
    more = len(error.problems) - 1
    if more:
        mistake = say("door.more", mistake=mistake, n=more)
    return say("door.closed", level=name, mistake=mistake)


# The microphone, the endpoint, the talk.


def banner(model: HudModel) -> str:
    """Return where words and sound go, each host by name, and what the answers are."""
    say = model.words
    if not model.ways_out:
        where = say("banner.local")
    else:
        hosts = (_way(say, host, whats) for host, whats in model.ways_out.items())
        where = say("banner.remote", hosts=", ".join(hosts))
    if model.is_generated is None:
        return where
    return say("banner.generated" if model.is_generated else "banner.scripted", where=where)


def _way(say: Words, host: str, whats: tuple[str, ...]) -> str:
    """Return a host with what goes there; the talk needs no word."""
    named = [say(_WAYS[what]) for what in whats if what in _WAYS]
    return say("banner.way", host=host, what=", ".join(named)) if named else host


_WAYS: Mapping[str, str] = MappingProxyType(
    {
        "model": "banner.model",
        "recognition": "banner.recognition",
        "synthesis": "banner.synthesis",
    }
)


def microphone(model: HudModel) -> MicWords:
    """Return what the indicator says; by the microphone alone, so that it is always true."""
    say, mic = model.words, model.voice
    listener = next((actor.name for actor in model.actors if actor.key == mic.target), mic.target)
    if mic.problem:
        problem = say.translate(mic.problem)
        return MicWords(say("microphone.none"), problem, Tone.WARN, is_crossed=True)
    if mic.muted:
        unmute = say("microphone.unmute")
        return MicWords(say("microphone.muted"), unmute, Tone.BAD, is_crossed=True)
    if mic.is_open and listener is not None:
        return MicWords(say("microphone.hears", name=listener), _listening_hint(model), Tone.GOOD)
    if mic.kept_seconds and listener is not None:
        hint = say("microphone.kept_for", name=listener)
        return MicWords(say("microphone.kept"), hint, Tone.WARN)
    if model.target is None:
        return MicWords(say("microphone.closed"), say("microphone.walk_up"), Tone.QUIET)
    return MicWords(say("microphone.closed"), _opening_hint(model, model.target.name), Tone.QUIET)


def _listening_hint(model: HudModel) -> str:
    say = model.words
    if model.voice.mode is ListeningMode.HANDS_FREE:
        return say("microphone.hands_free")
    if model.is_toggled:
        return say("microphone.press_when_done")
    return say("microphone.release_when_done")


def _opening_hint(model: HudModel, name: str) -> str:
    say = model.words
    if model.voice.mode is not ListeningMode.HANDS_FREE:
        key = "microphone.press" if model.is_toggled else "microphone.hold"
        return say(key, name=name)
    if not model.voice.is_allowed:
        return say("microphone.allow", name=name)
    return say("microphone.opens", name=name)


def chat_label(model: HudModel) -> str:
    """Return the words before the chat box: where its text goes."""
    if model.target is None:
        return model.words("chat.to_nobody")
    return model.words("chat.to", name=model.target.name)


def speaker(say: Words, caption: Caption) -> str:
    """Return the name over a caption; of the player's own line also the character's."""
    if not caption.to:
        return caption.speaker
    own = caption.speaker or say("caption.you")
    return say("caption.to", speaker=own, listener=caption.to)


_SIZES: Mapping[CaptionSize, str] = MappingProxyType(
    {
        CaptionSize.NORMAL: "size.normal",
        CaptionSize.LARGE: "size.large",
        CaptionSize.OFF: "size.off",
    }
)


def captions_choice(say: Words, size: CaptionSize) -> str:
    """Return how large captions are now."""
    return say("menu.captions", size=say(_SIZES[size]))


# What is broken.


def lag_button(say: Words) -> str:
    """Return the words on the button that delays a line."""
    return say("faults.lag", seconds=LATE_SECONDS)


def slow_button(say: Words) -> str:
    """Return the words on the button that limits a line's rate."""
    return say("faults.slow", rate=_rate(say, SLOW_BYTES_PER_SECOND))


def _rate(say: Words, bytes_per_second: float) -> str:
    return say("faults.rate", kilobytes=bytes_per_second / 1000)


def fault_lines(say: Words, state: FaultState) -> tuple[tuple[str, Tone], ...]:
    """Return a sentence for each thing that can be broken: how it is now."""
    line = say("faults.line", conditions=network_words(say, state.network))
    lines: list[tuple[str, Tone]] = [(line, _tone(state.network))]
    if state.is_unplugged:
        lines.append((say("faults.unplugged"), Tone.BAD))
    if state.has_service:
        words = say("faults.runs") if state.is_running else say("faults.down")
        lines.append((words, Tone.GOOD if state.is_running else Tone.BAD))
    return tuple(lines)


def network_words(say: Words, network: NetworkConditions | None) -> str:
    """Return the conditions of a line in words; None stands for several that differ."""
    if network is None:
        return say("faults.differ")
    if network.is_calm:
        return say("faults.calm")
    said: list[str] = [say("faults.is_black_hole")] if network.is_black_hole else []
    if network.delay_seconds:
        said.append(say("faults.late", seconds=network.delay_seconds))
    if network.bytes_per_second:
        said.append(_rate(say, network.bytes_per_second))
    return ", ".join(said)


def _tone(network: NetworkConditions | None) -> Tone:
    if network is not None and network.is_calm:
        return Tone.GOOD
    return Tone.BAD if network is not None and network.is_black_hole else Tone.WARN


# The fields of the inspector, and what became of an edit.


def origin_words(say: Words, row: FieldRow) -> str:
    """Return where a value comes from, and what saving does."""
    if row.is_fixed:
        return say("field.by_code")
    if row.origin == CODE:
        return say("field.in_code")
    if row.origin == LEVEL:
        return say("field.in_level")
    if row.origin == DEFAULT:
        return say("field.default")
    return say("field.from", origin=row.origin)


def edited(say: Words, edit: Edit) -> str:
    """Return what was changed, and where it was saved."""
    name = edit.path.rpartition(".")[2]
    where = edit.note
    if edit.saved is None:
        where = say("field.nowhere")
    elif not where:
        where = say("field.saved", file=edit.saved.name, line=edit.line)
    return say("field.is_now", field=name, value=edit.text or say("field.empty"), where=where)


def undone(say: Words, edit: Edit) -> str:
    """Return which edit was taken back."""
    return say("field.undone", field=edit.path.rpartition(".")[2], object=edit.object)
