from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal

import pytest

from engine.component import Component
from engine.inspection import FieldRow, choices_of, field_rows, parsed, spelled, value_text
from engine.scene_document import ObjectEntry
from engine.scene_file import SceneFile
from tests.engine.cast import Mood, Policy, sample_registry
from tests.engine.corpus import write_assets
from tests.engine.levels import HALL, read_level


@dataclass(frozen=True)
class Deep:
    """A table that holds a table."""

    count: int = 1
    policy: Policy = field(default_factory=Policy)


def entry_of(folder: Path, name: str, text: str = HALL) -> tuple[ObjectEntry, dict[str, FieldRow]]:
    file = read_level(folder, text)
    entry = next(entry for entry in file.objects if entry.name == name)
    return entry, {row.path: row for row in field_rows(file.document, entry)}


def test_every_field_is_listed_said_or_not_nested_tables_field_by_field(tmp_path: Path) -> None:
    _, rows = entry_of(tmp_path, "Ann")
    assert [rows[path].text for path in ("position", "Actor.actor_id", "Actor.mood")] == [
        "[10.0, 20.0]",
        "ann",
        "calm",
    ]
    assert rows["Actor.policy.attempts"].text == "4"
    assert rows["Actor.policy.delay_seconds"].text == "0.5"
    assert (rows["Actor.policy.mood"].group, rows["Actor.policy.mood"].name) == (
        "Actor.policy",
        "mood",
    )


def test_a_value_tells_whether_the_level_says_it(tmp_path: Path) -> None:
    _, rows = entry_of(tmp_path, "Ann")
    assert rows["Actor.policy.attempts"].origin == "level"
    assert rows["Actor.policy.delay_seconds"].origin == rows["layer"].origin == "default"


def test_a_value_of_a_preset_names_the_preset(tmp_path: Path) -> None:
    text = HALL.replace("policy = { attempts = 4 }", 'policy = "patient"')
    _, rows = entry_of(tmp_path, "Ann", text)
    assert (rows["Actor.policy.delay_seconds"].text, rows["Actor.policy.delay_seconds"].origin) == (
        "2.0",
        "preset patient",
    )
    text = HALL.replace("{ attempts = 4 }", '{ preset = "patient", attempts = 4 }')
    _, rows = entry_of(tmp_path, "Ann", text)
    assert rows["Actor.policy.attempts"].origin == "level"
    assert rows["Actor.policy.delay_seconds"].origin == "preset patient"


def test_a_value_of_a_prefab_or_a_profile_names_its_file(tmp_path: Path) -> None:
    entry_of(tmp_path, "Ann")  # makes the folders
    assets = tmp_path / "assets"
    assets.joinpath("npc.toml").write_text('tag = "npc"\n[Actor]\nmood = "tired"\n', "utf-8")
    assets.joinpath("shy.toml").write_text("policy.attempts = 1\n", "utf-8")
    text = HALL.replace('tag = "person"', 'prefab = "npc.toml"')
    text = text.replace("policy = { attempts = 4 }", 'profile = "shy.toml"')
    _, rows = entry_of(tmp_path, "Ann", text)
    assert rows["tag"].origin == rows["Actor.mood"].origin == "prefab npc.toml"
    assert rows["Actor.policy.attempts"].origin == "profile shy.toml"


class Nest(Component):
    """Has a table in a table."""

    inner: Deep = field(default_factory=Deep)


def test_tables_in_tables_are_listed_and_said_to_the_depth(tmp_path: Path) -> None:
    path = write_assets(tmp_path)
    text = HALL + '\n[[object]]\nname = "Tree"\n[object.Nest]\n[object.Nest.inner]\ncount = 3\n'
    path.write_text(text, encoding="utf-8")
    file = SceneFile.read(path, sample_registry(Nest))
    entry = file.objects[-1]
    rows = {row.path: row for row in field_rows(file.document, entry)}
    assert (rows["Nest.inner.count"].text, rows["Nest.inner.count"].origin) == ("3", "level")
    assert rows["Nest.inner.policy.attempts"].origin == "default"
    file.set_value("Tree", "Nest.inner.policy.attempts", 5)
    assert file.text == text + "policy.attempts = 5\n"


def test_a_preset_in_the_depth_is_kept(tmp_path: Path) -> None:
    path = write_assets(tmp_path)
    text = HALL + '\n[[object]]\nname = "Tree"\n[object.Nest]\ninner.policy = "patient"\n'
    path.write_text(text, encoding="utf-8")
    entry = SceneFile.read(path, sample_registry(Nest)).objects[-1]
    assert spelled(entry, "Nest.inner.policy.attempts", 5) == (
        "Nest.inner.policy",
        {"preset": "patient", "attempts": 5},
    )


def test_what_can_be_counted_is_chosen_the_rest_is_typed() -> None:
    assert choices_of(bool) == ("true", "false")
    assert choices_of(Mood) == ("calm", "very_angry", "tired")
    assert choices_of(Literal["push", "pull"]) == ("push", "pull")
    assert choices_of(Mood | None)[-1] == "none"
    assert choices_of(float) == choices_of(str | None) == ()


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (float, "2", 2),
        (float, ".5", 0.5),
        (float, "soon", "soon"),
        (float, "inf", float("inf")),
        (int | None, "none", "none"),
        (str, "12", "12"),
        (str, 'a "quote"', 'a "quote"'),
        (bool, "true", True),
        (tuple[int, ...], "[1, 2]", [1, 2]),
        (Mood, "tired", "tired"),
        (float, "1\nx = 2", "1\nx = 2"),
    ],
)
def test_what_was_typed_is_read_as_the_field_means_it(kind: type, text: str, value: object) -> None:
    assert parsed(kind, text) == value
    assert type(parsed(kind, text)) is type(value)


def test_what_is_shown_can_be_typed_again() -> None:
    class Odd(StrEnum):
        A = "a"

    shown = [value_text(value) for value in (None, True, 1.0, (1, 2), "bare", Odd.A)]
    assert shown == ["none", "true", "1.0", "[1, 2]", "bare", "a"]


def test_a_field_of_a_preset_is_said_with_the_preset_s_name(tmp_path: Path) -> None:
    text = HALL.replace("policy = { attempts = 4 }", 'policy = "patient"')
    entry, _ = entry_of(tmp_path, "Ann", text)
    assert spelled(entry, "Actor.policy.attempts", 7) == (
        "Actor.policy",
        {"preset": "patient", "attempts": 7},
    )
    assert spelled(entry, "Actor.mood", "tired") == ("Actor.mood", "tired")
    assert Policy.PATIENT.attempts is None
