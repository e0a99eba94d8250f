from __future__ import annotations

from typing import Annotated, Any

import pytest

from engine.fields import (
    Asset,
    Handler,
    ObjectRef,
    field_specs,
    marked,
    normalised,
    preset_mistake,
    resolved,
)
from engine.game_object import GameObject
from tests.engine.cast import Actor, Lamp, Mood, Policy, Switch

Friends = tuple[GameObject, ...]


def test_what_a_file_cannot_hold_becomes_text() -> None:
    specs = {spec.name: spec for spec in field_specs(Switch)}
    assert specs["lamp"].file_annotation == Annotated[str, ObjectRef(Lamp)] | None
    assert specs["pressed"].file_annotation == Annotated[str, Handler()] | None
    assert specs["kind"].file_annotation == specs["kind"].annotation


def test_only_a_field_without_a_default_is_required() -> None:
    assert [spec.name for spec in field_specs(Actor) if spec.required] == ["actor_id"]


@pytest.mark.parametrize(
    ("annotation", "value", "found"),
    [
        (GameObject, "Ann", [((), ObjectRef(), "Ann")]),
        (Lamp | None, "Ann", [((), ObjectRef(Lamp), "Ann")]),
        (Friends, ["A", "B"], [((0,), ObjectRef(), "A"), ((1,), ObjectRef(), "B")]),
        (Annotated[str, Asset()], "a.png", [((), Asset(), "a.png")]),
        (list[Annotated[str, Asset()]], ["a"], [((0,), Asset(), "a")]),
        (GameObject | None, None, []),
        (GameObject, 5, []),
        (str, "Ann", []),
    ],
)
def test_texts_that_stand_for_something_are_found(annotation: Any, value: Any, found: Any) -> None:
    assert list(marked(annotation, value)) == found


def test_what_a_text_stands_for_replaces_it() -> None:
    made = resolved(Friends, ("A", "B"), lambda marker, text: text.lower())
    assert made == ("a", "b")


def test_an_assets_name_stays() -> None:
    assert resolved(Annotated[str, Asset()], "a.png", lambda marker, text: 1) == "a.png"


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
