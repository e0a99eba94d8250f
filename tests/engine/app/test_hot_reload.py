from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import pytest

from engine.app.hot_reload import HotReload
from engine.objects.objects import Component, GameObject
from engine.scenes.build import BuiltScene
from engine.scenes.file import SceneFile
from tests.engine.corpus import write_assets
from tests.engine.levels import HALL
from tests.engine.sample_components import Actor, Door, Lamp, Policy, Switch, sample_registry


class Gauge(Component):
    """Keeps its value at each on_validate."""

    value: int = 1
    _seen: tuple[int, ...] = ()

    def on_validate(self) -> None:
        self._seen += (self.value,)

    @property
    def seen(self) -> tuple[int, ...]:
        return self._seen


class BigLamp(Lamp):
    """Another lamp, where a Lamp is asked for."""


class Rooted(Component):
    """Has a field that is read once, when the level is loaded."""

    fixed_fields: ClassVar[Mapping[str, str]] = {"folder": "is read when the level is loaded"}

    folder: str = "here"
    colour: str = "red"


class Fussy(Component):
    """Refuses to be made with a negative number, which its type does not forbid."""

    value: int

    def __init__(self, value: int) -> None:
        if value < 0:
            raise RuntimeError("it is too cold")
        self.value = value


TEXT = HALL + '\n[[object]]\nname = "Boiler"\n[object.Gauge]\n'


class House:
    """A level that runs, and its file."""

    def __init__(self, folder: Path) -> None:
        self.path = write_assets(folder)
        self.path.write_text(TEXT, encoding="utf-8")
        file = SceneFile.read(self.path, sample_registry(Gauge, Fussy, BigLamp, Rooted))
        self.scene = file.new_scene()
        file.build(self.scene)
        self.reload = HotReload(file)
        self.scene.create("Watcher", active=False).add(self.reload)  # no thread: `edit` looks
        self.scene.update(0.01)

    def edit(self, *changes: tuple[str, str]) -> None:
        text = self.path.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        self.path.write_text(text, encoding="utf-8")
        self.reload.look()
        self.scene.update(0.01)

    def save(self, name: str, text: str) -> None:
        """Write a file below the assets, and let the watch notice it as it does by itself."""
        path = self.path.parents[1] / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        for _ in range(2):
            self.reload._watch.poll()
        self.scene.update(0.01)

    def find(self, name: str) -> GameObject:
        return self.scene.get_service(BuiltScene).objects[name]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.scene.close()


def test_music_that_is_edited_is_the_scenes_music(house: House) -> None:
    house.edit(("[scene]", '[scene]\nmusic = "sounds/hum.ogg"'))
    assert house.scene.music is not None
    assert house.scene.music.name == "hum.ogg"
    house.edit(('music = "sounds/hum.ogg"', ""))
    assert house.scene.music is None


def test_a_moved_object_moves_and_no_other(house: House) -> None:
    ann, boiler = house.find("Ann"), house.find("Boiler")
    boiler.transform.position = (7.0, 7.0)  # the game moved it
    house.edit(("[10, 20]", "[30, 40]"))
    assert house.find("Ann") is ann
    assert ann.transform.local_position == (30.0, 40.0)
    assert boiler.transform.position == (7.0, 7.0)


def test_changed_fields_are_set_on_the_living_component(house: House) -> None:
    actor = house.find("Ann").require_component(Actor)
    house.edit(("attempts = 4", "attempts = 9"))
    assert house.find("Ann").require_component(Actor) is actor
    assert actor.policy == Policy(attempts=9)


def test_a_field_that_is_taken_out_has_its_default_again(house: House) -> None:
    house.edit(("policy = { attempts = 4 } # patient\n", ""))
    assert house.find("Ann").require_component(Actor).policy == Policy()


def test_on_validate_comes_after_all_fields_are_set(house: House) -> None:
    house.edit(("[object.Gauge]\n", "[object.Gauge]\nvalue = 5\n"))
    assert house.find("Boiler").require_component(Gauge).seen == (5,)
    house.edit(("[10, 20]", "[30, 40]"))
    assert house.find("Boiler").require_component(Gauge).seen == (5,)


def test_references_follow_an_edit(house: House) -> None:
    house.edit(('door = "Ann"', 'door = "Boiler"'), ('friends = ["Bob"]', 'friends = ["Cid"]'))
    assert house.find("Bob").require_component(Switch).door is house.find("Ann")  # Cid is missing
    house.edit(('friends = ["Cid"]', "friends = []"))
    assert house.find("Bob").require_component(Switch).door is house.find("Boiler")


