from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pygame
import pytest

from characters.client.runtime import Runtime
from characters.components.checks import SCENE_CHECKS
from characters.components.faults import Faults
from characters.protocol.failures import failure
from characters.session.conversation import SessionState
from characters.ui.actions import Actions, FieldActions
from characters.ui.hud import Hud
from characters.ui.model import SceneQuery
from characters.ui.registration import component_registry
from characters.ui.state import HudLayer, HudState
from engine.app.application import Application
from engine.objects.scene import Scene
from engine.scenes.file import SceneFile
from tests.characters.ui.fakes import FakeFaults, HudRuntime, Stage


class Acting:
    """The actions on a scene, with what they told the player."""

    def __init__(self, scene: Scene) -> None:
        self.state = HudState()
        self.notices: list[str] = []
        self.actions = Actions(SceneQuery(scene), self.state, self.notices.append, lambda: None)


def test_starting_anew_forgets_and_retries() -> None:
    stage = Stage()
    Acting(stage.scene).actions.start_anew("ada")
    assert stage.session("ada").commands[-2:] == ["clear", "retry"]


def test_taking_over_connects_here_what_is_open_elsewhere() -> None:
    stage = Stage()
    Acting(stage.scene).actions.take_over("ada")
    assert stage.session("ada").commands[-1] == "take over"
    assert "take over" not in stage.session("bob").commands


def test_a_talk_that_another_game_took_over_is_taken_back() -> None:
    stage = Stage()
    Acting(stage.scene).actions.take_over_first()
    assert "take over" not in stage.session("bob").commands
    stage.becomes("bob", SessionState.DISCONNECTED, error=failure("session.taken_over"))
    Acting(stage.scene).actions.take_over_first()
    assert stage.session("bob").commands[-1] == "take over"


def test_the_service_is_killed_or_launched_never_both() -> None:
    stage = Stage()
    offered = {b.keys[0]: b.why_not for b in Acting(stage.scene).actions.faults()}
    assert (offered["k"], offered["l"]) == ("", "The service runs.")
    stage.faults.is_service_running = False
    offered = {b.keys[0]: b.why_not for b in Acting(stage.scene).actions.faults()}
    assert (offered["k"], offered["l"]) == ("The service is down.", "")


def test_a_grey_button_tells_why_it_cannot_be_done() -> None:
    stage = Stage(player=(500, 560))  # nobody is in reach
    stage.press("f4", "x")
    assert stage.hud.state.notice == ("Whose session? Press a number, or walk up to somebody.")
    stage.press("1", "x")
    assert stage.hud.state.notice == "ada has no session that could expire."


def test_an_expiry_for_everybody_means_the_one_who_listens() -> None:
    stage = Stage()
    acting = Acting(stage.scene)
    next(b for b in acting.actions.faults() if b.keys == ("x",)).run()
    assert acting.notices == ["ada has no session that could expire."]


def test_a_game_without_faults_says_so() -> None:
    acting = Acting(Scene())
    acting.actions.toggle_faults()
    assert not acting.state.is_faults_open
    assert acting.notices
    assert acting.actions.faults() == ()


def test_leaving_quits_the_application() -> None:
    with Application(headless=True) as application:
        Acting(application.new_scene()).actions.quit()
        assert application.is_quitting


def test_leaving_asks_a_loop_of_the_games_own_to_end() -> None:
    pygame.display.set_mode((64, 64))
    pygame.event.clear()
    Acting(Scene()).actions.quit()
    assert pygame.event.get(pygame.QUIT)


def test_actions_in_an_empty_scene_do_nothing() -> None:
    actions = Acting(Scene()).actions
    for act in (actions.send, actions.retry_first, actions.take_over_first):
        act()
    assert actions.query.keys == ()


LEVEL = """\
[scene]
name = "Ward"

[[object]]
name = "Game"
[object.CharacterManager]

[[object]]
name = "Ada"     # the first
position = [300, 300]
[object.Character]
character_id = "ada"
[object.Character.reconnect_policy]
auto_mic_start_delay_seconds = 1.0    # slow

[[object]]
name = "Bob"
position = [700, 300]
[object.Character]
character_id = "bob"

[[object]]
name = "Player"
position = [300, 360]
[object.Player]
"""
DELAY = "Character.reconnect_policy.auto_mic_start_delay_seconds"


def fields(stage: Stage) -> FieldActions:
    return FieldActions(SceneQuery(stage.scene), stage.hud.state)


