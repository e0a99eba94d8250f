from __future__ import annotations

import pytest

from tests.engine.helpers import make_scene


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
