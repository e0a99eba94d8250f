from __future__ import annotations

import threading
from typing import Any

import pygame
import pytest

from engine.core.clock import ManualClock
from engine.core.events import Dispatcher
from engine.core.input import Input
from engine.objects.objects import Component
from engine.objects.scene import Camera, Scene, WrongThreadError
from tests.engine.helpers import Counter, Painter, Recorder, Sign, make_scene


class Stopwatch(Component):
    """Write down the seconds of each hook."""

    fixed: list[float]
    updates: list[float]

    def fixed_update(self, dt: float) -> None:
        self.fixed.append(dt)

    def update(self, dt: float) -> None:
        self.updates.append(dt)


@pytest.fixture
def scene() -> Scene:
    return make_scene()


@pytest.fixture
def stopwatch(scene: Scene) -> Stopwatch:
    return scene.add(Stopwatch([], []))


# time


def test_time_scale_slows_the_game_and_not_the_clock(scene: Scene, stopwatch: Stopwatch) -> None:
    scene.time_scale = 0.5
    scene.update(0.1)
    assert stopwatch.updates == [0.05]
    assert (scene.time.delta, scene.time.unscaled_delta, scene.time.scale) == (0.05, 0.1, 0.5)


def test_a_time_scale_of_zero_calls_update_with_zero_and_no_fixed_update(
    scene: Scene, stopwatch: Stopwatch
) -> None:
    scene.time_scale = 0.0
    scene.update(1.0)
    assert (stopwatch.updates, stopwatch.fixed) == ([0.0], [])


def test_a_time_scale_that_is_changed_in_mid_frame_counts_from_the_next_one(scene: Scene) -> None:
    class Brake(Component):
        def update(self, dt: float) -> None:
            self.scene.time_scale = 0.5

    scene.add(Brake())
    scene.update(0.1)
    assert (scene.time.delta, scene.time.scale) == (0.1, 1.0)
    scene.update(0.1)
    assert (scene.time.delta, scene.time.scale) == (0.05, 0.5)


def test_a_time_scale_below_zero_is_refused(scene: Scene) -> None:
    with pytest.raises(ValueError, match="cannot run backwards"):
        scene.time_scale = -1.0


def test_fixed_updates_come_in_equal_steps_and_carry_over_what_is_left(
    scene: Scene, stopwatch: Stopwatch
) -> None:
    scene.update(0.05)
    assert stopwatch.fixed == [0.02, 0.02]
    scene.update(0.01)
    assert len(stopwatch.fixed) == 3


def test_a_second_of_frames_makes_as_many_fixed_steps_as_their_sum(
    scene: Scene, stopwatch: Stopwatch
) -> None:
    for _ in range(60):
        scene.update(1 / 60)
    assert len(stopwatch.fixed) == 50


def test_a_frame_of_a_minute_does_not_drown_in_fixed_updates(
    scene: Scene, stopwatch: Stopwatch
) -> None:
    scene.update(60.0)
    assert len(stopwatch.fixed) == 10


def test_fixed_updates_come_before_the_update_of_their_frame(scene: Scene) -> None:
    log: list[str] = []
    scene.add(Recorder(log))
    log.clear()
    scene.update(0.04)
    assert log == ["start", "fixed_update", "fixed_update", "update", "late_update"]


def test_the_frame_knows_its_number_its_moment_and_the_game_time() -> None:
    clock = ManualClock(100.0)
    scene = Scene(clock=clock)
    scene.update(0.5)
    clock.advance(0.25)
    scene.update(0.25)
    assert (scene.time.frame, scene.time.now, scene.time.elapsed) == (2, 100.25, 0.75)


# finding


def test_objects_are_found_by_name_and_tag_while_they_are_active(scene: Scene) -> None:
    lamp = scene.create("Lamp", tag="light")
    asleep = scene.create("Lamp", tag="light", active=False)
    assert scene.find("Lamp") is lamp
    assert scene.find_with_tag("light") == [lamp]
    lamp.destroy()
    assert scene.find("Lamp") is None
    asleep.set_active(True)
    assert scene.find("Lamp") is asleep


