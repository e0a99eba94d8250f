"""The steps of an attempt to connect, in order, and what a failure in each of them leads to.

An attempt reads the record, opens a connection, takes the room's grant, joins the room and waits
for the character. A failure leads to a fallback within the attempt, to a retry, or to ERROR. The
functions are the handlers of the machine's table, which says when each of them is called; each
works on a `Transition`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from characters.protocol.failures import Failure, FailureKind, failure
from characters.session import events
from characters.session.conversation import (
    FreshReason,
    Resume,
    ResumeOutcome,
    RetryScheduled,
    SessionState,
    SessionStateChanged,
)
from characters.session.events import AttemptPhase, Session, Timer
from characters.session.policy import IdlePolicy, Persist, ResumePolicy

__all__ = [
    "arm_microphone", "attempt_over", "awaited", "begin", "budget_spent", "bye_failure",
    "call_agent", "clear",
    "drop_room", "end_conversation", "ended_in_attempt", "go_on", "granted", "joined", "leave_room",
    "loaded", "ready", "ready_too_late", "release", "retry", "retry_unanswered",
    "service_started", "start_budget", "start_idle", "start_too_late", "started",
    "stop_connection_timers", "store_failed", "stored", "stored_late", "Transition", "try_again",
]  # fmt: skip


class Transition:
    """The session that comes next, as it is being made, and the commands so far."""

    def __init__(self, session: Session, now: float) -> None:
        self.session = session
        self.now = now
        self.commands: list[events.Command] = []

    def set(self, **changes: Any) -> None:
        """Replace fields of the session."""
        before = vars(self.session)
        assert changes.keys() <= before.keys(), f"a session has none of {sorted(changes)}"
        # A dozen times a step: `replace` would read and write each field by itself.
        self.session = object.__new__(Session)
        vars(self.session).update(before, **changes)

    def order(self, command: events.Command) -> None:
        """Add a command."""
        self.commands.append(command)

    def start(self, timer: Timer, due: float) -> None:
        """Start or replace a timer."""
        others = tuple(pair for pair in self.session.timers if pair[0] is not timer)
        self.set(timers=(*others, (timer, due)))
        self.order(events.StartTimer(timer, due))

    def cancel(self, *timers: Timer) -> None:
        """Stop those of the timers that run."""
        for timer in timers:
            if self.session.due(timer) is not None:
                self.set(timers=tuple(pair for pair in self.session.timers if pair[0] != timer))
                self.order(events.CancelTimer(timer))

    def go(self, state: SessionState, reason: str, *, next_retry_in: float | None = None) -> None:
        """Change the state and publish it."""
        old = self.session
        self.set(state=state)
        changed = SessionStateChanged(
            t=self.now,
            character_id=old.character_id,
            session_key=old.session_key or old.character_id,
            old_state=old.state,
            new_state=state,
            session_id=old.session_id,
            error=old.error,
            attempt=old.attempt,
            max_attempts=old.policy.max_reconnect_attempts,
            next_retry_in=next_retry_in,
            resume=old.restored if state is SessionState.CONNECTED else None,
            reason=reason,
        )
        self.order(events.Publish(changed))


# --- from a request to CONNECTED --------------------------------------------------------------


def begin(step: Transition, reason: str) -> None:
    """Begin to connect, with no attempts spent and no error."""
    always_fresh = step.session.policy.resume_policy is ResumePolicy.ALWAYS_FRESH
    step.set(
        attempt=0,
        trouble_since=step.now,
        error=None,
        is_hibernating=False,
        wants_connect=False,
        is_loaded=always_fresh,
    )
    if always_fresh:
        # A new connect is a new conversation; only a drop within it may rejoin the room.
        step.set(session_id=None, room_name=None, live_id=None)
    step.go(SessionState.CONNECTING, reason)
    start_budget(step)
    go_on(step)


def go_on(step: Transition) -> None:
    """Read the record if that was not done yet, else open a connection."""
    session = step.session
    if session.is_loaded:
        _open_connection(step)
        return
    step.set(phase=AttemptPhase.LOADING, epoch=session.epoch + 1)
    step.order(events.LoadRecord(step.session.epoch))
    step.start(Timer.START, step.now + session.policy.start_wait_timeout_ms / 1000)


def loaded(step: Transition, event: events.RecordLoaded) -> None:
    """Take what the store holds, then open a connection."""
    step.cancel(Timer.START)
    record, session = event.record, step.session
    step.set(is_loaded=True, phase=AttemptPhase.NONE)
    if session.session_id is not None and session.storing is events.Storing.FAILED:
        # What is held could not be stored, so it is newer than what the store knows.
        _open_connection(step)
        return
    if record is None:
        step.set(session_id=None, room_name=None, live_id=None)
        _open_connection(step)
        return
    if record.endpoint_id and record.endpoint_id != session.endpoint_id:
        _belongs_elsewhere(step)
        return
    if record.room_name != session.room_name or session.room_left_at is None:
        step.set(room_left_at=step.now - max(0.0, event.room_age), live_id=None)
    step.set(session_id=record.session_id, room_name=record.room_name)
    _open_connection(step)


def _belongs_elsewhere(step: Transition) -> None:
    """Do not send this endpoint an id that another endpoint or credential gave."""
    step.set(session_id=None, room_name=None, live_id=None, fresh_reason=FreshReason.OTHER_ENDPOINT)
    if step.session.policy.resume_policy is ResumePolicy.ALWAYS_RESUME:
        _fail(step, failure("session.resume_refused", "It belongs to another endpoint"))
    else:
        _open_connection(step)


def _open_connection(step: Transition) -> None:
    """Open a connection as the policy says: rejoin the room, else resume, else begin afresh."""
    session = step.session
    policy = session.policy
    is_fresh = policy.resume_policy is ResumePolicy.ALWAYS_FRESH
    token = None if is_fresh else session.session_id
    left_at = step.now if session.room_left_at is None else session.room_left_at
    rejoins = session.room_name is not None and policy.may_rejoin(step.now - left_at)
    plan = events.OpenConnection(
        epoch=session.epoch + 1,
        mode=events.RoomMode.JOIN if rejoins else events.RoomMode.CREATE,
        character_session_id=token,
        room_name=session.room_name if rejoins else None,
        spawn_agent=not rejoins or policy.spawn_agent_on_rejoin or session.wants_agent,
        live_id=session.live_id,
        takeover=session.takeover,
    )
    step.set(epoch=plan.epoch, phase=AttemptPhase.OPENING, plan=plan, ready_at=None)
    step.order(plan)


def awaited(step: Transition, event: events.ServiceAwaited) -> None:
    """Stop the clock until the service listens, or is known not to come."""
    step.set(phase=AttemptPhase.AWAITING)
    step.cancel(Timer.BUDGET)


def started(step: Transition, event: events.ConnectionStarted) -> None:
    """Start the clock of the start phase: waiting for service and limiter does not count."""
    _end_wait(step)
    step.start(Timer.START, step.now + step.session.policy.start_wait_timeout_ms / 1000)


def _end_wait(step: Transition) -> None:
    """Let the time budget count from now, if the service was waited for."""
    if step.session.phase is AttemptPhase.AWAITING:
        step.set(phase=AttemptPhase.OPENING, trouble_since=step.now)
    if step.session.due(Timer.BUDGET) is None:
        start_budget(step)


def granted(step: Transition, event: events.RoomGranted) -> None:
    """Take the server's answer, compare ids, and have the record made durable."""
    session = step.session
    plan = session.plan
    assert plan is not None  # a phase of an attempt always has a plan
    expected = (
        session.session_id if plan.mode is events.RoomMode.JOIN else plan.character_session_id
    )
    is_same = expected is not None and event.character_session_id == expected
    if expected is not None and not is_same and _must_resume(session):
        _refused_for_good(step, "The server answered with another session")
        return
    restored = _restored_by_ids(session, plan, is_same)
    if is_same and not session.is_told and session.restored is not None:
        restored = _worse(restored, session.restored)
    ttl = session.policy.room_rejoin_ttl_seconds
    step.set(
        phase=AttemptPhase.GRANTED,
        storing=events.Storing.PENDING,
        restored=restored,
        is_told=False,
        session_id=event.character_session_id,
        room_name=event.room_name if ttl > 0 else None,
        room_left_at=None,
        live_id=event.live_id,
        takeover=False,
    )
    step.order(
        events.StoreRecord(session.epoch, event.character_session_id, step.session.room_name)
    )


