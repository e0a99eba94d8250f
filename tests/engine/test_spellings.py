from __future__ import annotations

from typing import Any

import pytest

from engine.spellings import normalised, preset_mistake
from tests.engine.cast import Mood, Policy


@pytest.mark.parametrize(
    ("annotation", "raw", "strict"),
    [
        (Mood, "Very Angry", "very_angry"),
        (Mood | None, "TIRED", "tired"),
        (tuple[Mood, ...], ["CALM", "x"], ["calm", "x"]),
        (int | None, "none", None),
        (str | None, "none", "none"),
        (Policy, {"mood": "CALM", "odd": 1}, {"mood": "calm", "odd": 1}),
        (Policy, 5, 5),
        (int, "5", "5"),
    ],
)
def test_allowed_spellings_are_made_strict(annotation: Any, raw: Any, strict: Any) -> None:
    assert normalised(annotation, raw) == strict


@pytest.mark.parametrize("raw", ["patient", {"preset": "PATIENT"}, {}, {"attempts": 1}, 5])
def test_a_known_preset_or_none_is_no_mistake(raw: Any) -> None:
    assert preset_mistake(Policy, raw) is None


def test_an_unknown_preset_names_the_known_ones() -> None:
    mistake = preset_mistake(Policy | None, {"preset": "patiemt"})
    assert mistake is not None
    assert (mistake.path, mistake.hint) == (("preset",), "patient")
