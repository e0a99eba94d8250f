from __future__ import annotations

from characters.components import Door, Player
from engine.scene import Scene
from engine.scene_manager import SceneManager


class House:
    """A level with a door at (500, 300), and a player."""

    def __init__(self, player_at: tuple[float, float]) -> None:
        self.scene = Scene("House")
        self.manager = SceneManager(lambda name: Scene(name))
        self.scene.provide(self.manager)
        self.scene.create("Door", (500, 300)).add(Door("garden", "gate", size=(40, 40)))
        self.player = self.scene.create("Player", player_at).add(Player())

    def stand(self, x: float, y: float) -> None:
        self.player.transform.position = (x, y)
        self.scene.update(1 / 60)

    @property
    def asked_for(self) -> tuple[str, str | None] | None:
        load = self.manager.loading
        return None if load is None else (load.name, load.spawn)


def test_walking_into_a_door_asks_for_the_level_behind_it() -> None:
    house = House((400, 300))
    house.stand(400, 300)
    assert house.asked_for is None
    house.stand(500, 300)
    assert house.asked_for == ("garden", "gate")


def test_a_door_asks_once() -> None:
    house = House((400, 300))
    house.stand(400, 300)
    for x in (490, 500, 510):
        house.stand(x, 300)
    assert len(house.manager._asked) == 1


def test_who_comes_out_of_a_door_does_not_go_back_at_once() -> None:
    house = House((500, 300))
    house.stand(500, 300)
    house.stand(505, 300)
    assert house.asked_for is None
    house.stand(400, 300)
    house.stand(500, 300)
    assert house.asked_for is not None