def test_an_added_object_joins_with_its_components(house: House) -> None:
    cid = '\n[[object]]\nname = "Cid"\nparent = "Boiler"\n[object.Actor]\nactor_id = "cid"\n'
    house.edit(('\n[[object]]\nname = "Boiler"', cid + '\n[[object]]\nname = "Boiler"'))
    made = house.find("Cid")
    assert made.active_in_hierarchy
    assert made.transform.parent is house.find("Boiler").transform
    assert made.require_component(Actor).actor_id == "cid"


def test_a_removed_object_goes(house: House) -> None:
    boiler = house.find("Boiler")
    house.edit(('\n[[object]]\nname = "Boiler"\n[object.Gauge]\n', "\n"))
    assert boiler.is_destroyed
    assert "Boiler" not in house.scene.get_service(BuiltScene).objects


def test_an_object_with_a_new_parent_survives_the_old_one(house: House) -> None:
    ann = house.find("Ann")
    house.edit(
        ('parent = "Floor"\n', ""),
        ('lamp = "Floor"\n', ""),
        ('pressed = "Floor:Lamp.toggle"\n', ""),
        ('[[object]]\nname = "Floor"\nposition = [100, 100]\n[object.Lamp]\n', ""),
    )
    assert not ann.is_destroyed
    assert ann.transform.position == (10.0, 20.0)


def test_components_come_and_go(house: House) -> None:
    gauge = house.find("Boiler").require_component(Gauge)
    house.edit(("[object.Gauge]\n", '[object.Door]\ntarget = "hall"\n'))
    assert gauge.is_destroyed
    assert house.find("Boiler").require_component(Door).target == "hall"
    assert house.find("Boiler").get_component(Gauge) is None


def test_tag_layer_and_activity_follow(house: House) -> None:
    house.edit(('tag = "person"', 'tag = "guest"\nlayer = 3'), ("active = false\n", ""))
    ann, bob = house.find("Ann"), house.find("Bob")
    assert (ann.tag, ann.layer, bob.active_in_hierarchy) == ("guest", 3, True)


def test_the_level_itself_follows(house: House) -> None:
    house.edit(('name = "Hall" ', 'name = "Cave" '), ("[800, 600]", "[640, 480]"))
    assert (house.scene.name, house.scene.size) == ("Cave", (640.0, 480.0))


