"""What a session holds on to and lets go of: its record, its connection, their timers."""

from __future__ import annotations

from characters.core.failure import Failure
from characters.core.policy import IdlePolicy, Persist
from characters.core.session_events import (
    AbortConnection,
    ClearRecord,
    CloseMicrophone,
    StoreRecord,
    Timer,
)
from characters.core.session_value import Phase, Step
from characters.core.state import FreshReason, SessionState

__all__ = [
    "clear",
    "end_conversation",
    "leave_room",
    "drop_room",
    "release",
    "stop_connection_timers",
    "start_budget",
    "start_idle",
    "arm_microphone",
    "fail",
]


def clear(step: Step, why: FreshReason | None = None) -> None:
    """Forget the stored conversation; `why` is told with the next fresh one."""
    step.set(session_id=None, room_name=None, room_left_at=None, live_id=None, fresh_reason=why)
    step.order(ClearRecord())


def end_conversation(step: Step) -> None:
    """A deliberate end, or the server's time-out: `persist` says whether the id stays."""
    if step.session.persist is Persist.UNTIL_DISCONNECT:
        clear(step)
    else:
        leave_room(step)


def leave_room(step: Step) -> None:
    """Leave the room for good, so that the next connect resumes in a new one; keep the id."""
    session = step.session
    if session.session_id is not None and session.room_name is not None:
        step.order(StoreRecord(session.epoch, session.session_id, None))
    step.set(room_name=None, room_left_at=None, live_id=None)


def drop_room(step: Step) -> None:
    """Note, also on disk, since when the room is without us: it may be rejoined for a while."""
    session = step.session
    if session.room_name is None or session.room_left_at is not None:
        return
    assert session.session_id is not None  # a room is only known with its session
    step.set(room_left_at=step.now)
    step.order(StoreRecord(session.epoch, session.session_id, session.room_name, True))


def release(step: Step) -> None:
    """Let go of the connection, whatever there is of it, and of everything that hangs on it."""
    session = step.session
    if session.is_holding or session.state is SessionState.CONNECTED:
        step.order(AbortConnection(session.epoch))
    stop_connection_timers(step)
    drop_room(step)
    step.set(epoch=session.epoch + 1, phase=Phase.NONE, plan=None, ready_at=None)


def stop_connection_timers(step: Step) -> None:
    """Stop what belongs to one connection; the microphone closes with it."""
    step.cancel(Timer.START, Timer.READY, Timer.MICROPHONE, Timer.STABLE, Timer.IDLE)
    if step.session.microphone_opened_at is not None:
        step.set(microphone_opened_at=None)
        step.order(CloseMicrophone())
    step.set(connected_at=None)


def start_budget(step: Step) -> None:
    """Start, move or stop the timer of the time budget as the policy says."""
    session = step.session
    budget = session.policy.reconnect_budget_seconds
    if budget is None or session.trouble_since is None:
        step.cancel(Timer.BUDGET)
    else:
        step.start(Timer.BUDGET, session.trouble_since + budget)


def start_idle(step: Step) -> None:
    """Start, move or stop the timer of hibernation as the policy says."""
    policy = step.session.policy
    if policy.idle is IdlePolicy.HIBERNATE:
        step.start(Timer.IDLE, step.now + policy.hibernate_after_seconds)
    else:
        step.cancel(Timer.IDLE)


def arm_microphone(step: Step) -> None:
    """Let the microphone open at ready + delay, or now if that has passed."""
    session = step.session
    assert session.ready_at is not None  # only called while CONNECTED
    due = session.ready_at + session.policy.auto_mic_start_delay_seconds
    step.start(Timer.MICROPHONE, max(due, step.now))


def fail(step: Step, why: Failure, reason: str = "") -> None:
    """Give up: ERROR, with everything let go and the id as it is."""
    release(step)
    step.cancel(Timer.RETRY, Timer.BUDGET)
    step.set(error=why, phase=Phase.NONE)
    step.go(SessionState.ERROR, reason or why.code)
