from __future__ import annotations

from pathlib import Path

import pytest

from characters.components.scene_checks import LOCAL_ROOM_TTL_SECONDS
from characters.service.rooms import Limits
from tests.characters.components.levels import problems_of, write_level

CHARACTER = '[[object]]\nname = "Ann"\n[object.Character]\ncharacter_id = "ann-1"\n'
DOOR = '[[object]]\nname = "Out"\n[object.Door]\n'


def test_the_longest_room_time_is_that_of_the_service() -> None:
    assert Limits().max_room_ttl == LOCAL_ROOM_TTL_SECONDS


def test_a_room_cannot_be_kept_longer_than_the_service_does(tmp_path: Path) -> None:
    text = CHARACTER + "reconnect_policy.room_rejoin_ttl_seconds = 7200\n"
    found = problems_of(write_level(tmp_path, text))
    assert len(found) == 1
    assert found[0].startswith(
        '9:44: object "Ann": Character.reconnect_policy.room_rejoin_ttl_seconds: is 7200, but'
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            'connect = "when_resumable"\nreconnect_policy = "always_create_new"\n',
            '9:11: object "Ann": Character.connect: waits for a conversation to resume',
        ),
        (
            'level_policy = "drop"\nreconnect_policy = { resume_policy = "always_resume" }\n',
            '9:16: object "Ann": Character.level_policy: forgets the conversation',
        ),
    ],
)
def test_a_contradiction_is_named(text: str, words: str, tmp_path: Path) -> None:
    found = problems_of(write_level(tmp_path, CHARACTER + text))
    assert len(found) == 1
    assert found[0].startswith(words)


@pytest.mark.parametrize("endpoint", ["locale", "live.convai.com", "ftp://x"])
def test_an_endpoint_is_local_or_an_address(endpoint: str, tmp_path: Path) -> None:
    found = problems_of(write_level(tmp_path, f'endpoint = "{endpoint}"\n'))
    assert found[0].startswith('5:12: object "Manager": CharacterManager.endpoint: must be "local"')


def test_a_door_to_nowhere_names_the_level_that_was_meant(tmp_path: Path) -> None:
    write_level(tmp_path, "", "lobby")
    found = problems_of(write_level(tmp_path, DOOR + 'target = "loby"\n'))
    assert found == [
        '8:10: object "Out": Door.target: there is no level of that name (got "loby"). Try: lobby'
    ]


def test_a_door_to_a_level_with_a_map_may_name_a_spawn_point_of_the_map(tmp_path: Path) -> None:
    level = write_level(tmp_path, "", "lobby")
    level.write_text('[scene]\nname = "Lobby"\ntiled = "maps/lobby.tmx"\n')
    text = DOOR + 'target = "lobby"\nspawn = "drawn in Tiled"\n[object.Lmap]\n'
    assert len(problems_of(write_level(tmp_path, text))) == 1


def test_a_door_to_a_spawn_point_that_is_not_there_names_the_one_that_is(tmp_path: Path) -> None:
    spawn = '[[object]]\nname = "In"\n[object.SpawnPoint]\nlabel = "from hall"\n'
    write_level(tmp_path, spawn, "lobby")
    text = DOOR + 'target = "lobby"\nspawn = "from hal"\n'
    found = problems_of(write_level(tmp_path, text))
    assert found == [
        '9:9: object "Out": Door.spawn: level "lobby" has no spawn point of that name '
        '(got "from hal"). Try: from hall'
    ]


def test_a_level_that_cannot_be_read_is_not_the_doors_mistake(tmp_path: Path) -> None:
    write_level(tmp_path, "[broken\n", "lobby")
    text = DOOR + 'target = "lobby"\nspawn = "x"\n[object.Lmap]\n'
    assert len(problems_of(write_level(tmp_path, text))) == 1
