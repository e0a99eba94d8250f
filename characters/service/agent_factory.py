"""Makes the agents: from persona files, each by its script or by the language model that is meant.

`PersonaAgentFactory` reads the personas below the assets folders; `ModelPool` keeps one client for
each model server, and runs those from files.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path
from random import Random
from typing import Any

from pydantic import TypeAdapter, ValidationError

from characters.agents.agent import Agent
from characters.agents.completions import ModelClient, has_package
from characters.agents.llm import LlmAgent
from characters.agents.local_model import LocalModel, has_runner
from characters.agents.persona import SMALL_TALK, Persona, PersonaFiles
from characters.agents.script import ScriptedAgent
from characters.english import ENGLISH
from characters.protocol.messages import ConnectRequest
from characters.protocol.model_settings import ModelSettings, laid_over
from characters.service.registry import RefusalError, body_problem, unfit_body
from characters.service.requests import unfit_fields
from characters.service.service import AgentAbout
from characters.speech.interfaces import VoiceStyle
from engine.core.errors import install_command
from engine.core.file_system import real_path
from engine.toml.reader import TomlFileError

__all__ = ["ModelPool", "PersonaAgentFactory"]

_SETTINGS = TypeAdapter(ModelSettings)
MOST_CLIENTS = 64  # of models; a request may name any
MOST_PREPARED = 256  # names of persona files; one file may be asked for by many
# At least, between two looks at one file, however many ask for it: each look is made in a thread,
# and the loop waits for the interpreter when it begins and when it ends.
LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model answers for a character; `problem` is a sentence if it cannot."""

    settings: ModelSettings
    client: ModelClient | None = None
    problem: str = ""


class ModelPool:
    """The models of one service, each with one client. Belongs to one event loop.

    `settings` are those of the command line. What a request says of a model counts only with
    `by_request`: it makes the service send words to whatever address the request names. A request
    brings its key itself; the variables of the `environment` are for keys that the command line or
    a persona names.
    """

    def __init__(
        self,
        settings: ModelSettings | None = None,
        *,
        by_request: bool = False,
        environment: Mapping[str, str] | None = None,
        folders: Sequence[Path] = (),
    ) -> None:
        self._settings = settings or ModelSettings()
        self._by_request = by_request
        self._environment = environment or {}
        self._folders = folders
        self._clients: dict[tuple[str, str], ModelClient] = {}
        self._local: dict[Path, LocalModel] = {}

    def choose(self, request: ConnectRequest, persona: Persona) -> ModelChoice:
        """Return the model of a character. Raises RefusalError for settings without sense."""
        level, own = self._asked(request, "level"), self._asked(request, "own")
        ours = (self._settings, persona.model)
        settings = laid_over((level[0], *ours, own[0]))
        if not settings.is_set:
            return ModelChoice(settings)
        if settings.file:
            return self._from_file(settings)
        brought = {it.key_env: key for it, key in (level, own) if it is not None and key}
        key = brought.get(settings.key_env, "")
        if not key and any(it is not None and it.url == settings.url for it in ours):
            named = {it.key_env for it in ours if it is not None}
            key = self._environment.get(settings.key_env, "") if settings.key_env in named else ""
        problem = "" if has_package() else _no_package()
        if not problem and settings.key_env and not key:
            problem = ENGLISH("model.no_key", variable=settings.key_env)
        return ModelChoice(settings, self._client(settings.url, key), problem)

    def _asked(self, request: ConnectRequest, layer: str) -> tuple[ModelSettings | None, str]:
        """Return the settings of one layer of a request, and the key that it brings."""
        raw = (request.model or {}).get(layer) if self._by_request else None
        if not isinstance(raw, Mapping):
            return None, ""
        known = {item.name for item in fields(ModelSettings)}
        try:
            settings = _SETTINGS.validate_python({k: v for k, v in raw.items() if k in known})
        except ValidationError as error:
            raise unfit_fields(error, "model", layer) from None
        return settings, str(raw.get("key") or "")

    def _client(self, url: str, key: str) -> ModelClient:
        client = self._clients.pop((url, key), None) or ModelClient(url, key or None)
        self._clients[url, key] = client
        if len(self._clients) > MOST_CLIENTS:  # who has the oldest keeps it
            del self._clients[next(iter(self._clients))]
        return client

    def _from_file(self, settings: ModelSettings) -> ModelChoice:
        path = self._place(settings.file)
        if not has_package():
            return ModelChoice(settings, None, _no_package())
        if not has_runner():
            missing = ENGLISH("model.no_runner", install=install_command("local-model"))
            return ModelChoice(settings, None, missing)
        if path is None:
            missing = ENGLISH("model.no_file", path=settings.file)
            return ModelChoice(settings, None, missing)
        runner = self._local.setdefault(path, LocalModel(path, settings))
        client = ModelClient(path.name, None, locate=runner.url)
        return ModelChoice(settings, self._clients.setdefault((str(path), ""), client))

    def _place(self, file: str) -> Path | None:
        """Return where a model's file lies; None for no file, or what none can be called."""
        try:
            name = Path(file).expanduser()
            places = [folder / name for folder in (*self._folders, Path())]
            return next((place for place in places if place.is_file()), None)
        except (OSError, ValueError, RuntimeError):  # too long, or the home of nobody
            return None

    async def close(self) -> None:
        """Close all connections, and end all processes."""
        for client in self._clients.values():
            await client.close()
        for runner in self._local.values():
            await runner.close()


