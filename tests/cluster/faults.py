"""What happens to a cluster, again and again, while players talk; and what came of it."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter

from characters.protocol.messages import BotTurnCompleted
from characters.session.conversation import ResumeOutcome, SessionState
from tests.bench.case import percentile
from tests.cluster.harness import Cluster, Node, Players, Visitor, running_cluster
from tests.faults.row import Row
from tests.postgres import PostgresServer

__all__ = ["FAULTS", "Fault", "run_fault"]

# Slow enough that a fault comes in the middle of a sentence.
WORD_BY_WORD = ("--words-per-second", "40", "--think", "0.05", "--no-speech", "--seed", "1")
NODES = 3
VISITORS = 4
# What Python imports at its start: the clock of the process is off by so many seconds.
CLOCK = "import time\n_now = time.time\ntime.time = lambda: _now() + {}\n"
AN_HOUR = 3600


@dataclass
class Tally:
    """What was counted over the rounds of one fault."""

    said: dict[str, list[str]] = field(default_factory=dict)  # session id -> lines
    resumed: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    away: float = 0.0  # the longest absence that a character was told of
    lost: int = 0
    doubled: int = 0
    answered_twice: int = 0
    stale: int = 0

    @property
    def is_right(self) -> bool:
        return self.lost == self.doubled == self.answered_twice == self.stale == 0


class Scene:
    """Players who talk with characters of a cluster."""

    def __init__(self, cluster: Cluster, players: Players, seed: int) -> None:
        self.cluster = cluster
        self.players = players
        self.chance = Random(seed)
        self.tally = Tally()
        self._lines = 0

    def arrive(self, name: str) -> None:
        for number in range(VISITORS):
            self.players.visit(f"{name}-{number}")

    @property
    def people(self) -> list[Visitor]:
        return self.players.visitors

    def say(self, visitor: Visitor) -> None:
        """Say a line that nobody has said before, without waiting for the answer."""
        self._lines += 1
        text = f"My name is Ada{self._lines}."
        session_id = visitor.handle.view.session_id or ""
        self.tally.said.setdefault(session_id, []).append(text)
        visitor.handle.send_text(text)

    def pause(self, seconds: float) -> None:
        until = perf_counter() + seconds
        self.players.until(lambda: perf_counter() >= until, seconds + 5.0)

    def of(self, node: Node) -> list[Visitor]:
        """Return who talks at a node."""
        ids = {it.handle.view.session_id or "": it for it in self.people}
        return [it for id_, it in ids.items() if self.cluster.owner_of(id_) is node]

    def hit(
        self,
        strike: Callable[[], object],
        struck: Sequence[Visitor],
        *,
        spares_some: bool = False,
    ) -> None:
        """Let everybody say a line, strike in the middle, and wait until all is well again.

        With `spares_some` who is struck may go on talking, by a way that still leads there.
        """
        goals = {id(it): it.answered + 1 for it in self.people}
        for it in self.people:
            self.say(it)
            it.events_before = len(it.events)
        self.pause(self.chance.uniform(0.0, 0.25))
        began = perf_counter()
        strike()
        back: dict[int, float] = {}

        def are_all_back() -> bool:
            for it in struck:
                if id(it) not in back and it.arrived_since:
                    back[id(it)] = perf_counter() - began
            away = (it for it in struck if id(it) not in back)
            return all(spares_some and it.answered >= goals[id(it)] for it in away)

        self.players.until(are_all_back)
        self.tally.resumed += back.values()
        self.players.until(lambda: all(it.answered >= goals[id(it)] for it in self.people))
        for it in struck:
            for change in it.arrived_since:
                if change.resume is not None:
                    self.tally.outcomes[change.resume.outcome.value] += 1
                    away = change.resume.last_seen_seconds or 0.0
                    self.tally.away = max(self.tally.away, away)

    def count(self) -> Tally:
        """Count what was lost and doubled, at both ends."""
        tally = self.tally
        for session_id, lines in tally.said.items():
            rows = self.cluster.query(
                "SELECT text FROM turns JOIN sessions USING (segment)"
                " WHERE session_id = %s AND speaker = 'player'",
                session_id,
            )
            kept = Counter(text for (text,) in rows)
            tally.lost += sum(kept[line] == 0 for line in lines)
            tally.doubled += sum(max(0, kept[line] - 1) for line in lines)
        for it in self.people:
            ends = [event for event in it.all(BotTurnCompleted) if event.message_id is not None]
            whole = Counter(
                it.message_id for it in ends if not (it.was_interrupted or it.was_aborted)
            )
            tally.answered_twice += sum(max(0, times - 1) for times in whole.values())
        ((tally.stale,),) = self.cluster.query("SELECT count(*) FROM stale")
        return tally


def kill(scene: Scene, round_: int) -> None:
    node = scene.cluster.nodes[round_ % NODES]
    scene.hit(node.kill, scene.of(node))
    scene.cluster.launch(node)
    scene.cluster.until_ready(node)


def freeze(scene: Scene, round_: int) -> None:
    node = scene.cluster.nodes[round_ % NODES]
    scene.hit(lambda: node.signal(signal.SIGSTOP), scene.of(node))
    node.signal(signal.SIGCONT)
    scene.cluster.until_ready(node)


def kill_or_freeze(scene: Scene, round_: int) -> None:
    """Let a node be refused, or its lease run out: six rounds do both to each node."""
    (kill if round_ % 2 else freeze)(scene, round_)


def vanish(scene: Scene, round_: int) -> None:
    node = scene.cluster.nodes[round_ % NODES]
    scene.hit(lambda: scene.cluster.cut_off(node), scene.of(node))
    scene.cluster.heal(node)
    scene.cluster.until_ready(node)


def upgrade(scene: Scene, round_: int) -> None:
    node = scene.cluster.nodes[round_ % NODES]
    scene.hit(lambda: node.signal(signal.SIGTERM), scene.of(node))
    assert node.process is not None
    node.process.wait(60.0)
    scene.cluster.launch(node)
    scene.cluster.until_ready(node)


def restart_database(scene: Scene, round_: int) -> None:
    how = "immediate" if round_ % 2 else "fast"
    scene.hit(lambda: scene.cluster.server.control("restart", "-m", how), ())
    scene.pause(1.0)
    scene.cluster.until_ready(*scene.cluster.nodes)
    scene.players.until(lambda: all(it.state is SessionState.CONNECTED for it in scene.people))


def cut(scene: Scene, round_: int, *, is_silent: bool = False) -> None:
    """Cut nodes from one another, and drop who was at one of them."""
    nodes = [scene.cluster.nodes[(round_ + n) % NODES] for n in (0, 1)]

    def strike() -> None:
        scene.cluster.part(*nodes, is_silent=is_silent)
        scene.cluster.drop(nodes[0])

    scene.hit(strike, scene.of(nodes[0]), spares_some=is_silent)
    scene.cluster.heal(*nodes)


@dataclass(frozen=True)
class Fault:
    """A fault: what is done in a round, and what cluster it is done to."""

    number: int
    name: str
    act: Callable[[Scene, int], None]
    within: float = 3.0
    behind_proxies: bool = False
    clocks: tuple[int, ...] = ()
    """By how many seconds the clock of each node is wrong."""


FAULTS = (
    Fault(1, "a node is killed in mid-sentence", kill),
    Fault(2, "a node is frozen for longer than its lease, and thaws", freeze, within=4.0),
    Fault(
        3, "a node vanishes without a reset, and is there again", vanish, 4.0, behind_proxies=True
    ),
    Fault(4, "an upgrade drains a node", upgrade, within=4.0),
    Fault(5, "the database restarts", restart_database, within=10.0),
    Fault(
        6,
        "nodes are killed and frozen where one's clock is an hour ahead, another's an hour behind",
        kill_or_freeze,
        within=4.0,
        clocks=(AN_HOUR, -AN_HOUR, 0),
    ),
    Fault(7, "the way between the nodes is cut, and players drop", cut, 4.0, behind_proxies=True),
    Fault(
        8,
        "the way between the nodes swallows all, and players drop",
        partial(cut, is_silent=True),
        4.0,
        behind_proxies=True,
    ),
)


def run_fault(server: PostgresServer, fault: Fault, rounds: int, factor: float = 1.0) -> Row:
    """Do a fault so many times; return its figures. `factor` is how slow the machine may be."""
    with TemporaryDirectory() as folder, _scene(server, Path(folder), fault) as scene:
        for round_ in range(rounds):
            fault.act(scene, round_)
        tally = scene.count()
    times = tally.resumed or [0.0]
    middle, most = percentile(times, 0.5), percentile(times, 0.99)
    figure = (
        f"{rounds} times, {sum(map(len, tally.said.values()))} lines: lost {tally.lost}, twice"
        f" {tally.doubled}, answers twice {tally.answered_twice}, stale writes {tally.stale};"
        f" {len(tally.resumed)} back in {middle:.2f} / {most:.2f} s, at most {max(times):.2f}"
        f" (promised {fault.within:g})"
    )
    is_fresh = tally.outcomes[ResumeOutcome.FRESH.value]
    is_right = (
        tally.is_right and not is_fresh and max(times) < factor * fault.within and tally.away < 600
    )
    return Row(fault.number, f"{fault.name} (p50 / p99)", figure, is_right)


def _with_clock(folder: Path, seconds: int) -> dict[str, str]:
    """Return the environment of a process whose clock is wrong by so much."""
    here = folder / f"clock{seconds}"
    here.mkdir()
    (here / "sitecustomize.py").write_text(CLOCK.format(seconds), encoding="utf-8")
    return {"PYTHONPATH": str(here)}


@contextmanager
def _scene(server: PostgresServer, folder: Path, fault: Fault) -> Iterator[Scene]:
    environment = [_with_clock(folder, seconds) for seconds in fault.clocks]
    with running_cluster(
        server,
        folder,
        NODES,
        arguments=(*WORD_BY_WORD, "--session-ttl", "600"),
        behind_proxies=fault.behind_proxies,
        environment=environment,
    ) as cluster:
        players = Players(cluster)
        try:
            scene = Scene(cluster, players, fault.number)
            scene.arrive(f"guest{fault.number}")
            yield scene
        finally:
            players.close()
