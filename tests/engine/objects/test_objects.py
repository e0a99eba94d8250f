"""What a subclass declares becomes its fields, its hooks, and nothing else."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import pytest

from engine.objects.objects import Component, ComponentError, GameObject
from engine.objects.registry import ComponentRegistry
from tests.engine.helpers import Counter, Recorder, make_scene


class Door(Component):
    target: str
    spawn: str = "default"
    visits: list[int] = dataclasses.field(default_factory=list)
    opened: ClassVar[int] = 0
    _armed: bool = False
    _seen: list[str] = dataclasses.field(default_factory=list)


class Gate(Door):
    width: float = 2.0


class Plain(Component):
    def __init__(self, *names: str) -> None:
        self.names = names


def field_names(component: type[Component]) -> list[str]:
    return [f.name for f in dataclasses.fields(component) if f.init]  # type: ignore[arg-type]  # every subclass is one


def test_public_annotations_are_the_arguments_of_the_constructor() -> None:
    door = Door("lobby", visits=[1])
    assert (door.target, door.spawn, door.visits) == ("lobby", "default", [1])


def test_private_names_and_class_variables_are_no_arguments() -> None:
    assert field_names(Door) == ["target", "spawn", "visits"]
    with pytest.raises(TypeError):
        Door("lobby", _armed=True)


def test_private_names_keep_their_defaults_and_factories() -> None:
    first, second = Door("a"), Door("b")
    first._seen.append("x")
    assert (first._armed, second._seen) == (False, [])


def test_a_component_inherits_the_fields_of_another() -> None:
    gate = Gate("lobby", "north", width=3.0)
    assert (gate.target, gate.spawn, gate.width) == ("lobby", "north", 3.0)
    assert field_names(Gate) == ["target", "spawn", "visits", "width"]


def test_a_decorated_component_is_refused_with_a_sentence() -> None:
    @dataclasses.dataclass
    class Lamp(Component):
        colour: str = "amber"

    with pytest.raises(TypeError, match=r"Lamp has an __eq__ .* take the decorator away"):
        make_scene().add(Lamp())
    with pytest.raises(TypeError, match="take the decorator away"):
        ComponentRegistry(Lamp)


def test_a_missing_required_field_is_an_error() -> None:
    with pytest.raises(TypeError, match="target"):
        Door()  # type: ignore[call-arg]  # the point of the test


def test_a_class_with_its_own_init_is_left_alone() -> None:
    assert Plain("a", "b").names == ("a", "b")
    assert not dataclasses.is_dataclass(Plain)


def test_the_state_of_the_engine_is_not_among_a_components_attributes() -> None:
    door = make_scene().add(Door("lobby"))
    assert vars(door) == {"target": "lobby", "spawn": "default", "visits": [], "_seen": []}


def test_a_class_with_its_own_init_need_not_call_the_engines() -> None:
    plain = make_scene().add(Plain("a"))
    assert (plain.enabled, plain.is_active_and_enabled) == (True, True)


def test_two_components_with_equal_fields_are_still_two() -> None:
    assert Door("lobby") != Door("lobby")
    assert len({Door("lobby"), Door("lobby")}) == 2


def test_a_field_may_not_hide_what_the_engine_needs() -> None:
    with pytest.raises(TypeError, match=r"Broken.scene would hide Component.scene"):
        type("Broken", (Component,), {"__annotations__": {"scene": "str"}, "scene": "x"})


def test_a_component_without_an_object_says_what_to_do() -> None:
    with pytest.raises(RuntimeError, match=r"Door belongs to no GameObject yet.*scene.add"):
        _ = Door("lobby").scene


def test_a_component_reaches_its_surroundings() -> None:
    scene = make_scene()
    door = scene.create("Exit", (3, 4)).add(Door("lobby"))
    assert door.game_object.name == "Exit"
    assert door.transform.position == (3, 4)
    assert (door.scene, door.input) == (scene, scene.input)
    assert door.get_component(Door) is door


@pytest.mark.parametrize(
    ("given", "sentence"),
    [(Counter, r"Add a component, not its class: Counter\(\.\.\.\)"), ("Counter", "not 'Counter'")],
)
def test_what_is_no_component_cannot_be_added(given: Any, sentence: str) -> None:
    ann = GameObject("Ann")
    with pytest.raises(TypeError, match=sentence):
        ann.add(given)
    assert ann.get_component(Counter) is None


@pytest.mark.parametrize("position", [320, "320,200", "12", (1, 2, 3), ("1", "2"), None])
def test_a_position_is_two_numbers(position: Any) -> None:
    with pytest.raises(TypeError, match="two numbers"):
        GameObject("Ann", position)


def test_a_component_cannot_belong_to_two_objects() -> None:
    scene = make_scene()
    counter = scene.add(Counter())
    with pytest.raises(ValueError, match=r"Counter belongs to 'Counter' already"):
        scene.create("Other").add(counter)


def test_an_error_names_the_component_its_hook_and_its_object() -> None:
    door = make_scene().create("Exit").add(Door("lobby"))
    error = ComponentError(door, "update", ValueError("no"))
    assert str(error) == "Door.update of object 'Exit': ValueError('no')"


def test_hooks_of_a_mixin_count_too() -> None:
    class Blinks:
        blinks = 0

        def update(self, dt: float) -> None:
            self.blinks += 1

    class Lamp(Blinks, Component):
        label: str = ""

    scene = make_scene()
    lamp: Any = scene.add(Lamp())
    scene.update(0.1)
    assert lamp.blinks == 1


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
    watch = body.add(Marker("watch"))
    assert body.get_components_in_children(Marker) == [watch, ring]


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


def test_a_child_moves_with_its_parent() -> None:
    scene = make_scene()
    cart = scene.create("Cart", (10, 0))
    crate = scene.create("Crate", (1, 2), parent=cart)
    assert crate.transform.position == (11, 2)
    cart.transform.position = (20, 5)
    assert crate.transform.position == (21, 7)
    assert crate.transform.local_position == (1, 2)


def test_setting_the_world_position_of_a_child_moves_it_beside_its_parent() -> None:
    scene = make_scene()
    crate = scene.create("Crate", parent=scene.create("Cart", (10, 0)))
    crate.transform.position = (7, 7)
    assert crate.transform.local_position == (-3, 7)


def test_a_new_parent_keeps_the_place_in_the_world() -> None:
    scene = make_scene()
    cart, crate = scene.create("Cart", (10, 0)), scene.create("Crate", (12, 3))
    crate.transform.parent = cart.transform
    assert crate.transform.position == (12, 3)
    assert crate.transform.local_position == (2, 3)
    crate.transform.parent = None
    assert (crate.transform.position, cart.transform.children) == ((12, 3), ())


def test_an_object_cannot_be_its_own_ancestor() -> None:
    scene = make_scene()
    parent = scene.create("Parent")
    child = scene.create("Child", parent=parent)
    with pytest.raises(ValueError, match=r"'Parent' cannot be its own ancestor"):
        parent.transform.parent = child.transform
