"""A simulated client: the real session machine, with every promise checked as it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from characters.core.failure import Failure, failure
from characters.core.messages import ConnectRequest
from characters.core.policy import Persist, ReconnectPolicy, ResumePolicy
from characters.core.session import Session, advance
from characters.core.session_events import (
    AbortConnection,
    AttemptFailed,
    CancelTimer,
    CharacterReady,
    ClearRecord,
    CloseConnection,
    Closed,
    CloseMicrophone,
    ConnectionLost,
    ConnectionStarted,
    DisconnectRequested,
    Event,
    ForgetRequested,
    LoadRecord,
    OpenConnection,
    OpenMicrophone,
    Publish,
    RecordLoaded,
    RecordLoadFailed,
    RecordStored,
    RecordStoreFailed,
    RoomGranted,
    RoomJoined,
    ServerEnded,
    StartTimer,
    StoreRecord,
    TimerFired,
)
from characters.core.state import (
    FreshReason,
    ResumeOutcome,
    SessionRecord,
    SessionState,
    SessionStateChanged,
)
from characters.service.rooms import Grant, Room
from tests.simulation.talk import FarEnds, Hello, Talk
from tests.simulation.world import SERVER_PATIENCE, Disk, Service, Time, Wire

__all__ = ["Client"]

CLEARING = (DisconnectRequested, ForgetRequested, ServerEnded, AttemptFailed, ConnectionLost)


class Client:
    """One character's session in one process, which may be killed and started again."""

    def __init__(
        self,
        name: str,
        policy: ReconnectPolicy,
        persist: Persist,
        time: Time,
        disk: Disk,
        service: Service,
        far_ends: FarEnds,
    ) -> None:
        self.talk = Talk(time, far_ends)
        self.name, self.policy, self.persist = name, policy, persist
        self.time, self.disk, self.service = time, disk, service
        self.wall_offset = 1_000_000.0
        self.is_cut_off = False  # every request is refused
        self.is_in_black_hole = False  # every request vanishes
        self.outcomes: dict[str, int] = {}
        self.ids_on_disk: set[str] = set()
        self.ids_told: set[str] = set()
        self.must_be: str | None = None  # what ALWAYS_RESUME has to resume
        self.must_fail = False  # ALWAYS_RESUME was refused: nothing but ERROR may follow
        self.forgotten: set[object] = set()
        self.known: str | None = None  # the session's id before the present event
        self.found: str | None = None  # what was on disk when the connect began, or told since
        self.life = 0
        self._begin()

    def _begin(self) -> None:
        self.life += 1
        self.session = Session(
            self.name, endpoint_id="home", policy=self.policy, persist=self.persist
        )
        self.wire: Wire | None = None
        self.last_room: Room | None = None
        self.event: Event | None = None
        self.is_microphone_open = False
        self.owes_clear = False  # a clear that the disk refused, as `Records` keeps it

    # --- what happens to it -----------------------------------------------------------------

    def feed(self, event: Event) -> None:
        self.event = event
        self.known = self.session.session_id
        now = max(self.time.now, event.due) if isinstance(event, TimerFired) else self.time.now
        self.session, commands = advance(self.session, event, now)
        for command in commands:
            PERFORM[type(command)](self, command)
        if isinstance(event, ServerEnded) and event.reason == "drain":
            assert self.session.state is not SessionState.DISCONNECTED, "a drain is no end"

    def crash(self) -> None:
        """The process is killed: nothing is said, nothing more is stored."""
        wire = self.wire
        # A clear that was not on the disk yet died with the process.
        record = self.disk.records.get(self.name)
        self.forgotten.discard(None if record is None else record.session_id)
        self._begin()
        self.talk = self.talk.after_a_restart()
        if wire is not None:
            wire.client_is_on = False
            self._server_notices(wire, 0.05)

    def reset(self) -> None:
        """The connection is reset; both ends see it."""
        if self.wire is not None and self.wire.server_is_on:
            self._lose(self.wire, "transport.signal_disconnected", 0.01)
            self._server_notices(self.wire, 0.01)

    def enter_black_hole(self) -> None:
        """Nothing passes any more; both ends find out by their heartbeats."""
        self.is_in_black_hole = True
        if self.wire is not None:
            self.wire.is_black_hole = True
            policy = self.policy
            seconds = policy.heartbeat_interval_seconds + policy.heartbeat_timeout_seconds
            self._lose(self.wire, "transport.heartbeat_lost", seconds)
            self._server_notices(self.wire, SERVER_PATIENCE)

    def leave_black_hole(self) -> None:
        self.is_in_black_hole = False

    def server_died(self) -> None:
        if self.wire is not None and self.wire.server_is_on:
            self.wire.server_is_on = False
            self._lose(self.wire, "transport.signal_disconnected", 0.01)

    def server_says_bye(self, reason: str, retry_after: float | None = None) -> None:
        wire = self.wire
        if wire is None or not wire.server_is_on or wire.is_black_hole:
            return
        epoch, life = self.session.epoch, self.life

        def arrive() -> None:
            if wire.client_is_on and self.wire is wire and life == self.life:
                self.feed(ServerEnded(epoch, reason, retry_after, self.time.random.random()))

        self.time.later(0.02, arrive)
        self._server_notices(wire, 0.02)

    def _lose(self, wire: Wire, code: str, seconds: float) -> None:
        epoch, life = self.session.epoch, self.life

        def notice() -> None:
            if wire.client_is_on and self.wire is wire and life == self.life:
                wire.client_is_on = False
                self.feed(ConnectionLost(epoch, failure(code), self.time.random.random()))

        self.time.later(seconds, notice)

    def _server_notices(self, wire: Wire, seconds: float) -> None:
        self.time.later(seconds, lambda: self.service.leave(wire))

    # --- what the machine orders --------------------------------------------------------------

    def _answer(self, epoch: int, seconds: float, action: Callable[[], None]) -> None:
        """Do something later, unless the connection or the process is gone by then."""
        life = self.life

        def act() -> None:
            if life == self.life and epoch == self.session.epoch:
                action()

        self.time.later(seconds, act)

    def _latency(self) -> float:
        return self.time.random.uniform(0.001, 0.2)

    def _load(self, command: LoadRecord) -> None:
        life, epoch = self.life, command.epoch

        def work(is_working: bool) -> None:
            if life != self.life:
                return
            if not is_working:
                why = failure("persistence.unavailable")
                self.feed(RecordLoadFailed(epoch, why, self.time.random.random()))
                return
            if self.owes_clear:
                self.disk.records.pop(self.name, None)
                self.owes_clear = False
            record = self.disk.records.get(self.name)
            dropped_at = None if record is None else record.dropped_at
            age = 0.0 if dropped_at is None else self._wall() - dropped_at
            self.feed(RecordLoaded(epoch, record, age))

        self.disk.do(self.name, work)

    def _wall(self) -> float:
        return self.time.now + self.wall_offset

    def _store(self, command: StoreRecord) -> None:
        life, now = self.life, self._wall()
        dropped_at = now if command.is_dropped else None
        record = SessionRecord(command.session_id, "home", command.room_name, dropped_at, now)

        def work(is_working: bool) -> None:
            if life != self.life:
                return
            if is_working:
                self.disk.records[self.name] = record
                self.ids_on_disk.add(record.session_id)
                self.owes_clear = False
                self.feed(RecordStored(command.epoch))
            else:
                self.feed(RecordStoreFailed(command.epoch, failure("persistence.unavailable")))

        self.disk.do(self.name, work)

    def _clear(self, command: ClearRecord) -> None:
        assert isinstance(self.event, CLEARING), f"{self.event} cleared the record"
        if isinstance(self.event, (AttemptFailed, ConnectionLost)):
            code = self.event.failure.code
            assert code in ("session.not_found", "session.expired"), code
            self.must_fail = self.policy.resume_policy is ResumePolicy.ALWAYS_RESUME
        elif not isinstance(self.event, ForgetRequested):
            assert self.persist is Persist.UNTIL_DISCONNECT, f"{self.event} cleared the record"
        self.must_be = None
        record = self.disk.records.get(self.name)
        self.forgotten |= {self.known, record and record.session_id} - {None}
        life = self.life

        def work(is_working: bool) -> None:
            if life != self.life:
                return
            self.owes_clear = not is_working
            if is_working:
                self.disk.records.pop(self.name, None)

        self.disk.do(self.name, work)

    def _open(self, plan: OpenConnection) -> None:
        assert self.wire is None or not self.wire.client_is_on, "two live connections"
        if self.policy.resume_policy is ResumePolicy.ALWAYS_FRESH:
            assert plan.character_session_id is None
        self.wire = Wire()
        self._answer(plan.epoch, 0.0, lambda: self._ask(plan, self.wire))

    def _ask(self, plan: OpenConnection, wire: Wire | None) -> None:
        assert wire is not None
        self.feed(ConnectionStarted(plan.epoch))
        if self.is_in_black_hole:
            return  # its own time-out is all that ends this
        if self.is_cut_off or not self.service.is_up:
            self._answer(plan.epoch, 0.01, lambda: self._refused(plan, "connection.refused"))
            return
        ask = ConnectRequest(
            self.name,
            character_session_id=plan.character_session_id,
            end_user_id="player",
            mode=plan.mode.value,
            room_name=plan.room_name,
            spawn_agent=plan.spawn_agent,
            room_rejoin_ttl_seconds=self.policy.room_rejoin_ttl_seconds,
            takeover=plan.takeover or None,
            live_id=plan.live_id,
        )
        self._answer(plan.epoch, self._latency(), lambda: self._at_the_door(plan, ask, wire))

    def _at_the_door(self, plan: OpenConnection, ask: ConnectRequest, wire: Wire) -> None:
        if not self.service.is_up:
            self._refused(plan, "connection.refused")
            return
        answer = self.service.connect(ask)
        if self.is_in_black_hole:
            return
        self._answer(plan.epoch, self._latency(), lambda: self._answered(plan, answer, wire))

    def _refused(self, plan: OpenConnection, why: str | Failure) -> None:
        what = failure(why) if isinstance(why, str) else why
        self.feed(AttemptFailed(plan.epoch, what, self.time.random.random()))

    def _answered(self, plan: OpenConnection, answer: Grant | Failure, wire: Wire) -> None:
        if isinstance(answer, Failure):
            self._refused(plan, answer)
            return
        room = answer.room
        granted = RoomGranted(plan.epoch, room.session.session_id, room.name, answer.live_id)
        self.feed(granted)
        self._answer(plan.epoch, self._latency(), lambda: self._enter(plan, answer, wire))

    def _enter(self, plan: OpenConnection, grant: Grant, wire: Wire) -> None:
        if self.is_in_black_hole:
            return
        if self.is_cut_off or not self.service.is_up:
            self._refused(plan, "connection.refused")
            return
        why = self.service.enter(grant, wire)
        if why is not None:
            self._refused(plan, why)
            return
        rejoined = not grant.is_new and grant.room is self.last_room
        said = "REJOINED" if rejoined or not grant.is_new else grant.room.resumed.upper()
        hello = self.talk.knock(wire)
        outcome = ResumeOutcome(said)
        self._answer(plan.epoch, self._latency(), lambda: self._let_in(plan, outcome, hello))

    def _let_in(self, plan: OpenConnection, outcome: ResumeOutcome, hello: Hello) -> None:
        if self.is_in_black_hole or self.wire is None or not self.wire.server_is_on:
            return
        self.talk.enter(self.wire, hello)
        self.feed(RoomJoined(plan.epoch, outcome, None))
        if self.time.random.random() < 0.99:
            ready = CharacterReady(plan.epoch)
            self._answer(plan.epoch, self._latency(), lambda: self._get_ready(ready))

    def _get_ready(self, ready: CharacterReady) -> None:
        if not self.is_in_black_hole and self.wire is not None and self.wire.server_is_on:
            self.feed(ready)

    def _close(self, command: CloseConnection) -> None:
        wire = self.wire
        if wire is None or wire.is_black_hole or self.is_in_black_hole:
            return  # the close's own time-out ends this
        self.time.later(0.02, lambda: self.service.leave(wire))

        def closed() -> None:
            wire.client_is_on = False
            self.feed(Closed(command.epoch))

        self._answer(command.epoch, 0.05, closed)

    def _abort(self, command: AbortConnection) -> None:
        if self.wire is not None:
            self.wire.client_is_on = False
            wire, seconds = self.wire, SERVER_PATIENCE if self.wire.is_black_hole else 0.02
            self._server_notices(wire, seconds)

    def _start_timer(self, command: StartTimer) -> None:
        life = self.life
        fired = TimerFired(command.timer, command.due, self.time.random.random())

        def fire() -> None:
            if life == self.life:
                self.feed(fired)

        self.time.later(max(0.0, command.due - self.time.now), fire)

    # --- what is promised ---------------------------------------------------------------------

    def _open_microphone(self, command: OpenMicrophone) -> None:
        session = self.session
        assert session.state is SessionState.CONNECTED and session.ready_at is not None
        delay = self.policy.auto_mic_start_delay_seconds
        due = max(session.ready_at + delay, session.connected_at or 0.0)
        assert abs(self.time.now - due) < 1e-6, "the delay counts from ready"
        assert not self.is_microphone_open
        self.is_microphone_open = True

    def _close_microphone(self, command: CloseMicrophone) -> None:
        assert self.is_microphone_open
        self.is_microphone_open = False

    def _publish(self, command: Publish) -> None:
        change = command.event
        if not isinstance(change, SessionStateChanged):
            return
        if change.is_error:
            assert change.error is not None and change.reason
            self.must_fail = False
        if change.new_state is SessionState.CONNECTING:
            record = self.disk.records.get(self.name)
            self.found = None if record is None else record.session_id
        if change.is_connection_established:
            self._check_connected(change)

    def _check_connected(self, change: SessionStateChanged) -> None:
        assert change.resume is not None and change.session_id is not None
        assert self.wire is not None and self.wire.room is not None
        outcome, room = change.resume.outcome, self.wire.room
        assert room.session.session_id == change.session_id
        if change.error is None:
            assert self.disk.records[self.name].session_id == change.session_id, "not durable"
        if outcome is ResumeOutcome.REJOINED:
            assert change.session_id in self.ids_on_disk | self.ids_told
            assert self.last_room is None or self.last_room is room, "another room"
        elif outcome is ResumeOutcome.RESUMED:
            assert change.session_id in self.ids_on_disk | self.ids_told
        else:
            assert change.session_id not in self.ids_told, "an old conversation called fresh"
            if change.resume.reason is FreshReason.NO_STORED_ID:
                lost = self.found in self.ids_told and self.found not in self.forgotten
                assert not lost, "a stored id was lost"
        assert change.session_id not in self.forgotten, "what was forgotten came back"
        assert not self.must_fail, "fell back"
        if self.policy.resume_policy is ResumePolicy.ALWAYS_RESUME:
            assert self.must_be in (None, change.session_id), "fell back"
            self.must_be = change.session_id
        self.ids_told.add(change.session_id)
        self.found = change.session_id  # a server that answers with another id replaced it
        self.last_room = room
        self.outcomes[outcome.value] = self.outcomes.get(outcome.value, 0) + 1


def _nothing(client: Client, command: Any) -> None:
    """The timer fires all the same; the machine knows that it is stale."""


PERFORM: dict[type[Any], Callable[[Client, Any], None]] = {
    LoadRecord: Client._load,
    StoreRecord: Client._store,
    ClearRecord: Client._clear,
    OpenConnection: Client._open,
    CloseConnection: Client._close,
    AbortConnection: Client._abort,
    StartTimer: Client._start_timer,
    CancelTimer: _nothing,
    OpenMicrophone: Client._open_microphone,
    CloseMicrophone: Client._close_microphone,
    Publish: Client._publish,
}
