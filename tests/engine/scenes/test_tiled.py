from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.objects.objects import Component, GameObject
from engine.objects.physics import Box, BoxCollider
from engine.scenes.build import BuiltScene
from engine.scenes.file import SceneFile
from engine.toml.reader import TomlFileError
from tests.engine.corpus import write_assets
from tests.engine.sample_components import Actor, Door, Mood, Switch, sample_registry
from tests.engine.tiled_maps import copy_maps

MAP = """<?xml version="1.0" encoding="UTF-8"?>
<map version="1.10" orientation="orthogonal" renderorder="right-down" width="20" height="15"
 tilewidth="32" tileheight="32" tiledversion="1.10.2" infinite="0" nextlayerid="4" nextobjectid="9">
 <objectgroup id="1" name="people">
  <object id="1" name="Ann" class="Actor" x="100" y="80">
   <properties>
    <property name="actor_id" value="ann"/>
    <property name="mood" value="tired"/>
    <property name="policy.attempts" type="int" value="7"/>
    <property name="Door.target" value="hall"/>
   </properties>
   <point/>
  </object>
  <object id="2" name="a note to myself" x="1" y="1"><point/></object>
 </objectgroup>
 <group id="2" name="building">
  <objectgroup id="3" name="Walls" offsetx="10" offsety="0">
   <object id="5" x="0" y="0" width="640" height="32"/>
   <object id="6" name="Pillar" class="BoxCollider" x="64" y="64" width="32" height="16"/>
  </objectgroup>
 </group>
</map>
"""
MAP_HEAD = (
    '<map version="1.10" orientation="orthogonal" width="9" height="9" tilewidth="32" '
    'tileheight="32"'
)
LEVEL = '[scene]\nname = "Drawn"\ntiled = "maps/level.tmx"\n[[object]]\nname = "Bob"\n'


def read(folder: Path, drawn: str = MAP, level: str = LEVEL) -> SceneFile:
    path = write_assets(folder)
    maps = path.parents[1] / "maps"
    maps.mkdir(exist_ok=True)
    (maps / "level.tmx").write_text(drawn, encoding="utf-8")
    path.write_text(level, encoding="utf-8")
    return SceneFile.read(path, sample_registry(BoxCollider))


@pytest.fixture
def built(tmp_path: Path) -> BuiltScene:
    file = read(tmp_path)
    return file.build(file.new_scene())


def objects(folder: Path, items: str, *, layer: str = "people", beside: str = "") -> SceneFile:
    """Return a level with a map of these objects, the first on line 3."""
    drawn = (
        f'{MAP_HEAD}>{beside}\n<objectgroup id="1" name="{layer}">\n{items}\n</objectgroup></map>'
    )
    return read(folder, drawn)


def tables(file: SceneFile) -> dict[str, dict[str, Any]]:
    """Return what the map says of its objects, by their names."""
    return {entry.name: dict(entry.layered.data) for entry in file.objects if entry.name != "Bob"}


def told(folder: Path, items: str, **places: str) -> str:
    """Return what is wrong with a map of these objects."""
    with pytest.raises(TomlFileError) as caught:
        objects(folder, items, **places)
    return str(caught.value)


def actor(properties: str, more: str = "") -> str:
    return (
        f'<object id="1" name="Ann" type="Actor" x="1" y="2" {more}><properties>'
        f'<property name="actor_id" value="ann"/>{properties}</properties></object>'
    )


def part(built: BuiltScene, name: str) -> GameObject:
    return built.objects[name]


def test_a_class_and_an_id_are_enough_for_a_character_at_that_place(built: BuiltScene) -> None:
    ann = part(built, "Ann")
    assert ann.transform.position == (100.0, 80.0)
    assert ann.require_component(Actor).actor_id == "ann"


def test_properties_are_fields_also_within_fields_and_of_other_components(
    built: BuiltScene,
) -> None:
    actor = part(built, "Ann").require_component(Actor)
    assert (actor.mood, actor.policy.attempts) == (Mood.TIRED, 7)
    assert part(built, "Ann").require_component(Door).target == "hall"


