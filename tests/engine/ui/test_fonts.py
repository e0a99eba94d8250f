from __future__ import annotations

from pathlib import Path

import pygame
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


@pytest.mark.parametrize("size", [14, 15])
def test_letters_that_reach_below_the_line_are_as_sharp_as_the_others(size: int) -> None:
    plain = pygame.font.Font(LATO / "Lato-Regular.ttf", size).render("type", True, WHITE)
    picture = Fonts(LATO).render("type", size, WHITE)
    assert pygame.image.tobytes(picture, "RGBA") == pygame.image.tobytes(plain, "RGBA")
    assert picture.get_width() == Fonts(LATO).width("type", size)


def test_lines_fit_their_width(fonts: Fonts) -> None:
    lines = fonts.lines("How have you been since yesterday, my friend?", 120, 18, False)
    assert len(lines) > 1
    assert all(fonts.width(line, 18) <= 120 for line in lines)


def test_of_a_text_that_grows_only_the_new_end_is_measured() -> None:
    fonts, text = Fonts(LATO), "Morning! Or evening, I have stopped checking."
    fonts.lines(text, 400, 19, False)
    before = fonts.width.cache_info().misses
    fonts.lines(text + " Bram", 400, 19, False)
    assert 0 < before < fonts.width.cache_info().misses <= before + 2  # the word, and its line


def test_a_long_name_is_shortened(fonts: Fonts) -> None:
    short = fonts.shortened("Professor Wilhelmina Featherstonehaugh", 100, 14, True)
    assert short.endswith("…")
    assert fonts.width(short, 14, True) <= 100


def test_the_kept_texts_are_bounded() -> None:
    fonts = Fonts(max_texts=10)
    for number in range(30):
        fonts.render(str(number), 12, WHITE)
    assert fonts.render.cache_info().currsize == 10


def any_text() -> Fonts:
    return Fonts(LATO, others=lambda: [Path(str(pygame.font.__file__)).parent / "freesansbold.ttf"])


@pytest.mark.parametrize(
    "text", ["你好 🙂", "aبb", "e\u0301 q\u0301", "\u0301", "\u200d", "a\0b", "\ud800", "", "مرحبا"]
)
def test_any_text_is_rendered_as_wide_as_measured_and_in_one_line(text: str) -> None:
    fonts = any_text()
    picture = fonts.render(text, 18, WHITE)
    assert picture.get_width() == fonts.width(text, 18)
    assert picture.get_height() == fonts.render("a", 18, WHITE).get_height()


def test_a_letter_of_another_font_is_drawn_between_the_own_ones() -> None:
    fonts = any_text()
    own, mixed = fonts.width("ab", 18), fonts.width("aبb", 18)
    pixels = pygame.surfarray.array_alpha(fonts.render("aبb", 18, WHITE))
    left = fonts.width("a", 18)
    assert pixels[left : left + mixed - own].any()


def test_a_language_without_spaces_is_wrapped_too() -> None:
    lines = any_text().lines("你好" * 40, 120, 18, False)
    assert len(lines) > 3
    assert "".join(lines) == "你好" * 40
