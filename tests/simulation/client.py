"""A simulated client: the real session machine, and all that it orders, in a process that dies."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from characters.protocol.link import Ack, Bye, Welcome
from characters.service.registry import Room
from characters.session.conversation import SessionState, SessionStateChanged
from characters.session.events import (
    AbortConnection,
    CancelTimer,
    ClearRecord,
    CloseConnection,
    CloseMicrophone,
    Event,
    ForgetRequested,
    LoadRecord,
    OpenConnection,
    OpenMicrophone,
    PolicyChanged,
    Publish,
    ServerEnded,
    Session,
    StartTimer,
    StoreRecord,
    TimerFired,
)
from characters.session.machine import advance
from characters.session.policy import Persist, ReconnectPolicy
from tests.simulation.attempt import Attempts
from tests.simulation.disk import Disk
from tests.simulation.microphone import Microphone
from tests.simulation.promise import BrokenPromise
from tests.simulation.records import Records
from tests.simulation.report import Entry
from tests.simulation.service import Service
from tests.simulation.session_checker import SessionChecker
from tests.simulation.virtual_time import Time
from tests.simulation.wire import Item, Wire
from tests.simulation.words import Ledger, Words

__all__ = ["Client"]

LAST_EVENTS = 40


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
    ) -> None:
        self.name, self.policy, self.persist = name, policy, persist
        self.time, self.service = time, service
        self.life = 0
        self.diary: deque[Entry] = deque(maxlen=LAST_EVENTS)
        self.ledger = Ledger()
        self.records = Records(self, time, disk)
        self.attempts = Attempts(self, time, service)
        self.watch = SessionChecker(self, time)
        self._event: Event | None = None
        self._known: str | None = None  # the session's id before the present event
        self._begin()

    def _begin(self) -> None:
        self.life += 1
        self.session = Session(
            self.name, endpoint_id="home", policy=self.policy, persist=self.persist
        )
        self.last_room: Room | None = None
        self.words = Words(self, self.time, self.ledger)
        self.microphone = Microphone(self, self.time)
        self.records.begin_again()
        self.watch.begin_again()

    # --- what happens to it -----------------------------------------------------------------

    def feed(self, event: Event) -> None:
        """Let the machine decide, and perform what it orders."""
        before, self._event, self._known = self._event, event, self.session.session_id
        state = self.session.state
        now = max(self.time.now, event.due) if isinstance(event, TimerFired) else self.time.now
        self.watch.fed(event)
        try:
            self.session, commands = advance(self.session, event, now)
        except Exception as problem:
            raise BrokenPromise(f"{type(problem).__name__}: {problem}", self.name) from problem
        self.diary.append((now, event, self.session.state))
        for command in commands:
            PERFORM[type(command)](self, command)
        if isinstance(event, ForgetRequested):
            self.words.talk.forget()
        elif isinstance(event, ServerEnded):
            self.watch.ended(event, state)
        self._event = before

    def receive(self, wire: Wire, item: Item) -> None:
        """Take what came over a line, unless another one has replaced it."""
        if wire is not self.attempts.wire:
            return
        if isinstance(item, dict):
            self.words.hear(wire, item)
        elif isinstance(item, Ack):
            self.words.acknowledged(item)
        elif isinstance(item, Welcome):
            self.attempts.welcomed(wire, item)
        elif isinstance(item, Bye):
            self.attempts.said_goodbye(wire, item)

    def confirm(self, wire: Wire) -> None:
        """Confirm what came over a line."""
        if wire is self.attempts.wire:
            self.words.confirm(wire)

    def type_line(self) -> None:
        """Let the player type, in whatever process there is."""
        self.words.type_line()

    def interrupt(self) -> None:
        """Let the player cut the character short."""
        self.words.interrupt()

    def crash(self) -> None:
        """The process is killed: nothing is said, nothing more is stored."""
        self.life += 1
        self.attempts.crash()
        self._begin()

    def change_policy(self, policy: ReconnectPolicy) -> None:
        """Replace the policy at once."""
        self.policy = policy
        self.microphone.policy_changed()
        self.feed(PolicyChanged(policy))

    def change_delay(self, seconds: float) -> None:
        """Let the microphone open so long after the ready signal."""
        self.change_policy(replace(self.policy, auto_mic_start_delay_seconds=seconds))

    # --- what the machine orders --------------------------------------------------------------

    def _load(self, command: LoadRecord) -> None:
        self.watch.loads()
        self.records.load(command)

    def _clear(self, command: ClearRecord) -> None:
        self.watch.clears(self._event, self._known)
        self.records.clear(command)

    def _open(self, plan: OpenConnection) -> None:
        self.watch.opens(plan)
        self.microphone.lost()
        self.attempts.open(plan)

    def _start_timer(self, command: StartTimer) -> None:
        wait = max(0.0, command.due - self.time.now)
        self.time.later(wait, self._fire, command, self.life)

    def _fire(self, command: StartTimer, life: int) -> None:
        # One that was cancelled fires all the same: the machine knows that it is stale.
        if life == self.life:
            self.feed(TimerFired(command.timer, command.due, self.time.random.random()))

    def _publish(self, command: Publish) -> None:
        change = command.event
        self.watch.publishes(command)
        if isinstance(change, SessionStateChanged):
            if change.new_state is SessionState.CONNECTED:
                self.microphone.connected()
                self.attempts.connected()
            self.words.state_changed(change)


def _nothing(client: Client, command: Any) -> None:
    """A timer that is cancelled fires all the same."""


PERFORM: dict[type[Any], Callable[[Client, Any], None]] = {
    LoadRecord: Client._load,
    StoreRecord: lambda client, command: client.records.store(command),
    ClearRecord: Client._clear,
    OpenConnection: Client._open,
    CloseConnection: lambda client, command: client.attempts.close(command),
    AbortConnection: lambda client, command: client.attempts.abort(command),
    StartTimer: Client._start_timer,
    CancelTimer: _nothing,
    OpenMicrophone: lambda client, command: client.microphone.open(command),
    CloseMicrophone: lambda client, command: client.microphone.close(command),
    Publish: Client._publish,
}
