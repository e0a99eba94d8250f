from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from characters.components import Player, SpawnPoint
from engine.physics import BoxCollider
from engine.prefs import PlayerPrefs
from tests.characters.components.fakes import Level


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
    assert level.session("nurse").told[-1] == "text Hello."


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
    assert level.runtime.ears.allowed
    assert level.runtime.ears.keys == [True, False]


def test_opening_a_menu_lets_go_of_the_talk_key() -> None:
    level = Level()
    player_in(level)
    level.scene.input.press("t")
    level.frame()
    level.scene.input.captured = "menu"
    level.frame()
    assert level.runtime.ears.keys == [True, False]


def test_mute_is_kept_over_restarts(tmp_path: Path) -> None:
    with PlayerPrefs.open(tmp_path / "prefs.msgpack") as prefs:
        level = Level(prefs=prefs)
        player_in(level)
        hold(level, "m", 1)
        assert level.runtime.ears.muted
        later = Level(prefs=prefs)
        player_in(later)
        assert later.runtime.ears.muted


@pytest.mark.parametrize("wrong", [{"speed": -1.0}, {"size": (0.0, 14.0)}, {"size": (26.0, -1.0)}])
def test_a_player_that_no_level_can_hold_is_refused_by_the_field(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be"):
        Player(**wrong)
