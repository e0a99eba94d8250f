from __future__ import annotations

import pytest

from engine.camera import Camera


def test_the_middle_of_the_view_shows_where_the_camera_looks() -> None:
    camera = Camera(100, 50, (40, 20))
    assert camera.to_screen((100, 50)) == (20, 10)
    assert camera.to_screen((80, 40)) == (0, 0)


def test_to_world_undoes_to_screen() -> None:
    camera = Camera(31.5, -7, (960, 600))
    assert camera.to_world(camera.to_screen((12, 34))) == (12, 34)


@pytest.mark.parametrize(
    ("target", "middle"), [((500, 500), (500, 500)), ((0, 0), (50, 40)), ((999, 999), (950, 960))]
)
def test_following_stops_at_the_edges_of_the_level(
    target: tuple[float, float], middle: tuple[float, float]
) -> None:
    camera = Camera(0, 0, (100, 80))
    camera.follow(target, bounds=(1000, 1000))
    assert (camera.x, camera.y) == middle


def test_a_level_smaller_than_the_view_is_centred() -> None:
    camera = Camera(0, 0, (100, 80))
    camera.follow((0, 0), bounds=(60, 40))
    assert (camera.x, camera.y) == (30, 20)
