from __future__ import annotations

import sys

import pytest

from characters.runtime.handover import (
    EAGER_SECONDS,
    FRAMES_UNTIL_PATIENT,
    PATIENT_SECONDS,
    SHORT_FRAME_SECONDS,
    Handover,
)

SHORT, LONG = SHORT_FRAME_SECONDS / 2, SHORT_FRAME_SECONDS * 2


class Game:
    """A game's thread: what it worked, and the interval that was set last."""

    def __init__(self) -> None:
        self.worked = 0.0
        self.interval = 0.0
        self.handover = Handover(lambda: self.worked, self.switch)

    def switch(self, seconds: float) -> None:
        self.interval = seconds

    def frames(self, number: int, seconds: float) -> None:
        for _ in range(number):
            self.worked += seconds
            self.handover.frame_began()


@pytest.fixture
def game() -> Game:
    game = Game()
    game.handover.begin()
    return game


def test_others_run_soon_until_frames_are_known_to_be_short(game: Game) -> None:
    game.frames(FRAMES_UNTIL_PATIENT - 1, SHORT)
    assert game.interval == EAGER_SECONDS
    game.frames(1, SHORT)
    assert game.interval == PATIENT_SECONDS


def test_a_long_frame_lets_others_run_soon_and_short_ones_have_to_prove_themselves_again(
    game: Game,
) -> None:
    game.frames(FRAMES_UNTIL_PATIENT, SHORT)
    game.frames(1, LONG)
    assert game.interval == EAGER_SECONDS
    game.frames(FRAMES_UNTIL_PATIENT - 1, SHORT)
    assert game.interval == EAGER_SECONDS
    game.frames(1, SHORT)
    assert game.interval == PATIENT_SECONDS


def test_a_game_of_long_frames_is_interrupted_in_each(game: Game) -> None:
    game.frames(10 * FRAMES_UNTIL_PATIENT, LONG)
    assert game.interval == EAGER_SECONDS


def test_the_end_leaves_the_interval_as_it_was_and_frames_after_it_change_nothing(
    game: Game,
) -> None:
    game.handover.end()
    assert game.interval == sys.getswitchinterval()
    game.interval = 0.0
    game.frames(2 * FRAMES_UNTIL_PATIENT, SHORT)
    assert game.interval == 0.0
