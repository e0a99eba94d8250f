"""Unity's rules for the life of a component, one test for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from engine.objects.lifecycle import UpdatePhase
from engine.objects.objects import Component
from engine.objects.scene import Scene
from tests.engine.helpers import Counter, Failing, Recorder, make_scene


class Acting(Component):
    """Do something in the first update."""

    act: Callable[[], object]
    _done: bool = False

    def update(self, dt: float) -> None:
        if not self._done:
            self._done = True
            self.act()


class StartSpawner(Component):
    log: list[str]

    def start(self) -> None:
        self.scene.add(Recorder(self.log, "spawned"))


class SwitchesItselfOff(Component):
    hook: str
    log: list[str]

    def _off(self, hook: str) -> None:
        self.log.append(hook)
        if hook == self.hook:
            self.enabled = False

    def awake(self) -> None:
        self._off("awake")

    def on_enable(self) -> None:
        self._off("on_enable")

    def start(self) -> None:
        self._off("start")

    def update(self, dt: float) -> None:
        self._off("update")

    def on_disable(self) -> None:
        self.log.append("on_disable")


FRAME = ["fixed_update", "update", "late_update"]


@pytest.fixture
def scene() -> Scene:
    return make_scene()


@pytest.fixture
def log() -> list[str]:
    return []


# order


def test_awake_and_on_enable_are_called_at_once_and_start_before_the_first_update(
    scene: Scene, log: list[str]
) -> None:
    scene.add(Recorder(log))
    assert log == ["awake", "on_enable"]
    scene.update(0.02)
    assert log == ["awake", "on_enable", "start", *FRAME]


def test_start_is_called_once(scene: Scene, log: list[str]) -> None:
    scene.add(Recorder(log))
    scene.update(0.02)
    scene.update(0.02)
    assert log.count("start") == 1


def test_every_start_comes_before_any_update(scene: Scene, log: list[str]) -> None:
    scene.add(Recorder(log, "a"))
    scene.add(Recorder(log, "b"))
    log.clear()
    scene.update(0.0)
    assert log == [
        *("a start", "b start"),
        *("a update", "b update"),
        *("a late_update", "b late_update"),
    ]


def test_components_update_in_the_order_of_their_creation(scene: Scene, log: list[str]) -> None:
    for label in "abc":
        scene.add(Recorder(log, label))
    scene.update(0.0)
    assert [line for line in log if "late" in line] == [f"{x} late_update" for x in "abc"]


def test_a_lower_execution_order_updates_earlier(scene: Scene, log: list[str]) -> None:
    class Early(Recorder):
        execution_order = -100

    class Late(Recorder):
        execution_order = 100

    scene.add(Late(log, "late"))
    scene.add(Recorder(log, "default"))
    scene.add(Early(log, "early"))
    scene.update(0.0)
    updates = [line for line in log if line.endswith(" update")]
    assert updates == ["early update", "default update", "late update"]


def test_a_lower_execution_order_starts_earlier(scene: Scene, log: list[str]) -> None:
    class Early(Recorder):
        execution_order: ClassVar[int] = -1

    scene.add(Recorder(log, "late"))
    scene.add(Early(log, "early"))
    scene.update(0.0)
    assert [entry for entry in log if "start" in entry] == ["early start", "late start"]


def test_what_is_created_in_an_update_starts_in_the_next_frame(
    scene: Scene, log: list[str]
) -> None:
    scene.add(Acting(lambda: scene.add(Recorder(log))))
    scene.update(0.0)
    assert log == ["awake", "on_enable"]
    scene.update(0.0)
    assert log[2:] == ["start", "update", "late_update"]


def test_what_is_created_in_a_start_starts_before_its_first_update_too(
    scene: Scene, log: list[str]
) -> None:
    scene.add(StartSpawner(log))
    scene.update(0.0)
    assert log == [f"spawned {h}" for h in ("awake", "on_enable", "start", "update", "late_update")]


def test_all_components_of_a_sleeping_object_are_there_when_the_first_awakes(
    scene: Scene, log: list[str]
) -> None:
    class Finder(Component):
        def awake(self) -> None:
            log.append(type(self.get_component(Counter)).__name__)

    thing = scene.create("Thing", active=False)
    thing.add(Finder())
    thing.add(Counter())
    thing.set_active(True)
    assert log == ["Counter"]


# enabling and disabling


def test_a_disabled_component_awakes_but_neither_enables_nor_starts(
    scene: Scene, log: list[str]
) -> None:
    recorder = Recorder(log)
    recorder.enabled = False
    scene.add(recorder)
    scene.update(0.02)
    assert log == ["awake"]


def test_start_waits_until_the_component_is_enabled(scene: Scene, log: list[str]) -> None:
    recorder = Recorder(log)
    recorder.enabled = False
    scene.add(recorder)
    scene.update(0.0)
    recorder.enabled = True
    scene.update(0.0)
    assert log == ["awake", "on_enable", "start", "update", "late_update"]


def test_disabling_and_enabling_call_their_hooks_but_never_start_again(
    scene: Scene, log: list[str]
) -> None:
    recorder = scene.add(Recorder(log))
    scene.update(0.0)
    log.clear()
    recorder.enabled = False
    scene.update(0.0)
    recorder.enabled = True
    scene.update(0.0)
    assert log == ["on_disable", "on_enable", "update", "late_update"]


def test_setting_enabled_to_what_it_is_calls_nothing(scene: Scene, log: list[str]) -> None:
    recorder = scene.add(Recorder(log))
    log.clear()
    recorder.enabled = True
    assert log == []


def test_a_component_disabled_by_an_earlier_one_gets_no_update_in_that_frame(
    scene: Scene,
) -> None:
    counter = Counter()
    scene.add(Acting(lambda: setattr(counter, "enabled", False)))
    scene.add(counter)
    scene.update(0.0)
    assert counter.updates == 0


def test_a_component_enabled_again_within_the_frame_keeps_its_place(
    scene: Scene, log: list[str]
) -> None:
    blinking = Recorder(log, "blinking")

    def blink() -> None:
        blinking.enabled = False
        blinking.enabled = True

    acting = Acting(blink)
    acting.enabled = False
    scene.add(acting)
    scene.add(blinking)
    scene.add(Recorder(log, "other"))
    scene.update(0.0)
    log.clear()
    acting.enabled = True
    scene.update(0.0)
    scene.update(0.0)
    updates = [line for line in log if line.endswith(" update")]
    assert updates == ["blinking update", "other update"] * 2


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        ("awake", ["awake"]),
        ("on_enable", ["awake", "on_enable", "on_disable"]),
        ("start", ["awake", "on_enable", "start", "on_disable"]),
        ("update", ["awake", "on_enable", "start", "update", "on_disable"]),
    ],
)
def test_a_component_may_disable_itself_in_any_hook(
    scene: Scene, log: list[str], hook: str, expected: list[str]
) -> None:
    scene.add(SwitchesItselfOff(hook, log))
    scene.update(0.0)
    scene.update(0.0)
    assert log == expected


def test_a_component_that_disables_itself_in_on_enable_gets_no_update(scene: Scene) -> None:
    class Shy(Counter):
        def on_enable(self) -> None:
            self.enabled = self.updates == 0

    shy = scene.add(Shy())
    scene.update(0.0)
    shy.enabled = False
    shy.enabled = True
    scene.update(0.0)
    assert shy.updates == 1


# active and inactive objects


def test_a_component_of_an_inactive_object_is_not_even_awake(scene: Scene, log: list[str]) -> None:
    thing = scene.create("Thing", active=False)
    thing.add(Recorder(log))
    scene.update(0.0)
    assert log == []
    thing.set_active(True)
    assert log == ["awake", "on_enable"]


def test_deactivating_an_object_disables_its_components_and_those_of_its_children(
    scene: Scene, log: list[str]
) -> None:
    parent = scene.create("Parent")
    parent.add(Recorder(log, "parent"))
    scene.create("Child", parent=parent).add(Recorder(log, "child"))
    log.clear()
    parent.set_active(False)
    scene.update(0.0)
    assert log == ["parent on_disable", "child on_disable"]


def test_an_object_that_is_activated_again_starts_nothing_twice(
    scene: Scene, log: list[str]
) -> None:
    thing = scene.create("Thing")
    thing.add(Recorder(log))
    scene.update(0.0)
    thing.set_active(False)
    log.clear()
    thing.set_active(True)
    scene.update(0.0)
    assert log == ["on_enable", "update", "late_update"]


def test_a_child_that_switched_itself_off_stays_off_when_its_parent_is_activated(
    scene: Scene, log: list[str]
) -> None:
    parent = scene.create("Parent", active=False)
    scene.create("Child", parent=parent, active=False).add(Recorder(log))
    parent.set_active(True)
    assert log == []


def test_enabling_a_component_of_an_inactive_object_waits_for_the_object(
    scene: Scene, log: list[str]
) -> None:
    thing = scene.create("Thing")
    recorder = thing.add(Recorder(log))
    thing.set_active(False)
    recorder.enabled = False
    recorder.enabled = True
    log.clear()
    thing.set_active(True)
    assert log == ["on_enable"]


# destroying


def test_a_destroyed_object_ends_with_the_frame_disabled_first(
    scene: Scene, log: list[str]
) -> None:
    thing = scene.create("Thing")
    thing.add(Recorder(log))
    scene.update(0.0)
    log.clear()
    thing.destroy()
    assert (log, thing.is_destroyed, thing in scene.objects) == ([], True, True)
    scene.update(0.0)
    assert log == ["on_disable", "on_destroy"]
    assert thing not in scene.objects


def test_the_children_of_a_destroyed_object_end_with_it(scene: Scene, log: list[str]) -> None:
    parent = scene.create("Parent")
    parent.add(Recorder(log, "parent"))
    scene.create("Child", parent=parent).add(Recorder(log, "child"))
    log.clear()
    parent.destroy()
    scene.update(0.0)
    hooks = ["parent on_disable", "child on_disable", "parent on_destroy", "child on_destroy"]
    assert log == hooks
    assert scene.objects == ()


def test_a_component_destroyed_by_an_earlier_one_gets_no_update_in_that_frame(
    scene: Scene,
) -> None:
    counter = Counter()
    scene.add(Acting(lambda: counter.game_object.destroy()))
    scene.add(counter)
    scene.update(0.0)
    assert counter.updates == 0


def test_a_destroyed_component_leaves_its_object_alive(scene: Scene, log: list[str]) -> None:
    thing = scene.create("Thing")
    recorder, counter = thing.add(Recorder(log)), thing.add(Counter())
    scene.destroy(recorder)
    scene.update(0.0)
    assert (recorder.is_destroyed, thing.components) == (True, (counter,))
    assert log[-2:] == ["on_disable", "on_destroy"]


def test_what_is_destroyed_in_an_update_ends_after_the_late_updates(
    scene: Scene, log: list[str]
) -> None:
    victim = scene.add(Recorder(log, "victim"))
    scene.add(Acting(lambda: victim.game_object.destroy()))
    scene.add(Recorder(log, "other"))
    scene.update(0.0)
    assert log[-3:] == ["other late_update", "victim on_disable", "victim on_destroy"]


def test_what_is_added_to_a_destroyed_object_ends_with_it(scene: Scene, log: list[str]) -> None:
    thing = scene.create("Thing")
    thing.destroy()
    thing.add(Recorder(log))
    scene.update(0.0)
    assert log == ["awake", "on_destroy"]


def test_what_is_added_to_an_object_that_has_ended_ends_too(scene: Scene, log: list[str]) -> None:
    thing = scene.create("Thing")
    thing.destroy()
    scene.update(0.0)
    thing.add(Recorder(log))
    scene.update(0.0)
    assert log == ["awake", "on_destroy"]


@pytest.mark.parametrize("has_ended", [False, True])
def test_an_object_put_under_a_destroyed_parent_ends_with_this_frame(
    scene: Scene, log: list[str], has_ended: bool
) -> None:
    parent, moved = scene.create("Parent"), scene.add(Recorder(log))
    scene.update(0.0)
    parent.destroy()
    scene.update(0.0) if has_ended else None
    moved.transform.parent = parent.transform
    scene.create("Born there", parent=parent).add(Recorder([]))
    log.clear()
    scene.update(0.0)
    scene.update(0.0)
    assert log == ["on_disable", "on_destroy"]
    assert scene.objects == ()


def test_a_destroyed_child_that_leaves_its_destroyed_parent_ends_all_the_same(
    scene: Scene, log: list[str]
) -> None:
    parent = scene.create("Parent")
    child = scene.create("Child", parent=parent)
    child.add(Recorder(log))
    parent.destroy()
    child.transform.parent = None
    scene.update(0.0)
    assert log[-1] == "on_destroy"
    assert scene.objects == ()


def test_destroying_twice_ends_once(scene: Scene, log: list[str]) -> None:
    thing = scene.create("Thing")
    recorder = thing.add(Recorder(log))
    scene.destroy(recorder)
    thing.destroy()
    thing.destroy()
    scene.update(0.0)
    assert log.count("on_destroy") == 1


def test_a_component_that_never_awoke_gets_no_on_destroy(scene: Scene, log: list[str]) -> None:
    thing = scene.create("Thing", active=False)
    thing.add(Recorder(log))
    thing.destroy()
    scene.update(0.0)
    assert log == []


def test_a_disabled_component_gets_on_destroy_but_not_on_disable_again(
    scene: Scene, log: list[str]
) -> None:
    recorder = scene.add(Recorder(log))
    recorder.enabled = False
    log.clear()
    recorder.game_object.destroy()
    scene.update(0.0)
    assert log == ["on_destroy"]


def test_what_on_destroy_destroys_ends_in_the_same_frame(scene: Scene, log: list[str]) -> None:
    class TakesAlong(Component):
        other: Component

        def on_destroy(self) -> None:
            self.other.game_object.destroy()

    scene.add(TakesAlong(scene.add(Recorder(log)))).game_object.destroy()
    scene.update(0.0)
    assert log[-1] == "on_destroy"
    assert scene.objects == ()


def test_a_destroyed_child_leaves_its_parent(scene: Scene) -> None:
    parent = scene.create("Parent")
    scene.create("Child", parent=parent).destroy()
    scene.update(0.0)
    assert parent.transform.children == ()


def test_a_destroyed_component_cannot_be_enabled_again(scene: Scene, log: list[str]) -> None:
    recorder = scene.add(Recorder(log))
    recorder.game_object.destroy()
    scene.update(0.0)
    log.clear()
    recorder.enabled = False
    recorder.enabled = True
    scene.update(0.0)
    assert log == []


# errors


def test_an_exception_in_one_component_never_stops_the_frame(scene: Scene) -> None:
    before, failing, behind = scene.add(Counter()), scene.add(Failing()), scene.add(Counter())
    scene.update(0.0)
    scene.update(0.0)
    assert (before.updates, behind.updates, failing.enabled) == (2, 2, True)


def test_an_exception_is_logged_and_emitted_with_component_and_object(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    errors: list[str] = []
    scene.on_error.subscribe(lambda e: errors.append(str(e)))
    scene.create("Lamp").add(Failing())
    scene.update(0.0)
    assert errors == ["Failing.update of object 'Lamp': RuntimeError('broken on purpose')"]
    assert "Scene 'Level': Failing.update of object 'Lamp'" in caplog.text


def test_a_component_that_fails_in_every_frame_does_not_flood_the_log(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.add(Failing())
    for _ in range(100):
        scene.update(0.0)
    assert [r.args[2] for r in caplog.records if isinstance(r.args, tuple) and len(r.args) > 2] == [
        10,
        100,
    ]


def test_a_component_that_fails_in_awake_is_disabled(scene: Scene) -> None:
    class Unprepared(Counter):
        def awake(self) -> None:
            raise RuntimeError("no such file")

    unprepared = scene.add(Unprepared())
    scene.update(0.0)
    assert (unprepared.enabled, unprepared.updates) == (False, 0)


@pytest.mark.parametrize("hook", ["on_enable", "start", "on_disable", "on_destroy"])
def test_an_exception_in_any_other_hook_is_reported_and_life_goes_on(
    scene: Scene, hook: str
) -> None:
    def fails(self: Component) -> None:
        raise RuntimeError("broken on purpose")

    errors: list[str] = []
    scene.on_error.subscribe(lambda e: errors.append(e.hook))
    component = scene.add(type("Broken", (Counter,), {hook: fails})())
    scene.update(0.0)
    component.game_object.destroy()
    scene.update(0.0)
    assert (errors, component.updates, scene.objects) == ([hook], 1, ())


class Bench:
    """Record calls and reports."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.errors: list[str] = []
        self.phase = UpdatePhase(self.report)

    def report(self, method: Callable[[object], object], error: Exception) -> None:
        self.errors.append(str(error))

    def says(self, word: str) -> Callable[[object], object]:
        return lambda _: self.calls.append(word)

    def fails(self, _: object) -> None:
        raise RuntimeError("broken on purpose")

    def run(self) -> list[str]:
        self.calls.clear()
        self.phase.run(None)
        return list(self.calls)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_methods_run_in_the_order_of_their_keys_however_they_came(bench: Bench) -> None:
    for key in (5, 1, 9, 3):
        bench.phase.add(key, bench.says(str(key)))
    assert bench.run() == ["1", "3", "5", "9"]


