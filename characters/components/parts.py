"""Parts: the runtime, sound, service and preferences of a level, put together in the usual way.

`make_parts` is for a game with an Application, `parts_for` for a scene in a loop of its own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from characters.audio.mixer import Voice
from characters.audio.portaudio import NEEDS_PYAUDIO, DeviceReport, calm, list_devices
from characters.audio.sources import FaultInjector, SilentSource, SourceFactory
from characters.audio.speaker import ClockVoice, DeviceVoice
from characters.client.microphone import EchoFilter
from characters.client.runtime import Runtime, RuntimeBuilder
from characters.client.service_process import ServiceProcess
from characters.components.faults import Faults, Task
from characters.components.slots import SaveSlots
from characters.english import ENGLISH
from characters.protocol.model_settings import ModelSettings
from characters.speech.settings import SpeechSettings
from characters.storage.sessions import KeyValueSessionPersistence, MemoryStore, SessionPersistence
from engine.app.application import Application
from engine.core.clock import Clock
from engine.core.data_folder import data_folder, main_folder, make_data_folder
from engine.core.events import Dispatcher
from engine.objects.scene import Scene
from engine.prefs.prefs import PlayerPrefs, PrefsLockedError
from engine.scenes.file import SceneFile

__all__ = ["InsteadOfLocal", "make_parts", "open_sound", "Parts", "parts_for", "SoundDevices"]

_log = logging.getLogger(__name__)

OPEN_ALREADY = ENGLISH("settings.open_already")


class SoundDevices:
    """The sound devices that the player may choose from.

    Called on the main thread; nothing here waits. A process of its own asks PortAudio for the
    devices, and opens none.
    """

    def __init__(self, find: Callable[[], DeviceReport] = list_devices) -> None:
        self._find = find
        self._report = DeviceReport()
        self._search: Task | None = None

    @property
    def is_looking(self) -> bool:
        """Whether a search is under way."""
        return self._search is not None and not self._search.is_done

    @property
    def report(self) -> DeviceReport:
        """What the last search found; empty before the first one has ended."""
        if self._search is not None and self._search.error is not None:
            return DeviceReport(problem=calm(ENGLISH("audio.nothing_listed")))
        return self._report

    def look(self) -> None:
        """Begin to look for devices, unless a search is under way."""
        if not self.is_looking:
            self._search = Task(self._run, "list sound devices")

    def _run(self) -> None:
        self._report = self._find()


@dataclass(frozen=True)
class Sound:
    """What a runtime hears and speaks through; no device is open yet."""

    microphone: SourceFactory
    voice: Voice
    devices: SoundDevices
    echo: EchoFilter | None = None


def open_sound(*, devices: bool = True, now: Callable[[], float] = time.monotonic) -> Sound:
    """Return the machine's sound; without `devices` there are text and captions only.

    The loudspeaker is opened when the runtime starts, the microphone after the player's first
    explicit act. On a machine without them, their `problem` says why.
    """
    if not devices:
        silent = no_devices(calm(ENGLISH("audio.without_sound")))
        return Sound(lambda: SilentSource(now=now), ClockVoice(), silent)
    try:
        # Imported here: text and captions need neither PortAudio nor its package.
        from characters.audio.microphone import PortAudioMicrophone
        from characters.audio.portaudio_output import PortAudioOutput
    except ImportError:
        return _sound_of_pygame(now)
    from characters.audio.echo import open_echo_canceller

    echo = open_echo_canceller()
    played = None if echo is None else echo.played
    return Sound(
        lambda: PortAudioMicrophone(now=now),
        DeviceVoice(list_devices, PortAudioOutput, played=played),
        SoundDevices(),
        echo,
    )


def _sound_of_pygame(now: Callable[[], float]) -> Sound:
    """Return a loudspeaker without a microphone: what there is without PyAudio."""
    from characters.audio.pygame_output import PygameOutput, pygame_devices

    missing = calm(NEEDS_PYAUDIO)
    return Sound(
        lambda: SilentSource(missing, now=now),
        DeviceVoice(pygame_devices, PygameOutput),
        no_devices(missing),
    )


def no_devices(problem: str) -> SoundDevices:
    """Return an empty list of devices, with the sentence that says why it is empty."""
    return SoundDevices(lambda: DeviceReport(problem=problem))


@dataclass(frozen=True)
class InsteadOfLocal:
    """A URL that characters talk to instead of the embedded service."""

    url: str


@dataclass(frozen=True)
class Parts:
    """What the characters of a game need; `close` closes it in the right order."""

    runtime: Runtime
    faults: Faults
    prefs: PlayerPrefs
    devices: SoundDevices
    slots: SaveSlots
    owns_prefs: bool = False
    endpoint: InsteadOfLocal | None = None

    def provide_to(self, game: Application | Scene) -> None:
        """Provide the parts to a scene, or to every scene that an application makes from now on."""
        parts = (
            self.runtime,
            self.faults,
            self.runtime.service,
            self.devices,
            self.prefs,
            self.slots,
            self.endpoint,
        )
        for part in parts:
            if part is not None:
                game.provide(part)

    def close(self) -> None:
        """Close the sessions, stop the service, and write the preferences if they are its own."""
        self.slots.close()
        self.runtime.close()
        if self.owns_prefs:
            self.prefs.close()


def make_parts(
    data: Path | None,
    assets: Path,
    prefs: PlayerPrefs,
    *,
    clock: Clock,
    dispatcher: Dispatcher,
    sound: bool = True,
    microphone: SourceFactory | None = None,
    endpoint: str | None = None,
    speech: SpeechSettings | None = None,
    model: ModelSettings | None = None,
    persistence: SessionPersistence | None = None,
    owns_prefs: bool = False,
    game: Application | Scene | None = None,
) -> Parts:
    """Build and start a runtime whose sessions are kept in `prefs`, or by `persistence`.

    "local" is the embedded service, with its store below `data`, or in memory for None; it is
    started when the first character connects. With `endpoint`, a URL, "local" is that instead and
    no process is started. With `sound` the characters are heard on this machine's loudspeaker and
    the player through its microphone, or through the sources that `microphone` makes; without,
    there are captions only. `game` is whose levels and pictures go into save slots.
    `speech` is what the embedded service recognises and speaks with, `model` what answers there
    instead of a level's own. `assets` holds personas/; one that is not there may be one of this
    package's.
    """
    opened = open_sound(devices=sound, now=clock.now)
    arguments = () if speech is None else speech.arguments()
    source = FaultInjector(microphone or opened.microphone)
    builder = (
        RuntimeBuilder()
        .use_clock(clock)
        .use_dispatcher(dispatcher)
        .use_persistence(persistence or KeyValueSessionPersistence(prefs))
        .use_microphone(source)
        .use_voice(opened.voice)
    )
    if endpoint:
        builder.use_endpoint_url(lambda name: _only_local(name, endpoint))
    else:
        fixed = () if model is None else model.arguments()
        builder.use_service(ServiceProcess(data, assets, arguments=arguments, fixed=fixed))
    if opened.echo is not None:
        builder.use_echo_filter(opened.echo)
    runtime = builder.build()
    runtime.start()
    faults = Faults(runtime, runtime.service, source)
    slots = SaveSlots(runtime, prefs, game=game)
    instead = InsteadOfLocal(endpoint) if endpoint else None
    return Parts(runtime, faults, prefs, opened.devices, slots, owns_prefs, instead)


def parts_for(
    scene: Scene,
    data: str = "",
    assets: str = "",
    *,
    game: str = "",
    sound: bool = True,
    speech: SpeechSettings | None = None,
) -> Parts:
    """Build parts for a scene in a loop of the game's own, with the services it was given.

    An Application or PlayerPrefs of the game is used instead of new ones, and its own
    SessionPersistence keeps the sessions. Else the folder is `data`, or that of the `game`. The
    scene is given the SoundDevices to choose from, the Faults and the PlayerPrefs. Without `assets`
    the personas are those beside the level's file, or beside the main script of a game without
    files.

    In a second process of the same game nothing is kept: the `problem` of its PlayerPrefs says so.
    """
    provided, folder = _provided_prefs(scene), _folder(scene, data, game)
    persistence = scene.find_service(SessionPersistence)  # type: ignore[type-abstract]  # its shape
    is_second = False
    try:
        if provided:
            prefs = provided()
        else:
            prefs = PlayerPrefs.open(folder / "prefs.msgpack", dispatcher=scene.dispatcher)
    except PrefsLockedError as held:
        _log.warning("%s", held)
        prefs, is_second = PlayerPrefs.in_memory(OPEN_ALREADY, dispatcher=scene.dispatcher), True
        persistence = persistence or KeyValueSessionPersistence(MemoryStore())
    parts = make_parts(
        None if is_second else folder,  # two services must not write to one store
        Path(assets) if assets else assets_of(scene),
        prefs,
        clock=scene.clock,
        dispatcher=scene.dispatcher,
        sound=sound,
        speech=speech,
        persistence=persistence,
        owns_prefs=is_second or provided is None,
        game=scene.find_service(Application) or scene,
    )
    for part in (parts.devices, parts.faults, parts.prefs, parts.slots):
        scene.provide(part)
    return parts


def _only_local(name: str, url: str) -> str:
    if name != "local":
        raise LookupError(f'endpoint {name!r} is no URL and not "local"')
    return url


def assets_of(scene: Scene) -> Path:
    """Return where a scene's assets are: beside its file, or beside the game's main script."""
    file = scene.find_service(SceneFile)
    return main_folder() if file is None else file.document.assets.root


def _provided_prefs(scene: Scene) -> Callable[[], PlayerPrefs] | None:
    """Return how to get at the preferences of the game, None if it has none of its own."""
    application = scene.find_service(Application)
    if application is not None:
        return lambda: application.prefs
    prefs = scene.find_service(PlayerPrefs)
    return None if prefs is None or prefs.is_closed else lambda: prefs


def _folder(scene: Scene, data: str, game: str) -> Path:
    application = scene.find_service(Application)
    if data:
        return make_data_folder(Path(data))
    if application is not None:
        return application.persistent_data_path
    return make_data_folder(data_folder(game))
