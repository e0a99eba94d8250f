from __future__ import annotations

import pytest

from characters.client.config import SessionConfig


def test_the_key_is_in_no_representation_of_a_config() -> None:
    config = SessionConfig("nurse", endpoint="https://x", api_key="top-secret")
    assert "top-secret" not in repr(config) + config.place


@pytest.mark.parametrize(
    ("name", "told"), [("A" * 200, "A" * 80), ("Ad\ud83da", "Ada"), ("", ""), (None, None)]
)
def test_a_name_that_no_service_takes_whole_keeps_no_player_out(
    name: str | None, told: str | None
) -> None:
    assert SessionConfig("nurse", player_name=name).player_name == told


def test_a_session_needs_a_character() -> None:
    with pytest.raises(ValueError, match="character_id"):
        SessionConfig("  ")
