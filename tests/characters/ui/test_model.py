from __future__ import annotations

from characters.client.voice_input import VoiceInputStatus
from characters.components.player import FaultKeys, NextVisitor, Player
from characters.protocol.failures import failure
from characters.protocol.messages import BotReady
from characters.protocol.turn_settings import ListeningMode
from characters.session.conversation import SessionState, Turn
from characters.ui.model import (
    Actor,
    Caption,
    Destinations,
    HudModel,
    SceneQuery,
    by_cause,
    captions,
    gather,
    reading_seconds,
)
from characters.ui.report import EventLog
from characters.ui.state import HudState
from characters.ui.words import HELP, help_rows
from engine.objects.scene import Scene
from tests.characters.ui.fakes import Stage
from tests.characters.ui.helpers import NOW, actor, model


def seen(stage: Stage) -> HudModel:
    return gather(SceneQuery(stage.scene), HudState(), EventLog().lines)


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


def test_badges_of_a_games_own_pictures_stand_as_high_as_it_says() -> None:
    scene = Scene()
    scene.create("You", position=(100, 300)).add(Player())
    query, lines = SceneQuery(scene), EventLog().lines
    assert gather(query, HudState(), lines).player_head == (100, 180)
    assert gather(query, HudState(), lines, None, 40.0).player_head == (100, 260)


def test_the_microphone_is_what_the_ears_say() -> None:
    stage = Stage()
    hands_free = ListeningMode.HANDS_FREE
    stage.hud_runtime.voice_input.status = VoiceInputStatus(0.5, "bob", True, mode=hands_free)
    stage.hud_runtime.voice_input.muted = True
    voice = seen(stage).voice
    assert (voice.level, voice.is_open, voice.muted) == (0.5, True, True)
    assert (voice.mode, voice.target) == (hands_free, "bob")


def test_every_host_that_words_go_to_is_named_once_with_all_that_goes_there() -> None:
    stage = Stage()
    assert (seen(stage).ways_out, seen(stage).is_generated) == ({}, None)
    stage.becomes(
        "ada", SessionState.CONNECTED, model="", ways_out={"synthesis": "api.example.com"}
    )
    assert seen(stage).is_generated is False
    both = {"talk": "live.example.com", "model": "api.example.com"}
    stage.becomes("bob", SessionState.CONNECTED, model="gpt", ways_out=both)
    shown = seen(stage)
    assert shown.is_generated is True
    assert shown.ways_out == {
        "api.example.com": ("synthesis", "model"),
        "live.example.com": ("talk",),
    }


def test_the_answers_of_a_service_of_others_count_as_generated() -> None:
    stage = Stage()
    stage.becomes("ada", SessionState.CONNECTED, ways_out={"talk": "live.example.com"})
    assert seen(stage).is_generated is True


def test_of_a_crowd_somebody_far_away_is_asked_within_some_frames() -> None:
    stage = Stage()
    for nth in range(60):
        stage.person(f"far-{nth}", (90_000, 90_000))
    stage.frame()
    query, destinations = SceneQuery(stage.scene), Destinations()
    assert destinations.look(query) == ({}, None)
    stage.becomes("far-59", SessionState.DISCONNECTED, model="", ways_out={"model": "a.com"})
    looks = [destinations.look(query) for _ in range(30)]
    assert looks[0] == ({}, None)
    assert looks[-1] == ({"a.com": ("model",)}, False)
    stage.becomes("ada", SessionState.CONNECTED, model="gpt", ways_out={"model": "b.com"})
    assert True in [destinations.look(query)[1] for _ in range(6)]  # who is near is asked soon


def test_an_empty_scene_has_an_empty_hud() -> None:
    query = SceneQuery(Scene())
    model = gather(query, HudState(), EventLog().lines)
    assert (model.actors, model.target, model.player_name) == ((), None, "")
    assert query.find("ada") is None


def test_the_help_and_the_hints_name_no_key_of_what_the_level_has_not() -> None:
    scene = Scene()
    scene.add(Player(speed=0))  # the game moves it
    without = gather(SceneQuery(scene), HudState(), EventLog().lines).absent
    assert without == {"walk", "visitor", "faults", "break", "fullscreen"}
    shown = {what for _, what in help_rows(without)}
    assert {what for _, what in HELP} - shown == {f"help.{name}" for name in without}


def test_the_help_names_the_keys_that_the_level_has() -> None:
    stage = Stage()
    assert seen(stage).absent == {"visitor", "break", "fullscreen"}
    stage.scene.add(FaultKeys())
    SceneQuery(stage.scene).characters[0].game_object.add(NextVisitor(key="k"))
    model = seen(stage)
    assert model.absent == {"fullscreen"}
    assert model.words("help.visitor_keys") == "K"


