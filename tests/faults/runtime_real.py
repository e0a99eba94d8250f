"""Faults of the line between the real runtime and the real service process."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter

from characters.session.conversation import SessionState, SessionStateChanged
from characters.session.policy import ReconnectPolicy
from tests.bench.case import percentile
from tests.faults.harness import AT_ONCE, ServiceHarness, TrackedSession
from tests.faults.proxy import Direction, Faults
from tests.faults.row import Row

__all__ = ["a_harness", "pass_time", "rows"]

PATIENT = ReconnectPolicy.PATIENT
CONNECTED = SessionState.CONNECTED


def rows(quick: bool) -> Iterable[Row]:
    """Return the figures; `quick` tries fewer of each."""
    yield black_holes(2 if quick else 10)
    yield flapping(20.0 if quick else 60.0)
    yield crowd()
    yield taken_back(20 if quick else 200)
    yield level_loads((1.0, 2.0) if quick else (9.9, 10.1, 30.0))
    yield suspended(3.0 if quick else 8.0)


@contextmanager
def a_harness(*arguments: str) -> Iterator[ServiceHarness]:
    with (
        TemporaryDirectory() as folder,
        ServiceHarness(Path(folder), (*AT_ONCE, *arguments)) as harness,
    ):
        yield harness


def all_in(
    harness: ServiceHarness, sessions: list[TrackedSession], state: SessionState = CONNECTED
) -> None:
    harness.until(lambda: all(it.state is state for it in sessions))


def pass_time(harness: ServiceHarness, seconds: float) -> None:
    """Draw frames for a while."""
    until = perf_counter() + seconds
    harness.until(lambda: perf_counter() >= until, seconds + 5.0)


def black_holes(rounds: int) -> Row:
    """Let twenty links at a time go dead without a word."""
    found: list[float] = []
    with a_harness() as harness:
        sessions = [harness.open_session(f"nurse-{n}", policy=PATIENT) for n in range(20)]
        for turn in range(rounds):
            for it in sessions:
                it.handle.connect()
            all_in(harness, sessions)
            pass_time(harness, 0.1 + 0.93 * turn / rounds)  # at another point of the heartbeat
            for it in sessions:
                it.events.clear()
            began = perf_counter()
            harness.strand()
            harness.until(lambda: all(it.arrivals for it in sessions))
            found += [it.all(SessionStateChanged)[0].t - began for it in sessions]
            for it in sessions:
                it.disconnect()
    figures = [percentile(found, share) for share in (0.5, 0.99)]
    figure = (
        f"{len(found)} links noticed after {figures[0]:.2f} / {figures[1]:.2f} s,"
        f" at most {max(found):.2f} (1.0 + 1.5 promised)"
    )
    return Row(2, "half-open black hole (p50 / p99)", figure, max(found) < 2.6)


def flapping(seconds: float) -> Row:
    """Count the connects to a server that cuts whoever is ready, and to one that only accepts."""
    policies = {"DEFAULT": ReconnectPolicy.DEFAULT, "PATIENT": PATIENT}
    with ThreadPoolExecutor(2 * len(policies)) as pool:
        cut = pool.map(lambda policy: _cut_when_ready(policy, seconds), policies.values())
        refused = pool.map(lambda policy: _cut_at_once(policy, seconds), policies.values())
        found = dict(zip(policies, zip(cut, refused, strict=True), strict=True))
    figure = ", ".join(
        f"{name} {ready:.2f} a second cut when ready, {once:.2f} cut at once"
        for name, (ready, once) in found.items()
    )
    is_right = max(rate for rates in found.values() for rate in rates) < 1.0
    return Row(5, f"accept-then-close flapping for {seconds:g} s", figure, is_right)


def _cut_when_ready(policy: ReconnectPolicy, seconds: float) -> float:
    with a_harness() as harness:
        return harness.open_session("nurse", policy=policy).flaps(seconds) / seconds


def _cut_at_once(policy: ReconnectPolicy, seconds: float) -> float:
    with a_harness() as harness:
        harness.line.at_proxy(setattr, harness.proxy, "faults", Faults(refuse=True))
        harness.open_session("nurse", policy=policy).handle.connect()
        pass_time(harness, seconds)
        return harness.proxy.accepted / seconds


def crowd() -> Row:
    """Let twenty drop together, then one alone."""
    asked: list[float] = []

    def watch(way: Direction, data: bytes, number: int) -> bool:
        if way is Direction.TO_SERVER and data.startswith(b"POST /connect"):
            asked.append(perf_counter())
        return False

    with a_harness() as harness:
        sessions = [harness.open_session(f"nurse-{n}") for n in range(20)]
        for it in sessions:
            it.handle.connect()
        all_in(harness, sessions)
        harness.proxy.watch = watch
        began = perf_counter()
        harness.reset()
        harness.until(lambda: all(len(it.arrivals) > 1 for it in sessions))
        taken = perf_counter() - began
        peak = max(sum(0 <= other - at < 0.1 for other in asked) for at in asked)
        told = [len(it.events) for it in sessions[1:]]
        sessions[0].recovers(sessions[0].handle.cut)
        pass_time(harness, 0.5)
        touched = sum(len(it.events) != n for it, n in zip(sessions[1:], told, strict=True))
    figure = (
        f"twenty: at most {peak} connects in 100 ms, all back after {taken:.2f} s;"
        f" one alone: {touched} others touched"
    )
    is_right = peak <= 8 and touched == 0
    return Row(7, "20 characters drop together; one alone", figure, is_right)


def taken_back(times: int) -> Row:
    """Disconnect at a random moment of a connect or a reconnect."""
    chance = Random(12)
    with a_harness() as harness:
        it = harness.open_session("nurse", policy=PATIENT)
        it.connect()
        it.disconnect()
        pass_time(harness, 0.5)
        before = _held()
        for turn in range(times):
            it.handle.connect()
            if turn % 2:
                harness.until(lambda: it.state is CONNECTED)
                harness.reset()
            pass_time(harness, chance.random() * 0.02)
            it.disconnect()
        pass_time(harness, 1.5)
        after = _held()
        leaks = harness.runtime._runners["nurse"].is_leaking
    figure = (
        f"{times} times: {after[0] - before[0]} threads, {after[1] - before[1]} open files more"
    )
    row = "disconnect() at random moments, real sockets"
    return Row(
        12, row, figure, not leaks and all(a <= b for a, b in zip(after, before, strict=True))
    )


def _held() -> tuple[int, int]:
    return threading.active_count(), len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # a number


def level_loads(blocks: tuple[float, ...]) -> Row:
    """Compute without pause on the main thread while eight sessions are open."""
    kept = []
    with a_harness() as harness:
        sessions = [harness.open_session(f"nurse-{n}") for n in range(8)]
        for it in sessions:
            it.handle.connect()
        all_in(harness, sessions)
        pass_time(harness, 0.5)
        told = [len(it.all(SessionStateChanged)) for it in sessions]
        for seconds in blocks:
            until = perf_counter() + seconds
            while perf_counter() < until:
                sum(range(1000))
            pass_time(harness, 0.5)
            now = [len(it.all(SessionStateChanged)) for it in sessions]
            kept.append(sum(one == other for one, other in zip(told, now, strict=True)))
    figure = ", ".join(f"{s:g} s: {n}/8 kept" for s, n in zip(blocks, kept, strict=True))
    return Row(13, "a level load that blocks the main thread", figure, set(kept) == {8})


def suspended(seconds: float) -> Row:
    """Stop the service process for a while, then the client's network thread."""
    with a_harness() as harness:
        it = harness.open_session("nurse", policy=PATIENT)
        it.connect()
        pid = harness.service.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        pass_time(harness, seconds)
        os.kill(pid, signal.SIGCONT)
        harness.until(lambda: it.state is CONNECTED and len(it.arrivals) > 1)
        pass_time(harness, 1.0)
        harness.runtime.network.call(threading.Event().wait, seconds)
        pass_time(harness, seconds + 3.0)
        harness.until(lambda: it.state is CONNECTED)
        ids = {change.session_id for change in it.arrivals}
        outcomes = [change.resume.outcome.value for change in it.arrivals if change.resume]
    figure = f"{seconds:g} s each: {' '.join(outcomes)}, {len(ids)} conversation"
    is_right = len(ids) == 1 and all(a != "RESUMED" or b != "FRESH" for a, b in pairwise(outcomes))
    return Row(14, "service suspended, then the client", figure, is_right)
