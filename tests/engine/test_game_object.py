from __future__ import annotations

import pytest

from engine.component import Component
from engine.game_object import GameObject
from tests.engine.helpers import Counter, Recorder, make_scene


class Marker(Component):
    text: str = ""


def test_components_are_found_by_their_class_or_a_base_of_it() -> None:
    thing = make_scene().create("Thing")
    first, second = thing.add(Marker("a")), thing.add(Marker("b"))
    assert thing.get_component(Marker) is first
    assert thing.get_components(Component) == [first, second]
    assert thing.get_component(Counter) is None


def test_a_required_component_that_is_missing_is_an_error_that_says_what_there_is() -> None:
    thing = make_scene().create("Thing")
    thing.add(Marker())
    with pytest.raises(LookupError, match=r"'Thing' has no Counter \(it has: Marker\)"):
        thing.require_component(Counter)


def test_components_are_found_above_and_below() -> None:
    scene = make_scene()
    body = scene.create("Body")
    hand = scene.create("Hand", parent=scene.create("Arm", parent=body))
    ring = hand.add(Marker("ring"))
    heart = body.add(Counter())
    assert body.get_component_in_children(Marker) is ring
    assert hand.get_component_in_parent(Counter) is heart
    assert hand.get_component_in_children(Counter) is None


def test_an_object_is_active_only_while_its_ancestors_are() -> None:
    scene = make_scene()
    parent = scene.create("Parent")
    child = scene.create("Child", parent=parent)
    parent.set_active(False)
    assert (child.active_self, child.active_in_hierarchy) == (True, False)
    parent.set_active(True)
    assert child.active_in_hierarchy


def test_an_object_made_by_hand_sleeps_until_a_scene_adopts_it() -> None:
    log: list[str] = []
    prefab = GameObject("Prefab")
    prefab.add(Recorder(log))
    GameObject("Part", parent=prefab).add(Recorder(log, "part"))
    assert log == []
    make_scene().adopt(prefab)
    assert log == ["awake", "on_enable", "part awake", "part on_enable"]


def test_an_object_without_a_scene_says_how_to_get_one() -> None:
    with pytest.raises(RuntimeError, match=r"'Lost' lives in no scene.*scene.create"):
        _ = GameObject("Lost").scene