def _must_resume(session: Session) -> bool:
    """Return whether anything but the stored conversation is an error."""
    return session.policy.resume_policy is ResumePolicy.ALWAYS_RESUME


def _restored_by_ids(session: Session, plan: events.OpenConnection, is_same: bool) -> Resume:
    if is_same:
        rejoined = plan.mode is events.RoomMode.JOIN
        return Resume(ResumeOutcome.REJOINED if rejoined else ResumeOutcome.RESUMED)
    if plan.character_session_id is not None:
        return Resume(ResumeOutcome.FRESH, FreshReason.REFUSED)
    if session.policy.resume_policy is ResumePolicy.ALWAYS_FRESH:
        return Resume(ResumeOutcome.FRESH, FreshReason.POLICY)
    return Resume(ResumeOutcome.FRESH, session.fresh_reason or FreshReason.NO_STORED_ID)


def _worse(one: Resume, other: Resume) -> Resume:
    order = tuple(ResumeOutcome)
    return other if order.index(other.outcome) > order.index(one.outcome) else one


def joined(step: Transition, event: events.RoomJoined) -> None:
    """Take what the room says was restored, then wait for the character if there is one."""
    restored, plan = step.session.restored, step.session.plan
    assert restored is not None and plan is not None  # set before and by the grant
    if event.outcome is not None:
        is_fresh = event.outcome is ResumeOutcome.FRESH
        said = Resume(event.outcome, FreshReason.REFUSED if is_fresh else None)
        restored = _worse(restored, said)
    if restored.reason is FreshReason.REFUSED and _must_resume(step.session):
        _refused_for_good(step, "The room began a new conversation")
        return
    step.cancel(Timer.START)
    restored = replace(restored, last_seen_seconds=event.last_seen_seconds)
    has_agent = event.has_agent or plan.spawn_agent
    step.set(phase=AttemptPhase.JOINED, restored=restored, has_agent=has_agent)
    step.set(retry_over=event.retry_over)
    step.start(Timer.READY, step.now + step.session.policy.character_ready_timeout_seconds)
    if not has_agent:
        step.set(ready_at=step.now)  # nobody else is waited for
        _connect_if_usable(step)


