from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from engine.objects.objects import Component
from engine.scenes.document import ObjectEntry, SceneDocument
from engine.scenes.file import (
    FieldRow,
    SceneFile,
    choices_of,
    field_rows,
    parsed,
    spelled,
    value_text,
)
from engine.scenes.rules import read_part
from engine.toml.reader import Problem, TomlFileError, read_source
from tests.engine.corpus import write_assets
from tests.engine.levels import HALL, read_level
from tests.engine.rich_levels import Written, written_levels
from tests.engine.sample_components import Mood, Policy, sample_registry


def changed_lines(before: str, after: str) -> list[str]:
    old = before.split("\n")
    return [line for line in after.split("\n") if line not in old]


def test_setting_a_value_changes_its_line_and_no_other(tmp_path: Path) -> None:
    file = read_level(tmp_path)
    file.set_value("Ann", "position", (30, 40))
    assert changed_lines(HALL, file.text) == ["position = [30, 40]    # by the door"]


def test_setting_a_value_inside_an_inline_table_keeps_the_rest_of_the_line(tmp_path: Path) -> None:
    file = read_level(tmp_path)
    file.set_value("Ann", "Actor.policy.attempts", 9)
    assert changed_lines(HALL, file.text) == ["policy = { attempts = 9 } # patient"]


def test_setting_a_new_field_adds_one_line(tmp_path: Path) -> None:
    file = read_level(tmp_path)
    file.set_value("Bob", "Actor.policy.mood", "tired")
    assert changed_lines(HALL, file.text) == ['policy.mood = "tired"']
    assert file.text.count("\n") == HALL.count("\n") + 1


def test_a_value_that_is_wrong_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    file = read_level(tmp_path)
    with pytest.raises(TomlFileError, match=r"Actor\.mood: must be one of"):
        file.set_value("Ann", "Actor.mood", "mad")
    assert file.text == HALL


def test_an_unknown_object_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="Try: Ann"):
        read_level(tmp_path).set_value("Anne", "tag", "x")


def test_the_change_is_on_disk_when_saved(tmp_path: Path) -> None:
    file = read_level(tmp_path)
    file.set_value("Ann", "tag", "guest")
    assert file.path.read_text() == HALL
    file.save()
    assert file.path.read_text() == HALL.replace('tag = "person"', 'tag = "guest"')


def test_a_file_that_was_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    file = read_level(tmp_path)
    file.path.write_text(HALL + "# mine\n")
    with pytest.raises(TomlFileError, match="was changed on disk"):
        file.save()
    assert file.path.read_text().endswith("# mine\n")


def test_checks_of_the_game_are_heard_beside_the_engines(tmp_path: Path) -> None:
    def no_floor(document: SceneDocument) -> Iterator[Problem]:
        for entry, _ in document.components("Lamp"):
            yield document.problem(entry.index, "Lamp", "colour", "is too bright", got=[9])

    path = write_assets(tmp_path)
    path.write_text(HALL.replace('"Hall"', "5"))
    with pytest.raises(TomlFileError) as error:
        SceneFile.read(path, sample_registry(), [no_floor])
    assert [(p.line, p.field) for p in error.value.problems] == [
        (3, "scene.name"),
        (30, "Lamp.colour"),
    ]


def test_a_check_that_breaks_is_told_beside_what_others_find(tmp_path: Path) -> None:
    def breaks(document: SceneDocument) -> Iterator[Problem]:
        yield document.problem(0, None, "name", "is odd")
        raise KeyError("no such thing")

    path = write_assets(tmp_path)
    path.write_text(HALL)
    for file in (path, path.parent.parent / "prefabs" / "lamp.toml"):
        with pytest.raises(TomlFileError) as error:
            if file is path:
                SceneFile.read(file, sample_registry(), [breaks, breaks])
            else:
                read_part(read_source(file), sample_registry(), [breaks, breaks])
        said = [problem.message for problem in error.value.problems]
        told = "the check breaks breaks: KeyError: 'no such thing' in test_file.py:"
        assert [message.startswith(told) for message in said].count(True) == 2
        assert said.count("is odd") == 2


