from __future__ import annotations

import pytest

from characters.core.failure import failure
from characters.core.state import (
    FreshReason,
    Resume,
    ResumeOutcome,
    SessionState,
    SessionStateChanged,
    SessionView,
    shorten_id,
)
from characters.core.turn import DialogueState


def change(old: SessionState, new: SessionState) -> SessionStateChanged:
    return SessionStateChanged(1.0, "nurse", "nurse", old, new)


def view(resume: Resume | None) -> SessionView:
    return SessionView("nurse", "nurse", DialogueState.IDLE, resume=resume)


def test_the_states_have_the_values_of_the_original() -> None:
    names = ["DISCONNECTED", "CONNECTING", "CONNECTED", "RECONNECTING", "DISCONNECTING", "ERROR"]
    assert [(state.name, state.value) for state in SessionState] == list(
        zip(names, range(6), strict=True)
    )


def test_a_first_connection_is_established_but_no_reconnection() -> None:
    first = change(SessionState.CONNECTING, SessionState.CONNECTED)
    assert first.is_connection_established
    assert not first.is_reconnection_successful


def test_a_reconnection_is_both() -> None:
    again = change(SessionState.RECONNECTING, SessionState.CONNECTED)
    assert again.is_connection_established
    assert again.is_reconnection_successful


@pytest.mark.parametrize(
    ("state", "name"),
    [
        (SessionState.ERROR, "is_error"),
        (SessionState.RECONNECTING, "is_reconnecting"),
        (SessionState.DISCONNECTED, "is_disconnected"),
    ],
)
def test_a_state_answers_to_its_own_question_only(state: SessionState, name: str) -> None:
    changed = change(SessionState.CONNECTED, state)
    questions = ("is_error", "is_reconnecting", "is_disconnected", "is_connection_established")
    assert [asked for asked in questions if getattr(changed, asked)] == [name]


def test_the_error_code_is_that_of_the_error() -> None:
    why = failure("connection.refused")
    changed = SessionStateChanged(
        1.0, "n", "n", SessionState.CONNECTING, SessionState.ERROR, error=why
    )
    assert changed.error_code == "connection.refused"
    assert change(SessionState.CONNECTING, SessionState.CONNECTED).error_code is None


def test_a_session_is_resumed_when_it_was_rejoined_or_resumed() -> None:
    assert view(Resume(ResumeOutcome.REJOINED)).is_resumed_session
    assert view(Resume(ResumeOutcome.RESUMED)).is_resumed_session
    assert not view(Resume(ResumeOutcome.FRESH, FreshReason.POLICY)).is_resumed_session
    assert not view(None).is_resumed_session


def test_an_id_is_shown_by_its_first_four_characters() -> None:
    assert shorten_id("abcdefgh") == "abcd…"
    assert shorten_id(None) == "none"
