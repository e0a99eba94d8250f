from __future__ import annotations

import pytest

from characters.core.messages import Action
from characters.core.readers import READERS


@pytest.mark.parametrize(
    ("annotation", "value", "clean"),
    [
        ("str", "a", "a"),
        ("float", 1, 1.0),
        ("int", 2.0, 2),
        ("bool", True, True),
        ("Mapping[str, object]", {"a": None}, {"a": None}),
        ("Mapping[str, float]", {"aa": 1}, {"aa": 1.0}),
        ("tuple[Action, ...]", [{"name": "Wave", "target": None}], (Action("Wave"),)),
    ],
)
def test_a_good_value_comes_out_clean(annotation: str, value: object, clean: object) -> None:
    assert READERS[annotation](value) == clean


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        ("str", 1),
        ("str", "\udc00"),
        ("float", True),
        ("float", float("nan")),
        ("int", 1.5),
        ("bool", 1),
        ("Mapping[str, object]", []),
        ("Mapping[str, float]", {"aa": "wide"}),
        ("tuple[Action, ...]", [{"target": "door"}]),
        ("tuple[Action, ...]", "Wave"),
    ],
)
def test_a_bad_value_ends_the_sentence_of_the_error(annotation: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"^must be"):
        READERS[annotation](value)
