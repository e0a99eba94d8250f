"""ScriptRunner plays a script, frame after frame; Recorder reports what happened in a run."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any, Protocol, TypeVar

from characters.client.handle import SessionHandle
from characters.headless.driver import SceneDriver
from characters.headless.script import (
    QuitStep,
    RespondStep,
    SayStep,
    Script,
    SpeakWavStep,
    Step,
    StepError,
    TakeBackStep,
    Wait,
    WaitStep,
)
from characters.protocol.codec import shorten_id
from characters.protocol.messages import ActionResponse, BotEmotion
from characters.session.conversation import SessionState, SessionStateChanged, SessionView, Turn
from engine.core.events import Subscription
from engine.core.file_system import open_file

__all__ = ["Recorder", "ScriptRunner", "StepFailure"]

_log = logging.getLogger(__name__)

_LAST_LOOK_SECONDS = 1.0  # that the search in a line may take when the time of its step is over


@dataclass(frozen=True, slots=True)
class StepFailure:
    """The step of a script that failed: its number (the first is 1), and why."""

    step: int
    what: str
    why: str


class _Timed(Protocol):
    @property
    def t(self) -> float: ...


E = TypeVar("E", bound=_Timed)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A place in what happened to a character: behind the first `n` events of the time `t`.

    Not a time alone: a clock may give the same one to what came before and to what came after.
    """

    t: float = float("-inf")
    n: int = 0

    @classmethod
    def behind(cls, events: Sequence[_Timed]) -> _Mark:
        """Return the place behind all of these, which are in the order of their times."""
        if not events:
            return cls()
        return cls(events[-1].t, sum(event.t == events[-1].t for event in events))

    def later(self, events: Sequence[E]) -> list[E]:
        """Return the events behind this place; the oldest may be gone meanwhile."""
        known = self.n
        found: list[E] = []
        for event in events:
            known -= event.t == self.t
            if event.t > self.t or (event.t == self.t and known < 0):
                found.append(event)
        return found


@dataclass
class _Progress:
    """Up to where the steps of the script have used the states and lines of one character."""

    states: _Mark = _Mark()
    lines: _Mark = _Mark()


def _behind(event: E, events: Sequence[E]) -> _Mark:
    """Return the place behind one of the events."""
    index = next(n for n, each in enumerate(events) if each is event)
    return _Mark.behind(events[: index + 1])