def test_the_loop_goes_on_behind_a_method_that_fails(bench: Bench) -> None:
    for key, method in enumerate((bench.says("a"), bench.fails, bench.says("b"), bench.fails)):
        bench.phase.add(key, method)
    assert bench.run() == ["a", "b"]
    assert bench.errors == ["broken on purpose"] * 2


def test_a_method_that_removes_a_later_one_silences_it_at_once(bench: Bench) -> None:
    bench.phase.add(1, lambda _: bench.phase.remove(3))
    bench.phase.add(2, bench.says("stays"))
    bench.phase.add(3, bench.says("goes"))
    assert bench.run() == ["stays"]
    assert len(bench.phase) == 2


def test_a_method_added_during_a_run_waits_for_the_next_one_and_none_runs_twice(
    bench: Bench,
) -> None:
    bench.phase.add(5, lambda _: bench.phase.add(1, bench.says("new")))
    bench.phase.add(6, bench.says("old"))
    assert bench.run() == ["old"]
    assert bench.run() == ["new", "old"]


def test_a_method_added_and_removed_during_one_run_is_gone(bench: Bench) -> None:
    def passes_by(_: object) -> None:
        bench.phase.add(9, bench.says("ghost"))
        bench.phase.remove(9)

    bench.phase.add(1, passes_by)
    bench.run()
    bench.phase.remove(1)
    assert bench.run() == []


