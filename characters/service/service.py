"""The service without its HTTP: grants rooms, keeps them alive, ends them, keeps what was said.

Where the service of a data folder can be asked, for whoever has only the folder.

Finds a character's persona below the assets folder and makes minds and voices from it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Protocol
from urllib.request import urlopen

from characters.agents.agent import Agent, Part, PlayerSaid, Say
from characters.agents.llm import LlmAgent, LlmEndpoint
from characters.agents.persona import Persona, read_persona
from characters.agents.script import ScriptedAgent
from characters.protocol.messages import ConnectRequest, RoomGrant
from characters.service.conversation import Entry, PersistEntry, TimingConfig
from characters.service.registry import (
    ConflictError,
    Grant,
    Limits,
    RefusalError,
    Registry,
    Room,
    SpeakingQueues,
)
from characters.service.requests import ContextError, LevelContext, listening_options
from characters.service.room import LiveRoom, RoomServices, short
from characters.service.store import RoomHistory, SessionRepository, SessionStore
from characters.service.voice import SpeechInput, SpeechOutput
from characters.speech.interfaces import Speech, VoiceStyle
from engine.toml.reader import TomlFileError

__all__ = [
    "AgentFactory",
    "announced",
    "grant_body",
    "PersonaAgentFactory",
    "running_at",
    "Service",
    "Settings",
]


log = logging.getLogger(__name__)


class AgentFactory(Protocol):
    """Who can be met: makes the mind of a character for one conversation."""

    def mind(self, ask: ConnectRequest, memory: dict[str, Any]) -> Agent:
        """Make a mind that remembers `memory`. Raises RefusalError for an unknown character."""

    def voice(self, ask: ConnectRequest) -> VoiceStyle | None:
        """Return how the character sounds."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the service behaves; all times in seconds."""

    limits: Limits = field(default_factory=Limits)
    pace: TimingConfig = field(default_factory=TimingConfig)
    hello_within: float = 5.0
    silent_client: float = 15.0
    probe: float = 0.5
    sweep_every: float = 1.0
    drain_retry_after: float = 1.0