def test_a_broken_edit_changes_nothing_and_is_reported(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    ann = house.find("Ann")
    house.edit(("[10, 20]", "[30, 40]"), ("[object.Gauge]", "[object.Guage]"))
    assert ann.transform.local_position == (10.0, 20.0)
    assert house.reload.summary is not None
    assert house.reload.summary.startswith("level.toml:")
    assert "Gauge" in house.reload.summary
    assert "Guage" in caplog.text


def test_a_mended_edit_is_applied_whole(house: House) -> None:
    house.edit(("[10, 20]", "[30, 40]"), ("[object.Gauge]", "[object.Guage]"))
    house.edit(("[object.Guage]", "[object.Gauge]"))
    assert house.reload.summary is None
    assert house.find("Ann").transform.local_position == (30.0, 40.0)


def test_a_broken_edit_that_is_taken_back_is_forgotten(house: House) -> None:
    house.edit(("[object.Gauge]", "[object.Guage]"))
    house.edit(("[object.Guage]", "[object.Gauge]"))
    assert house.reload.problems == ()


def test_a_component_that_refuses_to_be_made_changes_nothing(house: House) -> None:
    house.edit(("[10, 20]", "[30, 40]"), ("[object.Gauge]\n", "[object.Fussy]\nvalue = -1\n"))
    assert house.find("Ann").transform.local_position == (10.0, 20.0)
    assert "too cold" in (house.reload.summary or "")
    house.edit(("value = -1", "value = 1"))
    assert house.reload.summary is None
    assert house.find("Boiler").require_component(Fussy).value == 1
    assert house.find("Ann").transform.local_position == (30.0, 40.0)


def test_what_the_game_destroyed_stays_destroyed(house: House) -> None:
    house.find("Ann").destroy()
    house.scene.update(0.01)
    house.edit(("[10, 20]", "[30, 40]"), ("[object.Gauge]\n", "[object.Gauge]\nvalue = 5\n"))
    assert house.find("Ann").is_destroyed
    assert house.find("Boiler").require_component(Gauge).value == 5


def test_an_edit_of_a_prefab_is_an_edit_of_the_level(house: House) -> None:
    prefab = house.path.parents[1] / "prefabs" / "boiler.toml"
    prefab.write_text("[Lamp]\ncolour = [1, 2, 3]\n", encoding="utf-8")
    house.edit(('name = "Boiler"\n', 'name = "Boiler"\nprefab = "prefabs/boiler.toml"\n'))
    assert house.find("Boiler").require_component(Lamp).colour == (1, 2, 3)
    prefab.write_text("[Lamp]\ncolour = [4, 5, 6]\n", encoding="utf-8")
    house.edit()
    assert house.find("Boiler").require_component(Lamp).colour == (4, 5, 6)


def test_a_prefab_that_was_missing_is_waited_for(house: House) -> None:
    broken = TEXT.replace('name = "Boiler"', 'name = "Boiler"\nprefab = "prefabs/big.toml"')
    house.save("scenes/level.toml", broken)
    assert "there is no such file" in (house.reload.summary or "")
    house.save("prefabs/big.toml", "[Lamp]\ncolour = [1, 2, 3]\n")
    assert house.reload.summary is None
    assert house.find("Boiler").require_component(Lamp).colour == (1, 2, 3)


def test_an_asset_in_a_folder_that_was_missing_is_waited_for(house: House) -> None:
    picture = 'actor_id = "ann"\npicture = "faces/ann.png"'
    house.save("scenes/level.toml", TEXT.replace('actor_id = "ann"', picture))
    assert "there is no such file" in (house.reload.summary or "")
    house.save("faces/ann.png", "")
    assert house.find("Ann").require_component(Actor).picture == "faces/ann.png"


def test_a_level_that_was_taken_away_says_so_until_it_is_back(house: House) -> None:
    house.path.unlink()
    house.save("other.toml", "")
    assert "there is no such file" in (house.reload.summary or "")
    house.save("scenes/level.toml", TEXT)
    assert house.reload.summary is None


def test_references_lead_to_what_took_the_place_of_a_component(house: House) -> None:
    switch = house.find("Bob").require_component(Switch)
    house.edit(("[object.Lamp]", "[object.BigLamp]"), (':Lamp.toggle"', ':BigLamp.toggle"'))
    big = house.find("Floor").require_component(BigLamp)
    assert switch.lamp is big
    assert switch.pressed == big.toggle


def test_references_of_objects_that_were_not_edited_follow_too(house: House) -> None:
    house.edit(('pressed = "Floor:Lamp.toggle"\n', ""))
    switch = house.find("Bob").require_component(Switch)
    switch.door = house.find("Boiler")  # the game's own choice stays
    house.edit(("[object.Lamp]", "[object.BigLamp]"))
    assert switch.lamp is house.find("Floor").require_component(BigLamp)
    assert switch.door is house.find("Boiler")


def test_a_reference_to_what_the_game_destroyed_costs_no_edit(house: House) -> None:
    house.scene.destroy(house.find("Floor").require_component(Lamp))
    house.scene.update(0.01)
    house.edit(('door = "Ann"', 'door = "Boiler"'))
    assert house.reload.summary is None
    assert house.find("Bob").require_component(Switch).door is house.find("Boiler")


def test_a_field_that_cannot_change_now_is_reported_in_a_sentence(house: House) -> None:
    noted: list[str] = []
    house.reload.noted.subscribe(noted.append)
    house.edit(("[object.Gauge]\n", "[object.Rooted]\n"))
    rooted = house.find("Boiler").require_component(Rooted)
    house.edit(("[object.Rooted]\n", '[object.Rooted]\nfolder = "there"\ncolour = "blue"\n'))
    assert (rooted.folder, rooted.colour) == ("here", "blue")
    assert noted == [
        'level.toml:35:10: object "Boiler": Rooted.folder: is read when the level is loaded.'
    ]


def test_the_watch_notices_by_itself_and_its_thread_ends_with_the_level(house: House) -> None:
    house.reload.game_object.set_active(True)
    house.scene.update(0.01)
    noted = threading.Event()
    house.reload.applied.subscribe(lambda _: noted.set())
    house.path.write_text(TEXT.replace("[10, 20]", "[30, 40]"), encoding="utf-8")
    tries = iter(range(1000))
    while not noted.wait(0.01) and next(tries, None) is not None:
        house.scene.update(0.01)
    assert house.find("Ann").transform.local_position == (30.0, 40.0)
    house.scene.close()
    assert not [t for t in threading.enumerate() if t.name == "watch level.toml"]