def test_components_are_found_by_their_class_or_a_base_of_it(scene: Scene) -> None:
    class Special(Counter):
        pass

    plain, special = scene.add(Counter()), scene.add(Special())
    asleep = scene.create("Asleep", active=False).add(Counter())
    assert scene.find_components(Counter) == [plain, special]
    assert scene.find_components(Counter, include_inactive=True) == [plain, asleep, special]
    assert scene.find_component(Special) is special


def test_a_destroyed_component_is_not_found_any_more(scene: Scene) -> None:
    counter = scene.add(Counter())
    counter.game_object.destroy()
    assert scene.find_components(Counter) == []
    scene.update(0.0)
    assert scene.find_components(Counter, include_inactive=True) == []


# drawing


def test_the_world_is_drawn_by_layer_then_by_depth(scene: Scene) -> None:
    for label, y, layer in (("near", 9, 0), ("roof", 0, 1), ("far", 1, 0)):
        scene.create(label, (0, y), layer=layer).add(Painter(label))
    scene.update(0.0)
    surface: list[str] = []
    scene.draw(surface)
    assert surface == ["far", "near", "roof"]


def test_an_object_that_comes_nearer_is_drawn_over_the_others(scene: Scene) -> None:
    walker = scene.add(Painter("walker"))
    scene.create("Tree", (0, 5)).add(Painter("tree"))
    scene.update(0.0)
    scene.draw([])
    walker.transform.position = (0, 8)
    surface: list[str] = []
    scene.draw(surface)
    assert surface == ["tree", "walker"]


def test_a_child_is_drawn_at_the_depth_that_its_parent_carries_it_to(scene: Scene) -> None:
    cart = scene.create("Cart")
    scene.create("Load", parent=cart).add(Painter("load"))
    scene.create("Tree", (0, 5)).add(Painter("tree"))
    scene.update(0.0)
    scene.draw([])
    cart.transform.translate(0, 9)
    surface: list[str] = []
    scene.draw(surface)
    assert surface == ["tree", "load"]


class Canvas(list[str]):
    """A surface that notes its fillings, too."""

    def fill(self, colour: tuple[int, int, int]) -> None:
        self.append(f"fill {colour}")


def test_a_scene_is_drawn_on_its_background_or_over_what_is_there(scene: Scene) -> None:
    scene.background = (1, 2, 3)
    scene.add(Painter("world"))
    scene.update(0.0)
    alone, over = Canvas(), Canvas()
    scene.draw(alone)
    scene.draw(over, clears=False)
    assert (alone, over) == (["fill (1, 2, 3)", "world"], ["world"])


def test_the_screen_is_drawn_over_the_world(scene: Scene) -> None:
    scene.add(Sign("caption"))
    scene.add(Painter("world"))
    scene.update(0.0)
    surface: list[str] = []
    scene.draw(surface)
    assert surface == ["world", "caption"]


def test_a_failing_draw_leaves_the_rest_of_the_picture(scene: Scene) -> None:
    class Torn(Component):
        def draw(self, surface: Any) -> None:
            raise RuntimeError("no picture")

    errors: list[str] = []
    scene.on_error.subscribe(lambda e: errors.append(e.hook))
    scene.add(Torn())
    scene.create("Tree", (0, 5)).add(Painter("tree"))
    scene.update(0.0)
    surface: list[str] = []
    scene.draw(surface)
    assert (surface, errors) == (["tree"], ["draw"])


def test_what_a_draw_disables_is_not_drawn_any_more(scene: Scene) -> None:
    hidden = Painter("hidden")

    class Curtain(Component):
        def draw(self, surface: Any) -> None:
            hidden.enabled = False

    scene.add(Curtain())
    scene.create("Stage", (0, 5)).add(hidden)
    scene.update(0.0)
    surface: list[str] = []
    scene.draw(surface)
    scene.draw(surface)
    assert surface == []


