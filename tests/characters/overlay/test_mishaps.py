from __future__ import annotations

import pytest

from characters.core.failure import FAILURES, classify_http, failure
from characters.core.state import SessionState as S
from characters.overlay.mishaps import is_open_elsewhere, player_words
from tests.characters.overlay.helpers import view


@pytest.mark.parametrize("code", sorted(FAILURES))
def test_every_failure_says_what_to_press_and_nothing_for_developers(code: str) -> None:
    words = player_words(failure(code, "HTTP 418 from lobby-1"))
    assert "Retry" in words
    assert code not in words and "HTTP" not in words and "_" not in words
    assert FAILURES[code].advice not in words


def test_a_talk_that_is_gone_offers_both_ways_on() -> None:
    words = player_words(failure("session.resume_refused"))
    assert "Start anew" in words and "Retry" in words


def test_a_talk_that_is_open_elsewhere_may_be_taken_over_and_nothing_else_may() -> None:
    refused = [code for code in FAILURES if is_open_elsewhere(view(S.ERROR, error=failure(code)))]
    assert refused == ["session.live_elsewhere"]
    ended = [c for c in FAILURES if is_open_elsewhere(view(S.DISCONNECTED, error=failure(c)))]
    assert ended == ["session.taken_over"]
    words = player_words(failure("session.live_elsewhere"))
    assert "Take over" in words and "Retry" in words
    assert not any(is_open_elsewhere(view(state)) for state in S)


def test_what_the_game_is_not_set_up_for_does_not_ask_to_wait() -> None:
    assert "not set up" in player_words(classify_http(401))
    assert "Wait" in player_words(failure("connection.refused"))


def test_an_error_without_a_failure_is_told_too() -> None:
    assert "Retry" in player_words(None)
