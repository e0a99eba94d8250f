"""ScriptRunner plays a script, frame after frame; Recorder reports what happened in a run."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
    Wait,
    WaitStep,
)
from characters.session.conversation import (
    SessionState,
    SessionStateChanged,
    SessionView,
    Turn,
    shorten_id,
)
from engine.core.events import Subscription

__all__ = ["Recorder", "ScriptRunner", "StepFailure"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StepFailure:
    """The step of a script that failed: its number (the first is 1), and why."""

    step: int
    what: str
    why: str


@dataclass
class _Progress:
    """Up to when the waits of the script have used the states and lines of one character."""

    states_until: float = float("-inf")
    lines_until: float = float("-inf")


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
    _progress: dict[str, _Progress] = field(default_factory=dict)

    @property
    def step(self) -> Step:
        """The step that is being done."""
        return self.script.step[min(self._next, len(self.script.step) - 1)]

    def update(self) -> None:
        """Continue the present step; the next one begins in the next frame."""
        if self.is_over:
            return
        try:
            is_met = self._advance(self.step)
        except StepError as error:
            self.fail(str(error))
            return
        if is_met:
            is_last = self._next + 1 == len(self.script.step)
            self.is_over = is_last or isinstance(self.step, QuitStep)
            self._next += not self.is_over
            self._begun_at = None
        elif self.now() - (self._begun_at or 0.0) >= self._time_limit(self.step):
            self.fail(self._explain(self.step))

    def fail(self, why: str) -> None:
        """End the script at the present step."""
        if not self.is_over:
            self.failure = StepFailure(self._next + 1, str(self.step), why)
            self.is_over = True

    def _advance(self, step: Step) -> bool:
        if self._begun_at is None:
            self._begun_at = self.now()
            _log.info("step %d of %d: %s", self._next + 1, len(self.script.step), step)
            if isinstance(step, SayStep | SpeakWavStep | RespondStep):
                self._of(step.character).lines_until = self.now()
            if not isinstance(step, WaitStep):
                self.driver.begin(step)
        if isinstance(step, WaitStep):
            return self._is_there(step.wait)
        return self.driver.is_done(step)

    def _of(self, character: str) -> _Progress:
        return self._progress.setdefault(character, _Progress())

    def _time_limit(self, step: Step) -> float:
        wait = step.wait if isinstance(step, WaitStep) else None
        return step.within if wait is None or wait.seconds is None else wait.seconds

    # waits

    def _is_there(self, wait: Wait) -> bool:
        if wait.seconds is not None:
            return self.now() - (self._begun_at or 0.0) >= wait.seconds
        assert wait.character is not None  # the script's own check
        view = self.driver.view(wait.character)
        if wait.state is not None:
            return self._came_into(wait, SessionState[wait.state], view)
        return self._was_said(wait, view)

    def _came_into(self, wait: Wait, expected: SessionState, view: SessionView) -> bool:
        used = self._of(view.session_key)
        for change in view.timeline:
            outcome = change.resume and change.resume.outcome
            fits = change.new_state is expected and wait.resume in (None, outcome)
            if fits and change.t > used.states_until:
                used.states_until = change.t
                return True
        outcome = view.resume and view.resume.outcome
        return view.state is expected and wait.resume in (None, outcome)

    def _was_said(self, wait: Wait, view: SessionView) -> bool:
        used = self._of(view.session_key)
        for turn in self._lines(view, used.lines_until):
            if re.search(wait.says or "", turn.text, re.IGNORECASE | re.DOTALL):
                used.lines_until = turn.t
                return True
        return False

    def _lines(self, view: SessionView, after: float) -> list[Turn]:
        return [t for t in view.transcript if t.speaker == "character" and t.t > after]

    def _explain(self, step: Step) -> str:
        """Return what there was instead, without anything that was said."""
        if not isinstance(step, WaitStep) or step.wait.character is None:
            return f"it was not done within {step.within:g} s"
        view = self.driver.view(step.wait.character)
        if step.wait.says is not None:
            lines = self._lines(view, self._of(view.session_key).lines_until)
            return f"{len(lines)} lines came within {step.within:g} s, none that fits"
        error = "" if view.error is None else f" ({view.error.code}: {view.error.message})"
        resume = "" if view.resume is None else f", {view.resume.outcome.value}"
        return f"after {step.within:g} s it is {view.state.name}{resume}{error}"


@dataclass
class _Record:
    """The changes of one session; the handle is kept for its last view."""

    handle: SessionHandle
    subscription: Subscription
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
        """Write the report as JSON. Raises OSError."""
        text = json.dumps(self.report(frames, failed), indent=2, ensure_ascii=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        path.chmod(0o600)  # it holds every line that was said
        path.write_text(text + "\n", encoding="utf-8")

    def _follow(self, key: str, handle: SessionHandle, changes: list[SessionStateChanged]) -> None:
        # Changes from before the subscription are in the timeline.
        seen = {id(change) for change in changes}
        changes += [change for change in handle.view.timeline if id(change) not in seen]

        def note(event: object) -> None:
            if isinstance(event, SessionStateChanged) and event not in changes[-8:]:
                changes.append(event)

        self._records[key] = _Record(handle, handle.events.subscribe(note), changes)

    def _character(self, record: _Record) -> dict[str, Any]:
        view = record.handle.view
        microphone = view.microphone
        return {
            "character_id": view.character_id,
            "session_id": _short(view.session_id),
            "state": view.state.name,
            "states": [self._change(change) for change in record.changes],
            "transcript": [
                {"t": self._time(turn.t), "speaker": turn.speaker, "text": turn.text}
                for turn in view.transcript
            ],
            "microphone": {
                "ready_at": self._time(microphone.ready_at),
                "opened_at": self._time(microphone.opened_at),
                "frames_sent": microphone.frames_sent,
                "frames_before_open": microphone.frames_before_open,
            },
        }

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


def _short(session_id: str | None) -> str | None:
    return session_id and shorten_id(session_id)
