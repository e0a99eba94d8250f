"""One node of several over one store: what it owns, and the way to what others own.

* `ClusterNode`: beats, claims and releases sessions, and knows when it may not talk any more.
* Requests about a session or a room that another node has are relayed to that node, whichever
  node a balancer has chosen: by HTTP, and frame by frame for a room. The name of a room begins
  with that of its node.

Nodes know one another by a key (`CLUSTER_KEY`). Where the way between two nodes is cut, a third one
relays; where that is no help, the owner is asked by the store to give the session up. A way that is
cut is tried again with each beat.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

import aiohttp
from aiohttp import web
from yarl import URL

from characters.protocol.codec import shorten_id
from characters.protocol.link import MAX_FRAME, REQUEST_ID, SUBPROTOCOL
from characters.service.access import CLUSTER_KEY, is_of_a_node
from characters.service.directory import (
    LEASE_SECONDS,
    Claim,
    Directory,
    NodeBeat,
    SessionOwner,
)
from characters.service.logs import request_id
from characters.service.registry import Limits, RefusalError, Registry, ServiceSession
from characters.service.tables import StoreError

__all__ = ["ClusterNode", "NodeEvents", "NodeSettings"]

log = logging.getLogger(__name__)

T = TypeVar("T")
ReadBody: TypeAlias = bytes | Mapping[str, Any] | None

NODE = "X-Troupe-Node"
"""The header with the name of the node that a request is meant for."""

VIA = "X-Troupe-Via"
"""The header with the nodes that have relayed a request: two at most."""

BEAT_SECONDS = 0.5
MARGIN_SECONDS = 0.5  # before the end of its lease a node falls silent
# That a node which lives may take to answer, or else the way to it is cut. A player notices within
# 2.5 s that his talk stands still, and is to be back after 4.
ANSWER_SECONDS = 1.25
DETOURS = 2  # nodes that are asked to relay where the way to another one is cut
NOT_RELAYED = frozenset({
    "host", "connection", "content-length", "transfer-encoding", "keep-alive", "upgrade",
    REQUEST_ID.lower(),
})  # fmt: skip
ANSWERED = ("Content-Type", "Retry-After", "Cache-Control", "WWW-Authenticate", REQUEST_ID)


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """One node: its name, where the others reach it, and the key that they share."""

    name: str
    url: str
    key: str
    lease: float = LEASE_SECONDS


class NodeEvents(Protocol):
    """What a node asks of its service."""

    is_draining: bool

    async def call(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do something with the store, in its thread and in its turn."""

    async def hand_over(self, session_id: str) -> None:
        """End the rooms of a session, save what was said, and give it up."""

    async def is_free(self, session_id: str, connection: str) -> bool:
        """Return whether nobody is in its rooms, or nobody but a client's last connection."""

    def let_go(self, session_ids: Iterable[str], reason: str) -> None:
        """End the rooms of sessions that are not this node's any more."""


