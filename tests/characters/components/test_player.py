from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from characters.components.faults import Faults
from characters.components.player import Door, FaultKeys, NextVisitor, Player, SpawnPoint, find_path
from characters.session.conversation import SessionState
from engine.objects.physics import Box, BoxCollider
from engine.objects.scene import Scene
from engine.prefs.prefs import PlayerPrefs
from engine.scenes.manager import SceneManager
from tests.characters.components.fakes import FakeService, Level


def player_in(level: Level, position: tuple[float, float] = (300.0, 300.0)) -> Player:
    player = level.scene.create("Player", position).add(Player())
    level.frame()
    return player


def hold(level: Level, key: str, frames: int) -> None:
    level.scene.input.press(key)
    level.frame(frames)
    level.scene.input.release(key)


@pytest.mark.parametrize(
    ("key", "way"), [("d", (1, 0)), ("left", (-1, 0)), ("w", (0, -1)), ("down", (0, 1))]
)
def test_keys_move_the_player_and_turn_it(key: str, way: tuple[int, int]) -> None:
    level = Level()
    player = player_in(level)
    hold(level, key, 60)
    x, y = player.transform.position
    assert (round(x - 300), round(y - 300)) == (190 * way[0], 190 * way[1])
    assert player.facing == way


def test_a_wall_stops_the_player() -> None:
    level = Level()
    level.scene.create("Wall", (400, 300)).add(BoxCollider(size=(20, 200)))
    player = player_in(level)
    hold(level, "d", 120)
    assert player.transform.position[0] == pytest.approx(400 - 10 - 13)


def test_the_player_stays_in_the_level() -> None:
    level = Level()
    player = player_in(level)
    hold(level, "a", 200)
    assert player.transform.position[0] == 0.0


def test_somebody_who_types_stands_still() -> None:
    level = Level()
    player = player_in(level)
    level.scene.input.captured = "chat box"
    hold(level, "d", 30)
    assert player.transform.position == (300, 300)


def test_a_walk_to_a_point_goes_around_furniture() -> None:
    level = Level()
    level.scene.create("Desk", (400, 300)).add(BoxCollider(size=(40, 200)))
    player = player_in(level)
    player.walk_to((500.0, 300.0))
    level.frame(400)
    assert not player.is_walking
    assert player.transform.position == pytest.approx((500, 300), abs=4)


def test_the_players_own_move_ends_a_walk() -> None:
    level = Level()
    player = player_in(level)
    player.walk_to((500.0, 300.0))
    hold(level, "a", 2)
    assert not player.is_walking


def test_the_player_comes_in_at_the_spawn_point_of_the_door() -> None:
    level = Level()
    level.scene.create("Spot", (700, 400)).add(SpawnPoint("from lobby"))
    level.scene.spawn = "from lobby"
    assert player_in(level).transform.position == (700, 400)


def test_a_typed_line_goes_to_the_one_who_listens() -> None:
    level = Level()
    level.character("nurse", (340, 300))
    player = player_in(level)
    level.frame()
    assert player.say("  Hello.  ")
    assert level.session("nurse").commands[-1] == "text Hello."


def test_a_line_to_nobody_is_refused_with_a_sentence() -> None:
    level = Level()
    player = player_in(level)
    notices: list[str] = []
    player.notices.subscribe(notices.append)
    assert not player.say("Hello?")
    assert "near" in notices[0]


def test_an_empty_line_is_no_line() -> None:
    level = Level()
    level.character("nurse", (340, 300))
    assert not player_in(level).say("   ")


def test_the_talk_key_opens_the_microphone_while_it_is_held() -> None:
    level = Level()
    player_in(level)
    hold(level, "t", 2)
    level.frame()
    assert level.runtime.voice_input.allowed
    assert level.runtime.voice_input.keys == [True, False]


def test_opening_a_menu_lets_go_of_the_talk_key() -> None:
    level = Level()
    player_in(level)
    level.scene.input.press("t")
    level.frame()
    level.scene.input.captured = "menu"
    level.frame()
    assert level.runtime.voice_input.keys == [True, False]


def test_mute_is_kept_over_restarts(tmp_path: Path) -> None:
    with PlayerPrefs.open(tmp_path / "prefs.msgpack") as prefs:
        level = Level(prefs=prefs)
        player_in(level)
        hold(level, "m", 1)
        assert level.runtime.voice_input.muted
        later = Level(prefs=prefs)
        player_in(later)
        assert later.runtime.voice_input.muted


