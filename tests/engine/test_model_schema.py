from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from engine.model_schema import ModelSchema


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


SCHEMA = ModelSchema(Outer)


@pytest.mark.parametrize("path", [("inner",), ("many", 3), ("pair", 0), ("named", "whatever")])
def test_the_keys_of_an_inner_table_are_known_wherever_it_stands(path: Any) -> None:
    assert SCHEMA.keys(path) == ["depth", "name"]


def test_the_keys_of_the_whole_are_known() -> None:
    assert SCHEMA.keys(()) == ["inner", "many", "pair", "named", "count", "size"]


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
    ],
)
def test_an_example_is_the_default_or_of_the_right_type(path: Any, line: str) -> None:
    assert SCHEMA.example(path) == line


def test_a_model_without_a_schema_knows_nothing() -> None:
    class Odd(BaseModel):
        model_config = {"arbitrary_types_allowed": True}

        thing: ModelSchema

    assert ModelSchema(Odd).keys(()) == []