def test_the_messages_are_gathered_for_the_inspector_alone() -> None:
    event_log, state = EventLog(), HudState()
    query = SceneQuery(Stage().scene)
    event_log.follow("ada", query.characters[0].events)
    query.characters[0].events.emit(BotReady())
    assert gather(query, state, event_log.lines).actors[0].messages == ()
    state.is_inspector_open = True
    assert gather(query, state, event_log.lines).actors[0].messages == ("bot-ready",)


def test_the_target_is_the_one_who_is_marked() -> None:
    assert model(actor("Ada"), actor("Bob")).target is None
    found = model(actor("Ada"), actor("Bob", is_target=True)).target
    assert found is not None
    assert found.name == "Bob"


def test_those_in_error_are_told_by_cause_in_the_order_of_the_level() -> None:
    refused, late = failure("connection.refused"), failure("connection.timeout")
    lost = [
        actor("Cyd", SessionState.ERROR, error=late),
        actor("Bob"),
        actor("Ada", SessionState.ERROR, error=refused),
        actor("Dan", SessionState.ERROR, error=late),
    ]
    assert [[a.name for a in group] for group in by_cause(lost)] == [["Cyd", "Dan"], ["Ada"]]


def says(name: str, *turns: Turn, is_speaking: bool = False) -> Actor:
    return actor(name, transcript=turns, is_speaking=is_speaking)


def shown(*actors: Actor) -> list[str]:
    return [caption.text for caption in captions(model(*actors))]


def test_a_caption_names_its_speaker() -> None:
    found = captions(model(says("Ada", Turn("character", "Hello", NOW - 1))))
    assert found == (Caption("Ada", "Hello"),)


def test_the_players_line_says_to_whom() -> None:
    (found,) = captions(model(says("Ada", Turn("player", "Hello", NOW)), player_name="Visitor"))
    assert (found.speaker, found.to, found.is_player) == ("Visitor", "Ada", True)


def test_the_player_is_called_by_the_name_that_was_told_whoever_it_was_told() -> None:
    line = Turn("player", "Hello", NOW)
    knows = actor("Ada", player_name="Zoe", transcript=(line,))
    other = actor("Bob", transcript=(line,))
    found = captions(model(knows, other, player_name="Visitor"))
    assert [caption.speaker for caption in found] == ["Zoe", "Zoe"]
    (alone,) = captions(model(actor("Ada", transcript=(line,)), player_name="Visitor"))
    assert alone.speaker == "Visitor"


def test_a_caption_stays_as_long_as_reading_takes() -> None:
    text = "word " * 20
    until = reading_seconds(text.strip())
    assert shown(says("Ada", Turn("character", text.strip(), NOW - until + 0.1)))
    assert not shown(says("Ada", Turn("character", text.strip(), NOW - until - 0.1)))


def test_what_is_still_being_said_stays_however_long_it_takes() -> None:
    assert shown(says("Ada", Turn("character", "Well", NOW - 60, final=False))) == ["Well"]
    assert shown(says("Ada", Turn("character", "Well.", NOW - 60), is_speaking=True)) == ["Well."]


def test_who_speaks_now_is_not_pushed_out_by_those_who_are_done() -> None:
    speaks = says("Ada", Turn("character", "Long ago", NOW - 9, final=False))
    done = [says(n, Turn("character", n, NOW - 1)) for n in ("Bob", "Cyd", "Dan")]
    assert "Long ago" in shown(speaks, *done)


def test_captions_stand_in_the_order_of_the_talk() -> None:
    talk = (Turn("player", "Hi", NOW - 2), Turn("character", "Oh, hi", NOW - 1, final=False))
    assert shown(says("Ada", *talk)) == ["Hi", "Oh, hi"]


def test_an_interrupted_line_is_marked() -> None:
    turn = Turn("character", "I was about to", NOW - 1, interrupted=True)
    assert captions(model(says("Ada", turn)))[0].is_cut


def test_a_turn_without_words_has_no_caption() -> None:
    assert not shown(says("Ada", Turn("character", "  ", NOW, final=False)))


def test_what_somebody_said_before_gives_way_to_the_players_line() -> None:
    ada = says(
        "Ada",
        Turn("character", "Good day", NOW - 3, interrupted=True),
        Turn("player", "My name is Bob", NOW - 2),
        Turn("character", "Hello Bob", NOW - 1, final=False),
        is_speaking=True,
    )
    assert shown(ada) == ["My name is Bob", "Hello Bob"]