@dataclass
class ScriptRunner:
    """Call `update` once a frame until `is_over`; then `failure` is None if every step was met."""

    script: Script
    driver: SceneDriver
    now: Callable[[], float]
    failure: StepFailure | None = None
    is_over: bool = False
    """Whether the last step is done, a step failed, or a step was `quit`."""
    _next: int = 0
    _begun_at: float | None = None
    _is_met: bool = False
    _progress: dict[str, _Progress] = field(default_factory=dict)

    @property
    def step(self) -> Step:
        """The step that is being done."""
        return self.script.step[min(self._next, len(self.script.step) - 1)]

    def update(self) -> None:
        """Continue the present step; the next one begins in the next frame."""
        if self.is_over:
            return
        now = self.now()  # looked at once: what is late is so by the same time as what is met
        try:
            self._is_met = self._is_met or self._advance(self.step, now)
            # Nothing would tell any more that a line which waits for a connection did not go out.
            is_end = self._is_last and not isinstance(self.step, QuitStep)
            is_done = self._is_met and (not is_end or self.driver.has_said_all())
        except StepError as error:
            self.fail(str(error))
            return
        if is_done:
            self._go_on()
        elif self._is_late(self.step, now):
            self.fail(self._explain(self.step))

    def _go_on(self) -> None:
        self.is_over = self._is_last or isinstance(self.step, QuitStep)
        self._next += not self.is_over
        self._begun_at, self._is_met = None, False

    @property
    def _is_last(self) -> bool:
        return self._next + 1 == len(self.script.step)

    def fail(self, why: str) -> None:
        """End the script at the present step."""
        if not self.is_over:
            self.failure = StepFailure(self._next + 1, str(self.step), why)
            self.is_over = True

    def _advance(self, step: Step, now: float) -> bool:
        if self._begun_at is None:
            self._begun_at = now
            _log.info("step %d of %d: %s", self._next + 1, len(self.script.step), step)
            if not isinstance(step, WaitStep):
                self._use_what_came_before(step)
                self.driver.begin(step)
        if isinstance(step, WaitStep):
            return self._is_there(step.wait, now)
        return self.driver.is_done(step)

    def _is_late(self, step: Step, now: float) -> bool:
        if self._begun_at is None:
            return False
        waits = (isinstance(step, WaitStep) and step.wait.seconds) or 0.0
        if waits and not self._is_met:
            return False  # a time that is waited for is met in the end
        return now - self._begun_at >= waits + step.within

    def _use_what_came_before(self, step: Step) -> None:
        """Let no wait be met by what came before this step; of lines only where it asks for one."""
        self._use_states()
        if isinstance(step, SayStep | SpeakWavStep | RespondStep | TakeBackStep):
            view = self._view(step.character)
            if view is not None:
                self._of(view).lines = _Mark.behind(view.transcript)

    def _use_states(self) -> None:
        waits = (step.wait for step in self.script.step if isinstance(step, WaitStep))
        for name in {wait.character for wait in waits if wait.character is not None}:
            view = self._view(name)
            if view is not None:
                self._of(view).states = _Mark.behind(view.timeline)

    def _view(self, character: str) -> SessionView | None:
        """Return the state of a session; None while there is none."""
        try:
            return self.driver.view(character)
        except StepError:
            return None

    def _of(self, view: SessionView) -> _Progress:
        return self._progress.setdefault(view.session_key, _Progress())

    # waits

    def _is_there(self, wait: Wait, now: float) -> bool:
        assert self._begun_at is not None  # set as the step began
        if wait.state is not None:
            return self._came_into(wait, SessionState[wait.state], self._awaited(wait))
        if wait.seconds is None:
            until = max(self._begun_at + self.step.within, now + _LAST_LOOK_SECONDS)
            is_there = self._was_said(wait, self._awaited(wait), until)
        else:
            is_there = now - self._begun_at >= wait.seconds
        if is_there:
            self._use_states()
        return is_there

    def _awaited(self, wait: Wait) -> SessionView:
        assert wait.character is not None  # the script's own check
        return self.driver.view(wait.character)

    def _came_into(self, wait: Wait, expected: SessionState, view: SessionView) -> bool:
        progress, timeline = self._of(view), view.timeline
        for change in progress.states.later(timeline):
            outcome = change.resume and change.resume.outcome
            if change.new_state is expected and wait.resume in (None, outcome):
                progress.states = _behind(change, timeline)
                return True
        outcome = view.resume and view.resume.outcome
        is_there = view.state is expected and wait.resume in (None, outcome)
        if is_there:
            progress.states = _Mark.behind(timeline)
        return is_there

    def _was_said(self, wait: Wait, view: SessionView, until: float) -> bool:
        progress, pattern = self._of(view), re.compile(wait.says or "", re.IGNORECASE | re.DOTALL)
        for turn in self._lines(view):
            # Place by place, as `search` would: there the time cannot be looked at.
            places = takewhile(lambda _: self.now() <= until, range(len(turn.text) + 1))
            if any(pattern.match(turn.text, place) for place in places):
                progress.lines = _behind(turn, view.transcript)
                return True
        return False

    def _lines(self, view: SessionView) -> list[Turn]:
        later = self._of(view).lines.later(view.transcript)
        return [turn for turn in later if turn.speaker == "character"]

    def _explain(self, step: Step) -> str:
        """Return what there was instead, without anything that was said."""
        if self._is_met:
            return f"a line still waits for the connection after {step.within:g} s"
        if not isinstance(step, WaitStep) or step.wait.character is None:
            return f"it was not done within {step.within:g} s"
        view = self._view(step.wait.character)
        if view is None:
            return f"after {step.within:g} s there is no session"
        if step.wait.says is not None:
            lines = self._lines(view)
            return f"{len(lines)} lines came within {step.within:g} s, none that fits"
        error = "" if view.error is None else f" ({view.error.code}: {view.error.message})"
        resume = "" if view.resume is None else f", {view.resume.outcome.value}"
        return f"after {step.within:g} s it is {view.state.name}{resume}{error}"


