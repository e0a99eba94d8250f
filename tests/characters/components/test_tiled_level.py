from __future__ import annotations

from pathlib import Path

from characters.commands.scenes import project_registry
from characters.components.character import Character
from characters.components.checks import SCENE_CHECKS
from engine.scenes.build import BuiltScene
from engine.scenes.file import SceneFile
from tests.characters.components.levels import write_level

NURSE = """<map version="1.10" tiledversion="1.10.2" orientation="orthogonal"
 renderorder="right-down" width="9" height="9" tilewidth="32" tileheight="32" infinite="0"
 nextlayerid="2" nextobjectid="2"><objectgroup id="1" name="people">
<object id="1" class="Character" x="300" y="200">
<properties><property name="character_id" value="nurse-21c4"/></properties>
<point/></object></objectgroup></map>"""


def test_an_object_of_class_character_with_an_id_is_enough(tmp_path: Path) -> None:
    path = write_level(tmp_path, "")
    path.write_text(path.read_text().replace("[scene]", '[scene]\ntiled = "nurse.tmx"'))
    (path.parents[1] / "nurse.tmx").write_text(NURSE)
    file = SceneFile.read(path, project_registry(), SCENE_CHECKS)
    built: BuiltScene = file.build(file.new_scene())
    nurse = built.objects["Character 1"]
    assert nurse.require_component(Character).character_id == "nurse-21c4"
    assert nurse.transform.position == (300.0, 200.0)
