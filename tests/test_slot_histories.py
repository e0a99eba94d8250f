"""Random talks, saves, loads, take-backs, restarts and kills, in a game and a service process.

A stand-in for a model answers with every secret that it is sent, so that one which was said after
a save, and reaches anybody on its branch, is heard at once.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Protocol, TypeAlias

import pytest
from aiohttp import web

from characters.service.postgres import PostgresDatabase
from characters.service.store import SessionStore, database_of
from tests.characters.agents.model_server import ModelServer, answer, model_server
from tests.cluster.harness import Cluster, running_cluster
from tests.postgres import PostgresServer
from tests.running import AT_ONCE, running_service
from tests.slot_game import GameIsDead, GameProcess

KILLED = 0.03  # of the acts the service is; one that starts again costs seconds
GAME_KILLED = 0.08
SECRET = re.compile(r"Zq[a-j]+")
Opened: TypeAlias = Callable[[], SessionStore]
CUT = object()  # the game was killed before it had answered, or right after
LINES = ("My name is {}.", "I live in {}.", "Remember {} for me.", "My dog is called {}.")


async def tell_all(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
    """Answer with every secret that is known."""
    known = dict.fromkeys(SECRET.findall(json.dumps(asked["messages"])))
    return await answer(f"I know {' '.join(known) or 'nothing'}.")(request, asked)


@dataclass(frozen=True)
class Mind:
    """What a character was at a save: what was said, and what it knew, byte for byte."""

    turns: tuple[tuple[str, str], ...]
    memory: str
    secrets: frozenset[str]
    is_owed_more: bool  # a line is not answered yet, or an answer not received: that comes later


class Service(Protocol):
    """A service that can be killed, and what it keeps."""

    @property
    def url(self) -> str: ...
    def kill(self) -> None: ...
    def start(self) -> object: ...


class OneNode:
    """A service whose sessions are in a database that nodes share; it is the only node."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.url = cluster.balancer.url

    def kill(self) -> None:
        self._cluster.nodes[0].kill()

    def start(self) -> None:
        self._cluster.launch(self._cluster.nodes[0])
        self._cluster.until_ready(*self._cluster.nodes)


class History:
    """One player's game at a service, both of which may be killed, and what is in his slots."""

    def __init__(
        self, service: Service, opened: Opened, model: ModelServer, folder: Path, seed: int
    ) -> None:
        self.service, self.opened, self.model, self.folder = service, opened, model, folder
        self.chance, self.player = Random(seed), f"player-{seed}"
        self._count = 0
        self.said: set[str] = set()  # on the branch that is played
        self.saved: dict[str, tuple[str, Mind]] = {}  # with the session that is in the slot
        self.counts: Counter[str] = Counter()
        self._start_game()

    def _start_game(self) -> None:
        prefs = self.folder / f"{self.player}.msgpack"
        self.game = GameProcess(prefs, self.service.url, self.player)
        self.game.ask("meet")

    def live(self, steps: int) -> None:
        acts = (self.talk, self.talk, self.talk, self.save, self.save, self.load, self.load,
                self.take_back, self.restart)  # fmt: skip
        for _ in range(steps):
            with self._killing("services killed", KILLED, self._restart_service):
                self.chance.choice(acts)()
            self.look()

    @contextmanager
    def _killing(self, whom: str, chance: float, kill: Callable[[], object]) -> Iterator[bool]:
        """Kill somebody at some moment, now and then."""
        is_killed, moment = self.chance.random() < chance, self.chance.random() * 0.1
        if not is_killed:
            yield False
            return
        self.counts[whom] += 1
        timer = threading.Timer(moment, kill)
        timer.start()
        try:
            yield True
        finally:
            timer.join()

    def _restart_service(self) -> None:
        self.service.kill()
        self.service.start()

    def _do(self, act: str, *arguments: str) -> Any:
        """Let the game do something; return what came of it, or CUT if it was killed meanwhile."""
        with self._killing("games killed", GAME_KILLED, self.game.kill) as is_killed:
            try:
                done = self.game.ask(act, *arguments)
            except GameIsDead:
                self.counts["acts cut short"] += 1
        if not is_killed:
            return done
        self.game.close()
        self._start_game()
        return CUT

    # --- acts ---

    def talk(self) -> None:
        self._count += 1
        number = self.chance.randrange(10**6) * 100 + self._count
        secret = "Zq" + "".join("abcdefghij"[int(digit)] for digit in str(number))
        self.said.add(secret)
        self._do("talk", self.chance.choice(LINES).format(secret), secret)

    def save(self) -> None:
        name = f"slot{self.chance.randrange(3)}"
        self._do("save", name)
        # One that was cut short left what was there, or what is there now.
        session_id = self.game.ask("slot", name)
        known = self.saved.pop(name, None)
        if known is not None and known[0] == session_id:
            self.saved[name] = known
        elif session_id is not None:  # else its service was not reached, and the slot says so
            self.saved[name] = session_id, self._stored(session_id, frozenset(self.said))

    def load(self) -> None:
        if not self.saved:
            return
        name = self.chance.choice(sorted(self.saved))
        saved_id, mind = self.saved[name]
        before, asked = self.game.ask("view")["session_id"], len(self.model.asked)
        done = self._do("load", name)
        view = self.game.ask("view")
        # One that was cut short changed nothing, or the next game has finished it.
        if not (done if done is not CUT else view["session_id"] != before):
            return
        self.counts["loads"] += 1
        self.said = set(mind.secrets)
        assert self._stored(saved_id, mind.secrets) == mind
        if mind.is_owed_more:
            return
        if done is CUT:  # the next game was greeted
            now = self._stored(view["session_id"], mind.secrets)
            assert now.turns[: len(mind.turns)] == mind.turns
            return
        assert self._stored(view["session_id"], mind.secrets) == mind
        shown = tuple(map(tuple, view["shown"]))
        assert shown == mind.turns[-len(shown) :] if shown else not mind.turns
        assert len(self.model.asked) == asked  # nobody was greeted, nothing answered twice

    def take_back(self) -> None:
        line = self._do("take_back")
        if line is not CUT and line is not None:
            self.said -= set(SECRET.findall(line))
            return
        # A loss in between: the service may have done it, or not.
        stored = self._stored(self.game.ask("view")["session_id"], frozenset())
        self.said &= set(SECRET.findall(json.dumps(stored.turns)))

    def restart(self) -> None:
        """End the game, with a goodbye or without, and start it again."""
        self._do("restart", *(["goodbye"] if self.chance.random() < 0.5 else []))

    # --- what must be so ---

    def look(self) -> None:
        """Nothing that was said elsewhere is shown, said, sent to a model, or in the branch."""
        view = self.game.ask("view")
        assert set(SECRET.findall(json.dumps(view["shown"]))) <= self.said
        stored = self._stored(view["session_id"], frozenset())
        assert set(SECRET.findall(json.dumps(stored.turns) + stored.memory)) <= self.said

    def _stored(self, session_id: str, secrets: frozenset[str]) -> Mind:
        with closing(self.opened()) as store:
            turns = tuple((turn.speaker, turn.text) for turn in store.turns(session_id))
            is_owed_more = bool(store.pending(session_id))
            return Mind(turns, json.dumps(store.memory(session_id)), secrets, is_owed_more)