def test_a_check_sees_what_is_right_in_a_file_that_has_mistakes(tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    def look(document: SceneDocument) -> list[Problem]:
        for entry, actor in document.components("Actor"):
            seen[entry.name] = actor.values and actor.values["actor_id"]
        return []

    path = write_assets(tmp_path)
    path.write_text(HALL.replace("attempts = 4", "attempts = -4"))
    with pytest.raises(TomlFileError):
        SceneFile.read(path, sample_registry(), [look])
    assert seen == {"Ann": None, "Bob": "bob"}


# A whole text by lot takes minutes to shrink.
UNSHRUNK = settings(phases=[Phase.reuse, Phase.generate])


@UNSHRUNK
@given(written_levels())
def test_any_level_survives_load_save_load(tmp_path: Path, level: Written) -> None:
    assert tomllib.loads(level.text) == level.data
    file = read_level(tmp_path, level.text)
    file.save()
    assert file.path.read_bytes() == level.text.encode()
    assert SceneFile.read(file.path, sample_registry()).text == level.text


EDITS = {
    "tag": "guest",
    "position": [7, 8.5],
    "active": False,
    "layer": 2,
    "Lamp.colour": [1, 2, 3],
    "Door.width": 5.5,
    "Actor.mood": "tired",
    "Actor.tags": ["new", "ones"],
    "Actor.policy.attempts": 5,
    "Actor.policy.mood": "tired",
}


@UNSHRUNK
@given(written_levels(), st.data())
def test_an_edit_of_any_level_changes_one_value_and_nothing_else(
    tmp_path: Path, level: Written, data: st.DataObject
) -> None:
    thing = data.draw(st.sampled_from(level.data["object"]))
    field = data.draw(st.sampled_from([f for f in EDITS if can_be_set(thing, f)]))
    file = read_level(tmp_path, level.text)
    file.set_value(thing["name"], field, EDITS[field])
    put(thing, field.split("."), EDITS[field])
    assert tomllib.loads(file.text) == level.data
    assert len(places_that_differ(level.text, file.text)) <= 1
    assert line_ends(file.text) == line_ends(level.text)
    file.save()
    assert SceneFile.read(file.path, sample_registry()).text == file.text


def can_be_set(thing: dict[str, Any], field: str) -> bool:
    component, dot, rest = field.partition(".")
    table = thing.get(component)
    is_preset = rest.startswith("policy.") and isinstance((table or {}).get("policy"), str)
    return not dot or (table is not None and not is_preset)


def put(table: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        table = table.setdefault(part, {})
    table[path[-1]] = value


def line_ends(text: str) -> set[str]:
    """Return the kinds of line ends, without the last line's, which may lack one."""
    return set(re.findall("\r?\n", text.strip()))


def places_that_differ(before: str, after: str) -> list[object]:
    codes = SequenceMatcher(None, before.split("\n"), after.split("\n"), autojunk=False)
    return [code for code in codes.get_opcodes() if code[0] != "equal"]


def big_level(count: int) -> str:
    one = '\n[[object]]\nname = "o{0}"\nposition = [{0}, {0}]\n[object.Actor]\nactor_id = "a{0}"\n'
    more = (
        'mood = "tired"\n[object.Actor.policy]\nattempts = 5\n[object.Lamp]\ncolour = [1, 2, 3]\n'
    )
    return "[scene]\n" + "".join((one + more).format(i) for i in range(count))


@pytest.mark.slow
def test_a_thousand_objects_are_checked_in_less_than_a_second(tmp_path: Path) -> None:
    text = big_level(1000)
    began = time.process_time()
    read_level(tmp_path, text)
    with pytest.raises(TomlFileError) as error:
        read_level(tmp_path, text.replace("attempts", "atempts"))
    assert len(error.value.problems) == 1000
    assert time.process_time() - began < 2.0  # both together: each has one


def test_a_field_of_a_preset_is_set_beside_the_preset_s_name(tmp_path: Path) -> None:
    text = HALL.replace("policy = { attempts = 4 }", 'policy = "patient"')
    file = read_level(tmp_path, text)
    file.set_value("Ann", "Actor.policy.attempts", 5)
    assert 'policy = {preset = "patient", attempts = 5} # patient' in file.text


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


def test_a_value_has_the_origin_level_if_the_level_sets_it(tmp_path: Path) -> None:
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
    path.write_bytes(text.encode())
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
