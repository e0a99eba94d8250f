"""Simulate the whole product: real runners, real wire, real service, simulated sockets.

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

from characters.protocol.failures import Failure
from characters.session.conversation import SessionState
from characters.session.events import (
    ConnectRequested,
    DisconnectRequested,
    Event,
    ForgetRequested,
    HibernateRequested,
    WakeRequested,
)
from characters.storage.sessions import KeyValueSessionPersistence
from tests.simulation.promise import BrokenPromise, promise
from tests.simulation.report import Outcome, broken
from tests.simulation.shell.client import ClientCharacter
from tests.simulation.shell.fault_plan import CAST, CHARACTER_FAULTS, COMMON_FAULTS
from tests.simulation.shell.game import Game, KeptPrefs
from tests.simulation.shell.loop import ShellLoop
from tests.simulation.shell.network import Route
from tests.simulation.shell.service_host import ServiceHost

__all__ = ["simulate_shell"]

RETRY_SECONDS = 10.0
CALM_SECONDS = 100.0
SILENT_SECONDS = 20.0
WISHES: Mapping[str, Event] = {
    "disconnect": DisconnectRequested(),
    "forget": ForgetRequested(),
    "hibernate": HibernateRequested(),
}
SLOTS = ("harbour", "market", "tower")
AT_REST = (SessionState.DISCONNECTED, SessionState.ERROR)


class ShellRun:
    """One run."""

    def __init__(self, seed: int, characters: int) -> None:
        self.random = Random(f"shell {seed}")
        self.loop = ShellLoop(self.random)
        self.outcome = Outcome(seed)
        self.host = ServiceHost(self.loop)
        self.problem: BrokenPromise | None = None
        self._lines = map("line-{}".format, count(1))
        self._prefs = KeptPrefs()
        persistence = KeyValueSessionPersistence(self._prefs)
        self.characters = [
            ClientCharacter(
                f"c{n}",
                *CAST[n % len(CAST)],
                partial(Route, self.loop, lambda: self.host.door),
                self.host,
                persistence,
                self._fail,
            )
            for n in range(characters)
        ]
        self._is_stormy = True
        self._is_silent = self._is_leaving = False

    def _fail(self, problem: BrokenPromise) -> None:
        if self.problem is None:
            self.problem = problem

    # --- processes ------------------------------------------------------------------------------

    def _start_game(self) -> None:
        """Start the game's process with every character in it."""
        self.game = Game(self.loop, self.characters, self._prefs, self._lines, self._count)

    def _count(self, what: str) -> None:
        self.outcome.words[what] += 1

    def _feed(self, character: ClientCharacter, event: Event) -> None:
        self.game.feed(character, event)

    # --- the run --------------------------------------------------------------------------------

    def run(self, minutes: float) -> None:
        """Let it storm, then calm down and look whether everything is there."""
        self.host.start()
        self._start_game()
        for character in self.characters:
            self.loop.call_later(RETRY_SECONDS, self._retry, character)
            for name, mean in CHARACTER_FAULTS.items():
                self._plan(name, mean, character)
        for name, mean in COMMON_FAULTS.items():
            self._plan(name, mean, None)
        self._pass(minutes * 60.0)
        self._is_stormy = False
        self._pass(CALM_SECONDS)
        self._is_silent = True
        self._pass(SILENT_SECONDS)
        for character in self.characters:
            character.check()
        self.host.check()
        self._end()

    def _pass(self, seconds: float) -> None:
        until = self.loop.time() + seconds
        while self.loop.time() < until:
            self.loop.run_for(min(5.0, until - self.loop.time()))
            problem = self.problem or self.host.store.problem
            if problem is not None:
                raise problem
            problems = self.loop.problems
            promise(not problems, f"Something broke that nobody looked after: {problems[:1]}.")

    def _end(self) -> None:
        """Leave, and look what is left of it."""
        self._is_leaving = True
        for character in self.characters:
            self._feed(character, DisconnectRequested())
        self._pass(5.0)
        for character in self.characters:
            runner = character.runner
            assert runner is not None
            state = runner.session.view.state
            promise(state in AT_REST, f"It stays {state.name} after a disconnect.", character.name)
            promise(not runner.is_leaking, "Something of a connection is left.", character.name)
        limiter = self.game.limiter
        promise(not limiter.in_flight and not limiter.waiting, "A place in the limiter is lost.")

    def _plan(self, name: str, mean: float, character: ClientCharacter | None) -> None:
        seconds = self.random.expovariate(1 / mean)
        self.loop.call_later(seconds, self._strike, name, mean, character)

    def _strike(self, name: str, mean: float, character: ClientCharacter | None) -> None:
        if not self._is_stormy:
            return
        self.outcome.faults[name] += 1
        if character is None:
            COMMON[name](self)
        else:
            SINGLE[name](self, character)
        self._plan(name, mean, character)

    def _retry(self, character: ClientCharacter) -> None:
        """The player comes back to whoever is not connected; in calm weather he goes on to talk."""
        if self._is_leaving:
            return
        if character.runner is not None and character.runner.session.view.state in AT_REST:
            if self._starts_anew(character.runner.session.view.error):
                self._feed(character, ForgetRequested())
            self._feed(character, ConnectRequested())
        if not self._is_stormy and not self._is_silent:
            self.game.call(character.type_line)
        self.loop.call_later(RETRY_SECONDS, self._retry, character)

    def _starts_anew(self, error: Failure | None) -> bool:
        """Return whether the player gives up a talk that cannot be resumed; in the end always."""
        is_refused = error is not None and error.code == "session.resume_refused"
        return is_refused and (not self._is_stormy or self.random.random() < 0.5)

    # --- what strikes one character -------------------------------------------------------------

    def _wish(self, name: str, character: ClientCharacter) -> None:
        self._feed(character, WISHES[name])
        if name == "hibernate":
            self.loop.call_later(self._a_while(), self._feed, character, WakeRequested())

    def _a_while(self) -> float:
        return self.random.choice((0.3, 3.0, 10.0, 40.0))

    def _reset(self, character: ClientCharacter) -> None:
        character.route.reset()

    def _black_hole(self, character: ClientCharacter) -> None:
        character.route.set_black_hole(True)
        self.loop.call_later(self._a_while(), character.route.set_black_hole, False)

    def _cut_off(self, character: ClientCharacter) -> None:
        character.route.is_cut_off = True
        character.route.reset()
        self.loop.call_later(self._a_while(), setattr, character.route, "is_cut_off", False)

    def _expire(self, character: ClientCharacter) -> None:
        if character.runner is not None and character.runner.session.view.session_id is not None:
            self.host.remove(character.runner.session.view.session_id)

    def _delay(self, character: ClientCharacter) -> None:
        self.game.call(character.change_delay, self.random.choice((0.0, 0.5, 2.0)))

    def _says(self, character: ClientCharacter) -> None:
        for _ in range(self.random.choice((1, 1, 2, 12))):
            self.game.call(character.type_line)
        if character.runner is not None and self.random.random() < 0.1:
            self.game.later(self.random.random(), character.runner.conversation.interrupt)
        # What was said is on its way when the line breaks, or the answer is, or its receipt.
        if self.random.random() < 0.3:
            self.loop.call_later(self.random.uniform(0.0, 0.8), character.route.reset)

    def _speaks(self, character: ClientCharacter) -> None:
        for number in range(100):
            self.game.later(number * 0.02, character.speak)

    def _take_back(self, character: ClientCharacter) -> None:
        self.game.call(character.take_back, False)

    def _answer_again(self, character: ClientCharacter) -> None:
        self.game.call(character.take_back, True)

    # --- what strikes all -----------------------------------------------------------------------

    def _slot(self, act: str) -> None:
        """Save or load one of a few slots; now and then the game or the service dies amid it."""
        name = self.random.choice(SLOTS)
        game, strikes = self.game, self.random.choice((None, None, self._crash, self._kill))
        game.call(lambda: getattr(game.slots if act == "save" else game, act)(name))
        if strikes is not None and self.random.random() < 0.3:
            self.loop.call_later(self.random.random() * 0.5, strikes)

    def _crash(self) -> None:
        """Kill the game, and start it again."""
        self.game.crash()
        for character in self.characters:
            character.route.reset()
        self._start_game()

    def _kill_amid_words(self) -> None:
        """Kill the service while something is said: on its way, being kept, being answered."""
        for character in self.characters:
            self.game.later(self.random.random() * 0.5, character.type_line)
        self.loop.call_later(0.4, self._kill)

    def _kill(self) -> None:
        if self.host.process is None:
            return
        self.host.kill()
        for character in self.characters:
            character.route.reset()
        self.loop.call_later(self.random.choice((0.3, 2.0, 10.0)), self.host.start)

    def _drain(self) -> None:
        service, process = self.host.service, self.host.process
        if service is not None and process is not None and not service.is_draining:
            process.start(service.drain())
            self.loop.call_later(1.0, self._kill)

    def _trouble(self, whose: str, what: str) -> None:
        process = self.game if whose == "game" else self.host.process
        if process is not None:
            setattr(process.disk, what, True)
            self.loop.call_later(15.0, setattr, process.disk, what, False)


