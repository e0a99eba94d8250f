from __future__ import annotations

import math

from characters.components.pathfinding import find_path
from engine.physics import Box

LEVEL = (960.0, 600.0)
FEET = (26.0, 14.0)


def path_around(
    start: tuple[float, float], goal: tuple[float, float], *walls: Box
) -> list[tuple[float, float]]:
    return find_path(start, goal, FEET, walls, LEVEL)


def test_an_open_floor_is_crossed_to_the_very_point() -> None:
    assert path_around((100, 300), (500, 303))[-1] == (500, 303)


def test_a_wall_is_walked_around() -> None:
    wall = Box(300, 300, 40, 400)
    path = path_around((100, 300), (500, 300), wall)
    assert path[-1] == (500, 300)
    assert not any(Box(300, 300, 66, 414).contains(point) for point in path)


def test_inside_furniture_one_comes_as_near_as_can_be() -> None:
    path = path_around((100, 300), (300, 300), Box(300, 300, 80, 80))
    assert math.dist(path[-1], (300, 300)) < 80


def test_behind_a_closed_wall_one_stays_on_this_side() -> None:
    path = path_around((100, 300), (900, 300), Box(480, 300, 40, 1200))
    assert path[-1][0] < 480


def test_standing_there_already_is_no_walk_away() -> None:
    assert path_around((100, 300), (101, 301)) == [(101, 301)]
