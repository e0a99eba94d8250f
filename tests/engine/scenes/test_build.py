from __future__ import annotations

from pathlib import Path

import pytest

from engine.objects.objects import Component
from engine.objects.registry import ComponentRegistry
from engine.objects.scene import Scene
from engine.scenes.build import BuiltScene, Change, SceneDifference, difference
from engine.scenes.file import SceneFile
from tests.engine.corpus import write_assets
from tests.engine.levels import HALL, read_level
from tests.engine.sample_components import Actor, Lamp, Policy, Switch


@pytest.fixture
def hall(tmp_path: Path) -> BuiltScene:
    file = read_level(tmp_path)
    return file.build(file.new_scene())


def test_a_new_scene_has_the_files_name_and_size(tmp_path: Path) -> None:
    scene = read_level(tmp_path).new_scene()
    assert (scene.name, scene.size) == ("Hall", (800.0, 600.0))


def test_a_built_scene_has_the_files_background_and_music(tmp_path: Path) -> None:
    text = HALL.replace("[scene]", '[scene]\nbackground = [1, 2, 3]\nmusic = "sounds/hum.ogg"')
    file = read_level(tmp_path, text)
    scene = file.new_scene()
    file.build(scene)
    assert scene.background == (1, 2, 3)
    assert scene.music == tmp_path / "assets/sounds/hum.ogg"


def test_a_level_without_music_is_silent(hall: BuiltScene) -> None:
    assert hall.objects["Ann"].scene.music is None


def test_a_position_is_beside_the_parents(hall: BuiltScene) -> None:
    ann = hall.objects["Ann"]
    assert ann.transform.parent is hall.objects["Floor"].transform
    assert ann.transform.position == (110.0, 120.0)


def test_components_get_their_values_and_keep_their_defaults(hall: BuiltScene) -> None:
    actor = hall.objects["Ann"].require_component(Actor)
    assert (actor.actor_id, actor.policy, actor.tags) == ("ann", Policy(attempts=4), [])


def test_objects_and_components_are_referred_to_by_name(hall: BuiltScene) -> None:
    switch = hall.objects["Bob"].require_component(Switch)
    assert switch.door is hall.objects["Ann"]
    assert switch.lamp is hall.objects["Floor"].require_component(Lamp)
    assert hall.objects["Ann"].require_component(Actor).friends == (hall.objects["Bob"],)


def test_a_handler_is_the_method_of_the_named_component(hall: BuiltScene) -> None:
    switch = hall.objects["Bob"].require_component(Switch)
    assert switch.pressed is not None
    switch.pressed()
    assert hall.objects["Floor"].require_component(Lamp).is_on


def test_an_object_that_is_not_active_sleeps(hall: BuiltScene) -> None:
    assert not hall.objects["Bob"].active_self
    assert hall.objects["Ann"].active_self


def test_an_object_knows_the_line_it_was_written_on(hall: BuiltScene) -> None:
    place = hall.where(hall.objects["Ann"], "Actor", "policy.attempts")
    assert place is not None
    assert str(place).endswith("level.toml:13:23")


def test_an_object_from_nowhere_has_no_line(hall: BuiltScene) -> None:
    assert hall.where(Scene().create("Stranger")) is None


def test_the_scene_offers_what_was_built(tmp_path: Path) -> None:
    file = read_level(tmp_path)
    scene = file.new_scene()
    assert file.build(scene) is scene.get_service(BuiltScene)


def test_a_file_can_be_built_twice(tmp_path: Path) -> None:
    file = read_level(tmp_path)
    one, two = file.build(file.new_scene()), file.build(file.new_scene())
    assert one.objects["Ann"] is not two.objects["Ann"]


def test_building_in_steps_yields_its_progress(tmp_path: Path) -> None:
    file = read_level(tmp_path)
    scene = file.new_scene()
    assert list(file.build_steps(scene))[-1] == 1.0
    assert len(scene.objects) == 3