def test_removing_what_is_not_there_does_nothing(bench: Bench) -> None:
    bench.phase.add(1, bench.says("a"))
    bench.phase.remove(7)
    bench.phase.remove(1)
    bench.phase.remove(1)
    assert len(bench.phase) == 0


def test_empty_slots_are_swept_away_and_a_method_that_returns_finds_its_order(bench: Bench) -> None:
    for key in range(200):
        bench.phase.add(key, bench.says(str(key)))
    bench.run()
    for key in range(150):
        bench.phase.remove(key)
    bench.run()
    assert len(bench.phase._methods) == 50
    bench.phase.add(7, bench.says("7"))
    assert bench.run()[:2] == ["7", "150"]


def test_a_method_that_leaves_and_returns_is_counted_once(bench: Bench) -> None:
    bench.phase.add(1, bench.says("a"))
    bench.run()
    bench.phase.remove(1)
    bench.phase.add(1, bench.says("b"))
    assert len(bench.phase) == 1
    assert bench.run() == ["b"]


def test_what_is_no_exception_but_an_order_to_stop_gets_through(bench: Bench) -> None:
    def stops(_: object) -> None:
        raise KeyboardInterrupt

    bench.phase.add(1, stops)
    with pytest.raises(KeyboardInterrupt):
        bench.run()
    bench.phase.remove(1)
    bench.phase.add(0, bench.says("usable"))
    assert bench.run() == ["usable"]