class ClusterNode:
    """This node; `start` it in the event loop, `close` it when its rooms are closed.

    `directory` is called in the thread of the store, `pulse` is the same on a connection of its
    own, so that a slow store does not delay a beat.
    """

    def __init__(
        self,
        settings: NodeSettings,
        directory: Directory,
        pulse: Directory,
        now: Callable[[], float],
    ) -> None:
        self.name = settings.name
        self._settings = settings
        self._directory = directory
        self._pulse = pulse
        self._now = now
        self._offset = 0.0  # of the store's clock
        self._proven_until = now()
        self._claims: dict[str, asyncio.Task[SessionOwner | None]] = {}
        self._cut: set[str] = set()  # nodes that live, and cannot be reached
        self._broken: dict[str, int] = {}  # nodes -> how often an answer ended in the middle
        self._thread = ThreadPoolExecutor(1, "beat")
        self._beating: asyncio.Task[None] | None = None
        self._background: set[asyncio.Task[None]] = set()

    def wall(self) -> float:
        """Return the store's time: that of this machine may be wrong."""
        return self._now() + self._offset

    @property
    def may_talk(self) -> bool:
        """Whether the node has proved to live: else its sessions may be another's already."""
        return self._now() < self._proven_until - MARGIN_SECONDS

    # --- start and end ---

    async def start(self, registry: Registry, limits: Limits, service: NodeEvents) -> None:
        """Be a node. Raises StoreError when the store does not answer."""
        self._registry, self._limits, self._service = registry, limits, service
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=ANSWER_SECONDS),
            auto_decompress=False,
            trace_configs=[_no_redirects()],
        )
        self._taken(await self._beat())
        self._beating = asyncio.create_task(self._keep_beating())

    async def close(self) -> None:
        """Give all sessions up."""
        ending = (self._beating, *self._background) if self._beating is not None else ()
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        with suppress(Exception):  # the lease ends in any case
            await self._in_thread(self._pulse.leave)
        await self._http.close()
        self._thread.shutdown()

    # --- beats ---

    async def _keep_beating(self) -> None:
        while True:
            began, held = self._now(), self._held()
            beat = asyncio.create_task(self._beat())
            while not beat.done():
                await asyncio.wait((beat,), timeout=BEAT_SECONDS / 5)
                self._fall_silent()
            if beat.exception() is not None:
                log.warning("the store does not answer: %s", beat.exception())
            else:
                with suppress(Exception):  # of the store: the next beat tells it again
                    await self._compare(held, beat.result())
            await asyncio.sleep(max(0.05, began + BEAT_SECONDS - self._now()))
            self._fall_silent()

    async def _beat(self) -> NodeBeat:
        began = self._now()
        beat = await self._in_thread(self._pulse.beat)
        # From before it was sent, so that the lease ends here first.
        self._proven_until = began + self._settings.lease
        self._taken(beat)
        return beat

    def _taken(self, beat: NodeBeat) -> None:
        self._offset = beat.now - self._now()

    def _fall_silent(self) -> None:
        """End all rooms when the node cannot prove any more that it lives."""
        held = tuple(it.session_id for it in self._registry.sessions)
        if held and not self.may_talk:
            log.warning("the lease is over: %d sessions are given up", len(held))
            self._service.let_go(held, "drain")

    def _held(self) -> Mapping[str, int]:
        return {it.session_id: it.epoch for it in self._registry.sessions if it.is_stored}

    async def _compare(self, held: Mapping[str, int], beat: NodeBeat) -> None:
        """Let go what is not ours any more, and hand over what another node wants."""
        lost = [it for it, epoch in held.items() if beat.epochs.get(it) != epoch]
        if lost:
            there = await self._service.call(self._directory.present, lost)
            now = self._held()
            lost = [it for it in lost if now.get(it) == held[it]]  # claimed again meanwhile
            if lost:
                log.info("%d sessions are another node's, or removed", len(lost))
            self._service.let_go([it for it in lost if it in there], "drain")
            self._service.let_go([it for it in lost if it not in there], "killed")
        for session_id, connection in beat.wanted.items():
            self._in_background(self._give(session_id, beat.epochs[session_id], connection))

    async def _give(self, session_id: str, epoch: int, connection: str) -> None:
        """Hand a session over, unless somebody else is in it."""
        if await self._service.is_free(session_id, connection):
            await self._service.hand_over(session_id)
            # It may have been let go here, and not in the store.
            await self._service.call(self._directory.release, session_id, epoch)

    def _in_background(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    # --- sessions ---

    async def take(self, session_id: str) -> SessionOwner | None:
        """Claim a session that is not here; return the node that has it, if one does."""
        if self._registry.session(session_id) is not None:
            return None
        if self._service.is_draining:
            return None
        if not self.may_talk:
            raise RefusalError(503, "the store does not answer; try again", retry_after=2.0)
        if session_id not in self._claims:
            claim = self._claims[session_id] = asyncio.create_task(self._claim(session_id))
            claim.add_done_callback(lambda _: self._claims.pop(session_id))
        return await asyncio.shield(self._claims[session_id])

    async def _claim(self, session_id: str) -> SessionOwner | None:
        ttl, saved_ttl = self._limits.session_ttl, self._limits.saved_ttl
        found = await self._service.call(self._directory.claim, session_id, ttl, saved_ttl)
        if isinstance(found, SessionOwner):
            return found
        if isinstance(found, Claim):
            log.info("session %s taken at epoch %d", shorten_id(session_id), found.epoch)
            self._registry.add(
                ServiceSession(
                    found.session_id,
                    found.character_id,
                    found.end_user_id,
                    self._now() - found.away,
                    is_saved=found.is_saved,
                    epoch=found.epoch,
                    is_stored=True,
                )
            )
        return None

    async def release(self, session: ServiceSession) -> None:
        """Give up a session that has no room."""
        self._registry.drop(session.session_id)
        if session.is_stored:
            await self._service.call(self._directory.release, session.session_id, session.epoch)

    # --- relays ---

    def is_relayed(self, request: web.Request) -> bool:
        """Tell whether another node has relayed a request."""
        return is_of_a_node(request, self._settings.key)

    async def elsewhere(
        self,
        request: web.Request,
        session_id: str | None,
        *,
        room: str = "",
        connection: str = "",
        body: ReadBody = None,
    ) -> web.StreamResponse | None:
        """Answer a request by the node that has the session or the room; None: it is ours.

        `connection` is the one that the asking client had, or "*" for a takeover; `body` is what
        was read of it already, as bytes or as a form. Raises RefusalError.
        """
        is_relayed, meant = self.is_relayed(request), request.headers.get(NODE)
        if is_relayed and meant != self.name:
            return await self._pass_on(request, meant or "", body)
        for _ in range(4):
            owner = await self._owner(session_id, room)
            if is_relayed and owner is not None:
                raise RefusalError(421, self.name)
            if is_relayed and self._service.is_draining and session_id is not None:
                await self._service.hand_over(session_id)
                raise RefusalError(421, self.name)
            if owner is None:
                return None
            answer = await self._relay(request, owner, body)
            if answer is not None:
                return answer
            if room:
                return None  # it is gone with its node
            if owner.node in self._cut:
                assert session_id is not None
                await self._want(session_id, connection)
        raise RefusalError(503, "its node gives it up at this moment; try again", retry_after=1.0)

    async def _owner(self, session_id: str | None, room: str) -> SessionOwner | None:
        if room:
            node = room.partition(".")[0]
            if node == self.name:
                return None
            return await self._service.call(self._directory.find, node)
        return None if session_id is None else await self.take(session_id)

    async def _pass_on(self, request: web.Request, node: str, body: ReadBody) -> web.StreamResponse:
        """Relay for a node that cannot reach another one."""
        owner = await self._service.call(self._directory.find, node)
        answer = None
        if owner is not None and "," not in request.headers.get(VIA, ","):
            answer = await self._relay(request, owner, body)
        if answer is None:
            raise RefusalError(421, self.name)
        return answer

    async def _ways(
        self, request: web.Request, owner: SessionOwner
    ) -> AsyncGenerator[SessionOwner, None]:
        """Yield the nodes to ask until one answers: the owner, or others if the way is cut."""
        if owner.node not in self._cut:
            yield owner
        if self._broken.get(owner.node):  # it ended in the middle, by its end or by ours
            yield owner
        if owner.node in self._cut and not self.is_relayed(request):
            not_asked = {self.name, owner.node, *self._cut}
            living = await self._service.call(self._directory.living)
            for node in [it for it in living if it.node not in not_asked][:DETOURS]:
                yield node

    async def _want(self, session_id: str, connection: str) -> None:
        """Ask the owner by the store to hand a session over; return when it has, or will not."""
        await self._service.call(self._directory.want, session_id, connection)
        until = self._now() + 2 * BEAT_SECONDS + ANSWER_SECONDS
        while await self.take(session_id) is not None:
            if self._now() > until:
                raise RefusalError(409, "the session is live elsewhere; end it or take over")
            await asyncio.sleep(BEAT_SECONDS / 5)

    async def _relay(
        self, request: web.Request, owner: SessionOwner, body: ReadBody
    ) -> web.StreamResponse | None:
        """Return the owner's answer; None if it has nothing of it, or no way leads there."""
        async with aclosing(self._ways(request, owner)) as ways:
            async for way in ways:
                far = await self._patiently(way, self._send(request, owner, way, body))
                if far is None:
                    continue
                async with far:
                    if far.status != 421:
                        return await _copied(far, request)
                    if way is owner:
                        if (await far.json()).get("detail") != owner.node:
                            # Another process has its address.
                            await self._service.call(self._directory.bury, owner)
                        return None
        return None

    async def _send(
        self,
        request: web.Request,
        owner: SessionOwner,
        way: SessionOwner,
        body: ReadBody,
    ) -> aiohttp.ClientResponse:
        url = URL(way.url + request.raw_path, encoded=True)
        left_out = NOT_RELAYED | {"content-type"} if isinstance(body, Mapping) else NOT_RELAYED
        headers = {k: v for k, v in request.headers.items() if k.lower() not in left_out}
        return await self._http.request(
            request.method,
            url,
            headers=headers | self._passport(request, owner),
            data=_multipart(body) if isinstance(body, Mapping) else body or await request.read(),
        )

    def _passport(self, request: web.Request, owner: SessionOwner) -> dict[str, str]:
        before = (request.headers[VIA],) if self.is_relayed(request) else ()
        return self._signed(owner, *before) | {REQUEST_ID: request_id()}

    def _signed(self, owner: SessionOwner, *before: str) -> dict[str, str]:
        via = ", ".join((*before, self.name))
        return {CLUSTER_KEY: self._settings.key, NODE: owner.node, VIA: via}

    async def _patiently(self, owner: SessionOwner, asking: Awaitable[T]) -> T | None:
        """Wait for a node's answer as long as it lives; None if it is dead or out of reach."""
        answer, until = asyncio.ensure_future(asking), self._now() + ANSWER_SECONDS
        try:
            while not (await asyncio.wait((answer,), timeout=BEAT_SECONDS / 2))[0]:
                if await self._service.call(self._directory.find, owner.node) is None:
                    return None
                if self._now() > until:
                    raise TimeoutError
            found = answer.result()
            self._broken.pop(owner.node, None)
            return found
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, ConnectionRefusedError):
                await self._service.call(self._directory.bury, owner)
            else:
                self._note_cut(owner)
        except TimeoutError:
            self._note_cut(owner)
        except aiohttp.ClientError:
            # The next attempt tells.
            self._broken[owner.node] = self._broken.get(owner.node, 0) + 1
            if self._broken[owner.node] > 1:
                self._note_cut(owner)
        finally:
            answer.cancel()
        return None

    def _note_cut(self, owner: SessionOwner) -> None:
        self._broken.pop(owner.node, None)
        if owner.node not in self._cut:
            log.warning("node %s lives, but cannot be reached", owner.node)
            self._cut.add(owner.node)
            self._in_background(self._until_reached(owner))

    async def _until_reached(self, owner: SessionOwner) -> None:
        """Try the way to a node again and again, until it answers or is dead."""
        within = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        url, headers = f"{owner.url}/livez", self._signed(owner)
        try:
            while await self._service.call(self._directory.find, owner.node) is not None:
                await asyncio.sleep(BEAT_SECONDS)
                with suppress(aiohttp.ClientError, TimeoutError):
                    async with self._http.get(url, headers=headers, timeout=within):
                        break
        except StoreError as error:
            log.warning("the store does not answer: %s", error)
        finally:
            self._cut.discard(owner.node)

    # --- rooms of others ---

    async def enter_elsewhere(self, request: web.Request, room: str) -> web.StreamResponse | None:
        """Relay a room to its node until one side ends it; None if the room would be here."""
        owner = await self._owner(None, room)
        if owner is None:
            return None
        far = None if "," in request.headers.get(VIA, "") else await self._open(request, owner)
        if far is None and self.is_relayed(request):
            raise RefusalError(421, self.name)
        if far is None:
            return None
        near = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,), max_msg_size=MAX_FRAME, compress=False, timeout=1.0
        )
        try:
            await near.prepare(request)
            await _join(near, far)
        finally:
            # Neither side waits for a goodbye of an end that may be gone.
            if request.transport is not None and not near.closed:
                request.transport.abort()
            await far.close()
        return near

    async def _open(
        self, request: web.Request, owner: SessionOwner
    ) -> aiohttp.ClientWebSocketResponse | None:
        async with aclosing(self._ways(request, owner)) as ways:
            async for way in ways:
                far = await self._patiently(way, self._open_by(request, owner, way))
                if far is not None:
                    return far
        return None

    async def _open_by(
        self, request: web.Request, owner: SessionOwner, way: SessionOwner
    ) -> aiohttp.ClientWebSocketResponse | None:
        """Open a room by a node; None if it leads no further. Raises RefusalError."""
        token = request.headers.get("Authorization", "")
        try:
            return await self._http.ws_connect(
                URL(way.url + request.raw_path, encoded=True),
                protocols=(SUBPROTOCOL,),
                headers={"Authorization": token} | self._passport(request, owner),
                max_msg_size=0,
                timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
            )
        except aiohttp.WSServerHandshakeError as error:
            if error.status == 421:
                return None
            raise RefusalError(error.status, error.message) from None


