from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.objects.physics import Box, BoxCollider, move_and_slide, solid_boxes
from tests.engine.helpers import make_scene

WALL = Box(100, 0, 20, 200)
SIZE = (10.0, 10.0)
coordinate = st.floats(-500, 500)


def test_a_free_way_is_walked_whole() -> None:
    assert move_and_slide((0, 0), (5, -3), SIZE, [WALL]) == (5, -3)


def test_a_wall_is_touched_and_slid_along() -> None:
    assert move_and_slide((80, 0), (20, 7), SIZE, [WALL]) == (85, 7)


@pytest.mark.parametrize("motion", [(1000.0, 0.0), (50.0, 0.0)])
def test_no_motion_is_long_enough_to_pass_through_a_wall(motion: tuple[float, float]) -> None:
    assert move_and_slide((0, 0), motion, SIZE, [WALL])[0] <= 85


def test_a_mover_at_a_wall_can_walk_along_it_and_away() -> None:
    assert move_and_slide((85, 0), (0, 9), SIZE, [WALL]) == (85, 9)
    assert move_and_slide((85, 0), (-9, 0), SIZE, [WALL]) == (76, 0)


def test_a_mover_inside_a_box_can_walk_out() -> None:
    assert move_and_slide((100, 0), (-30, 0), SIZE, [WALL]) == (70, 0)
    assert move_and_slide((100, 0), (30, 0), SIZE, [WALL]) == (130, 0)


def test_a_corner_stops_both_axes() -> None:
    floor = Box(0, 100, 400, 20)
    assert move_and_slide((80, 80), (20, 20), SIZE, [WALL, floor]) == (85, 85)


@given(coordinate, coordinate, coordinate, coordinate)
def test_a_move_that_starts_outside_never_ends_inside(
    x: float, y: float, dx: float, dy: float
) -> None:
    mover = Box(x, y, *SIZE)
    if mover.overlaps(WALL):
        return
    end = move_and_slide((x, y), (dx, dy), SIZE, [WALL])
    shrunk = Box(*end, SIZE[0] - 1e-6, SIZE[1] - 1e-6)
    assert not shrunk.overlaps(WALL)


def test_touching_boxes_do_not_overlap() -> None:
    assert not Box(0, 0, 10, 10).overlaps(Box(10, 0, 10, 10))
    assert Box(0, 0, 10, 10).overlaps(Box(9, 9, 10, 10))


def test_a_collider_stands_where_its_object_stands() -> None:
    door = make_scene().create("Door", (50, 60)).add(BoxCollider((20, 10), (0, 5)))
    assert door.box == Box(50, 65, 20, 10)
    assert door.contains((60, 70))
    assert not door.contains((61, 70))


def test_zones_own_boxes_and_disabled_ones_are_not_in_the_way() -> None:
    scene = make_scene()
    mine = scene.add(BoxCollider())
    scene.add(BoxCollider(is_trigger=True))
    scene.add(BoxCollider()).enabled = False
    wall = scene.create("Wall", (90, 0)).add(BoxCollider())
    assert solid_boxes(mine.game_object) == [wall.box]


def test_a_zone_notices_what_is_inside() -> None:
    scene = make_scene()
    zone = scene.create("Door", (0, 0)).add(BoxCollider((40, 40), is_trigger=True))
    player = scene.create("Player", (30, 0)).add(BoxCollider((20, 20)))
    assert not zone.overlaps(player)
    scene.update(0.0)
    player.transform.position = (29, 0)
    assert zone.overlaps(player)
