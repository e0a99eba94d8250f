"""Choices: a type checker is told of the very words that are taken."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from enum import Enum
from typing import Any, get_args

import pytest

from characters.commands.scenes import project_registry
from characters.protocol.choice import Choice
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
