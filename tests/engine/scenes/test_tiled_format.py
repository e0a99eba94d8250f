from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from engine.objects.assets import AssetFolder
from engine.scenes.tiled_format import MapColour, ObjectId
from engine.scenes.tiled_map import MapObject
from engine.toml.reader import Problem
from tests.engine.tiled_maps import BOTH, HEAD, copy_maps, drawn, write


@pytest.fixture
def assets(tmp_path: Path) -> AssetFolder:
    return copy_maps(tmp_path)


def found(assets: AssetFolder, kind: str, value: str) -> tuple[Any, tuple[Problem, ...]]:
    """Return the value of a property in XML, and what is wrong with it."""
    item = f'<property name="p" type="{kind}" value="{value}"/>'
    text = (
        f'{HEAD}tileheight="32"><objectgroup><object id="1" name="N">\n<properties>\n{item}\n'
        "</properties></object></objectgroup></map>"
    )
    new = write(assets, text)
    return new.objects[0].properties.get("p"), new.problems


@BOTH
def test_every_kind_of_property_is_read(assets: AssetFolder, suffix: str) -> None:
    item, _ = drawn(assets, f"properties{suffix}").objects
    assert item.properties == {
        "colour": MapColour(10, 20, 30, 255),
        "colour seen through": MapColour(10, 20, 30, 128),
        "direction": "Left",
        "direction by number": "Right",
        "file": "sprites/ann.png",
        "flags": ["Mon", "Wed"],
        "flags by number": ["Mon", "Wed"],
        "list": [10, "text", [True], MapColour(10, 20, 30, 255)],
        "lines": "first\nsecond",
        "number": 2.5,
        "other": ObjectId(2),
        "other none": ObjectId(0),
        "policy": {"attempts": 7, "pause": {"seconds": 1.5, "unit": "min"}, "friend": 0},
        "text": 'a "word"',
        "text empty": "",
        "truth": True,
        "untruth": False,
        "whole": -3,
    }
    assert isinstance(item.properties["other"], ObjectId)


@BOTH
def test_a_class_of_the_project_gives_its_defaults(assets: AssetFolder, suffix: str) -> None:
    _, item = drawn(assets, f"properties{suffix}").objects
    assert item.properties == {
        "picture": "sprites/bob.png",
        "policy": {"attempts": 3, "pause": {"seconds": 4.0, "unit": "s"}, "friend": 0},
        "side": "Down",
    }


def test_without_a_project_a_value_is_what_the_map_says(assets: AssetFolder) -> None:
    (assets.root / "maps/game.tiled-project").unlink()
    item, other = drawn(assets, "properties.tmj").objects
    assert item.properties["direction by number"] == 1
    assert item.properties["policy"] == {"attempts": 7, "pause": {"unit": "min"}}
    assert other.properties == {}


def test_the_project_of_a_folder_above_counts(assets: AssetFolder) -> None:
    project = assets.root / "maps/game.tiled-project"
    project.rename(assets.root.parent / project.name)
    item: MapObject = drawn(assets, "properties.tmx").objects[1]
    assert item.properties["side"] == "Down"


def test_a_class_that_is_for_properties_alone_gives_an_object_nothing(
    assets: AssetFolder,
) -> None:
    path = assets.root / "maps/game.tiled-project"
    data = json.loads(path.read_text("utf-8"))
    data["propertyTypes"][-1]["useAs"] = ["property"]
    path.write_text(json.dumps(data))
    assert drawn(assets, "properties.tmx").objects[1].properties == {}


