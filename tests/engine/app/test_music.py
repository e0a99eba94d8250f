from __future__ import annotations

import logging
import os
import wave
from pathlib import Path

import pygame
import pytest

from engine.app.application import Application
from engine.app.music import MusicPlayer
from engine.core.clock import ManualClock
from engine.objects.scene import Scene


class FakeMixer:
    """Writes down what a mixer is told; it cannot decode a file called `noise.ogg`."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.is_open = False
        self.music = self

    def get_init(self) -> bool:
        return self.is_open

    def init(self) -> None:
        self.is_open = True
        self.calls.append("init")

    def quit(self) -> None:
        self.is_open = False
        self.calls.append("quit")

    def load(self, file: str) -> None:
        self.calls.append(f"load {Path(file).name}")
        if file.endswith("noise.ogg"):
            raise pygame.error("not a stream")

    def play(self, loops: int, fade_ms: int) -> None:
        self.calls.append(f"play {loops}")

    def stop(self) -> None:
        self.calls.append("stop")

    def set_volume(self, volume: float) -> None:
        self.calls.append(f"volume {volume}")


def scene_with(music: str | None) -> Scene:
    scene = Scene("Hall", clock=ManualClock())
    scene.music = None if music is None else Path(music)
    return scene


@pytest.fixture
def mixer() -> FakeMixer:
    return FakeMixer()


@pytest.fixture
def player(mixer: FakeMixer) -> MusicPlayer:
    return MusicPlayer(0.5, mixer)


def test_the_music_of_a_level_is_looped_at_the_master_volume(
    player: MusicPlayer, mixer: FakeMixer
) -> None:
    player.follow(scene_with("hum.ogg"))
    assert mixer.calls == ["init", "load hum.ogg", "volume 0.5", "play -1"]


def test_without_music_the_sound_device_stays_closed(player: MusicPlayer, mixer: FakeMixer) -> None:
    player.follow(None)
    player.follow(scene_with(None))
    assert mixer.calls == []


def test_another_level_switches_and_a_silent_one_stops(
    player: MusicPlayer, mixer: FakeMixer
) -> None:
    player.follow(scene_with("hum.ogg"))
    mixer.calls.clear()
    player.follow(scene_with("waltz.ogg"))
    player.follow(scene_with(None))
    assert mixer.calls == ["load waltz.ogg", "volume 0.5", "play -1", "stop", "quit"]


def test_the_same_file_goes_on_in_the_next_level(player: MusicPlayer, mixer: FakeMixer) -> None:
    player.follow(scene_with("hum.ogg"))
    mixer.calls.clear()
    player.follow(scene_with("hum.ogg"))
    assert mixer.calls == []


def test_the_volume_changes_while_music_plays(player: MusicPlayer, mixer: FakeMixer) -> None:
    player.volume = 2.0
    assert mixer.calls == []
    player.follow(scene_with("hum.ogg"))
    player.volume = 0.25
    assert (player.volume, mixer.calls[-1]) == (0.25, "volume 0.25")


def test_a_file_that_cannot_be_decoded_is_logged_once(
    player: MusicPlayer, mixer: FakeMixer, caplog: pytest.LogCaptureFixture
) -> None:
    scene = scene_with("noise.ogg")
    with caplog.at_level(logging.ERROR):
        player.follow(scene)
        player.follow(scene)
    assert len(caplog.messages) == 1
    assert "The music of level 'Hall', noise.ogg, cannot be played" in caplog.messages[0]
    assert not mixer.is_open


def test_an_application_plays_the_active_level_on_pygames_mixer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "SDL_VIDEODRIVER", "dummy")
    monkeypatch.setitem(os.environ, "SDL_AUDIODRIVER", "dummy")
    with wave.open(str(tmp_path / "hum.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(1600))
    clock = ManualClock()
    with Application(data_dir=tmp_path, clock=clock, sleep=clock.advance) as app:
        scene = app.new_scene()
        scene.music = tmp_path / "hum.wav"
        app.scenes.open_scene = lambda _: scene
        app.scenes.load("hall")
        app.tick()
        assert pygame.mixer.music.get_busy()
    assert not pygame.mixer.get_init()


def test_a_headless_application_has_no_music() -> None:
    assert Application(headless=True, clock=ManualClock()).music is None


def test_the_volume_of_the_game_is_on_top_of_that_of_the_music(mixer: FakeMixer) -> None:
    player = MusicPlayer(0.4, mixer)
    player.master = 0.5
    player.follow(scene_with("rain.ogg"))
    player.master = 0.0
    assert [call for call in mixer.calls if call.startswith("volume")] == [
        "volume 0.2",
        "volume 0.0",
    ]
    assert player.volume == 0.4


def test_an_application_tells_how_loud_the_game_is() -> None:
    with Application("Test", headless=True) as application:
        told: list[float] = []
        application.volume_changed.subscribe(told.append)
        application.volume = 1.5
        application.volume = 0.25
        assert (application.volume, told) == (0.25, [1.0, 0.25])
