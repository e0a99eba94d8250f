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
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

import aiohttp

from tests.bench.load_client import Crowd
from tests.bench.net_contenders import ROOT

__all__: list[str] = []

PROBES = 8
ROUND_SECONDS = 4.0
BETWEEN = 0.05
TALKS = 40
DEADLINE = 300.0


class Server:
    """A server in a process of its own; what it has used is read from the system (Linux)."""

    def __init__(self, process: subprocess.Popen[str], url: str, kind: str) -> None:
        self._process = process
        self.url = url
        self.kind = kind

    def cpu_seconds(self) -> float:
        fields = self._stat("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self) -> int:
        return int(self._stat("statm").split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def _stat(self, name: str) -> str:
        return Path(f"/proc/{self._process.pid}/{name}").read_text(encoding="ascii")


@contextmanager
def started(kind: str, folder: Path, *flags: str) -> Iterator[Server]:
    """Start the service, or the echo of aiohttp."""
    if kind == "echo":
        command = ["-m", "tests.bench.echo", "aiohttp", str(folder)]
    else:
        command = ["-m", "characters.service", "--data", str(folder), "--no-speech", "--seed", "1"]
        command += ["--assets", str(ROOT / "assets"), "--max-rooms", "100000", *flags]
    with pipes([sys.executable, *command]) as process:
        assert process.stdout
        line = process.stdout.readline()
        url = f"http://127.0.0.1:{line.strip()}/" if kind == "echo" else json.loads(line)["url"]
        yield Server(process, url, kind)


@contextmanager
def pipes(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=ROOT, text=True)
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
    arguments = (server.url, server.kind, str(count), str(joiners))
    command = [sys.executable, "-m", "tests.bench.load_client", *arguments]
    with pipes(command) as process:
        yield Clients(process)


class Probe:
    """A few sessions that ping; they stay in between rounds, in a thread of their own."""

    def __init__(self, server: Server) -> None:
        self._loop = asyncio.new_event_loop()
        Thread(target=self._loop.run_forever, daemon=True).start()
        self._crowd: Crowd = self._run(self._enter(server))

    async def _enter(self, server: Server) -> Crowd:
        crowd = Crowd(aiohttp.ClientSession(), server.url, server.kind)
        await crowd.fill(PROBES)
        self._staying = asyncio.create_task(crowd.run())
        return crowd

    def pings(self, seconds: float = ROUND_SECONDS) -> list[float]:
        """Return how long pings took, for some seconds."""
        found: list[float] = self._run(self._pings(seconds))
        return found

    async def _pings(self, seconds: float) -> list[float]:
        async def one(seat: Any) -> list[float]:
            until, found = monotonic() + seconds, []
            while monotonic() < until:
                found.append(await seat.ping())
                await asyncio.sleep(BETWEEN)
            return found

        return [it for each in await asyncio.gather(*map(one, self._crowd.seats)) for it in each]

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE)


def microphones(folder: Path, kind: str, sessions: int) -> Iterator[list[list[float]]]:
    """Yield pings while so many speak, and the CPU seconds of one session and second."""
    with started(kind, folder) as server, clients(server, sessions) as crowd:
        crowd.wait_for(lambda it: it["in"] >= sessions)
        probe = Probe(server)
        while True:
            crowd.tell("mic")
            sleep(1.0)
            before, began = server.cpu_seconds(), monotonic()
            pings = probe.pings()
            cpu = (server.cpu_seconds() - before) / (monotonic() - began) / sessions
            crowd.tell("quiet")
            yield [pings, [cpu]]


def idle_sessions(folder: Path, kind: str, sessions: int) -> Iterator[list[float]]:
    """Yield the bytes of memory of one session, of a server that was filled anew each time."""
    for number in itertools.count():
        here = folder / f"{number}"
        here.mkdir()
        with started(kind, here) as server, clients(server, PROBES) as first:
            first.wait_for(lambda it: it["in"] >= PROBES)
            before = server.resident_bytes()
            with clients(server, sessions) as crowd:
                crowd.wait_for(lambda it: it["in"] >= sessions)
                sleep(3.0)  # greetings are said, and their memory is given back
                yield [(server.resident_bytes() - before) / sessions]


def twice_the_load(folder: Path, sessions: int, max_lag: float) -> Iterator[list[list[float]]]:
    """Yield pings of a node with nobody else, and with twice as many at its door as it can hold."""
    flags = ("--max-lag", str(max_lag))
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
    with started(kind, folder, "--words-per-second", "0", "--think", "0") as server:
        while True:
            yield [asyncio.run(_talks(server, many)) for many in (1, 8)]


async def _talks(server: Server, many: int) -> list[float]:
    """Return the seconds of a talk, from the time that TALKS of them took together."""
    waiting = iter(range(TALKS))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        crowd = Crowd(http, server.url, server.kind)

        async def talk() -> None:
            for _ in waiting:
                seat = await crowd.join()
                await seat.talk()

        began = monotonic()
        await asyncio.gather(*(talk() for _ in range(many)))
        return [(monotonic() - began) / TALKS]


def settle(crowd: Clients) -> None:
    """Wait until hardly any more come in, for longer than most are sent away."""
    came, since = -1, monotonic()
    while monotonic() - since < 15.0:
        now_in = crowd.ask()["in"]
        if now_in > came + 3:
            came, since = now_in, monotonic()
        sleep(0.5)