@pytest.mark.parametrize(
    ("kind", "value", "what"),
    [
        ("int", "many", r"must be of the kind int \(got many\)"),
        ("int", "2.5", r"must be of the kind int \(got 2.5\)"),
        ("int", "1" + "0" * 400, r"must be of the kind int \(got 1000"),
        ("float", "inf", r"must be of the kind float \(got inf\)"),
        ("bool", "maybe", r"must be of the kind bool \(got maybe\)"),
        ("color", "red", r"must be of the kind color \(got red\)"),
        ("object", "ann", r"must be of the kind object \(got ann\)"),
        ("vector", "1,2", r"is of the kind vector \(got 1,2\)"),
    ],
)
def test_a_value_that_is_not_of_its_kind_is_told_at_its_line(
    assets: AssetFolder, kind: str, value: str, what: str
) -> None:
    read, (problem,) = found(assets, kind, value)
    assert read is None
    assert (problem.line, problem.object) == (3, "N")
    assert re.search(rf"the property p {what}", str(problem))


@pytest.mark.parametrize("said", [True, 5, 1e308, "x", {"a": 1}], ids=repr)
def test_a_list_of_json_that_is_none_is_empty(assets: AssetFolder, said: object) -> None:
    item = {"id": 1, "properties": [{"name": "p", "type": "list", "value": said}]}
    layer = {"type": "objectgroup", "objects": [item]}
    (read,) = write(assets, json.dumps({"type": "map", "layers": [layer]}), "list.tmj").objects
    assert read.properties == {"p": []}


@pytest.mark.parametrize(
    "y", [10**400, -(10**400), "inf", None], ids=["huge", "low", "inf", "none"]
)
def test_a_point_that_is_no_number_is_told(assets: AssetFolder, y: object) -> None:
    item = {"id": 1, "polygon": [{"x": 1, "y": y}]}
    layer = {"type": "objectgroup", "objects": [item]}
    (problem,) = write(
        assets, json.dumps({"type": "map", "layers": [layer]}), "points.tmj"
    ).problems
    assert "whose points cannot be read" in str(problem)


@pytest.mark.parametrize("uses", [5, 1.5, True, {"object": 1}, "object"], ids=repr)
def test_a_project_that_does_not_say_what_a_class_is_for_says_nothing(
    assets: AssetFolder, uses: object
) -> None:
    path = assets.root / "maps/game.tiled-project"
    data = json.loads(path.read_text("utf-8"))
    data["propertyTypes"][-1]["useAs"] = uses
    path.write_text(json.dumps(data))
    assert drawn(assets, "properties.tmx").objects[1].properties == {}


def test_a_number_beyond_an_enum_is_told(assets: AssetFolder) -> None:
    _, (problem,) = found(assets, 'int" propertytype="Direction', "9")
    assert "the property p must be one of the enum Direction (got 9)" in str(problem)


def test_a_class_within_itself_is_told(assets: AssetFolder) -> None:
    member = {"name": "again", "type": "class", "propertyType": "Loop", "value": {}}
    loop = {"name": "Loop", "type": "class", "members": [member], "useAs": ["object"]}
    project = {"propertyTypes": [loop]}
    (assets.root / "maps/game.tiled-project").write_text(json.dumps(project))
    text = f'{HEAD}tileheight="32"><objectgroup>\n<object id="1" type="Loop"/></objectgroup></map>'
    (problem,) = write(assets, text).problems
    assert "new.tmx:2:1: has a property that is nested too deeply." in str(problem)


def test_a_value_of_json_that_is_nested_too_deeply_is_told(assets: AssetFolder) -> None:
    value: dict[str, Any] = {}
    for _ in range(100):
        value = {"a": value}
    item = {"id": 1, "properties": [{"name": "p", "type": "class", "value": value}]}
    layer = {"type": "objectgroup", "objects": [item]}
    (problem,) = write(assets, json.dumps({"type": "map", "layers": [layer]}), "deep.tmj").problems
    assert "nested too deeply" in str(problem)


def test_a_file_outside_of_the_assets_keeps_its_name_to_be_told(assets: AssetFolder) -> None:
    assert found(assets, "file", "../../secret.png") == ("../../secret.png", ())
    assert found(assets, "file", "") == ("", ())
