from __future__ import annotations

from pathlib import Path

import pytest

from engine.ui.fonts import Fonts

LATO = Path(__file__).parents[3] / "assets" / "fonts"
WHITE = (255, 255, 255, 255)


@pytest.fixture(params=[LATO, None, Path("/no/such/folder")])
def fonts(request: pytest.FixtureRequest) -> Fonts:
    return Fonts(request.param)


def test_a_text_is_rendered_once_and_as_wide_as_measured(fonts: Fonts) -> None:
    picture = fonts.render("Hello, Ada", 18, WHITE)
    assert picture is fonts.render("Hello, Ada", 18, WHITE)
    assert picture.get_width() == fonts.width("Hello, Ada", 18)


def test_lines_fit_their_width(fonts: Fonts) -> None:
    lines = fonts.lines("How have you been since yesterday, my friend?", 120, 18, False)
    assert len(lines) > 1
    assert all(fonts.width(line, 18) <= 120 for line in lines)


def test_a_long_name_is_shortened(fonts: Fonts) -> None:
    short = fonts.shortened("Professor Wilhelmina Featherstonehaugh", 100, 14, True)
    assert short.endswith("…")
    assert fonts.width(short, 14, True) <= 100


def test_the_kept_texts_are_bounded() -> None:
    fonts = Fonts(max_texts=10)
    for number in range(30):
        fonts.render(str(number), 12, WHITE)
    assert fonts.render.cache_info().currsize == 10
