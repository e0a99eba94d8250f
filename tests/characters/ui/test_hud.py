from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pygame
import pytest

from characters.client.config import SpeechNotUnderstood, TextRefused, TranscriptChanged
from characters.client.voice_input import VoiceInputStatus
from characters.english import ENGLISH
from characters.protocol.failures import failure
from characters.protocol.messages import FinalUserTranscription, ServerResponse
from characters.protocol.turn_settings import ListeningMode
from characters.session.conversation import SessionState
from characters.ui.hud import Hud
from characters.ui.state import CaptionSize, HudLayer, hud_layout
from engine.app.hot_reload import HotReload
from engine.core.words import ScreenText
from engine.objects.registry import ComponentRegistry
from engine.objects.scene import Scene
from engine.prefs.prefs import PlayerPrefs
from engine.scenes.file import SceneFile
from engine.scenes.manager import SceneManager
from tests.characters.components.fakes import ProblemService
from tests.characters.ui.fakes import Stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    assert made.errors == []


def draw(stage: Stage) -> pygame.Surface:
    surface = pygame.Surface((960, 600))
    stage.scene.draw(surface)
    return surface


def test_enter_opens_the_chat_and_sends_to_the_one_who_listens(stage: Stage) -> None:
    stage.press("return")
    stage.type("Hello Ada")
    stage.press("return")
    assert stage.session("ada").commands[-1] == "text Hello Ada"
    assert stage.hud.state.layer is HudLayer.GAME


def test_while_the_player_types_the_game_gets_no_keys(stage: Stage) -> None:
    stage.press("return")
    stage.type("wasd m")
    assert stage.scene.input.captured is stage.hud
    stage.press("m", "d")
    assert not stage.hud_runtime.voice_input.muted
    assert stage.player.transform.position == (300, 360)


def test_escape_closes_the_chat_and_keeps_the_draft(stage: Stage) -> None:
    stage.press("return")
    stage.type("Hel")
    stage.press("escape")
    assert stage.scene.input.captured is None
    assert stage.hud.state.chat.text == "Hel"


def test_an_empty_line_closes_the_chat_and_sends_nothing(stage: Stage) -> None:
    stage.press("return", "return")
    assert stage.hud.state.layer is HudLayer.GAME
    assert not [told for told in stage.session("ada").commands if told.startswith("text")]


def test_what_nobody_can_hear_stays_in_the_box_and_says_why() -> None:
    stage = Stage(player=(20, 590))
    stage.press("return")
    stage.type("Hello?")
    stage.press("return")
    assert stage.hud.state.chat.text == "Hello?"
    assert stage.hud.state.notice == "Nobody is near enough to hear you: walk up to somebody."


def test_refused_text_is_explained(stage: Stage) -> None:
    stage.session("ada").events.emit(TextRefused("ada", "Hello", "Ada is not connected."))
    assert stage.hud.state.notice == "Ada is not connected."


def test_a_draft_of_the_last_visitor_is_forgotten_with_the_talk(stage: Stage) -> None:
    stage.press("return")
    stage.type("My name is")
    stage.press("escape")
    stage.session("ada").events.emit(TranscriptChanged("ada", ()))
    assert stage.hud.state.chat.text == ""


def test_a_notice_goes_away_in_time(stage: Stage) -> None:
    stage.hud.notify("Captions: large")
    stage.hud.state.notice_left = 0.0
    stage.frame()
    assert stage.hud.state.notice is None


def test_what_is_wrong_with_the_service_stays_on_the_screen_until_it_was_read(stage: Stage) -> None:
    service = stage.runtime.service = ProblemService("Conversations cannot be kept in /full.")
    stage.fails("ada")
    stage.press("r")  # what can be retried comes first
    assert stage.session("ada").commands[-1] == "retry" and service.problem
    stage.becomes("ada", SessionState.CONNECTED)
    stage.press("r")
    assert not service.problem


def test_f_keys_open_and_close_the_panels(stage: Stage) -> None:
    stage.press("f3", "f4")
    assert (stage.hud.state.is_inspector_open, stage.hud.state.is_faults_open) == (True, True)
    stage.press("f3", "f4")
    assert (stage.hud.state.is_inspector_open, stage.hud.state.is_faults_open) == (False, False)


