from __future__ import annotations

from typing import Any, ClassVar

import pytest

from engine.component import Component
from engine.scene import Scene


class Tree(Component):
    """Signs the surface; it is ten pixels wide and thirty high."""

    draw_reach: ClassVar[tuple[float, float, float, float] | None] = (5.0, 30.0, 5.0, 0.0)

    def draw(self, surface: list[str]) -> None:
        surface.append(self.game_object.name)


class Sky(Tree):
    """Is everywhere."""

    draw_reach = None


@pytest.fixture
def scene() -> Scene:
    return Scene(size=(100, 100))


def plant(scene: Scene, name: str, x: float, y: float, kind: type[Component] = Tree) -> Component:
    return scene.create(name, (x, y)).add(kind())


def seen(scene: Scene) -> list[str]:
    surface: list[str] = []
    scene.update(0.01)
    scene.draw(surface)
    return surface


def test_who_is_out_of_the_picture_is_not_called(scene: Scene) -> None:
    for name, x, y in (("here", 50, 50), ("right", 106, 50), ("below", 50, 131), ("left", -6, 50)):
        plant(scene, name, x, y)
    assert seen(scene) == ["here"]


def test_who_reaches_into_the_picture_is_drawn(scene: Scene) -> None:
    for name, x, y in (("right", 104, 50), ("left", -4, 51), ("below", 50, 129)):
        plant(scene, name, x, y)
    assert seen(scene) == ["right", "left", "below"]


def test_who_tells_no_reach_is_always_drawn_and_at_its_depth(scene: Scene) -> None:
    plant(scene, "far", 50, 10)
    plant(scene, "near", 50, 90)
    plant(scene, "sky", -900, 50, Sky)
    assert seen(scene) == ["far", "sky", "near"]


def test_the_camera_brings_others_into_the_picture(scene: Scene) -> None:
    plant(scene, "here", 50, 50)
    plant(scene, "there", 250, 50)
    before = seen(scene)
    scene.camera.x += 200
    assert (before, seen(scene)) == (["here"], ["there"])


@pytest.mark.parametrize("movers", [1, 100])
def test_who_walks_is_drawn_where_it_has_come_to(scene: Scene, movers: int) -> None:
    plant(scene, "bush", 50, 60)
    walkers = [plant(scene, f"walker {n}", 50 + n, 50) for n in range(movers)]
    assert seen(scene)[-1] == "bush"
    for walker in walkers:
        walker.transform.position = (50, 70)
    assert seen(scene)[0] == "bush"
    for walker in walkers:
        walker.transform.position = (500, 70)
    assert seen(scene) == ["bush"]


def test_a_child_comes_into_the_picture_with_its_parent(scene: Scene) -> None:
    parent = scene.create("cart", (500, 50))
    scene.create("load", (0, 0), parent=parent).add(Tree())
    before = seen(scene)
    parent.transform.position = (50, 50)
    assert (before, seen(scene)) == ([], ["load"])


def test_who_comes_and_who_goes_changes_the_next_picture(scene: Scene) -> None:
    first, third = plant(scene, "1", 50, 10), plant(scene, "3", 50, 30)
    seen(scene)
    plant(scene, "2", 50, 20)
    assert seen(scene) == ["1", "2", "3"]
    scene.destroy(first)
    third.enabled = False
    assert seen(scene) == ["2"]
    third.enabled = True
    assert seen(scene) == ["2", "3"]


def test_the_layer_counts_before_the_depth_in_the_picture_too(scene: Scene) -> None:
    plant(scene, "low", 50, 90)
    high = plant(scene, "high", 50, 10)
    plant(scene, "outside", 50, 500)
    seen(scene)
    high.game_object.layer = 1
    assert seen(scene) == ["low", "high"]


def test_a_surface_larger_than_the_cameras_view_shows_more(scene: Scene) -> None:
    class Screen(list[Any]):
        def get_size(self) -> tuple[int, int]:
            return (300, 100)

    plant(scene, "far right", 250, 50)
    surface = Screen()
    scene.update(0.01)
    scene.draw(surface)
    assert surface == ["far right"]


def test_a_place_that_is_no_number_spoils_nobody_elses(scene: Scene) -> None:
    lost = plant(scene, "lost", 50, 50)
    for number in range(5):
        plant(scene, str(number), 50, 10.0 * number)
    lost.transform.position = (float("nan"), float("nan"))
    seen(scene)
    lost.transform.position = (50, 99)
    assert seen(scene) == ["0", "1", "2", "3", "4", "lost"]
