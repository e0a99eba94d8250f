from __future__ import annotations

import pytest

from engine.ui.letters import clusters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("abc", ["a", "b", "c"]),
        ("e\u0301a", ["e\u0301", "a"]),
        ("👩\u200d⚕\ufe0f!", ["👩\u200d⚕\ufe0f", "!"]),
        ("👍🏽👍", ["👍🏽", "👍"]),
        ("\u0301a", ["\u0301", "a"]),
    ],
)
def test_a_letter_keeps_what_belongs_to_it(text: str, expected: list[str]) -> None:
    assert list(clusters(text)) == expected
