from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import pytest
from pydantic import create_model

from engine.objects.objects import Component, GameObject
from engine.objects.registry import (
    Asset,
    ComponentRegistry,
    Handler,
    ObjectRef,
    field_specs,
    marked,
    resolved,
)
from tests.engine.sample_components import (
    Actor,
    Camera2D,
    Lamp,
    Mood,
    Policy,
    Switch,
    sample_registry,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


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


def read(component: str, raw: dict[str, Any]) -> Any:
    values, mistakes = sample_registry().read(component, raw)
    assert mistakes == []
    return values


def test_a_component_is_found_by_its_class_name() -> None:
    assert sample_registry().get("Lamp") is Lamp


def test_two_registries_know_nothing_of_each_other() -> None:
    ComponentRegistry(Lamp)
    assert "Lamp" not in ComponentRegistry(Actor)


def test_a_type_may_be_registered_twice() -> None:
    assert ComponentRegistry(Lamp, Lamp).names() == ("Lamp",)


def test_two_types_of_one_name_are_refused() -> None:
    other = type("Lamp", (Component,), {})
    with pytest.raises(ValueError, match="rename one of them"):
        ComponentRegistry(Lamp, other)


def test_a_type_whose_fields_cannot_be_resolved_is_refused_with_the_reason() -> None:
    class Broken(Component):
        parts: Sequence[str] = ()

    with pytest.raises(TypeError, match="'Sequence', which its module does not import"):
        ComponentRegistry(Broken)


def test_private_fields_and_engine_state_are_no_keys() -> None:
    assert list(sample_registry().fields("Door")) == ["target", "width"]


def test_a_constructor_of_its_own_gives_the_keys() -> None:
    assert list(ComponentRegistry(Camera2D).fields("Camera2D")) == ["zoom", "follow"]


def test_fields_of_a_base_class_are_keys_too() -> None:
    class Lantern(Lamp):
        fuel: float = 1.0

    fields = ComponentRegistry(Lantern).fields("Lantern")
    assert list(fields) == ["colour", "is_on", "fuel"]


def test_a_field_may_have_a_name_that_pydantic_keeps_for_itself() -> None:
    class Odd(Component):
        json: str = ""
        model_dump: int = 0

    values, _ = ComponentRegistry(Odd).read("Odd", {"json": "x", "model_dump": 2})
    assert values == {"json": "x", "model_dump": 2}


def test_only_what_is_given_is_returned() -> None:
    assert read("Lamp", {"is_on": True}) == {"is_on": True}


@pytest.mark.parametrize("word", ["very_angry", "VERY_ANGRY", "Very-Angry", "very angry"])
def test_an_enum_is_read_by_value_or_name_in_any_case(word: str) -> None:
    assert read("Actor", {"actor_id": "a", "mood": word})["mood"] is Mood.VERY_ANGRY


def test_a_list_becomes_a_tuple() -> None:
    assert read("Lamp", {"colour": [1, 2, 3]})["colour"] == (1, 2, 3)


def test_a_table_becomes_a_frozen_value() -> None:
    raw = {"actor_id": "a", "policy": {"attempts": 5, "mood": "TIRED"}}
    assert read("Actor", raw)["policy"] == Policy(attempts=5, mood=Mood.TIRED)


def test_none_stands_for_no_limit() -> None:
    raw = {"actor_id": "a", "policy": {"attempts": "none"}}
    assert read("Actor", raw)["policy"] == Policy(attempts=None)


@pytest.mark.parametrize("policy", ["patient", "PATIENT", {"preset": "Patient"}])
def test_a_preset_is_named(policy: object) -> None:
    assert read("Actor", {"actor_id": "a", "policy": policy})["policy"] == Policy.PATIENT


def test_a_preset_may_be_overridden_key_by_key() -> None:
    raw = {"actor_id": "a", "policy": {"preset": "patient", "delay_seconds": 9.0}}
    assert read("Actor", raw)["policy"] == Policy(attempts=None, delay_seconds=9.0)


def test_reading_what_is_right_of_faulty_tables_makes_no_model_for_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[object] = []
    known = sample_registry()

    def counted(*arguments: Any, **fields: Any) -> Any:
        made.append(arguments)
        return create_model(*arguments, **fields)

    monkeypatch.setattr("engine.objects.registry.create_model", counted)
    for _ in range(3):
        assert known.readable("Actor", {"tags": ["a"], "mood": 1}) == {"tags": ["a"]}
    assert len(made) == 1
