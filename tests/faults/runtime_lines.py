"""Lines that break anywhere, between the real runtime and the real service process."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

from characters.protocol.messages import BotTurnCompleted
from characters.service.effects import PersistEntry
from characters.service.store import SessionStore
from characters.session.conversation import ResumeOutcome, SessionState, SessionStateChanged, Turn
from characters.session.policy import ReconnectPolicy
from tests.bench.case import percentile
from tests.faults.harness import AT_ONCE, ServiceHarness, TrackedSession
from tests.faults.proxy import Direction, Faults
from tests.faults.row import Row
from tests.faults.runtime_real import pass_time

__all__ = ["early_drops", "resets", "rows", "weather", "window"]

CONNECTED = SessionState.CONNECTED
# Slow enough that each word is a chunk of its own.
WORD_BY_WORD = ("--words-per-second", "300", "--think", "0.002", "--no-speech", "--seed", "1")
HASTY = ReconnectPolicy(
    max_reconnect_attempts=None,
    reconnect_budget_seconds=60.0,
    backoff_base_seconds=0.05,
    backoff_cap_seconds=0.1,
)
TALK = ("My name is Ada.", "What is my name?")
SOON = 5.0
WINDOW_SECONDS = 0.6
EDGE_SECONDS = 0.1
TOGETHER = 4  # what the connect limiter lets through at once
LIMITER_SECONDS = 0.25  # after which it lets as many through again


def rows(quick: bool) -> Iterable[Row]:
    """Return the figures; `quick` tries fewer of each."""
    yield resets(range(1, 49, 8) if quick else range(1, 49))
    yield weather(2 if quick else 20)
    yield window(1 if quick else 25)
    yield early_drops(8 if quick else 100)


class OneReset:
    """Resets the first connection that carries that many chunks in that direction."""

    def __init__(self, direction: Direction, chunk: int) -> None:
        self.was_made = False
        self._at = (direction, chunk)

    def __call__(self, way: Direction, data: bytes, count: int) -> bool:
        hit = not self.was_made and (way, count) == self._at
        self.was_made = self.was_made or hit
        return hit


def resets(chunks: Iterable[int]) -> Row:
    """Hold a talk for each k and direction, in which the k-th chunk is a reset."""
    found = Counter[str]()
    with TemporaryDirectory() as folder, ServiceHarness(Path(folder), WORD_BY_WORD) as harness:
        store = SessionStore(Path(folder) / "service" / "sessions.sqlite3")
        for direction in Direction:
            for chunk in chunks:
                reset = OneReset(direction, chunk)
                harness.line.at_proxy(setattr, harness.proxy, "watch", reset)
                it = harness.open_session(f"{direction.name.lower()}-{chunk}", policy=HASTY)
                is_whole = _talk_through(harness, it, store)
                found["talks"] += 1
                found["wrong"] += not is_whole
                found[_fate(it) if reset.was_made else "whole"] += 1
                it.disconnect()
        store.close()
    figure = (
        f"{found['talks']} talks, {found['talks'] - found['whole']} reset:"
        f" {found['REJOINED']} rejoined, {found['RESUMED']} resumed,"
        f" {found['early']} before the character was ready;"
        f" {found['wrong']} with a line or an answer lost or doubled"
    )
    row = "reset after every k-th chunk, runtime and service process"
    return Row(1, row, figure, found["wrong"] == found["FRESH"] == 0)


def _talk_through(harness: ServiceHarness, it: TrackedSession, store: SessionStore) -> bool:
    """Say each line after the answer to the one before; tell whether both ends have all of it."""
    it.handle.connect()
    for number, line in enumerate(TALK, 1):
        harness.until(lambda: it.state is CONNECTED)
        it.handle.send_text(line)
        harness.until(lambda n=number: _answered(it) >= n)  # type: ignore[misc]  # bound now
    session_id = it.handle.view.session_id or ""

    def is_the_same_at_both_ends() -> bool:
        # Each speaker's words in their order: a line may be typed before a greeting begins.
        here = [turn for turn in it.handle.view.transcript if turn.final and not turn.interrupted]
        there = store.turns(session_id)
        return all(_by(here, who) == _by(there, who) for who in ("player", "character"))

    try:
        harness.until(is_the_same_at_both_ends, SOON)
    except TimeoutError:
        return False
    return _by(it.handle.view.transcript, "player") == [*TALK]


def _by(turns: Iterable[Turn | PersistEntry], speaker: str) -> list[str]:
    return [turn.text for turn in turns if turn.speaker == speaker]


def _answered(it: TrackedSession) -> int:
    return len({event.message_id for event in it.all(BotTurnCompleted)} - {None})


def _fate(it: TrackedSession) -> str:
    """Say how a talk came back: "early" if it was not there yet."""
    resumes = [change.resume for change in it.arrivals if change.resume is not None]
    return resumes[1].outcome.value if len(resumes) > 1 else "early"


def weather(times: int) -> Row:
    """Measure the time from connect to ready, and to a whole answer, on bad lines."""
    figures, worst = [], 0.0
    for name, faults in (
        ("100 ms", Faults(delay=0.1)),
        ("50 ms jitter", Faults(jitter=0.05)),
        ("7-byte slices", Faults(slice_bytes=7)),
        ("1 KB/s", Faults(bytes_per_second=1000, slice_bytes=50)),
    ):
        with TemporaryDirectory() as folder, ServiceHarness(Path(folder)) as harness:
            harness.line.at_proxy(setattr, harness.proxy, "faults", faults)
            times_taken = []
            for number in range(times):
                it = harness.open_session(f"nurse-{number}", policy=HASTY)
                times_taken.append(it.connect())
                it.disconnect()
        worst = max(worst, *times_taken)
        middle, most = (percentile(times_taken, share) for share in (0.5, 0.99))
        figures.append(f"{name} {middle:.2f} / {most:.2f} s")
    row = "latency, jitter, slices, 1 KB/s: the game is told CONNECTED after (p50 / p99)"
    return Row(3, row, ", ".join(figures), worst < 10)


def window(rounds: int) -> Row:
    """Let some come back a little before and a little after their room's time is over."""
    found = {edge: _at_the_edge(edge, rounds) for edge in (-EDGE_SECONDS, EDGE_SECONDS)}
    early, late = found.values()
    tried = rounds * TOGETHER
    figure = (
        f"100 ms early: {early['REJOINED']}/{tried} rejoined,"
        f" {early['too late']} came too late for it on a busy machine;"
        f" 100 ms late: {late['RESUMED']}/{tried} resumed in a new room"
    )
    is_right = (
        early["REJOINED"] + early["too late"] == late["RESUMED"] == tried
        and early["REJOINED"] >= tried / 2
    )
    return Row(8, "the runtime comes back at the edge of the window", figure, is_right)


