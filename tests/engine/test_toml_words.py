from __future__ import annotations

from datetime import date

import pytest

from engine.toml_words import as_toml, did_you_mean, one_of


def test_a_near_miss_is_proposed_and_surely_meant() -> None:
    assert did_you_mean("nmae", ["name", "size"]) == ("name", None)
    assert did_you_mean("naem_of", ["name_of", "size"]) == ("name_of", "name_of")


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