def test_help_takes_the_keys_until_it_is_closed(stage: Stage) -> None:
    stage.press("f1")
    assert stage.scene.input.captured is stage.hud
    stage.press("f1")
    assert stage.scene.input.captured is None


def test_captions_are_kept_for_the_next_time(stage: Stage, tmp_path: Path) -> None:
    prefs = PlayerPrefs.open(tmp_path / "prefs.msgpack")
    stage.scene.provide(prefs)
    stage.press("f2")
    next_hud = stage.scene.add(Hud())
    stage.frame()
    assert next_hud.state.caption_size is CaptionSize.LARGE
    prefs.close()


def test_damaged_settings_are_told_on_the_first_level_and_not_again(
    stage: Stage, tmp_path: Path
) -> None:
    path = tmp_path / "prefs.msgpack"
    with PlayerPrefs.open(path) as prefs:
        prefs.set_string("volume", "loud")
    path.write_bytes(path.read_bytes().replace(b"loud", b"l0ud"))
    with PlayerPrefs.open(path) as prefs:
        stage.scene.provide(prefs)
        huds = [stage.scene.add(Hud()) for _ in range(2)]
        stage.frame()
    assert "prefs.msgpack was damaged" in str(huds[0].state.notice)
    assert huds[1].state.notice is None


def test_r_retries_the_one_in_error_and_nobody_else(stage: Stage) -> None:
    stage.fails("bob")
    stage.press("r")
    assert stage.session("bob").commands[-1] == "retry"
    assert "retry" not in stage.session("ada").commands


def test_r_retries_all_who_failed_for_the_cause_of_the_first_card(stage: Stage) -> None:
    stage.fails("ada")
    stage.fails("bob")
    stage.press("r")
    assert [stage.session(who).commands[-1] for who in ("ada", "bob")] == ["retry", "retry"]


def test_r_calls_back_the_one_who_has_left_the_room(stage: Stage) -> None:
    session = stage.session("bob")
    session.view = replace(session.view, state=SessionState.CONNECTED, has_agent=False)
    stage.press("r")
    assert session.commands[-1] == "spawn agent"


def test_v_takes_over_the_talk_that_is_open_elsewhere_and_no_other(stage: Stage) -> None:
    stage.fails("ada")
    stage.fails("bob", "session.live_elsewhere")
    stage.press("v")
    assert stage.session("bob").commands[-1] == "take over"
    assert "take over" not in stage.session("ada").commands


def test_v_does_nothing_while_no_card_offers_it(stage: Stage) -> None:
    stage.fails("ada")
    stage.becomes("bob", SessionState.DISCONNECTED, error=failure("session.live_elsewhere"))
    stage.press("v")
    assert not {"take over"} & {*stage.session("ada").commands, *stage.session("bob").commands}


def test_the_fault_panel_is_worked_by_keys(stage: Stage) -> None:
    stage.press("f4", "c", "2", "b", "g", "o", "h", "k")
    told = ["cut None", "black hole bob", "lag bob", "slow bob", "heal bob", "kill"]
    assert stage.faults.commands == told


def test_u_unplugs_the_microphone_and_plugs_it_in(stage: Stage) -> None:
    stage.press("f4", "u")
    assert stage.faults.is_microphone_unplugged
    draw(stage)
    stage.press("u")
    assert not stage.faults.is_microphone_unplugged


def test_fault_keys_do_nothing_while_the_panel_is_closed(stage: Stage) -> None:
    stage.press("c", "k")
    assert stage.faults.commands == []


def test_what_cannot_be_broken_says_so(stage: Stage) -> None:
    stage.press("f4", "1", "x")
    assert stage.hud.state.notice == "ada has no session that could expire."


def test_a_microphone_that_is_back_is_named_once(stage: Stage) -> None:
    ears, state = stage.hud_runtime.voice_input, stage.hud.state
    lost = VoiceInputStatus(problem="The microphone Headset is gone.", device="Headset")
    closed, back = VoiceInputStatus(), VoiceInputStatus(device="Built-in")
    for status in (closed, back, lost, closed, back, lost):
        ears.status = status
        stage.frame()
        assert state.notice is None  # it was never lost, or was closed meanwhile
    ears.status = back
    stage.frame()
    assert state.notice == "The microphone works: Built-in."
    state.notice = None
    stage.frame()
    assert state.notice is None


