"""Weather: faults from a seed over many sessions; a failing seed replays exactly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from characters.core.policy import Persist, ReconnectPolicy, ResumePolicy
from characters.core.session_events import (
    ConnectRequested,
    DisconnectRequested,
    Event,
    ForgetRequested,
    HibernateRequested,
    PlayerActed,
    WakeRequested,
)
from characters.core.state import SessionState
from tests.simulation.client import Client
from tests.simulation.talk import FarEnds
from tests.simulation.world import Disk, Service, Time

__all__ = ["Outcome", "simulate"]

CAST: tuple[tuple[ReconnectPolicy, Persist], ...] = (
    (ReconnectPolicy.DEFAULT, Persist.ACROSS_RESTARTS),
    (ReconnectPolicy.ALWAYS_CREATE_NEW, Persist.ACROSS_RESTARTS),
    (ReconnectPolicy.PATIENT, Persist.UNTIL_DISCONNECT),
    (ReconnectPolicy(resume_policy=ResumePolicy.ALWAYS_RESUME), Persist.ACROSS_RESTARTS),
    (
        ReconnectPolicy(room_rejoin_ttl_seconds=120, max_reconnect_attempts=5),
        Persist.ACROSS_RESTARTS,
    ),
    (
        ReconnectPolicy(resume_policy=ResumePolicy.ALWAYS_FRESH, auto_mic_start_delay_seconds=0.0),
        Persist.UNTIL_DISCONNECT,
    ),
)
# Mean seconds between two faults of a kind, for each client.
CLIENT_FAULTS = {
    "reset": 1800.0,
    "black_hole": 5400.0,
    "cut_off": 7200.0,
    "crash": 10800.0,
    "disconnect": 10800.0,
    "forget": 21600.0,
    "hibernate": 14400.0,
    "expire": 14400.0,
    "bye": 10800.0,
    "wall_jump": 14400.0,
    "acts": 3600.0,
    "says": 600.0,
}
SERVICE_FAULTS = {
    "kill": 10800.0,
    "drain": 14400.0,
    "slow_disk": 14400.0,
    "bad_disk": 28800.0,
    "lies": 14400.0,
}
RETRY_SECONDS = 120.0
CALM_SECONDS = 900.0


@dataclass
class Outcome:
    """What a run counted."""

    seed: int
    session_hours: float
    steps: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)


class Weather:
    """One run."""

    def __init__(self, seed: int, clients: int) -> None:
        self.time = Time(seed)
        self.disk = Disk(self.time)
        self.service = Service(self.time)
        self.far_ends = FarEnds()
        self.faults: Counter[str] = Counter()
        self.is_stormy = True
        self.clients = [
            Client(f"c{n}", *CAST[n % len(CAST)], self.time, self.disk, self.service, self.far_ends)
            for n in range(clients)
        ]

    def run(self, hours: float) -> None:
        for client in self.clients:
            client.feed(ConnectRequested())
            self.time.later(RETRY_SECONDS, lambda client=client: self._retry(client))  # type: ignore[misc] # bound now
            for name, mean in CLIENT_FAULTS.items():
                self._plan(name, mean, lambda name=name, client=client: self._break(name, client))  # type: ignore[misc] # bound now
        for name, mean in SERVICE_FAULTS.items():
            self._plan(name, mean, getattr(self, f"_{name}"))
        self.time.run(hours * 3600.0)
        self._calm_down()

    def _plan(self, name: str, mean: float, action: Callable[[], None]) -> None:
        def strike() -> None:
            if self.is_stormy:
                self.faults[name] += 1
                action()
                self._plan(name, mean, action)

        self.time.later(self.time.random.expovariate(1 / mean), strike)

    def _retry(self, client: Client) -> None:
        """The player comes back now and then to whoever is not connected."""
        client.feed(ConnectRequested())
        self.time.later(RETRY_SECONDS, lambda: self._retry(client))

    def _break(self, name: str, client: Client) -> None:
        for_a_while = self.time.random.choice((0.3, 3.0, 30.0, 100.0))
        if name == "reset":
            client.reset()
        elif name == "black_hole":
            client.enter_black_hole()
            self.time.later(for_a_while, client.leave_black_hole)
        elif name == "cut_off":
            client.is_cut_off = True
            client.reset()
            self.time.later(for_a_while, lambda: setattr(client, "is_cut_off", False))
        elif name == "crash":
            client.crash()
        elif name == "expire" and client.session.session_id is not None:
            self.service.expire(client.session.session_id)
        elif name == "bye":
            client.server_says_bye(self.time.random.choice(("idle-timeout", "quota", "drain")))
        elif name == "says":
            for _ in range(self.time.random.choice((1, 3, 12))):
                client.talk.say()
            # What was said is on its way when the line breaks, or the answer is, or its receipt.
            if self.time.random.random() < 0.3:
                breaks = self.time.random.choice((client.reset, client.reset, client.crash))
                self.time.later(self.time.random.uniform(0.0, 0.12), breaks)
        elif name == "wall_jump":
            client.wall_offset += self.time.random.choice((-3600.0, 3600.0))
        elif name in WISHES:
            client.feed(WISHES[name])
            if name == "hibernate":
                self.time.later(for_a_while, lambda: client.feed(WakeRequested()))

    def _kill(self) -> None:
        if not self.service.is_up:
            return
        self.service.kill()
        self.far_ends.clear()
        for client in self.clients:
            client.server_died()
        self.time.later(self.time.random.choice((0.3, 2.0, 10.0, 120.0)), self.service.start)

    def _drain(self) -> None:
        if not self.service.is_up:
            return
        self.service.is_draining = True
        for client in self.clients:
            client.server_says_bye("drain", 1.0)
        self.time.later(1.0, self._kill)

    def _slow_disk(self) -> None:
        self.disk.is_slow = True
        self.time.later(60.0, lambda: setattr(self.disk, "is_slow", False))

    def _bad_disk(self) -> None:
        self.disk.is_failing = True
        self.time.later(60.0, lambda: setattr(self.disk, "is_failing", False))

    def _lies(self) -> None:
        """Answer with other sessions than those asked for: no resume, whatever the status says."""
        self.service.is_lying = True
        self.time.later(300.0, lambda: setattr(self.service, "is_lying", False))

    def _calm_down(self) -> None:
        """No more faults: now everybody must come to be connected."""
        self.is_stormy = False
        self.time.run(self.time.now + CALM_SECONDS)
        lost = {c.name: c.session for c in self.clients if c.session.state is not CONNECTED}
        assert not lost, f"not connected in calm weather: {lost}"
        for client in self.clients:
            client.talk.check()


CONNECTED = SessionState.CONNECTED
WISHES: Mapping[str, Event] = {
    "disconnect": DisconnectRequested(),
    "forget": ForgetRequested(),
    "hibernate": HibernateRequested(),
    "acts": PlayerActed(),
}


def simulate(seed: int, *, hours: float = 24.0, clients: int = 12) -> Outcome:
    """Run one seed; raises AssertionError when a promise was broken."""
    weather = Weather(seed, clients)
    weather.run(hours)
    outcomes: Counter[str] = Counter()
    for client in weather.clients:
        outcomes.update(client.outcomes)
    return Outcome(seed, hours * clients, weather.time.steps, weather.faults, outcomes)