def stored(step: Transition, event: events.RecordStored) -> None:
    """Note that the record is durable."""
    step.set(storing=events.Storing.DONE)
    _connect_if_usable(step)


def stored_late(step: Transition, event: events.RecordStored) -> None:
    """Note that a slow store has answered after all, and clear the error."""
    step.set(storing=events.Storing.DONE, error=None)


def store_failed(step: Transition, event: events.RecordStoreFailed) -> None:
    """Go on without a durable record: only the next start of the game cannot resume."""
    step.set(storing=events.Storing.FAILED, error=event.failure)
    _connect_if_usable(step)


def ready(step: Transition, event: events.CharacterReady) -> None:
    """Note when the character became ready: the microphone's delay counts from here."""
    if step.session.ready_at is None:
        step.set(ready_at=step.now)
    _connect_if_usable(step)


def _connect_if_usable(step: Transition) -> None:
    """Go to CONNECTED once the character is ready and the record is stored, or was not."""
    session = step.session
    if session.ready_at is None or session.storing is events.Storing.PENDING:
        return
    step.cancel(Timer.READY, Timer.BUDGET)
    is_durable = session.storing is events.Storing.DONE
    step.set(
        phase=AttemptPhase.NONE,
        is_told=True,
        fresh_reason=None,
        connected_at=step.now,
        error=None if is_durable else session.error,
        wants_agent=session.wants_agent and not session.has_agent,
    )
    step.go(SessionState.CONNECTED, "character ready" if session.has_agent else "without character")
    step.start(Timer.STABLE, step.now + session.policy.stable_after_seconds)
    if session.has_agent:
        arm_microphone(step)
    start_idle(step)
    if step.session.wants_agent:
        call_agent(step)


def call_agent(step: Transition) -> None:
    """Rejoin the room with its character: an agent is called by a request to connect."""
    release(step)
    step.set(attempt=1, trouble_since=step.now, wants_agent=True)
    step.go(SessionState.RECONNECTING, "character called")
    start_budget(step)
    go_on(step)


# --- what a failed attempt leads to -----------------------------------------------------------


def attempt_over(
    step: Transition, event: events.AttemptFailed | events.ConnectionLost | events.RecordLoadFailed
) -> None:
    """Fail the attempt for the reason that the shell gives.

    Without its record too: to go on would overwrite an id that could not be read.
    """
    if step.session.phase is AttemptPhase.AWAITING:
        _end_wait(step)
    _attempt_failed(step, event.failure, event.chance)


def ended_in_attempt(step: Transition, event: events.ServerEnded) -> None:
    """Fail the attempt because the server said bye in the middle of it."""
    _attempt_failed(step, bye_failure(event), event.chance)


def start_too_late(step: Transition, event: events.TimerFired) -> None:
    """Fail the attempt: the start phase took longer than `start_wait_timeout_ms`."""
    is_loading = step.session.phase is AttemptPhase.LOADING
    code = "persistence.slow" if is_loading else "connection.timeout"
    _attempt_failed(step, failure(code), event.chance)


