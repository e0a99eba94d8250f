from __future__ import annotations

import pytest

from tests.simulation.runner import simulate


def test_an_hour_of_bad_weather_breaks_no_promise() -> None:
    outcome = simulate(0, hours=1.0)
    assert not outcome.broken, outcome.broken
    assert sum(outcome.faults.values()) > 10
    assert outcome.words["lines confirmed"] > 50


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_half_a_day_of_bad_weather_breaks_no_promise(seed: int) -> None:
    outcome = simulate(seed, hours=12.0)
    assert not outcome.broken, outcome.broken
    assert sum(outcome.faults.values()) > 100
    assert set(outcome.outcomes) == {"REJOINED", "RESUMED", "FRESH"}
    assert outcome.words["lines confirmed"] > 1000
    assert outcome.words["frames heard"] > 100


def test_a_seed_replays_exactly() -> None:
    assert simulate(7, hours=1.0) == simulate(7, hours=1.0)
