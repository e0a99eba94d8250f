from __future__ import annotations

from pathlib import Path

import pytest

from characters.components.checks import LOCAL_ROOM_TTL_SECONDS, SCENE_CHECKS
from characters.service.registry import Limits
from characters.ui.registration import component_registry
from engine.scenes.file import SceneFile
from engine.toml.reader import TomlFileError, TomlSource, read_source
from tests.characters.components.levels import problems_of, write_level

MANAGER = '[[object]]\nname = "Game"\n[object.CharacterManager]\n'


def person(name: str, character: str, more: str = "") -> str:
    return (
        f'[[object]]\nname = "{name}"\n[object.Character]\ncharacter_id = "{character}"\n{more}\n'
    )


def read(folder: Path, *objects: str) -> SceneFile:
    registry = component_registry()
    path = folder / "level.toml"
    path.write_text('[scene]\nname = "Level"\n' + "".join(objects), encoding="utf-8")
    return SceneFile.read(path, registry, SCENE_CHECKS)


def complaints(folder: Path, *objects: str) -> list[str]:
    with pytest.raises(TomlFileError) as caught:
        read(folder, *objects)
    return [str(problem) for problem in caught.value.problems]


def test_two_of_one_id_are_both_named_with_their_places(tmp_path: Path) -> None:
    (found,) = complaints(tmp_path, MANAGER, person("Anna", "n-1"), person("Berta", "n-1"))
    assert 'object "Berta"' in found
    assert '"Anna"' in found
    assert "level.toml:9:" in found


def test_a_session_key_of_its_own_makes_a_clone_legal(tmp_path: Path) -> None:
    clone = person("Berta", "n-1", 'session_key = "n-1-b"')
    assert read(tmp_path, MANAGER, person("Anna", "n-1"), clone)


def test_characters_need_a_manager(tmp_path: Path) -> None:
    (found,) = complaints(tmp_path, person("Anna", "n-1"))
    assert "CharacterManager" in found


def test_a_second_manager_is_one_too_many(tmp_path: Path) -> None:
    (found,) = complaints(tmp_path, MANAGER, MANAGER.replace("Game", "Other"))
    assert "'Game'" in found


def test_a_preset_with_an_override_is_a_policy(tmp_path: Path) -> None:
    line = 'reconnect_policy = { preset = "patient", auto_mic_start_delay_seconds = 2.0 }'
    file = read(tmp_path, MANAGER, person("Anna", "n-1", line))
    values = file.objects[1].components["Character"].values
    assert values is not None
    policy = values["reconnect_policy"]
    assert (policy.max_reconnect_attempts, policy.auto_mic_start_delay_seconds) == (None, 2.0)


def character(name: str, character_id: str) -> str:
    return f'[[object]]\nname = "{name}"\n[object.Character]\ncharacter_id = "{character_id}"\n'


@pytest.mark.parametrize(
    ("character_id", "words"),
    [
        ("patient\u200b-7f3a", "holds a character that cannot be seen (zero width space)"),
        ("patient\u00ad-7f3a", "cannot be seen (soft hyphen)"),
        ("patient\u202e-7f3a", "cannot be seen (right-to-left override)"),
        ("patient\u00a0one", "holds an unusual blank (no-break space)"),
        ("patient-7f3a ", "begins or ends with a blank"),
        ("p\u0430tient", 'holds a cyrillic small letter a, which looks like "a"'),
        ("patient\u20117f3a", 'holds a non-breaking hyphen, which looks like "-"'),
        ("patient-\uff17", 'holds a fullwidth digit seven, which looks like "7"'),
    ],
)
def test_an_id_that_is_not_what_it_seems_is_refused(
    character_id: str, words: str, tmp_path: Path
) -> None:
    found = problems_of(write_level(tmp_path, character("Ann", character_id)))
    assert len(found) == 1
    assert found[0].startswith('8:16: object "Ann": Character.character_id: ')
    assert words in found[0]


def test_the_id_that_was_meant_is_proposed(tmp_path: Path) -> None:
    found = problems_of(write_level(tmp_path, character("Ann", "p\u0430tient\u200b\u20117")))
    assert found[0].endswith('Try: "patient-7"')


def test_a_word_of_another_alphabet_is_no_mistake(tmp_path: Path) -> None:
    text = character("Ann", "\u043f\u0430\u0446\u0438\u0435\u043d\u0442") + "[object.Lmap]\n"
    assert len(problems_of(write_level(tmp_path, text))) == 1


def test_two_ids_that_look_the_same_are_refused(tmp_path: Path) -> None:
    text = character("Ann", "room-10") + character("Bob", "room-lO")
    found = problems_of(write_level(tmp_path, text))
    assert len(found) == 1
    assert 'object "Bob": Character.character_id: looks like that of object "Ann"' in found[0]


def test_two_characters_of_one_id_are_named_with_both_places(tmp_path: Path) -> None:
    path = write_level(tmp_path, character("Ann", "x-1") + character("Bob", "x-1"))
    found = problems_of(path)
    assert len(found) == 1
    assert found[0].startswith('12:16: object "Bob": Character.character_id: ')
    assert 'object "Ann"' in found[0]
    assert "8:16" in found[0]


def test_a_session_key_makes_a_clone(tmp_path: Path) -> None:
    clone = character("Bob", "x-1") + 'session_key = "x-1 again"\n'
    text = character("Ann", "x-1") + clone + "[object.Lmap]\n"
    assert len(problems_of(write_level(tmp_path, text))) == 1


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


