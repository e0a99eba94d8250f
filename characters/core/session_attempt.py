"""How a connection comes about: record, plan, grant, room, ready, connected."""

from __future__ import annotations

from dataclasses import replace

from characters.core.failure import failure
from characters.core.policy import ResumePolicy
from characters.core.session_events import (
    CharacterReady,
    ConnectionStarted,
    ConnectMode,
    LoadRecord,
    OpenConnection,
    RecordLoaded,
    RecordStored,
    RecordStoreFailed,
    RoomGranted,
    RoomJoined,
    StoreRecord,
    Timer,
)
from characters.core.session_keep import arm_microphone, fail, start_budget, start_idle
from characters.core.session_value import Phase, Session, Step, Storing
from characters.core.state import FreshReason, Resume, ResumeOutcome, SessionState

__all__ = [
    "begin",
    "go_on",
    "loaded",
    "open_connection",
    "started",
    "granted",
    "must_resume",
    "joined",
    "stored",
    "stored_late",
    "store_failed",
    "ready",
    "connect_if_usable",
]


def begin(step: Step, reason: str) -> None:
    """Start afresh on the way to CONNECTED: no attempts spent, no error."""
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


def go_on(step: Step) -> None:
    """Go on with the attempt: read the record if that was not done, then open a connection."""
    session = step.session
    if session.is_loaded:
        open_connection(step)
        return
    step.set(phase=Phase.LOADING, epoch=session.epoch + 1)
    step.order(LoadRecord(step.session.epoch))
    step.start(Timer.START, step.now + session.policy.start_wait_timeout_ms / 1000)


def loaded(step: Step, event: RecordLoaded) -> None:
    """Take what the store knows, then open."""
    step.cancel(Timer.START)
    record, session = event.record, step.session
    step.set(is_loaded=True, phase=Phase.NONE)
    if session.session_id is not None and session.storing is Storing.FAILED:
        # What is held could not be stored, so it is newer than what the store knows.
        open_connection(step)
        return
    if record is None:
        step.set(session_id=None, room_name=None, live_id=None)
        open_connection(step)
        return
    if record.endpoint_id and record.endpoint_id != session.endpoint_id:
        _belongs_elsewhere(step)
        return
    if record.room_name != session.room_name or session.room_left_at is None:
        step.set(room_left_at=step.now - max(0.0, event.room_age), live_id=None)
    step.set(session_id=record.session_id, room_name=record.room_name)
    open_connection(step)


def _belongs_elsewhere(step: Step) -> None:
    """The stored id is of another endpoint or credential: it is never sent to this one."""
    step.set(session_id=None, room_name=None, live_id=None, fresh_reason=FreshReason.OTHER_ENDPOINT)
    if step.session.policy.resume_policy is ResumePolicy.ALWAYS_RESUME:
        fail(step, failure("session.resume_refused", "It belongs to another endpoint"))
    else:
        open_connection(step)


def open_connection(step: Step) -> None:
    """Open a connection as the policy says: rejoin the room, else resume, else begin afresh."""
    session = step.session
    policy = session.policy
    is_fresh = policy.resume_policy is ResumePolicy.ALWAYS_FRESH
    token = None if is_fresh else session.session_id
    left_at = step.now if session.room_left_at is None else session.room_left_at
    rejoins = session.room_name is not None and policy.may_rejoin(step.now - left_at)
    plan = OpenConnection(
        epoch=session.epoch + 1,
        mode=ConnectMode.JOIN if rejoins else ConnectMode.CREATE,
        character_session_id=token,
        room_name=session.room_name if rejoins else None,
        spawn_agent=policy.spawn_agent_on_rejoin if rejoins else True,
        live_id=session.live_id,
        takeover=session.takeover,
    )
    step.set(
        epoch=plan.epoch,
        phase=Phase.OPENING,
        plan=plan,
        ready_at=None,
    )
    step.order(plan)


def started(step: Step, event: ConnectionStarted) -> None:
    """Start the clock of the start phase: waiting for the limiter does not count."""
    step.start(Timer.START, step.now + step.session.policy.start_wait_timeout_ms / 1000)


