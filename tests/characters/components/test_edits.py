"""What an edit of the level's file does to an open session: the real runtime, a host in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from characters.client.runtime import Runtime, RuntimeBuilder
from characters.commands.scenes import project_registry
from characters.components.character import Character
from characters.components.checks import SCENE_CHECKS
from characters.components.manager import CharacterManager
from characters.components.player import Player
from characters.protocol.messages import ClientMessage, ContextUpdate, UpdateTemplateKeys
from characters.session.conversation import ResumeOutcome, SessionState
from engine.app.hot_reload import HotReload
from engine.objects.objects import Component
from engine.scenes.build import BuiltScene
from engine.scenes.file import SceneFile
from tests.imports import ROOT
from tests.memory_transport import MemoryHost

DEADLINE = 60.0
S = SessionState
LEVEL = """
[scene]
name = "Ward"

[[object]]
name = "Game"
[object.CharacterManager]

[[object]]
name = "You"
[object.Player]
name = "Ada"

[[object]]
name = "Nurse"
[object.Character]
character_id = "nurse"
persona = "personas/one.toml"
actions = ["wave"]
[object.Diary]
[object.SessionEventRelay]
on_state_changed = "Diary.write"
"""


class Diary(Component):
    """Notes what a relay tells."""

    _lines: list[object] | None = None

    @property
    def lines(self) -> list[object]:
        return self._lines or []

    def write(self, event: object) -> None:
        """Note an event."""
        self._lines = [*self.lines, event]

    def cross_out(self, event: object) -> None:
        """Do nothing with an event."""


class Ward:
    """A level that runs before hosts in memory, one for each address."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "assets" / "scenes" / "ward.toml"
        for name in ("one", "two"):
            persona = folder / "assets" / "personas" / f"{name}.toml"
            persona.parent.mkdir(parents=True, exist_ok=True)
            persona.write_text("")
        self.path.parent.mkdir()
        self.path.write_text(LEVEL, encoding="utf-8")
        self.hosts: dict[str, MemoryHost] = {}
        self.runtime = self._runtime()
        registry = project_registry()
        registry.register(Diary)
        file = SceneFile.read(self.path, registry, SCENE_CHECKS)
        self.scene = file.new_scene(dispatcher=self.runtime.dispatcher)
        self.scene.provide(self.runtime)
        file.build(self.scene)
        self.reload = HotReload(file)
        self.told: list[str] = []
        self.reload.noted.subscribe(self.told.append)
        self.scene.create("Watcher", active=False).add(self.reload)  # `edit` looks
        self.until(lambda: self.nurse.has_session and self.nurse.is_connected)

    def _runtime(self) -> Runtime:
        builder = RuntimeBuilder().use_endpoint_url(lambda name: f"ws://{name}")
        builder.use_transport(lambda url, key: self.host(url).transport())
        runtime = builder.build()
        runtime.start()
        return runtime

    def host(self, url: str = "ws://local") -> MemoryHost:
        return self.hosts.setdefault(url, MemoryHost())

    def edit(self, old: str, new: str) -> None:
        text = self.path.read_text(encoding="utf-8")
        assert old in text
        self.path.write_text(text.replace(old, new, 1), encoding="utf-8")
        self.reload.look()
        self.scene.update(0.01)
        assert self.reload.problems == ()

    def until(self, condition: Callable[[], object]) -> None:
        frame, end = threading.Event(), time.monotonic() + DEADLINE
        while not condition():
            self.scene.update(0.01)
            assert time.monotonic() < end, "not within the deadline"
            frame.wait(0.001)

    def component(self, name: str, kind: type[Any]) -> Any:
        return self.scene.get_service(BuiltScene).objects[name].require_component(kind)

    @property
    def nurse(self) -> Character:
        found: Character = self.component("Nurse", Character)
        return found

    @property
    def states(self) -> list[str]:
        return [change.new_state.name for change in self.nurse.view.timeline]

    def heard(self, kind: type[ClientMessage]) -> list[ClientMessage]:
        rooms = self.host().rooms.values()
        return [m for room in rooms for m in room.received if isinstance(m, kind)]


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    made = Ward(tmp_path)
    yield made
    made.scene.close()
    made.runtime.close()


UNTOUCHED = ["CONNECTING", "CONNECTED"]


def test_persist_goes_by_the_edit_at_the_next_disconnect(ward: Ward) -> None:
    ward.edit('actions = ["wave"]', 'actions = ["wave"]\npersist = "until_disconnect"')
    assert ward.nurse.session.has_stored_session
    ward.nurse.session.disconnect()
    ward.until(lambda: ward.nurse.view.state is S.DISCONNECTED)
    ward.until(lambda: not ward.nurse.session.has_stored_session)


def test_new_actions_are_told_to_the_open_session(ward: Ward) -> None:
    ward.edit('["wave"]', '["wave", "nod"]')
    ward.until(lambda: ward.heard(ContextUpdate))
    (update,) = ward.heard(ContextUpdate)
    assert isinstance(update, ContextUpdate)
    assert update.action_config == {"actions": ["wave", "nod"]}
    assert ward.states == UNTOUCHED


def test_actions_that_are_all_taken_away_need_a_new_connection(ward: Ward) -> None:
    ward.edit('actions = ["wave"]\n', "")
    ward.until(lambda: ward.states[-3:] == ["DISCONNECTED", *UNTOUCHED])
    assert ward.host().requests[-1].action_config is None


