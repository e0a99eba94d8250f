"""The weather of the whole product: real runners, real wire, real service, simulated sockets.

Only what touches the machine is simulated: sockets, disks, clocks. A run is a few characters in
one game for some virtual minutes, with a fault every few seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import count
from random import Random

from characters.session.conversation import SessionState
from characters.session.events import (
    ConnectRequested,
    DisconnectRequested,
    Event,
    ForgetRequested,
    HibernateRequested,
    WakeRequested,
)
from characters.storage.sessions import KeyValueSessionPersistence, MemoryStore
from tests.simulation.promise import BrokenPromise, promise
from tests.simulation.report import Outcome, broken
from tests.simulation.shell.forecast import CAST, CHARACTER_FAULTS, COMMON_FAULTS
from tests.simulation.shell.game import Game
from tests.simulation.shell.guest import Guest
from tests.simulation.shell.house import House
from tests.simulation.shell.loop import ShellLoop
from tests.simulation.shell.network import Road

__all__ = ["simulate_shell"]

RETRY_SECONDS = 10.0
CALM_SECONDS = 100.0
SILENT_SECONDS = 20.0
WISHES: Mapping[str, Event] = {
    "disconnect": DisconnectRequested(),
    "forget": ForgetRequested(),
    "hibernate": HibernateRequested(),
}
AT_REST = (SessionState.DISCONNECTED, SessionState.ERROR)


class ShellWeather:
    """One run."""

    def __init__(self, seed: int, characters: int) -> None:
        self.random = Random(f"shell {seed}")
        self.loop = ShellLoop(self.random)
        self.outcome = Outcome(seed)
        self.house = House(self.loop)
        self.problem: BrokenPromise | None = None
        self._lines = map("line-{}".format, count(1))
        self._store = MemoryStore()
        persistence = KeyValueSessionPersistence(self._store)
        self.guests = [
            Guest(
                f"c{n}",
                *CAST[n % len(CAST)],
                partial(Road, self.loop, lambda: self.house.door),
                self.house,
                persistence,
                self._fail,
            )
            for n in range(characters)
        ]
        self._persistence = persistence
        self._is_stormy = True
        self._is_silent = False

    def _fail(self, problem: BrokenPromise) -> None:
        if self.problem is None:
            self.problem = problem

    # --- processes ------------------------------------------------------------------------------

    def _start_game(self) -> None:
        """Start the game's process with every character in it."""
        self.game = Game(self.loop, self.guests, self._persistence, self._lines)

    def _feed(self, guest: Guest, event: Event) -> None:
        self.game.feed(guest, event)

    # --- the run --------------------------------------------------------------------------------

    def run(self, minutes: float) -> None:
        """Let it storm, then calm down and look whether everything is there."""
        self.house.start()
        self._start_game()
        for guest in self.guests:
            self.loop.call_later(RETRY_SECONDS, self._retry, guest)
            for name, mean in CHARACTER_FAULTS.items():
                self._plan(name, mean, guest)
        for name, mean in COMMON_FAULTS.items():
            self._plan(name, mean, None)
        self._pass(minutes * 60.0)
        self._is_stormy = False
        self._pass(CALM_SECONDS)
        self._is_silent = True
        self._pass(SILENT_SECONDS)
        for guest in self.guests:
            guest.check()
        self.house.check()
        self._end()

    def _pass(self, seconds: float) -> None:
        until = self.loop.time() + seconds
        while self.loop.time() < until:
            self.loop.run_for(min(5.0, until - self.loop.time()))
            problem = self.problem or self.house.store.problem
            if problem is not None:
                raise problem
            problems = self.loop.problems
            promise(not problems, f"Something broke that nobody looked after: {problems[:1]}.")

    def _end(self) -> None:
        """Leave, and look what is left of it."""
        for guest in self.guests:
            self._feed(guest, DisconnectRequested())
        self._pass(5.0)
        for guest in self.guests:
            runner = guest.runner
            assert runner is not None
            state = runner.session.view.state
            promise(state in AT_REST, f"It stays {state.name} after a disconnect.", guest.name)
            promise(not runner.is_leaking, "Something of a connection is left.", guest.name)
        limiter = self.game.limiter
        promise(not limiter.in_flight and not limiter.waiting, "A place in the limiter is lost.")

    def _plan(self, name: str, mean: float, guest: Guest | None) -> None:
        seconds = self.random.expovariate(1 / mean)
        self.loop.call_later(seconds, self._strike, name, mean, guest)

    def _strike(self, name: str, mean: float, guest: Guest | None) -> None:
        if not self._is_stormy:
            return
        self.outcome.faults[name] += 1
        if guest is None:
            COMMON[name](self)
        else:
            SINGLE[name](self, guest)
        self._plan(name, mean, guest)

    def _retry(self, guest: Guest) -> None:
        """The player comes back to whoever is not connected; in calm weather he goes on to talk."""
        if guest.runner is not None and guest.runner.session.view.state in AT_REST:
            self._feed(guest, ConnectRequested())
        if not self._is_stormy and not self._is_silent:
            self.game.call(guest.type_line)
        self.loop.call_later(RETRY_SECONDS, self._retry, guest)

    # --- what strikes one character -------------------------------------------------------------

    def _wish(self, name: str, guest: Guest) -> None:
        self._feed(guest, WISHES[name])
        if name == "hibernate":
            self.loop.call_later(self._a_while(), self._feed, guest, WakeRequested())

    def _a_while(self) -> float:
        return self.random.choice((0.3, 3.0, 10.0, 40.0))

    def _reset(self, guest: Guest) -> None:
        guest.road.reset()

    def _black_hole(self, guest: Guest) -> None:
        guest.road.set_black_hole(True)
        self.loop.call_later(self._a_while(), guest.road.set_black_hole, False)

    def _cut_off(self, guest: Guest) -> None:
        guest.road.is_cut_off = True
        guest.road.reset()
        self.loop.call_later(self._a_while(), setattr, guest.road, "is_cut_off", False)

    def _expire(self, guest: Guest) -> None:
        if guest.runner is not None and guest.runner.session.view.session_id is not None:
            self.house.remove(guest.runner.session.view.session_id)

    def _delay(self, guest: Guest) -> None:
        self.game.call(guest.change_delay, self.random.choice((0.0, 0.5, 2.0)))

    def _says(self, guest: Guest) -> None:
        for _ in range(self.random.choice((1, 1, 2, 12))):
            self.game.call(guest.type_line)
        if guest.runner is not None and self.random.random() < 0.1:
            self.game.later(self.random.random(), guest.runner.conversation.interrupt)
        # What was said is on its way when the line breaks, or the answer is, or its receipt.
        if self.random.random() < 0.3:
            self.loop.call_later(self.random.uniform(0.0, 0.8), guest.road.reset)

    def _speaks(self, guest: Guest) -> None:
        for number in range(100):
            self.game.later(number * 0.02, guest.speak)

    # --- what strikes all -----------------------------------------------------------------------

    def _crash(self) -> None:
        """Kill the game, and start it again."""
        self.game.crash()
        for guest in self.guests:
            guest.road.reset()
        self._start_game()

    def _kill_amid_words(self) -> None:
        """Kill the service while something is said: on its way, being kept, being answered."""
        for guest in self.guests:
            self.game.later(self.random.random() * 0.5, guest.type_line)
        self.loop.call_later(0.4, self._kill)

    def _kill(self) -> None:
        if self.house.process is None:
            return
        self.house.kill()
        for guest in self.guests:
            guest.road.reset()
        self.loop.call_later(self.random.choice((0.3, 2.0, 10.0)), self.house.start)

    def _drain(self) -> None:
        service, process = self.house.service, self.house.process
        if service is not None and process is not None and not service.is_draining:
            process.start(service.drain())
            self.loop.call_later(1.0, self._kill)

    def _trouble(self, whose: str, what: str) -> None:
        process = self.game if whose == "game" else self.house.process
        if process is not None:
            setattr(process.disk, what, True)
            self.loop.call_later(15.0, setattr, process.disk, what, False)