def granted(step: Step, event: RoomGranted) -> None:
    """Take the server's answer, compare ids, and have the record made durable."""
    session = step.session
    plan = session.plan
    assert plan is not None  # a phase of an attempt always has a plan
    expected = session.session_id if plan.mode is ConnectMode.JOIN else plan.character_session_id
    is_same = expected is not None and event.character_session_id == expected
    if expected is not None and not is_same and must_resume(session):
        fail(step, failure("session.resume_refused", "The server answered with another session"))
        return
    restored = _restored_by_ids(session, plan, is_same)
    if is_same and not session.is_told and session.restored is not None:
        restored = _worse(restored, session.restored)
    ttl = session.policy.room_rejoin_ttl_seconds
    step.set(
        phase=Phase.GRANTED,
        storing=Storing.PENDING,
        restored=restored,
        is_told=False,
        session_id=event.character_session_id,
        room_name=event.room_name if ttl > 0 else None,
        room_left_at=None,
        live_id=event.live_id,
        takeover=False,
    )
    step.order(StoreRecord(session.epoch, event.character_session_id, step.session.room_name))


def must_resume(session: Session) -> bool:
    """Return whether anything but the stored conversation is an error."""
    return session.policy.resume_policy is ResumePolicy.ALWAYS_RESUME


def _restored_by_ids(session: Session, plan: OpenConnection, is_same: bool) -> Resume:
    if is_same:
        rejoined = plan.mode is ConnectMode.JOIN
        return Resume(ResumeOutcome.REJOINED if rejoined else ResumeOutcome.RESUMED)
    if plan.character_session_id is not None:
        return Resume(ResumeOutcome.FRESH, FreshReason.REFUSED)
    if session.policy.resume_policy is ResumePolicy.ALWAYS_FRESH:
        return Resume(ResumeOutcome.FRESH, FreshReason.POLICY)
    return Resume(ResumeOutcome.FRESH, session.fresh_reason or FreshReason.NO_STORED_ID)


def _worse(one: Resume, other: Resume) -> Resume:
    order = tuple(ResumeOutcome)
    return other if order.index(other.outcome) > order.index(one.outcome) else one


def joined(step: Step, event: RoomJoined) -> None:
    """Take the room's own word on what was restored, then wait for the character."""
    restored = step.session.restored
    assert restored is not None  # set by the grant
    if event.outcome is not None:
        is_fresh = event.outcome is ResumeOutcome.FRESH
        said = Resume(event.outcome, FreshReason.REFUSED if is_fresh else None)
        restored = _worse(restored, said)
    if restored.reason is FreshReason.REFUSED and must_resume(step.session):
        fail(step, failure("session.resume_refused", "The room began a new conversation"))
        return
    step.cancel(Timer.START)
    restored = replace(restored, last_seen_seconds=event.last_seen_seconds)
    step.set(phase=Phase.JOINED, restored=restored)
    step.start(Timer.READY, step.now + step.session.policy.character_ready_timeout_seconds)


def stored(step: Step, event: RecordStored) -> None:
    """Note that the record is durable."""
    step.set(storing=Storing.DONE)
    connect_if_usable(step)


def stored_late(step: Step, event: RecordStored) -> None:
    """A slow store has come round: nothing is wrong any more."""
    step.set(storing=Storing.DONE, error=None)


def store_failed(step: Step, event: RecordStoreFailed) -> None:
    """A store that fails costs the memory of the next start, said aloud, not the talk of now."""
    step.set(storing=Storing.FAILED, error=event.failure)
    connect_if_usable(step)


def ready(step: Step, event: CharacterReady) -> None:
    """Note when the character became ready: the microphone's delay counts from here."""
    if step.session.ready_at is None:
        step.set(ready_at=step.now)
    connect_if_usable(step)


def connect_if_usable(step: Step) -> None:
    """Come into CONNECTED once the character is ready and the record is settled."""
    session = step.session
    if session.ready_at is None or session.storing is Storing.PENDING:
        return
    step.cancel(Timer.READY, Timer.BUDGET)
    is_durable = session.storing is Storing.DONE
    step.set(
        phase=Phase.NONE,
        is_told=True,
        fresh_reason=None,
        connected_at=step.now,
        error=None if is_durable else session.error,
    )
    step.go(SessionState.CONNECTED, "character ready")
    step.start(Timer.STABLE, step.now + session.policy.stable_after_seconds)
    arm_microphone(step)
    start_idle(step)