class Ward(Stage):
    """The stage of a level file instead of code."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ward.toml"
        self.path.write_text(LEVEL, encoding="utf-8")
        registry = component_registry()
        file = SceneFile.read(self.path, registry, SCENE_CHECKS)
        self.runtime = self.hud_runtime = HudRuntime()
        self.scene = file.new_scene()
        self.scene.provide(self.runtime, Runtime)
        self.faults = FakeFaults()
        self.scene.provide(self.faults, Faults)
        self.errors: list[str] = []
        self.scene.on_error.subscribe(self._note_error)
        file.build(self.scene)
        self.hud = self.scene.add(Hud())
        self.frame(30)

    def choose(self, path: str) -> None:
        """Open the fields and go down to one."""
        self.press("f3", "e")
        rows = fields(self).rows
        self.press(*["down"] * [row.path for row in rows].index(path))

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def said(self) -> str:
        return self.hud.state.fields.message


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    made = Ward(tmp_path)
    yield made
    assert made.errors == []


def test_a_policy_is_edited_by_keys_saved_as_one_line_and_in_force(ward: Ward) -> None:
    session = ward.session("ada")
    ward.choose(DELAY)
    ward.press("return")
    ward.type("2.5")
    ward.press("return")
    assert ward.text == LEVEL.replace("= 1.0 ", "= 2.5 ")
    assert ward.session("ada") is session
    assert session.policy.auto_mic_start_delay_seconds == 2.5
    assert ward.said == "auto_mic_start_delay_seconds is 2.5 now. Saved in ward.toml, line 14."


def test_a_wrong_value_stays_under_edit_with_one_sentence(ward: Ward) -> None:
    ward.choose(DELAY)
    ward.press("return")
    ward.type("-3")
    ward.press("return")
    state = ward.hud.state.fields
    assert (
        state.message == "Not changed: auto_mic_start_delay_seconds must be 0 or more (got -3.0)."
    )
    assert state.is_refusal
    assert state.draft is not None and state.draft.text == "-3"
    assert ward.text == LEVEL


def test_u_takes_the_last_edit_back(ward: Ward) -> None:
    ward.choose("Character.reconnect_policy.resume_policy")
    ward.press("return", "right", "return")
    assert 'resume_policy = "always_resume"' in ward.text
    ward.press("u")
    assert ward.text == LEVEL
    assert ward.said == "Undone: resume_policy of Ada is as before."


def test_escape_leaves_the_value_then_the_list_and_the_game_has_its_keys_again(ward: Ward) -> None:
    ward.choose(DELAY)
    ward.press("return")
    ward.type("9")
    ward.press("escape")
    assert ward.hud.state.fields.draft is None
    ward.press("escape")
    assert ward.hud.state.layer is HudLayer.GAME
    assert ward.scene.input.captured is None
    assert ward.text == LEVEL


def test_f3_closes_the_inspector_and_gives_the_keys_back(ward: Ward) -> None:
    ward.press("f3", "e", "f3")
    assert not ward.hud.state.is_inspector_open
    assert ward.scene.input.captured is None


def test_e_does_nothing_while_the_inspector_is_closed(ward: Ward) -> None:
    ward.press("e")
    assert ward.hud.state.layer is HudLayer.GAME


def test_letters_that_are_typed_are_not_keys(ward: Ward) -> None:
    ward.choose("Character.display_name")
    ward.press("return")
    ward.press("u", "e", "c")
    ward.type("uec")
    ward.press("return")
    assert 'display_name = "uec"' in ward.text
    assert ward.faults.commands == []


def test_what_is_typed_in_the_frame_of_enter_is_not_lost(ward: Ward) -> None:
    ward.choose(DELAY)
    ward.scene.input.type_text("2")
    ward.press("return")
    ward.type("5")
    ward.press("return")
    assert ward.session("ada").policy.auto_mic_start_delay_seconds == 25


def test_tab_goes_to_the_next_character(ward: Ward) -> None:
    ward.press("f3", "e", "tab")
    assert ward.hud.state.inspected == "bob"
    ward.press("tab")
    assert ward.hud.state.inspected == "ada"


def test_a_click_on_a_row_edits_it_and_the_buttons_are_the_keys(ward: Ward) -> None:
    ward.choose(DELAY)
    ward.scene.draw(pygame.Surface((960, 600)))
    page = fields(ward)
    page.click(0)
    assert ward.hud.state.fields.draft is not None
    assert [button.label for button in page.buttons] == ["Enter: save", "Esc: leave it"]
    page.state.leave()
    assert page.buttons[1].label == "U: undo"


def test_rows_and_buttons_can_be_clicked(ward: Ward) -> None:
    ward.choose(DELAY)
    picture = pygame.Surface((960, 600))
    ward.scene.draw(picture)
    ward.click(860, 298)  # the chosen row, in the middle of the list
    draft = ward.hud.state.fields.draft
    assert draft is not None and draft.row.path == DELAY
    ward.scene.draw(picture)
    ward.click(860, 563)
    assert ward.hud.state.fields.draft is None
    ward.scene.draw(picture)
    ward.click(616, 115)
    assert ward.hud.state.layer is HudLayer.GAME


def test_who_left_while_it_was_edited_leaves_nothing_to_save(ward: Ward) -> None:
    ward.choose(DELAY)
    ward.press("return")
    next(o for o in ward.scene.objects if o.name == "Ada").destroy()
    ward.type("9")
    assert ward.hud.state.fields.draft is None
    assert ward.hud.state.layer is HudLayer.GAME


def test_another_id_is_another_session_and_stays_the_inspected_one(ward: Ward) -> None:
    ward.choose("Character.character_id")
    ward.press("return")
    ward.type("ada-2")
    ward.press("return")
    ward.frame(3)
    assert ward.hud.state.inspected == "ada-2"
    assert "ada-2" in ward.runtime.sessions
    assert ward.session("ada").commands[-1] == "suspend"


def test_in_a_level_of_code_an_edit_applies_and_says_that_nothing_is_saved() -> None:
    stage = Stage()
    stage.press("f3", "e")
    rows = [row.path for row in fields(stage).rows]
    stage.press(*["down"] * rows.index(DELAY), "return")
    stage.type("2")
    stage.press("return")
    assert stage.session("ada").policy.auto_mic_start_delay_seconds == 2
    assert stage.hud.state.fields.message.endswith("Made in code: there is nothing to save to.")
    stage.press("u")
    assert stage.session("ada").policy.auto_mic_start_delay_seconds == 0.5
    assert stage.errors == []


@pytest.mark.parametrize("path", ["name", DELAY, "Character.profile"])
def test_every_page_of_the_list_is_drawn(ward: Ward, path: str) -> None:
    ward.choose(path)
    ward.press("return")
    ward.scene.draw(pygame.Surface((960, 600)))  # the fixture looks for errors