@dataclass(frozen=True, slots=True)
class _Looked:
    """What was found when a persona file was last looked at."""

    at: float
    found: Persona | RefusalError


class PersonaAgentFactory:
    """Makes agents from the persona files below personas/, each read again when it has changed.

    The file is looked for in each of the `assets` folders; the first that has it counts. So is
    the small talk that all of them share. `tells_folders` is whether clients may know where files
    lie here: those of the game that started this service. `now` is monotonic seconds.
    """

    def __init__(
        self,
        assets: Sequence[Path],
        chance: Callable[[], Random],
        models: ModelPool | None = None,
        *,
        tells_folders: bool = False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tells_folders = tells_folders
        self._now = now
        self._assets = [real_path(folder) for folder in assets]
        self._chance = chance
        self._models = models or ModelPool()
        self._personas = PersonaFiles()
        self._prepared = dict[str, _Looked]()
        self._reader = ThreadPoolExecutor(1, "personas")
        self._compiler = ThreadPoolExecutor(1, "patterns")

    async def prepare(self, request: ConnectRequest) -> None:
        """Look for a persona off the event loop: it stands still for each look at a busy disk.

        One that is new or has changed is compiled there, too, and that goes on when this returns:
        the first line of a talk comes later. Raises RefusalError.
        """
        loop, name = asyncio.get_running_loop(), _file_name(request)
        before = self._prepared.get(name)
        if before is None or self._now() - before.at >= LOOK_SECONDS:
            looked = await loop.run_in_executor(self._reader, self._look, request)
            self._prepared.pop(name, None)
            self._prepared[name] = looked
            if len(self._prepared) > MOST_PREPARED:
                del self._prepared[next(iter(self._prepared))]
            is_new = before is None or looked.found is not before.found
            if is_new and isinstance(looked.found, Persona):
                self._compiler.submit(looked.found.compile)
        self._persona(request)

    def agent(self, request: ConnectRequest, memory: dict[str, Any]) -> Agent:
        """Make the agent of a character. Raises RefusalError."""
        persona = self._persona(request)
        script = ScriptedAgent(persona, memory, self._chance())
        chosen = self._models.choose(request, persona)
        if chosen.client is None or chosen.problem:
            return script
        chosen.client.prepare()
        return LlmAgent(persona, script, chosen.client, chosen.settings, memory)

    def about(self, request: ConnectRequest) -> AgentAbout:
        """Return what answers for a character. Raises RefusalError."""
        chosen = self._models.choose(request, self._persona(request))
        if chosen.problem:
            return AgentAbout(problem=chosen.problem)
        if chosen.client is None:
            return AgentAbout()
        settings = chosen.settings
        return AgentAbout(settings.label, settings.host)

    def is_lasting(self, request: ConnectRequest) -> bool:
        """Return whether a character knows its players in other talks, too. Raises RefusalError."""
        return self._persona(request).memory.lasting

    async def close(self) -> None:
        """Close connections and processes of models."""
        await self._models.close()
        for executor in (self._reader, self._compiler):
            executor.shutdown(wait=False, cancel_futures=True)

    def voice(self, request: ConnectRequest) -> VoiceStyle | None:
        """Return how the character sounds. Raises RefusalError."""
        voice = self._persona(request).voice
        return VoiceStyle(**voice.model_dump())

    def _persona(self, request: ConnectRequest) -> Persona:
        looked = self._prepared.get(_file_name(request)) or self._look(request)
        if isinstance(looked.found, RefusalError):
            raise RefusalError(looked.found.status, looked.found.detail)
        return looked.found

    def _look(self, request: ConnectRequest) -> _Looked:
        at = self._now()
        try:
            return _Looked(at, self._read(request))
        except RefusalError as refusal:
            return _Looked(at, refusal.with_traceback(None))

    def _read(self, request: ConnectRequest) -> Persona:
        path = self._path(request)
        try:
            return self._personas.read(path, self._first(SMALL_TALK))
        except TomlFileError as error:
            told = [replace(it, file=self._told(Path(it.file))) for it in error.problems[:20]]
            problems = [body_problem("persona", str(it), "persona") for it in told]
            raise RefusalError(422, problems) from None

    def _told(self, path: Path) -> str:
        return str(path) if self._tells_folders else path.name

    def _first(self, name: str) -> Path | None:
        paths = (folder / name for folder in self._assets)
        return next((path for path in paths if path.is_file()), None)

    def _path(self, request: ConnectRequest) -> Path:
        name = _file_name(request)
        try:
            paths = [real_path(folder / name) for folder in self._assets]
            found = next((path for path in paths if path.is_file()), None)
        except (OSError, ValueError):  # a name that no file can have
            raise _unfit("must be the name of a file") from None
        for path, folder in zip(paths, self._assets, strict=True):
            if not path.is_relative_to(folder) or path.suffix != ".toml":
                raise _unfit("must be a .toml file below the assets folder")
        if found is None:
            raise RefusalError(404, f"no persona file {self._told(paths[0])}")
        return found


def _unfit(message: str) -> RefusalError:
    return unfit_body("persona", message, "persona")


def _file_name(request: ConnectRequest) -> str:
    """Return the persona file that is meant, below an assets folder. Raises RefusalError."""
    if not request.persona and set(request.character_id) & set("/\\:\0"):
        raise RefusalError(404, "character not found")
    return request.persona or f"personas/{request.character_id}.toml"


def _no_package() -> str:
    return ENGLISH("model.no_package", install=install_command("model"))
