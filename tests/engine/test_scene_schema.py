from __future__ import annotations

import json
from typing import Any

import pytest

from engine.component import Component
from engine.registry import ComponentRegistry
from engine.scene_schema import scene_schema
from tests.engine.cast import Mood, sample_registry


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return scene_schema(sample_registry())


def test_it_says_that_it_is_draft_7(schema: dict[str, Any]) -> None:
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize("word", ['"prefixItems"', '"$defs"', '"null"', '"type": "null"'])
def test_nothing_of_a_later_draft_is_left(word: str, schema: dict[str, Any]) -> None:
    assert word not in json.dumps(schema)


def test_every_reference_leads_somewhere(schema: dict[str, Any]) -> None:
    def references(node: Any) -> set[str]:
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        found = {target for part in inner for target in references(part)}
        return found | {node["$ref"]} if isinstance(node, dict) and "$ref" in node else found

    names = {target.removeprefix("#/definitions/") for target in references(schema)}
    assert names <= set(schema["definitions"])


def test_components_are_keys_of_an_object(schema: dict[str, Any]) -> None:
    known = schema["definitions"]["ObjectSettings"]["properties"]
    assert {"name", "position", "prefab", "Actor", "Lamp"} <= set(known)


def test_a_component_allows_its_fields_and_a_profile_and_no_more(schema: dict[str, Any]) -> None:
    lamp = schema["definitions"]["Lamp"]
    assert set(lamp["properties"]) == {"colour", "is_on", "profile"}
    assert lamp["additionalProperties"] is False


def test_a_required_field_may_come_from_a_profile_or_prefab(schema: dict[str, Any]) -> None:
    assert "required" not in schema["definitions"]["Actor"]
    thing = schema["definitions"]["ObjectSettings"]
    assert thing["if"] == {"not": {"required": ["prefab"]}}
    assert thing["then"]["properties"]["Actor"]["then"] == {"required": ["actor_id"]}


def test_presets_are_offered_by_name_and_inside_the_table(schema: dict[str, Any]) -> None:
    policy = schema["definitions"]["Actor"]["properties"]["policy"]
    assert policy["anyOf"][0] == {"enum": ["patient"]}
    assert schema["definitions"]["Policy"]["properties"]["preset"] == {"enum": ["patient"]}


def test_enums_are_listed(schema: dict[str, Any]) -> None:
    assert schema["definitions"]["Mood"]["enum"] == [mood.value for mood in Mood]


def test_a_component_may_have_the_name_of_a_type_in_another() -> None:
    registry = sample_registry(type("Policy", (Component,), {}))
    known = scene_schema(registry)["definitions"]["ObjectSettings"]["properties"]
    assert "Policy" in known


def test_it_is_the_same_every_time() -> None:
    one, two = scene_schema(sample_registry()), scene_schema(sample_registry())
    assert json.dumps(one) == json.dumps(two)


def test_an_empty_registry_has_a_schema_too() -> None:
    assert "SceneSettings" in scene_schema(ComponentRegistry())["definitions"]
