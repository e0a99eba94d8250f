"""The parts behind a level: runtime, store and service, put together in the usual way."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from characters.audio.plug import Plug
from characters.audio.source import SourceFactory
from characters.components.faults import Faults
from characters.components.sound import SoundDevices, open_sound
from characters.core.speech import SpeechSettings
from characters.persistence import (
    KeyValueSessionPersistence,
    PlayerPrefsStore,
    SessionPersistence,
)
from characters.runtime import Runtime, RuntimeBuilder, ServiceProcess
from engine.application import Application
from engine.clock import Clock
from engine.dispatcher import Dispatcher
from engine.prefs import PlayerPrefs
from engine.scene import Scene
from engine.scene_file import SceneFile

__all__ = ["Parts", "make_parts", "parts_for"]

_log = logging.getLogger(__name__)

PACKAGE_ASSETS = Path(__file__).resolve().parent.parent.parent / "assets"


@dataclass(frozen=True)
class Parts:
    """What characters need to live; `close` lets go of it in the right order."""

    runtime: Runtime
    faults: Faults
    service: ServiceProcess | None
    prefs: PlayerPrefs
    devices: SoundDevices
    owns_prefs: bool = False

    def close(self) -> None:
        """Say goodbye, end the service, and keep what is to be kept."""
        self.runtime.close()
        if self.service is not None:
            self.service.stop()
        if self.owns_prefs:
            self.prefs.close()


def make_parts(
    data: Path,
    assets: Path,
    prefs: PlayerPrefs,
    *,
    clock: Clock,
    dispatcher: Dispatcher,
    sound: bool = True,
    microphone: SourceFactory | None = None,
    endpoint: str | None = None,
    speech: SpeechSettings | None = None,
    persistence: SessionPersistence | None = None,
    owns_prefs: bool = False,
) -> Parts:
    """Build and start a runtime whose sessions are kept in `prefs`, or by `persistence`.

    "local" is the embedded service, with its store below `data`; it is started when the first
    character connects. With `endpoint`, a URL, "local" is that instead and no process is ours.
    With `sound` the characters are heard on this machine's loudspeaker and the player through its
    microphone, or through the sources that `microphone` makes; without, there are captions only.
    `speech` says what the embedded service recognises and speaks with. `assets` holds personas/;
    a folder without stands for the one that came with this package.
    """
    if not (assets / "personas").is_dir():
        assets = PACKAGE_ASSETS
    heard = open_sound(devices=sound, now=clock.now)
    spoken = () if speech is None else speech.arguments()
    service = None if endpoint else ServiceProcess(data, assets, arguments=spoken)
    plug = Plug(microphone or heard.microphone)
    builder = (
        RuntimeBuilder()
        .use_clock(clock)
        .use_dispatcher(dispatcher)
        .use_persistence(persistence or KeyValueSessionPersistence(PlayerPrefsStore(prefs)))
        .use_endpoint_url(_resolver(endpoint, service))
        .use_microphone(plug)
        .use_voice(heard.voice)
    )
    if heard.echo is not None:
        builder.use_echo_filter(heard.echo)
    runtime = builder.build()
    runtime.start()
    faults = Faults(runtime, service, plug)
    return Parts(runtime, faults, service, prefs, heard.devices, owns_prefs)


def parts_for(
    scene: Scene,
    data_folder: str = "",
    asset_folder: str = "",
    *,
    sound: bool = True,
    speech: SpeechSettings | None = None,
) -> Parts:
    """Build parts for a scene of somebody's own loop, with what it was given as services.

    An Application or PlayerPrefs of the game is used instead of one of our own, and a
    KeyValueSessionPersistence keeps the sessions in whatever store it stands on. The scene is
    given the SoundDevices to choose from. Without an `asset_folder` the personas are those beside
    the level's file.
    """
    application = scene.find_service(Application)
    data = Path(data_folder) if data_folder else _user_data(application)
    given = application.prefs if application else scene.find_service(PlayerPrefs)
    parts = make_parts(
        data,
        Path(asset_folder) if asset_folder else _assets_of(scene),
        given or PlayerPrefs.open(data / "prefs.msgpack"),
        clock=scene.clock,
        dispatcher=scene.dispatcher,
        sound=sound,
        speech=speech,
        persistence=scene.find_service(KeyValueSessionPersistence),
        owns_prefs=given is None,
    )
    scene.provide(parts.devices)
    return parts


def _resolver(endpoint: str | None, service: ServiceProcess | None) -> Callable[[str], str]:
    def resolve(name: str) -> str:
        if name != "local":
            raise LookupError(f'endpoint {name!r} is no URL and not "local"')
        if service is None:
            return endpoint or ""
        # One that crashed is started again; one that was killed on purpose stays dead.
        if service.url and not service.has_crashed:
            return service.url
        url = service.start()
        _log.info("The service runs at %s.", url)
        return url

    return resolve


def _assets_of(scene: Scene) -> Path:
    file = scene.find_service(SceneFile)
    return PACKAGE_ASSETS if file is None else file.document.assets.root


def _user_data(application: Application | None) -> Path:
    if application is not None:
        return application.persistent_data_path
    path = Path(platformdirs.user_data_path("Troupe", "troupe"))
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