@dataclass
class _Record:
    """The changes of one session; the handle is kept for its last view."""

    handle: SessionHandle
    subscription: Subscription
    acts: list[dict[str, Any]]
    changes: list[SessionStateChanged] = field(default_factory=list)


class Recorder:
    """Records what happens in every session of a run, for the CI of a game.

    The report counts its seconds from `start`, a time of the sessions' monotonic clock.
    """

    def __init__(self, start: float) -> None:
        self._start = start
        self._records: dict[str, _Record] = {}

    def watch(self, sessions: Mapping[str, SessionHandle]) -> None:
        """Begin to record the sessions that are new; call it once a frame."""
        for key, handle in sessions.items():
            known = self._records.get(key)
            if known is None or known.handle is not handle:
                self._follow(key, handle, known.changes if known else [])

    def report(self, frames: int, failed: StepFailure | None) -> dict[str, Any]:
        """Return the report; session ids are shortened, since it is sent with reports of bugs."""
        return {
            "ok": failed is None,
            "failed_step": None if failed is None else failed.step,
            "failure": None if failed is None else {"what": failed.what, "why": failed.why},
            "frames": frames,
            "characters": {key: self._character(r) for key, r in self._records.items()},
        }

    def write(self, path: Path, frames: int, failed: StepFailure | None) -> None:
        """Write the report as JSON. Raises OSError, at once for what is no file."""
        text = json.dumps(self.report(frames, failed), indent=2, ensure_ascii=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = open_file(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            path.chmod(0o600)  # it holds every line that was said, and may have been there before
            file.write(text + "\n")

    def _follow(self, key: str, handle: SessionHandle, changes: list[SessionStateChanged]) -> None:
        # Changes from before the subscription are in the timeline.
        seen = {id(change) for change in changes}
        changes += [change for change in handle.view.timeline if id(change) not in seen]
        known = self._records.get(key)
        acts = [] if known is None else known.acts

        def note(event: object) -> None:
            acts.extend(_acts(event))
            if isinstance(event, SessionStateChanged) and event not in changes[-8:]:
                changes.append(event)

        self._records[key] = _Record(handle, handle.events.subscribe(note), acts, changes)

    def _character(self, record: _Record) -> dict[str, Any]:
        view = record.handle.view
        microphone = view.microphone
        return {
            "character_id": view.character_id,
            "session_id": _short(view.session_id),
            "state": view.state.name,
            "states": [self._change(change) for change in record.changes],
            "transcript": [self._turn(turn) for turn in view.transcript],
            "acts": record.acts,
            "model": view.model,
            "usage": None if view.usage is None else asdict(view.usage),
            "microphone": {
                "ready_at": self._time(microphone.ready_at),
                "opened_at": self._time(microphone.opened_at),
                "frames_sent": microphone.frames_sent,
                "frames_before_open": microphone.frames_before_open,
            },
        }

    def _turn(self, turn: Turn) -> dict[str, Any]:
        said = {"t": self._time(turn.t), "speaker": turn.speaker, "text": turn.text}
        return said | ({"interrupted": True} if turn.interrupted else {})

    def _change(self, change: SessionStateChanged) -> dict[str, Any]:
        resume = change.resume if change.is_connection_established else None
        return {
            "t": self._time(change.t),
            "from": change.old_state.name,
            "to": change.new_state.name,
            "reason": change.reason,
            "resume": None if resume is None else resume.outcome.value,
            "resume_reason": resume.reason.value if resume and resume.reason else None,
            "session_id": _short(change.session_id),
            "attempt": change.attempt,
            "error": change.error_code,
        }

    def _time(self, t: float | None) -> float | None:
        return None if t is None else round(t - self._start, 4)


def _acts(event: object) -> Iterator[dict[str, Any]]:
    """Yield what a character shows in an event: actions, feelings."""
    if isinstance(event, ActionResponse):
        yield from ({"action": act.name, "target": act.target} for act in event.actions)
    elif isinstance(event, BotEmotion):
        yield {"feeling": event.emotion, "scale": event.scale}


def _short(session_id: str | None) -> str | None:
    return session_id and shorten_id(session_id)
