"""Events of a real pygame window, on SDL's dummy display."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pygame
import pytest

from engine.app.window import Window
from engine.core.input import Input
from engine.objects.objects import Component
from engine.objects.scene import Scene

RED, BLUE, BLACK = (255, 0, 0), (0, 0, 255), (0, 0, 0)


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> Iterator[Window]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    made = Window((320, 200), "Test")
    made.poll(Input())  # the display greets with events of its own
    yield made
    made.close()


def fed(window: Window, kind: int, **fields: Any) -> Input:
    feed = Input()
    pygame.event.post(pygame.event.Event(kind, **fields))
    assert window.poll(feed)
    return feed


def test_keys_arrive_under_pygames_names(window: Window) -> None:
    assert fed(window, pygame.KEYDOWN, key=pygame.K_w, mod=0, unicode="w").get_key_down("w")
    assert fed(window, pygame.KEYDOWN, key=pygame.K_RETURN, mod=0, unicode="").get_key("return")
    assert fed(window, pygame.KEYDOWN, key=pygame.K_F5, mod=0, unicode="").get_key("f5")


def test_a_key_that_goes_up_is_let_go(window: Window) -> None:
    feed = Input()
    feed.press("w")
    pygame.event.post(pygame.event.Event(pygame.KEYUP, key=pygame.K_w, mod=0))
    window.poll(feed)
    assert not feed.get_key("w")


def test_typed_text_arrives_as_the_layout_spells_it(window: Window) -> None:
    assert fed(window, pygame.TEXTINPUT, text="é").typed == "é"


def test_mouse_buttons_come_with_the_place_of_the_pointer(window: Window) -> None:
    feed = fed(window, pygame.MOUSEBUTTONDOWN, pos=(10, 20), button=1)
    assert feed.get_mouse_button_down(1)
    assert feed.mouse_position == (10, 20)


def test_pad_sticks_buttons_and_hats_arrive_as_axes_and_keys(window: Window) -> None:
    stick = fed(window, pygame.JOYAXISMOTION, axis=1, value=-0.9, instance_id=0)
    assert stick.get_axis("vertical") == -0.9
    assert fed(window, pygame.JOYBUTTONDOWN, button=0, instance_id=0).get_key("pad 0")
    hat = fed(window, pygame.JOYHATMOTION, value=(1, -1), hat=0, instance_id=0)
    assert hat.get_button("right")
    assert hat.get_button("down")


def test_poll_returns_false_when_the_window_is_closed(window: Window) -> None:
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    assert not window.poll(Input())


def test_losing_the_focus_releases_the_keys_and_emits(window: Window) -> None:
    lost: list[Window] = []
    window.focus_lost.subscribe(lost.append)
    feed = Input()
    feed.press("t")
    pygame.event.post(pygame.event.Event(pygame.WINDOWFOCUSLOST))
    window.poll(feed)
    assert lost == [window]
    assert not feed.get_key("t")


def test_a_wider_window_gets_bars_beside_the_picture(window: Window) -> None:
    window.resize((840, 400))
    assert window.to_logical((420, 200)) == (160, 100)
    assert window.to_logical((100, 0)) == (0, 0)
    scene = Scene()
    scene.background = RED
    window.present(scene)
    assert colour_at(window, (50, 200)) == BLACK
    assert colour_at(window, (420, 200)) == RED


def test_a_scene_is_drawn_on_its_background_and_a_second_one_over_it(window: Window) -> None:
    class Patch(Component):
        def draw(self, surface: Any) -> None:
            surface.fill(BLUE, (0, 0, 10, 10))

    under, over = Scene(), Scene()
    under.background = RED
    over.add(Patch())
    over.update(0.0)
    window.present(under, over)
    assert colour_at(window, (5, 5)) == BLUE
    assert colour_at(window, (50, 50)) == RED


def test_the_camera_shows_as_much_as_the_window_holds(window: Window) -> None:
    scene = Scene(size=(2000, 2000))
    window.present(scene)
    assert scene.camera.size == (320, 200)


def test_a_screenshot_is_a_picture_in_logical_pixels(window: Window, tmp_path: Path) -> None:
    scene = Scene()
    scene.background = RED
    window.resize((640, 400))
    window.present(scene)
    window.screenshot(tmp_path / "shot.png")
    picture = pygame.image.load(tmp_path / "shot.png")
    assert picture.get_size() == (320, 200)
    assert tuple(picture.get_at((1, 1)))[:3] == RED


def test_a_recording_keeps_every_nth_frame_up_to_its_limit(window: Window) -> None:
    window.record(every=2, limit=3)
    for _ in range(10):
        window.present()
    assert len(window.recorded) == 3
    window.record(every=0)
    window.present()
    assert window.recorded == []


def test_fullscreen_can_be_left_again(window: Window) -> None:
    window.toggle_fullscreen()
    assert window.is_fullscreen
    window.toggle_fullscreen()
    assert not window.is_fullscreen


def test_a_machine_without_a_display_gets_a_sentence() -> None:
    program = "from engine.app.window import Window; Window()"
    env = {**os.environ, "SDL_VIDEODRIVER": "nosuchdriver"}
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env=env,
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "No window could be opened" in ran.stderr
    assert "--headless" in ran.stderr


def colour_at(window: Window, place: tuple[int, int]) -> tuple[int, ...]:
    display = pygame.display.get_surface()
    assert display is not None
    return tuple(display.get_at(place)[:3])
