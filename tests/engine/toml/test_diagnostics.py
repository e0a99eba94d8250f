from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from engine.toml import diagnostics
from engine.toml.diagnostics import (
    Mistake,
    ModelSchema,
    as_toml,
    bare,
    below,
    did_you_mean,
    item_types,
    members,
    normalised,
    one_of,
    preset_mistake,
    validate,
)
from tests.engine.sample_components import Mood, Policy


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


def test_a_date_is_no_text_wherever_it_stands() -> None:
    day = date(2026, 1, 2)
    text = 'must be text in "quotes"'
    assert (("pet", "tricks", 1), text) in mistakes(
        {"pet": {"kind": "dog", "tricks": ["sit", day]}}
    )

    class Diary(BaseModel):
        day: date
        anything: dict[str, Any] = {}

    value, found = validate(Diary, {"day": day, "anything": {"when": day}})
    assert value is not None
    assert (value.day, found) == (day, [])


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


class Inner(BaseModel):
    depth: float
    name: str = "x"


class Outer(BaseModel):
    inner: Inner | None = None
    many: list[Inner] = []
    pair: tuple[Inner, int] | None = None
    named: dict[str, Inner] = {}
    count: int
    size: tuple[float, float] = (26.0, 14.0)
    hertz: Annotated[float, Field(ge=60, le=400)] = 0.0  # which nobody can write
    pitch: Annotated[int, Field(gt=0, lt=99)] = 50


SCHEMA = ModelSchema(Outer)


@pytest.mark.parametrize("path", [("inner",), ("many", 3), ("pair", 0), ("named", "whatever")])
def test_the_keys_of_an_inner_table_are_known_wherever_it_stands(path: Any) -> None:
    assert SCHEMA.keys(path) == ["depth", "name"]


def test_the_keys_of_the_whole_are_known() -> None:
    assert SCHEMA.keys(()) == ["inner", "many", "pair", "named", "count", "size", "hertz", "pitch"]


def test_nothing_is_known_where_there_is_no_table() -> None:
    assert SCHEMA.keys(("count", "x")) == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("count",), "count = 1"),
        (("inner", "depth"), "depth = 1.0"),
        (("inner", "name"), 'name = "x"'),
        (("many",), "many = []"),
        (("nothing",), ""),
        (("many", 1), ""),
        (("size", 1), "14.0"),
        (("size", 2), ""),
        (("hertz",), ""),
        (("pitch",), "pitch = 50"),
    ],
)
def test_an_example_is_the_default_or_of_the_right_type(path: Any, line: str) -> None:
    assert SCHEMA.example(path) == line


def test_a_model_without_a_schema_knows_nothing() -> None:
    class Odd(BaseModel):
        model_config = {"arbitrary_types_allowed": True}

        thing: ModelSchema

    assert ModelSchema(Odd).keys(()) == []


@pytest.mark.parametrize(
    ("annotation", "raw", "strict"),
    [
        (Mood, "Very Angry", "very_angry"),
        (Mood | None, "TIRED", "tired"),
        (tuple[Mood, ...], ["CALM", "x"], ["calm", "x"]),
        (int | None, "none", None),
        (str | None, "none", "none"),
        (Policy, {"mood": "CALM", "odd": 1}, {"mood": "calm", "odd": 1}),
        (Policy, 5, 5),
        (int, "5", "5"),
    ],
)
def test_allowed_spellings_are_made_strict(annotation: Any, raw: Any, strict: Any) -> None:
    assert normalised(annotation, raw) == strict


@pytest.mark.parametrize("raw", ["patient", {"preset": "PATIENT"}, {}, {"attempts": 1}, 5])
def test_a_known_preset_or_none_is_no_mistake(raw: Any) -> None:
    assert preset_mistake(Policy, raw) is None


def test_an_unknown_preset_names_the_known_ones() -> None:
    mistake = preset_mistake(Policy | None, {"preset": "patiemt"})
    assert mistake is not None
    assert (mistake.path, mistake.hint) == (("preset",), "patient")


def test_a_union_has_members_and_anything_else_is_its_own() -> None:
    assert members(int | None) == (int, type(None))
    assert members(int) == (int,)


