"""A node under load beside a bare echo: how late it answers, what a session costs.

Microphones, idle sessions and a crowd run in a process of their own; the pings that are measured
come from a few sessions of the contender's own process, so that its clock is not the crowd's.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any, TypeVar

import aiohttp

from tests.audio import speakers
from tests.bench.load_client import Crowd
from tests.bench.net_contenders import ROOT
from tests.cluster.harness import KEY, free_port
from tests.postgres import running_postgres

__all__: list[str] = []

T = TypeVar("T")

PROBES = 9  # as many at each of three nodes
ROUND_SECONDS = 4.0
BETWEEN = 0.05
TALKS = 40
SILENT = "--no-speech"
DEADLINE = 300.0


class Server:
    """Processes that serve; what they have used is read from the system (Linux)."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.urls: list[str] = []
        self._processes: list[subprocess.Popen[str]] = []

    def add(self, process: subprocess.Popen[str]) -> None:
        """Add a process that says where it listens."""
        assert process.stdout
        told = json.loads(process.stdout.readline())
        self.urls.append(f"http://127.0.0.1:{told}/" if self.kind == "echo" else told["url"])
        self._processes.append(process)

    def cpu_seconds(self) -> float:
        stats = (it.rpartition(")")[2].split() for it in self._stat("stat"))
        ticks = sum(int(fields[11]) + int(fields[12]) for fields in stats)
        return ticks / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self) -> int:
        pages = sum(int(it.split()[1]) for it in self._stat("statm"))
        return pages * os.sysconf("SC_PAGE_SIZE")

    def _stat(self, name: str) -> Iterator[str]:
        for process in self._processes:
            yield Path(f"/proc/{process.pid}/{name}").read_text(encoding="ascii")


NODES = {"node": 1, "nodes": 3}
SERVICE = ("--assets", str(ROOT / "assets"), "--max-rooms", "100000", "--seed", "1")


@contextmanager
def started(kind: str, folder: Path, *flags: str, is_relayed: bool = False) -> Iterator[Server]:
    """Start the service, the echo of aiohttp, or nodes over a PostgreSQL.

    With `is_relayed` the address of each node's rooms is that of the next one.
    """
    server = Server(kind)
    with ExitStack() as stack:
        if kind == "echo":
            commands = [["-m", "tests.bench.echo", "aiohttp", str(folder)]]
        elif kind == "service":
            commands = [["-m", "characters.service", "--data", str(folder), *SERVICE, *flags]]
        else:
            database = stack.enter_context(running_postgres(is_durable=True))
            commands = list(_nodes(database.fresh(), NODES[kind], (*SERVICE, *flags), is_relayed))
        for command in commands:
            server.add(stack.enter_context(pipes([sys.executable, *command])))
        yield server


def _nodes(store: str, count: int, flags: Sequence[str], is_relayed: bool) -> Iterator[list[str]]:
    ports = [free_port() for _ in range(count)]
    for port, after in zip(ports, ports[1:] + ports[:1], strict=True):
        yield [
            "-m", "characters.service", *flags, "--port", str(port), "--store", store,
            "--node-url", f"http://127.0.0.1:{port}", "--cluster-key-env", "CLUSTER_KEY",
            "--public-url", f"ws://127.0.0.1:{after if is_relayed else port}",
        ]  # fmt: skip


@contextmanager
def pipes(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    pipe, variables = subprocess.PIPE, {**os.environ, "CLUSTER_KEY": KEY}
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=ROOT, text=True, env=variables)
    assert process.stdin and process.stdout
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


class Clients:
    """The crowd in its process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def tell(self, order: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{order}\n")
        self._process.stdin.flush()

    def ask(self) -> dict[str, int]:
        assert self._process.stdout
        self.tell("in?")
        found: dict[str, int] = json.loads(self._process.stdout.readline())
        return found

    def wait_for(self, holds: Callable[[dict[str, int]], bool]) -> None:
        until = monotonic() + DEADLINE
        while not holds(self.ask()):
            if monotonic() > until:
                raise TimeoutError(f"the clients are not in: {self.ask()}")
            sleep(0.5)


@contextmanager
def clients(server: Server, count: int, joiners: int = 8) -> Iterator[Clients]:
    arguments = (" ".join(server.urls), server.kind, str(count), str(joiners))
    command = [sys.executable, "-m", "tests.bench.load_client", *arguments]
    with pipes(command) as process:
        yield Clients(process)


class LoopThread:
    """An event loop in a thread of its own: who is in stays in between rounds."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        Thread(target=self._loop.run_forever, daemon=True).start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE)


