"""A level with more people than can be talked to at once, over the real service."""

from __future__ import annotations

from pathlib import Path

from characters.components.character import Character
from tests.bench.crowd_contenders import NEAR, Level


def test_those_whom_the_player_is_near_connect_and_the_others_wait_for_him(
    tmp_path: Path,
) -> None:
    level = Level(tmp_path, people=40)
    try:
        level.wait_for_connections(NEAR)
        for _ in range(20):
            level.frame()
        people = level.scene.find_components(Character)
        connected = [person.character_id for person in people if person.is_connected]
        assert connected == [f"person-{number}" for number in range(NEAR)]
        assert all(not person.view.timeline for person in people[NEAR:])
    finally:
        level.close()