def test_markers_are_taken_off() -> None:
    assert bare(Annotated[str, "marker"]) is str
    assert bare(str) is str


@pytest.mark.parametrize(
    ("annotation", "kinds"),
    [(list[int], (int, int)), (tuple[int, ...], (int, int)), (tuple[int, str], (int, str))],
)
def test_each_item_of_a_list_or_tuple_has_its_type(annotation: Any, kinds: Any) -> None:
    assert item_types(annotation, [1, 2]) == kinds


def test_a_near_miss_is_proposed_and_surely_meant() -> None:
    assert did_you_mean("nmae", ["name", "size"]) == ("name", None)
    assert did_you_mean("naem_of", ["name_of", "size"]) == ("name_of", "name_of")


def test_endless_names_are_compared_with_nothing() -> None:
    endless = "".join(map(chr, range(0x4E00, 0x5200))) * 500
    began = time.perf_counter()
    assert did_you_mean(endless, [endless[1:], "size"]) == (f"one of {endless[1:]}, size", None)
    assert did_you_mean("sizes", [endless, "size"]) == ("size", "size")
    assert time.perf_counter() - began < 5.0


def test_of_very_many_names_the_first_are_compared() -> None:
    names = [f"lamp {n}" for n in range(100_000)]
    began = time.perf_counter()
    assert did_you_mean("lmap 77777", names)[0]
    assert time.perf_counter() - began < 2.0


def test_capitals_do_not_matter() -> None:
    assert did_you_mean("LAMP", ["Lamp", "Door"]) == ("Lamp", "Lamp")


def test_of_two_near_misses_neither_is_surely_meant() -> None:
    hint, sure = did_you_mean("lamp", ["lamps", "lamp1"])
    assert set(hint.split(" or ")) == {"lamps", "lamp1"}
    assert sure is None


def test_what_is_far_from_all_gets_a_short_list() -> None:
    assert did_you_mean("xyz", ["ab", "cd"]) == ("one of ab, cd", None)


def test_a_long_list_is_left_out() -> None:
    assert did_you_mean("xyz", [f"a{i}" for i in range(40)]) == ("", None)


def test_nothing_is_proposed_where_nothing_is_known() -> None:
    assert did_you_mean("xyz", []) == ("", None)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        ("a", '"a"'),
        ([1, "b"], '[1, "b"]'),
        ({"a": False}, "{a = false}"),
        (date(2026, 1, 2), "2026-01-02"),
        (float("nan"), "nan"),
    ],
)
def test_a_value_is_shown_as_it_is_written(value: object, text: str) -> None:
    assert as_toml(value) == text


def test_a_long_value_is_cut() -> None:
    assert as_toml("x" * 500) == '"' + "x" * 58 + "…"


def test_choices_are_listed() -> None:
    assert one_of(["a", "b"]) == "must be one of a, b"


class Plain(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = ""


def test_the_values_that_are_wrong_are_left_out_all_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copies: list[object] = []
    inner = diagnostics._without

    def counted(*words: Any) -> dict[str, Any]:
        copies.append(words)
        return inner(*words)

    monkeypatch.setattr(diagnostics, "_without", counted)
    value, mistakes = diagnostics.read_rest(Plain, {f"k{n}": 1 for n in range(300)} | {"name": "X"})
    assert (value, len(mistakes), len(copies)) == (Plain(name="X"), 300, 1)


@pytest.mark.parametrize(
    ("paths", "rest"),
    [
        ([("a",)], {"b": {"x": 1, "y": 2}}),
        ([("b", "x"), ("b", "y")], {"a": 1, "b": {}}),
        ([("b", "x"), ("b",)], {"a": 1}),
        ([("a", "x")], {"b": {"x": 1, "y": 2}}),
        ([("none", "x")], {"a": 1, "b": {"x": 1, "y": 2}}),
    ],
)
def test_values_are_left_out_of_nested_tables(
    paths: list[tuple[str, ...]], rest: dict[str, Any]
) -> None:
    assert diagnostics._without({"a": 1, "b": {"x": 1, "y": 2}}, paths) == rest
