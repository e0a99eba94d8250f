"""The demo, put together: reads the arguments, chooses the parts, runs the game.

python main.py                                            a window
python main.py --headless --script play.toml --report r.json    no window, driven by a file
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from characters.audio.sources import ScriptSource, SilentSource, SourceFactory
from characters.components.checks import SCENE_CHECKS
from characters.components.parts import Parts, make_parts
from characters.components.registration import register_components
from characters.headless.driver import SceneDriver
from characters.headless.runner import Recorder, ScriptRunner
from characters.headless.script import Script
from characters.speech.settings import SpeechSettings, add_speech_flags, speech_settings
from characters.ui.hud import Hud
from characters.ui.registration import prewarm, register_visuals
from engine.app.application import Application, settle_memory
from engine.app.gif import write_gif
from engine.app.hot_reload import HotReload
from engine.core.clock import Time
from engine.objects.assets import AssetFolder
from engine.objects.registry import ComponentRegistry
from engine.prefs.prefs import PlayerPrefs, PrefsLockedError
from engine.scenes.file import SceneFile
from engine.scenes.manager import SceneSteps
from engine.toml.reader import TomlFileError, read_toml

__all__ = ["main"]

ASSETS = Path(__file__).resolve().parent / "assets"
FILM_SECONDS = 0.1
BINDINGS = "bindings."


@dataclass(frozen=True)
class Options:
    """What the command line asked for."""

    headless: bool
    script: Path | None
    report: Path | None
    seconds: float | None
    data: Path | None
    scene: str
    endpoint: str | None
    microphone: str
    screenshot: Path | None
    record_gif: Path | None
    log_level: str
    speech: SpeechSettings


def parse(arguments: Sequence[str] | None) -> Options:
    """Read the command line. Exits with status 2 and a sentence when it makes no sense."""
    it = argparse.ArgumentParser("main.py", description="Characters that talk, and remember.")
    it.add_argument("--headless", action="store_true", help="no window, no sound card")
    it.add_argument("--script", type=Path, metavar="FILE", help="play these steps, then end")
    it.add_argument("--report", type=Path, metavar="OUT.json", help="write what happened")
    it.add_argument("--seconds", type=float, help="end after so long; a script has failed then")
    it.add_argument("--data", type=Path, metavar="DIR", help="where everything is kept")
    it.add_argument("--scene", default="clinic", help="a level's name or file")
    it.add_argument("--endpoint", metavar="URL", help="instead of the embedded service")
    it.add_argument("--microphone", choices=("device", "script", "none"))
    it.add_argument("--screenshot", type=Path, metavar="PNG", help="the last frame as a picture")
    it.add_argument("--record-gif", type=Path, metavar="GIF", help="the run as a moving picture")
    it.add_argument("--log-level", default="WARNING", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    add_speech_flags(it)
    parsed = it.parse_args(arguments)
    asked: dict[str, Any] = {
        field.name: getattr(parsed, field.name, None) for field in fields(Options)
    }
    try:
        asked["speech"] = speech_settings(parsed)
    except ValueError as problem:
        it.error(str(problem))
    if asked["headless"] and (asked["screenshot"] or asked["record_gif"]):
        it.error("pictures need the window: leave out --headless")
    if asked["seconds"] is not None and not asked["seconds"] > 0:
        it.error("--seconds must be above 0")
    asked["microphone"] = asked["microphone"] or ("script" if asked["headless"] else "device")
    return Options(**asked)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the game; return 0, 1 when a step was not met, 2 when a file cannot be used."""
    options = parse(arguments)
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # standard output is the game's
    logging.basicConfig(
        level=options.log_level, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    try:
        script = None if options.script is None else read_toml(options.script, Script)
        read_scene(options.scene, make_registry(), asset_folder(options.scene))
    except TomlFileError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        with ExitStack() as stack:
            return Game(options, stack).play(script)
    except (PrefsLockedError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1


def make_registry() -> ComponentRegistry:
    """Return what a scene file may name in this game."""
    registry = ComponentRegistry()
    register_components(registry)
    register_visuals(registry)
    return registry


def read_scene(name: str, registry: ComponentRegistry, assets: Path) -> SceneFile:
    """Read a level by its name or path. Raises TomlFileError."""
    path = Path(name) if name.endswith(".toml") else assets / "scenes" / f"{name}.toml"
    return SceneFile.read(path, registry, SCENE_CHECKS, asset_root=assets)


def asset_folder(scene: str) -> Path:
    """Return the `assets` folder that a level's file lies in; a name or a loose file has ours."""
    folder = AssetFolder.of(Path(scene)).root
    return folder if scene.endswith(".toml") and folder.name == "assets" else ASSETS


class Game:
    """The parts of one run, and the order in which they are let go: `stack` does that."""

    def __init__(self, options: Options, stack: ExitStack) -> None:
        self._options = options
        self._registry = make_registry()
        self._assets = asset_folder(options.scene)
        self._app = app = Application(
            data_dir=options.data, headless=options.headless, open_scene=self._open_scene
        )
        stack.enter_context(app)
        prefs = app.prefs  # opened first: a second game on this folder is told so before all else
        self._recording = ScriptSource(now=app.clock.now)
        self._parts = self._make_parts(prefs)
        stack.callback(self._parts.close)
        stack.callback(app.scenes.close)
        parts = self._parts
        given = (parts.runtime, parts.faults, parts.service, parts.devices, prefs)
        for service in filter(None, given):
            app.provide(service)
        app.scenes.scene_loaded.subscribe(lambda _: settle_memory())
        stack.callback(gc.unfreeze)  # at the end everything may be looked through again
        self._wire(prefs)
        self._recorder = Recorder(app.clock.now())
        self._runner: ScriptRunner | None = None
        self._film: list[NDArray[np.uint8]] = []
        self._next_picture = 0.0
        self._ends_at = None if options.seconds is None else app.clock.now() + options.seconds
        stack.enter_context(signals_quit(app))

    def _make_parts(self, prefs: PlayerPrefs) -> Parts:
        app, options = self._app, self._options
        return make_parts(
            app.persistent_data_path,
            self._assets,
            prefs,
            clock=app.clock,
            dispatcher=app.dispatcher,
            sound=not options.headless or options.microphone == "device",
            microphone=self._microphone(),
            endpoint=options.endpoint,
            speech=options.speech,
        )

    def _wire(self, prefs: PlayerPrefs) -> None:
        """Bring the player's keys."""
        app = self._app
        for name in prefs.keys(BINDINGS):  # "bindings.talk" = "space,pad 0"
            keys = prefs.get_string(name).split(",")
            app.input.bindings[name.removeprefix(BINDINGS)] = tuple(keys)

    def play(self, script: Script | None) -> int:
        """Run until the script is over, the time is up or the player leaves."""
        if script is not None:
            self._runner = ScriptRunner(script, self._stage(), self._app.clock.now)
        self._app.scenes.load(self._options.scene)
        self._app.frame.subscribe(self._each_frame)
        self._app.run()
        return self._finish()

    def _stage(self) -> SceneDriver:
        assert self._options.script is not None  # there is a script only of a file
        return SceneDriver(
            self._app,
            self._parts.runtime,
            self._parts.faults,
            self._options.script.resolve().parent,
            self._recording if self._options.microphone == "script" else None,
        )

    def _each_frame(self, time: Time) -> None:
        self._recorder.watch(self._parts.runtime.sessions)
        level = self._app.scenes.active
        if level is not None and level.time.frame == 1:
            gc.freeze()  # the sessions that a level's first frame opens remain as it does
        if self._runner is not None and level is not None and level.time.frame > 0:
            self._runner.update()
            if self._runner.is_over:
                self._app.quit()
        self._take_picture(time.now)
        if self._ends_at is not None and time.now >= self._ends_at:
            if self._runner is not None:
                self._runner.fail(f"the run was to end within {self._options.seconds:g} s")
            self._app.quit()

    def _take_picture(self, now: float) -> None:
        window = self._app.window
        if self._options.record_gif is None or window is None or now < self._next_picture:
            return
        self._next_picture = now + FILM_SECONDS
        whole = window.picture().astype(np.uint16)
        halved = (whole[::2, ::2] + whole[1::2, ::2] + whole[::2, 1::2] + whole[1::2, 1::2]) // 4
        self._film.append(halved.astype(np.uint8))

    def _finish(self) -> int:
        runner = self._runner
        if runner is not None:
            runner.fail("the game was ended before")
        failure = None if runner is None else runner.failure
        if self._options.screenshot is not None and self._app.window is not None:
            self._app.window.screenshot(self._options.screenshot)
        if self._options.record_gif is not None:
            write_gif(self._options.record_gif, self._film, FILM_SECONDS)
        if self._options.report is not None:
            self._recorder.write(self._options.report, self._app.time.frame, failure)
        if failure is not None:
            print(f"step {failure.step}: {failure.what}: {failure.why}", file=sys.stderr)
        return 0 if failure is None else 1

    def _open_scene(self, name: str) -> SceneSteps:
        file = read_scene(name, self._registry, self._assets)
        yield 0.2
        scene = self._app.new_scene(file.settings.name, file.settings.size)
        scene.background = file.settings.background
        yield from file.build_steps(scene)
        scene.add(HotReload(file))
        if self._app.window is not None:
            scene.add(Hud())
            yield from prewarm(scene)
        return scene

    def _microphone(self) -> SourceFactory | None:
        """Return what is to be heard instead of the device."""
        if self._options.microphone == "script":
            return lambda: self._recording
        return SilentSource if self._options.microphone == "none" else None


@contextmanager
def signals_quit(app: Application) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the game as its own menu would."""

    def end(number: int, frame: FrameType | None) -> None:
        app.quit()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