# services


def test_a_service_is_found_by_its_class_a_base_or_the_class_it_was_given_for(
    scene: Scene,
) -> None:
    class Store: ...

    class DiskStore(Store): ...

    disk, memory = DiskStore(), DiskStore()
    scene.provide(disk)
    assert scene.get_service(Store) is disk
    scene.provide(memory, Store)
    assert scene.get_service(Store) is memory
    assert scene.find_service(Counter) is None


def test_a_service_that_was_not_provided_is_an_error_that_says_what_there_is(
    scene: Scene,
) -> None:
    scene.provide(Input())
    with pytest.raises(LookupError, match=r"'Level' was given no Dispatcher \(it has: Input\)"):
        scene.get_service(Dispatcher)


# threads


@pytest.mark.parametrize(
    "touch",
    [
        lambda scene: scene.update(0.1),
        lambda scene: scene.create("Ghost"),
        lambda scene: scene.find("Lamp").set_active(False),
        lambda scene: scene.find("Lamp").destroy(),
        lambda scene: scene.find("Lamp").add(Counter()),
        lambda scene: setattr(scene.find_component(Painter), "enabled", False),
    ],
    ids=["update", "create", "set_active", "destroy", "add", "enabled"],
)
def test_another_thread_gets_an_error_that_names_post(scene: Scene, touch: Any) -> None:
    scene.create("Lamp").add(Painter("lamp"))
    caught: list[str] = []

    def intrude() -> None:
        try:
            touch(scene)
        except WrongThreadError as error:
            caught.append(str(error))

    thread = threading.Thread(target=intrude, name="network")
    thread.start()
    thread.join(5.0)
    assert "thread 'network'" in caught[0]
    assert "scene.dispatcher.post(action)" in caught[0]


def test_what_was_posted_runs_before_the_updates_of_the_frame(scene: Scene) -> None:
    counter = scene.add(Counter())
    scene.dispatcher.post(lambda: setattr(counter, "updates", 100))
    scene.update(0.0)
    assert counter.updates == 101


# the whole


def test_a_scene_ends_the_frame_of_its_own_input_and_leaves_a_shared_one(scene: Scene) -> None:
    shared = Input()
    shared.press("w")
    scene.input.press("w")
    Scene(input=shared).update(0.0)
    scene.update(0.0)
    assert not scene.input.get_key_down("w")
    assert shared.get_key_down("w")


def test_two_scenes_know_nothing_of_each_other() -> None:
    first, second = make_scene("One"), make_scene("Two")
    a, b = first.add(Counter()), second.add(Counter())
    first.update(0.0)
    assert (a.updates, b.updates) == (1, 0)
    assert second.find_components(Counter) == [b]


def test_a_component_that_moves_to_another_scene_before_its_start_starts_there_once() -> None:
    log: list[str] = []
    first, second = make_scene("One"), make_scene("Two")
    recorder = first.add(Recorder(log))
    second.adopt(recorder.game_object)
    first.update(0.0)
    assert log == ["awake", "on_enable"]
    second.update(0.0)
    first.update(0.0)
    assert recorder.scene is second
    assert log == ["awake", "on_enable", "start", "update", "late_update"]


def test_a_component_that_was_toggled_before_moving_starts_in_the_new_scene_alone() -> None:
    first, second = make_scene("One"), make_scene("Two")
    counter = first.add(Counter())
    counter.enabled = False
    counter.enabled = True
    second.adopt(counter.game_object)
    first.update(0.0)
    assert counter.updates == 0
    second.update(0.0)
    assert counter.updates == 1


