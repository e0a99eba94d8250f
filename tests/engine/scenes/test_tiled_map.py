from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.objects.assets import AssetFolder
from engine.scenes.tiled_map import MapObject, read_map
from engine.toml.reader import TomlFileError
from tests.engine.tiled_maps import BOTH, HEAD, copy_maps, drawn, write


@pytest.fixture
def assets(tmp_path: Path) -> AssetFolder:
    return copy_maps(tmp_path)


def one(assets: AssetFolder, item: str, head: str = f'{HEAD}tileheight="32">') -> MapObject:
    """Return the one object of a map of 4 by 4 tiles of 64 by 32 pixels."""
    (found,) = write(
        assets, f'{head}\n<objectgroup name="o">\n{item}\n</objectgroup></map>'
    ).objects
    return found


def shown(item: MapObject) -> tuple[Any, ...]:
    return item.name, item.shape, item.middle, item.size


@BOTH
def test_every_shape_is_where_tiled_shows_it(assets: AssetFolder, suffix: str) -> None:
    items = drawn(assets, f"shapes{suffix}").objects
    assert [shown(item) for item in items if item.layer.name == "plain"] == [
        ("rectangle", "rectangle", (140.0, 105.0), (80.0, 10.0)),
        ("quarter", "rectangle", (95.0, 140.0), (10.0, 80.0)),
        ("back", "rectangle", (60.0, 95.0), (80.0, 10.0)),
        ("turned", "rectangle", (100.0, 170.710678), (141.421356, 141.421356)),
        ("point", "point", (7.5, 8.25), (0.0, 0.0)),
        ("ellipse", "ellipse", (25.0, 40.0), (30.0, 40.0)),
        ("capsule", "capsule", (25.0, 40.0), (30.0, 40.0)),
        ("polygon", "polygon", (82.0, 44.0), (64.0, 32.0)),
        ("polyline", "polyline", (33.75, 92.0), (32.5, 64.0)),
        ("text", "text", (50.0, 16.0), (90.0, 20.0)),
    ]
    upright = {item.name: item.is_upright for item in items}
    assert (upright["quarter"], upright["back"], upright["turned"]) == (True, True, False)


@BOTH
def test_the_offsets_of_layers_and_of_all_groups_around_add_up(
    assets: AssetFolder, suffix: str
) -> None:
    items = [i for i in drawn(assets, f"shapes{suffix}").objects if i.layer.name == "deep"]
    assert [item.middle for item in items] == [(111.0, 197.5), (113.0, 199.5)]


@BOTH
def test_what_is_hidden_in_tiled_is_read_too(assets: AssetFolder, suffix: str) -> None:
    names = {item.name for item in drawn(assets, f"shapes{suffix}").objects}
    assert "offset" in names


@BOTH
def test_a_picture_stands_as_its_tileset_aligns_and_shifts_it(
    assets: AssetFolder, suffix: str
) -> None:
    items = {item.name: item for item in drawn(assets, f"tiles{suffix}").objects}
    places = {name: (item.middle, item.size, item.foot) for name, item in items.items()}
    assert places == {
        "inherits": ((100.0, 176.0), (32.0, 64.0), (100.0, 208.0)),
        "overrides": ((100.0, 152.0), (64.0, 128.0), (100.0, 216.0)),  # the shift grows with it
        "plain": ((100.0, 176.0), (32.0, 64.0), (100.0, 208.0)),  # the tile's own size
        "crate": ((37.0, 40.0), (50.0, 40.0), (37.0, 60.0)),  # that of its image
        "slice": ((20.0, 67.0), (20.0, 10.0), (10.0, 67.0)),  # that of its part of the image
        "lamp": ((8.0, 8.0), (16.0, 16.0), (8.0, 16.0)),
        "none": ((4.0, 20.0), (8.0, 8.0), (4.0, 24.0)),
    }
    assert items["none"].shape == "rectangle"


@BOTH
def test_a_picture_has_the_class_and_the_properties_of_its_tile(
    assets: AssetFolder, suffix: str
) -> None:
    items = {item.name: item for item in drawn(assets, f"tiles{suffix}").objects}
    picture = "sprites/ann.png"
    assert items["inherits"].kind == "Nurse"
    assert items["inherits"].properties == {"mood": "tired", "picture": picture}
    assert items["overrides"].kind == "Doctor"
    assert items["overrides"].properties == {"mood": "calm", "picture": picture}
    assert [items[name].kind for name in ("slice", "lamp")] == ["BoxCollider", "Lamp"]