@pytest.mark.parametrize("wrong", [{"speed": -1.0}, {"size": (0.0, 14.0)}, {"size": (26.0, -1.0)}])
def test_a_player_that_no_level_can_hold_is_refused_by_the_field(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be"):
        Player(**wrong)


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


def test_a_door_of_a_scene_without_levels_says_what_to_write() -> None:
    door = Scene().create("Gate").add(Door("garden"))
    with pytest.raises(LookupError, match=r"The door 'Gate' leads to 'garden', .*Application\("):
        door.open()


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


S = SessionState


def lobby() -> Level:
    level = Level()
    level.character("kiosk", (50, 0)).game_object.add(NextVisitor())
    level.manager.listen_from((0.0, 0.0), (1.0, 0.0))
    level.frame(2)
    level.session("kiosk").becomes(S.CONNECTED)
    level.session("kiosk").commands.clear()
    return level


def press(level: Level) -> None:
    level.scene.input.press("n")
    level.frame()
    level.scene.input.release("n")


def test_the_next_visitor_finds_nothing_of_the_last() -> None:
    level = lobby()
    press(level)
    assert level.session("kiosk").commands == ["forget"]
    level.session("kiosk").becomes(S.DISCONNECTED)
    level.frame(2)
    assert level.session("kiosk").commands == ["forget", "connect"]


def test_the_key_does_nothing_while_somebody_types() -> None:
    level = lobby()
    level.scene.input.captured = "chat box"
    press(level)
    assert level.session("kiosk").commands == []


def test_the_key_does_nothing_far_from_the_kiosk() -> None:
    level = lobby()
    level.character("nurse", (400, 0))
    level.manager.listen_from((400.0, 0.0), (1.0, 0.0))
    level.frame(30)
    press(level)
    assert level.session("kiosk").commands == []


def stricken(service: FakeService | None = None) -> Level:
    level = Level()
    level.scene.provide(Faults(level.runtime, service), Faults)  # type: ignore[arg-type]  # a fake
    level.scene.add(FaultKeys())
    level.character("nurse", (50, 0))
    level.character("patient", (500, 0))
    level.manager.listen_from((0.0, 0.0), (1.0, 0.0))
    level.frame(2)
    for key in ("nurse", "patient"):
        level.session(key).commands.clear()
    return level


def press_fault_keys(level: Level, key: str) -> None:
    level.scene.input.press(key)
    level.frame()
    level.scene.input.release(key)


def test_f5_cuts_the_line_of_the_one_who_listens() -> None:
    level = stricken()
    press_fault_keys(level, "f5")
    assert level.session("nurse").commands == ["cut"]
    assert level.session("patient").commands == []


def test_f6_opens_a_black_hole_and_then_heals_it() -> None:
    level = stricken()
    press_fault_keys(level, "f6")
    press_fault_keys(level, "f6")
    assert level.session("nurse").commands == ["weather black hole", "weather calm"]


def test_f6_opens_another_black_hole_after_the_panel_healed_the_first() -> None:
    level = stricken()
    press_fault_keys(level, "f6")
    level.scene.get_service(Faults).heal("nurse")
    press_fault_keys(level, "f6")
    assert level.session("nurse").commands[-2:] == ["weather calm", "weather black hole"]


def test_f6_forgets_the_black_hole_of_a_session_that_is_gone() -> None:
    level = stricken()
    press_fault_keys(level, "f6")
    level.runtime.close_session("nurse")
    level.manager.talk_to(level.manager.characters[1])
    press_fault_keys(level, "f6")
    assert level.session("patient").commands[-1:] == ["weather black hole"]


def test_f7_and_f8_kill_and_start_the_service() -> None:
    service = FakeService()
    level = stricken(service)
    press_fault_keys(level, "f7")
    service.settled.wait(5)
    assert not service.is_running
    service.settled.clear()
    press_fault_keys(level, "f8")
    service.settled.wait(5)
    assert service.is_running


@pytest.mark.parametrize("key", ["f5", "f6", "f7", "f8"])
def test_the_keys_rest_while_somebody_types(key: str) -> None:
    level = stricken(FakeService())
    level.scene.input.captured = "chat box"
    press_fault_keys(level, key)
    assert level.session("nurse").commands == []


@pytest.mark.parametrize("key", ["f7", "f8"])
def test_a_remote_service_is_left_alone(key: str) -> None:
    errors: list[object] = []
    level = stricken()
    level.scene.on_error.subscribe(errors.append)
    press_fault_keys(level, key)
    assert errors == []


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
