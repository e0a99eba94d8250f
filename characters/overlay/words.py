"""What the HUD says of a session: every word and shape it shows, decided without drawing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from characters.core.state import FreshReason, Resume, ResumeOutcome, SessionState, SessionView
from characters.core.turn import DialogueState
from characters.overlay.mishaps import is_open_elsewhere
from characters.overlay.model import HudModel, Microphone
from engine.toml_file import TomlFileError

__all__ = [
    "RECEIPT_SECONDS",
    "TALK",
    "BadgeWords",
    "MicWords",
    "Shape",
    "Tone",
    "ago",
    "attempt",
    "badge",
    "banner",
    "closed_door",
    "countdown",
    "failure_title",
    "microphone",
    "receipt",
    "resume_words",
    "who_hears",
]

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


def who_hears(model: HudModel) -> str:
    """Return to whom the player talks."""
    return model.target.name if model.target else "nobody"


def microphone(model: HudModel) -> MicWords:
    """Return what the indicator says; it is true at every moment, so it asks the ears only."""
    mic, name = model.microphone, who_hears(model)
    hearer = next((actor.name for actor in model.actors if actor.key == mic.hearer), mic.hearer)
    if mic.problem:
        return MicWords("No microphone: typing works", mic.problem, Tone.WARN, is_crossed=True)
    if mic.is_muted:
        return MicWords("Muted", "press M to unmute", Tone.BAD, is_crossed=True)
    if mic.is_open and hearer is not None:
        return MicWords(f"{hearer} hears you", _listening_hint(mic), Tone.GOOD)
    if mic.kept_seconds and hearer is not None:
        hint = f"{hearer} hears it when ready"
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
