"""Made-up sessions and casts for tests of what is seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from characters.client.voice_input import VoiceInputStatus
from characters.english import ENGLISH
from characters.protocol.failures import failure
from characters.session.conversation import (
    DialogueState,
    FreshReason,
    MicrophoneView,
    Resume,
    ResumeOutcome,
    SessionState,
    SessionStateChanged,
    SessionView,
    Turn,
)
from characters.ui.model import ALL_BINDINGS, Actor, FaultState, HudModel
from engine.core.input import Input

__all__ = [
    "actor",
    "crowd",
    "EN",
    "model",
    "NOW",
    "timeline",
    "view",
]


NOW = 100.0
EN = ENGLISH.with_keys(Input(), ALL_BINDINGS)
S = SessionState


def view(state: SessionState = S.CONNECTED, **changes: Any) -> SessionView:
    """Return the view of a session that has been in this state for a while."""
    made = SessionView(
        character_id="nurse-21c4",
        session_key="nurse-21c4",
        dialogue=DialogueState.IDLE,
        state=state,
        session_id="9f3c27aa81",
        room_name="room-77",
        connected_at=NOW - 60 if state is S.CONNECTED else None,
        round_trip_seconds=0.0021,
    )
    return replace(made, **changes)


def actor(name: str = "Nurse Okoye", state: SessionState = S.CONNECTED, **changes: Any) -> Actor:
    """Return a character of that name, its key made from it."""
    own = {k: changes.pop(k) for k in ("head", "is_target", "policy", "messages") if k in changes}
    key = name.lower().replace(" ", "-")
    return Actor(key=key, name=name, view=view(state, session_key=key, **changes), **own)


def model(*actors: Actor, **changes: Any) -> HudModel:
    """Return one frame with these characters."""
    return HudModel(now=NOW, actors=actors, **{"words": EN, **changes})


def timeline() -> tuple[SessionStateChanged, ...]:
    """Return a talk that was cut and went on."""
    steps = (
        (40.0, S.DISCONNECTED, S.CONNECTING, "connect asked", None),
        (
            40.3,
            S.CONNECTING,
            S.CONNECTED,
            "character ready",
            Resume(ResumeOutcome.RESUMED, None, 720),
        ),
        (80.0, S.CONNECTED, S.RECONNECTING, "nothing came from the server in time", None),
        (82.5, S.RECONNECTING, S.CONNECTED, "character ready", Resume(ResumeOutcome.REJOINED)),
    )
    return tuple(
        SessionStateChanged(t, "nurse-21c4", "nurse-21c4", old, new, reason=why, resume=resume)
        for t, old, new, why, resume in steps
    )


def crowd() -> HudModel:
    """Return five characters, each in another plight, as a busy frame has them."""
    talk = (
        Turn("player", "My name is Ada. Do you remember what I told you yesterday?", NOW - 4),
        Turn(
            "character",
            "Of course, Ada. You came in with your grandmother's blue umbrella, and you were "
            "worried about the exam. How did it go",
            NOW - 2,
            final=False,
        ),
    )
    return model(
        actor(
            "Mr. Hale",
            S.RECONNECTING,
            attempt=2,
            max_attempts=5,
            next_retry_at=NOW + 2.4,
            retry_wait_seconds=4.0,
            head=(170, 260),
        ),
        actor(
            "Nurse Okoye",
            head=(430, 230),
            is_target=True,
            dialogue=DialogueState.SPEAKING,
            is_speaking=True,
            emotion="joy",
            transcript=talk,
            resume=Resume(ResumeOutcome.RESUMED, None, 720),
            connected_at=NOW - 2,
            timeline=timeline(),
            microphone=MicrophoneView(NOW - 60, NOW - 59.4, 212, 0, True),
            messages=("bot-llm-started", "bot-llm-text, 42 letters", "bot-started-speaking"),
        ),
        actor(
            "Welcome kiosk",
            head=(640, 250),
            resume=Resume(ResumeOutcome.FRESH, FreshReason.POLICY),
            connected_at=NOW - 1,
        ),
        actor("Dr. Varga", S.ERROR, head=(820, 300), error=failure("session.resume_refused")),
        actor("Jonas the porter", S.CONNECTING, attempt=1, head=(560, 380)),
        voice=VoiceInputStatus(level=0.6, is_open=True, target="nurse-okoye"),
        faults=FaultState(True, True),
    )
