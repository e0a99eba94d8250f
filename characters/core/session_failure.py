"""What a failed attempt leads to: a fallback within the attempt, a retry, or ERROR."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from characters.core.failure import Failure, FailureKind, failure
from characters.core.policy import ReconnectPolicy
from characters.core.session_attempt import connect_if_usable, go_on, must_resume
from characters.core.session_events import (
    AttemptFailed,
    ConnectionLost,
    ConnectMode,
    Publish,
    RecordLoadFailed,
    ServerEnded,
    Timer,
    TimerFired,
)
from characters.core.session_keep import clear, fail, release
from characters.core.session_value import Phase, Step, Storing
from characters.core.state import FreshReason, RetryScheduled, SessionState

__all__ = [
    "load_failed",
    "attempt_over",
    "ended_in_attempt",
    "start_too_late",
    "ready_too_late",
    "attempt_failed",
    "retry",
    "try_again",
    "budget_spent",
    "BYE_CODES",
    "bye_failure",
]


def load_failed(step: Step, event: RecordLoadFailed) -> None:
    """Fail the attempt: going on would overwrite an id that could not be read."""
    attempt_failed(step, event.failure, event.chance)


def attempt_over(step: Step, event: AttemptFailed | ConnectionLost) -> None:
    """Fail the attempt for the reason that the shell gives."""
    attempt_failed(step, event.failure, event.chance)


def ended_in_attempt(step: Step, event: ServerEnded) -> None:
    """Fail the attempt because the server said bye in the middle of it."""
    attempt_failed(step, bye_failure(event), event.chance)


def start_too_late(step: Step, event: TimerFired) -> None:
    """Fail the attempt: the start phase took longer than `start_wait_timeout_ms`."""
    is_loading = step.session.phase is Phase.LOADING
    code = "persistence.slow" if is_loading else "connection.timeout"
    attempt_failed(step, failure(code), event.chance)


def ready_too_late(step: Step, event: TimerFired) -> None:
    """Fail the attempt for want of a ready signal, or go on without a slow store."""
    if step.session.ready_at is None:
        attempt_failed(step, failure("character.ready_timeout"), event.chance)
    else:
        step.set(storing=Storing.FAILED, error=failure("persistence.slow"))
        connect_if_usable(step)


def attempt_failed(step: Step, why: Failure, chance: float) -> None:
    """Fall back within the attempt, retry, or give up, by the class of the failure."""
    session = step.session
    plan = session.plan if session.is_holding else None
    if why.kind is FailureKind.ROOM_GONE and plan and plan.mode is ConnectMode.JOIN:
        release(step)
        step.set(room_name=None)
        go_on(step)
    elif why.kind is FailureKind.RESUME_REFUSED and plan and plan.character_session_id:
        _resume_refused(step, why)
    else:
        release(step)
        step.set(error=why)
        retry(step, why, chance, session.state)


def _resume_refused(step: Step, why: Failure) -> None:
    is_gone = why.code in ("session.not_found", "session.expired")
    reason = FreshReason.EXPIRED if is_gone else FreshReason.REFUSED
    has_to_resume = must_resume(step.session)
    if is_gone:
        clear(step, reason)
    if has_to_resume:
        fail(step, failure("session.resume_refused", why.message))
        return
    release(step)
    step.set(session_id=None, room_name=None, live_id=None, fresh_reason=reason)
    go_on(step)


def retry(step: Step, why: Failure, chance: float, state: SessionState) -> None:
    """Plan the next attempt, or give up when attempts or time are spent."""
    session, policy = step.session, step.session.policy
    attempt = session.attempt + 1
    delay = _delay(policy, attempt, why, chance)
    spent = _why_not(step, why, attempt, delay)
    if spent:
        if state is not session.state:
            step.go(state, why.code)
        fail(step, why, spent)
        return
    step.set(attempt=attempt, phase=Phase.WAITING)
    if state is not session.state:
        step.go(state, why.code, next_retry_in=delay)
    else:
        step.order(Publish(_retry_scheduled(step, why, delay)))
    if delay > 0:
        step.start(Timer.RETRY, step.now + delay)
    else:
        go_on(step)


def _delay(policy: ReconnectPolicy, attempt: int, why: Failure, chance: float) -> float:
    if why.kind is FailureKind.ADVISED and why.retry_after is not None:
        # Never before the advised moment, and spread after it: everybody was told the same one.
        return why.retry_after + chance * policy.backoff_base_seconds
    return policy.delay(attempt, chance)


def _why_not(step: Step, why: Failure, attempt: int, delay: float) -> str:
    session, policy = step.session, step.session.policy
    if why.kind in (FailureKind.TERMINAL, FailureKind.RESUME_REFUSED):
        return why.code
    if not policy.allows_attempt(attempt):
        return f"all {policy.max_reconnect_attempts} attempts are spent"
    budget = policy.reconnect_budget_seconds
    since = step.now if session.trouble_since is None else session.trouble_since
    if budget is not None and step.now + delay > since + budget:
        return f"the time budget of {budget:g} s is spent"
    return ""


def _retry_scheduled(step: Step, why: Failure, delay: float) -> RetryScheduled:
    session = step.session
    return RetryScheduled(
        t=step.now,
        character_id=session.character_id,
        session_key=session.session_key or session.character_id,
        state=session.state,
        attempt=session.attempt,
        max_attempts=session.policy.max_reconnect_attempts,
        next_retry_in=delay,
        error=why,
    )


def try_again(step: Step, event: TimerFired) -> None:
    """Make the attempt that the back-off put off."""
    go_on(step)


def budget_spent(step: Step, event: TimerFired) -> None:
    """Give up: the time for getting connected is over."""
    budget = step.session.policy.reconnect_budget_seconds
    why = step.session.error or failure("connection.timeout")
    fail(step, why, f"the time budget of {budget:g} s is spent")


BYE_CODES: Mapping[str, str] = MappingProxyType(
    {
        "drain": "server.draining",
        "overflow": "transport.overflow",
        "idle-timeout": "session.idle_timeout",
        "taken-over": "session.taken_over",
        "quota": "connection.quota_exceeded",
    }
)


def bye_failure(event: ServerEnded) -> Failure:
    """Return what a bye of the server means as a failure."""
    return failure(BYE_CODES.get(event.reason, "session.ended"), retry_after=event.retry_after)
