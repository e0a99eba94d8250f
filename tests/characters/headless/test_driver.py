from __future__ import annotations

import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from characters.audio.signal import Samples
from characters.client.config import MessageRefused, TextRefused
from characters.client.runtime import Runtime
from characters.components.character import Character
from characters.components.faults import Faults
from characters.components.manager import CharacterManager
from characters.components.player import Door, Player
from characters.headless.driver import Lookup, SceneDriver
from characters.headless.script import Script, Step, StepError
from characters.protocol.messages import ContextUpdate, ServerResponse, UserTextMessage
from characters.session.conversation import SessionState, Turn
from engine.app.application import Application
from engine.core.clock import ManualClock
from engine.objects.physics import BoxCollider
from engine.objects.scene import Scene
from tests.characters.components.fakes import FakeRuntime, FakeService
from tests.toml_text import parse_toml

S = SessionState


def save_wav(path: Path, samples: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(2 * samples))


class Recording:
    """A microphone that speaks for as long as it is told to."""

    def __init__(self) -> None:
        self.is_speaking = False
        self.played: list[int] = []

    def speak(self, samples: Samples) -> None:
        self.is_speaking = True
        self.played.append(samples.size)


class Game:
    """An application with a level: a nurse to the right, a wall with a door to the left."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.app = Application(
            data_dir=folder,
            headless=True,
            open_scene=self.level,
            clock=self.clock,
            sleep=self.clock.advance,
        )
        self.runtime = FakeRuntime()
        self.service = FakeService()
        self.recording = Recording()
        self.app.provide(self.runtime, Runtime)
        faults = Faults(self.runtime, self.service)  # type: ignore[arg-type]  # fakes
        self.driver = SceneDriver(self.app, self.runtime, faults, folder, self.recording)  # type: ignore[arg-type]  # a fake
        self.app.scenes.load("ward")
        self.frames(2)

    def level(self, name: str) -> Scene:
        if name == "cellar":
            raise LookupError("there is no cellar")
        scene = self.app.new_scene(name.title())
        scene.add(CharacterManager())
        scene.create("Player", (400, 300)).add(Player())
        scene.create("Nurse", (700, 300)).add(Character("nurse"))
        scene.create("Gate", (100, 300)).add(Door("garden", size=(40, 40)))
        scene.create("Locked in", (400, 500)).add(BoxCollider(size=(200, 200)))
        return scene

    def frames(self, count: int) -> None:
        for _ in range(count):
            self.app.tick()
            self.clock.advance(1 / 60)

    def do(self, text: str, frames: int = 1) -> bool:
        """Begin a step and say whether it is done after so many frames."""
        step = self.step(text)
        self.driver.begin(step)
        self.frames(frames)
        return self.driver.is_done(step)

    def step(self, text: str) -> Step:
        (step,) = parse_toml("[[step]]\n" + text.replace(";", "\n"), Script).step
        return step

    @property
    def player(self) -> Player:
        assert self.app.scenes.active is not None
        (player,) = self.app.scenes.active.find_components(Player)
        return player

    def commands(self) -> list[str]:
        return self.runtime.sessions["nurse"].commands[1:]

    def nurse_becomes(self, state: SessionState) -> None:
        session = self.runtime.sessions["nurse"]
        change = session.becomes(state)
        session.note(change)


@pytest.fixture
def game(tmp_path: Path) -> Game:
    return Game(tmp_path)


NURSE = 'character = "nurse"'


def test_saying_goes_through_the_player(game: Game) -> None:
    game.nurse_becomes(S.CONNECTED)
    assert game.do(f'do = "say";{NURSE};text = "Hello."')
    assert game.commands() == ["text Hello."]


def test_an_answer_is_asked_for(game: Game) -> None:
    with pytest.raises(StepError, match="DISCONNECTED"):
        game.do(f'do = "respond";{NURSE}')
    game.nurse_becomes(S.CONNECTED)
    assert game.do(f'do = "respond";{NURSE}')
    assert game.do(f'do = "respond";{NURSE};about = "the storm"')
    assert game.commands() == ["respond", "respond the storm"]


def test_a_line_that_is_refused_is_an_error_with_the_reason(game: Game) -> None:
    with pytest.raises(StepError, match="not connected"):
        game.do(f'do = "say";{NURSE};text = "Hello."')


def test_a_line_that_is_refused_later_fails_the_step_of_then(game: Game) -> None:
    game.nurse_becomes(S.CONNECTING)
    assert game.do(f'do = "say";{NURSE};text = "Hello."')
    game.runtime.sessions["nurse"].events.emit(TextRefused("nurse", "Hello.", "Too late."))
    with pytest.raises(StepError, match=r"said to nurse did not go out: Too late"):
        game.driver.view("nurse")


def test_a_line_that_waits_for_the_connection_is_said_once_it_stands_in_the_transcript(
    game: Game,
) -> None:
    game.nurse_becomes(S.CONNECTING)
    session = game.runtime.sessions["nurse"]
    said, session.send_text = session.send_text, lambda text: None  # type: ignore[method-assign]
    assert game.do(f'do = "say";{NURSE};text = "Hello."') and not game.driver.has_said_all()
    said("Hello.")
    assert game.driver.has_said_all()


def test_a_line_that_was_said_long_ago_or_taken_back_waits_for_nothing(game: Game) -> None:
    session = game.runtime.sessions["nurse"]
    game.nurse_becomes(S.CONNECTED)
    assert game.do(f'do = "say";{NURSE};text = "Hello."')
    answers = [Turn("character", "Yes.", t=float("inf"))] * 20
    session.view = replace(session.view, transcript=(*session.view.transcript, *answers))
    assert game.driver.has_said_all()
    session.view = replace(session.view, transcript=())
    assert game.driver.has_said_all()


def test_a_line_with_blanks_around_it_that_is_refused_later_fails_too(game: Game) -> None:
    game.nurse_becomes(S.CONNECTING)
    assert game.do(f'do = "say";{NURSE};text = " Hello.\\n"')
    game.runtime.sessions["nurse"].events.emit(TextRefused("nurse", "Hello.", "Too late."))
    with pytest.raises(StepError, match="Too late"):
        game.driver.view("nurse")


def test_a_line_that_the_service_refuses_fails_the_step_of_then(game: Game) -> None:
    game.nurse_becomes(S.CONNECTED)
    assert game.do(f'do = "say";{NURSE};text = "Hello."')
    full = ServerResponse(UserTextMessage.TYPE, "error", "Too much at once.")
    game.runtime.sessions["nurse"].events.emit(full)
    with pytest.raises(StepError, match="Too much at once"):
        game.driver.view("nurse")


def test_a_line_without_words_fails_its_step(game: Game) -> None:
    game.nurse_becomes(S.CONNECTING)
    with pytest.raises(StepError, match="no words"):
        game.do(f'do = "say";{NURSE};text = "  "')


@pytest.mark.parametrize(
    "event",
    [
        MessageRefused("nurse", ContextUpdate.TYPE, "She has left."),
        ServerResponse(ContextUpdate.TYPE, "error", "She has left."),
    ],
)
def test_an_answer_that_nobody_gives_fails_the_step_of_then(game: Game, event: object) -> None:
    game.nurse_becomes(S.CONNECTED)
    assert game.do(f'do = "respond";{NURSE}')
    game.runtime.sessions["nurse"].events.emit(event)
    with pytest.raises(StepError, match="nurse was not asked to respond: She has left"):
        game.driver.view("nurse")


def test_what_is_refused_after_an_answer_was_asked_for_is_no_fault_of_that_step(
    game: Game,
) -> None:
    game.nurse_becomes(S.CONNECTED)
    assert game.do(f'do = "respond";{NURSE}')
    events = game.runtime.sessions["nurse"].events
    events.emit(ServerResponse(ContextUpdate.TYPE, "success", "Updated."))
    events.emit(MessageRefused("nurse", ContextUpdate.TYPE, "What a trigger sends."))
    assert game.driver.view("nurse")


def test_walking_to_somebody_ends_beside_them_and_facing_them(game: Game) -> None:
    assert not game.do(f'do = "walk_to";{NURSE}', frames=2)
    game.frames(200)
    assert game.driver.is_done(game.step(f'do = "walk_to";{NURSE}'))
    assert 40 < 700 - game.player.transform.position[0] < 100
    assert game.player.facing[0] > 0.9


def test_walking_to_a_point_in_the_level(game: Game) -> None:
    assert game.do('do = "walk_to";position = [500, 250]', frames=120)


def test_a_way_that_is_blocked_is_an_error(game: Game) -> None:
    with pytest.raises(StepError, match="in the way"):
        game.do('do = "walk_to";object = "Locked in"', frames=200)


def test_walking_into_a_door_is_done_when_the_other_level_is_there(game: Game) -> None:
    assert game.do('do = "walk_to";object = "Gate"', frames=200)
    assert game.app.scenes.active is not None
    assert game.app.scenes.active.name == "Garden"


def test_a_key_is_down_for_its_time_and_then_up(game: Game) -> None:
    assert not game.do('do = "key";key = "d";seconds = 0.5', frames=10)
    assert game.app.input.get_key("d")
    game.frames(30)
    step = game.step('do = "key";key = "d"')
    assert not game.driver.is_done(step)
    game.frames(1)
    assert game.driver.is_done(step)
    assert not game.app.input.get_key("d")
    assert game.player.transform.position[0] > 450


def test_a_recording_waits_for_an_open_microphone_and_ends_with_its_last_sound(
    game: Game, tmp_path: Path
) -> None:
    save_wav(tmp_path / "hello.wav", 480)
    text = f'do = "speak_wav";{NURSE};file = "hello.wav"'
    assert not game.do(text, frames=3)
    assert game.recording.played == []
    game.runtime.voice_input.open_for("nurse")
    assert not game.driver.is_done(game.step(text))
    assert game.recording.played == [480]
    game.recording.is_speaking = False
    assert game.driver.is_done(game.step(text))
    assert game.runtime.voice_input.target == "nurse"


@pytest.mark.parametrize("content", [b"", b"Hello, I am a text."])
def test_what_is_no_recording_fails_its_step(game: Game, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "hello.wav").write_bytes(content)
    with pytest.raises(StepError, match=r"hello\.wav is not a WAV file"):
        game.do(f'do = "speak_wav";{NURSE};file = "hello.wav";at_once = true')


def test_a_step_that_breaks_after_it_has_begun_fails(game: Game, tmp_path: Path) -> None:
    save_wav(tmp_path / "hello.wav", 480)
    text = f'do = "speak_wav";{NURSE};file = "hello.wav";at_once = true'
    game.recording.speak = None  # type: ignore[assignment, method-assign]  # a defect
    for _ in range(2):
        with pytest.raises(StepError, match="not callable"):
            game.do(text)


def test_a_recording_that_is_not_there_is_named(game: Game) -> None:
    with pytest.raises(StepError, match=r"hello\.wav"):
        game.do(f'do = "speak_wav";{NURSE};file = "hello.wav"')


def test_commands_reach_the_session(game: Game) -> None:
    game.do(f'do = "connect";{NURSE}')
    game.do(f'do = "disconnect";{NURSE}')
    game.do(f'do = "retry";{NURSE}')
    assert game.commands() == ["connect", "disconnect", "connect"]


def test_a_cut_is_done_when_the_session_has_noticed(game: Game) -> None:
    game.nurse_becomes(S.CONNECTED)
    assert not game.do('do = "cut"', frames=3)
    game.nurse_becomes(S.RECONNECTING)
    game.nurse_becomes(S.CONNECTED)
    assert game.driver.is_done(game.step('do = "cut"'))


def test_the_service_is_killed_and_everybody_has_noticed(game: Game) -> None:
    game.nurse_becomes(S.CONNECTED)
    text = 'do = "kill_service"'
    assert not game.do(text)
    game.service.settled.wait(5)
    game.nurse_becomes(S.RECONNECTING)
    assert not game.service.is_running


def test_a_level_that_does_not_load_is_an_error(game: Game) -> None:
    with pytest.raises(StepError, match="no cellar"):
        game.do('do = "load_scene";scene = "cellar"', frames=3)


def test_a_level_is_loaded_when_it_has_had_a_frame(game: Game) -> None:
    assert game.do('do = "load_scene";scene = "garden"', frames=3)


def test_quitting_ends_the_application(game: Game) -> None:
    assert game.do('do = "quit"')
    assert game.app.is_quitting


@pytest.mark.parametrize(
    "text",
    [
        'do = "say";character = "nrse";text = "x"',
        'do = "connect";character = "nrse"',
        'do = "cut";character = "nrse"',
        'do = "talk_to";character = "nrse"',
    ],
)
def test_an_unknown_name_is_answered_with_those_there_are(game: Game, text: str) -> None:
    with pytest.raises(StepError, match="nurse"):
        game.do(text)


def lookup(folder: Path, *, with_level: bool = True) -> Lookup:
    def ward(name: str) -> Scene:
        scene = app.new_scene("Ward")
        scene.add(CharacterManager())
        scene.create("Anna").add(Character("nurse-1", session_key="anna"))
        return scene

    app = Application(data_dir=folder, headless=True, open_scene=ward)
    runtime = FakeRuntime()
    app.provide(runtime, Runtime)
    if with_level:
        app.scenes.load("ward")
        app.tick()
        app.tick()
    return Lookup(app, runtime)  # type: ignore[arg-type]  # a fake


@pytest.mark.parametrize("name", ["anna", "nurse-1"])
def test_a_character_answers_to_its_key_and_to_its_id(tmp_path: Path, name: str) -> None:
    it = lookup(tmp_path)
    assert it.character(name).key == "anna"
    assert it.session(name).key == "anna"


@pytest.mark.parametrize("find", [Lookup.character, Lookup.session])
def test_a_wrong_name_is_answered_with_the_right_ones(
    tmp_path: Path, find: Callable[[Lookup, str], object]
) -> None:
    with pytest.raises(StepError, match="anna"):
        find(lookup(tmp_path), "bert")


def test_a_level_without_a_player_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="'Ward' has no Player"):
        _ = lookup(tmp_path).player


def test_before_a_level_is_loaded_there_is_nothing_to_find(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="no level"):
        _ = lookup(tmp_path, with_level=False).scene