def test_a_trigger_has_somebody_to_tell(tmp_path: Path) -> None:
    mat = '[[object]]\nname = "Mat"\n[object.Trigger]\nevent = "bell"\n'
    assert any("nobody to tell" in it for it in complaints(tmp_path, mat))
    named = mat + 'character = "Bram"\n'
    assert not any("nobody" in it for it in complaints(tmp_path, person("Bram", "b"), named))


def with_persona(folder: Path) -> None:
    path = folder / "personas" / "n-1.toml"
    path.parent.mkdir()
    path.write_text(
        '[[event]]\nname = "storm"\nlines = ["Oh."]\ndo = [{ name = "Point" }]\n'
        '[small_talk]\nhello = { lines = ["Hi."], do = [{ name = "Shake hands" }] }\n',
        encoding="utf-8",
    )


def test_an_event_that_the_persona_has_no_line_for_is_told_with_what_was_meant(
    tmp_path: Path,
) -> None:
    with_persona(tmp_path)
    anna = person("Anna", "n-1", '[object.Trigger]\nevent = "strom"')
    (found,) = complaints(tmp_path, MANAGER, anna)
    assert "event: is no [[event]] of the persona" in found and "storm" in found
    assert read(tmp_path, MANAGER, anna.replace("strom", "storm"))
    assert read(tmp_path, MANAGER, anna + 'message = "A storm."\n')
    elsewhere = '[[object]]\nname = "Bell"\n[object.Trigger]\ncharacter = "Anna"\nevent = "bell"\n'
    assert len(complaints(tmp_path, MANAGER, person("Anna", "n-1"), elsewhere)) == 1
    assert read(tmp_path, MANAGER, person("Anna", "n-2"), elsewhere)  # of which nothing is known


@pytest.mark.parametrize(
    ("key", "hint"), [("spacebar", "space"), ("N", "n"), ("entr", "enter"), ("Return", "return")]
)
def test_a_key_that_no_keyboard_has_is_told(key: str, hint: str, tmp_path: Path) -> None:
    anna = person("Anna", "n-1", f'[object.NextVisitor]\nkey = "{key}"')
    (found,) = complaints(tmp_path, MANAGER, anna)
    assert "NextVisitor.key: is no name of a key" in found
    assert hint in found.partition("Try: ")[2].split(" or ")
    for right in ("", "n", "f5", "space", "pad 0", "left shift"):
        assert read(tmp_path, MANAGER, anna.replace(f'"{key}"', f'"{right}"'))


def test_a_persona_of_this_package_is_known_by_its_file_and_by_its_id(tmp_path: Path) -> None:
    porter = 'persona = "personas/porter-3e8f.toml"'
    assert read(tmp_path, MANAGER, person("Anna", "n-1", porter))
    bell = '[object.Trigger]\nevent = "bell"'
    (found,) = complaints(tmp_path, MANAGER, person("Bram", "porter-3e8f", bell))
    assert "is no [[event]] of the persona" in found
    (found,) = complaints(tmp_path, MANAGER, person("Anna", "n-1", porter.replace("por", "pro")))
    assert "Try: personas/porter-3e8f.toml" in found


@pytest.mark.parametrize(
    "persona",
    [
        "event = 5", 'event = "xy"', 'event = ["a", 1]', "[event]\na = 1", "[[event]]\nname = 5",
        '[[event]]\nname = ["q"]', "[[event]]\n", "do = [[1], 2]", "do = 5",
    ],
)  # fmt: skip
def test_what_makes_no_sense_in_a_persona_is_no_mistake_of_the_level(
    persona: str, tmp_path: Path
) -> None:
    folder = tmp_path / "assets" / "personas"
    folder.mkdir(parents=True)
    (folder / "n-1.toml").write_text(persona)
    anna = person("Anna", "n-1", 'actions = ["Point"]\n[object.Trigger]\nevent = "storm"')
    (found,) = problems_of(write_level(tmp_path, anna))
    assert "event: is no [[event]] of the persona" in found


def test_a_label_that_makes_no_sense_is_no_mistake_of_the_door_to_it(tmp_path: Path) -> None:
    points = "".join(
        f'[[object]]\nname = "{n}"\n[object.SpawnPoint]\nlabel = {label}\n'
        for n, label in enumerate(("5", "[1]", '"from hall"'))
    )
    write_level(tmp_path, points, "lobby")
    (found,) = problems_of(write_level(tmp_path, DOOR + 'target = "lobby"\nspawn = "x"\n'))
    assert "has no spawn point of that name" in found


def test_an_action_that_the_persona_spells_otherwise_is_told(tmp_path: Path) -> None:
    with_persona(tmp_path)
    (found,) = complaints(
        tmp_path, MANAGER, person("Anna", "n-1", 'actions = ["point", "Shake hands", "Dance"]')
    )
    assert "is spelt otherwise by the persona" in found and '"Point"' in found
    assert read(tmp_path, MANAGER, person("Anna", "n-1", 'actions = ["Point", "Pint"]'))


def test_a_check_of_a_level_reads_a_persona_once_for_all_of_its_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_persona(tmp_path)
    read_files: list[str] = []

    def counted(path: Path) -> TomlSource:
        read_files.append(path.name)
        return read_source(path)

    monkeypatch.setattr("characters.components.checks.read_source", counted)
    bell = '[object.Trigger]\nevent = "storm"\n'
    people = [
        person(f"Anna {n}", "n-1", f'session_key = "k{n}"\nactions = ["Point"]\n{bell}')
        for n in range(30)
    ]
    assert read(tmp_path, MANAGER, *people)
    assert read_files.count("n-1.toml") == 2  # once for each of the two checks