SINGLE: Mapping[str, Callable[[ShellWeather, Guest], None]] = {
    **{name: lambda weather, guest, name=name: weather._wish(name, guest) for name in WISHES},  # type: ignore[misc] # bound now
    "reset": ShellWeather._reset,
    "black_hole": ShellWeather._black_hole,
    "cut_off": ShellWeather._cut_off,
    "expire": ShellWeather._expire,
    "delay": ShellWeather._delay,
    "says": ShellWeather._says,
    "speaks": ShellWeather._speaks,
}
COMMON: Mapping[str, Callable[[ShellWeather], None]] = {
    "crash": ShellWeather._crash,
    "kill": ShellWeather._kill_amid_words,
    "drain": ShellWeather._drain,
    "slow_disk": lambda weather: weather._trouble("game", "is_slow"),
    "bad_disk": lambda weather: weather._trouble("game", "is_failing"),
    "slow_service": lambda weather: weather._trouble("house", "is_slow"),
    "bad_service": lambda weather: weather._trouble("house", "is_failing"),
}


@contextmanager
def _quiet() -> Iterator[None]:
    """Faults are what this is about: nobody needs a log of each."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def simulate_shell(seed: int, *, hours: float = 1 / 6, clients: int = 6) -> Outcome:
    """Run one seed over the real shell; what it broke is in the outcome, said in words."""
    with _quiet():
        weather = ShellWeather(seed, clients)
        try:
            weather.run(hours * 60.0)
        except BrokenPromise as problem:
            again = f"--shell --seeds {seed}-{seed} --hours {hours!r} --clients {clients}"
            diary = next((g.diary for g in weather.guests if g.name == problem.who), ())
            now = weather.loop.time() - 1000.0
            weather.outcome.broken = broken(problem, seed, now, diary, again)
        finally:
            weather.game.kill()
            weather.house.kill()
            weather.loop.finish()
    for guest in weather.guests:
        weather.outcome.outcomes.update(guest.outcomes)
        weather.outcome.words.update(guest.counts)
    weather.outcome.session_hours = hours * clients
    return weather.outcome
