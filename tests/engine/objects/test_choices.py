"""A field that is a choice takes its word in code, and nonsense is refused where it is written."""

from __future__ import annotations

import dataclasses
import traceback
from enum import IntEnum, StrEnum
from typing import Annotated, ClassVar, Literal

import pytest

from engine.objects.objects import Component


class Mood(StrEnum):
    CALM = "calm"
    VERY_ANGRY = "very_angry"


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


@dataclasses.dataclass(frozen=True)
class Recipe:
    QUICK: ClassVar[Recipe]

    minutes: int = 30


Recipe.QUICK = Recipe(5)


class Cook(Component):
    size: Size
    mood: Mood = Mood.CALM
    recipe: Recipe = Recipe()
    later: Mood | None = None
    marked: Annotated[Mood, "a marker"] = Mood.CALM
    moods: tuple[Mood, ...] = ()
    name: str = ""
    heat: Literal["low", "high"] | None = None


class Chef(Cook):
    mood: Mood = Mood.VERY_ANGRY
    stars: int = 1


def test_a_word_means_the_member_or_the_preset() -> None:
    cook = Cook("large", "very_angry", "quick", "calm", "Very Angry")  # type: ignore[arg-type]  # words
    assert (cook.size, cook.mood, cook.recipe) == (Size.LARGE, Mood.VERY_ANGRY, Recipe.QUICK)
    assert cook.later is Mood.CALM
    assert cook.marked is Mood.VERY_ANGRY


def test_members_presets_and_none_are_taken_as_they_are() -> None:
    cook = Cook(Size.SMALL, Mood.CALM, Recipe(7), None)
    assert (cook.size, cook.mood, cook.recipe, cook.later) == (1, Mood.CALM, Recipe(7), None)


def test_defaults_are_those_of_the_class_and_of_its_base() -> None:
    chef = Chef(Size.SMALL)
    assert (chef.mood, chef.recipe, chef.stars) == (Mood.VERY_ANGRY, Recipe(), 1)


def test_a_word_may_be_set_later() -> None:
    cook = Cook(Size.SMALL)
    cook.mood = "very_angry"  # type: ignore[assignment]  # a word
    assert cook.mood is Mood.VERY_ANGRY


def test_nonsense_is_refused_with_the_words_and_what_was_meant() -> None:
    with pytest.raises(ValueError, match=r"Cook\.mood must be one of calm, very_angry") as caught:
        Cook(Size.SMALL, mood="very_angri")  # type: ignore[arg-type]  # the point of it
    assert str(caught.value).endswith("(got 'very_angri'). Did you mean very_angry?")
    with pytest.raises(ValueError, match=r"Chef\.recipe must be quick \(got 3\)"):
        Chef(Size.SMALL, recipe=3)  # type: ignore[arg-type]  # the point of it
    with pytest.raises(ValueError, match=r"Cook\.mood"):
        Cook(Size.SMALL, mood=None)  # type: ignore[arg-type]  # the point of it


def test_a_literal_takes_its_values_and_refuses_others() -> None:
    assert Cook(Size.SMALL, heat="high").heat == "high"
    with pytest.raises(ValueError, match=r"Cook\.heat must be one of low, high") as caught:
        Cook(Size.SMALL, heat="hihg")  # type: ignore[arg-type]  # the point of it
    assert str(caught.value).endswith("(got 'hihg'). Did you mean high?")


def test_the_error_is_raised_at_the_line_that_wrote_the_word() -> None:
    cook = Cook(Size.SMALL)
    with pytest.raises(ValueError, match="cooked") as caught:
        cook.mood = "cooked"  # type: ignore[assignment]  # the point of it
    lines = traceback.extract_tb(caught.value.__traceback__)
    assert "cook.mood =" in (lines[0].line or "")


def test_other_fields_are_plain_attributes() -> None:
    plain = {"moods", "name"}
    assert plain.isdisjoint(name for name, value in vars(Cook).items() if hasattr(value, "_kind"))
