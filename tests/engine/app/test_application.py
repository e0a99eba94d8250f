from __future__ import annotations

import gc
import itertools
import os
import stat
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import pygame
import pytest

from engine.app.application import FRAME_ORDER, Application, settle_memory
from engine.core.clock import ManualClock
from engine.core.input import Input
from engine.objects.objects import Component
from engine.objects.scene import Scene
from engine.scenes.manager import SceneManager, SceneSteps
from tests.engine.helpers import Counter

FRAME = 1 / 60


def make_application(clock: ManualClock | None = None, folder: Path | None = None) -> Application:
    clock = clock or ManualClock()
    return Application(headless=True, data_dir=folder, clock=clock, sleep=clock.advance)


def enter(app: Application, name: str = "clinic") -> Scene:
    app.scenes.open_scene = app.new_scene
    load = app.scenes.load(name)
    app.tick()
    assert load.scene is not None
    return load.scene


def test_a_second_of_running_is_sixty_frames() -> None:
    clock = ManualClock()
    app = make_application(clock)
    app.run(until=lambda: clock.now() >= 1.0 - FRAME)
    assert app.time.frame == 60
    assert app.time.delta == pytest.approx(FRAME)


def test_quit_ends_the_loop_after_the_frame() -> None:
    app = make_application()
    app.frame.subscribe(lambda time: app.quit() if time.frame == 3 else None)
    app.run()
    assert (app.time.frame, app.is_quitting) == (3, True)


def test_a_long_frame_is_shortened_for_the_game_but_kept_unscaled() -> None:
    clock = ManualClock()
    app = make_application(clock)
    app.tick()
    clock.advance(3.0)
    app.tick()
    assert (app.time.delta, app.time.unscaled_delta) == (0.1, 3.0)


def test_the_loop_keeps_real_time_and_does_not_hurry_after_a_long_frame() -> None:
    clock = ManualClock()
    app = make_application(clock)
    starts: list[float] = []
    app.frame.subscribe(lambda time: starts.append(time.now))
    app.frame.subscribe(lambda time: clock.advance(0.5) if time.frame == 2 else None)
    app.run(until=lambda: app.time.frame >= 5)
    gaps = [b - a for a, b in itertools.pairwise(starts)]
    assert gaps == pytest.approx([FRAME, 0.5, FRAME, FRAME], abs=1e-6)


def test_slow_work_inside_a_frame_does_not_slow_the_beat() -> None:
    clock = ManualClock()
    app = make_application(clock)
    app.frame.subscribe(lambda _: clock.advance(0.010))
    app.run(until=lambda: app.time.frame >= 61)
    assert app.time.now == pytest.approx(1.0)


def test_the_order_of_a_frame_is_data_and_each_step_is_a_method() -> None:
    log: list[str] = []

    class Traced(Application):
        def __getattribute__(self, name: str) -> object:
            if name in FRAME_ORDER:
                return lambda: log.append(name)
            return super().__getattribute__(name)

    Traced(headless=True, clock=ManualClock()).tick()
    assert tuple(log) == FRAME_ORDER


def test_a_shared_input_lasts_through_the_frame_and_ends_with_it() -> None:
    app = make_application()
    seen: list[bool] = []

    class Reader(Component):
        def update(self, dt: float) -> None:
            seen.append(self.input.get_key_down("e"))

    enter(app).add(Reader())
    app.input.press("e")
    app.tick()
    app.tick()
    assert seen == [True, False]


def test_a_scene_of_the_application_shares_its_parts_and_finds_its_services() -> None:
    app = make_application()
    service = Counter()
    app.provide(service)
    scene = app.new_scene("clinic", (2000, 1000))
    assert (scene.clock, scene.dispatcher, scene.input) == (app.clock, app.dispatcher, app.input)
    assert scene.get_service(Application) is app
    assert scene.get_service(SceneManager) is app.scenes
    assert scene.get_service(Counter) is service
    assert (scene.size, scene.camera.size) == ((2000, 1000), app.size)


def test_posted_actions_run_even_without_a_level() -> None:
    app, ran = make_application(), list[str]()
    app.dispatcher.post(lambda: ran.append("posted"))
    app.tick()
    assert ran == ["posted"]


def test_the_data_folder_is_made_for_this_user_only(tmp_path: Path) -> None:
    path = make_application(folder=tmp_path / "deep" / "data").persistent_data_path
    assert path == tmp_path / "deep" / "data"
    assert sys.platform == "win32" or stat.S_IMODE(path.stat().st_mode) == 0o700


