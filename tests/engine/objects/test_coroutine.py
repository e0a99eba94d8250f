from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from engine.objects.coroutine import Coroutine
from engine.objects.objects import Component
from engine.objects.scene import Scene
from tests.engine.helpers import make_scene

Body = Generator[Any, None, Any]


class Actor(Component):
    """Somebody to run coroutines for."""


@pytest.fixture
def scene() -> Scene:
    return make_scene()


@pytest.fixture
def actor(scene: Scene) -> Actor:
    return scene.add(Actor())


@pytest.fixture
def log() -> list[str]:
    return []


def counts(log: list[str], frames: int) -> Body:
    for number in range(frames):
        log.append(f"frame {number}")
        yield


def waits(log: list[str], seconds: float) -> Body:
    yield seconds
    log.append("waited")


def test_a_coroutine_runs_at_once_up_to_its_first_yield(actor: Actor, log: list[str]) -> None:
    actor.start_coroutine(counts(log, 2))
    assert log == ["frame 0"]


def test_yielding_none_waits_for_the_next_frame(scene: Scene, actor: Actor, log: list[str]) -> None:
    coroutine = actor.start_coroutine(counts(log, 2))
    scene.update(0.0)
    assert (log, coroutine.is_done) == (["frame 0", "frame 1"], False)
    scene.update(0.0)
    assert coroutine.is_done


def test_a_coroutine_started_in_an_update_goes_on_in_the_next_frame(
    scene: Scene, log: list[str]
) -> None:
    class Starter(Component):
        def update(self, dt: float) -> None:
            if self.scene.time.frame == 1:
                self.start_coroutine(counts(log, 2))

    scene.add(Starter())
    scene.update(0.0)
    assert log == ["frame 0"]
    scene.update(0.0)
    assert log == ["frame 0", "frame 1"]


def test_yielding_seconds_waits_for_game_time(scene: Scene, actor: Actor, log: list[str]) -> None:
    actor.start_coroutine(waits(log, 1.0))
    scene.time_scale = 0.5
    scene.update(1.0)
    assert log == []
    scene.update(1.0)
    assert log == ["waited"]


def test_coroutines_go_on_after_the_updates_and_before_the_late_updates(
    scene: Scene, log: list[str]
) -> None:
    class Both(Component):
        def update(self, dt: float) -> None:
            log.append("update")

        def late_update(self, dt: float) -> None:
            log.append("late_update")

    both = scene.add(Both())
    both.start_coroutine(waits(log, 0.0))
    scene.update(0.0)
    assert log == ["update", "waited", "late_update"]


def test_yielding_a_generator_waits_until_it_has_ended(
    scene: Scene, actor: Actor, log: list[str]
) -> None:
    def outer() -> Body:
        yield counts(log, 2)
        log.append("after")

    actor.start_coroutine(outer())
    scene.update(0.0)
    assert log == ["frame 0", "frame 1"]
    scene.update(0.0)
    assert log[-1] == "after"


def test_a_waiting_coroutine_resumes_in_the_frame_in_which_the_other_ended(
    scene: Scene, actor: Actor, log: list[str]
) -> None:
    def outer() -> Body:
        yield
        yield counts(log, 1)
        log.append("after")

    actor.start_coroutine(outer())
    scene.update(0.0)
    assert log == ["frame 0"]
    scene.update(0.0)
    assert log == ["frame 0", "after"]


def test_yielding_a_coroutine_waits_for_it_and_its_result_is_there(
    scene: Scene, actor: Actor, log: list[str]
) -> None:
    def asks() -> Body:
        yield 0.5
        return 42

    def outer(inner: Coroutine) -> Body:
        yield inner
        log.append(f"got {inner.result}")

    actor.start_coroutine(outer(actor.start_coroutine(asks())))
    scene.update(0.4)
    assert log == []
    scene.update(0.2)
    scene.update(0.0)
    assert log == ["got 42"]


