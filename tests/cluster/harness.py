"""Nodes in processes of their own, a real PostgreSQL, a balancer, and a runtime before it."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from characters.client.config import SessionConfig
from characters.client.runtime import RuntimeBuilder
from characters.client.threads import NetworkThread
from characters.protocol.messages import BotTurnCompleted
from characters.session.conversation import SessionState, SessionStateChanged
from characters.session.policy import ReconnectPolicy
from characters.storage.sessions import KeyValueSessionPersistence, MemoryStore
from engine.core.processes import module_command, module_environment
from tests.cluster.balancer import Balancer
from tests.faults.harness import ASSETS, AT_ONCE, RecordedSession, wait_for
from tests.faults.proxy import Direction, Proxy
from tests.postgres import PostgresServer

__all__ = ["Cluster", "Node", "Visitor", "running_cluster"]

T = TypeVar("T")

KEY = "the key of the cluster"
DEADLINE = 60.0
# Faults come faster here than attempts are forgiven: each is to be a first one.
STEADY = replace(ReconnectPolicy.PATIENT, stable_after_seconds=0.1)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@dataclass
class Node:
    """One process, and the lines that lead to it, if they are to be broken.

    `door` is for players, `front` for other nodes, `back` leads to the database.
    """

    number: int
    port: int
    door: Proxy | None = None
    front: Proxy | None = None
    back: Proxy | None = None
    process: subprocess.Popen[bytes] | None = None
    log: Path = field(default=Path())

    @property
    def url(self) -> str:
        """Where the others reach it."""
        return f"http://127.0.0.1:{self.port}" if self.front is None else self.front.url

    @property
    def door_url(self) -> str:
        """Where the balancer reaches it."""
        return f"http://127.0.0.1:{self.port}" if self.door is None else self.door.url

    @property
    def lines(self) -> tuple[Proxy, ...]:
        return tuple(it for it in (self.door, self.front, self.back) if it is not None)

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(DEADLINE)


class Cluster:
    """Nodes over one database, and the balancer before them."""

    def __init__(
        self,
        server: PostgresServer,
        folder: Path,
        *,
        arguments: Sequence[str] = AT_ONCE,
        environment: Sequence[dict[str, str]] = (),
        behind_proxies: bool = False,
        has_own_rooms: bool = False,
    ) -> None:
        """`has_own_rooms`: players enter a room at its node, past the balancer."""
        self.server = server
        self._folder = folder
        self._arguments = arguments
        self._environment = environment
        self._behind_proxies = behind_proxies
        self._has_own_rooms = has_own_rooms
        self._thread = NetworkThread("balancer")
        self.balancer = Balancer()
        self.nodes: list[Node] = []

    def at_loop(self, work: Callable[[], Any]) -> Any:
        """Run a coroutine function on the loop of the balancer and the proxies."""
        return self._thread.submit(work()).result(DEADLINE)

    def begin(self, count: int) -> None:
        self._thread.start()
        self.at_loop(self.balancer.start)
        for _ in range(count):
            self.launch(self.add())
        self.until_ready(*self.nodes)
        with psycopg.connect(self.server.url, autocommit=True) as db:
            db.execute(STALE)  # what a node writes that does not own the session

    def end(self) -> None:
        for node in self.nodes:
            if node.process is not None and node.process.poll() is None:
                node.signal(signal.SIGKILL)
                node.process.wait(DEADLINE)
        for proxy in (it for node in self.nodes for it in node.lines):
            self.at_loop(partial(proxy.__aexit__, None, None, None))
        self.at_loop(self.balancer.stop)
        self._thread.stop(5.0)

    def add(self) -> Node:
        """Add a node that is not started yet."""
        node = Node(len(self.nodes), free_port())
        if self._behind_proxies:
            node.door = self.at_loop(Proxy("127.0.0.1", node.port).__aenter__)
            node.front = self.at_loop(Proxy("127.0.0.1", node.port).__aenter__)
            node.back = self.at_loop(Proxy("127.0.0.1", self.server.port).__aenter__)
        self.nodes.append(node)
        return node

    def launch(self, node: Node) -> None:
        """Start a node's process."""
        public = node.door_url if self._has_own_rooms else self.balancer.url
        database = self.server.url if node.back is None else self.server.url_at(node.back.port)
        arguments = (
            "--store", database, "--node-url", node.url,
            "--public-url", public.replace("http", "ws"), "--cluster-key-env", "CLUSTER_KEY",
            "--port", str(node.port), "--assets", str(ASSETS), "--log-level", "INFO",
            *self._arguments,
        )  # fmt: skip
        node.log = self._folder / f"node{node.number}.log"
        more = self._environment[node.number] if node.number < len(self._environment) else {}
        with node.log.open("ab") as log:
            node.process = subprocess.Popen(
                module_command("characters.service", *arguments),
                env={**module_environment(()), "CLUSTER_KEY": KEY, **more},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        if node.door_url not in self.balancer.targets:
            self.at_loop(partial(self._add, node.door_url))

    async def _add(self, url: str) -> None:
        self.balancer.add(url)

    # --- what breaks ---

    def cut_off(self, node: Node) -> None:
        """Let nothing through to a node and from it to the database, without a reset."""
        self._order(*(line.black_hole for line in node.lines))

    def part(self, one: Node, other: Node, *, is_silent: bool = False) -> None:
        """Let two nodes not reach one another: what one sends the other is reset, or vanishes."""
        names = {
            url: name for name, url in self.query("SELECT node, url FROM nodes ORDER BY until")
        }
        for here, there in ((one, other), (other, one)):
            assert here.front is not None
            mark = f"X-Troupe-Via: {names[there.url]}\r\n".encode()
            if is_silent:
                self._order(partial(setattr, here.front, "lost", partial(_begins_with, mark)))
                continue
            self._order(partial(setattr, here.front, "watch", partial(_comes_from, mark)))
            self._order(here.front.reset)

    def drop(self, node: Node) -> None:
        """Reset the connections of the players at a node."""
        assert node.door is not None
        self._order(node.door.reset)

    def heal(self, *nodes: Node) -> None:
        """Undo what was cut."""
        self._order(*(line.heal for node in nodes for line in node.lines))

    def _order(self, *orders: Callable[[], object]) -> None:
        async def act() -> None:
            for order in orders:
                order()

        self.at_loop(act)

    def until_ready(self, *nodes: Node) -> None:
        wait_for(lambda: all(self.balancer.targets[node.door_url] for node in nodes))

    def until_away(self, *nodes: Node) -> None:
        wait_for(lambda: not any(self.balancer.targets[node.door_url] for node in nodes))

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database."""
        with psycopg.connect(self.server.url, autocommit=True) as db:
            return db.execute(sql, values).fetchall()

    def owner_of(self, session_id: str) -> Node:
        """Return the node that has a session."""
        ((url,),) = self.query(
            "SELECT url FROM owners JOIN nodes USING (node) WHERE session_id = %s", session_id
        )
        return next(node for node in self.nodes if node.url == url)


class Visitor(RecordedSession):
    """A session with a character, and where the last fault stands in what it emitted."""

    events_before = 0

    @property
    def arrived_since(self) -> list[SessionStateChanged]:
        """The changes into CONNECTED since the last fault."""
        changes = self.events[self.events_before :]
        return [
            it
            for it in changes
            if isinstance(it, SessionStateChanged) and it.is_connection_established
        ]

    @property
    def answered(self) -> int:
        """How many of its lines were answered whole."""
        return len({event.message_id for event in self.all(BotTurnCompleted)} - {None})


@contextmanager
def running_cluster(
    server: PostgresServer, folder: Path, count: int = 3, **options: Any
) -> Iterator[Cluster]:
    """Run nodes over an empty database while the context lasts."""
    server.fresh()
    cluster = Cluster(server, folder, **options)
    try:
        cluster.begin(count)
        yield cluster
    finally:
        cluster.end()


STALE = """
CREATE TABLE stale (node text, segment bigint, number bigint);
CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM sessions JOIN owners USING (session_id)
        WHERE segment = NEW.segment AND node = current_setting('application_name')
    ) THEN
        INSERT INTO stale VALUES (current_setting('application_name'), NEW.segment, NEW.number);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER watched BEFORE INSERT ON turns FOR EACH ROW EXECUTE FUNCTION watch();