@BOTH
def test_an_object_of_a_template_has_what_it_does_not_say_itself(
    assets: AssetFolder, suffix: str
) -> None:
    guard, own, zone, anew = drawn(assets, f"templates{suffix}").objects
    assert (guard.kind, guard.name, guard.template_name) == ("Actor", "", "guard")
    assert (guard.foot, guard.size) == ((2.0, 20.0), (64.0, 32.0))
    picture = "sprites/bob.png"
    assert guard.properties == {"actor_id": "g", "mood": "tired", "picture": picture}
    assert (own.kind, own.name, own.size) == ("Boss", "own", (64.0, 64.0))
    assert own.properties == {"actor_id": "b", "mood": "tired", "picture": picture}
    assert own.foot == (10.0, 28.0)  # it is not turned, as it says 0 itself
    assert (zone.shape, zone.middle, zone.properties) == (
        "ellipse", (120.0, 225.0), {"is_trigger": True},
    )  # fmt: skip
    assert anew.shape == "point"


@BOTH
def test_the_files_beside_a_map_are_told(assets: AssetFolder, suffix: str) -> None:
    names = {file.path.name for file in drawn(assets, f"templates{suffix}").files}
    assert names == {"guard.tx", "zone.tj", "tiles.tsx", "game.tiled-project"}


@pytest.mark.parametrize(
    ("head", "middle", "is_upright"),
    [
        ('"orthogonal" width="4" height="4" tilewidth="64" tileheight="32"', (80.0, 40.0), True),
        ('"staggered" width="4" height="4" tilewidth="64" tileheight="32"', (80.0, 40.0), True),
        ('"hexagonal" width="4" height="4" tilewidth="64" tileheight="32"', (80.0, 40.0), True),
        # A square of a tile's size is one rhombus: 64 wide, 32 high.
        ('"isometric" width="4" height="4" tilewidth="64" tileheight="32"', (168.0, 60.0), False),
        (
            '"oblique" width="4" height="4" tilewidth="64" tileheight="32" skewx="16"',
            (100.0, 40.0),
            False,
        ),
    ],
)
def test_a_place_is_where_the_orientation_of_the_map_shows_it(
    assets: AssetFolder, head: str, middle: tuple[float, float], is_upright: bool
) -> None:
    item = '<object id="1" x="64" y="24" width="32" height="32"/>'
    found = one(assets, item, f"<map orientation={head}>")
    assert (found.middle, found.is_upright) == (middle, is_upright)


def test_a_picture_on_an_isometric_map_stands_upright_on_its_middle(assets: AssetFolder) -> None:
    tileset = '<tileset firstgid="1" tilewidth="32" tileheight="64"/>'
    head = f'{HEAD.replace("orthogonal", "isometric")}tileheight="32">{tileset}'
    found = one(assets, '<object id="1" gid="1" x="32" y="32" width="32" height="64"/>', head)
    assert (found.foot, found.size, found.is_upright) == ((128.0, 32.0), (32.0, 64.0), True)


def test_the_shift_of_a_tileset_grows_with_the_picture(assets: AssetFolder) -> None:
    head = f'{HEAD}tileheight="32"><tileset firstgid="1" source="things.tsj"/>'
    found = one(assets, '<object id="1" gid="1" x="0" y="40" width="100" height="80"/>', head)
    assert found.middle == (54.0, 0.0)


def test_an_endless_map_has_places_left_of_and_above_its_beginning(assets: AssetFolder) -> None:
    layer = (
        '<layer id="1" name="floor" width="16" height="16"><data encoding="csv">'
        '<chunk x="-16" y="-16" width="16" height="16">\n1,2,\n</chunk></data></layer>'
    )
    head = f'{HEAD}tileheight="32" infinite="1">{layer}'
    assert one(assets, '<object id="1" x="-300" y="-7"><point/></object>', head).middle == (
        -300.0, -7.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        '<data encoding="csv">\n1,2,3,\n</data>',
        '<data encoding="base64">AQAAAA==</data>',
        '<data encoding="base64" compression="gzip">no such thing</data>',
        '<data encoding="base64" compression="zstd">KLUv</data>',
        '<data><tile gid="1"/><tile/></data>',
        "",
    ],
)
def test_no_encoding_of_tiles_keeps_the_objects_from_being_read(
    assets: AssetFolder, data: str
) -> None:
    head = f'{HEAD}tileheight="32"><layer width="4" height="4">{data}</layer>'
    assert one(assets, '<object id="1" x="3" y="4"/>', head).middle == (3.0, 4.0)