SINGLE: Mapping[str, Callable[[ShellRun, ClientCharacter], None]] = {
    **{name: lambda run, character, name=name: run._wish(name, character) for name in WISHES},  # type: ignore[misc] # bound now
    "reset": ShellRun._reset,
    "black_hole": ShellRun._black_hole,
    "cut_off": ShellRun._cut_off,
    "expire": ShellRun._expire,
    "delay": ShellRun._delay,
    "says": ShellRun._says,
    "speaks": ShellRun._speaks,
    "take_back": ShellRun._take_back,
    "answer_again": ShellRun._answer_again,
}
COMMON: Mapping[str, Callable[[ShellRun], None]] = {
    "save": lambda weather: weather._slot("save"),
    "load": lambda weather: weather._slot("load"),
    "crash": ShellRun._crash,
    "kill": ShellRun._kill_amid_words,
    "drain": ShellRun._drain,
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
        weather = ShellRun(seed, clients)
        try:
            weather.run(hours * 60.0)
        except BrokenPromise as problem:
            again = f"--shell --seeds {seed}-{seed} --hours {hours!r} --clients {clients}"
            diary = next((g.diary for g in weather.characters if g.name == problem.who), ())
            now = weather.loop.time() - 1000.0
            weather.outcome.broken = broken(problem, seed, now, diary, again)
        finally:
            weather.game.kill()
            weather.host.kill()
            weather.loop.finish()
    for character in weather.characters:
        weather.outcome.outcomes.update(character.outcomes)
        weather.outcome.words.update(character.counts)
    weather.outcome.session_hours = hours * clients
    return weather.outcome