"""


def _begins_with(mark: bytes, opening: bytes) -> bool:
    return mark in opening


def _comes_from(mark: bytes, way: Direction, data: bytes, number: int) -> bool:
    return way is Direction.TO_SERVER and mark in data


class Players:
    """Players' sessions before a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.store = KeyValueSessionPersistence(MemoryStore())
        self.runtime = RuntimeBuilder().use_persistence(self.store).build()
        self.runtime.start()
        self.visitors: list[Visitor] = []

    def close(self) -> None:
        self.runtime.close()

    def visit(self, name: str, policy: ReconnectPolicy = STEADY) -> Visitor:
        """Open a session and wait until the character is ready."""
        config = SessionConfig(
            name,
            endpoint=self._cluster.balancer.url,
            persona="personas/nurse-21c4.toml",
            policy=policy,
        )
        visitor = Visitor(self.runtime, config)
        self.visitors.append(visitor)
        visitor.handle.connect()
        self.until(lambda: visitor.state is SessionState.CONNECTED)
        return visitor

    def until(self, condition: Callable[[], object], within: float = DEADLINE) -> float:
        """Draw frames until the condition holds; return the seconds that it took."""
        return wait_for(condition, within, self.runtime.dispatcher.drain)

    def say(self, visitor: Visitor, text: str) -> None:
        """Say a line and hear the whole answer."""
        seen = visitor.answered
        visitor.handle.send_text(text)
        self.until(lambda: visitor.answered > seen)
