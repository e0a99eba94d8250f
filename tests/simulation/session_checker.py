"""Check what one session reports against the contract, with a record of its own."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from characters.session.conversation import (
    FreshReason,
    ResumeOutcome,
    SessionState,
    SessionStateChanged,
)
from characters.session.events import (
    AttemptFailed,
    ConnectionLost,
    ConnectRequested,
    DisconnectRequested,
    Event,
    ForgetRequested,
    OpenConnection,
    PolicyChanged,
    Publish,
    ServerEnded,
    TimerFired,
    WakeRequested,
)
from characters.session.policy import Persist, ResumePolicy
from tests.simulation.promise import promise

if TYPE_CHECKING:
    from tests.simulation.client import Client
    from tests.simulation.virtual_time import Time

__all__ = ["HAIR", "SessionChecker"]

HAIR = 1e-6
# Three requests make one attempt at most (rejoin, resume, fresh), and two attempts in a row are
# 2 s apart at least: more than this within that many seconds hammers the service.
MOST_REQUESTS, WITHIN_SECONDS = 6, 2.9
LONGEST_DELAY = 4.0

REST, CONNECTING, CONNECTED, RECONNECTING, CLOSING, ERROR = SessionState
NEXT = {
    REST: (CONNECTING,),
    CONNECTING: (CONNECTED, CLOSING, ERROR),
    CONNECTED: (RECONNECTING, CLOSING),
    RECONNECTING: (CONNECTED, CLOSING, ERROR),
    CLOSING: (REST,),
    ERROR: (CONNECTING, REST),
}
CLEARING = (DisconnectRequested, ForgetRequested, ServerEnded, AttemptFailed, ConnectionLost)
WISHES = (ConnectRequested, DisconnectRequested, ForgetRequested, PolicyChanged, WakeRequested)


class SessionChecker:
    """What one character's session has reported, and what it may do next."""

    def __init__(self, client: Client, time: Time) -> None:
        self._client, self._time = client, time
        self.outcomes: Counter[str] = Counter()
        self.ids_on_disk: set[str] = set()
        self.ids_told: set[str] = set()
        self._forgotten: set[str | None] = set()
        self._must_be: str | None = None  # what ALWAYS_RESUME has to resume
        self._found: str | None = None  # what was on disk when the connect began, or told since
        self._requests: deque[float] = deque(maxlen=MOST_REQUESTS + 1)
        self.begin_again()

    def begin_again(self) -> None:
        """Go on with a process that was just started."""
        self._forgotten.discard(self._client.records.stored_id)
        if self._must_be not in self.ids_on_disk:
            self._must_be = None  # told to be not kept, and so it ended with its process
        self._state = REST
        self._tries = 0
        self._trouble_at = 0.0
        self._connected_at = 0.0
        self._not_before = 0.0
        self._requests.clear()

    def _promise(self, is_kept: object, sentence: str) -> None:
        promise(is_kept, sentence, self._client.name)

    # --- what goes in -------------------------------------------------------------------------

    def fed(self, event: Event) -> None:
        """Note what the machine is told."""
        if isinstance(event, TimerFired):
            return  # most events are
        if isinstance(event, WISHES):
            self._not_before = 0.0
            self._requests.clear()
        elif isinstance(event, ServerEnded) and event.retry_after and event.reason == "drain":
            self._not_before = self._time.now + event.retry_after
        elif isinstance(event, AttemptFailed) and event.failure.retry_after:
            self._not_before = self._time.now + event.failure.retry_after

    def ended(self, event: ServerEnded, before: SessionState) -> None:
        """Note what became of a goodbye."""
        if event.reason == "drain" and before is not CLOSING:
            is_kept = self._client.session.state is not REST
            self._promise(is_kept, "A drain ended a session.")

    # --- what comes out -----------------------------------------------------------------------

    def loads(self) -> None:
        """The record is read: an attempt."""
        self._tries += 1

    def opens(self, plan: OpenConnection) -> None:
        """A connection is asked for."""
        now, policy = self._time.now, self._client.policy
        self._tries += 1
        self._requests.append(now)
        hammers = len(self._requests) > MOST_REQUESTS and now - self._requests[0] < WITHIN_SECONDS
        self._promise(not hammers, "A service that drops its characters was hammered.")
        self._promise(
            now >= self._not_before - HAIR, "A service was asked before the advised time."
        )
        is_fresh = policy.resume_policy is ResumePolicy.ALWAYS_FRESH
        self._promise(not is_fresh or plan.character_session_id is None, "ALWAYS_FRESH sent an id.")

    def clears(self, event: Event | None, known: str | None) -> None:
        """The record is cleared: only some causes may do that."""
        self._promise(isinstance(event, CLEARING), f"The stored id was cleared by {event}.")
        if isinstance(event, AttemptFailed | ConnectionLost):
            is_gone = event.failure.code in ("session.not_found", "session.expired")
            self._promise(is_gone, f"The stored id was cleared after {event.failure.code}.")
            may_fall_back = self._client.policy.resume_policy is not ResumePolicy.ALWAYS_RESUME
            self._promise(may_fall_back, "ALWAYS_RESUME let go of its conversation.")
        elif not isinstance(event, ForgetRequested):
            is_brief = self._client.persist is Persist.UNTIL_DISCONNECT
            self._promise(is_brief, f"The stored id was cleared by {event}.")
        self._must_be = None
        self._found = None  # also what the server had replaced before, unseen by the game
        self._forgotten |= {known, self._client.records.stored_id} - {None}

    def publishes(self, command: Publish) -> None:
        """The game is told something."""
        change = command.event
        if not isinstance(change, SessionStateChanged):
            return
        old, new = change.old_state, change.new_state
        is_legal = old is self._state and new in NEXT[old]
        self._promise(is_legal, f"The state went from {self._state.name} to {new.name}.")
        self._state = new
        if new is CONNECTING:
            self._found = self._client.records.stored_id
            self._tries, self._trouble_at = 0, self._time.now
        elif new is CONNECTED:
            self._check_connected(change)
        elif old is CONNECTED:
            self._check_lost()
        if new is ERROR:
            self._check_error(change)

    def _check_lost(self) -> None:
        client, now = self._client, self._time.now
        if now - self._connected_at >= client.policy.stable_after_seconds:
            self._tries, self._trouble_at = 0, now
        client.microphone.check_was_open()

    def _check_error(self, change: SessionStateChanged) -> None:
        policy, why = self._client.policy, change.error
        assert why is not None, "an error without a reason"
        self._promise(change.reason, "An error was told without a reason.")
        most, budget = policy.max_reconnect_attempts, policy.reconnect_budget_seconds
        if "attempt" in change.reason:
            self._promise(most is not None and self._tries >= most, "A session gave up too early.")
        elif "time budget" in change.reason:
            spent = self._time.now - self._trouble_at + LONGEST_DELAY
            self._promise(budget is not None and spent >= budget, "A session gave up too early.")
        else:
            self._promise(not why.recoverable, f"A session gave up because of {why.code}.")

    def _check_connected(self, change: SessionStateChanged) -> None:
        wire, records = self._client.attempts.wire, self._client.records
        assert change.resume is not None and change.session_id is not None
        assert wire is not None and wire.live_room is not None
        self._connected_at = self._time.now
        session_id, room = change.session_id, wire.live_room.room
        self._promise(
            self._client.words.is_ready, "CONNECTED was told before the character was ready."
        )
        self._promise(room.session.session_id == session_id, "CONNECTED was told with another id.")
        if change.error is None:
            is_durable = records.stored_id == session_id
            self._promise(is_durable, "CONNECTED was told before the id was durable.")
        self._promise(session_id not in self._forgotten, "What was forgotten came back.")
        self._check_outcome(change)
        if self._client.policy.resume_policy is ResumePolicy.ALWAYS_RESUME:
            is_same = self._must_be in (None, session_id)
            self._promise(is_same, "ALWAYS_RESUME fell back to another conversation.")
            self._must_be = session_id
        self.ids_told.add(session_id)
        self._found = session_id  # a server that answers with another id replaced it
        self._client.last_room = room

    def _check_outcome(self, change: SessionStateChanged) -> None:
        assert change.resume is not None and change.session_id is not None
        outcome, session_id = change.resume.outcome, change.session_id
        wire, last_room = self._client.attempts.wire, self._client.last_room
        assert wire is not None and wire.live_room is not None
        self.outcomes[outcome.value] += 1
        if outcome is ResumeOutcome.FRESH:
            self._promise(session_id not in self.ids_told, "An old conversation was called fresh.")
            if change.resume.reason is FreshReason.NO_STORED_ID:
                lost = self._found in self.ids_told and self._found not in self._forgotten
                self._promise(not lost, "A stored id was lost.")
            return
        is_known = session_id in self.ids_on_disk or session_id in self.ids_told
        self._promise(is_known, "A conversation that nobody knew was called resumed.")
        if outcome is ResumeOutcome.REJOINED:
            is_same = last_room is None or last_room is wire.live_room.room
            self._promise(is_same, "Another room was called rejoined.")
