"""The session machine beside a model that only knows the contract's own words.

The model is written from the table of states and the policy, not from the machine: it keeps
the state, how many retries were used, and what is stored, and says what must come out.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from characters.session.conversation import ResumeOutcome, SessionRecord, SessionState
from characters.session.events import (
    AttemptPhase,
    ConnectRequested,
    DisconnectRequested,
    ForgetRequested,
    OpenMicrophone,
    RoomMode,
    ServerEnded,
)
from characters.session.policy import Persist, ReconnectPolicy, ResumePolicy
from tests.characters.session.life import Life

S = SessionState
TRYING = (S.CONNECTING, S.RECONNECTING)
PICK = st.sampled_from

policies = st.builds(
    ReconnectPolicy,
    room_rejoin_ttl_seconds=PICK([0.0, 5.0, 60.0]),
    resume_policy=PICK(list(ResumePolicy)),
    max_reconnect_attempts=PICK([None, 0, 1, 3]),
    auto_mic_start_delay_seconds=PICK([0.0, 0.5, 2.0]),
    stable_after_seconds=PICK([0.0, 5.0]),
)


class SessionModel(RuleBasedStateMachine):
    """A session and its model, driven together."""

    def __init__(self) -> None:
        super().__init__()
        self.life = Life()
        self.state = S.DISCONNECTED
        self.used = 0
        self.stored: str | None = None
        self.server_knows: set[str] = set()
        self.rooms: dict[str, str] = {}  # room -> session
        self.connected_at = 0.0
        self.numbers = 0

    @initialize(policy=policies, persist=PICK(list(Persist)))
    def begin(self, policy: ReconnectPolicy, persist: Persist) -> None:
        self.life = Life(policy, persist=persist)
        self.policy, self.persist = policy, persist

    # --- what the model looks at ---------------------------------------------------------

    @property
    def is_asking(self) -> bool:
        return self.state in TRYING and self.life.session.phase is AttemptPhase.OPENING

    @property
    def is_joined(self) -> bool:
        return self.state in TRYING and self.life.session.phase is AttemptPhase.JOINED

    def fail_attempt(self, **more: Any) -> None:
        """A retryable failure: one more retry is used, or the session gives up."""
        limit = self.policy.max_reconnect_attempts
        if limit is not None and self.used >= limit:
            self.state = S.ERROR
        else:
            self.used += 1

    def become_stable(self) -> None:
        connected_for = self.life.now - self.connected_at
        if self.state is S.CONNECTED and connected_for >= self.policy.stable_after_seconds:
            self.used = 0

    # --- wishes ----------------------------------------------------------------------------

    @precondition(lambda self: self.state in (S.DISCONNECTED, S.ERROR))
    @rule()
    def connect(self) -> None:
        record = None if self.stored is None else SessionRecord(self.stored, "home")
        self.life.connect(record)
        self.state, self.used = S.CONNECTING, 0

    @precondition(lambda self: self.state in (S.CONNECTING, S.CONNECTED, S.RECONNECTING))
    @rule()
    def connect_again(self) -> None:
        self.life.feed(ConnectRequested())
        assert self.life.last == ()

    @precondition(lambda self: self.state in (S.CONNECTING, S.CONNECTED, S.RECONNECTING))
    @rule()
    def disconnect(self) -> None:
        self.life.feed(DisconnectRequested())
        if self.life.state is S.DISCONNECTING:
            self.life.closed()
        self.state = S.DISCONNECTED
        if self.persist is Persist.UNTIL_DISCONNECT:
            self.stored = None

    @rule()
    def forget(self) -> None:
        self.life.feed(ForgetRequested())
        self.stored = None

    @rule(seconds=PICK([0.1, 1.0, 4.0, 10.0]))
    def wait(self, seconds: float) -> None:
        if self.state in TRYING and self.life.session.phase is not AttemptPhase.WAITING:
            return  # its own time-outs are rules of their own
        self.life.wait(seconds)
        self.become_stable()

    # --- the server ------------------------------------------------------------------------

    @precondition(lambda self: self.is_asking)
    @rule(is_known=st.booleans())
    def answer(self, is_known: bool) -> None:
        """The server grants: the asked session if it knows it, else a new one."""
        plan = self.life.plan
        expected = plan.character_session_id
        if plan.mode is RoomMode.JOIN:
            assert plan.room_name in self.rooms
            expected = self.rooms[plan.room_name]
        same = expected is not None and is_known
        self.numbers += 1
        granted = expected if same and expected else f"id-{self.numbers}"
        room = plan.room_name or f"room-{self.numbers}"
        self.rooms[room] = granted
        self.life.grant(granted, room)
        refuses = self.policy.resume_policy is ResumePolicy.ALWAYS_RESUME
        if expected is not None and not same and refuses:
            self.state = S.ERROR
            return
        self.stored = granted
        self.life.join()

    @precondition(lambda self: self.is_joined)
    @rule(first=st.booleans())
    def get_ready(self, first: bool) -> None:
        plan = self.life.plan
        steps = (self.life.ready, self.life.store)
        for step in steps if first else reversed(steps):
            assert self.life.state in TRYING
            step()
        was_sent = plan.character_session_id is not None
        self.state, self.connected_at = S.CONNECTED, self.life.now
        resume = self.life.changes[-1].resume
        assert resume is not None
        if resume.outcome is ResumeOutcome.RESUMED:
            assert was_sent or plan.mode is RoomMode.JOIN
        if self.policy.resume_policy is ResumePolicy.ALWAYS_FRESH:
            assert not was_sent

    @precondition(lambda self: self.is_asking)
    @rule(code=PICK(["connection.refused", "connection.server_error", "connection.timeout"]))
    def refuse_for_now(self, code: str) -> None:
        self.life.refuse(code, chance=0.5)
        self.fail_attempt()

    @precondition(lambda self: self.is_asking)
    @rule(code=PICK(["connection.invalid_api_key", "connection.character_not_found"]))
    def refuse_for_good(self, code: str) -> None:
        self.life.refuse(code)
        self.state = S.ERROR

    @precondition(lambda self: self.is_asking and self.life.plan.character_session_id)
    @rule()
    def expire(self) -> None:
        self.life.refuse("session.expired")
        if self.policy.resume_policy is ResumePolicy.ALWAYS_RESUME:
            self.state = S.ERROR
        else:
            self.stored = None

    @precondition(lambda self: self.is_asking and self.life.plan.mode is RoomMode.JOIN)
    @rule()
    def lose_the_room(self) -> None:
        used = self.life.session.attempt
        self.life.refuse("connection.room_gone")
        assert self.life.plan.mode is RoomMode.CREATE
        assert self.life.session.attempt == used

    @precondition(lambda self: self.state is S.CONNECTED)
    @rule()
    def drop(self) -> None:
        self.life.lose(chance=0.5)
        self.state = S.RECONNECTING
        self.fail_attempt()

    @precondition(lambda self: self.state is S.CONNECTED)
    @rule(reason=PICK(["idle-timeout", "quota", "killed"]))
    def end(self, reason: str) -> None:
        self.life.feed(ServerEnded(self.life.epoch, reason)).closed()
        self.state = S.DISCONNECTED
        if reason == "idle-timeout" and self.persist is Persist.UNTIL_DISCONNECT:
            self.stored = None

    # --- what must hold --------------------------------------------------------------------

    @invariant()
    def the_state_is_that_of_the_model(self) -> None:
        assert self.life.state is self.state

    @invariant()
    def as_many_retries_were_used_as_the_model_counted(self) -> None:
        if self.state in (*TRYING, S.CONNECTED):
            assert self.life.session.attempt == self.used

    @invariant()
    def the_stored_id_is_that_of_the_model(self) -> None:
        if self.state is S.CONNECTED:
            assert self.life.session.session_id == self.stored

    @invariant()
    def the_microphone_is_open_only_after_ready_and_delay(self) -> None:
        opened_at = self.life.session.microphone_opened_at
        delay = self.life.session.policy.auto_mic_start_delay_seconds
        if opened_at is not None:
            assert self.state is S.CONNECTED
            assert opened_at - self.connected_at >= delay - 1e-9
            assert self.life.all(OpenMicrophone)


TestSessionModel = SessionModel.TestCase
TestSessionModel.settings = settings(stateful_step_count=40)