def ready_too_late(step: Transition, event: events.TimerFired) -> None:
    """Fail the attempt for want of a ready signal, or go on without a slow store."""
    if step.session.ready_at is None:
        _attempt_failed(step, failure("character.ready_timeout"), event.chance)
    else:
        step.set(storing=events.Storing.FAILED, error=failure("persistence.slow"))
        _connect_if_usable(step)


def _attempt_failed(step: Transition, why: Failure, chance: float) -> None:
    """Fall back within the attempt, retry, or give up, by the class of the failure."""
    session = step.session
    plan = session.plan if session.is_holding else None
    if why.kind is FailureKind.ROOM_GONE and plan and plan.mode is events.RoomMode.JOIN:
        release(step)
        step.set(room_name=None)
        go_on(step)
    elif why.kind is FailureKind.RESUME_REFUSED and plan and plan.character_session_id:
        _resume_refused(step, why)
    else:
        release(step)
        step.set(error=why)
        retry(step, why, chance, session.state)


def _resume_refused(step: Transition, why: Failure) -> None:
    if _must_resume(step.session):
        _refused_for_good(step, why.message)
        return
    is_gone = why.code in ("session.not_found", "session.expired")
    reason = FreshReason.EXPIRED if is_gone else FreshReason.REFUSED
    if is_gone:
        clear(step, reason)
    release(step)
    step.set(session_id=None, room_name=None, live_id=None, fresh_reason=reason)
    go_on(step)


def _refused_for_good(step: Transition, detail: str) -> None:
    """Fail under ALWAYS_RESUME: the id stays, so that every later connect asks for it again."""
    session = step.session
    assert session.session_id is not None  # what was refused
    step.set(room_name=None, room_left_at=None, live_id=None)
    step.order(events.StoreRecord(session.epoch, session.session_id, None, is_refused=True))
    _fail(step, failure("session.resume_refused", detail))


def retry(step: Transition, why: Failure, chance: float, state: SessionState) -> None:
    """Plan the next attempt, or give up when attempts or time are spent."""
    session = step.session
    attempt = session.attempt + 1
    delay = _delay(session, attempt, why, chance)
    spent = _why_not(step, why, attempt, delay)
    if spent:
        if state is not session.state:
            step.go(state, why.code)
        _fail(step, why, spent)
        return
    step.set(attempt=attempt, phase=AttemptPhase.WAITING)
    if state is not session.state:
        step.go(state, why.code, next_retry_in=delay)
    else:
        step.order(events.Publish(_retry_scheduled(step, why, delay)))
    if delay > 0:
        step.start(Timer.RETRY, step.now + delay)
    else:
        go_on(step)


def _delay(session: Session, attempt: int, why: Failure, chance: float) -> float:
    policy = session.policy
    if why.kind is FailureKind.ADVISED and why.retry_after is not None:
        # Never before the advised moment, and spread after it: all clients were given the same one.
        return why.retry_after + chance * policy.backoff_base_seconds
    if attempt <= 1:
        return policy.delay(attempt, chance) + chance * session.retry_over
    return policy.delay(attempt, chance)


def _why_not(step: Transition, why: Failure, attempt: int, delay: float) -> str:
    session, policy = step.session, step.session.policy
    if why.kind in (FailureKind.TERMINAL, FailureKind.RESUME_REFUSED):
        return why.code
    if not policy.allows_attempt(attempt):
        return _all_spent(policy.max_reconnect_attempts or 0)
    budget = policy.reconnect_budget_seconds
    since = step.now if session.trouble_since is None else session.trouble_since
    if budget is not None and step.now + delay > since + budget:
        return f"the time budget of {budget:g} s is spent"
    return ""


def _all_spent(most: int) -> str:
    words = {0: "no attempts are allowed", 1: "the only attempt is spent"}
    return words.get(most, f"all {most} attempts are spent")


def _retry_scheduled(step: Transition, why: Failure, delay: float) -> RetryScheduled:
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


def service_started(step: Transition, event: events.ServiceStarted) -> None:
    """Count attempts and time anew, and end a back-off: the service that was missed is there."""
    session = step.session
    first = 1 if session.state is SessionState.RECONNECTING else 0
    step.set(attempt=first, trouble_since=step.now)
    start_budget(step)
    if session.phase is AttemptPhase.WAITING:
        step.cancel(Timer.RETRY)
        go_on(step)


def retry_unanswered(step: Transition, event: events.ServiceStarted) -> None:
    """Connect again if the session is in ERROR because nobody answered."""
    why = step.session.error
    may_help = why is not None and why.kind in (FailureKind.ADVISED, FailureKind.TRANSIENT)
    if why is not None and may_help and why.stage in ("connect", "join", "ready", "live"):
        begin(step, "service started")


