"""A driver without a game, and sessions made by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from characters.headless.driver import SceneDriver
from characters.headless.script import Step, StepError
from characters.session.conversation import (
    DialogueState,
    Resume,
    SessionState,
    SessionStateChanged,
    SessionView,
    Turn,
)
from engine.core.events import Signal

S = SessionState


@dataclass
class FakeSession:
    """What a script and a report see of a session, set by hand."""

    character_id: str = "nurse"
    view: SessionView = field(init=False)
    events: Signal[Any] = field(default_factory=Signal)

    def __post_init__(self) -> None:
        self.view = SessionView(self.character_id, self.character_id, DialogueState.IDLE)

    def becomes(self, state: SessionState, t: float, resume: Resume | None = None) -> None:
        change = SessionStateChanged(
            t, self.character_id, self.character_id, self.view.state, state, resume=resume
        )
        timeline = (*self.view.timeline, change)
        self.view = replace(self.view, state=state, timeline=timeline, resume=resume)
        self.events.emit(change)

    def says(self, text: str, t: float, speaker: str = "character") -> None:
        turn = Turn(speaker, text, t)  # type: ignore[arg-type]  # one of the two, in a test
        self.view = replace(self.view, transcript=(*self.view.transcript, turn))


class FakeDriver(SceneDriver):
    """Records the steps; they last while `busy` says so."""

    def __init__(self, *sessions: FakeSession) -> None:
        self.sessions = {session.character_id: session for session in sessions}
        self.begun: list[str] = []
        self.busy: Callable[[], bool] = lambda: False
        self.is_all_said = True

    def view(self, character: str) -> SessionView:
        if character not in self.sessions:
            raise StepError(f"nobody is called {character!r}")
        return self.sessions[character].view

    def begin(self, step: Step) -> None:
        self.begun.append(str(step))

    def is_done(self, step: Step) -> bool:
        return not self.busy()

    def has_said_all(self) -> bool:
        return self.is_all_said