def test_a_component_awakes_when_all_its_references_are_there(tmp_path: Path) -> None:
    class Witness(Component):
        other: Witness | None = None

        def awake(self) -> None:
            assert self.other is not None
            seen.append(self.other.game_object.name)

    Witness.__annotations__["other"] = Witness | None
    seen: list[str] = []
    path = write_assets(tmp_path)
    path.write_text(
        '[scene]\n[[object]]\nname = "A"\n[object.Witness]\nother = "B"\n'
        '[[object]]\nname = "B"\n[object.Witness]\nother = "A"\n'
    )
    file = SceneFile.read(path, ComponentRegistry(Witness))
    file.build(file.new_scene())
    assert sorted(seen) == ["A", "B"]


AWAKES: list[str] = []


class Early(Component):
    execution_order = -10

    def awake(self) -> None:
        AWAKES.append(f"{self.game_object.name} early")

    def on_enable(self) -> None:
        AWAKES.append(f"{self.game_object.name} on")


class Late(Component):
    execution_order = 10

    def awake(self) -> None:
        AWAKES.append(f"{self.game_object.name} late")


def woken(folder: Path, *objects: str) -> list[str]:
    """Build a level of these objects and return who awoke in which order."""
    AWAKES.clear()
    path = write_assets(folder)
    path.write_text("[scene]\n" + "".join(f"[[object]]\nname = {text}" for text in objects))
    file = SceneFile.read(path, ComponentRegistry(Early, Late))
    file.build(file.new_scene())
    return AWAKES


def test_a_level_awakes_in_execution_order_as_in_unity(tmp_path: Path) -> None:
    a = '"A"\n[object.Late]\n[object.Early]\n'
    b = '"B"\n[object.Early]\n'
    assert woken(tmp_path, a, b) == ["A early", "A on", "B early", "B on", "A late"]


def test_a_child_awakes_with_its_parent_wherever_it_stands_in_the_file(tmp_path: Path) -> None:
    child = '"Child"\nparent = "Top"\n[object.Early]\n'
    assert woken(tmp_path, child, '"Top"\n') == ["Child early", "Child on"]
    assert woken(tmp_path, child, '"Top"\nactive = false\n') == []


def between(folder: Path, old: str, new: str) -> SceneDifference:
    return difference(read_level(folder, old).document, read_level(folder, new).document)


def test_the_same_file_has_no_difference(tmp_path: Path) -> None:
    assert not between(tmp_path, HALL, HALL)


def test_comments_and_order_are_no_difference(tmp_path: Path) -> None:
    parts = HALL.split("# --- Bob ---\n")
    head, ann = parts[0].split("[[object]]", 1)
    assert not between(tmp_path, HALL, f"{head}{parts[1]}\n# moved\n[[object]]{ann}")


def test_objects_come_and_go_by_name(tmp_path: Path) -> None:
    more = HALL + '[[object]]\nname = "Cid"\n'
    assert between(tmp_path, HALL, more).added == ("Cid",)
    assert between(tmp_path, more, HALL).removed == ("Cid",)


def test_a_moved_object_differs_in_its_field(tmp_path: Path) -> None:
    found = between(tmp_path, HALL, HALL.replace("[10, 20]", "[11, 20]"))
    assert found.changed["Ann"].changed == {"": {"position": Change((10.0, 20.0), (11.0, 20.0))}}


def test_a_changed_policy_differs_in_its_value(tmp_path: Path) -> None:
    found = between(tmp_path, HALL, HALL.replace("attempts = 4", "attempts = 5"))
    change = Change(Policy(attempts=4), Policy(attempts=5))
    assert found.changed["Ann"].changed == {"Actor": {"policy": change}}


def test_components_come_and_go(tmp_path: Path) -> None:
    more = HALL + '[object.Door]\ntarget = "x"\n'
    assert between(tmp_path, HALL, more).changed["Floor"].added == ("Door",)
    assert between(tmp_path, more, HALL).changed["Floor"].removed == ("Door",)


def test_the_levels_own_settings_are_compared(tmp_path: Path) -> None:
    found = between(tmp_path, HALL, HALL.replace('"Hall"', '"Cave"'))
    assert found.settings == {"name": Change("Hall", "Cave")}