class Tree(Component):
    """Signs the surface; it is ten pixels wide and thirty high."""

    draw_reach: ClassVar[tuple[float, float, float, float] | None] = (5.0, 30.0, 5.0, 0.0)

    def draw(self, surface: list[str]) -> None:
        surface.append(self.game_object.name)


class Sky(Tree):
    """Is everywhere."""

    draw_reach = None


@pytest.fixture
def small_scene() -> Scene:
    return Scene(size=(100, 100))


def plant(
    small_scene: Scene, name: str, x: float, y: float, kind: type[Component] = Tree
) -> Component:
    return small_scene.create(name, (x, y)).add(kind())


def seen(small_scene: Scene) -> list[str]:
    surface: list[str] = []
    small_scene.update(0.01)
    small_scene.draw(surface)
    return surface


def test_what_is_out_of_the_picture_is_not_drawn(small_scene: Scene) -> None:
    for name, x, y in (("here", 50, 50), ("right", 106, 50), ("below", 50, 131), ("left", -6, 50)):
        plant(small_scene, name, x, y)
    assert seen(small_scene) == ["here"]


def test_what_reaches_into_the_picture_is_drawn(small_scene: Scene) -> None:
    for name, x, y in (("right", 104, 50), ("left", -4, 51), ("below", 50, 129)):
        plant(small_scene, name, x, y)
    assert seen(small_scene) == ["right", "left", "below"]


