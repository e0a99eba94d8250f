"""SceneManager: load and leave levels while the game runs, and carry objects between them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from typing import Any

from engine.core.clock import Clock, SystemClock
from engine.core.events import Signal
from engine.objects.objects import GameObject
from engine.objects.scene import Scene

__all__ = ["Opener", "SceneLoad", "SceneManager", "SceneSteps"]


_log = logging.getLogger(__name__)

SceneSteps = Generator[Any, None, Scene]
Opener = Callable[[str], Scene | SceneSteps]

LOAD_BUDGET = 0.004  # seconds of each frame that loading may take
ALONE_BUDGET = 0.04


class SceneLoad:
    """One request for a level, with its progress, and then its scene or its error."""

    def __init__(self, name: str, spawn: str | None, additive: bool) -> None:
        self.name = name
        self.spawn = spawn
        self.additive = additive
        self.progress = 0.0
        self.scene: Scene | None = None
        self.error: Exception | None = None

    @property
    def is_done(self) -> bool:
        """Whether the level was loaded or has failed."""
        return self.scene is not None or self.error is not None


class SceneManager:
    """The loaded scenes, and the levels that are being loaded.

    `open_scene(name)` returns the scene, or is a generator that yields between its steps (a
    number from 0 to 1 is taken as progress) and returns the scene: then loading is spread over
    frames, a few milliseconds in each, while the old level runs.
    """

    def __init__(
        self,
        open_scene: Opener,
        *,
        clock: Clock | None = None,
        load_budget_seconds: float = LOAD_BUDGET,
    ) -> None:
        self.open_scene = open_scene
        self.scene_unloading: Signal[Scene] = Signal("scenes.scene_unloading")
        self.scene_loaded: Signal[Scene] = Signal("scenes.scene_loaded")
        self.load_failed: Signal[SceneLoad] = Signal("scenes.load_failed")
        self._clock = clock or SystemClock()
        self._budget = load_budget_seconds
        self._scenes: list[Scene] = []
        self._active: Scene | None = None
        self._asked: list[SceneLoad] = []
        self._steps: SceneSteps | None = None
        self._keep: dict[GameObject, None] = {}

    @property
    def active(self) -> Scene | None:
        """The scene that was loaded last and not additively, or made active by hand."""
        return self._active

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """Every loaded scene, the oldest first."""
        return tuple(self._scenes)

    @property
    def loading(self) -> SceneLoad | None:
        """The load that is under way, or None."""
        return self._asked[0] if self._asked else None

    def load(self, name: str, spawn: str | None = None, *, additive: bool = False) -> SceneLoad:
        """Load a level; it replaces the others, or joins them, at the end of a later frame.

        Callable at any time, from a component's update too.
        """
        for asked in self._asked:
            if (asked.name, asked.spawn, asked.additive) == (name, spawn, additive):
                return asked  # a player in a door asks in every frame
        load = SceneLoad(name, spawn, additive)
        self._asked.append(load)
        return load

    def set_active(self, scene: Scene) -> None:
        """Make a loaded scene the active one. Raises ValueError if it is not loaded."""
        if scene not in self._scenes:
            raise ValueError(f"{scene!r} is not loaded: call load(name, additive=True) first.")
        self._active = scene

    def unload(self, scene: Scene) -> None:
        """Close one scene of several; call it between frames, or post it to the dispatcher."""
        self._leave(scene)
        if self._active is scene:
            self._active = self._scenes[-1] if self._scenes else None

    def dont_destroy_on_load(self, game_object: GameObject) -> None:
        """Move an object without a parent into every level that replaces its own."""
        if game_object.transform.parent is not None:
            raise ValueError(
                f"{game_object.name!r} has a parent: only an object without one can move on."
            )
        self._keep[game_object] = None

    def update(self, dt: float) -> None:
        """Run one frame of every scene, then continue loading."""
        self.update_scenes(dt)
        self.advance_loading()

    def update_scenes(self, dt: float) -> None:
        """Run one frame of every scene."""
        for scene in tuple(self._scenes):
            if not scene.is_closed:
                scene.update(dt)

    def advance_loading(self) -> None:
        """Continue the loads that were asked for, within the time budget; between frames only."""
        # Without a level there is no game to disturb.
        deadline = self._clock.now() + (self._budget if self._scenes else ALONE_BUDGET)
        while self._asked:
            if not self._advance(self._asked[0], deadline):
                return
            self._asked.pop(0)

    def close(self) -> None:
        """Close every scene and cancel every load."""
        self._asked.clear()
        if self._steps is not None:
            self._steps.close()
            self._steps = None
        for scene in tuple(self._scenes):
            self._leave(scene)
        self._active = None

    def _advance(self, load: SceneLoad, deadline: float) -> bool:
        """Continue one load; return True if it is done, False if the time is up."""
        try:
            scene = self._next_step(load, deadline)
        except Exception as error:
            self._steps = None
            load.error = error
            _log.error("Level %r could not be loaded: %s", load.name, error, exc_info=error)
            self.load_failed.emit(load)
            return True
        if scene is not None:
            self._steps = None
            self._enter(scene, load)
        return scene is not None

    def _next_step(self, load: SceneLoad, deadline: float) -> Scene | None:
        if self._steps is None:
            opened = self.open_scene(load.name)
            if isinstance(opened, Scene):
                return opened
            self._steps = opened
        try:
            while True:
                progress = next(self._steps)
                if isinstance(progress, int | float):
                    load.progress = float(progress)
                if self._clock.now() >= deadline:
                    return None
        except StopIteration as end:
            scene = end.value
            if not isinstance(scene, Scene):
                raise TypeError(
                    f"open_scene({load.name!r}) returned {scene!r}, no Scene."
                ) from None
            return scene

    def _enter(self, scene: Scene, load: SceneLoad) -> None:
        scene.spawn, scene.level = load.spawn, load.name
        scene.provide(self)
        if not load.additive:
            self._replace_all_by(scene)
        self._scenes.append(scene)
        if self._active is None or not load.additive:
            self._active = scene
        load.progress = 1.0
        load.scene = scene
        self.scene_loaded.emit(scene)

    def _replace_all_by(self, scene: Scene) -> None:
        for old in self._scenes:
            self.scene_unloading.emit(old)
        self._keep = {kept: None for kept in self._keep if not kept.is_destroyed}
        for kept in self._keep:
            if kept.transform.parent is None:  # else it stays with its parent
                scene.adopt(kept)
        for old in self._scenes:
            old.close()
        self._scenes.clear()
        self._active = None

    def _leave(self, scene: Scene) -> None:
        self.scene_unloading.emit(scene)
        self._scenes.remove(scene)
        scene.close()
