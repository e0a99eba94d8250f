"""A short life in the harness; an hour of it is `python -m tests.soak`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.soak.harness import SoakHarness
from tests.soak.player import Player
from tests.soak.soak import Result
from tests.soak.vitals import Body, Sample, megabytes_an_hour

FAULTS = ("change the level", "cut all", "leave and come back", "black hole")
KILL = "kill the service"


def test_the_slope_of_a_steady_growth_is_found() -> None:
    assert megabytes_an_hour([(0.0, 10.0), (60.0, 11.0), (120.0, 12.0)]) == pytest.approx(60.0)


def test_a_recogniser_that_is_first_needed_late_is_no_leak() -> None:
    game = Body(80.0, 10, 20)
    held = [(10, 1), (10, 1), (10, 1), (10, 1), (12, 2)]

    def result(threads_at_the_end: int) -> Result:
        threads = [*held, (threads_at_the_end, 2)]
        lives = (
            Sample(float(at), game, Body(400.0, many, 30), 25, 1, models)
            for at, (many, models) in enumerate(threads)
        )
        return Result(tuple(lives), Counter(), (), 0)

    assert result(12).leaks == ()
    assert result(13).leaks == ("1 more threads of the service",)


@pytest.mark.parametrize(
    ("faults", "is_killed"),
    [(FAULTS[:2], False), pytest.param(FAULTS, True, marks=pytest.mark.slow)],
)
def test_after_each_fault_everybody_is_back_and_nothing_more_is_held(
    tmp_path: Path, faults: tuple[str, ...], is_killed: bool
) -> None:
    with SoakHarness(tmp_path / "data") as harness:
        player = Player(harness, 1, tmp_path)
        assert player.recovers()
        player.do("speak")
        assert player.rests()
        before = harness.sample()
        for name in faults:
            player.do(name)
        assert player.rests()
        after = harness.sample()
        ids = [it.handle.view.session_id for it in harness.sessions]
        if is_killed:
            player.do(KILL)
        assert player.failures == []
        assert [it.handle.view.session_id for it in harness.sessions] == ids
    assert (after.tasks, after.game.threads) == (before.tasks, before.game.threads)
    assert after.game.files <= before.game.files and after.service.files <= before.service.files