def try_again(step: Transition, event: events.TimerFired) -> None:
    """Make the attempt that waited for the back-off."""
    go_on(step)


def budget_spent(step: Transition, event: events.TimerFired) -> None:
    """Give up: the time for getting connected is over."""
    budget = step.session.policy.reconnect_budget_seconds
    why = step.session.error or failure("connection.timeout")
    _fail(step, why, f"the time budget of {budget:g} s is spent")


BYE_CODES: Mapping[str, str] = MappingProxyType(
    {
        "drain": "server.draining",
        "overflow": "transport.overflow",
        "idle-timeout": "session.idle_timeout",
        "taken-over": "session.taken_over",
        "quota": "connection.quota_exceeded",
    }
)


def bye_failure(event: events.ServerEnded) -> Failure:
    """Return what a bye of the server means as a failure."""
    return failure(BYE_CODES.get(event.reason, "session.ended"), retry_after=event.retry_after)


# --- what a session holds, and lets go of ----------------------------------------------------


def clear(step: Transition, why: FreshReason | None = None) -> None:
    """Forget the stored conversation; the next fresh one gives `why` as its reason."""
    step.set(session_id=None, room_name=None, room_left_at=None, live_id=None, fresh_reason=why)
    step.order(events.ClearRecord())


def end_conversation(step: Transition) -> None:
    """End the conversation on purpose, or as the server did: `persist` says if the id stays."""
    if step.session.persist is Persist.UNTIL_DISCONNECT:
        clear(step)
    else:
        leave_room(step)


def leave_room(step: Transition) -> None:
    """Leave the room for good and keep the id: the next connect resumes in a new room."""
    session = step.session
    if session.session_id is not None and session.room_name is not None:
        step.order(events.StoreRecord(session.epoch, session.session_id, None))
    step.set(room_name=None, room_left_at=None, live_id=None)


def drop_room(step: Transition) -> None:
    """Note, also on disk, when the room was left: it may be rejoined for a while."""
    session = step.session
    if session.room_name is None or session.room_left_at is not None:
        return
    assert session.session_id is not None  # a room is only known with its session
    step.set(room_left_at=step.now)
    step.order(events.StoreRecord(session.epoch, session.session_id, session.room_name, True))


def release(step: Transition) -> None:
    """Abort the connection, however far it is, and stop everything that belongs to it."""
    session = step.session
    if session.is_holding or session.state is SessionState.CONNECTED:
        step.order(events.AbortConnection(session.epoch))
    stop_connection_timers(step)
    drop_room(step)
    step.set(epoch=session.epoch + 1, phase=AttemptPhase.NONE, plan=None, ready_at=None)


def stop_connection_timers(step: Transition) -> None:
    """Stop what belongs to one connection; the microphone closes with it."""
    step.cancel(Timer.START, Timer.READY, Timer.MICROPHONE, Timer.STABLE, Timer.IDLE)
    if step.session.microphone_opened_at is not None:
        step.set(microphone_opened_at=None)
        step.order(events.CloseMicrophone())
    step.set(connected_at=None, has_agent=True)


def start_budget(step: Transition) -> None:
    """Start, move or stop the timer of the time budget as the policy says."""
    session = step.session
    budget = session.policy.reconnect_budget_seconds
    if budget is None or session.trouble_since is None or session.phase is AttemptPhase.AWAITING:
        step.cancel(Timer.BUDGET)
    else:
        step.start(Timer.BUDGET, session.trouble_since + budget)


def start_idle(step: Transition) -> None:
    """Start, move or stop the timer of hibernation as the policy says."""
    policy = step.session.policy
    if policy.idle is IdlePolicy.HIBERNATE:
        step.start(Timer.IDLE, step.now + policy.hibernate_after_seconds)
    else:
        step.cancel(Timer.IDLE)


def arm_microphone(step: Transition) -> None:
    """Let the microphone open at ready + delay, or now if that has passed."""
    session = step.session
    assert session.ready_at is not None  # only called while CONNECTED
    due = session.ready_at + session.policy.auto_mic_start_delay_seconds
    step.start(Timer.MICROPHONE, max(due, step.now))


def _fail(step: Transition, why: Failure, reason: str = "") -> None:
    """Give up: go to ERROR without a connection; the id stays as it is."""
    release(step)
    step.cancel(Timer.RETRY, Timer.BUDGET)
    step.set(error=why, phase=AttemptPhase.NONE)
    step.go(SessionState.ERROR, reason or why.code)