def live(
    service: Service, opened: Opened, model: ModelServer, folder: Path, seeds: range, steps: int
) -> Counter[str]:
    """Live through histories at one service; return what happened, how often."""
    counts = Counter[str]()
    for seed in seeds:
        history = History(service, opened, model, folder, seed)
        try:
            history.live(steps)
        except AssertionError as error:
            raise AssertionError(f"history {seed}: {error}") from error
        finally:
            history.game.close()
        counts += history.counts
        counts["histories with a killed game"] += history.counts["games killed"] > 0
    print(dict(counts))  # with pytest -s: how often what happened
    return counts


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """A model that tells all that it is told."""
    with model_server() as server:
        server.answers = tell_all
        yield server


def told_of(model: ModelServer) -> tuple[str, ...]:
    """Return the arguments of a service that asks this model."""
    patience = ("--model-first-word-within-seconds", "60")
    return (*AT_ONCE, "--model-url", model.url, "--model-name", "any", *patience)


def test_a_history_of_a_game_and_its_service(tmp_path: Path, model: ModelServer) -> None:
    with running_service(tmp_path / "service", told_of(model)) as service:
        opened = partial(SessionStore, database_of(tmp_path))
        live(service, opened, model, tmp_path, range(2, 3), 8)


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(10))
def test_in_two_hundred_histories_with_kills_each_slot_is_who_was_saved(
    tmp_path: Path, model: ModelServer, batch: int
) -> None:
    seeds = range(100 + 20 * batch, 120 + 20 * batch)
    with running_service(tmp_path / "service", told_of(model)) as service:
        opened = partial(SessionStore, database_of(tmp_path))
        counts = live(service, opened, model, tmp_path, seeds, 10)
    assert counts["loads"] > 5
    assert counts["services killed"] > 1
    assert counts["histories with a killed game"] > 5


@pytest.mark.slow
def test_in_ten_histories_over_postgres_each_slot_is_who_was_saved(
    tmp_path: Path, model: ModelServer, postgres: PostgresServer
) -> None:
    def opened() -> SessionStore:
        return SessionStore(None, database=PostgresDatabase(postgres.url), node="a reader")

    with running_cluster(postgres, tmp_path, 1, arguments=told_of(model)) as cluster:
        counts = live(OneNode(cluster), opened, model, tmp_path, range(300, 310), 10)
    assert counts["loads"] > 5
    assert counts["services killed"] > 0
