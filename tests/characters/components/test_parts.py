"""A level in a loop of one's own, against the real service process."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from types import ModuleType

import platformdirs
import pytest

from characters.audio.echo import EchoCanceller
from characters.audio.microphone import PortAudioMicrophone
from characters.audio.portaudio import DeviceReport
from characters.audio.sources import SilentSource
from characters.audio.speaker import ClockVoice, DeviceVoice
from characters.client.service_process import ServiceProcess
from characters.components.character import Character
from characters.components.manager import CharacterManager
from characters.components.parts import SoundDevices, open_sound, parts_for
from characters.installation import package_assets
from characters.session.conversation import SessionRecord, SessionState, SessionView, Turn
from characters.session.policy import ReconnectPolicy
from characters.storage.sessions import KeyValueSessionPersistence, MemoryStore
from characters.ui.hud import Hud
from engine.core.data_folder import data_folder
from engine.core.errors import install_command
from engine.objects.registry import ComponentRegistry
from engine.objects.scene import Scene
from engine.prefs.prefs import PlayerPrefs
from engine.scenes.file import SceneFile
from tests.audio.devices import until


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


def run(scene: Scene, until: Callable[[], bool], within: float = 60.0) -> None:
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


def test_a_loop_of_ones_own_reaches_the_stored_sessions_and_the_faults(tmp_path: Path) -> None:
    with blacksmith(tmp_path) as (scene, character):
        (manager,) = scene.find_components(CharacterManager)
        run(scene, lambda: character.is_connected)
        data = manager.session_data
        run(scene, lambda: data.get_session_id("patient-7f3a") == character.view.session_id)
        manager.faults.cut("patient-7f3a")
        run(scene, lambda: not character.is_connected)


def test_a_store_of_ones_own_resumes_the_talk_on_another_machine(
    tmp_path: Path, service_url: str
) -> None:
    store = MemoryStore()

    def play_on(machine: str) -> SessionView:
        with PlayerPrefs.open(tmp_path / machine / "prefs.msgpack") as prefs:
            scene = Scene()
            scene.provide(prefs)
            scene.provide(KeyValueSessionPersistence(store))
            character = scene.create("Blacksmith").add(Character("patient-7f3a"))
            scene.add(CharacterManager(endpoint=service_url, sound=False))
            run(scene, lambda: character.is_connected)
            view = character.view
            scene.close()
            return view

    first, second = play_on("first"), play_on("second")
    assert first.session_id == second.session_id
    assert second.is_resumed_session and not first.is_resumed_session


class OwnPersistence:
    """Keeps sessions without a store of texts."""

    def load(self, key: str) -> SessionRecord | None: ...

    def store(self, key: str, record: SessionRecord) -> None: ...

    def clear(self, key: str) -> None: ...

    def all(self) -> Mapping[str, SessionRecord]:
        return {}


def test_a_persistence_of_ones_own_is_used_whatever_its_class(tmp_path: Path) -> None:
    scene, own = Scene(), OwnPersistence()
    scene.provide(own)
    with closing(parts_for(scene, str(tmp_path), sound=False)) as parts:
        assert parts.runtime.context.persistence is own


def test_a_scene_of_ones_own_is_given_the_devices_to_choose_from(tmp_path: Path) -> None:
    scene = Scene()
    with closing(parts_for(scene, str(tmp_path), sound=False)) as parts:
        assert scene.get_service(SoundDevices) is parts.devices


def test_a_level_that_a_game_hosts_brings_its_own_personas(tmp_path: Path) -> None:
    assets = tmp_path / "assets"
    (assets / "personas").mkdir(parents=True)
    patient = package_assets() / "personas" / "patient-7f3a.toml"
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


def test_a_level_without_a_file_has_the_personas_beside_the_main_script_and_those_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = ModuleType("__main__")
    main.__file__ = str(tmp_path / "main.py")
    monkeypatch.setitem(sys.modules, "__main__", main)
    (tmp_path / "personas").mkdir()
    patient = package_assets() / "personas" / "patient-7f3a.toml"
    (tmp_path / "personas" / "inga.toml").write_bytes(patient.read_bytes())
    scene = Scene()
    scene.add(CharacterManager(data_folder=str(tmp_path / "data"), sound=False))
    own = scene.add(Character("inga-1", persona="personas/inga.toml"))
    other, missing = scene.add(Character("nurse-21c4")), scene.add(Character("nobody"))
    with closing(scene):
        run(scene, lambda: own.is_connected and other.is_connected)
        run(scene, lambda: missing.state is SessionState.ERROR)
        error = missing.view.error
        assert error is not None and error.code == "connection.persona_not_found"
        assert f"no persona file {tmp_path.resolve() / 'personas' / 'nobody.toml'}" in error.message


def games_in(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_, **__: home)


def level_of(game: str) -> tuple[Scene, Character, CharacterManager]:
    scene = Scene()
    manager = scene.add(CharacterManager(game=game, sound=False))
    return scene, scene.add(Character("patient-7f3a")), manager


def test_two_games_at_once_both_play_and_share_no_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    games_in(tmp_path, monkeypatch)
    (one, first, _), (other, second, _) = level_of("Salt"), level_of("Pepper")
    with closing(one), closing(other):
        run(one, lambda: first.is_connected)
        run(other, lambda: second.is_connected)
        assert first.view.session_id != second.view.session_id
    later, third, manager = level_of("Pepper")
    with closing(later):
        run(later, lambda: third.is_connected)
        assert third.view.session_id == second.view.session_id
        assert manager.session_data.get_session_id("patient-7f3a") == second.view.session_id


def test_a_second_process_of_a_game_says_so_once_and_keeps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    games_in(tmp_path, monkeypatch)
    prefs = data_folder("Salt") / "prefs.msgpack"
    with PlayerPrefs.open(prefs) as held:
        held.set_string("name", "Ada", durable=True)
        before = prefs.read_bytes()
        scene, character, _ = level_of("Salt")
        hud = scene.add(Hud())
        with closing(scene):
            run(scene, lambda: "open in another window already" in (hud.state.notice or ""))
            run(scene, lambda: character.is_connected)
            hud.state.notice = None
            scene.update(1 / 60)
            assert hud.state.notice is None
            run(scene, lambda: character.is_connected)
        assert prefs.read_bytes() == before
    assert not (prefs.parent / "service").exists()
    assert not [record for record in caplog.records if record.exc_info]


def test_a_level_may_be_given_another_manager_after_the_first_one_is_gone(tmp_path: Path) -> None:
    scene = Scene()
    with closing(scene):
        for _ in range(2):
            manager = scene.add(CharacterManager(data_folder=str(tmp_path), sound=False))
            scene.update(1 / 60)
            assert not scene.get_service(PlayerPrefs).is_closed
            manager.game_object.destroy()
            scene.update(1 / 60)


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
        crash(parts.runtime.service)
        run(scene, lambda: not character.is_connected)
        run(scene, lambda: character.is_connected)
        assert character.view.session_id == session_id


def crash(service: ServiceProcess | None) -> None:
    assert service is not None and service.pid is not None
    os.kill(service.pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)


def test_a_game_hears_and_speaks_through_portaudio_by_default() -> None:
    sound = open_sound()
    assert isinstance(sound.microphone(), PortAudioMicrophone)
    assert isinstance(sound.voice, DeviceVoice)


def test_echo_is_cancelled_where_its_package_is_installed() -> None:
    pytest.importorskip("livekit", reason="the extra `echo` is not installed")
    assert isinstance(open_sound().echo, EchoCanceller)


def test_a_game_without_sound_opens_no_device_and_keeps_time() -> None:
    sound = open_sound(devices=False)
    assert isinstance(sound.microphone(), SilentSource)
    assert type(sound.voice) is ClockVoice and sound.echo is None
    assert looked(sound.devices).problem == (
        "This game runs without sound. Typing and captions work."
    )


def looked(devices: SoundDevices) -> DeviceReport:
    """Return what a search finds."""
    devices.look()
    until(lambda: not devices.is_looking, 10, "the search is over")
    return devices.report


def test_devices_are_looked_for_on_a_thread_with_a_name_and_one_at_a_time() -> None:
    names, go_on = list[str](), threading.Event()

    def find() -> DeviceReport:
        names.append(threading.current_thread().name)
        go_on.wait(10)
        return DeviceReport(problem=str(len(names)))

    devices = SoundDevices(find)
    for _ in range(3):
        devices.look()
    assert devices.is_looking and devices.report == DeviceReport()
    go_on.set()
    until(lambda: not devices.is_looking, 5, "the search is over")
    assert (names, devices.report.problem) == (["list sound devices"], "1")
    assert looked(devices).problem == "2"


def test_a_search_that_fails_is_a_sentence() -> None:
    def fail() -> DeviceReport:
        raise ValueError("no JSON")

    assert looked(SoundDevices(fail)).problem == (
        "The sound devices could not be listed. Typing and captions work."
    )


def test_without_pyaudio_a_sentence_says_how_to_add_the_microphone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "characters.audio.microphone", None)  # its import fails
    sound = open_sound()
    for part in (sound.microphone(), looked(sound.devices)):
        assert part.problem is not None and install_command("mic") in part.problem
    assert isinstance(sound.voice, DeviceVoice) and sound.voice.problem is None


def test_a_machine_without_the_extra_hears_its_own_loudspeakers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "livekit", None)
    assert open_sound().echo is None