def test_a_component_without_reach_is_always_drawn_and_at_its_depth(small_scene: Scene) -> None:
    plant(small_scene, "far", 50, 10)
    plant(small_scene, "near", 50, 90)
    plant(small_scene, "sky", -900, 50, Sky)
    assert seen(small_scene) == ["far", "sky", "near"]


def test_the_camera_brings_others_into_the_picture(small_scene: Scene) -> None:
    plant(small_scene, "here", 50, 50)
    plant(small_scene, "there", 250, 50)
    before = seen(small_scene)
    small_scene.camera.x += 200
    assert (before, seen(small_scene)) == (["here"], ["there"])


@pytest.mark.parametrize("movers", [1, 100])
def test_a_moved_object_is_drawn_at_its_new_depth(small_scene: Scene, movers: int) -> None:
    plant(small_scene, "bush", 50, 60)
    walkers = [plant(small_scene, f"walker {n}", 50 + n, 50) for n in range(movers)]
    assert seen(small_scene)[-1] == "bush"
    for walker in walkers:
        walker.transform.position = (50, 70)
    assert seen(small_scene)[0] == "bush"
    for walker in walkers:
        walker.transform.position = (500, 70)
    assert seen(small_scene) == ["bush"]


def test_a_child_comes_into_the_picture_with_its_parent(small_scene: Scene) -> None:
    parent = small_scene.create("cart", (500, 50))
    small_scene.create("load", (0, 0), parent=parent).add(Tree())
    before = seen(small_scene)
    parent.transform.position = (50, 50)
    assert (before, seen(small_scene)) == ([], ["load"])