def test_without_a_folder_the_platform_says_where_data_belongs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("XDG_DATA_HOME", "HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA"):
        monkeypatch.setenv(variable, str(tmp_path))
    for name, company, ending in (
        ("Salt", "", ("Salt",)),
        ("Salt", "Mine", ("Mine", "Salt")),
        ("Salt: part 2/3", "", ("Salt_ part 2_3",)),
    ):
        path = Application(name, company, headless=True).persistent_data_path
        assert path.is_dir()
        assert path.parts[-len(ending) :] == ending


def test_preferences_are_opened_on_first_use_and_kept_for_the_next_run(tmp_path: Path) -> None:
    with make_application(folder=tmp_path) as app:
        assert not (tmp_path / "prefs.msgpack").exists()
        app.prefs.set_int("visits", 3)
    with make_application(folder=tmp_path) as app:
        assert app.prefs.get_int("visits", 0) == 3


def test_closing_leaves_the_level_and_may_be_done_twice() -> None:
    app = make_application()
    scene = enter(app)
    app.close()
    app.close()
    assert scene.is_closed


def is_black() -> bool:
    """Tell whether the player sees nothing."""
    shown = pygame.display.get_surface()
    assert shown is not None
    return not pygame.surfarray.array3d(shown).any()


def test_the_window_is_never_black_while_the_first_level_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    seen: list[bool] = []

    def open_scene(name: str) -> SceneSteps:
        scene = app.new_scene(name)
        scene.background = (200, 220, 240)
        for _ in range(3):
            seen.append(is_black())  # before the slow work of a step
            clock.advance(1.0)
            yield
        return scene

    clock = ManualClock()
    app = Application("Slow", open_scene=open_scene, clock=clock, sleep=clock.advance)
    with app:
        seen.append(is_black())  # before the game is put together
        app.scenes.load("hall")
        while app.scenes.active is None or not app.scenes.active.time.frame:
            app.tick()
            seen.append(is_black())
        assert not any(seen) and len(seen) == 9


def test_the_old_level_is_shown_until_the_new_one_has_had_a_frame(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    clock = ManualClock()
    with Application("Doors", clock=clock, sleep=clock.advance) as app:
        hall = enter(app, "hall")
        hall.background = (200, 0, 0)
        app.tick()
        app.scenes.load("ward")
        app.tick()
        assert app.scenes.active is not hall
        assert pygame.display.get_surface().get_at((5, 5)).r == 200
        app.tick()
        assert is_black()  # as the new level wants it


def test_an_application_without_an_opener_says_how_to_give_it_one() -> None:
    app = make_application()
    load = app.scenes.load("clinic")
    app.tick()
    assert "pass open_scene= to Application" in str(load.error)


def test_two_applications_know_nothing_of_each_other(tmp_path: Path) -> None:
    first, second = (make_application(folder=tmp_path / n) for n in ("one", "two"))
    counters = [enter(app).add(Counter()) for app in (first, second)]
    first.tick()
    first.input.press("w")
    first.prefs.set_string("name", "Ada")
    assert [c.updates for c in counters] == [1, 0]
    assert not second.input.get_key("w")
    assert second.prefs.get_string("name", "") == ""
    first.close()
    second.close()


def test_a_headless_application_never_imports_pygame() -> None:
    program = (
        "import sys; from engine import Application; app = Application(headless=True); "
        "app.tick(); app.close(); sys.exit('pygame' in sys.modules)"
    )
    root = Path(__file__).parents[3]
    ran = subprocess.run([sys.executable, "-c", program], timeout=30, check=False, cwd=root)
    assert ran.returncode == 0


def test_the_terminal_of_a_game_has_no_greeting_of_pygame() -> None:
    program = "from engine import Application\nwith Application('Quiet'): pass"
    environment = {name: text for name, text in os.environ.items() if "PYGAME" not in name}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**environment, "SDL_VIDEODRIVER": "dummy"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == ""


def test_the_input_of_a_scene_without_an_application_is_its_own() -> None:
    assert isinstance(Scene().input, Input)
    assert Scene().input is not Scene().input


class Ring:
    """Something that only the search for cycles frees."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_is_unreachable_is_freed() -> None:
    ring = weakref.ref(Ring())
    settle_memory()
    assert ring() is None


def test_what_remains_is_not_searched_again_until_the_next_level() -> None:
    ring = Ring()
    seen = weakref.ref(ring)
    settle_memory()
    del ring
    gc.collect()
    assert seen() is not None
    settle_memory()
    assert seen() is None
