from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from characters.session.policy import ReconnectPolicy
from tests.bench.outage_model import OUTAGES, as_table, colyseus, ours, outage

PATIENT = ours(ReconnectPolicy.PATIENT)


def each_second(random: Random) -> Iterator[float]:
    while True:
        yield 1.0


def test_tries_and_the_time_after_the_return_are_counted() -> None:
    toll = outage("each second", each_second, 2.5, clients=10)
    assert (toll.tries, toll.peak, toll.gave_up) == (3.0, 10, 0)
    assert toll.back_after(0.95) == 0.5


def test_who_runs_out_of_waits_gave_up() -> None:
    toll = outage("Colyseus", colyseus, 60.0, clients=10)
    assert toll.gave_up == 10
    assert toll.back_after(0.5) is None


@pytest.mark.parametrize("seconds", OUTAGES)
def test_a_patient_session_is_back_within_four_seconds_of_the_service(seconds: float) -> None:
    toll = outage("PATIENT", PATIENT, seconds, clients=40)
    assert toll.gave_up == 0
    assert max(toll.back) <= 4.0


def test_a_default_session_tries_three_times_and_says_so() -> None:
    toll = outage("DEFAULT", ours(ReconnectPolicy.DEFAULT), 60.0, clients=10)
    assert (toll.tries, toll.gave_up) == (3.0, 10)


def test_an_outage_replays_exactly() -> None:
    one, other = (outage("PATIENT", PATIENT, 10.0, clients=20) for _ in range(2))
    assert one == other
    assert "| PATIENT |" in as_table([one])
