"""A field of a level that is edited while the sessions are open, over a real runtime."""

from __future__ import annotations

from pathlib import Path

from characters.client.runtime import Runtime
from characters.components.character import Character
from characters.components.checks import SCENE_CHECKS
from characters.session.conversation import SessionState
from characters.ui.registration import component_registry
from engine.scenes.editor import SceneEditor
from engine.scenes.file import SceneFile
from tests.characters.client.test_runtime import House

LEVEL = """\
[scene]
name = "Ward"
[[object]]
name = "Game"
[object.CharacterManager]
[[object]]
name = "Ada"
[object.Character]
character_id = "ada"
reconnect_policy = "patient" # she has time
"""


def test_a_new_policy_is_in_force_and_the_live_session_is_the_same(tmp_path: Path) -> None:
    house, path = House(), tmp_path / "ward.toml"
    path.write_text(LEVEL, encoding="utf-8")
    registry = component_registry()
    file = SceneFile.read(path, registry, SCENE_CHECKS)
    scene = file.new_scene(dispatcher=house.runtime.dispatcher)
    scene.provide(house.runtime, Runtime)
    ada = file.build(scene).objects["Ada"]
    scene.update(0.01)
    session = ada.require_component(Character).session
    house.until(lambda: session.view.state is SessionState.CONNECTED)
    live, editor = session.view.live_id, SceneEditor(scene)
    row = next(row for row in editor.rows(ada) if row.name == "auto_mic_start_delay_seconds")
    editor.set(ada, row, "2.5")
    house.until(lambda: session.policy.auto_mic_start_delay_seconds == 2.5)
    assert session.policy.max_reconnect_attempts is None  # of the preset, as before
    assert (session.view.live_id, len(house.service.requests)) == (live, 1)
    edited = '{preset = "patient", auto_mic_start_delay_seconds = 2.5}'
    assert path.read_text(encoding="utf-8") == LEVEL.replace('"patient"', edited)
    house.runtime.close()