def test_rectangles_among_the_walls_are_solid(built: BuiltScene) -> None:
    wall = part(built, "BoxCollider 5").require_component(BoxCollider)
    assert wall.box == Box(330.0, 16.0, 640.0, 32.0)
    assert part(built, "Pillar").require_component(BoxCollider).box == Box(90.0, 72.0, 32.0, 16.0)


def test_what_the_level_itself_has_is_there_too(built: BuiltScene) -> None:
    assert set(built.objects) == {"Bob", "Ann", "BoxCollider 5", "Pillar"}


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ('class="Actor"', 'class="Actr"', "level.tmx:5:3", "Actor"),
        ('value="tired"', 'value="tird"', "level.tmx:5:3", "tired"),
        ('"Pillar" class="BoxCollider"', '"Pillar" class="Actor"', "level.tmx:19:4", "actor_id"),
        ("</map>", "", "level.tmx:23:1", "no map"),
    ],
)
def test_a_mistake_in_a_map_is_at_the_line_of_its_object(
    tmp_path: Path, old: str, new: str, where: str, what: str
) -> None:
    with pytest.raises(TomlFileError) as caught:
        read(tmp_path, MAP.replace(old, new))
    assert where in str(caught.value)
    assert what in str(caught.value)


def test_a_map_that_is_not_there_is_a_mistake_of_the_level(tmp_path: Path) -> None:
    with pytest.raises(TomlFileError, match=r"level\.toml:3:.*maps/level\.tmx"):
        read(tmp_path, level=LEVEL.replace("level.tmx", "levl.tmx"))


def test_a_mistake_in_the_scene_table_removes_no_object_of_the_map(tmp_path: Path) -> None:
    level = LEVEL.replace("[scene]", '[scene]\nsize = "wide"') + 'parent = "Ann"\n'
    with pytest.raises(TomlFileError) as error:
        read(tmp_path, level=level)
    assert [problem.field for problem in error.value.problems] == ["scene.size"]


def test_what_the_map_places_is_changed_in_tiled(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="in Tiled"):
        read(tmp_path).set_value("Ann", "position", [1, 2])


def test_a_map_is_one_of_the_files_that_a_hot_reload_watches(tmp_path: Path) -> None:
    file = read(tmp_path)
    assert [path.name for path in file.files] == ["level.toml", "level.tmx"]
    assert file.is_current()


def test_a_missing_tileset_is_a_mistake_and_is_watched_for(tmp_path: Path) -> None:
    file = read(tmp_path)
    tileset = ' <tileset firstgid="1" source="../tiles/t.tsx"/>\n <objectgroup id="1"'
    drawn = MAP.replace(' <objectgroup id="1"', tileset, 1)
    file.path.parents[1].joinpath("maps", "level.tmx").write_text(drawn, encoding="utf-8")
    assets = file.fresh_assets()
    with pytest.raises(TomlFileError, match=r"names a file that is not there .*t\.tsx"):
        file.reread(assets)
    assert [path.name for path in assets.awaited] == ["t.tsx"]


def test_a_map_without_anybody_in_it_is_watched_too(tmp_path: Path) -> None:
    empty = MAP[: MAP.index(" <objectgroup")] + "</map>\n"
    assert [path.name for path in read(tmp_path, empty).files] == ["level.toml", "level.tmx"]


@pytest.mark.parametrize(
    ("wall", "what"),
    [
        ('width="80" height="10" rotation="45"', "is turned"),
        ('width="0" height="0"', "has no width or no height"),
        ("", "has no width or no height"),
    ],
)
def test_a_wall_that_is_turned_or_has_no_size_is_told_at_its_line(
    tmp_path: Path, wall: str, what: str
) -> None:
    with pytest.raises(TomlFileError, match=rf"level\.tmx:18:4: {what}"):
        read(tmp_path, MAP.replace('width="640" height="32"', wall))


def test_a_wall_on_an_isometric_map_is_told_at_its_line(tmp_path: Path) -> None:
    with pytest.raises(TomlFileError, match=r"level\.tmx:18:4: is drawn askew, as its map is"):
        read(tmp_path, MAP.replace('"orthogonal"', '"isometric"'))


