from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.scenes.document import SceneDocument, field_path
from engine.scenes.file import SceneFile
from engine.toml.reader import TomlFileError
from tests.engine.corpus import write_assets
from tests.engine.levels import read_level
from tests.engine.sample_components import Mood, sample_registry


@pytest.fixture
def document(tmp_path: Path) -> SceneDocument:
    return read_level(tmp_path).document


def test_a_field_is_a_path_of_keys_and_numbers() -> None:
    assert field_path("Actor", "policy.attempts") == ("Actor", "policy", "attempts")
    assert field_path(None, "position.1") == ("position", 1)
    assert field_path("Actor", "") == ("Actor",)


@pytest.mark.parametrize(
    ("component", "field", "place"),
    [
        (None, "", (6, 3)),
        (None, "tag", (9, 7)),
        ("Actor", "", (11, 9)),
        ("Actor", "policy.attempts", (13, 23)),
        ("Actor", "policy.delay_seconds", (13, 10)),
        ("Actor", "friends.0", (14, 12)),
        ("Door", "target", (6, 3)),
    ],
)
def test_a_place_is_that_of_the_field_or_the_nearest_to_it(
    component: str | None, field: str, place: tuple[int, int], document: SceneDocument
) -> None:
    found = document.position(0, component, field)
    assert (found.line, found.column) == place


def test_components_are_found_with_what_was_written_and_what_it_means(
    document: SceneDocument,
) -> None:
    found = {entry.name: actor for entry, actor in document.components("Actor")}
    assert found["Bob"].raw == {"actor_id": "bob"} == found["Bob"].values


def test_a_checks_problem_is_located_and_printed_like_any_other(document: SceneDocument) -> None:
    problem = document.problem(0, "Actor", "actor_id", "is taken", got="ann", hint="another")
    expected = ':12:12: object "Ann": Actor.actor_id: is taken (got "ann"). Try: another'
    assert str(problem).endswith(expected)


HEAD = '[scene]\n[[object]]\nname = "Ann"\n'


def problems(folder: Path, text: str) -> list[str]:
    path = write_assets(folder)
    path.write_text(text, "utf-8")
    with pytest.raises(TomlFileError) as error:
        SceneFile.read(path, sample_registry())
    root = f"{path.parent.parent}{os.sep}"
    found = [str(problem).removeprefix(root) for problem in error.value.problems]
    return [problem.replace(os.sep, "/") for problem in found]


def test_a_prefab_gives_what_the_level_does_not_say(tmp_path: Path) -> None:
    entry = read_level(tmp_path, HEAD + 'prefab = "prefabs/lamp.toml"\n').objects[0]
    assert entry.settings is not None
    assert entry.settings.tag == "lamp"
    assert entry.components["Lamp"].values == {"is_on": True}


def test_the_level_wins_over_the_prefab_key_by_key(tmp_path: Path) -> None:
    text = HEAD + 'prefab = "prefabs/lamp.toml"\n[object.Lamp]\ncolour = [1, 2, 3]\n'
    entry = read_level(tmp_path, text).objects[0]
    assert entry.components["Lamp"].values == {"is_on": True, "colour": (1, 2, 3)}


def test_a_profile_gives_a_component_its_defaults(tmp_path: Path) -> None:
    text = HEAD + '[object.Actor]\nprofile = "characters/ann.toml"\nactor_id = "my-ann"\n'
    entry = read_level(tmp_path, text).objects[0]
    assert entry.components["Actor"].values == {"actor_id": "my-ann", "mood": Mood.TIRED}


def test_a_prefab_may_be_based_on_a_prefab_and_on_profiles(tmp_path: Path) -> None:
    prefabs = tmp_path / "assets/prefabs"
    prefabs.mkdir(parents=True)
    (prefabs / "ann.toml").write_text(
        'prefab = "prefabs/lamp.toml"\nlayer = 3\n[Actor]\nprofile = "characters/ann.toml"\n'
    )
    entry = read_level(tmp_path, HEAD + 'prefab = "prefabs/ann.toml"\n').objects[0]
    assert set(entry.components) == {"Lamp", "Actor"}
    assert entry.settings is not None
    assert (entry.settings.tag, entry.settings.layer) == ("lamp", 3)


def test_a_mistake_in_a_prefab_is_named_in_its_own_file(tmp_path: Path) -> None:
    assert problems(tmp_path, HEAD + 'prefab = "prefabs/broken.toml"\n') == [
        'prefabs/broken.toml:2:9: object "Ann": Lamp.is_on: must be true or false (got 1). '
        "Try: is_on = false"
    ]


def test_a_prefab_that_is_no_toml_is_named_once(tmp_path: Path) -> None:
    text = HEAD + 'prefab = "prefabs/no.toml"\n[[object]]\nname = "B"\nprefab = "prefabs/no.toml"\n'
    assert [found.split(":")[0] for found in problems(tmp_path, text)] == ["prefabs/no.toml"]


def test_prefabs_that_go_in_a_circle_are_named(tmp_path: Path) -> None:
    found = problems(tmp_path, HEAD + 'prefab = "prefabs/round.toml"\n')
    assert found[0].startswith('prefabs/round.toml:1:10: object "Ann": prefab: goes in a circle')


def test_prefabs_that_come_to_too_much_are_told_where_they_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.scenes.document.MOST_BASED", 30)
    (tmp_path / "assets/prefabs").mkdir(parents=True)
    profile = 'prefab = "prefabs/actor.toml"\n'
    (tmp_path / "assets/prefabs/npc.toml").write_text(profile)
    (tmp_path / "assets/prefabs/actor.toml").write_text('[Actor]\nactor_id = "a"\ntags = [1, 2]\n')
    objects = [f'[[object]]\nname = "{n}"\nprefab = "prefabs/npc.toml"\n' for n in range(9)]
    found = problems(tmp_path, "[scene]\n" + "".join(objects))
    told = [line for line in found if "come to more than 30 values" in line]
    assert told == [found[-1]] and 'object "5"' in told[0]  # 6 each, told once


def test_what_a_prefab_lacks_is_missing_in_the_level(tmp_path: Path) -> None:
    (tmp_path / "assets/prefabs").mkdir(parents=True)
    (tmp_path / "assets/prefabs/npc.toml").write_text('[Actor]\nmood = "calm"\n')
    found = problems(tmp_path, HEAD + 'prefab = "prefabs/npc.toml"\n')
    assert found == [
        'scenes/level.toml:2:3: object "Ann": Actor.actor_id: is missing. Try: actor_id = "..."'
    ]
