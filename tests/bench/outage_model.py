"""A thousand clients whose service goes away for a while: who comes back when. Virtual time only.

A policy is the waits before its tries: each one asked for is a try of its own that failed, until
the service is back; a policy that runs out of waits has given up. A refusal takes no time. Ours
are the real session machine; the peers' are what their sources say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import TypeAlias

from characters.session.conversation import SessionState
from characters.session.events import Timer
from characters.session.policy import ReconnectPolicy
from tests.bench.case import percentile
from tests.characters.session.life import Life

__all__ = ["OUTAGES", "POLICIES", "Toll", "as_table", "outage"]

Waits: TypeAlias = Callable[[Random], Iterator[float]]

CLIENTS = 1000
OUTAGES = (2.0, 10.0, 60.0, 120.0)
STABLE_SECONDS = 60.0


def ours(policy: ReconnectPolicy) -> Waits:
    """Return the waits of our session machine under a policy."""

    def waits(random: Random) -> Iterator[float]:
        life = Life(policy).connect().arrive().wait(STABLE_SECONDS)
        life.lose(chance=random.random())
        while life.state is SessionState.RECONNECTING:
            due = life.session.due(Timer.RETRY)
            wait = 0.0 if due is None else due - life.now
            life.wait(wait)
            yield wait
            life.refuse("connection.refused", chance=random.random())

    return waits


def websockets_iterator(random: Random) -> Iterator[float]:
    """Return at once, then within 5 s, then 3.1 s times 1.618 each, at most 90 s."""
    yield 0.0
    yield random.random() * 5.0
    for number in count():
        yield min(90.0, 3.1 * 1.618 ** min(number, 50))


def socketio_client(random: Random) -> Iterator[float]:
    """Double from 1 s to 5 s, half a second more or less."""
    for number in count():
        yield min(5.0, 2.0 ** min(number, 50)) + 0.5 * (2 * random.random() - 1)


def colyseus(random: Random) -> Iterator[float]:
    """Double from 0.2 s to 5 s, 15 tries."""
    return (min(5.0, 0.1 * 2.0**number) for number in range(1, 16))


def livekit_js(random: Random) -> Iterator[float]:
    """Wait along a list of ten, with up to a second more from the third on."""
    for number, wait in enumerate((0.0, 0.3, 1.2, 2.7, 4.8, 7.0, 7.0, 7.0, 7.0, 7.0)):
        yield wait + (random.random() if number > 1 else 0.0)


def livekit_rust(random: Random) -> Iterator[float]:
    """Try ten times, 5 s apart."""
    return (0.0 if number == 0 else 5.0 for number in range(10))


def full_jitter(random: Random) -> Iterator[float]:
    """Anything up to 0.3 s, doubling to 7 s."""
    for number in count():
        yield random.random() * min(7.0, 0.3 * 2.0 ** min(number, 50))


POLICIES: tuple[tuple[str, Waits], ...] = (
    ("Troupe, PATIENT", ours(ReconnectPolicy.PATIENT)),
    ("Troupe, DEFAULT", ours(ReconnectPolicy.DEFAULT)),
    ("websockets, iterator", websockets_iterator),
    ("python-socketio", socketio_client),
    ("Colyseus SDK", colyseus),
    ("LiveKit, JS policy", livekit_js),
    ("LiveKit, Rust policy", livekit_rust),
    ("full jitter 0.3 s to 7 s", full_jitter),
)


@dataclass(frozen=True)
class Toll:
    """What an outage cost: times are seconds after the service's return."""

    policy: str
    seconds: float
    tries: float  # of a client, mean
    peak: int  # tries of all clients within 100 ms, at most
    back: tuple[float, ...]  # when each one that did not give up was back
    gave_up: int

    def back_after(self, share: float) -> float | None:
        """Return when that share of those that came back were back; None when nobody was."""
        return percentile(list(self.back), share) if self.back else None


def outage(name: str, waits: Waits, seconds: float, clients: int = CLIENTS, seed: int = 1) -> Toll:
    """Let the service be away for `seconds`, and see who comes back when."""
    back, tries = [], Counter[int]()
    for number in range(clients):
        at = 0.0
        for wait in waits(Random(f"{seed} {number}")):
            at += wait
            tries[int(at * 10)] += 1
            if at >= seconds:
                back.append(at - seconds)
                break
    mean = tries.total() / clients
    return Toll(name, seconds, mean, max(tries.values()), tuple(back), clients - len(back))


def as_table(tolls: list[Toll]) -> str:
    """Return the tolls of one outage as a Markdown table."""
    lines = [
        f"### An outage of {tolls[0].seconds:g} s, {CLIENTS:,} clients (model)",
        "",
        "| policy | tries a client | peak in 100 ms | t50, s | t95 | t99 | gave up |",
        "|---|---|---|---|---|---|---|",
    ]
    for toll in tolls:
        times = [toll.back_after(share) for share in (0.5, 0.95, 0.99)]
        cells = " | ".join("" if time is None else f"{time:.2f}" for time in times)
        lines.append(
            f"| {toll.policy} | {toll.tries:.1f} | {toll.peak} | {cells} | {toll.gave_up} |"
        )
    return "\n".join([*lines, ""])
