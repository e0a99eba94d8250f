"""The demo: reads the command line, puts the game together, runs it in a window or without.

python -m characters demo                                   a window
python -m characters demo --headless --script play.toml     no window, driven by a file
"""

from __future__ import annotations

import argparse
import gc
import logging
import signal
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from characters.audio.sources import ScriptSource, SilentSource, SourceFactory
from characters.commands.options import add_components
from characters.commands.own_components import main_script_of
from characters.commands.scenes import project_registry
from characters.components.checks import SCENE_CHECKS
from characters.components.choices import apply_key_choices
from characters.components.language import language_path, read_words
from characters.components.parts import Parts, make_parts
from characters.components.player import Player
from characters.components.slots import LoadedSlot
from characters.headless.driver import SceneDriver
from characters.headless.names import read_script
from characters.headless.runner import Recorder, ScriptRunner, StepFailure
from characters.headless.script import Script
from characters.installation import DEMO, package_assets
from characters.protocol.model_settings import (
    ModelSettings,
    add_model_flags,
    model_settings,
)
from characters.speech.settings import SpeechSettings, add_speech_flags, speech_settings
from characters.ui.hud import Hud
from characters.ui.registration import prewarm
from engine.app.application import Application, settle_memory
from engine.app.hot_reload import HotReload
from engine.core.clock import Time
from engine.core.data_folder import DataFolderError
from engine.core.errors import install_command
from engine.core.file_system import expect_file
from engine.core.words import Words
from engine.objects.assets import AssetFolder
from engine.prefs.prefs import PrefsLockedError
from engine.scenes.file import SceneFile
from engine.scenes.manager import SceneSteps
from engine.toml.reader import TomlFileError

if TYPE_CHECKING:
    from PIL import Image

    from engine.app.window import Window  # not for headless runs: it imports pygame

__all__ = ["Game", "LevelFolder", "main", "Options", "parse"]

FILM_SECONDS = 0.1
PALETTE_PICTURES = 8


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

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
    components: tuple[str, ...]
    words: str | None
    speech: SpeechSettings
    model: ModelSettings


