"""Events of a real pygame window, on SDL's dummy display."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pygame
import pytest

from engine.app.window import LEAST_SCALE, SETTLED_FRAMES, ScaleMode, Window
from engine.core.input import Input
from engine.objects.objects import Component
from engine.objects.scene import Scene
from engine.prefs.prefs import PlayerPrefs
from engine.ui.geometry import Rect, scale_of

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


class Cross(Component):
    """Draws with pygame, in logical pixels."""

    def draw(self, surface: Any) -> None:
        pygame.draw.rect(surface, BLUE, (20, 20, 2, 2))


class SharpCross(Component):
    """Draws at the scale of the screen."""

    draws_sharp: ClassVar[bool] = True
    scales: ClassVar[list[float]] = []

    def draw(self, surface: Any) -> None:
        self.scales.append(scale_of(surface))
        surface.fill(BLUE, (100.25, 100, 0.25, 1))


def shown(window: Window, component: Component, mode: ScaleMode = ScaleMode.SMOOTH) -> Scene:
    """Return a scene that was presented until the window had settled."""
    scene = Scene()
    scene.background = RED
    scene.add(component)
    scene.update(0.0)
    window.set_scale_mode(mode)
    window.present(scene)
    return scene


def test_a_picture_is_drawn_at_the_scale_of_the_window_once_it_keeps_its_size(
    window: Window,
) -> None:
    window.resize((1280, 800))
    scene = shown(window, SharpCross())
    assert window.canvas.get_size() == (1280, 800)
    assert scene.camera.scale == SharpCross.scales[-1] == 4
    assert colour_at(window, (400, 400)) == RED
    assert colour_at(window, (401, 400)) == BLUE  # a quarter of a logical pixel
    window.resize((640, 400))
    for _ in range(SETTLED_FRAMES):
        window.present(scene)
        assert window.scale == 4  # somebody may be pulling at its edge
    window.present(scene)
    assert window.scale == 2 and window.canvas.get_size() == (640, 400)


def test_a_small_window_is_drawn_small(window: Window) -> None:
    window.resize((160, 100))
    shown(window, Cross())
    assert window.canvas.get_size() == (160, 100)
    assert colour_at(window, (10, 10)) == BLUE


def test_a_component_of_a_game_draws_in_logical_pixels_at_every_scale(window: Window) -> None:
    window.resize((960, 600))
    shown(window, Cross())
    assert [colour_at(window, (x, 62)) for x in (57, 62, 68)] == [RED, BLUE, RED]


def test_a_class_that_draws_for_itself_says_for_itself_how(window: Window) -> None:
    class Marked(SharpCross):
        def draw(self, surface: Any) -> None:
            super().draw(surface)
            pygame.draw.rect(surface, BLUE, (20, 20, 2, 2))  # which only takes pygame's own

    window.resize((960, 600))
    scene = shown(window, Marked())
    assert scene.find_components(Marked) and SharpCross.scales[-1] == 1
    assert colour_at(window, (62, 62)) == BLUE


def test_whole_pixels_have_bars_where_a_multiple_does_not_fit(window: Window) -> None:
    window.resize((1000, 600))
    shown(window, Cross(), ScaleMode.WHOLE)
    assert window.scale == 3
    assert [colour_at(window, (x, 60)) for x in (19, 20, 20 + 59, 20 + 60, 20 + 65, 20 + 66)] == [
        BLACK, RED, RED, BLUE, BLUE, RED,
    ]  # fmt: skip
    assert window.to_logical((20, 0)) == (0, 0)


def test_what_the_player_chose_for_the_picture_is_kept(window: Window) -> None:
    prefs = PlayerPrefs.in_memory("for a test")
    window.remember(prefs)
    window.toggle_fullscreen()
    window.set_scale_mode("whole")
    window.toggle_fullscreen()
    window.remember(prefs)
    assert not window.is_fullscreen and window.scale_mode is ScaleMode.WHOLE
    window.toggle_fullscreen()
    window.is_fullscreen = False
    window.set_scale_mode(ScaleMode.SMOOTH)
    prefs.set_string("window.scale", "whole")
    window.remember(prefs)
    assert window.is_fullscreen and window.scale_mode is ScaleMode.WHOLE
    prefs.set_string("window.scale", "from another version")
    window.remember(prefs)
    assert window.scale_mode is ScaleMode.WHOLE


def test_f11_and_alt_enter_fill_the_screen(window: Window) -> None:
    fed(window, pygame.KEYDOWN, key=pygame.K_F11, mod=0, unicode="")
    assert window.is_fullscreen
    fed(window, pygame.KEYDOWN, key=pygame.K_RETURN, mod=pygame.KMOD_ALT, unicode="")
    assert not window.is_fullscreen


@pytest.mark.parametrize(
    ("screen", "times"),
    [((1920, 1080), 1), ((2560, 1440), 1), ((3840, 2160), 2), ((7680, 4320), 4)],
)
def test_a_window_on_a_large_screen_is_no_stamp(
    monkeypatch: pytest.MonkeyPatch, screen: tuple[int, int], times: int
) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr(pygame.display, "get_desktop_sizes", lambda: [screen])
    made = Window((960, 600), "Test")
    assert pygame.display.get_window_size() == (960 * times, 600 * times)
    assert made.scale == times
    made.close()


def test_the_place_of_a_text_is_told_in_pixels_of_the_window(window: Window) -> None:
    window.resize((840, 400))
    assert window.to_window(Rect(10, 10, 20, 5)) == (120, 20, 40, 10)


@pytest.mark.parametrize("size", [(1, 1), (40, 30), (3000, 40)])
def test_the_smallest_window_is_drawn_too(window: Window, size: tuple[int, int]) -> None:
    window.resize(size)
    shown(window, Cross())
    assert window.scale == LEAST_SCALE