class Service:
    """All talks of one process; `start` it in the event loop, `close` it at the end."""

    def __init__(
        self,
        cast: AgentFactory,
        store: SessionStore,
        *,
        now: Callable[[], float],
        wall: Callable[[], float],
        new_id: Callable[[], str],
        settings: Settings | None = None,
        speech: Speech | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.registry = Registry(new_id, self.settings.limits)
        self.now = now
        self.new_id = new_id
        self.draining = False
        self._cast = cast
        self._keeper = SessionRepository(store, now=now, wall=wall)
        self._speech = speech
        self._floors = SpeakingQueues()
        self._live: dict[str, LiveRoom] = {}
        self._closing: dict[asyncio.Task[None], str] = {}  # -> session id
        self._sweeper: asyncio.Task[None] | None = None

    # --- life ----------------------------------------------------------------------------

    async def start(self) -> None:
        """Take over what the store kept, and begin to sweep."""
        log.info("%d sessions kept", await self._keeper.restore(self.registry))
        self._sweeper = asyncio.create_task(self._sweep())

    async def drain(self) -> None:
        """Say goodbye to everybody and say when to come back."""
        self.draining = True
        for live in tuple(self._live.values()):
            live.end("drain", self.settings.drain_retry_after)

    async def close(self) -> None:
        """Save everything and stop."""
        await self.drain()
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.wait((self._sweeper,))
        await asyncio.gather(*self._closing, return_exceptions=True)
        await self._keeper.close()
        if self._speech is not None:
            await self._speech.close()

    # --- what is asked -------------------------------------------------------------------

    async def connect(self, ask: ConnectRequest) -> Grant:
        """Grant a room. Raises RefusalError."""
        if self.draining:
            raise RefusalError(503, "the service is restarting", self.settings.drain_retry_after)
        if ask.mode == "create":
            self._cast.voice(ask)  # an unknown character is refused before anything is made
        grant = await self._grant(ask)
        try:
            await self._settle(ask, grant)
        except BaseException:
            self._forget_room(grant.room)
            raise
        return grant

    async def _grant(self, ask: ConnectRequest) -> Grant:
        dead = None
        try:
            return self.registry.connect(ask, self.now())
        except ConflictError as conflict:
            in_the_way = conflict.room
        live_id = in_the_way.live_id
        if await self._is_gone(in_the_way):
            dead = live_id
        try:
            return self.registry.connect(ask, self.now(), dead=dead)
        except ConflictError:
            raise RefusalError(409, "the session is live elsewhere; end it or take over") from None

    async def _is_gone(self, room: Room) -> bool:
        """Ask the live connection for a sign of life."""
        live, heard_at, live_id = self._live.get(room.name), room.heard_at, room.live_id
        if live is None or live.peer is None:
            return True
        live.peer.probe(self.now())
        until = self.now() + self.settings.probe
        while self.now() < until:
            if room.live_id != live_id:
                return True
            if room.heard_at > heard_at:
                return False
            await asyncio.sleep(0.01)
        return True

    async def _settle(self, ask: ConnectRequest, grant: Grant) -> None:
        for room in grant.closed:
            self._end(room, "taken-over")
        if not grant.is_new:
            live = self._live.get(grant.room.name)
            if live is not None:
                live.set_modes(ask.respond_modes or {})
            return
        session_id = grant.room.session.session_id
        await self._old_rooms_closed(session_id)
        past = await self._keeper.past(session_id, ask.heard)
        live = self._live[grant.room.name] = self._make_room(ask, grant.room, past)
        live.set_modes(ask.respond_modes or {})
        await self._keep(grant.room, None, ())
        if self.registry.room(grant.room.name) is not grant.room:
            # Another request for the session came while the disk was slow: this room is no more.
            raise RefusalError(503, "another request was faster; try again", retry_after=1.0)

    async def _old_rooms_closed(self, session_id: str) -> None:
        """Wait until what was said in a session's earlier rooms is on disk."""
        closing = [task for task, closes in self._closing.items() if closes == session_id]
        await asyncio.gather(*closing, return_exceptions=True)

    def _make_room(self, ask: ConnectRequest, room: Room, past: RoomHistory) -> LiveRoom:
        mind = self._cast.mind(ask, past.memory)
        info = (ask.dynamic_info or {}).get("text")
        try:
            context = LevelContext(info if isinstance(info, str) else "", ask.player_name)
            context.set_scene(ask.scene_description or ())
            context.set_keys(ask.narrative_template_keys or {})
            context.set_affordances(ask.action_config or {})
        except ContextError as problem:
            raise RefusalError(
                422, [{"type": "too_long", "loc": ["body"], "msg": str(problem)}]
            ) from None
        services = RoomServices(
            self.now, self.new_id, self._keep, self._forget_room, self.settings.pace, self._floors
        )
        return LiveRoom(
            room,
            mind,
            services,
            context=context,
            ears=self._ears(ask, mind),
            mouth=self._mouth(ask),
            about=self._about(),
            past=past,
        )

    def _about(self) -> dict[str, object]:
        """Return what `bot-ready` tells of the service; problems are sentences for the player."""
        speech = self._speech
        return {
            "service": "troupe",
            "hears": speech is not None and speech.can_recognise,
            "speaks": speech is not None,
            "problems": [] if speech is None else list(speech.problems),
        }

    def _ears(self, ask: ConnectRequest, mind: Agent) -> SpeechInput | None:
        if self._speech is None:
            return None
        activity, turn = listening_options(ask)
        listener = self._speech.listen(mind.phrases(), activity=activity, turn=turn)
        ears = SpeechInput(listener, max(activity.stop_secs, turn.stop_secs))
        if ask.default_stt_enabled is False:
            ears.set_muted(True)
        return ears

    def _mouth(self, ask: ConnectRequest) -> SpeechOutput | None:
        if self._speech is None or ask.default_tts_enabled is False:
            return None
        return SpeechOutput(self._speech, self._cast.voice(ask), self.now)

    @asynccontextmanager
    async def question(
        self, ask: ConnectRequest, text: str
    ) -> AsyncIterator[tuple[Grant, AsyncGenerator[Part, None]]]:
        """Answer once, without a room that anybody enters. Raises RefusalError."""
        if self.draining:
            raise RefusalError(503, "the service is restarting", self.settings.drain_retry_after)
        self._cast.voice(ask)
        grant = await self._grant(ask)
        room = grant.room
        try:
            for closed in grant.closed:
                self._end(closed, "taken-over")
            await self._old_rooms_closed(room.session.session_id)
            past = await self._keeper.past(room.session.session_id)
            mind = self._cast.mind(ask, past.memory)
            said: list[str] = []
            async with aclosing(_recorded(mind.reply(PlayerSaid(text), {}), said)) as parts:
                yield grant, parts
            turns = (PersistEntry("player", text), PersistEntry("character", "".join(said)))
            await self._keep(room, mind.memory(), turns)
        finally:
            self.registry.close_room(room)

    def live(self, room: Room) -> LiveRoom | None:
        """Return the live part of a room."""
        return self._live.get(room.name)

    async def remove(self, session_id: str) -> bool:
        """Expire one session for good."""
        known = self.registry.remove(session_id)
        if known:
            await self._keeper.remove((session_id,))
        return known

    async def forget(self, end_user_id: str) -> int:
        """Remove everything of a player; return how many sessions that was."""
        sessions, rooms = self.registry.forget(end_user_id)
        for room in rooms:
            self._end(room, "killed")
        ids = tuple(session.session_id for session in sessions)
        await self._keeper.remove(ids)
        return len(ids)

    # --- rooms and the disk --------------------------------------------------------------

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self.settings.sweep_every)
            gone = self.registry.expire(self.now())
            for room in gone.rooms:
                self._end(room, "expired")
            if gone.sessions:
                await self._remove_expired(tuple(item.session_id for item in gone.sessions))

    async def _remove_expired(self, ids: tuple[str, ...]) -> None:
        try:
            await self._keeper.remove(ids)
        except Exception as error:
            # The sweep goes on; the keeper tries again with the next write.
            log.error("expired sessions could not be removed: %s", type(error).__name__)
        else:
            log.info("%d sessions expired", len(ids))

    def _end(self, room: Room, reason: str) -> None:
        live = self._live.get(room.name)
        if live is not None:
            live.end(reason)

    def _forget_room(self, room: Room) -> None:
        self.registry.close_room(room)
        live = self._live.pop(room.name, None)
        if live is not None:
            log.info("room %s ended", short(room.name))
            closing = asyncio.create_task(live.close())
            self._closing[closing] = room.session.session_id
            closing.add_done_callback(self._closing.pop)

    async def _keep(
        self, room: Room, memory: dict[str, Any] | None, entries: tuple[Entry, ...]
    ) -> None:
        session_id = room.session.session_id
        await self._keeper.keep(
            room.session,
            memory,
            entries,
            lambda: self.registry.session(session_id) is not None,
        )


