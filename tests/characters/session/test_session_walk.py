"""A walk over everything a session can come to: what must hold, holds everywhere.

Situations are told apart by state, phase, attempt, what is stored, what runs and what waits;
time is let pass only as timers do. At each of them every event is tried. `make test` walks
through some of them, drawn by chance, `make test-all` through all.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random

import pytest

from characters.protocol.failures import failure
from characters.session.conversation import (
    ResumeOutcome,
    SessionRecord,
    SessionState,
    SessionStateChanged,
)
from characters.session.events import (
    AbortConnection,
    AttemptFailed,
    AttemptPhase,
    CharacterReady,
    ClearRecord,
    CloseConnection,
    Closed,
    CloseMicrophone,
    Command,
    ConnectionEvent,
    ConnectionLost,
    ConnectionStarted,
    ConnectRequested,
    DisconnectRequested,
    Event,
    ForgetRequested,
    HibernateRequested,
    LoadRecord,
    OpenConnection,
    OpenMicrophone,
    PlayerActed,
    Publish,
    RecordLoaded,
    RecordLoadFailed,
    RecordStored,
    RecordStoreFailed,
    RoomGranted,
    RoomJoined,
    ServerEnded,
    ServiceAwaited,
    ServiceStarted,
    Session,
    StoreRecord,
    Timer,
    TimerFired,
    WakeRequested,
)
from characters.session.machine import IllegalEvent, advance
from characters.session.policy import IdlePolicy, Persist, ReconnectPolicy, ResumePolicy

S = SessionState
MAY_FOLLOW = {
    S.DISCONNECTED: {S.CONNECTING},
    S.CONNECTING: {S.CONNECTED, S.ERROR, S.DISCONNECTING},
    S.CONNECTED: {S.RECONNECTING, S.DISCONNECTING},
    S.RECONNECTING: {S.CONNECTED, S.ERROR, S.DISCONNECTING},
    S.DISCONNECTING: {S.DISCONNECTED},
    S.ERROR: {S.CONNECTING, S.DISCONNECTED},
}
FAILURES = (
    failure("connection.refused"),
    failure("connection.unavailable", retry_after=9.0),
    failure("connection.invalid_api_key"),
    failure("connection.room_gone"),
    failure("session.expired"),
    failure("session.invalid_id"),
)
RECORDS = (
    (None, 0.0),
    (SessionRecord("id-1", "home", "room-1"), 0.0),
    (SessionRecord("id-1", "home", "room-1"), 9999.0),
    (SessionRecord("id-1", "elsewhere"), 0.0),
)
CLEARS = (DisconnectRequested, ForgetRequested, ServerEnded, AttemptFailed, ConnectionLost)

POLICIES = {
    "default": ReconnectPolicy.DEFAULT,
    "always create new": ReconnectPolicy.ALWAYS_CREATE_NEW,
    "always resume": ReconnectPolicy(resume_policy=ResumePolicy.ALWAYS_RESUME),
    "budget": ReconnectPolicy(max_reconnect_attempts=2, reconnect_budget_seconds=20.0),
    "sleepy": ReconnectPolicy(
        max_reconnect_attempts=1, idle=IdlePolicy.HIBERNATE, auto_mic_start_delay_seconds=0.0
    ),
    "never retries": ReconnectPolicy(max_reconnect_attempts=0),
}


def events_at(session: Session) -> Iterator[Event]:
    """Everything that could happen to a session now."""
    epoch = session.epoch
    yield ConnectRequested()
    yield from (DisconnectRequested(), ForgetRequested(), HibernateRequested())
    yield from (WakeRequested(), PlayerActed(), ServiceStarted())
    yield from (TimerFired(timer, due, 0.5) for timer, due in session.timers)
    yield from (RecordLoaded(epoch, record, age) for record, age in RECORDS)
    yield RecordLoadFailed(epoch, failure("persistence.unavailable"), 0.5)
    yield from (ServiceAwaited(epoch), ConnectionStarted(epoch))
    yield from (RoomGranted(epoch, name, "room-1", "live") for name in ("id-1", "id-2"))
    yield from (RoomJoined(epoch, outcome) for outcome in (None, *ResumeOutcome))
    yield RecordStored(epoch)
    yield RecordStoreFailed(epoch, failure("persistence.unavailable"))
    yield CharacterReady(epoch)
    for why in FAILURES:
        yield from (AttemptFailed(epoch, why, 0.5), ConnectionLost(epoch, why, 0.5))
    for reason in ("drain", "idle-timeout", "taken-over", "quota"):
        yield ServerEnded(epoch, reason, None, 0.5)
    yield Closed(epoch)


@dataclass
class Place:
    """A situation: the session, and what the shell holds for it."""

    session: Session
    now: float
    open_epochs: frozenset[int] = frozenset()
    is_microphone_open: bool = False
    stored: str | None = None

    def signature(self, *, fine: bool) -> object:
        """What makes this situation another one than those that were seen.

        Of times only their order counts, and on which side of a limit they are. `fine` also
        tells apart what was said to be restored, and why.
        """
        session = self.session
        left_at = session.room_left_at
        return (
            *(session.state, session.phase, session.attempt, session.storing, session.is_loaded),
            *(session.session_id, session.room_name, session.ready_at is None),
            *((session.fresh_reason, session.is_told, session.restored) if fine else ()),
            session.wants_connect,
            left_at is None or session.policy.may_rejoin(self.now - left_at),
            left_at is None,
            session.plan and (session.plan.mode, session.plan.character_session_id),
            *(session.is_hibernating, session.microphone_opened_at is None),
            tuple(timer for timer, _ in sorted(session.timers, key=lambda pair: pair[1])),
            *(self.is_microphone_open, self.stored, len(self.open_epochs)),
        )


def step(place: Place, event: Event) -> Place:
    """Go on by one event, and check everything that must hold."""
    now = max(place.now, event.due) if isinstance(event, TimerFired) else place.now
    before = place.session
    after, commands = advance(before, event, now)
    result = Place(after, now, place.open_epochs, place.is_microphone_open, place.stored)
    if isinstance(event, Closed):
        result.open_epochs = frozenset()
    for command in commands:
        _perform(result, command, event)
    _check(before, result, commands)
    return result


def _perform(place: Place, command: Command, event: Event) -> None:
    """Do what the shell would do; nothing may be ordered that makes no sense."""
    if isinstance(command, OpenConnection):
        assert not place.open_epochs, "two live connections"
        place.open_epochs = frozenset((command.epoch,))
    elif isinstance(command, AbortConnection):
        place.open_epochs = place.open_epochs - {command.epoch}
    elif isinstance(command, CloseConnection):
        assert command.epoch in place.open_epochs, "closes what is not open"
    elif isinstance(command, OpenMicrophone):
        assert place.session.state is S.CONNECTED and not place.is_microphone_open
        place.is_microphone_open = True
    elif isinstance(command, CloseMicrophone):
        assert place.is_microphone_open
        place.is_microphone_open = False
    elif isinstance(command, StoreRecord):
        place.stored = command.session_id
    elif isinstance(command, ClearRecord):
        assert isinstance(event, CLEARS), f"{event} clears the record"
        place.stored = None


def _check(before: Session, place: Place, commands: tuple[Command, ...]) -> None:
    session = place.session
    _check_changes(before, session, commands)
    live = session.is_holding or session.state in (S.CONNECTED, S.DISCONNECTING)
    assert place.open_epochs == (frozenset((session.epoch,)) if live else frozenset())
    assert place.is_microphone_open == (session.microphone_opened_at is not None)
    if place.is_microphone_open:
        assert session.state is S.CONNECTED and session.ready_at is not None
        delay = session.policy.auto_mic_start_delay_seconds
        opened_at = session.microphone_opened_at
        assert opened_at is not None and opened_at >= session.ready_at + delay
    assert session.attempt <= (session.policy.max_reconnect_attempts or 0)
    _check_timers(session)


def _check_changes(before: Session, session: Session, commands: tuple[Command, ...]) -> None:
    published = [command.event for command in commands if isinstance(command, Publish)]
    changes = [event for event in published if isinstance(event, SessionStateChanged)]
    state = before.state
    for change in changes:
        assert change.old_state is state and change.new_state in MAY_FOLLOW[state], change
        state = change.new_state
        if change.is_error:
            assert change.error is not None and change.reason
        if change.is_connection_established:
            assert change.resume is not None and change.session_id is not None
            assert (change.resume.reason is not None) == (
                change.resume.outcome is ResumeOutcome.FRESH
            )
        else:
            assert change.resume is None
    assert state is session.state, "a change that was not published"


def _check_timers(session: Session) -> None:
    running = {timer for timer, _ in session.timers}
    allowed = {
        S.DISCONNECTED: set(),
        S.ERROR: set(),
        S.DISCONNECTING: {Timer.CLOSE},
        S.CONNECTED: {Timer.MICROPHONE, Timer.STABLE, Timer.IDLE},
        S.CONNECTING: {Timer.RETRY, Timer.START, Timer.READY, Timer.BUDGET},
        S.RECONNECTING: {Timer.RETRY, Timer.START, Timer.READY, Timer.BUDGET},
    }
    assert running <= allowed[session.state], running
    waits = session.phase is AttemptPhase.WAITING
    assert (Timer.RETRY in running) == waits, "waits for nothing"
    is_trying = session.state in (S.CONNECTING, S.RECONNECTING)
    if is_trying and session.phase in (AttemptPhase.LOADING, AttemptPhase.JOINED):
        assert running & {Timer.START, Timer.READY}, "an attempt without a time-out"
    if session.state is S.DISCONNECTING:
        assert running == {Timer.CLOSE}


def walk(
    policy: ReconnectPolicy, persist: Persist, *, fine: bool = False, most: float = math.inf
) -> Counter[str]:
    """Visit every situation, or `most` of them in an order of chance; return what was counted."""
    start = Place(Session("nurse", endpoint_id="home", policy=policy, persist=persist), 1000.0)
    seen = {start.signature(fine=fine)}
    waiting = [start]
    counted: Counter[str] = Counter()
    random = Random(7)
    while waiting and counted["situations"] < most:
        place = waiting.pop(random.randrange(len(waiting)))
        counted["situations"] += 1
        counted[place.session.state.name] += 1
        for event in events_at(place.session):
            counted["events"] += 1
            try:
                result = step(place, event)
            except IllegalEvent:
                counted["illegal"] += 1
                continue
            signature = result.signature(fine=fine)
            if signature not in seen:
                seen.add(signature)
                waiting.append(result)
    return counted


each_policy = pytest.mark.parametrize(
    ("name", "persist"),
    [*((name, Persist.ACROSS_RESTARTS) for name in POLICIES), ("sleepy", Persist.UNTIL_DISCONNECT)],
)


@pytest.mark.parametrize(
    ("name", "persist"),
    [
        ("default", Persist.ACROSS_RESTARTS),
        ("always resume", Persist.ACROSS_RESTARTS),
        ("sleepy", Persist.UNTIL_DISCONNECT),
    ],
)
def test_on_the_way_through_some_situations_the_invariants_hold(
    name: str, persist: Persist
) -> None:
    counted = walk(POLICIES[name], persist, most=300)
    assert counted[S.CONNECTED.name] and counted[S.ERROR.name]


@pytest.mark.slow
@each_policy
def test_whatever_happens_in_whatever_order_the_invariants_hold(
    name: str, persist: Persist, record_property: Callable[[str, object], None]
) -> None:
    # One retry is enough to come to every situation; `python -m` this module takes all of them.
    attempts = min(1, POLICIES[name].max_reconnect_attempts or 0)
    counted = walk(replace(POLICIES[name], max_reconnect_attempts=attempts), persist)
    for what, number in counted.items():
        record_property(what, number)
    assert counted["situations"] > 100


def test_every_event_of_an_older_connection_is_ignored_everywhere() -> None:
    session = Session("nurse", epoch=5)
    for state in S:
        here = replace(session, state=state)
        for event in events_at(replace(session, epoch=4)):
            if isinstance(event, ConnectionEvent):
                assert advance(here, event, 0.0) == (here, ())


def test_an_illegal_event_changes_nothing_anywhere() -> None:
    session = Session("nurse")
    with pytest.raises(IllegalEvent):
        advance(session, CharacterReady(session.epoch), 0.0)
    assert session == Session("nurse")


def test_a_load_is_only_ordered_where_the_answer_is_awaited() -> None:
    session, commands = advance(Session("nurse"), ConnectRequested(), 0.0)
    assert LoadRecord(session.epoch) in commands and session.phase is AttemptPhase.LOADING


def main() -> None:
    """Walk through everything, told apart finely; minutes."""
    total: Counter[str] = Counter()
    for name, policy in POLICIES.items():
        for persist in Persist:
            counted = walk(policy, persist, fine=True)
            total += counted
            print(f"{name}, {persist.value}: {dict(counted)}", flush=True)
    print(f"total: {dict(total)}; no invariant was broken")


if __name__ == "__main__":
    main()
