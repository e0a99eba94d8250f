from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, field_validator

from engine.toml_file import Problem, TomlFileError, parse_source, parse_toml, read_toml


class Line(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1)
    mood: Literal["calm", "cross"] = "calm"


class Persona(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    lines: list[Line] = []
    volume: float = Field(default=1.0, ge=0, le=1)

    @field_validator("name")
    @classmethod
    def _not_nobody(cls, name: str) -> str:
        if name == "Nobody":
            raise ValueError("must be somebody")
        return name


def problems(text: str) -> list[str]:
    with pytest.raises(TomlFileError) as error:
        parse_toml(text, Persona, "ann.toml")
    return [str(problem) for problem in error.value.problems]


def test_a_valid_file_becomes_a_model(tmp_path: Path) -> None:
    path = tmp_path / "ann.toml"
    path.write_text('name = "Ann"\n[[lines]]\ntext = "Hm."\n', "utf-8")
    assert read_toml(path, Persona).lines == [Line(text="Hm.")]


def test_a_problem_prints_place_object_field_finding_and_advice() -> None:
    problem = Problem("a.toml", 3, 5, "Ann", "Lamp.is_on", "must be true or false", "1", "true")
    expected = 'a.toml:3:5: object "Ann": Lamp.is_on: must be true or false (got 1). Try: true'
    assert str(problem) == expected


def test_a_problem_leaves_out_what_there_is_not() -> None:
    assert str(Problem("a.toml", 1, 1, None, None, "is empty")) == "a.toml:1:1: is empty."


def test_all_problems_come_at_once_and_in_the_order_of_the_file() -> None:
    text = 'nmae = "Ann"\nvolume = 2\n[[lines]]\ntext = ""\nmood = "clam"\n'
    assert problems(text) == [
        'ann.toml:1:1: name: is missing. Try: name = "..."',
        "ann.toml:1:1: nmae: is not a known key. Try: name",
        "ann.toml:2:10: volume: must be at most 1 (got 2). Try: volume = 1.0",
        'ann.toml:4:8: lines[1].text: must be at least 1 characters long (got ""). '
        'Try: text = "..."',
        'ann.toml:5:8: lines[1].mood: must be one of calm, cross (got "clam"). Try: calm',
    ]


def test_a_validators_own_sentence_is_shown() -> None:
    assert problems('name = "Nobody"\n') == ['ann.toml:1:8: name: must be somebody (got "Nobody").']


def test_text_is_no_number_and_a_number_no_text() -> None:
    assert len(problems('name = 1\nvolume = "1"\n')) == 2


def test_long_values_are_shortened() -> None:
    assert len(problems(f"name = [{'1, ' * 1000}]\n")[0]) < 160


@pytest.mark.parametrize("text", ["", "\n", "  \n\t\n"])
def test_an_empty_text_is_said_to_be_empty(text: str) -> None:
    assert problems(text) == ["ann.toml:1:1: the file is empty."]


def test_a_missing_file_names_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "anna.toml").touch()
    with pytest.raises(TomlFileError, match=r"there is no such file\. Try: anna\.toml"):
        read_toml(tmp_path / "ann.toml", Persona)


def test_a_missing_folder_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(TomlFileError, match="create the folder"):
        read_toml(tmp_path / "no" / "ann.toml", Persona)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(TomlFileError, match="is a folder, not a file"):
        read_toml(tmp_path, Persona)


def test_bytes_that_are_no_text_are_named_with_their_place(tmp_path: Path) -> None:
    path = tmp_path / "ann.toml"
    path.write_bytes('a = "ä"\nname = "'.encode() + b'\xe4"\n')
    with pytest.raises(TomlFileError, match=r":2:9: the file is not UTF-8 text \(byte 0xe4\)"):
        read_toml(path, Persona)


def test_a_model_that_fails_in_its_own_code_still_gives_a_problem() -> None:
    class Fragile(BaseModel):
        name: str

        @field_validator("name")
        @classmethod
        def _break(cls, name: str) -> str:
            raise KeyError(name)

    with pytest.raises(TomlFileError, match="cannot be read: KeyError"):
        parse_toml('name = "x"', Fragile)


@given(st.text())
def test_no_text_whatever_raises_anything_else(text: str) -> None:
    try:
        parse_toml(text, Persona)
    except TomlFileError as error:
        assert error.problems


@given(st.binary(max_size=60))
def test_no_bytes_whatever_raise_anything_else(raw: bytes) -> None:
    try:
        parse_source(raw.decode("utf-8", "replace"))
    except TomlFileError as error:
        assert all(problem.line >= 1 and problem.column >= 1 for problem in error.problems)


def test_bottomless_nesting_is_a_problem_like_any_other() -> None:
    assert "nested too deeply" in problems("a = " + "[" * 100_000)[0]