def test_a_wall_that_is_no_rectangle_is_an_error_at_its_line(tmp_path: Path) -> None:
    corner = '<object id="5" x="0" y="0"><polygon points="0,0 64,0 0,64"/></object>'
    drawn = MAP.replace('<object id="5" x="0" y="0" width="640" height="32"/>', corner)
    with pytest.raises(TomlFileError, match=r"level\.tmx:18:4: .*is a polygon.*rectangles"):
        read(tmp_path, drawn)


def test_a_quarter_turned_wall_lies_where_it_is_drawn(tmp_path: Path) -> None:
    wall = '<object id="5" x="100" y="100" width="80" height="10" rotation="90"/>'
    file = objects(tmp_path, wall, layer="walls")
    built = file.build(file.new_scene())
    collider = part(built, "BoxCollider 5").require_component(BoxCollider)
    assert collider.box == Box(95.0, 140.0, 10.0, 80.0)


def test_a_picture_is_a_wall_of_its_size_and_other_pictures_stand_on_their_feet(
    tmp_path: Path,
) -> None:
    tiles = '<tileset firstgid="1" tilewidth="32" tileheight="64"/>'
    wall = '<object id="5" gid="1" x="10" y="100"/>'
    found = tables(objects(tmp_path, wall, layer="walls", beside=tiles))["BoxCollider 5"]
    assert (found["position"], found["BoxCollider"]["size"]) == ([26.0, 68.0], [32.0, 64.0])
    found = tables(objects(tmp_path, actor("", 'gid="1"'), beside=tiles))["Ann"]
    assert found["position"] == [17.0, 2.0]


@pytest.mark.parametrize("shape", ["ellipse", "capsule", "text"])
def test_what_is_no_rectangle_gives_no_size_and_that_is_told(tmp_path: Path, shape: str) -> None:
    item = f'<object id="5" type="BoxCollider" width="8" height="8"><{shape}/></object>'
    assert f"level.tmx:3:1: is a {shape}, and a wall is a rectangle" in told(tmp_path, item)


def test_a_point_has_the_usual_size(tmp_path: Path) -> None:
    item = '<object id="5" type="BoxCollider" x="7" y="8"><point/></object>'
    assert tables(objects(tmp_path, item)) == {
        "BoxCollider 5": {"name": "BoxCollider 5", "position": [7.0, 8.0], "BoxCollider": {}}
    }


def test_a_property_refers_to_another_object_by_its_name(tmp_path: Path) -> None:
    items = (
        '<object id="2" type="Lamp"><point/></object>'
        '<object id="3" type="Switch"><properties>'
        '<property name="lamp" type="object" value="2"/>'
        '<property name="door" type="object" value="0"/></properties></object>'
    )
    file = objects(tmp_path, items)
    assert tables(file)["Switch 3"]["Switch"] == {"lamp": "Lamp 2"}
    switch = part(file.build(file.new_scene()), "Switch 3").require_component(Switch)
    assert switch.lamp is not None


@pytest.mark.parametrize(("number", "why"), [(2, "has no class"), (9, "is not in the map")])
def test_a_reference_to_what_is_no_object_of_the_level_is_told(
    tmp_path: Path, number: int, why: str
) -> None:
    item = (
        f'<object id="2"/>\n<object id="3" type="Switch"><properties>'
        f'<property name="lamp" type="object" value="{number}"/></properties></object>'
    )
    message = f"level.tmx:4:1: Switch.lamp refers to the object {number}, which {why}."
    assert message in told(tmp_path, item)


def test_a_colour_is_a_list_for_a_field_that_takes_one_and_else_a_text(tmp_path: Path) -> None:
    item = (
        '<object id="1" type="Lamp"><properties>'
        '<property name="colour" type="color" value="#ff0a141e"/></properties></object>'
        + actor(
            '<property name="tags" type="list"><item type="color" value="#800a141e"/></property>'
        )
    )
    found = tables(objects(tmp_path, item))
    assert found["Lamp 1"]["Lamp"] == {"colour": [10, 20, 30]}
    assert found["Ann"]["Actor"]["tags"] == ["#0a141e80"]