def parse(arguments: Sequence[str] | None, program: str = "main.py") -> Options:
    """Read the command line. Exits with status 2 and a sentence when it makes no sense."""
    parser = argparse.ArgumentParser(program, description="Characters that talk, and remember.")
    add = parser.add_argument
    add("--headless", action="store_true", help="no window, no sound card")
    add("--script", type=Path, metavar="FILE", help="play these steps, then end")
    add("--report", type=Path, metavar="OUT.json", help="write what happened")
    add("--seconds", type=float, help="end after so long; a script has failed then")
    add("--data", type=Path, metavar="DIR", help="where everything is kept")
    add("--scene", default="clinic", help="a level's name or file")
    add_components(parser)
    add("--words", metavar="LANGUAGE", help='of the screen: "de", or words/FILE.toml of the assets')
    add("--endpoint", metavar="URL", help="instead of the embedded service")
    add("--microphone", choices=("device", "script", "none"))
    add("--screenshot", type=Path, metavar="PNG", help="the last frame as a picture")
    add("--record-gif", type=Path, metavar="GIF", help="the run as a moving picture")
    add("--log-level", default="WARNING", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    add_speech_flags(parser)
    add_model_flags(parser)
    parsed = parser.parse_args(arguments)
    values: dict[str, Any] = {
        field.name: getattr(parsed, field.name, None) for field in fields(Options)
    }
    try:
        values["speech"] = speech_settings(parsed)
        values["model"] = model_settings(parsed)
    except ValueError as error:
        parser.error(str(error))
    if values["headless"] and (values["screenshot"] or values["record_gif"]):
        parser.error("pictures need the window: leave out --headless")
    if values["record_gif"] and find_spec("PIL") is None:
        parser.error(f"--record-gif needs Pillow: {install_command('record')}")
    if values["seconds"] is not None and not values["seconds"] > 0:
        parser.error("--seconds must be above 0")
    values["microphone"] = values["microphone"] or ("script" if values["headless"] else "device")
    return Options(**values)


def main(arguments: Sequence[str] | None = None, program: str = "main.py") -> int:
    """Run the game; return 0, 1 when a step was not met, 2 when a file cannot be used."""
    options = parse(arguments, program)
    logging.basicConfig(
        level=options.log_level, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    try:
        levels = LevelFolder(options.scene, options.components)
        words = levels.read_words(options.words)
        levels.read_first()
        script = None if options.script is None else levels.read_script(options.script)
    except (TomlFileError, ImportError) as error:
        print(error, file=sys.stderr)
        return 2
    try:
        with ExitStack() as stack:
            game = Game(options, levels, stack)
            if words is not None:
                game.app.provide(words)
            return game.play(script)
    except (PrefsLockedError, DataFolderError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1


class LevelFolder:
    """Reads levels by name or path, from the `assets` folder that the first one lies in."""

    def __init__(self, first: str, modules: Sequence[str] = ()) -> None:
        folder = AssetFolder.of(Path(first)).root
        has_own = first.endswith(".toml") and folder.name == "assets"
        self.assets = folder if has_own else package_assets()
        script = main_script_of(Path(first)) if first.endswith(".toml") else None
        self._registry = project_registry(modules, script)
        self._first = first
        self._read_ahead: SceneFile | None = None

    def read_first(self) -> None:
        """Read the first level ahead, before there is a window. Raises TomlFileError."""
        self._read_ahead = self.read(self._first)

    def read_words(self, language: str | None) -> Words | None:
        """Return the texts of a language. Raises TomlFileError."""
        return None if language is None else read_words(language_path(language, self.assets))

    def read_script(self, path: Path) -> Script:
        """Read a script, with every name in it looked up. Raises TomlFileError."""
        kinds = map(self._registry.get, self._registry.names())
        has_own = not all(kind.__module__.startswith(("characters.", "engine.")) for kind in kinds)
        return read_script(
            path, lambda name: self._file(name).document, self._first, has_own_components=has_own
        )

    def read(self, name: str) -> SceneFile:
        """Read a level; the one that was read ahead is not read again. Raises TomlFileError."""
        file = self._file(name)
        self._read_ahead = None
        return file

    def _file(self, name: str) -> SceneFile:
        if self._read_ahead is not None and name == self._first:
            return self._read_ahead
        is_path = name.endswith(".toml")
        path = Path(name) if is_path else self.assets / "scenes" / f"{name}.toml"
        return SceneFile.read(path, self._registry, SCENE_CHECKS, asset_root=self.assets)


class Film:
    """Ten pictures of a window in each second, for a GIF that Pillow writes.

    All share one palette: what stands still in the room is then equal from picture to picture, and
    costs nothing in the file.
    """

    def __init__(self) -> None:
        self._pictures: list[bytes] = []  # compressed: a minute of a window is a gigabyte
        self._size = (0, 0)
        self._times: list[float] = []

    def take(self, window: Window, now: float) -> None:
        """Take a picture if it is time for one."""
        if not self._times or now >= self._times[-1] + FILM_SECONDS:
            picture = window.picture()
            self._size = (picture.shape[1], picture.shape[0])
            self._times.append(now)
            self._pictures.append(zlib.compress(picture.tobytes(), 1))

    def write(self, path: Path) -> None:
        """Write the pictures, if there are any. Raises OSError."""
        from PIL import Image

        if not self._pictures:
            return
        palette = self._palette()
        plain = Image.Dither.NONE
        first, *others = (
            self._picture(index).quantize(palette=palette, dither=plain)
            for index in range(len(self._pictures))
        )
        shown = [max(20, round(1000 * (b - a))) for a, b in pairwise(self._times)] + [2000]
        first.save(path, "GIF", save_all=True, append_images=others, duration=shown, loop=0)

    def _picture(self, index: int) -> Image.Image:
        from PIL import Image

        return Image.frombytes("RGB", self._size, zlib.decompress(self._pictures[index]))

    def _palette(self) -> Image.Image:
        """Return a picture with the colours of pictures from the whole film."""
        from PIL import Image

        chosen = range(0, len(self._pictures), 1 + len(self._pictures) // PALETTE_PICTURES)
        width, height = self._size
        strip = Image.new("RGB", (width, height * len(chosen)))
        for row, index in enumerate(chosen):
            strip.paste(self._picture(index), (0, row * height))
        return strip.quantize(dither=Image.Dither.NONE)


class Game:
    """The parts of one run; `stack` closes them in the opposite order."""

    def __init__(self, options: Options, levels: LevelFolder, stack: ExitStack) -> None:
        self._options = options
        self._levels = levels
        self.app = app = Application(
            DEMO, data_dir=options.data, headless=options.headless, open_scene=self._open_scene
        )
        stack.enter_context(app)
        apply_key_choices(app.input, app.prefs)  # opens them: a second game here ends at once
        self._recording = ScriptSource(now=app.clock.now)
        self.parts = self._make_parts()
        stack.callback(self.parts.close)
        stack.callback(app.scenes.close)
        self.parts.provide_to(app)
        self.parts.slots.saving.subscribe(self._save_place)
        self.parts.slots.loaded.subscribe(self._go_to_place)
        app.scenes.scene_loaded.subscribe(lambda _: settle_memory())
        stack.callback(gc.unfreeze)
        self._recorder = Recorder(app.clock.now())
        self._runner: ScriptRunner | None = None
        self._film = None if options.record_gif is None else Film()
        self._ends_at = None if options.seconds is None else app.clock.now() + options.seconds
        stack.enter_context(_quit_on_signals(app))

    def play(self, script: Script | None) -> int:
        """Run until the script is over, the time is up or the player leaves."""
        if script is not None:
            self._runner = ScriptRunner(script, self._driver(), self.app.clock.now)
        self.app.scenes.load(self._options.scene)
        self.app.frame.subscribe(self._frame)
        self.app.run()
        return self._finish()

    def _make_parts(self) -> Parts:
        app, options = self.app, self._options
        return make_parts(
            app.persistent_data_path,
            self._levels.assets,
            app.prefs,
            clock=app.clock,
            dispatcher=app.dispatcher,
            sound=not options.headless or options.microphone == "device",
            microphone=self._microphone(),
            endpoint=options.endpoint,
            speech=options.speech,
            model=options.model,
            game=app,
        )

    def _save_place(self, values: dict[str, Any]) -> None:
        """Keep in a slot where the player stands."""
        level = self.app.scenes.active
        player = None if level is None else level.find_component(Player)
        if player is not None:
            values["player"] = list(player.transform.position)

    def _go_to_place(self, loaded: LoadedSlot) -> None:
        """Put the player where he stood when the slot was saved."""
        level, place = self.app.scenes.active, loaded.values.get("player")
        player = None if level is None else level.find_component(Player)
        if player is not None and isinstance(place, list) and len(place) == 2:
            player.transform.position = (float(place[0]), float(place[1]))

    def _microphone(self) -> SourceFactory | None:
        """Return what is heard instead of the device."""
        if self._options.microphone == "script":
            return lambda: self._recording
        return SilentSource if self._options.microphone == "none" else None

    def _driver(self) -> SceneDriver:
        assert self._options.script is not None  # a script comes from its file
        return SceneDriver(
            self.app,
            self.parts.runtime,
            self.parts.faults,
            self._options.script.resolve().parent,
            self._recording if self._options.microphone == "script" else None,
        )

    def _open_scene(self, name: str) -> SceneSteps:
        file = self._levels.read(name)
        yield 0.2
        scene = self.app.new_scene(file.settings.name, file.settings.size)
        scene.background = file.settings.background
        yield from file.build_steps(scene)
        scene.add(HotReload(file))
        if self.app.window is not None:
            scene.add(Hud())
            yield from prewarm(scene)
        return scene

    def _frame(self, time: Time) -> None:
        app, runner, level = self.app, self._runner, self.app.scenes.active
        self._recorder.watch(self.parts.runtime.sessions)
        if level is not None and level.time.frame == 1:
            gc.freeze()  # the sessions that a level's first frame opens remain as it does
        if runner is not None and level is not None and level.time.frame > 0:
            runner.update()
            if runner.is_over:
                app.quit()
        is_shown = level is not None and level.time.frame > 1
        if self._film is not None and app.window is not None and is_shown:
            self._film.take(app.window, time.now)
        if self._ends_at is not None and time.now >= self._ends_at:
            if runner is not None:
                runner.fail(f"the run was to end within {self._options.seconds:g} s")
            app.quit()

    def _finish(self) -> int:
        """Write what was asked for; return the exit status."""
        runner = self._runner
        if runner is not None:
            runner.fail("the game was ended before")
        failure = None if runner is None else runner.failure
        if failure is not None:
            print(f"step {failure.step}: {failure.what}: {failure.why}", file=sys.stderr)
        options, window, film = self._options, self.app.window, self._film
        written = [
            _write(options.report, partial(self._report, failure)),
            window is None or _write(options.screenshot, window.screenshot),
            film is None or _write(options.record_gif, film.write),
        ]
        return 0 if failure is None and all(written) else 1

    def _report(self, failure: StepFailure | None, path: Path) -> None:
        self._recorder.write(path, self.app.time.frame, failure)


def _write(path: Path | None, write: Callable[[Path], object]) -> bool:
    """Write a file that was asked for; return False, and say why, if that cannot be done."""
    if path is None:
        return True
    try:
        expect_file(path, follows_links=True)  # pygame would wait for a pipe
        write(path)
    except (OSError, RuntimeError, ValueError) as error:  # of pygame and Pillow, too
        why = getattr(error, "strerror", None) or error
        print(f"{path} could not be written: {why}", file=sys.stderr)
        return False
    return True


@contextmanager
def _quit_on_signals(app: Application) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the game as its own menu would."""

    def end(number: int, frame: FrameType | None) -> None:
        app.quit()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
