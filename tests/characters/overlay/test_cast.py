from __future__ import annotations

from characters.core.messages import BotReady
from characters.core.turn_settings import ListeningMode
from characters.overlay.cast import Cast, gather
from characters.overlay.hud_state import HudState
from characters.overlay.journal import Journal
from characters.overlay.model import HudModel
from characters.runtime.listening import EarsStatus
from engine.scene import Scene
from tests.characters.overlay.fakes import Stage


def seen(stage: Stage) -> HudModel:
    return gather(Cast(stage.scene), Journal(), HudState())


def test_everybody_with_a_session_is_seen_and_the_listener_is_marked() -> None:
    model = seen(Stage())
    assert [(actor.name, actor.is_target) for actor in model.actors] == [
        ("Ada", True),
        ("Bob", False),
    ]


def test_badges_stand_over_heads() -> None:
    ada, _ = seen(Stage()).actors
    assert ada.head[0] == 300
    assert 160 < ada.head[1] < 200


def test_the_microphone_is_what_the_ears_say() -> None:
    stage = Stage()
    hands_free = ListeningMode.HANDS_FREE
    stage.hud_runtime.ears.status = EarsStatus(0.5, "bob", True, mode=hands_free)
    stage.hud_runtime.ears.muted = True
    mic = seen(stage).microphone
    assert (mic.level, mic.is_open, mic.is_muted, mic.is_hands_free) == (0.5, True, True, True)
    assert mic.hearer == "bob"


def test_a_remote_endpoint_is_named_by_its_host() -> None:
    stage = Stage()
    assert seen(stage).endpoint == "local"
    stage.manager.endpoint = "https://live.example.com/v1"
    assert seen(stage).endpoint == "live.example.com"


def test_an_empty_scene_has_an_empty_hud() -> None:
    cast = Cast(Scene())
    model = gather(cast, Journal(), HudState())
    assert (model.actors, model.target, model.player_name) == ((), None, "You")
    assert cast.find("ada") is None


def test_the_messages_are_gathered_for_the_inspector_alone() -> None:
    journal, state = Journal(), HudState()
    cast = Cast(Stage().scene)
    journal.follow("ada", cast.characters[0].events)
    cast.characters[0].events.emit(BotReady())
    assert gather(cast, journal, state).actors[0].messages == ()
    state.is_inspector_open = True
    assert gather(cast, journal, state).actors[0].messages == ("bot-ready",)
