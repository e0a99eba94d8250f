from __future__ import annotations

from characters.core.failure import failure
from characters.core.state import SessionState
from characters.overlay.cast import Cast
from characters.overlay.deeds import Deeds
from characters.overlay.hud_state import HudState
from engine.application import Application
from engine.scene import Scene
from tests.characters.overlay.fakes import Stage


class Doing:
    """Deeds on a stage, with what they told the player."""

    def __init__(self, scene: Scene) -> None:
        self.state = HudState()
        self.notices: list[str] = []
        self.deeds = Deeds(Cast(scene), self.state, self.notices.append, lambda: None)


def test_starting_anew_forgets_and_retries() -> None:
    stage = Stage()
    Doing(stage.scene).deeds.start_anew("ada")
    assert stage.session("ada").told[-2:] == ["clear", "retry"]


def test_taking_over_connects_here_what_is_open_elsewhere() -> None:
    stage = Stage()
    Doing(stage.scene).deeds.take_over("ada")
    assert stage.session("ada").told[-1] == "take over"
    assert "take over" not in stage.session("bob").told


def test_a_talk_that_another_game_took_over_is_taken_back() -> None:
    stage = Stage()
    Doing(stage.scene).deeds.take_over_first()
    assert "take over" not in stage.session("bob").told
    stage.becomes("bob", SessionState.DISCONNECTED, error=failure("session.taken_over"))
    Doing(stage.scene).deeds.take_over_first()
    assert stage.session("bob").told[-1] == "take over"


def test_the_service_is_killed_or_launched_never_both() -> None:
    stage = Stage()
    offered = {b.key: b.is_enabled for b in Doing(stage.scene).deeds.faults()}
    assert (offered["k"], offered["l"]) == (True, False)
    stage.faults.is_service_running = False
    offered = {b.key: b.is_enabled for b in Doing(stage.scene).deeds.faults()}
    assert (offered["k"], offered["l"]) == (False, True)


def test_an_expiry_for_everybody_means_the_one_who_listens() -> None:
    stage = Stage()
    doing = Doing(stage.scene)
    next(b for b in doing.deeds.faults() if b.key == "x").action()
    assert doing.notices == ["ada has no session that could expire."]


def test_a_game_without_faults_says_so() -> None:
    doing = Doing(Scene())
    doing.deeds.toggle_faults()
    assert not doing.state.is_faults_open
    assert doing.notices
    assert doing.deeds.faults() == ()


def test_leaving_quits_the_application() -> None:
    with Application(headless=True) as application:
        Doing(application.new_scene()).deeds.quit()
        assert application.is_quitting


def test_deeds_in_an_empty_scene_do_nothing() -> None:
    deeds = Doing(Scene()).deeds
    for deed in (deeds.send, deeds.retry_first, deeds.take_over_first, deeds.quit):
        deed()
    assert deeds.cast.keys == ()