def test_the_players_new_name_is_told_to_the_open_session(ward: Ward) -> None:
    assert ward.host().requests[0].player_name == "Ada"
    ward.edit('"Ada"', '"Bea"')
    ward.until(
        lambda: ward.heard(UpdateTemplateKeys) == [UpdateTemplateKeys({"player_name": "Bea"})]
    )
    assert ward.states == UNTOUCHED


def test_another_persona_reconnects_and_the_talk_goes_on(ward: Ward) -> None:
    before = ward.nurse.view.session_id
    ward.edit("one.toml", "two.toml")
    ward.until(lambda: ward.states[-3:] == ["DISCONNECTED", *UNTOUCHED])
    assert ward.host().requests[-1].persona == "personas/two.toml"
    assert ward.nurse.view.session_id == before
    assert ward.nurse.view.resume is not None
    assert ward.nurse.view.resume.outcome is ResumeOutcome.RESUMED


def test_another_endpoint_leaves_here_and_begins_afresh_there(ward: Ward) -> None:
    before = ward.nurse.session
    ward.edit("[object.CharacterManager]", '[object.CharacterManager]\nendpoint = "https://far"')
    ward.until(lambda: ward.nurse.session is not before and ward.nurse.is_connected)
    assert len(ward.host("https://far").requests) == 1
    assert ward.host("https://far").requests[0].character_session_id is None
    ward.until(lambda: before.view.state is S.DISCONNECTED)


def test_another_key_of_the_session_leaves_and_joins(ward: Ward) -> None:
    ward.edit('"nurse"', '"nurse"\nsession_key = "twin"')
    ward.until(lambda: ward.nurse.is_connected)
    assert ward.nurse.session.key == "twin"
    ward.until(lambda: ward.runtime.sessions["nurse"].view.state is S.DISCONNECTED)


def test_another_id_under_the_same_key_is_somebody_else(ward: Ward) -> None:
    ward.edit('"nurse"', '"nurse"\nsession_key = "desk"')
    ward.until(lambda: ward.nurse.is_connected)
    ward.edit('"nurse"', '"porter"')
    ward.until(lambda: ward.nurse.is_connected and ward.nurse.session.character_id == "porter")
    assert ward.host().requests[-1].character_session_id is None


def test_who_was_manual_connects_once_the_file_says_so(ward: Ward) -> None:
    ward.edit('actions = ["wave"]', 'actions = ["wave"]\nconnect = "manual"')
    assert ward.nurse.is_connected  # who talks goes on talking
    ward.nurse.session.disconnect()
    ward.until(lambda: ward.nurse.view.state is S.DISCONNECTED)
    ward.edit('"manual"', '"on_start"')
    ward.until(lambda: ward.nurse.is_connected)


def test_a_policy_takes_effect_at_once(ward: Ward) -> None:
    more = (
        '\n[object.Character.reconnect_policy]\nidle = "hibernate"\nhibernate_after_seconds = 0.01'
    )
    ward.edit('name = "Nurse"', 'name = "Nurse"\nposition = [900.0, 0.0]')  # nobody keeps her awake
    ward.edit('actions = ["wave"]', 'actions = ["wave"]' + more)
    ward.until(lambda: ward.nurse.view.is_hibernating)


def test_a_new_name_to_show_disturbs_nobody(ward: Ward) -> None:
    ward.edit('actions = ["wave"]', 'actions = ["wave"]\ndisplay_name = "Bea"')
    assert ward.nurse.label == "Bea"
    assert ward.states == UNTOUCHED


def test_a_manager_that_moves_to_another_object_keeps_everybody(ward: Ward) -> None:
    before = ward.nurse.session
    ward.edit('name = "Game"', 'name = "Director"')
    ward.until(lambda: ward.nurse.manager is ward.component("Director", CharacterManager))
    assert ward.nurse.session is before
    assert ward.states == UNTOUCHED
    assert ward.component("Director", CharacterManager).characters == (ward.nurse,)


def test_a_relay_follows_other_handlers(ward: Ward) -> None:
    diary = ward.component("Nurse", Diary)
    ward.edit("Diary.write", "Diary.cross_out")
    ward.nurse.session.cut()
    count = len(diary.lines)
    ward.until(lambda: "RECONNECTING" in ward.states and ward.nurse.is_connected)
    assert len(diary.lines) == count
    ward.edit("Diary.cross_out", "Diary.write")
    ward.nurse.session.disconnect()
    ward.until(lambda: len(diary.lines) == count + 2)  # each once


def test_what_the_runtime_was_made_with_says_that_it_stays(ward: Ward) -> None:
    ward.edit("[object.CharacterManager]", '[object.CharacterManager]\ndata_folder = "there"')
    assert len(ward.told) == 1
    assert "CharacterManager.data_folder: is in use already" in ward.told[0]
    assert ward.states == UNTOUCHED


@pytest.mark.parametrize("kind", [Character, CharacterManager, Player])
def test_the_docs_tell_of_each_field_what_an_edit_of_it_does(kind: type[Component]) -> None:
    page = (ROOT / "characters/docs/reference/scene-files.md").read_text(encoding="utf-8")
    table = page[page.index("| Edited |") :].split("\n\n")[0]
    names = [f.name for f in fields(kind) if f.init and not f.name.startswith("_")]  # type: ignore[arg-type]  # every component is a dataclass
    assert [name for name in names if f"`{name}`" not in table] == []