def _at_the_edge(edge: float, rounds: int) -> Counter[str]:
    wait = WINDOW_SECONDS + edge
    policy = replace(
        HASTY,
        room_rejoin_ttl_seconds=WINDOW_SECONDS,
        backoff_base_seconds=wait,
        backoff_cap_seconds=wait,
    )
    found = Counter[str]()
    # The first retry is refused, the second comes after all of the back-off's step.
    with TemporaryDirectory() as folder, ServiceHarness(Path(folder), AT_ONCE, 1.0) as harness:
        people = [harness.open_session(f"nurse-{n}", policy=policy) for n in range(TOGETHER)]
        for _ in range(rounds):
            found.update([_come_back(harness, it) for it in _drop(harness, people)])
    return found


def _drop(harness: ServiceHarness, people: list[TrackedSession]) -> list[TrackedSession]:
    """Bring everybody in, break their lines, and refuse the retry that goes at once."""
    for it in people:
        it.connect()
        it.events.clear()
    pass_time(harness, LIMITER_SECONDS)
    harness.line.at_proxy(setattr, harness.proxy, "faults", Faults(refuse=True))
    harness.reset()
    harness.until(lambda: all(it.handle.view.next_retry_at is not None for it in people))
    harness.line.at_proxy(harness.proxy.heal)
    return people


def _come_back(harness: ServiceHarness, it: TrackedSession) -> str:
    harness.until(lambda: it.arrivals)
    lost, back = it.all(SessionStateChanged)[0], it.arrivals[0]
    it.disconnect()
    assert back.resume is not None  # whoever is connected knows
    is_late = back.resume.outcome is ResumeOutcome.RESUMED and back.t - lost.t > WINDOW_SECONDS
    meant_to_rejoin = it.handle.policy.backoff_cap_seconds < WINDOW_SECONDS
    return "too late" if is_late and meant_to_rejoin else back.resume.outcome.value


def early_drops(times: int) -> Row:
    """Reset each room's first connection before the service has said anything in it."""
    knocked: set[bytes] = set()

    def watch(way: Direction, data: bytes, count: int) -> bool:
        if way is not Direction.TO_SERVER or not data.startswith(b"GET /rooms/"):
            return False
        room = data.split()[1]
        is_first = room not in knocked
        knocked.add(room)
        return is_first

    with TemporaryDirectory() as folder, ServiceHarness(Path(folder)) as harness:
        harness.line.at_proxy(setattr, harness.proxy, "watch", watch)
        people = [harness.open_session(f"nurse-{n}", policy=HASTY) for n in range(times)]
        for it in people:
            it.handle.connect()
        harness.until(lambda: all(it.state is CONNECTED for it in people))
        with urlopen(f"{harness.service.url}/health") as answer:
            sessions = json.load(answer)["sessions"]
        there = sum(it.state is CONNECTED for it in people)
    figure = f"{len(knocked)} rooms dropped: {there}/{times} are there, in {sessions} conversations"
    row = "drop before the service said anything in the room, runtime and service process"
    return Row(9, row, figure, len(knocked) == sessions == times)