OLD = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE map SYSTEM "http://mapeditor.org/dtd/1.0/map.dtd">
<map version="1.0" orientation="orthogonal" width="2" height="2" tilewidth="32" tileheight="32">
 <tileset firstgid="1" name="t" tilewidth="16" tileheight="24">
  <image source="t.png" width="16" height="24"/>
 </tileset>
 <objectgroup name="people" width="2" height="2">
  <object name="a" type="Actor" x="5" y="6"/>
  <object type="Actor" gid="1" x="0" y="24"/>
 </objectgroup>
</map>
"""
OLD_JSON = """{"height":2,"width":2,"layers":[{"name":"people","type":"objectgroup","objects":[
 {"gid":2,"height":0,"width":0,"id":1,"name":"a","properties":{"mood":"calm","steps":3},
  "propertytypes":{"mood":"string","steps":"int"},"type":"","x":0,"y":24}]}],
 "orientation":"orthogonal","tilesets":[{"firstgid":1,"name":"t","tileheight":24,"tilewidth":16,
  "tiles":{"1":{"type":"Actor"}},"tileproperties":{"1":{"mood":"tired","brave":true}},
  "tilepropertytypes":{"1":{"mood":"string","brave":"bool"}}}],
 "tileheight":32,"tilewidth":32,"version":1}
