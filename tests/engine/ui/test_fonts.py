from __future__ import annotations

from pathlib import Path

import pygame
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ui.fonts import Faces, Fonts, shorten, system_fonts, wrap

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
    seen = picture.get_bounding_rect()
    assert seen == plain.get_bounding_rect()
    letters, same = (pygame.image.tobytes(p.subsurface(seen), "RGBA") for p in (picture, plain))
    assert letters == same
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
    own, mixed = round(fonts.width("ab", 18)), round(fonts.width("aبb", 18))
    pixels = pygame.surfarray.array_alpha(fonts.render("aبb", 18, WHITE))
    left = round(fonts.width("a", 18))
    assert pixels[left : left + mixed - own].any()


def test_a_language_without_spaces_is_wrapped_too() -> None:
    lines = any_text().lines("你好" * 40, 120, 18, False)
    assert len(lines) > 3
    assert "".join(lines) == "你好" * 40


LATO_REGULAR = Path(__file__).parents[3] / "assets" / "fonts" / "Lato-Regular.ttf"
SECOND = Path(str(pygame.font.__file__)).parent / "freesansbold.ttf"
ONLY_SECOND = "ب"  # pygame's own font has this letter, Lato has not


@pytest.fixture(autouse=True)
def ready() -> None:
    pygame.font.init()


def faces(*others: Path) -> Faces:
    return Faces(LATO_REGULAR, lambda: others)


def test_what_the_own_font_has_stays_one_run() -> None:
    assert faces(SECOND).runs("Žluťoučký — Ω") == (("Žluťoučký — Ω", LATO_REGULAR),)


def test_a_missing_letter_comes_from_the_first_font_that_has_it() -> None:
    found = faces(Path("/no/such.ttf"), SECOND).runs(f"a{ONLY_SECOND}b")
    assert found == (("a", LATO_REGULAR), (ONLY_SECOND, SECOND), ("b", LATO_REGULAR))


def test_what_no_font_has_is_replaced_by_something_to_be_seen() -> None:
    ((shown, face),) = faces().runs("你")
    assert face == LATO_REGULAR
    assert shown in "\ufffd□?"


def test_the_system_is_asked_only_when_a_letter_is_missing() -> None:
    asked = []
    some = Faces(LATO_REGULAR, lambda: asked.append(1) or [])  # type: ignore[func-returns-value]  # noted in passing
    some.runs("plain")
    assert asked == []
    some.runs("你")
    some.runs("好")
    assert asked == [1]


def test_a_mark_stays_with_its_letter() -> None:
    assert faces(SECOND).runs("e\u0301") == (("é", LATO_REGULAR),)
    assert faces(SECOND).runs("q\u0301") == (("q\u0301", LATO_REGULAR),)


@pytest.mark.parametrize("text", ["\0", "\ud800", "\t", "\x7f"])
def test_what_cannot_be_printed_is_replaced(text: str) -> None:
    shown = "".join(run[0] for run in faces().runs(f"a{text}b"))
    assert text not in shown
    assert shown.startswith("a") and shown.endswith("b") and len(shown) == 3


def test_a_mark_that_nothing_has_disappears_and_leaves_its_letter() -> None:
    assert faces().runs("a\u0902") == (("a", LATO_REGULAR),)
    assert faces().runs("\u0902") == ()


def test_the_fonts_of_the_system_are_files() -> None:
    assert all(path.is_file() for path in system_fonts())


def count(text: str) -> float:
    return float(len(text))


def test_lines_break_between_words() -> None:
    assert wrap("the quick brown fox", 10, count) == ("the quick", "brown fox")


def test_a_word_longer_than_a_line_is_broken_within() -> None:
    assert wrap("a supercalifragilistic b", 8, count) == ("a", "supercal", "ifragili", "stic b")


def test_only_a_line_that_may_be_too_wide_is_measured_whole() -> None:
    measured: list[str] = []
    wrap("to be or not to be, that is the question", 80, lambda t: measured.append(t) or count(t))  # type: ignore[func-returns-value]  # None is what makes `or` go on
    assert all(" " not in text.strip() for text in measured)


@given(st.text("ab ", max_size=80), st.integers(1, 20))
def test_lines_are_as_full_as_when_each_is_measured_whole(text: str, width: int) -> None:
    lines = wrap(text, width, count)
    firsts = [line.split()[0] for line in lines[1:] if line.split()]
    for line, first in zip(lines, firsts, strict=False):
        assert len(f"{line} {first}") > width or len(first) == width or len(line) == width


def test_line_breaks_of_the_text_stay() -> None:
    assert wrap("one\n\ntwo", 80, count) == ("one", "", "two")


def test_no_text_has_one_empty_line() -> None:
    assert wrap("", 80, count) == ("",)


def test_text_that_fits_is_not_shortened() -> None:
    assert shorten("hello", 5, count) == "hello"


def test_text_that_does_not_fit_ends_in_an_ellipsis() -> None:
    assert shorten("hello world", 7, count) == "hello…"


@given(st.text(max_size=80), st.integers(1, 20))
def test_no_line_is_wider_than_asked_and_no_letter_is_lost(text: str, width: int) -> None:
    lines = wrap(text, width, count)
    assert all(len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(st.text(max_size=80), st.integers(1, 20))
def test_shortened_text_fits(text: str, width: int) -> None:
    assert len(shorten(text, width, count)) <= width


@pytest.mark.parametrize("scale", [0.6, 1.5, 3.6])
def test_a_text_is_as_wide_and_stands_on_the_same_line_at_every_scale(scale: float) -> None:
    own, scaled = Fonts(LATO), Fonts(LATO, scale=scale)
    text = "Holding T to talk"
    assert scaled.width(text, 13) == pytest.approx(own.width(text, 13), rel=0.06)
    picture = scaled.render(text, 13, WHITE)
    assert picture.get_width() / scale == pytest.approx(scaled.width(text, 13), abs=1 / scale)
    foot = scaled.render("H", 13, WHITE).get_bounding_rect().bottom / scale
    wanted = own.render("H", 13, WHITE).get_bounding_rect().bottom
    assert foot + scaled.lowering(13, False) == pytest.approx(wanted, abs=0.5 / scale + 0.1)
    assert own.lowering(13, False) == 0
