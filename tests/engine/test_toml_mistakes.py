from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from engine.toml_mistakes import Mistake, below, validate


@dataclass(frozen=True)
class Range:
    low: int = 0
    high: int = 10

    def __post_init__(self) -> None:
        if self.low < 0:
            raise ValueError(f"low must not be negative (got {self.low})")
        if self.high < self.low:
            raise ValueError("the upper end lies below the lower one")


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[str] = []


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: Range = field(default_factory=Range)
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    either: int | bool | None = None
    pairs: dict[str, tuple[int, int]] = {}


def mistakes(data: dict[str, Any]) -> list[tuple[Any, str]]:
    value, found = validate(Model, data)
    assert value is None
    return [(mistake.path, mistake.message) for mistake in found]


def test_valid_data_becomes_the_model() -> None:
    value, found = validate(Model, {"size": {"high": 3}})
    assert value is not None
    assert (value.size, found) == (Range(0, 3), [])


def test_a_sentence_that_names_a_key_stands_at_that_key() -> None:
    assert mistakes({"size": {"low": -1}}) == [(("size", "low"), "must not be negative (got -1)")]


def test_a_sentence_that_names_none_stands_at_the_table() -> None:
    assert mistakes({"size": {"low": 5, "high": 1}}) == [
        (("size",), "the upper end lies below the lower one")
    ]


def test_names_of_types_are_no_keys() -> None:
    assert mistakes({"pet": {"kind": "cat", "lives": "nine"}}) == [
        (("pet", "lives"), "must be a whole number")
    ]


def test_an_unknown_tag_stands_at_its_table() -> None:
    assert mistakes({"pet": {"kind": "cow"}})[0][0] == ("pet",)


def test_the_members_of_a_union_complain_in_one_sentence() -> None:
    assert mistakes({"either": "x"}) == [(("either",), "must be a whole number or true or false")]


def test_keys_of_a_dictionary_are_part_of_the_path() -> None:
    assert mistakes({"pairs": {"a b": [1, "2"]}}) == [
        (("pairs", "a b", 1), "must be a whole number")
    ]


def test_a_mistake_of_an_inner_table_gets_the_outer_path() -> None:
    assert below(("a",), Mistake(("b",), "is wrong")).path == ("a", "b")


@pytest.mark.parametrize("data", [{"size": []}, {"size": {"low": {}}}, {"pairs": [1]}, {"x": None}])
def test_data_of_any_shape_gives_mistakes_and_never_raises(data: dict[str, Any]) -> None:
    assert mistakes(data)
