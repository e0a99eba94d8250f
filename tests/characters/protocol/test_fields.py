"""Fields of settings: a type checker knows the very words that are taken; numbers are checked."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Iterator
from enum import Enum
from typing import Any, get_args

import pytest

from characters.commands.scenes import project_registry
from characters.protocol.fields import Choice, check_number, check_range
from characters.protocol.turn_settings import PushToTalkOptions, TurnSettings
from characters.session.policy import ReconnectPolicy
from characters.speech.settings import SpeechSettings
from engine.toml.diagnostics import choices

SETTINGS = (ReconnectPolicy, TurnSettings, PushToTalkOptions, SpeechSettings)


class BothParts:
    """Stands in for Choice: keeps what type checkers see."""

    def __class_getitem__(cls, parameters: tuple[Any, Any]) -> tuple[Any, Any]:
        return parameters


def choice_fields() -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    """Yield each field that is a Choice: its name, what it holds and the words for it."""
    registry = project_registry()
    owners: list[Any] = [*SETTINGS, *map(registry.get, registry.names())]
    for owner in owners:
        names = {**vars(sys.modules[owner.__module__]), "Choice": BothParts}
        for item in dataclasses.fields(owner):
            if str(item.type).startswith("Choice["):
                kind, words = eval(str(item.type), names)
                yield f"{owner.__name__}.{item.name}", kind, get_args(words)


@pytest.mark.parametrize(
    ("kind", "words"), [pytest.param(*c[1:], id=c[0]) for c in choice_fields()]
)
def test_the_words_are_those_of_the_members_or_presets(kind: Any, words: tuple[str, ...]) -> None:
    if issubclass(kind, Enum):
        assert list(words) == [member.value for member in kind]
    else:
        presets = {name for name, value in vars(kind).items() if isinstance(value, kind)}
        assert set(words) == {name.lower() for name in presets}


def test_a_field_of_a_component_that_takes_words_is_a_choice_to_type_checkers() -> None:
    registry = project_registry()
    for name in registry.names():
        kind: Any = registry.get(name)
        written = {item.name: str(item.type) for item in dataclasses.fields(kind)}
        for field, spec in registry.fields(name).items():
            is_one = isinstance(spec.annotation, type) and "__set__" in dir(vars(kind).get(field))
            if is_one and choices(spec.annotation):
                assert written[field].startswith("Choice["), f"{name}.{field}"


def test_at_run_time_it_is_what_the_field_holds() -> None:
    assert Choice[ReconnectPolicy, str] is ReconnectPolicy  # type: ignore[comparison-overlap]


# --- checks --------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0, 0.5, 1])
def test_a_number_within_its_bounds_is_fine(value: float) -> None:
    check_range("gain", value, 0.0, 1.0)


@pytest.mark.parametrize("value", [-0.1, 1.01, math.nan, math.inf, "1", None, True])
def test_anything_else_is_refused_by_the_name_of_the_field(value: object) -> None:
    with pytest.raises(ValueError, match="gain must be 0 to 1"):
        check_range("gain", value, 0.0, 1.0)


@pytest.mark.parametrize("zero_is_fine", [True, False])
def test_a_number_above_zero_is_fine(zero_is_fine: bool) -> None:
    check_number("reach", 0.5, zero_is_fine=zero_is_fine)


def test_zero_is_fine_where_it_is_said_to_be() -> None:
    check_number("speed", 0, zero_is_fine=True)
    with pytest.raises(ValueError, match=r"speed must be above 0 \(got 0\)"):
        check_number("speed", 0, zero_is_fine=False)


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf, "1", None, True])
def test_what_is_no_number_or_below_zero_is_refused_by_the_name_of_the_field(value: object) -> None:
    with pytest.raises(ValueError, match="speed must be"):
        check_number("speed", value, zero_is_fine=True)
