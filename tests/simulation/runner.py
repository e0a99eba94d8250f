"""Weather: faults from a seed over many sessions; a failing seed replays exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from characters.protocol.failures import Failure
from characters.protocol.messages import ConnectRequest
from characters.service.registry import Grant
from characters.session.conversation import SessionState
from characters.session.events import (
    ConnectRequested,
    DisconnectRequested,
    Event,
    ForgetRequested,
    HibernateRequested,
    PlayerActed,
    WakeRequested,
)
from tests.simulation.client import Client
from tests.simulation.disk import Disk
from tests.simulation.fault_plan import CAST, CLIENT_FAULTS, SERVICE_FAULTS, TROUBLES
from tests.simulation.promise import BrokenPromise, promise
from tests.simulation.report import Outcome, broken
from tests.simulation.service import Service
from tests.simulation.virtual_time import Time

__all__ = ["simulate"]

RETRY_SECONDS = 120.0
CALM_SECONDS = 900.0
# The last line is answered, and its end confirmed, well within that.
SILENT_SECONDS = 60.0

CONNECTED = SessionState.CONNECTED
AT_REST = (SessionState.DISCONNECTED, SessionState.ERROR)
WISHES: Mapping[str, Event] = {
    "disconnect": DisconnectRequested(),
    "forget": ForgetRequested(),
    "hibernate": HibernateRequested(),
    "acts": PlayerActed(),
}


class SimulationRun:
    """One run."""

    def __init__(self, seed: int, clients: int) -> None:
        self.time = Time(seed)
        self.disk = Disk(self.time)
        self.service = Service(self.time)
        self.is_stormy = True
        self.is_silent = False
        self.outcome = Outcome(seed)
        self.clients = [
            Client(f"c{n}", *CAST[n % len(CAST)], self.time, self.disk, self.service)
            for n in range(clients)
        ]

    def run(self, hours: float) -> None:
        for client in self.clients:
            client.feed(ConnectRequested())
            self.time.later(RETRY_SECONDS, self._retry, client)
            for name, mean in CLIENT_FAULTS.items():
                self._plan(name, mean, client)
        for name, mean in SERVICE_FAULTS.items():
            self._plan(name, mean, None)
        self.time.run(hours * 3600.0)
        self._calm_down()

    def _plan(self, name: str, mean: float, client: Client | None) -> None:
        seconds = self.time.random.expovariate(1 / mean)
        self.time.later(seconds, self._strike, name, mean, client)

    def _strike(self, name: str, mean: float, client: Client | None) -> None:
        if not self.is_stormy:
            return
        self.outcome.faults[name] += 1
        if client is None:
            self._break_service(name)
        elif name in WISHES:
            client.feed(WISHES[name])
            if name == "hibernate":
                self.time.later(self._a_while(), client.feed, WakeRequested())
        else:
            FAULTS[name](self, client)
        self._plan(name, mean, client)

    def _a_while(self) -> float:
        return self.time.random.choice((0.3, 3.0, 30.0, 100.0))

    def _retry(self, client: Client) -> None:
        """The player comes back now and then to whoever is not connected."""
        error = client.session.error
        if error is not None and error.code == "session.resume_refused" and self._starts_anew():
            client.feed(ForgetRequested())
        if client.session.state in AT_REST or self.time.chance(0.1):
            client.feed(ConnectRequested())
        if not self.is_stormy and not self.is_silent:
            client.type_line()
        self.time.later(RETRY_SECONDS, self._retry, client)

    def _starts_anew(self) -> bool:
        """Return whether the player gives up a talk that cannot be resumed; in the end always."""
        return not self.is_stormy or self.time.chance(0.5)

    # --- what strikes one client --------------------------------------------------------------

    def _reset(self, client: Client) -> None:
        client.attempts.reset()

    def _black_hole(self, client: Client) -> None:
        client.attempts.enter_black_hole()
        self.time.later(self._a_while(), setattr, client.attempts, "is_in_black_hole", False)

    def _cut_off(self, client: Client) -> None:
        self._cut_off_for(client, self._a_while())

    def _outage(self, client: Client) -> None:
        self._cut_off_for(client, 4000.0)

    def _cut_off_for(self, client: Client, seconds: float) -> None:
        client.attempts.is_cut_off = True
        client.attempts.reset()
        self.time.later(seconds, setattr, client.attempts, "is_cut_off", False)

    def _flapping(self, client: Client) -> None:
        """A service that lets in and drops at once, again and again."""
        client.attempts.is_flapping = True
        client.attempts.reset()
        self.time.later(60.0, setattr, client.attempts, "is_flapping", False)

    def _crash(self, client: Client) -> None:
        client.crash()

    def _expire(self, client: Client) -> None:
        if client.session.session_id is not None and self.service.is_up:
            self.service.expire(client.session.session_id)

    def _bye(self, client: Client) -> None:
        self._amid_words([client], self._end_room, client)

    def _amid_words(
        self, clients: Iterable[Client], action: Callable[..., None], *args: Any
    ) -> None:
        """Let it happen while something is said: on its way, being kept, or being answered."""
        for client in clients:
            self.time.later(self.time.random.random() * 0.5, client.type_line)
        self.time.later(0.4, action, *args)

    def _end_room(self, client: Client) -> None:
        wire = client.attempts.wire
        if wire is not None and wire.is_whole and wire.live_room is not None:
            reason = self.time.random.choice(("quota", "killed", "drain", "overflow"))
            wire.live_room.end(reason, 1.0 if reason == "drain" else None)

    def _rival(self, client: Client) -> None:
        """Another process asks for the same conversation."""
        wire, session_id = client.attempts.wire, client.session.session_id
        if session_id is None or not self.service.is_up or self.service.is_draining:
            return
        takes_over = self.time.chance(0.3)
        live_room = None if wire is None or not wire.is_whole else wire.live_room
        is_ended = session_id in self.service.store.ended
        # A room that was ended just now is nobody's, though the client has not heard of it.
        is_live = live_room is not None and not live_room.is_over and not is_ended
        ask = ConnectRequest(
            client.name,
            character_session_id=session_id,
            end_user_id="player",
            takeover=takes_over or None,
        )
        may_win = takes_over or not is_live or self.service.is_lying

        def answered(answer: Grant | Failure) -> None:
            is_refused = not isinstance(answer, Grant)
            promise(is_refused or may_win, "A live session was taken away unasked.", client.name)

        self.service.connect(ask, answered)

    def _wall_jump(self, client: Client) -> None:
        client.records.wall_offset += self.time.random.choice((-3600.0, 3600.0))

    def _delay(self, client: Client) -> None:
        client.change_delay(self.time.random.choice((0.0, 0.5, 2.0)))

    def _says(self, client: Client) -> None:
        for _ in range(self.time.random.choice((1, 1, 1, 2, 12))):
            client.type_line()
        if self.time.chance(0.1):
            self.time.later(self.time.random.random(), client.interrupt)
        # What was said is on its way when the line breaks, or the answer is, or its receipt.
        if self.time.chance(0.3):
            attempts = client.attempts
            breaks = self.time.random.choice((attempts.reset, attempts.reset, client.crash))
            self.time.later(self.time.random.uniform(0.0, 0.8), breaks)

    # --- what strikes all -----------------------------------------------------------------------

    def _break_service(self, name: str) -> None:
        if name == "kill":
            self._amid_words(self.clients, self._kill)
        elif name == "drain" and self.service.is_up and not self.service.is_draining:
            self.service.drain()
            self.time.later(1.0, self._kill)
        elif name in TROUBLES:
            where, what, seconds = TROUBLES[name]
            target = self.service.disk if where == "service's disk" else self.disk
            subject = self.service if where == "service" else target
            setattr(subject, what, True)
            self.time.later(seconds, setattr, subject, what, False)

    def _kill(self) -> None:
        if not self.service.is_up:
            return
        self.service.kill()
        for client in self.clients:
            client.attempts.server_died()
        self.time.later(self.time.random.choice((0.3, 2.0, 10.0, 120.0)), self.service.start)

    # --- the end --------------------------------------------------------------------------------

    def _calm_down(self) -> None:
        """No more faults: now everybody must come to be connected, and every word must arrive."""
        self.is_stormy = False
        for client in self.clients:
            client.attempts.is_cut_off = client.attempts.is_in_black_hole = False
        self.time.run(self.time.now + CALM_SECONDS)
        self.is_silent = True
        self.time.run(self.time.now + SILENT_SECONDS)
        for client in self.clients:
            state = client.session.state
            promise(state is CONNECTED, f"In calm weather it stays {state.name}.", client.name)
            client.words.check()

    def count(self, hours: float) -> Outcome:
        """Return what the run counted."""
        outcome = self.outcome
        outcome.session_hours = hours * len(self.clients)
        outcome.steps = self.time.steps
        outcome.words.update(self.service.counts)
        for client in self.clients:
            outcome.outcomes.update(client.watch.outcomes)
            outcome.words.update(client.ledger.counts)
            outcome.words["requests"] += client.attempts.opened
        return outcome


FAULTS: Mapping[str, Callable[[SimulationRun, Client], None]] = {
    "reset": SimulationRun._reset,
    "black_hole": SimulationRun._black_hole,
    "cut_off": SimulationRun._cut_off,
    "outage": SimulationRun._outage,
    "flapping": SimulationRun._flapping,
    "crash": SimulationRun._crash,
    "expire": SimulationRun._expire,
    "bye": SimulationRun._bye,
    "rival": SimulationRun._rival,
    "wall_jump": SimulationRun._wall_jump,
    "delay": SimulationRun._delay,
    "says": SimulationRun._says,
}


def simulate(seed: int, *, hours: float = 24.0, clients: int = 12) -> Outcome:
    """Run one seed; what it broke is in the outcome, said in words."""
    weather = SimulationRun(seed, clients)
    try:
        weather.run(hours)
    except BrokenPromise as problem:
        again = f"--seeds {seed}-{seed} --hours {hours:g} --clients {clients}"
        diary = next((c.diary for c in weather.clients if c.name == problem.who), ())
        weather.outcome.broken = broken(problem, seed, weather.time.now, diary, again)
    return weather.count(hours)
