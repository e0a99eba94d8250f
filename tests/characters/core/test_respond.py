from __future__ import annotations

import pytest

from characters.core.respond import RespondMode


@pytest.mark.parametrize(("mode", "wire"), [("auto", "auto"), ("manual", "silent")])
def test_a_mode_says_what_becomes_of_typed_and_of_spoken_words(mode: str, wire: str) -> None:
    assert RespondMode(mode).lanes == {"user_text": wire, "user_voice": wire}