def test_what_the_last_picture_showed_is_found_from_far_to_near(small_scene: Scene) -> None:
    near, far = plant(small_scene, "near", 50, 90), plant(small_scene, "far", 50, 10)
    gone = plant(small_scene, "gone", 50, 20)
    plant(small_scene, "outside", 500, 50)
    plant(small_scene, "sky", 0, 0, Sky)
    assert small_scene.find_drawn(Tree) == []
    seen(small_scene)
    small_scene.destroy(gone)
    assert small_scene.find_drawn(Tree)[1:] == [far, near]
    assert [one.game_object.name for one in small_scene.find_drawn((Sky,))] == ["sky"]


def test_what_is_added_or_destroyed_changes_the_next_picture(small_scene: Scene) -> None:
    first, third = plant(small_scene, "1", 50, 10), plant(small_scene, "3", 50, 30)
    seen(small_scene)
    plant(small_scene, "2", 50, 20)
    assert seen(small_scene) == ["1", "2", "3"]
    small_scene.destroy(first)
    third.enabled = False
    assert seen(small_scene) == ["2"]
    third.enabled = True
    assert seen(small_scene) == ["2", "3"]


def test_the_layer_counts_before_the_depth_in_the_picture_too(small_scene: Scene) -> None:
    plant(small_scene, "low", 50, 90)
    high = plant(small_scene, "high", 50, 10)
    plant(small_scene, "outside", 50, 500)
    seen(small_scene)
    high.game_object.layer = 1
    assert seen(small_scene) == ["low", "high"]


def test_a_surface_larger_than_the_cameras_view_shows_more(small_scene: Scene) -> None:
    class Screen(list[Any]):
        def get_size(self) -> tuple[int, int]:
            return (300, 100)

    plant(small_scene, "far right", 250, 50)
    surface = Screen()
    small_scene.update(0.01)
    small_scene.draw(surface)
    assert surface == ["far right"]


def test_a_position_that_is_no_number_spoils_no_other(small_scene: Scene) -> None:
    lost = plant(small_scene, "lost", 50, 50)
    for number in range(5):
        plant(small_scene, str(number), 50, 10.0 * number)
    lost.transform.position = (float("nan"), float("nan"))
    seen(small_scene)
    lost.transform.position = (50, 99)
    assert seen(small_scene) == ["0", "1", "2", "3", "4", "lost"]
