from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from characters.components.language import as_file, languages, lint_words, read_words
from characters.english import ENGLISH
from characters.installation import package_assets
from engine.toml.reader import TomlFileError

GERMAN = package_assets() / "words" / "de.toml"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "fr.toml"


def problems(file: Path, text: str) -> list[str]:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(TomlFileError) as caught:
        read_words(file)
    return [str(problem).partition("fr.toml:")[2] for problem in caught.value.problems]


def test_the_languages_of_the_package_are_whole() -> None:
    assert languages() == ("de",)
    lint_words(GERMAN)


def test_a_language_says_what_english_says_with_the_same_values() -> None:
    german = read_words(GERMAN)
    told = ENGLISH("audio.calm", what=ENGLISH("audio.silent", device="USB"))
    assert german.translate(told) == (
        "Das Mikrofon USB liefert nur Stille: ist es ausgeschaltet oder nicht erlaubt? "
        "Schreiben und Untertitel gehen."
    )


def test_what_is_not_translated_is_shown_in_english_and_told_by_lint(file: Path) -> None:
    file.write_text(as_file().replace('title = "Menu"\n', ""), encoding="utf-8")
    assert read_words(file)("menu.title") == "Menu"
    with pytest.raises(TomlFileError) as caught:
        lint_words(file)
    (problem,) = caught.value.problems
    line = file.read_text(encoding="utf-8").splitlines()[problem.line - 1]
    assert line == "[menu]"
    assert str(problem).endswith('is missing: it is shown in English. Try: title = "Menu"')


def test_a_file_that_says_so_may_leave_the_rest_in_english(file: Path) -> None:
    file.write_text('partial = true\n[menu]\ntitle = "Carte"\n', encoding="utf-8")
    assert lint_words(file)("menu.title") == "Carte"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[menu]\ntitel = 'x'", "2:1: menu.titel: nothing on the screen has this key. Try: title"),
        ("[meny]\ntitle = 'x'", "1:2: meny: there is no such table. Try: menu or memory"),
        ("[menu]\ntitle = 3", '2:9: menu.title: must be a text (got 3). Try: "Menu"'),
        ("menu = 3", "1:8: menu: must be a table of texts (got 3). Try: [menu]"),
        (
            "[chat]\nto = 'À {nom}'",
            '2:6: chat.to: has the placeholder {nom}, which has no value here (got "À {nom}"). '
            "Try: {name}",
        ),
        (
            "[chat]\nto = 'À {name.x}'",
            "2:6: chat.to: has the placeholder {name.x}, which has no value here "
            '(got "À {name.x}"). Try: {name}',
        ),
        ("partial = 3", "1:11: partial: must be true or false (got 3)."),
    ],
)
def test_a_wrong_file_is_told_with_place_and_advice(file: Path, text: str, problem: str) -> None:
    assert problems(file, text)[0] == problem


def test_a_placeholder_that_is_missing_or_unfinished_is_told(file: Path) -> None:
    (missing,) = problems(file, "[chat]\nto = 'À:'")
    assert "lacks the placeholder {name}" in missing
    (unfinished,) = problems(file, "[chat]\nto = 'À {name'")
    assert "cannot be filled in" in unfinished


def test_the_file_to_translate_has_every_text(file: Path) -> None:
    file.write_text(as_file(), encoding="utf-8")
    assert lint_words(file).templates == ENGLISH.templates
    assert "partial" not in tomllib.loads(as_file())