class Probe:
    """A few sessions that ping."""

    def __init__(self, server: Server) -> None:
        self._thread = LoopThread()
        self._crowd = self._thread.run(self._enter(server))

    async def _enter(self, server: Server) -> Crowd:
        crowd = Crowd(aiohttp.ClientSession(), server.urls, server.kind)
        await crowd.fill(PROBES, joiners=1)
        self._staying = asyncio.create_task(crowd.run())
        return crowd

    def pings(self, seconds: float = ROUND_SECONDS) -> list[float]:
        """Return how long pings took, for some seconds."""
        return self._thread.run(self._pings(seconds))

    async def _pings(self, seconds: float) -> list[float]:
        async def one(seat: Any) -> list[float]:
            until, found = monotonic() + seconds, []
            while monotonic() < until:
                found.append(await seat.ping())
                await asyncio.sleep(BETWEEN)
            return found

        return [it for each in await asyncio.gather(*map(one, self._crowd.seats)) for it in each]


def microphones(
    folder: Path, kind: str, sessions: int, seconds: float, is_relayed: bool = False
) -> Iterator[list[list[float]]]:
    """Yield pings while so many speak, and the CPU seconds of one session and second."""
    with (
        started(kind, folder, SILENT, is_relayed=is_relayed) as server,
        clients(server, sessions) as crowd,
    ):
        crowd.wait_for(lambda it: it["in"] >= sessions)
        probe = Probe(server)
        while True:
            crowd.tell("mic")
            sleep(1.0)
            before, began = server.cpu_seconds(), monotonic()
            pings = probe.pings(seconds)
            cpu = (server.cpu_seconds() - before) / (monotonic() - began) / sessions
            crowd.tell("quiet")
            yield [pings, [cpu]]


def idle_sessions(folder: Path, kind: str, sessions: int) -> Iterator[list[float]]:
    """Yield the bytes of memory of one session, of a server that was filled anew each time."""
    for number in itertools.count():
        here = folder / f"{number}"
        here.mkdir()
        with started(kind, here, SILENT) as server, clients(server, PROBES) as first:
            first.wait_for(lambda it: it["in"] >= PROBES)
            before = server.resident_bytes()
            with clients(server, sessions) as crowd:
                crowd.wait_for(lambda it: it["in"] >= sessions)
                sleep(3.0)  # greetings are said, and their memory is given back
                yield [(server.resident_bytes() - before) / sessions]


def twice_the_load(folder: Path, sessions: int, max_lag: float) -> Iterator[list[list[float]]]:
    """Yield pings of a node with nobody else, and with twice as many at its door as it can hold."""
    flags = (SILENT, "--max-lag", str(max_lag))
    with ExitStack() as stack:
        server = stack.enter_context(started("service", folder, *flags))
        probe = Probe(server)
        unloaded = probe.pings(2 * ROUND_SECONDS)
        crowd = stack.enter_context(clients(server, sessions, sessions))
        crowd.tell("mic")
        settle(crowd)
        while True:
            loaded = probe.pings()
            print(f"twice the load: {crowd.ask()}", file=sys.stderr)
            yield [unloaded, loaded]


def talks(folder: Path, kind: str) -> Iterator[list[list[float]]]:
    """Yield the wall's seconds of one whole talk, of talks in a row and of eight at a time."""
    with started(kind, folder, SILENT, "--words-per-second", "0", "--think", "0") as server:
        while True:
            yield [asyncio.run(_talks(server, many)) for many in (1, 8)]


async def _talks(server: Server, many: int) -> list[float]:
    """Return the seconds of a talk, from the time that TALKS of them took together."""
    waiting = iter(range(TALKS))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        crowd = Crowd(http, server.urls, server.kind)

        async def talk() -> None:
            for _ in waiting:
                seat = await crowd.join()
                await seat.talk()

        began = monotonic()
        await asyncio.gather(*(talk() for _ in range(many)))
        return [(monotonic() - began) / TALKS]


def at_once(folder: Path, kind: str, people: int, seconds: float) -> Iterator[list[list[float]]]:
    """Yield what it is like when one speaks, and when all do.

    That are pings, the seconds from the end of a voice to its words, and those between two that
    were understood.
    """
    voice, thread = speakers.sound_of(speakers.QUESTION, folder), LoopThread()
    with started(kind, folder, "--detector", "pocketsphinx") as server:
        crowd = speakers.Crowd(*server.urls)
        try:
            thread.run(crowd.enter(people))
            thread.run(crowd.warm_up(voice))
            while True:
                found = []
                for many in (1, people):
                    began = monotonic()
                    turns = thread.run(crowd.speak(voice, many, seconds))
                    between = (monotonic() - began) / max(1, len(turns.words))
                    # Who was not understood has waited for as long as anybody would.
                    found += [turns.pings, turns.words or [speakers.ANSWER_SECONDS], [between]]
                yield found
        finally:
            thread.run(crowd.leave())


def settle(crowd: Clients) -> None:
    """Wait until hardly any more come in, for longer than most are sent away."""
    came, since = -1, monotonic()
    while monotonic() - since < 15.0:
        now_in = crowd.ask()["in"]
        if now_in > came + 3:
            came, since = now_in, monotonic()
        sleep(0.5)
