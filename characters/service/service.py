"""The service without its HTTP: grants rooms, keeps them alive, ends them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
)
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol, TypeVar

from characters.agents.agent import Agent, Part, PlayerSaid, Say
from characters.protocol.codec import shorten_id
from characters.protocol.link import Ping
from characters.protocol.messages import ConnectRequest
from characters.service.admission import Admission, AdmissionLimits, Load, goodbyes
from characters.service.cluster import ClusterNode
from characters.service.effects import BeginExchange, PersistEntry
from characters.service.loop_watch import LoopWatch
from characters.service.memory import KnownFact, Pair
from characters.service.metrics import ServiceMetrics, TurnTracer
from characters.service.pace import TimingConfig
from characters.service.registry import (
    ConflictError,
    Grant,
    Limits,
    RefusalError,
    Registry,
    Room,
    ServiceSession,
)
from characters.service.repository import SessionRepository
from characters.service.requests import level_context
from characters.service.room import LiveRoom, RoomServices
from characters.service.room_connection import ClientSocket, ConnectionHandler, FairLoop
from characters.service.store import RoomHistory, SessionStore
from characters.service.tables import StoreError
from characters.service.voice import input_for, output_for
from characters.speech.factory import SpeechParts
from characters.speech.interfaces import VoiceStyle
from engine.core.words import ScreenText

__all__ = ["AgentAbout", "AgentFactory", "Service", "ServiceSettings"]

log = logging.getLogger(__name__)

ILL_LAG_SECONDS = 1.0
ILL_STORE_SECONDS = 5.0  # after a save that failed; later, another is tried
STORE_SECONDS = 1.0  # that a store may take to answer
BACK_SECONDS = 0.2  # until a client is back whose room was emptied
IDLE_SECONDS = 5.0  # without a room, then any node may have a session
CONNECT_SECONDS = 0.02  # of a core, for one client that comes back
MOST_RETRY_SECONDS = 12.0
EXPIRE_SECONDS = 60.0  # between two looks of a node for what has expired in a shared store

T = TypeVar("T")


class AgentFactory(Protocol):
    """Makes the agent of a character for one conversation; raises RefusalError for unknown ones."""

    async def prepare(self, request: ConnectRequest) -> None:
        """Do what takes long before the first agent of a character is made, off the event loop."""
        return

    def agent(self, request: ConnectRequest, memory: dict[str, Any]) -> Agent:
        """Make an agent that remembers `memory`."""

    def voice(self, request: ConnectRequest) -> VoiceStyle | None:
        """Return how the character sounds."""

    def about(self, request: ConnectRequest) -> AgentAbout:
        """Return what answers for a character."""
        return AgentAbout()

    def is_lasting(self, request: ConnectRequest) -> bool:
        """Return whether a character knows its players in other talks, too."""
        return False

    async def close(self) -> None:
        """Close connections and processes of models."""
        return


@dataclass(frozen=True, slots=True)
class AgentAbout:
    """What answers for a character: a model by its name, or its script, which is "".

    `host` is where its words go, "" for this machine; `problem` is a sentence for the player when
    a model is meant that cannot answer.
    """

    model: str = ""
    host: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """How the service behaves; all times in seconds."""

    limits: Limits = field(default_factory=Limits)
    timing: TimingConfig = field(default_factory=TimingConfig)
    hello_within: float = 5.0
    silent_client: float = 15.0
    probe: float = 0.5
    sweep_every: float = 1.0
    drain_retry_after: float = 1.0
    drain_seconds: float = 0.0
    """Over how long the goodbyes are spread when the service ends."""
    admission: AdmissionLimits = field(default_factory=AdmissionLimits)
    ways_out: Mapping[str, str] = field(default_factory=dict)
    """The hosts that sound and words go to, by what they do: "recognition", "synthesis"."""


class Service:
    """All conversations of one process; `start` it in the event loop, `close` it at the end."""

    def __init__(
        self,
        agents: AgentFactory,
        store: SessionStore,
        *,
        now: Callable[[], float],
        wall: Callable[[], float],
        new_id: Callable[[], str],
        settings: ServiceSettings | None = None,
        speech: SpeechParts | None = None,
        metrics: ServiceMetrics | None = None,
        tracer: TurnTracer | None = None,
        cluster: ClusterNode | None = None,
    ) -> None:
        self.settings = settings or ServiceSettings()
        self.cluster = cluster
        self.metrics = metrics or ServiceMetrics()
        self.loop_watch = LoopWatch(now, self.metrics, lambda: not self._sockets)
        self.started_at = now()
        prefix = "" if cluster is None else f"{cluster.name}."
        self.registry = Registry(new_id, self.settings.limits, prefix)
        self.now = now
        self.is_draining = False
        self.loop = FairLoop()
        """Whose turn it is where much is to be done at once."""
        self._admission = Admission(self.settings.admission)
        self._hurry = asyncio.Event()
        self._agents = agents
        self._repository = SessionRepository(
            store, self.registry, self.metrics, self._lose, now=now, wall=wall
        )
        self._speech = speech
        self._room_services = RoomServices(
            now,
            new_id,
            self._repository.save,
            self._drop_room,
            self.settings.timing,
            loop=self.loop,
            take_back=self._repository.take_back,
            retry_over=self._retry_over,
            metrics=self.metrics,
            tracer=tracer,
        )
        self._live_rooms: dict[str, LiveRoom] = {}
        self._closing: dict[asyncio.Task[None], str] = {}  # -> session id
        self._idle_since: dict[str, float] = {}  # sessions without a room
        self._tasks: list[asyncio.Task[None]] = []

    # --- start and end -------------------------------------------------------------------

    async def start(self) -> None:
        """Restore the stored sessions, and begin to sweep."""
        if self.cluster is None:
            log.info("%d sessions restored", await self._repository.restore())
        else:
            await self.cluster.start(self.registry, self.settings.limits, self)
        self._tasks = [asyncio.create_task(it) for it in (self._sweep(), self.loop_watch.run())]
        if self._speech is not None:
            self._speech.prepare()

    async def drain(self) -> None:
        """Take nobody in, and send every client away, with the time to come back.

        The goodbyes are spread over `drain_seconds`: who listens to an answer comes last. `hurry`
        says the rest at once; `stop_draining` leaves the rest inside.
        """
        self.is_draining = True
        begin, rooms = self.now(), list(self._live_rooms.values())
        rooms.sort(key=lambda live: (live.connection.socket is not None, live.is_busy))
        here = sum(live.connection.socket is not None for live in rooms)
        times = goodbyes(here, self.settings.drain_seconds)
        for live, at in zip(rooms, (*[0.0] * (len(rooms) - here), *times), strict=True):
            await self._wait_or_hurry(begin + at - self.now())
            if not self.is_draining:
                return
            live.end("drain", self.settings.drain_retry_after)

    async def _wait_or_hurry(self, seconds: float) -> None:
        if seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._hurry.wait()

    def hurry(self) -> None:
        """Say all goodbyes at once."""
        self._hurry.set()

    def stop_draining(self) -> None:
        """Take clients in again."""
        self.is_draining = False

    async def close(self) -> None:
        """Save everything and stop."""
        await self.drain()
        for task in self._tasks:
            task.cancel()
            await asyncio.wait((task,))
        await asyncio.gather(*self._closing, return_exceptions=True)
        if self.cluster is not None:
            await self.cluster.close()
        await self._repository.close()
        await self._agents.close()
        self.loop.close()
        if self._speech is not None:
            await self._speech.close()

    def _retry_over(self) -> float | None:
        """Return over how many seconds the clients here come back if this node dies."""
        if self.cluster is None:
            return None  # one player, who is back at once
        return min(MOST_RETRY_SECONDS, len(self._live_rooms) * CONNECT_SECONDS)

    def _refuse_while_draining(self) -> None:
        if self.is_draining:
            raise RefusalError(503, "the service is restarting", self.settings.drain_retry_after)

    # --- connecting ----------------------------------------------------------------------

    def live_room(self, room: Room) -> LiveRoom | None:
        """Return the live part of a room."""
        return self._live_rooms.get(room.name)

    async def connect(self, request: ConnectRequest, address: str | None = None) -> Grant:
        """Grant a room; `address` is where somebody asks whom nobody knows. Raises RefusalError."""
        await self._admit(request)
        if request.mode == "create":
            await self._agents.prepare(request)
            await self.loop.turn()
        self._refuse_while_draining()
        if request.mode == "create":
            self._agents.voice(request)  # an unknown character is refused before anything is made
        grant = await self._grant(request, address)
        try:
            await self._prepare(request, grant)
        except BaseException:
            self._drop_room(grant.room)
            raise
        return grant

    async def _admit(self, request: ConnectRequest) -> None:
        """Wait until another client may come in. Raises RefusalError 429 when that is too long.

        Whose room is here is inside already.
        """
        session_id = request.character_session_id
        if request.mode == "join" or self.is_draining:
            return
        lives = self._live_rooms.values() if session_id else ()
        if any(live.room.session.session_id == session_id for live in lives):
            return
        now = self.now()
        load = Load(self.metrics.lag_now(now), self.metrics.busy.mean(now))
        wait = self._admission.wait(now, load)
        if self._admission.is_away(wait):
            problem = "too many clients at once (concurrency limit); come back later"
            raise RefusalError(429, problem, retry_after=wait)
        if wait:
            await asyncio.sleep(wait)

    async def _grant(self, request: ConnectRequest, address: str | None = None) -> Grant:
        session_id = request.character_session_id
        if self.cluster is not None and session_id and request.mode == "create":
            # It may have been given up since it was found here: that is no "not found".
            owner = await self.cluster.take(session_id)
            if owner is not None:
                raise RefusalError(503, "another node has the session; try again", 1.0)
        try:
            return self.registry.connect(request, self.now(), address=address)
        except ConflictError as conflict:
            room = conflict.room
        live_id = room.live_id
        dead = live_id if await self._is_gone(room) else None
        try:
            return self.registry.connect(request, self.now(), dead, address)
        except ConflictError:
            raise RefusalError(409, "the session is live elsewhere; end it or take over") from None

    async def _is_gone(self, room: Room) -> bool:
        """Ping the live connection; return whether it does not answer."""
        live, heard_at, live_id = self.live_room(room), room.heard_at, room.live_id
        if live is None or live.connection.socket is None:
            return True
        live.connection.socket.send_link(Ping(self.now()))
        until = self.now() + self.settings.probe
        while self.now() < until:
            if room.live_id != live_id:
                return True
            if room.heard_at > heard_at:
                return False
            await asyncio.sleep(0.01)
        return True

    async def _prepare(self, request: ConnectRequest, grant: Grant) -> None:
        """Close the rooms that the grant replaces; make the live part of a new one."""
        await self._close_replaced(grant)
        room, live = grant.room, self.live_room(grant.room)
        if grant.is_new:
            room.session.is_lasting = self._is_lasting(request)
            history = await self._history(room.session, request.heard)
            await self.loop.turn()  # many may have been read at once, and a room takes a while
            live = self._live_rooms[room.name] = self._make_room(request, room, history)
            live.start()
        if live is not None:
            live.set_modes(request.respond_modes or {})
        if not grant.is_new:
            return
        await self._repository.save(room.session)
        if self.registry.room(room.name) is not room:
            # Another request for the session came while the disk was slow: this room is no more.
            raise RefusalError(503, "another request was faster; try again", retry_after=1.0)

    async def _history(self, session: ServiceSession, heard: str | None) -> RoomHistory:
        """Return what a room begins with."""
        history = await self._repository.history(session, heard)
        if not (history.is_untouched and session.is_lasting and session.end_user_id):
            return history
        # A branch brings back what lasts: what the player has left may not add to it any more.
        await self._empty_rooms(Pair(session.end_user_id, session.character_id))
        return await self._repository.history(session, heard)

    async def _close_replaced(self, grant: Grant) -> None:
        """End the rooms that are replaced; return when what was said in them is on disk."""
        for room in grant.closed:
            self._end(room, "taken-over")
        if grant.is_new:
            await self._closed((grant.room.session.session_id,))

    def _make_room(self, request: ConnectRequest, room: Room, history: RoomHistory) -> LiveRoom:
        agent = self._agents.agent(request, history.memory)
        about = self._agents.about(request)
        style = self._agents.voice(request) or VoiceStyle()
        services = self._room_services
        if about.model:
            # A model takes its time as it is.
            services = replace(services, timing=replace(services.timing, think_seconds=0.0))
        return LiveRoom(
            room,
            agent,
            services,
            make_agent=partial(self._agents.agent, request),
            context=level_context(request),
            speech_input=input_for(request, self._speech, agent, self.metrics.drop),
            speech_output=output_for(request, self._speech, style, self.now),
            about=self._about(about),
            language=style.language,
            history=history,
        )

    def _is_lasting(self, request: ConnectRequest) -> bool:
        has_player = request.end_user_id is not None and request.lasting_memory is not False
        return has_player and self._agents.is_lasting(request)

    def _about(self, agent: AgentAbout) -> dict[str, object]:
        """Return what `bot-ready` says of the service; problems are sentences for the player."""
        speech = self._speech
        ways_out = dict(self.settings.ways_out) | ({"model": agent.host} if agent.host else {})
        about: dict[str, object] = {
            "service": "troupe",
            "hears": speech is not None and speech.can_recognise,
            "speaks": speech is not None,
            "pauses": speech is not None,
            "takes_back": True,
            "model": agent.model,
            "ways_out": ways_out,
            "problems": [] if speech is None else list(speech.problems),
        }
        if agent.problem:
            text = {"text": str(agent.problem)}
            about["model_problem"] = text | dict(ScreenText.as_data(agent.problem) or {})
        return about

    async def serve(self, live: LiveRoom, live_id: str, socket: ClientSocket) -> None:
        """Serve an accepted connection in its room, to its end."""
        await ConnectionHandler(
            live.connection,
            socket,
            live_id,
            alive=lambda: self.registry.heard(live.room, self.now()),
            now=self.now,
            loop=self.loop,
            hello_within=self.settings.hello_within,
            silent_client=self.settings.silent_client,
        ).run()

    def _lose(self, session: ServiceSession) -> None:
        """Let go of a session that the store says is another node's."""
        if self.registry.session(session.session_id) is session:
            self.let_go((session.session_id,), "drain")

    # --- whether it is well ----------------------------------------------------------------

    @property
    def _sockets(self) -> int:
        """How many clients are connected."""
        return sum(live.connection.socket is not None for live in self._live_rooms.values())

    @property
    def live_rooms(self) -> tuple[LiveRoom, ...]:
        """The rooms as they are now."""
        return tuple(self._live_rooms.values())

    async def ills(self) -> tuple[str, ...]:
        """Return why no client should be sent here now; nothing when all is well."""
        now, found = self.now(), []
        if self.is_draining:
            found.append("draining")
        if self.metrics.lag_now(now) > ILL_LAG_SECONDS:
            found.append("the event loop is late")
        failed_at = self.metrics.save_failed_at
        if failed_at is not None and now - failed_at < ILL_STORE_SECONDS:
            found.append("the store takes no saves")
        if why := await self._why_store_is_silent():
            found.append(why)
        return tuple(found)

    async def _why_store_is_silent(self) -> str:
        if self.cluster is not None:
            # Its beats tell, however many clients wait for the store.
            return "" if self.cluster.may_talk else "the store does not answer"
        try:
            async with asyncio.timeout(STORE_SECONDS):
                await self._repository.turns("")
        except Exception as error:
            return f"the store does not answer ({type(error).__name__})"
        return ""

    # --- one question --------------------------------------------------------------------

    @asynccontextmanager
    async def question(
        self, request: ConnectRequest, text: str
    ) -> AsyncIterator[tuple[Grant, AsyncGenerator[Part, None]]]:
        """Answer once, without a room that anybody enters. Raises RefusalError."""
        await self._admit(request)
        await self._agents.prepare(request)
        self._refuse_while_draining()
        self._agents.voice(request)
        grant = await self._grant(request)
        room = grant.room
        try:
            await self._close_replaced(grant)
            room.session.is_lasting = self._is_lasting(request)
            history = await self._repository.history(room.session)
            agent = self._agents.agent(request, history.memory)
            said: list[str] = []
            before = BeginExchange(agent.memory())
            turns = [*history.turns, PersistEntry("player", text)]
            context = {"history": tuple(turns)}
            async with aclosing(_recorded(agent.reply(PlayerSaid(text), context), said)) as parts:
                yield grant, parts
            entries = (before, turns[-1], PersistEntry("character", "".join(said)))
            await self._repository.save(room.session, agent.memory(), entries)
        finally:
            self.registry.close_room(room)

    # --- branches ------------------------------------------------------------------------

    async def branch(
        self,
        session: ServiceSession,
        number: int | None = None,
        heard: str | None = None,
        *,
        is_saved: bool = False,
    ) -> tuple[ServiceSession, int]:
        """Make a session that shares another's past up to an entry; return it and that number.

        Without a `number` it is all that was said so far. Raises RefusalError.
        """
        self._refuse_while_draining()
        for live in (it for it in self.live_rooms if it.room.session is session):
            await live.flush()
        branch = self.registry.branch(session, self.now(), is_saved=is_saved)
        most = self.settings.limits.max_saved
        shared = await self._repository.branch(session, branch, number, heard, most)
        if shared is None:
            raise RefusalError(404, "nothing so old is kept of the session")
        if self.registry.session(session.session_id) is not session:  # it was forgotten meanwhile
            await self._repository.remove((branch.session_id,))
            raise RefusalError(404, "session not found")
        self.registry.add(branch)
        return branch, shared

    async def lasts(self, session: ServiceSession) -> bool:
        """Return whether its character has known its player in other sessions, too."""
        return await self._repository.lasts(Pair(session.end_user_id or "", session.character_id))

    async def turns(self, session_id: str) -> tuple[PersistEntry, ...]:
        """Return what was said last in a session, the oldest first."""
        return await self._repository.turns(session_id)

    # --- ends ----------------------------------------------------------------------------

    async def remove(self, session_id: str, *, keeps_memory: bool = False) -> bool:
        """Expire one session for good; return whether it was there.

        All that share anything with it go too, and what lasts of its player with its character,
        unless `keeps_memory`.
        """
        session = self.registry.session(session_id)
        if session is None:
            return False
        family = () if keeps_memory else await self._repository.family(session_id)
        for each in (*family, session_id):  # which may not be in the store yet
            self.registry.remove(each)
        if keeps_memory:
            await self._repository.remove((session_id,))
        else:
            player = session.end_user_id or ""  # of nobody nothing lasts, but the file is cleaned
            await self._repository.forget((session_id,), player, session.character_id)
        return True

    async def forget(self, end_user_id: str) -> int:
        """Remove everything of a player; return how many sessions that was."""
        sessions, rooms = self.registry.forget(end_user_id)
        for room in rooms:
            self._end(room, "killed")
        ids = {session.session_id for session in sessions}
        ids |= await self._repository.elsewhere_of(end_user_id)
        await self._repository.forget(ids, end_user_id)
        return len(ids)

    # --- what is known of a player ---------------------------------------------------------

    async def facts(
        self, pair: Pair, session_id: str
    ) -> tuple[tuple[KnownFact, ...], tuple[KnownFact, ...]]:
        """Return what is known in one session of the two, and what only in others of theirs."""
        for live in self._rooms_of(pair):
            await live.flush()
        here = await self._repository.facts_in(pair, session_id)
        return here, await self._repository.facts_elsewhere(pair, session_id)

    async def pin(self, pair: Pair, session_id: str, key: str, is_pinned: bool) -> bool:
        """Hold on to what a session knows under a key, or let go; return whether it knows any."""
        await self._empty_rooms(pair)
        change = self._repository.pin(pair, session_id, key, is_pinned)
        return await self._changed(pair, change)

    async def correct(self, pair: Pair, key: str, value: str) -> bool:
        """Correct what a character knows; return whether anything of that key was known."""
        await self._empty_rooms(pair)
        return await self._changed(pair, self._repository.correct(pair, key, value))

    async def forget_fact(self, pair: Pair, key: str) -> tuple[str, ...]:
        """Delete one thing that a character knows; return the words that it was told with."""
        await self._empty_rooms(pair)
        return await self._changed(pair, self._repository.forget_fact(pair, key))

    async def _changed(self, pair: Pair, change: Awaitable[T]) -> T:
        """Return what came of a change, which takes the talks of the two from all nodes."""
        try:
            return await change
        finally:
            if self.cluster is not None:
                ids = [s.session_id for s in self.registry.sessions if _is_of(s, pair)]
                self.let_go(ids, "drain")

    async def _empty_rooms(self, pair: Pair) -> None:
        """Send the players away, to come back at once: a room holds all that was said in it."""
        for live in self._rooms_of(pair):
            live.end("drain", BACK_SECONDS)
        ids = {s.session_id for s in self.registry.sessions if _is_of(s, pair)}
        await self._closed(ids)

    async def _closed(self, session_ids: Collection[str]) -> None:
        """Return when what was said in rooms that have ended is on disk."""
        closing = [task for task, closes in self._closing.items() if closes in session_ids]
        await asyncio.gather(*closing, return_exceptions=True)

    def _rooms_of(self, pair: Pair) -> tuple[LiveRoom, ...]:
        return tuple(live for live in self._live_rooms.values() if _is_of(live.room.session, pair))

    # --- one node of several (`NodeEvents`) --------------------------------------------------

    async def call(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do something with the store, in its thread and in its turn."""
        return await self._repository.call(work, *arguments)

    async def hand_over(self, session_id: str) -> None:
        """End the rooms of a session, save what was said, and give it up."""
        assert self.cluster is not None
        session = self.registry.session(session_id)
        self.let_go((session_id,), "drain")
        await self._closed((session_id,))
        if session is not None:
            await self.cluster.release(session)

    async def is_free(self, session_id: str, connection: str) -> bool:
        """Return whether nobody is in its rooms, or nobody but a client's last connection."""
        for room in self.registry.rooms:
            if room.session.session_id != session_id or room.live_id in (None, connection):
                continue
            if connection != "*" and not await self._is_gone(room):
                return False
        return True

    def let_go(self, session_ids: Iterable[str], reason: str) -> None:
        """End the rooms of sessions that are not this node's any more."""
        for session_id in session_ids:
            for room in self.registry.drop(session_id):
                self._end(room, reason, BACK_SECONDS if reason == "drain" else None)

    async def _give_up_idle(self) -> None:
        """Let any node have the sessions that nobody is in."""
        now, closing = self.now(), set(self._closing.values())
        idle = {it.session_id: it for it in self.registry.idle() if it.session_id not in closing}
        # One that was just claimed has no room yet: its client is still on the way in.
        self._idle_since = {it: self._idle_since.get(it, now) for it in idle}
        for session_id, since in self._idle_since.items():
            is_idle = idle[session_id] in self.registry.idle()  # another was waited for
            if now - since > IDLE_SECONDS and is_idle and self.cluster is not None:
                await self.cluster.release(idle[session_id])

    async def _sweep(self) -> None:
        swept_at = self.now()
        while True:
            await asyncio.sleep(self.settings.sweep_every)
            expired = self.registry.expire(self.now())
            for room in expired.rooms:
                self._end(room, "expired")
            if expired.sessions:
                await self._remove_expired(tuple(item.session_id for item in expired.sessions))
            if self.cluster is not None:
                with suppress(StoreError):  # the next sweep does it
                    await self._give_up_idle()
                    if self.now() - swept_at > EXPIRE_SECONDS:
                        swept_at = self.now()
                        await self._repository.expire(self.settings.limits)

    async def _remove_expired(self, ids: tuple[str, ...]) -> None:
        try:
            await self._repository.remove(ids)
        except Exception as error:
            # The sweep goes on; the repository tries again with the next write.
            log.error("expired sessions could not be removed: %s", type(error).__name__)
        else:
            log.info("%d sessions expired", len(ids))

    def _end(self, room: Room, reason: str, retry_after: float | None = None) -> None:
        live = self.live_room(room)
        if live is not None:
            live.end(reason, retry_after)

    def _drop_room(self, room: Room) -> None:
        self.registry.close_room(room)
        live = self._live_rooms.pop(room.name, None)
        if live is not None:
            live.request.run(log.info, "room %s ended", shorten_id(room.name))
            closing = asyncio.create_task(live.close(), context=live.request)
            self._closing[closing] = room.session.session_id
            closing.add_done_callback(self._closing.pop)


def _is_of(session: ServiceSession, pair: Pair) -> bool:
    return (session.end_user_id, session.character_id) == (pair.end_user_id, pair.character_id)


async def _recorded(
    parts: AsyncGenerator[Part, None], said: list[str]
) -> AsyncGenerator[Part, None]:
    async with aclosing(parts):
        async for part in parts:
            if isinstance(part, Say):
                said.append(part.text)
            yield part
