from __future__ import annotations

import pytest

from characters.client.config import SessionConfig


def test_the_key_is_in_no_representation_of_a_config() -> None:
    config = SessionConfig("nurse", endpoint="https://x", api_key="top-secret")
    assert "top-secret" not in repr(config) + config.place


def test_a_session_needs_a_character() -> None:
    with pytest.raises(ValueError, match="character_id"):
        SessionConfig("  ")