"""


def test_a_map_of_version_1_0_is_read(assets: AssetFolder) -> None:
    items = write(assets, OLD).objects
    assert [(i.name, i.kind, i.middle) for i in items] == [
        ("a", "Actor", (5.0, 6.0)), ("", "Actor", (8.0, 12.0)),
    ]  # fmt: skip
    assert [item.number for item in items] == [-1, -2]  # they have none of their own


def test_a_json_map_of_version_1_0_is_read(assets: AssetFolder) -> None:
    (item,) = write(assets, OLD_JSON, "old.json").objects
    assert (item.kind, item.middle) == ("Actor", (8.0, 12.0))
    assert item.properties == {"mood": "calm", "steps": 3, "brave": True}


def test_the_class_of_version_1_9_is_that_of_all_others(assets: AssetFolder) -> None:
    assert one(assets, '<object id="1" class="Actor" x="0" y="0"/>').kind == "Actor"


def test_a_byte_order_mark_is_no_mistake(assets: AssetFolder) -> None:
    for name in ("shapes.tmx", "shapes.tmj"):
        path = assets.root / "maps" / name
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        assert len(drawn(assets, name).objects) == 12


def test_a_parallax_factor_of_a_group_is_that_of_its_layers(assets: AssetFolder) -> None:
    head = f'{HEAD}tileheight="32"><group parallaxx="0.5">'
    text = f'{head}<objectgroup name="o"><object id="1"/></objectgroup></group></map>'
    assert write(assets, text).objects[0].layer.moves_apart


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ('<object id="1" name="N" x="abc"/>', r'3:1: object "N": x must be a number \(got abc\)'),
        ('<object id="1" width="nan"/>', r"3:1: width must be a number \(got nan\)"),
        ('<object id="1" y="1e999"/>', r"3:1: y must be a number \(got 1e999\)"),
        ('<object id="1" gid="9"/>', r"3:1: shows the tile 9, which no tileset has"),
        ('<object id="1"><polygon points="0,0 x"/></object>', "3:1: is a polygon whose points"),
        ('<object id="1" template="no.tx"/>', r"3:1: names a file that is not there .*no\.tx"),
        ('<object id="1" template="tiles.tsx"/>', "3:1: names a template without an object"),
    ],
)
def test_what_is_wrong_with_an_object_is_told_at_its_line(
    assets: AssetFolder, item: str, message: str
) -> None:
    head = f'{HEAD}tileheight="32">\n<objectgroup name="o">\n'
    found = write(assets, f"{head}{item}\n</objectgroup></map>").problems
    assert len(found) == 1
    with pytest.raises(TomlFileError, match=rf"new\.tmx:{message}"):
        raise TomlFileError(found)


def test_what_is_wrong_with_an_object_of_json_is_told_at_its_line_too(
    assets: AssetFolder,
) -> None:
    path = assets.root / "maps/shapes.tmj"
    text = path.read_text("utf-8")
    lines = text.split("\n")
    where = next(n for n, line in enumerate(lines) if '"name": "ellipse"' in line)
    begin = max(n for n in range(where) if lines[n].strip() == "{") + 1
    (found,) = write(assets, text.replace('"id": 6,', '"id": 6, "gid": 77,'), path.name).problems
    assert (found.line, found.column, found.object) == (begin, 5, "ellipse")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r":1:1: is no file of Tiled"),
        ("hello", r":1:1: is no file of Tiled"),
        ("<map>\n<layer></map>", r":2:10: .*mismatched tag"),
        ("<map>\x00</map>", r":1:6: .*not well-formed"),
        ("<tileset/>", r":1:1: is no map, but a tileset"),
        ('\n<map orientation="round"/>', r":2:1: has an unknown orientation.*isometric"),
        ('{"layers": [,]}', r":1:13: .*Expecting value"),
        ('{"layers": [],\n "type": "tileset"}', r":1:1: is no map, but a tileset"),
        ("{}", r":1:1: is no map, but a file of another kind"),
        ('{"layers": "\\ud800"}', r":1:1: .*half a character"),
        ('{"layers": [[["\\ud800"]]]}', r":1:1: .*half a character"),
        ("<group>" * 200, r":1:\d+: is nested too deeply"),
        ('{"layers":[' * 30_000, r":1:1: .*nested too deeply"),
        ('{"a":' + "9" * 9_000 + "}", r":1:1: .*digits"),
    ],
)
def test_what_is_no_map_is_told_at_its_place(assets: AssetFolder, text: str, message: str) -> None:
    with pytest.raises(TomlFileError, match=rf"new\.tmx{message}"):
        write(assets, text)


def test_entities_are_told_and_not_expanded(assets: AssetFolder) -> None:
    bomb = '<!DOCTYPE map [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>\n<map>&b;</map>'
    with pytest.raises(TomlFileError, match=r"new\.tmx:1:\d+: declares the entity a"):
        write(assets, bomb)
    outside = '<!DOCTYPE map [<!ENTITY a SYSTEM "file:///etc/passwd">]>\n<map>&a;</map>'
    with pytest.raises(TomlFileError, match="declares the entity a"):
        write(assets, outside)


def test_a_map_in_another_encoding_is_told(assets: AssetFolder) -> None:
    path = assets.root / "maps/wide.tmx"
    path.write_bytes(OLD.replace("UTF-8", "UTF-16").encode("utf-16"))
    with pytest.raises(TomlFileError, match=r"wide\.tmx:1:1: the file is not UTF-8 text"):
        read_map(path, assets)


def test_a_file_beside_the_map_that_is_wrong_is_told_at_its_own_line(assets: AssetFolder) -> None:
    (assets.root / "maps/templates/guard.tx").write_text("<template>\n<object></template>")
    found = drawn(assets, "templates.tmx")
    told = [str(problem).replace("\\", "/") for problem in found.problems]
    assert [problem.split("maps/")[1] for problem in told] == [
        "templates/guard.tx:2:11: is no map that can be read: mismatched tag."
    ]
    assert [path.name for path in assets.awaited] == ["guard.tx"]
    assert len(found.objects) == 4


def test_small_files_that_come_to_very_many_values_are_told(assets: AssetFolder) -> None:
    properties = "".join(f'<property name="p{n}" value=""/>' for n in range(5_000))
    template = f"<template><object><properties>{properties}</properties></object></template>"
    (assets.root / "maps/large.tx").write_text(template)
    objects = '<object template="large.tx"/>' * 5_000
    with pytest.raises(TomlFileError, match="has more than 250000 values"):
        write(assets, f'{HEAD}tileheight="32"><objectgroup>{objects}</objectgroup></map>')
