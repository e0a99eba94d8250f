"""Back after a reset, a black hole, a flapping server and an outage, beside our peers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.bench.case import Aim, Case, Contender, Figures
from tests.bench.outage_model import OUTAGES, POLICIES, Toll, as_table, outage
from tests.bench.report import Verdict

__all__ = ["cases", "models"]

MAKERS = "tests.bench.reconnect_contenders"
OURS = "Troupe session, DEFAULT"
BY_HAND = "our service asked and joined by hand, with aiohttp"
PATIENT = "Troupe session, PATIENT"
RESETS_OF_A_ROUND = 5

# Ours: a ping after 1 s of silence, given up after another 1.5 s.
EQUAL_WEBSOCKETS = {"ping_interval": 1.0, "ping_timeout": 1.5}
EQUAL_SOCKETIO = {"ping_interval": 1.0, "ping_timeout": 1.5}


def cases(quick: bool) -> list[Case]:
    """Return the cases; the quick ones have fewer rounds."""
    return [reset(4 if quick else 10), black_hole(2), flapping(10.0 if quick else 30.0)]


def reset(rounds: int) -> Case:
    """Return the case of an abrupt reset."""
    # The peers come back to an empty room; the floor, to the talk.
    how = {"fault": "reset", "times": RESETS_OF_A_ROUND}
    floor = Contender(BY_HAND, f"{MAKERS}:by_hand", how, is_floor=True)
    rows = (floor, *_recovering("reset", RESETS_OF_A_ROUND))
    name, why = "From an abrupt reset to usable", "The same requests to the same service, by hand."
    return Case(name, rows, rounds, "ms", 1e3, (Aim(OURS, 2.5),), why)


def black_hole(rounds: int) -> Case:
    """Return the case of a connection that swallows everything; a new one would work."""
    aims = (Aim(OURS, 3.0, "max", kind="policy_seconds"),)
    why = (
        "The policy pings after 1 s of silence and gives up 1.5 s later; the rest is reconnecting."
    )
    rows = _recovering("strand", 1)
    return Case("From a black hole to usable", rows, rounds, "s", 1.0, aims, why)


def _recovering(fault: str, times: int) -> tuple[Contender, ...]:
    peers: tuple[tuple[str, str, dict[str, float]], ...] = (
        ("websockets, iterator, defaults", "websockets", {}),
        ("websockets, iterator, our time-outs", "websockets", EQUAL_WEBSOCKETS),
        ("python-socketio, defaults", "socketio", {}),
        ("python-socketio, our time-outs", "socketio", EQUAL_SOCKETIO),
    )
    arguments: dict[str, Any] = {"fault": fault, "times": times}
    return (
        Contender(OURS, f"{MAKERS}:ours", arguments, is_ours=True),
        *(
            Contender(row, f"{MAKERS}:peer", arguments | {"name": name, "options": options}, name)
            for row, name, options in peers
        ),
    )


def flapping(seconds: float) -> Case:
    """Return the case of a server that lets everybody in and cuts them off at once."""
    ours = tuple(
        Contender(
            row,
            f"{MAKERS}:ours_flapping",
            {"policy": policy, "seconds": seconds},
            is_ours=True,
        )
        for row, policy in ((OURS, "DEFAULT"), (PATIENT, "PATIENT"))
    )
    peers = tuple(
        Contender(row, f"{MAKERS}:peer_flapping", {"name": name, "seconds": seconds}, name)
        for row, name in (
            ("websockets, iterator, defaults", "websockets"),
            ("python-socketio, defaults", "socketio"),
        )
    )
    aims = tuple(Aim(row, 1.0, "max", kind="count") for row in (OURS, PATIENT))
    name = f"Connects a second to a server that cuts whoever is ready, for {seconds:g} s"
    why = "Counted: the policy's waits decide, no processor."
    return Case(name, (*ours, *peers), 1, "1/s", 1.0, aims, why)


def models(measured: Mapping[str, Figures]) -> tuple[str, list[Verdict]]:
    """Return the tables of the outages, and the verdicts on ours."""
    tables, verdicts = [], []
    for seconds in OUTAGES:
        tolls = [outage(name, waits, seconds) for name, waits in POLICIES]
        found = _judge(tolls[0])
        tables.append("\n".join([as_table(tolls), *(f"* {verdict}" for verdict in found), ""]))
        verdicts += found
    return "\n".join(tables), verdicts


def _judge(toll: Toll) -> list[Verdict]:
    late = toll.back_after(0.95)
    text = f"{toll.policy}, {toll.seconds:g} s"
    return [
        Verdict(f"{text}, t95 at most 4 s", late or 0.0, late is not None and late <= 4.0),
        Verdict(f"{text}, gave up at most 0", toll.gave_up, toll.gave_up == 0),
    ]
