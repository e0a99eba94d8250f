"""Application: the frame loop, the window, the data folder, and the parts that outlive a level."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.clock import Clock, SystemClock, Time
from engine.core.data_folder import data_folder, game_name, make_data_folder
from engine.core.events import Dispatcher, Signal
from engine.core.input import Input
from engine.objects.scene import Scene
from engine.scenes.manager import Opener, SceneManager

if TYPE_CHECKING:
    from engine.app.music import MusicPlayer
    from engine.app.window import Window
    from engine.prefs.prefs import PlayerPrefs

__all__ = ["Application", "FRAME_ORDER", "settle_memory"]


FRAME_ORDER = (
    "poll_window",
    "run_posted",
    "update_scenes",
    "advance_loading",
    "play_music",
    "emit_frame",
    "present",
    "end_input",
)
"""The steps of one frame: methods of Application, in order."""

FRAME_SECONDS = 1.0 / 60.0
MAX_FRAME_SECONDS = 0.1  # a longer frame counts as this long: nothing moves through a wall
POST_BUDGET = 0.004


class Application:
    """Runs scenes at 60 frames a second, in a window or `headless`, without pygame.

        with Application("My game", open_scene=open_scene) as application:
            application.scenes.load("hall")
            application.run()

    `open_scene` makes a scene of a level's name: see SceneManager. The game keeps its data in a
    folder of its own: `data_dir`, or else the platform's for `company` and `name`; without a name
    the game is called as its main script's folder. Tests pass `clock` and `sleep`.
    """

    def __init__(
        self,
        name: str = "",
        company: str = "",
        data_dir: Path | None = None,
        headless: bool = False,
        size: tuple[int, int] = (960, 600),
        *,
        open_scene: Opener | None = None,
        clock: Clock | None = None,
        sleep: Callable[[float], object] = time.sleep,
        frame_order: tuple[str, ...] = FRAME_ORDER,
    ) -> None:
        self.name = name or game_name()
        self.company = company
        self.size = size
        self.clock = clock or SystemClock()
        self.dispatcher = Dispatcher(self.clock)
        self.input = Input()
        self.scenes = SceneManager(open_scene or self._no_opener, clock=self.clock)
        self.frame: Signal[Time] = Signal("application.frame")
        self.quitting: Signal[Application] = Signal("application.quitting")
        self.time = Time(now=self.clock.now())
        self.window: Window | None = None if headless else self._open_window()
        self._volume = 1.0
        self.volume_changed: Signal[float] = Signal("application.volume_changed")
        """Emits the new `volume`."""
        self.music: MusicPlayer | None = None if headless else self._make_music_player()
        """Plays the music of the active scene; its `volume` can be set."""
        self._data_dir = data_dir
        self._prefs: PlayerPrefs | None = None
        self._services: list[tuple[object, type[Any] | None]] = [(self, None), (self.scenes, None)]
        self._sleep = sleep
        self._steps: list[Callable[[], object]] = [getattr(self, step) for step in frame_order]
        self._last: float | None = None
        self._is_quitting = False
        self._is_starting = True  # no level was shown yet

    def __enter__(self) -> Application:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def persistent_data_path(self) -> Path:
        """The data folder; made on first use. Raises DataFolderError if that cannot be."""
        path = self._data_dir or data_folder(self.name, self.company)
        return make_data_folder(path)

    @property
    def prefs(self) -> PlayerPrefs:
        """The player's preferences, opened on first use."""
        if self._prefs is None:
            from engine.prefs.prefs import PlayerPrefs

            self._prefs = PlayerPrefs.open(
                self.persistent_data_path / "prefs.msgpack", dispatcher=self.dispatcher
            )
            if self.window is not None:
                self.window.remember(self._prefs)
        return self._prefs

    @property
    def volume(self) -> float:
        """How loud all of the game is, 0 to 1.

        The music follows it by itself. What the game plays on its own, such as a
        `pygame.mixer.Sound`, is to be played at its own volume times this one.
        """
        return self._volume

    @volume.setter
    def volume(self, value: float) -> None:
        self._volume = min(1.0, max(0.0, value))
        if self.music is not None:
            self.music.master = self._volume
        self.volume_changed.emit(self._volume)

    @property
    def is_quitting(self) -> bool:
        """Whether `quit` was called."""
        return self._is_quitting

    def provide(self, service: object, kind: type[Any] | None = None) -> None:
        """Offer a service to every scene that `new_scene` makes from now on."""
        self._services.append((service, kind))

    def new_scene(self, name: str = "Scene", size: tuple[float, float] | None = None) -> Scene:
        """Make a scene on this application's clock, dispatcher and input, with its services."""
        scene = Scene(
            name,
            clock=self.clock,
            dispatcher=self.dispatcher,
            input=self.input,
            size=size or self.size,
        )
        scene.camera.size = self.size
        scene.camera.scale = 1.0 if self.window is None else self.window.scale
        for service, kind in self._services:
            scene.provide(service, kind)
        return scene

    def quit(self) -> None:
        """End `run` after this frame."""
        if not self._is_quitting:
            self._is_quitting = True
            self.quitting.emit(self)

    def run(self, until: Callable[[], bool] | None = None) -> None:
        """Run frames until `quit`, or until the condition holds after a frame."""
        due = self.clock.now()
        self._last = due
        while not self._is_quitting:
            self.tick()
            if until is not None and until():
                return
            due += FRAME_SECONDS
            left = due - self.clock.now()
            if left > 0.0:
                self._sleep(left)
            elif left < -FRAME_SECONDS:
                due = self.clock.now()  # after a long frame the next ones are not hurried

    def tick(self) -> None:
        """Run one frame: every step of the frame order."""
        self._advance_time()
        for step in self._steps:
            step()

    def close(self) -> None:
        """Leave the scenes, write the preferences, close the window."""
        self.scenes.close()
        if self._prefs is not None:
            self._prefs.close()
            self._prefs = None
        if self.music is not None:
            self.music.close()
            self.music = None
        if self.window is not None:
            self.window.close()
            self.window = None

    # the steps of a frame

    def poll_window(self) -> None:
        """Feed the window's events to the input."""
        if self.window is not None and not self.window.poll(self.input):
            self.quit()

    def run_posted(self) -> None:
        """Run the actions that other threads posted."""
        self.dispatcher.drain(POST_BUDGET)

    def update_scenes(self) -> None:
        """Run a frame of every loaded scene."""
        self.scenes.update_scenes(self.time.delta)

    def advance_loading(self) -> None:
        """Continue loading the levels that were asked for."""
        self.scenes.advance_loading()

    def play_music(self) -> None:
        """Play the music of the active scene."""
        if self.music is not None:
            self.music.follow(self.scenes.active)

    def emit_frame(self) -> None:
        """Emit that the updates of the frame are done."""
        self.frame.emit(self.time)

    def present(self) -> None:
        """Draw the loaded scenes and show them, or that the first one is being loaded.

        A scene that was just entered has nothing to show before its first update: until then what
        was shown stays.
        """
        scenes, window = self.scenes.scenes, self.window
        updated = [scene for scene in scenes if scene.time.frame > 0]
        if window is None:
            return
        if updated or not (scenes or self.scenes.loading):
            window.present(*updated)
            self._is_starting = False
        elif self._is_starting:
            window.present_loading(self.time.now)

    def end_input(self) -> None:
        """Forget the input that belongs to this frame."""
        self.input.end_frame()

    def _advance_time(self) -> None:
        now = self.clock.now()
        last = now - FRAME_SECONDS if self._last is None else self._last
        self._last = now
        unscaled = max(0.0, now - last)
        delta = min(unscaled, MAX_FRAME_SECONDS)
        self.time = Time(
            now=now,
            delta=delta,
            frame=self.time.frame + 1,
            unscaled_delta=unscaled,
            elapsed=self.time.elapsed + delta,
        )

    def _open_window(self) -> Window:
        from engine.app.window import Window

        window = Window(self.size, self.name)
        window.present_loading()  # what follows, until there is a level, may take seconds
        return window

    def _make_music_player(self) -> MusicPlayer:
        from engine.app.music import MusicPlayer

        return MusicPlayer()

    def _no_opener(self, name: str) -> Scene:
        raise LookupError(
            f"This application does not know how to open level {name!r}: pass open_scene= to "
            "Application, or set application.scenes.open_scene."
        )


def settle_memory() -> None:
    """Collect garbage now, and keep what remains out of later collections; for loading a level.

    A collection through all objects of a level takes tens of milliseconds, in whatever frame it
    falls due. What only the level before could reach is freed by the next call.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
