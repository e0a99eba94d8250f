from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from engine.objects.objects import Component
from engine.objects.registry import ComponentRegistry
from engine.scenes import rules
from engine.scenes.file import SceneFile
from engine.scenes.rules import HandlerName, is_part, profile_of, read_part, scene_schema
from engine.toml.reader import TomlFileError, TomlSource, parse_source
from tests.engine.corpus import write_assets
from tests.engine.sample_components import Mood, Policy, sample_registry


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Lamp.toggle", (None, "Lamp", "toggle")),
        ("Ann:Lamp.toggle", ("Ann", "Lamp", "toggle")),
        ("Mr. Ann: Esq.:Lamp.toggle", ("Mr. Ann: Esq.", "Lamp", "toggle")),
        ("Ann : Lamp.toggle", ("Ann", "Lamp", "toggle")),
    ],
)
def test_a_handler_is_named_by_object_component_and_method(
    text: str, parts: tuple[str | None, str, str]
) -> None:
    assert HandlerName.parse(text) == HandlerName(*parts)


@pytest.mark.parametrize("text", ["", "Lamp", "Lamp.", ".toggle", ":Lamp.toggle", "Ann:"])
def test_anything_else_names_none(text: str) -> None:
    assert HandlerName.parse(text) is None


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


REGISTRY = sample_registry()


def part(folder: Path, text: str, name: str = "prefabs/x.toml") -> TomlSource:
    return parse_source(text, str(write_assets(folder).parents[1] / name))


def problems(source: TomlSource) -> list[tuple[int, str | None, str | None]]:
    with pytest.raises(TomlFileError) as error:
        read_part(source, REGISTRY)
    return [(p.line, p.object, p.field) for p in error.value.problems]


@pytest.mark.parametrize(
    ("name", "text", "component"),
    [
        ("prefabs/x.toml", "tag = 'x'\n", None),
        ("x.toml", "[Lamp]\n", None),
        ("x.toml", "[Lmap]\n", None),
        ("x.toml", 'prefab = "prefabs/lamp.toml"\n', None),
        ("actors/x.toml", "zzz = 1\n", "Actor"),
        ("x.toml", 'mood = "calm"\nactor_id = "x"\n', "Actor"),
        ("x.toml", "is_on = true\n", "Lamp"),
    ],
)
def test_the_folder_or_the_keys_say_what_a_file_is(name: str, text: str, component: str) -> None:
    source = parse_source(text, name)
    assert is_part(source, REGISTRY)
    assert profile_of(source, REGISTRY) == component


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.toml", "[scene]\n[Lamp]\n"),
        ("prefabs/x.toml", "[[objects]]\n"),
        ("x.toml", "zzz = 1\n"),
        ("scenes/x.toml", "is_on = true\n"),
    ],
)
def test_a_level_is_no_part(name: str, text: str) -> None:
    assert not is_part(parse_source(text, name), REGISTRY)


def test_a_part_that_is_right_gives_what_it_holds(tmp_path: Path) -> None:
    document = read_part(part(tmp_path, "[Actor]\npolicy.attempts = 7\n"), REGISTRY)
    (entry,) = document.objects
    assert entry.components["Actor"].values == {"policy": Policy(attempts=7)}


def test_every_mistake_of_a_prefab_is_found_at_its_line(tmp_path: Path) -> None:
    text = 'tga = "x"\n[Actor]\nmood = "mad"\npicture = "sprites/am.png"\n[Door]\nwidth = 0\n'
    assert problems(part(tmp_path, text)) == [
        (1, None, "tga"),
        (3, None, "Actor.mood"),
        (4, None, "Actor.picture"),
    ]


def test_a_rule_of_the_constructor_is_checked_once_all_it_needs_is_there(tmp_path: Path) -> None:
    text = '[Door]\ntarget = "hall"\nwidth = 0\n'
    assert problems(part(tmp_path, text)) == [(3, None, "Door.width")]


def test_a_mistake_in_the_prefab_is_at_its_own_file(tmp_path: Path) -> None:
    source = part(tmp_path, 'prefab = "prefabs/broken.toml"\n')
    with pytest.raises(TomlFileError) as error:
        read_part(source, REGISTRY)
    (problem,) = error.value.problems
    assert (Path(problem.file).name, problem.line) == ("broken.toml", 2)


def test_a_prefab_that_is_its_own_is_no_endless_search(tmp_path: Path) -> None:
    source = part(tmp_path, 'prefab = "prefabs/round.toml"\n')
    with pytest.raises(TomlFileError, match="goes in a circle"):
        read_part(source, REGISTRY)


def test_an_unknown_method_is_found_without_the_level(tmp_path: Path) -> None:
    text = '[Switch]\npressed = "Floor:Lamp.togle"\nlamp = "Floor"\n'
    assert problems(part(tmp_path, text)) == [(2, None, "Switch.pressed")]


def level(folder: Path, objects: Iterable[str]) -> Path:
    path = folder / "level.toml"
    path.write_text('[scene]\nname = "X"\n' + "".join(f"[[object]]\n{o}\n" for o in objects))
    return path


def calls(monkeypatch: pytest.MonkeyPatch, name: str) -> list[object]:
    """Return a list that grows with each call of a function of the rules."""
    made: list[object] = []
    inner = getattr(rules, name)

    def counted(*words: Any) -> Any:
        made.append(words)
        return inner(*words)

    monkeypatch.setattr(rules, name, counted)
    return made


def test_a_chain_of_parents_is_walked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, count = calls(monkeypatch, "_parent"), 1_000
    chain = [f'name = "{n}"\nparent = "{n + 1}"' for n in range(count)]
    SceneFile.read(level(tmp_path, [*chain, f'name = "{count}"']), sample_registry())
    assert len(made) <= 3 * count


def test_every_circle_of_parents_is_found_and_those_who_hang_below_are_not(tmp_path: Path) -> None:
    above = {"a": "b", "b": "c", "c": "a", "d": "a", "e": "e", "f": "d", "g": "h", "h": "i"}
    objects = [f'name = "{name}"\nparent = "{parent}"' for name, parent in above.items()]
    with pytest.raises(TomlFileError) as error:
        SceneFile.read(level(tmp_path, [*objects, 'name = "i"']), sample_registry())
    assert [problem.object for problem in error.value.problems] == ["a", "b", "c", "e"]


def test_what_is_wrong_many_times_is_told_each_time_but_not_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = calls(monkeypatch, "did_you_mean")
    objects = [f'name = "lamp {n}"\nparent = "lmap {n}"' for n in range(300)]
    with pytest.raises(TomlFileError) as error:
        SceneFile.read(level(tmp_path, objects), sample_registry())
    assert len(error.value.problems) == 300
    assert len(made) <= 50
