from __future__ import annotations

from typing import Annotated, Any

import pytest

from engine.fields import (
    Asset,
    Handler,
    ObjectRef,
    field_specs,
    marked,
    resolved,
)
from engine.game_object import GameObject
from tests.engine.cast import Actor, Lamp, Switch

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
