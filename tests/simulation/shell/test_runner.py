from __future__ import annotations

import pytest

from tests.simulation.shell.runner import simulate_shell

MINUTES_4 = 4 / 60


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_minutes_of_bad_weather_for_the_whole_product_break_no_promise(seed: int) -> None:
    outcome = simulate_shell(seed, hours=MINUTES_4, clients=3)
    assert not outcome.broken, outcome.broken
    assert sum(outcome.faults.values()) > 30
    assert outcome.words["lines confirmed"] > 30
    assert outcome.words["frames heard"] > 500
    assert outcome.words["saves"] and outcome.words["loads"] and outcome.words["taken back"]


def test_a_seed_of_the_whole_product_replays_exactly() -> None:
    first, second = (simulate_shell(7, hours=1 / 60, clients=3) for _ in range(2))
    assert first == second