async def _recorded(
    parts: AsyncGenerator[Part, None], said: list[str]
) -> AsyncGenerator[Part, None]:
    async with aclosing(parts):
        async for part in parts:
            if isinstance(part, Say):
                said.append(part.text)
            yield part


def grant_body(grant: Grant, ask: ConnectRequest, origin: str) -> dict[str, Any]:
    """Return the body of a 200 answer; `origin` is ws://host:port."""
    room = grant.room
    answer = RoomGrant(
        session_id=grant.live_id,
        character_session_id=room.session.session_id,
        room_url=f"{origin}/rooms/{room.name}",
        room_name=room.name,
        token=grant.token,
        end_user_id=ask.end_user_id,
        end_user_metadata=ask.end_user_metadata,
        request_trace_id=grant.live_id[:8],
    )
    return answer.to_dict()


NAME = "running.json"
PATIENCE_SECONDS = 2.0


@contextmanager
def announced(folder: Path | None, url: str) -> Iterator[None]:
    """Write down in the service's folder that it listens there, until the end; None: nowhere."""
    if folder is None:
        yield
        return
    path = folder / NAME
    path.write_text(json.dumps({"url": url}), encoding="utf-8")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def running_at(folder: Path) -> str | None:
    """Return the URL of the service that has this folder, None if none runs.

    One that was killed left its word behind, so the service itself is asked.
    """
    try:
        url = str(json.loads((folder / NAME).read_text(encoding="utf-8"))["url"])
        with urlopen(f"{url}/health", timeout=PATIENCE_SECONDS) as answer:
            return url if answer.status == 200 else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


class PersonaAgentFactory:
    """The characters whose files lie in `assets`/personas; files are read anew for each talk."""

    def __init__(
        self, assets: Path, chance: Callable[[], Random], model: LlmEndpoint | None = None
    ) -> None:
        self._assets = assets.resolve()
        self._chance = chance
        self._model = model

    def mind(self, ask: ConnectRequest, memory: dict[str, Any]) -> Agent:
        """Make the mind of a character. Raises RefusalError."""
        persona = self._persona(ask)
        script = ScriptedAgent(persona, memory, self._chance())
        return LlmAgent(persona, script, self._model, memory) if self._model else script

    def voice(self, ask: ConnectRequest) -> VoiceStyle | None:
        """Return how the character sounds. Raises RefusalError."""
        voice = self._persona(ask).voice
        return VoiceStyle(
            voice.language, voice.variant, voice.pitch, voice.words_per_minute, voice.name
        )

    def _persona(self, ask: ConnectRequest) -> Persona:
        path = self._path(ask)
        if path is None or not path.is_file():
            raise RefusalError(404, "character not found")
        try:
            return read_persona(path)
        except TomlFileError as error:
            raise RefusalError(422, [_mistake(str(item)) for item in error.problems[:20]]) from None

    def _path(self, ask: ConnectRequest) -> Path | None:
        if ask.persona is None:
            plain = not set(ask.character_id) & set("/\\:\0")
            return self._assets / "personas" / f"{ask.character_id}.toml" if plain else None
        path = (self._assets / ask.persona).resolve()
        if not path.is_relative_to(self._assets) or path.suffix != ".toml":
            raise RefusalError(422, [_mistake("must be a .toml file below the assets folder")])
        return path


def _mistake(message: str) -> dict[str, Any]:
    return {"type": "persona", "loc": ["body", "persona"], "msg": message}
