from __future__ import annotations

from pathlib import Path

import pytest

from engine.objects.objects import GameObject
from engine.objects.physics import Box, BoxCollider
from engine.scenes.build import BuiltScene
from engine.scenes.file import SceneFile
from engine.toml.reader import TomlFileError
from tests.engine.corpus import write_assets
from tests.engine.sample_components import Actor, Door, Mood, sample_registry

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