@pytest.mark.parametrize("turned", [False, True])
def test_a_preset_a_class_and_fields_by_dots_join_in_any_order(
    tmp_path: Path, turned: bool
) -> None:
    said = [
        '<property name="policy" value="patient"/>',
        '<property name="policy.mood" value="tired"/>',
        '<property name="Door" type="class"><properties>'
        '<property name="target" value="hall"/></properties></property>',
        '<property name="Door.width" type="float" value="9"/>',
    ]
    found = tables(objects(tmp_path, actor("".join(said[::-1] if turned else said))))["Ann"]
    assert found["Actor"]["policy"] == {"preset": "patient", "mood": "tired"}
    assert found["Door"] == {"target": "hall", "width": 9.0}


def test_some_properties_are_those_of_the_object_itself(tmp_path: Path) -> None:
    said = (
        '<property name="active" type="bool" value="false"/>'
        '<property name="layer" type="int" value="3"/>'
        '<property name="prefab" type="file" value="../prefabs/lamp.toml"/>'
    )
    file = objects(tmp_path, actor(said))
    entry = next(entry for entry in file.objects if entry.name == "Ann")
    assert entry.settings is not None
    assert (entry.settings.active, entry.settings.layer, entry.settings.tag) == (False, 3, "lamp")
    assert "Lamp" in entry.components


def test_a_property_without_a_place_is_told_at_its_object(tmp_path: Path) -> None:
    said = '<property name="mood" type="bool" value="true"/><property name="mood.a" value=""/>'
    assert 'level.tmx:3:1: object "Ann": the property Actor.mood.a has no place' in told(
        tmp_path, actor(said)
    )
    deep = f'<property name="policy{".a" * 50_000}" value=""/>'
    assert "more than 64 parts" in told(tmp_path, actor(deep))


def test_a_layer_that_moves_apart_from_the_others_is_told_at_its_line(tmp_path: Path) -> None:
    drawn = MAP.replace('offsetx="10"', 'offsetx="10" parallaxx="0.5"')
    with pytest.raises(TomlFileError, match=r'level\.tmx:17:3: object "Walls": has a parallax'):
        read(tmp_path, drawn)


def test_a_mistake_with_one_object_keeps_the_others(tmp_path: Path) -> None:
    item = '<object id="5" type="BoxCollider" width="8" height="8" rotation="3"/>' + actor("")
    level = LEVEL + '[object.Switch]\nlamp = "Ann"\n'
    with pytest.raises(TomlFileError) as caught:
        read(tmp_path, f'{MAP_HEAD}><objectgroup id="1">{item}</objectgroup></map>', level)
    assert "is turned" in str(caught.value)
    assert "there is no object" not in str(caught.value)


def test_a_hot_reload_watches_the_templates_the_tilesets_and_the_project(tmp_path: Path) -> None:
    maps = write_assets(tmp_path).parents[1] / "maps"
    maps.mkdir()
    (maps / "ann.tx").write_text('<template><object type="Lamp"/></template>')
    (maps / "tiles.tsx").write_text('<tileset name="t" tilewidth="8" tileheight="8"/>')
    (maps / "game.tiled-project").write_text('{"propertyTypes": []}')
    beside = '<tileset firstgid="1" source="tiles.tsx"/>'
    file = objects(tmp_path, '<object id="1" template="ann.tx"/>', beside=beside)
    assert {path.name for path in file.files} == {
        "level.toml", "level.tmx", "ann.tx", "tiles.tsx", "game.tiled-project",
    }  # fmt: skip
    assert file.is_current()
    (maps / "ann.tx").write_text('<template><object type="Door"/></template>')
    assert not file.is_current()


@pytest.mark.posix("Windows has no pipes in folders")
def test_a_folder_and_a_pipe_in_the_place_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    maps = write_assets(tmp_path).parents[1] / "maps"
    (maps / "folder.tx").mkdir(parents=True)
    assert "folder.tx:1:1: is a folder" in told(tmp_path, '<object template="folder.tx"/>')
    os.mkfifo(maps / "pipe.tsx")
    beside = '<tileset firstgid="1" source="pipe.tsx"/>'
    assert "pipe.tsx:1:1: is a pipe" in told(tmp_path, "", beside=beside)