def test_deactivating_the_object_stops_its_coroutines(
    scene: Scene, actor: Actor, log: list[str]
) -> None:
    coroutine = actor.start_coroutine(waits(log, 0.1))
    actor.game_object.set_active(False)
    actor.game_object.set_active(True)
    scene.update(1.0)
    assert (log, coroutine.is_done) == ([], True)


def test_disabling_the_component_does_not_stop_its_coroutines(
    scene: Scene, actor: Actor, log: list[str]
) -> None:
    actor.start_coroutine(waits(log, 0.1))
    actor.enabled = False
    scene.update(1.0)
    assert log == ["waited"]


@pytest.mark.parametrize("whole_object", [True, False], ids=["object", "component"])
def test_destroying_stops_coroutines_at_once(
    scene: Scene, actor: Actor, log: list[str], whole_object: bool
) -> None:
    actor.start_coroutine(waits(log, 0.1))
    scene.destroy(actor.game_object if whole_object else actor)
    scene.update(1.0)
    assert log == []


@pytest.mark.parametrize("end", ["destroy", "deactivate"])
def test_a_coroutine_that_ends_its_object_in_the_first_step_goes_no_further(
    scene: Scene, actor: Actor, log: list[str], end: str
) -> None:
    def ends() -> Body:
        actor.game_object.destroy() if end == "destroy" else actor.game_object.set_active(False)
        yield
        log.append("never")

    coroutine = actor.start_coroutine(ends())
    scene.update(0.0)
    scene.update(0.0)
    assert (coroutine.is_done, log) == (True, [])


@pytest.mark.parametrize(("end", "why"), [("destroy", "destroyed"), ("deactivate", "inactive")])
def test_an_inactive_or_destroyed_object_starts_no_coroutine(
    actor: Actor, log: list[str], end: str, why: str
) -> None:
    actor.game_object.destroy() if end == "destroy" else actor.game_object.set_active(False)
    with pytest.raises(RuntimeError, match=why):
        actor.start_coroutine(counts(log, 2))
    assert log == []


def test_a_stopped_coroutine_cleans_up(actor: Actor, log: list[str]) -> None:
    def careful() -> Body:
        try:
            yield
        finally:
            log.append("cleaned up")

    coroutine = actor.start_coroutine(careful())
    coroutine.stop()
    coroutine.stop()
    assert log == ["cleaned up"]


def test_a_coroutine_may_destroy_its_own_object(scene: Scene, actor: Actor, log: list[str]) -> None:
    def ends() -> Body:
        yield
        actor.game_object.destroy()
        log.append("last words")
        yield
        log.append("never")

    actor.start_coroutine(ends())
    scene.update(0.0)
    scene.update(0.0)
    assert log == ["last words"]
    assert scene.objects == ()


def test_an_error_ends_one_coroutine_and_is_reported_with_its_component(
    scene: Scene, actor: Actor, log: list[str]
) -> None:
    def fails() -> Body:
        yield
        raise RuntimeError("broken on purpose")

    errors: list[str] = []
    scene.on_error.subscribe(lambda e: errors.append(str(e)))
    actor.start_coroutine(fails())
    actor.start_coroutine(waits(log, 0.0))
    scene.update(0.0)
    assert errors == ["Actor.coroutine of object 'Actor': RuntimeError('broken on purpose')"]
    assert log == ["waited"]


def test_yielding_nonsense_is_an_error_that_says_what_may_be_yielded(
    scene: Scene, actor: Actor
) -> None:
    def odd() -> Body:
        yield "soon"

    errors: list[str] = []
    scene.on_error.subscribe(lambda e: errors.append(str(e.error)))
    actor.start_coroutine(odd())
    assert "yielded 'soon'. Yield None, seconds, a generator or a Coroutine." in errors[0]


def test_stop_coroutines_stops_those_of_one_component_only(
    scene: Scene, actor: Actor, log: list[str]
) -> None:
    other = scene.add(Actor())
    other.start_coroutine(waits(log, 0.0))
    actor.start_coroutine(counts([], 99))
    actor.stop_coroutines()
    scene.update(0.0)
    assert (log, len(scene.coroutines)) == (["waited"], 0)
