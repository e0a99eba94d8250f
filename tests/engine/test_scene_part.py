from __future__ import annotations

from pathlib import Path

import pytest

from engine.scene_part import is_part, profile_of, read_part
from engine.toml_file import TomlFileError, TomlSource, parse_source
from tests.engine.cast import Policy, sample_registry
from tests.engine.corpus import write_assets

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


def test_a_mistake_in_the_prefab_below_is_told_in_its_own_file(tmp_path: Path) -> None:
    source = part(tmp_path, 'prefab = "prefabs/broken.toml"\n')
    with pytest.raises(TomlFileError) as error:
        read_part(source, REGISTRY)
    (problem,) = error.value.problems
    assert (Path(problem.file).name, problem.line) == ("broken.toml", 2)


def test_a_prefab_that_is_its_own_is_no_endless_search(tmp_path: Path) -> None:
    source = part(tmp_path, 'prefab = "prefabs/round.toml"\n')
    with pytest.raises(TomlFileError, match="goes in a circle"):
        read_part(source, REGISTRY)


def test_a_method_that_nobody_has_is_found_without_the_level(tmp_path: Path) -> None:
    text = '[Switch]\npressed = "Floor:Lamp.togle"\nlamp = "Floor"\n'
    assert problems(part(tmp_path, text)) == [(2, None, "Switch.pressed")]
