"""What happened in a run, per character: the report that other people's CI reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from characters.core.state import SessionStateChanged, SessionView
from characters.core.transcript import Turn
from engine.signal import Signal, Subscription

__all__ = ["Observed", "Recorder", "StepFailure"]


class Observed(Protocol):
    """The part of a session handle that the recorder looks at."""

    @property
    def view(self) -> SessionView:
        """What is to be seen of the session now."""

    @property
    def events(self) -> Signal[Any]:
        """What happens to the session, on the main thread."""


@dataclass(frozen=True, slots=True)
class StepFailure:
    """A step of the script that was not met: which (the first is 1), and why."""

    step: int
    what: str
    why: str


@dataclass
class _Record:
    """What is known of one session; the handle is kept, so that its last view is too."""

    handle: Observed
    subscription: Subscription
    changes: list[SessionStateChanged] = field(default_factory=list)


class Recorder:
    """Follow every session from the moment it exists, and write down what it went through.

    `start` is the moment that the report counts its seconds from, on the sessions' own
    monotonic clock.
    """

    def __init__(self, start: float) -> None:
        self._start = start
        self._records: dict[str, _Record] = {}

    def watch(self, sessions: Mapping[str, Observed]) -> None:
        """Begin to follow the sessions that are new; call it once a frame."""
        for key, handle in sessions.items():
            known = self._records.get(key)
            if known is None or known.handle is not handle:
                self._follow(key, handle, known.changes if known else [])

    def report(self, frames: int, failed: StepFailure | None) -> dict[str, Any]:
        """Return the report; session ids are whole, for it is the developer's own file."""
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
        path.write_text(text + "\n", encoding="utf-8")

    def _follow(self, key: str, handle: Observed, changes: list[SessionStateChanged]) -> None:
        # What the session went through before we looked is in its timeline; events come after.
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
            "session_id": view.session_id,
            "state": view.state.name,
            "states": [self._change(change) for change in record.changes],
            "transcript": [self._turn(turn) for turn in view.transcript],
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
            "session_id": change.session_id,
            "attempt": change.attempt,
            "error": change.error_code,
        }

    def _turn(self, turn: Turn) -> dict[str, Any]:
        return {"t": self._time(turn.t), "speaker": turn.speaker, "text": turn.text}

    def _time(self, t: float | None) -> float | None:
        return None if t is None else round(t - self._start, 4)
