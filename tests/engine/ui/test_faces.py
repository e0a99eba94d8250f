from __future__ import annotations

from pathlib import Path

import pygame
import pytest

from engine.ui.faces import Faces, system_fonts

LATO = Path(__file__).parents[3] / "assets" / "fonts" / "Lato-Regular.ttf"
SECOND = Path(str(pygame.font.__file__)).parent / "freesansbold.ttf"
ONLY_SECOND = "ب"  # pygame's own font has this letter, Lato has not


@pytest.fixture(autouse=True)
def ready() -> None:
    pygame.font.init()


def faces(*others: Path) -> Faces:
    return Faces(LATO, lambda: others)


def test_what_the_own_font_has_stays_one_run() -> None:
    assert faces(SECOND).runs("Žluťoučký — Ω") == (("Žluťoučký — Ω", LATO),)


def test_a_missing_letter_comes_from_the_first_font_that_has_it() -> None:
    found = faces(Path("/no/such.ttf"), SECOND).runs(f"a{ONLY_SECOND}b")
    assert found == (("a", LATO), (ONLY_SECOND, SECOND), ("b", LATO))


def test_what_no_font_has_is_replaced_by_something_to_be_seen() -> None:
    ((shown, face),) = faces().runs("你")
    assert face == LATO
    assert shown in "\ufffd□?"


def test_the_system_is_asked_only_when_a_letter_is_missing() -> None:
    asked = []
    some = Faces(LATO, lambda: asked.append(1) or [])  # type: ignore[func-returns-value]  # noted in passing
    some.runs("plain")
    assert asked == []
    some.runs("你")
    some.runs("好")
    assert asked == [1]


def test_a_mark_stays_with_its_letter() -> None:
    assert faces(SECOND).runs("e\u0301") == (("é", LATO),)
    assert faces(SECOND).runs("q\u0301") == (("q\u0301", LATO),)


@pytest.mark.parametrize("text", ["\0", "\ud800", "\t", "\x7f"])
def test_what_cannot_be_printed_is_replaced(text: str) -> None:
    shown = "".join(run[0] for run in faces().runs(f"a{text}b"))
    assert text not in shown
    assert shown.startswith("a") and shown.endswith("b") and len(shown) == 3


def test_a_mark_that_nothing_has_disappears_and_leaves_its_letter() -> None:
    assert faces().runs("a\u0902") == (("a", LATO),)
    assert faces().runs("\u0902") == ()


def test_the_fonts_of_the_system_are_files() -> None:
    assert all(path.is_file() for path in system_fonts())
