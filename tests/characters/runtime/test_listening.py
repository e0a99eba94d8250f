from __future__ import annotations

import pytest

from characters.core.turn_settings import ListeningMode
from characters.runtime.listening import EarsStatus, Wishes


def test_nothing_is_permitted_before_the_player_said_so() -> None:
    assert not Wishes().permits and Wishes(allowed=True).permits


@pytest.mark.parametrize("wishes", [Wishes(True, muted=True), Wishes(True, focused=False)])
def test_mute_and_a_lost_focus_win_over_the_permission(wishes: Wishes) -> None:
    assert not wishes.permits


def test_an_indicator_begins_dark() -> None:
    assert EarsStatus() == EarsStatus(level=0.0, target=None, is_open=False, is_allowed=False)


def test_the_modes_are_named_as_in_the_settings() -> None:
    assert [mode.value for mode in ListeningMode] == ["hands_free", "push_to_talk"]
