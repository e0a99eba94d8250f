from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.core.clock import ManualClock
from engine.objects.objects import Component
from engine.objects.scene import Scene
from engine.scenes.manager import SceneManager, SceneSteps
from tests.engine.helpers import Counter, Recorder, make_scene


class Door(Component):
    """Asks for a level in its update."""

    target: str

    def update(self, dt: float) -> None:
        self.scene.get_service(SceneManager).load(self.target, spawn="north")


@pytest.fixture
def manager() -> SceneManager:
    return SceneManager(make_scene)


def loaded(manager: SceneManager, name: str, *, additive: bool = False) -> Scene:
    load = manager.load(name, additive=additive)
    manager.update(0.0)
    assert load.scene is not None
    return load.scene


def named(scene: Scene | None) -> str | None:
    return None if scene is None else scene.name


def test_a_level_is_there_after_the_frame_in_which_it_was_asked_for(manager: SceneManager) -> None:
    load = manager.load("clinic", spawn="door")
    assert (manager.active, load.is_done, manager.loading) == (None, False, load)
    manager.update(0.0)
    assert load.is_done
    assert (named(manager.active), manager.loading) == ("clinic", None)
    assert load.scene is not None
    assert load.scene.spawn == "door"


def test_a_load_asked_for_in_an_update_waits_for_the_end_of_the_frame(
    manager: SceneManager,
) -> None:
    clinic = loaded(manager, "clinic")
    clinic.add(Door("lobby"))
    behind = clinic.add(Counter())
    manager.update(0.0)
    assert behind.updates == 1
    assert clinic.is_closed
    assert named(manager.active) == "lobby"


def test_the_signals_come_in_order_and_the_old_level_is_alive_during_them(
    manager: SceneManager,
) -> None:
    log: list[str] = []
    loaded(manager, "clinic").add(Recorder(log))
    log.clear()
    manager.scene_unloading.subscribe(lambda s: log.append(f"unloading {s.name} {s.is_closed}"))
    manager.scene_loaded.subscribe(lambda s: log.append(f"loaded {s.name}"))
    manager.load("lobby")
    manager.advance_loading()
    assert log == ["unloading clinic False", "on_disable", "on_destroy", "loaded lobby"]


def test_an_additive_load_joins_the_scenes_and_leaves_the_active_one(
    manager: SceneManager,
) -> None:
    clinic = loaded(manager, "clinic")
    cellar = loaded(manager, "cellar", additive=True)
    counters = [scene.add(Counter()) for scene in (clinic, cellar)]
    manager.update(0.0)
    assert manager.active is clinic
    assert [c.updates for c in counters] == [1, 1]


def test_unloading_one_scene_leaves_the_others(manager: SceneManager) -> None:
    clinic = loaded(manager, "clinic")
    cellar = loaded(manager, "cellar", additive=True)
    manager.unload(clinic)
    assert (clinic.is_closed, cellar.is_closed) == (True, False)
    assert manager.active is cellar


def test_an_object_kept_on_load_moves_on_without_a_hook_and_goes_on_updating(
    manager: SceneManager,
) -> None:
    log: list[str] = []
    clinic = loaded(manager, "clinic")
    music = clinic.add(Recorder(log), "Music")
    manager.update(0.0)
    manager.dont_destroy_on_load(music.game_object)
    log.clear()
    lobby = loaded(manager, "lobby")
    manager.update(0.0)
    assert (music.scene, clinic.objects) == (lobby, ())
    assert log == ["update", "late_update"] * 2


def test_an_object_kept_before_its_start_starts_in_the_next_level(manager: SceneManager) -> None:
    log: list[str] = []
    music = loaded(manager, "clinic").add(Recorder(log))
    manager.dont_destroy_on_load(music.game_object)
    manager.load("lobby")
    manager.advance_loading()
    manager.update(0.0)
    assert log == ["awake", "on_enable", "start", "update", "late_update"]


def test_coroutines_of_a_kept_object_go_on_in_the_next_level(manager: SceneManager) -> None:
    clinic = loaded(manager, "clinic")
    clinic.update(5.0)
    counter = clinic.add(Counter())
    manager.dont_destroy_on_load(counter.game_object)
    coroutine = counter.start_coroutine(iter_wait(1.0))
    loaded(manager, "lobby")
    manager.update(0.9)
    assert not coroutine.is_done
    manager.update(0.2)
    assert coroutine.is_done


def iter_wait(seconds: float):  # type: ignore[no-untyped-def]  # a generator in one line
    yield seconds


def test_only_an_object_without_a_parent_can_be_kept(manager: SceneManager) -> None:
    scene = make_scene()
    child = scene.create("Child", parent=scene.create("Parent"))
    with pytest.raises(ValueError, match="'Child' has a parent"):
        manager.dont_destroy_on_load(child)


def test_a_kept_object_that_got_a_parent_since_goes_with_the_parent(manager: SceneManager) -> None:
    scene = loaded(manager, "One")
    kept = scene.create("Kept")
    manager.dont_destroy_on_load(kept)
    kept.transform.parent = scene.create("Parent").transform
    assert loaded(manager, "Two").objects == ()
    assert kept.is_destroyed


def slow_opener(clock: ManualClock, steps: int) -> Callable[[str], SceneSteps]:
    def opens(name: str) -> SceneSteps:
        for number in range(steps):
            clock.advance(0.003)
            yield number / steps
        return make_scene(name)

    return opens


def test_loading_is_spread_over_frames_and_the_old_level_goes_on() -> None:
    clock = ManualClock()
    manager = SceneManager(make_scene, clock=clock, load_budget_seconds=0.004)
    counter = loaded(manager, "clinic").add(Counter())
    manager.open_scene = slow_opener(clock, steps=6)
    load = manager.load("lobby")
    progress = []
    while not load.is_done:
        manager.update(0.0)
        progress.append(load.progress)
    assert progress == pytest.approx([1 / 6, 3 / 6, 5 / 6, 1.0])
    assert counter.updates == 4


def test_a_level_that_cannot_be_opened_leaves_the_old_one_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuses(name: str) -> Scene:
        raise FileNotFoundError(f"no {name}.toml")

    manager = SceneManager(make_scene)
    clinic = loaded(manager, "clinic")
    manager.open_scene = refuses
    failed: list[str] = []
    manager.load_failed.subscribe(lambda load: failed.append(f"{load.name}: {load.error}"))
    manager.load("attic")
    manager.update(0.0)
    assert (manager.active, clinic.is_closed) == (clinic, False)
    assert failed == ["attic: no attic.toml"]
    assert "Level 'attic' could not be loaded" in caplog.text


def test_asking_again_for_the_level_that_is_being_loaded_loads_it_once(
    manager: SceneManager,
) -> None:
    assert manager.load("lobby") is manager.load("lobby")


def test_two_loads_are_done_in_the_order_in_which_they_were_asked_for(
    manager: SceneManager,
) -> None:
    first, second = manager.load("clinic"), manager.load("lobby")
    manager.update(0.0)
    assert first.is_done
    assert second.scene is manager.active


def test_closing_leaves_every_scene_and_stops_a_load_halfway() -> None:
    clock = ManualClock()
    manager = SceneManager(make_scene, clock=clock)
    clinic = loaded(manager, "clinic")
    manager.open_scene = slow_opener(clock, steps=99)
    manager.load("lobby")
    manager.update(0.0)
    manager.close()
    assert (clinic.is_closed, manager.scenes, manager.loading) == (True, (), None)