def test_a_map_that_is_too_large_is_told_without_being_read(tmp_path: Path) -> None:
    assert "level.tmx:1:1: is too large" in told(tmp_path, "<!-- " + "x" * 9_000_000 + " -->")


def test_very_many_mistakes_take_no_more_than_their_number(tmp_path: Path) -> None:
    walls = "".join(f'<object id="{n}" rotation="3"/>\n' for n in range(1, 4_000))
    started = time.perf_counter()
    assert told(tmp_path, walls, layer="walls").count("has no width or no height") == 3_999
    assert time.perf_counter() - started < 30


TABLES = ("shapes", "tiles", "templates", "properties")


@settings(max_examples=60)
@given(data=st.data())
def test_whatever_happens_to_a_map_is_a_level_or_a_mistake_with_its_place(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("odd")
    assets = copy_maps(folder)
    name = data.draw(st.sampled_from(TABLES)) + data.draw(st.sampled_from([".tmx", ".tmj"]))
    path = data.draw(st.sampled_from(sorted(p for p in assets.root.rglob("*.*") if p.is_file())))
    raw = path.read_bytes()
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(raw)))
        end = data.draw(st.integers(start, min(len(raw), start + 20)))
        raw = raw[:start] + data.draw(st.sampled_from(ODD)) + raw[end:]
    path.write_bytes(raw)
    level = assets.root / "level.toml"
    level.write_text(f'[scene]\nname = "Odd"\ntiled = "maps/{name}"\n')
    try:
        SceneFile.read(level, sample_registry(BoxCollider))
    except TomlFileError as error:
        assert all(Path(p.file).is_file() and p.line >= 1 and p.column >= 1 for p in error.problems)
        str(error).encode()


ODD = (
    b"", b"<", b">", b'"', b"{", b"}", b"[", b"]", b"/>", b",", b"0", b"-1", b"1e999", b"NaN",
    b"null", b"true", b"99999999999999999999999", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\\ud800",
    b"\\u0000", b"&a;",
    b"<group>", b"<object", b' gid="3"', b' template="templates/guard.tx"', b"</object>", b"\n",
    b'"type": "class"', b'"value": {}', b'"value": [[]]', b'type="list"', b'type="class"',
    b"..", b".",
)  # fmt: skip


def test_a_class_called_as_the_component_adds_to_what_the_shape_gives(tmp_path: Path) -> None:
    item = (
        '<object id="5" type="BoxCollider" width="8" height="6"><properties>'
        '<property name="BoxCollider" type="class"><properties>'
        '<property name="is_trigger" type="bool" value="true"/></properties></property>'
        "</properties></object>"
    )
    found = tables(objects(tmp_path, item))["BoxCollider 5"]
    assert found["BoxCollider"] == {"size": [8.0, 6.0], "is_trigger": True}


def test_a_field_of_the_component_comes_before_one_of_the_object(tmp_path: Path) -> None:
    class Tagged(Component):
        """Has a field that objects have too."""

        tag: str = ""

    file = objects(tmp_path, "")
    drawn = (
        f'{MAP_HEAD}><objectgroup><object id="1" type="Tagged"><properties>'
        '<property name="tag" value="t"/></properties></object></objectgroup></map>'
    )
    file.path.parents[1].joinpath("maps", "level.tmx").write_text(drawn)
    found = tables(SceneFile.read(file.path, sample_registry(Tagged)))["Tagged 1"]
    assert (found["Tagged"], "tag" in found) == ({"tag": "t"}, False)


def test_objects_of_one_template_have_its_name_and_their_numbers(tmp_path: Path) -> None:
    maps = write_assets(tmp_path).parents[1] / "maps"
    maps.mkdir()
    (maps / "lamp.tx").write_text('<template><object name="Glow" type="Lamp"/></template>')
    items = "".join(f'<object id="{number}" template="lamp.tx"/>' for number in (3, 4))
    assert list(tables(objects(tmp_path, items))) == ["Glow 3", "Glow 4"]