def test_the_menu_closes_the_microphone_while_it_is_open(stage: Stage) -> None:
    stage.press("escape")
    assert stage.hud_runtime.voice_input.covered
    stage.press("escape")
    assert not stage.hud_runtime.voice_input.covered


def test_help_that_was_opened_from_the_menu_gives_the_microphone_back(stage: Stage) -> None:
    stage.press("escape", "down", "return")
    assert stage.hud.state.layer is HudLayer.HELP
    assert stage.hud_runtime.voice_input.covered
    stage.press("escape")
    assert not stage.hud_runtime.voice_input.covered


def test_the_menu_is_worked_by_keys(stage: Stage) -> None:
    stage.press("escape", "down", "down", "down", "return")
    assert stage.hud_runtime.voice_input.muted


def test_two_steps_within_one_slow_frame_are_two_steps_of_the_menu(stage: Stage) -> None:
    stage.press("escape")
    for _ in range(2):
        stage.scene.input.press("down")
        stage.scene.input.release("down")
    stage.frame()
    assert stage.hud.state.menu_index == 2


def test_a_click_on_retry_works(stage: Stage) -> None:
    stage.fails("ada", "connection.refused")
    draw(stage)
    for x in range(0, 960, 20):
        for y in range(0, 600, 12):
            stage.scene.input.move_mouse(x, y)
            stage.hud._hotspots.click((x, y))
    assert "retry" in stage.session("ada").commands


def test_every_state_is_drawn_with_every_panel(stage: Stage) -> None:
    stage.press("f3", "f4")
    for state in SessionState:
        stage.becomes("ada", state)
        stage.becomes("bob", state)
        draw(stage)
    stage.press("return")
    draw(stage)
    stage.press("escape", "escape")
    draw(stage)  # the fixture looks for errors


def test_a_hud_that_is_destroyed_gives_the_keys_back(stage: Stage) -> None:
    stage.press("return")
    stage.scene.destroy(stage.hud.game_object)
    stage.frame()
    assert stage.scene.input.captured is None


def test_mistakes_of_an_edit_stay_on_screen_until_they_are_mended(
    stage: Stage, tmp_path: Path
) -> None:
    level = tmp_path / "level.toml"
    level.write_text("[scene]\n", encoding="utf-8")
    file = SceneFile.read(level, ComponentRegistry())
    file.build(stage.scene)
    reload = stage.scene.add(HotReload(file))
    level.write_text("[scene]\nsize = 1\n", encoding="utf-8")
    reload.look()
    stage.frame(500)
    assert (stage.hud.state.notice or "").startswith("level.toml:2:")
    level.write_text("[scene]\n", encoding="utf-8")
    reload.look()
    stage.frame()
    assert stage.hud.state.notice is None
    stage.scene.close()


def test_an_edit_that_has_no_effect_yet_is_told(stage: Stage, tmp_path: Path) -> None:
    level = tmp_path / "level.toml"
    level.write_text("[scene]\n", encoding="utf-8")
    file = SceneFile.read(level, ComponentRegistry())
    file.build(stage.scene)
    reload = stage.scene.add(HotReload(file))
    stage.frame()
    reload.noted.emit("It waits.")
    assert stage.hud.state.notice == "It waits."
    stage.scene.close()


def fails_to_load(stage: Stage, open_scene: Callable[[str], Scene]) -> str:
    """Let a door of the stage's level lead to a level that cannot be opened."""
    manager = SceneManager(open_scene)
    stage.scene.provide(manager)
    hud = stage.scene.add(Hud())
    stage.frame()
    manager.load("exam")
    manager.advance_loading()
    return hud.state.notice or ""


def reading(level: Path) -> Callable[[str], Scene]:
    def open_scene(name: str) -> Scene:
        scene = Scene()
        SceneFile.read(level, ComponentRegistry()).build(scene)
        return scene

    return open_scene