def test_nothing_is_created_in_a_scene_that_is_being_closed(scene: Scene) -> None:
    class Spawner(Component):
        def on_destroy(self) -> None:
            self.scene.create("Ghost")

    scene.add(Spawner())
    failed: list[str] = []
    scene.on_error.subscribe(lambda error: failed.append(str(error.error)))
    scene.close()
    assert scene.objects == ()
    assert "is closed" in failed[0]


def test_closing_a_scene_destroys_everything_once(scene: Scene) -> None:
    log: list[str] = []
    scene.add(Recorder(log))
    log.clear()
    scene.close()
    scene.close()
    assert log == ["on_disable", "on_destroy"]
    assert (scene.objects, scene.is_closed) == ((), True)
    with pytest.raises(RuntimeError, match="is closed"):
        scene.create("Late")


def test_a_hook_cannot_run_a_frame_within_the_frame(scene: Scene) -> None:
    class Eager(Component):
        def update(self, dt: float) -> None:
            self.scene.update(dt)

    errors: list[str] = []
    scene.on_error.subscribe(lambda e: errors.append(str(e.error)))
    scene.add(Eager())
    scene.update(0.0)
    assert "being updated already" in errors[0]


def test_an_object_without_hooks_stands_in_no_list(scene: Scene) -> None:
    class Label(Component):
        text: str = ""

    scene.add(Label())
    scene.update(0.0)
    life = scene.lifecycle
    assert [len(phase) for phase in (life.fixed_update, life.update, life.late_update)] == [0, 0, 0]


def test_frames_in_milliseconds_are_told_once_and_a_slow_one_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = make_scene()
    for seconds in (5.0, 0.016) * 30:
        scene.update(seconds)
    assert not caplog.text
    for _ in range(100):
        scene.update(16)
    assert caplog.text.count("scene.update takes seconds, as clock.tick(60) / 1000") == 1


@pytest.mark.parametrize("seconds", [-0.01, float("nan"), float("inf")])
def test_a_frame_of_impossible_length_is_refused_and_the_next_one_runs(seconds: float) -> None:
    scene = Scene()
    with pytest.raises(ValueError, match="0 or more seconds"):
        scene.update(seconds)
    scene.update(0.02)
    assert scene.time.elapsed == 0.02


def test_the_middle_of_the_view_shows_where_the_camera_looks() -> None:
    camera = Camera(100, 50, (40, 20))
    assert camera.to_screen((100, 50)) == (20, 10)
    assert camera.to_screen((80, 40)) == (0, 0)


def test_to_world_undoes_to_screen() -> None:
    camera = Camera(31.5, -7, (960, 600))
    assert camera.to_world(camera.to_screen((12, 34))) == (12, 34)


@pytest.mark.parametrize(
    ("target", "middle"), [((500, 500), (500, 500)), ((0, 0), (50, 40)), ((999, 999), (950, 960))]
)
def test_following_stops_at_the_edges_of_the_level(
    target: tuple[float, float], middle: tuple[float, float]
) -> None:
    camera = Camera(0, 0, (100, 80))
    camera.follow(target, bounds=(1000, 1000))
    assert (camera.x, camera.y) == middle


def test_a_level_smaller_than_the_view_is_centred() -> None:
    camera = Camera(0, 0, (100, 80))
    camera.follow((0, 0), bounds=(60, 40))
    assert (camera.x, camera.y) == (30, 20)


def test_the_view_is_as_large_as_what_is_drawn_on_unless_a_size_was_set() -> None:
    scene = Scene(size=(960, 600))
    scene.draw(pygame.Surface((640, 360)))
    assert scene.camera.size == (640, 360)
    assert scene.camera.to_screen((480, 300)) == (480, 300)
    scene.draw(pygame.Surface((1280, 720)))
    assert scene.camera.size == (1280, 720)
    assert scene.camera.to_screen((480, 300)) == (480, 300)
    scene.camera.size = (800, 480)
    scene.draw(pygame.Surface((640, 360)))
    assert scene.camera.size == (800, 480)