def _no_redirects() -> aiohttp.TraceConfig:
    """Follow no redirect: the key of the nodes and the ids are for the address in the store."""

    async def refuse(*_: object) -> None:
        raise aiohttp.ClientConnectionError("a node does not redirect")

    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(refuse)
    return trace


async def _copied(far: aiohttp.ClientResponse, request: web.Request) -> web.StreamResponse:
    """Answer as another node has answered."""
    headers = {name: far.headers[name] for name in ANSWERED if name in far.headers}
    answer = web.StreamResponse(status=far.status, headers=headers)
    await answer.prepare(request)
    async for chunk in far.content.iter_any():
        await answer.write(chunk)
    await answer.write_eof()
    return answer


def _multipart(form: Mapping[str, Any]) -> aiohttp.MultipartWriter:
    body = aiohttp.MultipartWriter("form-data")
    for name, value in form.items():
        body.append(value).set_content_disposition("form-data", name=name)
    return body


async def _join(near: web.WebSocketResponse, far: aiohttp.ClientWebSocketResponse) -> None:
    """Pass frames both ways until one side ends."""
    ways = [asyncio.create_task(_pass(near, far)), asyncio.create_task(_pass(far, near))]
    try:
        done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        if ways[1] in done and far.close_code == aiohttp.WSCloseCode.OK:
            with suppress(ConnectionError, TimeoutError, RuntimeError):
                await near.close()
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _pass(source: Any, target: Any) -> None:
    async for message in source:
        if message.type is aiohttp.WSMsgType.TEXT:
            await target.send_str(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            await target.send_bytes(message.data)
