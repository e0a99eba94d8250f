from __future__ import annotations

import pytest

from tests.simulation.weather import simulate


@pytest.mark.parametrize("seed", range(3))
def test_a_day_of_bad_weather_breaks_no_promise(seed: int) -> None:
    outcome = simulate(seed, hours=12.0)
    assert sum(outcome.faults.values()) > 100
    assert set(outcome.outcomes) == {"REJOINED", "RESUMED", "FRESH"}


def test_a_seed_replays_exactly() -> None:
    assert simulate(7, hours=4.0) == simulate(7, hours=4.0)
