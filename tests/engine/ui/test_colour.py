from __future__ import annotations

import pytest

from engine.ui.colour import fade, hex_colour, mix


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("#fff", (255, 255, 255, 255)),
        ("#102030", (16, 32, 48, 255)),
        ("#10203040", (16, 32, 48, 64)),
        ("102030", (16, 32, 48, 255)),
    ],
)
def test_a_colour_is_read_in_each_spelling(text: str, colour: tuple[int, ...]) -> None:
    assert hex_colour(text) == colour


@pytest.mark.parametrize("text", ["", "red", "#12", "#12345", "#gggggg"])
def test_what_is_no_colour_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=f"got {text!r}"):
        hex_colour(text)


def test_a_mix_lies_between_its_parts() -> None:
    assert mix((0, 0, 0, 255), (100, 200, 50, 55), 0.5) == (50, 100, 25, 155)


def test_fading_changes_the_opacity_alone() -> None:
    assert fade((1, 2, 3, 200), 0.5) == (1, 2, 3, 100)
    assert fade((1, 2, 3, 200), 7.0) == (1, 2, 3, 200)