def test_a_door_to_a_broken_level_says_where_its_first_mistake_is(
    stage: Stage, tmp_path: Path
) -> None:
    level = tmp_path / "exam.toml"
    level.write_text("[scene]\nsize = 1\nnmae = 2\n", encoding="utf-8")
    notice = fails_to_load(stage, reading(level))
    assert notice.startswith("This door stays closed for now: the level behind it (exam)")
    assert "\nexam.toml:2:" in notice and notice.endswith("\nand 1 more")
    assert stage.player.transform.position == (300, 360)


def test_a_door_to_a_level_that_is_missing_names_the_file(stage: Stage, tmp_path: Path) -> None:
    missing = tmp_path / "exam.toml"
    notice = fails_to_load(stage, reading(missing))
    assert "\nexam.toml:1:1: " in notice


def test_a_door_to_a_level_that_breaks_in_another_way_says_so(stage: Stage) -> None:
    def fail(name: str) -> Scene:
        raise RuntimeError("a defect")

    assert "RuntimeError" in fails_to_load(stage, fail)


def test_a_long_notice_stays_long_enough_to_be_read(stage: Stage) -> None:
    stage.hud.notify("word " * 40)
    assert stage.hud.state.notice_left == pytest.approx(10.0)


def test_the_overlay_is_imported_without_a_drawing_library() -> None:
    check = "import sys, characters.ui; sys.exit('pygame' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_letters_are_text_only_while_a_text_box_is_open(stage: Stage) -> None:
    source = stage.scene.input
    assert source.text_box is None
    stage.press("return")
    draw(stage)
    empty = source.text_box
    stage.type("Hel")
    draw(stage)
    assert empty is not None and source.text_box is not None
    assert source.text_box[0] > empty[0] > 0  # at the cursor
    stage.press("escape")
    stage.press("escape")
    assert stage.hud.state.layer is HudLayer.MENU and source.text_box is None


def test_the_picture_moves_out_from_under_a_panel_and_back() -> None:
    stage = Stage(player=(880, 360))
    stage.press("f3")
    stage.frame(60)
    camera, layout = stage.scene.camera, hud_layout((960, 600), inspector=True, faults=False)
    assert camera.to_screen((880, 360))[0] < layout.stage.right
    assert camera.to_world(camera.to_screen((880, 360))) == (880, 360)
    stage.press("f3")
    stage.frame(60)
    assert camera.shift == (0.0, 0.0)


def test_keys_that_the_fields_keep_from_the_panels_say_so() -> None:
    stage = Stage()
    stage.press("f3", "e", "f4")
    assert not stage.hud.state.is_faults_open
    assert stage.hud.state.fields.message == "The keys are the fields' now: Esc gives them back."


MISSED = SpeechNotUnderstood("ada", ENGLISH("speech.say_again"))


def test_words_that_were_missed_are_told_until_they_come() -> None:
    stage = Stage()
    stage.session("ada").events.emit(MISSED)
    assert stage.hud.state.notice == "I did not catch that: say it again, or type it."
    stage.session("ada").events.emit(FinalUserTranscription("Hello"))
    assert stage.hud.state.notice is None


def test_what_is_waited_for_is_told_in_the_players_language() -> None:
    stage = Stage()
    text = ENGLISH("speech.voice_loads", seconds=6)
    told = ServerResponse("speech", "processing", str(text), ScreenText.as_data(text))
    stage.session("ada").events.emit(told)
    assert stage.hud.state.notice is not None and "after 6 s" in stage.hud.state.notice
    stage.session("ada").events.emit(ServerResponse("speech", "success", "Anything."))
    assert "after 6 s" in stage.hud.state.notice


@pytest.mark.parametrize("is_echo_handled", [True, False])
def test_a_character_that_the_open_microphone_hears_is_not_asked_to_say_it_again(
    is_echo_handled: bool,
) -> None:
    stage = Stage()
    stage.becomes("ada", SessionState.CONNECTED, is_speaking=True)
    stage.hud_runtime.voice_input.status = VoiceInputStatus(
        mode=ListeningMode.HANDS_FREE, is_echo_handled=is_echo_handled
    )
    stage.session("ada").events.emit(MISSED)
    assert (stage.hud.state.notice is not None) == is_echo_handled
