"""The session machine: what one character's session does when something happens to it.

Theory of operation
-------------------
`advance(session, event, now)` returns the session after the event and the commands that
the shell must perform, in order. Nothing here waits, reads a clock or draws a chance.

* One table, `TABLE`, maps (state, event type) to a handler; a timer that ran out is looked
  up by its name. What the table does not list raises `IllegalEvent` and changes nothing.
* A connection is told from the next by its *epoch*. Letting go of a connection raises the
  epoch, so whatever the old one still reports is older and is ignored. At most one
  connection is held: a new one is opened only after the old one was let go.
* Within CONNECTING and RECONNECTING the `AttemptPhase` says how far the attempt in flight is; an
  event out of its phase is illegal too. Going from phase to phase::

      LOADING -> OPENING -> GRANTED -> JOINED -> (CONNECTED)
         ^          ^  <-> AWAITING    our own service is being started
         +- WAITING-+      back-off, nothing in flight

* CONNECTED needs both: the character is ready, and the record is durable (stored from the
  moment of the grant, so that a connection lost before it was ready can be resumed).
* A timer is known by its name and the moment it is due; one that was cancelled or
  replaced and fires all the same is ignored.
* What a connection restored is the worst of three answers: the ids, the room's welcome, and
  what an earlier attempt restored that did not come to CONNECTED.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from characters.protocol.failures import CharactersError, Failure
from characters.session import attempts, events
from characters.session.attempts import Transition
from characters.session.conversation import SessionState
from characters.session.events import (
    HOLDING_PHASES,
    AttemptPhase,
    Event,
    Session,
    Timer,
)

__all__ = ["advance", "CLOSE_TIMEOUT_SECONDS", "IllegalEvent", "TABLE"]


# Long enough for a bye and its answer across an ocean, short enough for a player who quits.
CLOSE_TIMEOUT_SECONDS = 1.0
NEW_SETTINGS = "new settings"
SUSPENDED = "suspended"


class IllegalEvent(CharactersError):  # noqa: N818 - "illegal" says that it is an error
    """An event came that the state does not list; nothing was changed."""


Handler: TypeAlias = Callable[[Transition, Any], None]


def advance(
    session: Session, event: Event, now: float
) -> tuple[Session, tuple[events.Command, ...]]:
    """Return the session after ``event`` and the commands to perform, in order.

    Raises IllegalEvent when the state does not list the event; the session is as it was.
    """
    if isinstance(event, events.ConnectionEvent) and event.epoch < session.epoch:
        return session, ()
    step = Transition(session, now)
    if isinstance(event, events.TimerFired):
        if (event.timer, event.due) not in session.timers:
            return session, ()
        step.set(timers=tuple(pair for pair in session.timers if pair[0] != event.timer))
    handler = _find_handler(session, event)
    handler(step, event)
    return step.session, tuple(step.commands)


def _find_handler(session: Session, event: Event) -> Handler:
    key = event.timer if isinstance(event, events.TimerFired) else type(event)
    handler = TABLE.get((session.state, key))
    phases = PHASES.get(key)
    is_trying = session.state in (SessionState.CONNECTING, SessionState.RECONNECTING)
    newer = isinstance(event, events.ConnectionEvent) and event.epoch > session.epoch
    if handler is None or newer or (is_trying and phases and session.phase not in phases):
        name = key.value if isinstance(key, Timer) else key.__name__
        raise IllegalEvent(
            f"{name} is not possible in {session.state.name} ({session.phase.value}), "
            f"epoch {session.epoch}"
        )
    return handler


def _nothing(step: Transition, event: Event) -> None:
    """Accept an event that changes nothing in this state."""


def _connect(step: Transition, event: events.ConnectRequested) -> None:
    step.set(takeover=event.takeover)
    attempts.begin(step, "connect requested")


def _connect_after_close(step: Transition, event: events.ConnectRequested) -> None:
    step.set(wants_connect=True, takeover=event.takeover)


def _disconnect(step: Transition, event: events.DisconnectRequested) -> None:
    step.set(error=None)
    _end_conversation_as(step, event)
    _end(step, SUSPENDED if event.keeps_id else "disconnect requested")


def _disconnect_at_rest(step: Transition, event: events.DisconnectRequested) -> None:
    """Disconnect without a connection: only the record may have to be cleared."""
    step.set(is_hibernating=False, error=None)
    _end_conversation_as(step, event)
    step.set(epoch=step.session.epoch + 1)
    if step.session.state is SessionState.ERROR:
        step.go(SessionState.DISCONNECTED, "disconnect requested")


def _disconnect_again(step: Transition, event: events.DisconnectRequested) -> None:
    session = step.session
    was_to_go_on = session.is_hibernating or session.reason in (NEW_SETTINGS, SUSPENDED)
    step.set(wants_connect=False, is_hibernating=False)
    if was_to_go_on:
        _end_conversation_as(step, event)


def _end_conversation_as(step: Transition, event: events.DisconnectRequested) -> None:
    if event.keeps_id:
        attempts.leave_room(step)
    else:
        attempts.end_conversation(step)


def _forget(step: Transition, event: events.ForgetRequested) -> None:
    attempts.clear(step)


def _forget_and_start_over(step: Transition, event: events.ForgetRequested) -> None:
    """Forget the id, and begin an attempt in flight again, which may carry it."""
    is_in_flight = step.session.is_holding or step.session.phase is AttemptPhase.LOADING
    attempts.clear(step)
    step.set(is_loaded=True, restored=None)
    if is_in_flight:
        attempts.release(step)
        attempts.go_on(step)


def _hibernate(step: Transition, event: Event) -> None:
    step.set(is_hibernating=True)
    attempts.drop_room(step)
    _end(step, "hibernating")


def _wake(step: Transition, event: events.WakeRequested) -> None:
    if step.session.is_hibernating:
        attempts.begin(step, "woken")


def _wake_after_close(step: Transition, event: events.WakeRequested) -> None:
    step.set(wants_connect=step.session.wants_connect or step.session.is_hibernating)


def _call_agent(step: Transition, event: events.AgentRequested) -> None:
    if not step.session.has_agent:
        attempts.call_agent(step)


def _call_agent_later(step: Transition, event: events.AgentRequested) -> None:
    """Let the next connection bring the character, if it finds it gone."""
    step.set(wants_agent=True)


def _player_acted(step: Transition, event: events.PlayerActed) -> None:
    attempts.start_idle(step)


def _change_policy(step: Transition, event: events.PolicyChanged) -> None:
    """Replace the policy and re-arm the timers that run by it."""
    step.set(policy=event.policy)
    session = step.session
    if session.due(Timer.MICROPHONE) is not None:
        attempts.arm_microphone(step)
    if session.state in (SessionState.CONNECTING, SessionState.RECONNECTING):
        attempts.start_budget(step)
    if session.state is SessionState.CONNECTED:
        attempts.start_idle(step)


def _change_persist(step: Transition, event: events.PersistChanged) -> None:
    step.set(persist=event.persist)


def _restart(step: Transition, event: events.RestartRequested) -> None:
    """Close and connect again, in a new room: the old one has the old settings."""
    attempts.leave_room(step)
    _end(step, NEW_SETTINGS)
    if step.session.state is SessionState.DISCONNECTING:
        step.set(wants_connect=True)
    else:
        attempts.begin(step, NEW_SETTINGS)


def _restart_after_error(step: Transition, event: events.RestartRequested) -> None:
    attempts.leave_room(step)
    attempts.begin(step, NEW_SETTINGS)


def _restart_later(step: Transition, event: events.RestartRequested) -> None:
    """Leave the old room, so that the next connect takes the new settings."""
    attempts.leave_room(step)


def _lost(step: Transition, event: events.ConnectionLost) -> None:
    _reconnect(step, event.failure, event.chance)


def _reconnect(step: Transition, why: Failure, chance: float) -> None:
    attempts.release(step)
    step.set(error=why)
    if step.session.trouble_since is None:
        step.set(trouble_since=step.now)
    attempts.retry(step, why, chance, SessionState.RECONNECTING)
    if step.session.state is SessionState.RECONNECTING:
        attempts.start_budget(step)


def _server_ended(step: Transition, event: events.ServerEnded) -> None:
    why = attempts.bye_failure(event)
    if event.reason in ("drain", "overflow"):
        _reconnect(step, why, event.chance)
        return
    step.set(error=why)
    if event.reason == "idle-timeout":
        attempts.end_conversation(step)
    elif event.reason == "taken-over":
        # The record is now the other process's to write.
        step.set(room_name=None, room_left_at=None, live_id=None)
    else:
        attempts.leave_room(step)
    _end(step, f"server ended: {event.reason}")


def _end(step: Transition, reason: str) -> None:
    """Close the connection if there is one, and go to DISCONNECTED."""
    session = step.session
    has_connection = session.is_holding or session.state is SessionState.CONNECTED
    attempts.stop_connection_timers(step)
    step.cancel(Timer.RETRY, Timer.BUDGET)
    step.set(attempt=0, trouble_since=None, reason=reason)
    step.go(SessionState.DISCONNECTING, reason)
    if has_connection:
        step.order(events.CloseConnection(session.epoch))
        step.start(Timer.CLOSE, step.now + CLOSE_TIMEOUT_SECONDS)
    else:
        _at_rest(step)


def _closed(step: Transition, event: Event) -> None:
    step.cancel(Timer.CLOSE)
    _at_rest(step)


def _cut_short(step: Transition, event: Event) -> None:
    """Drop a connection that ended, or took too long, before it was closed: none is left over."""
    step.cancel(Timer.CLOSE)
    step.order(events.AbortConnection(step.session.epoch))
    _at_rest(step)


def _at_rest(step: Transition) -> None:
    session = step.session
    step.set(epoch=session.epoch + 1, phase=AttemptPhase.NONE, plan=None, ready_at=None)
    step.go(SessionState.DISCONNECTED, session.reason)
    if session.wants_connect:
        attempts.begin(step, "connect requested")


def _stable(step: Transition, event: events.TimerFired) -> None:
    step.set(attempt=0, trouble_since=None)


def _open_microphone(step: Transition, event: events.TimerFired) -> None:
    step.set(microphone_opened_at=step.now)
    step.order(events.OpenMicrophone(step.session.epoch))


_TRYING: Mapping[type | Timer, Handler] = {
    events.ConnectRequested: _nothing,  # joins the attempt in flight
    events.DisconnectRequested: _disconnect,
    events.ForgetRequested: _forget_and_start_over,
    events.HibernateRequested: _hibernate,
    events.WakeRequested: _nothing,
    events.AgentRequested: _call_agent_later,
    events.PlayerActed: _nothing,
    events.PolicyChanged: _change_policy,
    events.PersistChanged: _change_persist,
    events.RestartRequested: _restart,
    events.ServiceStarted: attempts.service_started,
    events.ServiceAwaited: attempts.awaited,
    events.ConnectionStarted: attempts.started,
    events.RoomGranted: attempts.granted,
    events.RoomJoined: attempts.joined,
    events.RecordStored: attempts.stored,
    events.RecordStoreFailed: attempts.store_failed,
    events.CharacterReady: attempts.ready,
    events.AttemptFailed: attempts.attempt_over,
    events.ConnectionLost: attempts.attempt_over,
    events.ServerEnded: attempts.ended_in_attempt,
    Timer.RETRY: attempts.try_again,
    Timer.START: attempts.start_too_late,
    Timer.READY: attempts.ready_too_late,
    Timer.BUDGET: attempts.budget_spent,
}


_ROWS: Mapping[SessionState, Mapping[type | Timer, Handler]] = {
    SessionState.DISCONNECTED: {
        events.ConnectRequested: _connect,
        events.DisconnectRequested: _disconnect_at_rest,
        events.ForgetRequested: _forget,
        events.HibernateRequested: _nothing,
        events.WakeRequested: _wake,
        events.AgentRequested: _call_agent_later,
        events.PlayerActed: _nothing,
        events.PolicyChanged: _change_policy,
        events.PersistChanged: _change_persist,
        events.RestartRequested: _restart_later,
        events.ServiceStarted: _nothing,
    },
    SessionState.CONNECTING: {
        **_TRYING,
        events.RecordLoaded: attempts.loaded,
        events.RecordLoadFailed: attempts.attempt_over,
    },
    SessionState.CONNECTED: {
        events.ConnectRequested: _nothing,  # the present session is what was asked for
        events.DisconnectRequested: _disconnect,
        events.ForgetRequested: _forget,
        events.HibernateRequested: _hibernate,
        events.WakeRequested: _nothing,
        events.AgentRequested: _call_agent,
        events.PlayerActed: _player_acted,
        events.PolicyChanged: _change_policy,
        events.PersistChanged: _change_persist,
        events.RestartRequested: _restart,
        events.ServiceStarted: _nothing,
        events.RecordStored: attempts.stored_late,
        events.RecordStoreFailed: _nothing,
        events.ConnectionLost: _lost,
        events.ServerEnded: _server_ended,
        Timer.MICROPHONE: _open_microphone,
        Timer.STABLE: _stable,
        Timer.IDLE: _hibernate,
    },
    SessionState.RECONNECTING: _TRYING,
    SessionState.DISCONNECTING: {
        events.ConnectRequested: _connect_after_close,
        events.DisconnectRequested: _disconnect_again,
        events.ForgetRequested: _forget,
        events.HibernateRequested: _nothing,
        events.WakeRequested: _wake_after_close,
        events.AgentRequested: _call_agent_later,
        events.PlayerActed: _nothing,
        events.PolicyChanged: _change_policy,
        events.PersistChanged: _change_persist,
        events.RestartRequested: _restart_later,
        events.ServiceStarted: _nothing,
        # What was under way when the close was ordered may still be reported.
        events.ServiceAwaited: _nothing,
        events.ConnectionStarted: _nothing,
        events.RoomGranted: _nothing,
        events.RoomJoined: _nothing,
        events.RecordStored: _nothing,
        events.RecordStoreFailed: _nothing,
        events.CharacterReady: _nothing,
        events.AttemptFailed: _cut_short,
        events.ConnectionLost: _cut_short,
        events.ServerEnded: _cut_short,
        events.Closed: _closed,
        Timer.CLOSE: _cut_short,
    },
    SessionState.ERROR: {
        events.ConnectRequested: _connect,
        events.DisconnectRequested: _disconnect_at_rest,
        events.ForgetRequested: _forget,
        events.HibernateRequested: _nothing,
        events.WakeRequested: _nothing,
        events.AgentRequested: _call_agent_later,
        events.PlayerActed: _nothing,
        events.PolicyChanged: _change_policy,
        events.PersistChanged: _change_persist,
        events.RestartRequested: _restart_after_error,
        events.ServiceStarted: attempts.retry_unanswered,
    },
}


TABLE: Mapping[tuple[SessionState, type | Timer], Handler] = MappingProxyType(
    {(state, key): handler for state, row in _ROWS.items() for key, handler in row.items()}
)
"""(state, event type or timer) -> what is done. What is not listed is illegal."""


PHASES: Mapping[type | Timer, tuple[AttemptPhase, ...]] = MappingProxyType(
    {
        events.RecordLoaded: (AttemptPhase.LOADING,),
        events.RecordLoadFailed: (AttemptPhase.LOADING,),
        events.ServiceAwaited: (AttemptPhase.OPENING,),
        events.ConnectionStarted: (AttemptPhase.OPENING, AttemptPhase.AWAITING),
        events.RoomGranted: (AttemptPhase.OPENING,),
        events.RoomJoined: (AttemptPhase.GRANTED,),
        events.RecordStored: (AttemptPhase.GRANTED, AttemptPhase.JOINED),
        events.RecordStoreFailed: (AttemptPhase.GRANTED, AttemptPhase.JOINED),
        events.CharacterReady: (AttemptPhase.JOINED,),
        events.AttemptFailed: HOLDING_PHASES,
        events.ConnectionLost: HOLDING_PHASES,
        events.ServerEnded: HOLDING_PHASES,
    }
)
"""In which phases of an attempt an event may come; the others may come in any."""
