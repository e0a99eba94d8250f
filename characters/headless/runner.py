"""Plays a script, one frame after the other, and says which step was not met and why."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from characters.core.state import SessionState, SessionView
from characters.core.transcript import Turn
from characters.headless.report import StepFailure
from characters.headless.script import Quit, Respond, Say, Script, SpeakWav, Step, Wait, WaitStep

__all__ = ["ScriptRunner", "Stage", "StepError"]

_log = logging.getLogger(__name__)


class StepError(Exception):
    """A step cannot be done; the sentence says why."""


class Stage(Protocol):
    """What a script does to a game, and what it sees of it."""

    def view(self, character: str) -> SessionView:
        """Return what is to be seen of a session. Raises StepError when nobody has that id."""
        ...

    def begin(self, step: Step) -> None:
        """Start to do a step. Raises StepError."""
        ...

    def is_done(self, step: Step) -> bool:
        """Tell whether the step that was begun is over. Raises StepError."""
        ...


@dataclass
class _Heard:
    """How far the script has looked into the life of one character."""

    states_until: float = float("-inf")
    lines_until: float = float("-inf")


@dataclass
class ScriptRunner:
    """Call `update` once a frame until `is_over`; then `failure` is None if all was met."""

    script: Script
    stage: Stage
    now: Callable[[], float]
    failure: StepFailure | None = None
    _next: int = 0
    _begun_at: float | None = None
    _heard: dict[str, _Heard] = field(default_factory=dict)
    _is_over: bool = False

    @property
    def is_over(self) -> bool:
        """Whether the last step was done, a step failed, or a step was `quit`."""
        return self._is_over

    @property
    def step(self) -> Step:
        """The step that is being done."""
        return self.script.step[min(self._next, len(self.script.step) - 1)]

    def update(self) -> None:
        """Go on with the present step; the next one begins in the next frame."""
        if self._is_over:
            return
        try:
            is_met = self._advance(self.step)
        except StepError as error:
            self.fail(str(error))
            return
        if is_met:
            self._go_on()
        elif self.now() - (self._begun_at or 0.0) >= self._patience(self.step):
            self.fail(self._explain(self.step))

    def fail(self, why: str) -> None:
        """End the script at the present step."""
        if not self._is_over:
            self.failure = StepFailure(self._next + 1, str(self.step), why)
            self._is_over = True

    def _advance(self, step: Step) -> bool:
        if self._begun_at is None:
            self._begun_at = self.now()
            _log.info("step %d of %d: %s", self._next + 1, len(self.script.step), step)
            self._begin(step)
        if isinstance(step, WaitStep):
            return self._is_there(step.wait)
        return self.stage.is_done(step)

    def _begin(self, step: Step) -> None:
        if isinstance(step, WaitStep):
            return
        if isinstance(step, Say | SpeakWav | Respond):
            self._of(step.character).lines_until = self.now()
        self.stage.begin(step)

    def _go_on(self) -> None:
        self._is_over = isinstance(self.step, Quit) or self._next + 1 == len(self.script.step)
        self._next += not self._is_over
        self._begun_at = None

    def _of(self, character: str) -> _Heard:
        return self._heard.setdefault(character, _Heard())

    def _patience(self, step: Step) -> float:
        wait = step.wait if isinstance(step, WaitStep) else None
        return step.within if wait is None or wait.seconds is None else wait.seconds

    # waits

    def _is_there(self, wait: Wait) -> bool:
        if wait.seconds is not None:
            return self.now() - (self._begun_at or 0.0) >= wait.seconds
        assert wait.character is not None  # the script's own check
        view = self.stage.view(wait.character)
        if wait.session_state is not None:
            return self._came_into(wait, wait.session_state, view)
        return self._was_said(wait, view)

    def _came_into(self, wait: Wait, wanted: SessionState, view: SessionView) -> bool:
        heard = self._of(view.session_key)
        for change in view.timeline:
            outcome = change.resume and change.resume.outcome
            fits = change.new_state is wanted and wait.resume in (None, outcome)
            if fits and change.t > heard.states_until:
                heard.states_until = change.t
                return True
        outcome = view.resume and view.resume.outcome
        return view.state is wanted and wait.resume in (None, outcome)

    def _was_said(self, wait: Wait, view: SessionView) -> bool:
        heard = self._of(view.session_key)
        for turn in self._lines(view, heard.lines_until):
            if re.search(wait.says or "", turn.text, re.IGNORECASE | re.DOTALL):
                heard.lines_until = turn.t
                return True
        return False

    def _lines(self, view: SessionView, after: float) -> list[Turn]:
        return [t for t in view.transcript if t.speaker == "character" and t.t > after]

    def _explain(self, step: Step) -> str:
        """Say what there was instead; never what was said."""
        if not isinstance(step, WaitStep) or step.wait.character is None:
            return f"it was not done within {step.within:g} s"
        view = self.stage.view(step.wait.character)
        if step.wait.says is not None:
            lines = self._lines(view, self._of(view.session_key).lines_until)
            return f"{len(lines)} lines came within {step.within:g} s, none that fits"
        error = "" if view.error is None else f" ({view.error.code}: {view.error.message})"
        resume = "" if view.resume is None else f", {view.resume.outcome.value}"
        return f"after {step.within:g} s it is {view.state.name}{resume}{error}"
