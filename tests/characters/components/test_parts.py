"""The example of the README, in a loop of one's own, against the real service process."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from characters.components import Character, CharacterManager, parts_for
from characters.components.parts import PACKAGE_ASSETS
from characters.components.sound import SoundDevices
from characters.core.policy import ReconnectPolicy
from characters.core.state import SessionState
from characters.core.transcript import Turn
from characters.runtime import ServiceProcess
from engine.prefs import PlayerPrefs
from engine.registry import ComponentRegistry
from engine.scene import Scene
from engine.scene_file import SceneFile


@contextmanager
def blacksmith(folder: Path) -> Iterator[tuple[Scene, Character]]:
    """Yield the level of the example; its data stays in `folder`."""
    with PlayerPrefs.open(folder / "prefs.msgpack") as prefs:
        scene = Scene()
        scene.provide(prefs)
        npc = scene.create("Blacksmith", position=(320, 200))
        policy = ReconnectPolicy(max_reconnect_attempts=5)
        character = npc.add(Character("patient-7f3a", reconnect_policy=policy))
        scene.add(CharacterManager(endpoint="local", data_folder=str(folder), sound=False))
        try:
            yield scene, character
        finally:
            scene.close()


def run(scene: Scene, until: Callable[[], bool], within: float = 20.0) -> None:
    ends_at = time.monotonic() + within
    while not until():
        assert time.monotonic() < ends_at, "the time is up"
        scene.update(1 / 60)
        threading.Event().wait(0.005)


def test_five_lines_are_enough_for_a_talk(tmp_path: Path) -> None:
    with blacksmith(tmp_path) as (scene, character):
        run(scene, lambda: character.is_connected)
        character.session.send_text("My name is Ada.")
        run(scene, lambda: any("Ada" in t.text for t in lines_of(character)))


def test_a_scene_of_ones_own_is_given_the_devices_to_choose_from(tmp_path: Path) -> None:
    scene = Scene()
    with closing(parts_for(scene, str(tmp_path), sound=False)) as parts:
        assert scene.get_service(SoundDevices) is parts.devices


def test_a_level_that_a_game_hosts_brings_its_own_personas(tmp_path: Path) -> None:
    assets = tmp_path / "assets"
    (assets / "personas").mkdir(parents=True)
    patient = PACKAGE_ASSETS / "personas" / "patient-7f3a.toml"
    (assets / "personas" / "smith-1.toml").write_bytes(patient.read_bytes())
    file = assets / "level.toml"
    file.write_text(
        '[scene]\n[[object]]\nname = "Smith"\n[object.Character]\ncharacter_id = "smith-1"\n'
    )
    scene = Scene()
    SceneFile.read(file, ComponentRegistry(Character)).build(scene)
    scene.add(CharacterManager(data_folder=str(tmp_path), sound=False))
    character = scene.find_components(Character)[0]
    with closing(scene):
        run(scene, lambda: character.is_connected)


def lines_of(character: Character) -> list[Turn]:
    return [turn for turn in character.view.transcript if turn.speaker == "character"]


def test_a_manager_that_built_its_own_runtime_ends_it_with_the_level(tmp_path: Path) -> None:
    with blacksmith(tmp_path) as (scene, character):
        run(scene, lambda: character.is_connected)
        (manager,) = scene.find_components(CharacterManager)
        runtime = manager.runtime
    assert not runtime.is_running
    assert character.view.state is SessionState.DISCONNECTED


def test_a_service_that_crashes_is_started_again_and_the_talk_goes_on(tmp_path: Path) -> None:
    scene = Scene()
    parts = parts_for(scene, str(tmp_path), sound=False)
    scene.provide(parts.runtime)
    scene.add(CharacterManager())
    character = scene.add(Character("patient-7f3a"))
    with closing(parts), closing(scene):
        run(scene, lambda: character.is_connected)
        session_id = character.view.session_id
        crash(parts.service)
        run(scene, lambda: not character.is_connected)
        run(scene, lambda: character.is_connected)
        assert character.view.session_id == session_id


def crash(service: ServiceProcess | None) -> None:
    assert service is not None and service.pid is not None
    os.kill(service.pid, signal.SIGKILL)
