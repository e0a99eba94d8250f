"""What lint finds in the lines of a persona."""

from __future__ import annotations

from pathlib import Path

import pytest

from characters.agents.persona import read_small_talk
from characters.agents.persona_checks import check_persona, check_small_talk
from engine.toml.reader import TomlFileError
from tests.characters.agents.acting import PERSONAS

PACK = read_small_talk(PERSONAS / "shared" / "small-talk.toml")


def problems(
    tmp_path: Path,
    *,
    fallback: str = '"Pardon?"',
    first: str = '"Hello."',
    more: str = "",
    topic: str = '"A cat."',
) -> str:
    text = f"""name = "Bo"
fallback = [{fallback}]
{more}
[greeting]
first = [{first}]
[[topic]]
id = "cat"
says = ["cat", "feed <food>"]
lines = [{topic}]
when = {{ keys = {{ gate = "open" }} }}
"""
    path = tmp_path / "bo.toml"
    path.write_text(text, encoding="utf-8")
    try:
        check_persona(path, PACK)
    except TomlFileError as error:
        return "\n".join(map(str, error.problems))
    return ""


@pytest.mark.parametrize("path", sorted(PERSONAS.glob("*.toml")), ids=lambda path: path.stem)
def test_the_shipped_personas_have_no_mistakes(path: Path) -> None:
    assert check_persona(path, PACK).name


def test_the_shipped_small_talk_has_no_mistakes() -> None:
    assert check_small_talk(PERSONAS / "shared" / "small-talk.toml").topic


def test_a_misspelt_blank_is_named_with_its_place_and_what_was_meant(tmp_path: Path) -> None:
    found = problems(tmp_path, fallback='"Pardon, {nmae|friend}?"')
    assert "bo.toml:2:13: fallback[1]: nothing fills the blank {nmae}" in found
    assert "Try: {name}" in found


@pytest.mark.parametrize("blank", ["{{user}}", "{user}"])
def test_blanks_of_other_formats_get_the_one_of_this(tmp_path: Path, blank: str) -> None:
    found = problems(tmp_path, first=f'"Hello."," Hello {blank}."')
    assert blank in found
    assert "Try: {name|stranger}" in found


def test_a_blank_that_is_not_closed_is_a_mistake(tmp_path: Path) -> None:
    assert "{name is no blank" in problems(tmp_path, topic='"Hello {name"')


def test_a_greeting_that_may_have_nothing_to_say_is_a_mistake(tmp_path: Path) -> None:
    found = problems(tmp_path, first='"Hello, {name}."')
    assert "greeting.first: nothing can be said where {name} is not known" in found
    assert not problems(tmp_path, first='"Hello, {name}.", "Hello."')


def test_what_the_persona_names_itself_is_known(tmp_path: Path) -> None:
    assert not problems(tmp_path, topic='"{gate}, {food}, {dog}"', more='keys = ["dog"]')
    assert "{dog}" in problems(tmp_path, topic='"{dog}"')


def test_small_talk_that_there_is_not_gets_a_proposal(tmp_path: Path) -> None:
    found = problems(tmp_path, more='small_talk = { jok = ["Ha."] }')
    assert "small_talk.jok: is no small talk. Try: joke" in found


def test_a_table_in_the_place_of_a_list_of_tables_gets_its_second_brackets(tmp_path: Path) -> None:
    path = tmp_path / "bo.toml"
    path.write_text('name = "Bo"\n[topic]\nid = "a"\nlines = ["b"]\n', encoding="utf-8")
    with pytest.raises(TomlFileError, match=r"Try: \[\[topic\]\], not \[topic\]"):
        check_persona(path)


def test_a_topic_that_nothing_leads_to_is_a_mistake(tmp_path: Path) -> None:
    lost = '"A cat."]\n[[topic]]\nid = "{}"\n{}lines = ["A dog."'
    assert "topic[2]: has neither says nor ask" in problems(tmp_path, topic=lost.format("d", ""))
    for name, more in (("d", 'lead = "dogs"\n'), ("d", 'ask = ["a dog"]\n'), ("joke", "")):
        assert "neither" not in problems(tmp_path, topic=lost.format(name, more))


def test_a_wrong_topic_is_one_mistake(tmp_path: Path) -> None:
    assert problems(tmp_path, topic="5").count("\n") == 0


def test_a_key_in_the_place_of_its_variables_name_is_not_repeated(tmp_path: Path) -> None:
    found = problems(tmp_path, more='model = { key_env = "sk-12-3" }')
    assert "not the key" in found and "sk-12-3" not in found


def test_a_persona_without_a_greeting_is_told_what_goes_in(tmp_path: Path) -> None:
    path = tmp_path / "bo.toml"
    path.write_text('name = "Bo"\n', encoding="utf-8")
    with pytest.raises(TomlFileError, match=r'Try: greeting = \{ first = \["\.\.\."\] \}'):
        check_persona(path)
