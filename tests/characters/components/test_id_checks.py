from __future__ import annotations

from pathlib import Path

import pytest

from tests.characters.components.levels import problems_of, write_level


def character(name: str, character_id: str) -> str:
    return f'[[object]]\nname = "{name}"\n[object.Character]\ncharacter_id = "{character_id}"\n'


@pytest.mark.parametrize(
    ("character_id", "words"),
    [
        ("patient\u200b-7f3a", "holds a character that cannot be seen (zero width space)"),
        ("patient\u00ad-7f3a", "cannot be seen (soft hyphen)"),
        ("patient\u202e-7f3a", "cannot be seen (right-to-left override)"),
        ("patient\u00a0one", "holds an unusual blank (no-break space)"),
        ("patient-7f3a ", "begins or ends with a blank"),
        ("p\u0430tient", 'holds a cyrillic small letter a, which looks like "a"'),
        ("patient\u20117f3a", 'holds a non-breaking hyphen, which looks like "-"'),
        ("patient-\uff17", 'holds a fullwidth digit seven, which looks like "7"'),
    ],
)
def test_an_id_that_is_not_what_it_seems_is_refused(
    character_id: str, words: str, tmp_path: Path
) -> None:
    found = problems_of(write_level(tmp_path, character("Ann", character_id)))
    assert len(found) == 1
    assert found[0].startswith('8:16: object "Ann": Character.character_id: ')
    assert words in found[0]


def test_the_id_that_was_meant_is_proposed(tmp_path: Path) -> None:
    found = problems_of(write_level(tmp_path, character("Ann", "p\u0430tient\u200b\u20117")))
    assert found[0].endswith('Try: "patient-7"')


def test_a_word_of_another_alphabet_is_no_mistake(tmp_path: Path) -> None:
    text = character("Ann", "\u043f\u0430\u0446\u0438\u0435\u043d\u0442") + "[object.Lmap]\n"
    assert len(problems_of(write_level(tmp_path, text))) == 1


def test_two_ids_that_look_the_same_are_refused(tmp_path: Path) -> None:
    text = character("Ann", "room-10") + character("Bob", "room-lO")
    found = problems_of(write_level(tmp_path, text))
    assert len(found) == 1
    assert 'object "Bob": Character.character_id: looks like that of object "Ann"' in found[0]


def test_two_characters_of_one_id_are_named_with_both_places(tmp_path: Path) -> None:
    path = write_level(tmp_path, character("Ann", "x-1") + character("Bob", "x-1"))
    found = problems_of(path)
    assert len(found) == 1
    assert found[0].startswith('12:16: object "Bob": Character.character_id: ')
    assert 'object "Ann"' in found[0]
    assert "8:16" in found[0]


def test_a_session_key_makes_a_clone(tmp_path: Path) -> None:
    clone = character("Bob", "x-1") + 'session_key = "x-1 again"\n'
    text = character("Ann", "x-1") + clone + "[object.Lmap]\n"
    assert len(problems_of(write_level(tmp_path, text))) == 1
