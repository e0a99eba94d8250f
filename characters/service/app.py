"""The service over HTTP: `/connect`, rooms as WebSockets, `/connect/stream`, and the rest.

Nothing is decided here. `POST /connect/stream` answers one question by text as server-sent events,
without a room; its end event is spelled `connection-stoppped`, as the public service spells it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import secrets
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from aiohttp.web_protocol import RequestHandler

from characters.agents.agent import Do, Feel, PlayerSaid, Say
from characters.protocol.codec import encode_server, shorten_id
from characters.protocol.link import MAX_FRAME, REQUEST_ID, SUBPROTOCOL
from characters.protocol.messages import (
    MAX_TEXT,
    ActionResponse,
    BotEmotion,
    BotLlmText,
    ConnectRequest,
    RoomGrant,
)
from characters.service.access import ADMIN, AccessSettings, Guard
from characters.service.admin import AdminSettings, admin_routes
from characters.service.bodies import discard_body, read_body, read_form, read_object
from characters.service.logs import begin_request, place_of, request_id
from characters.service.memory import MOST_VALUE, Pair, is_value
from characters.service.registry import Grant, RefusalError, ServiceSession, unfit_body
from characters.service.requests import read_connect, read_fields
from characters.service.room import lines_of
from characters.service.room_connection import LARGE_BODY, ClientSocket
from characters.service.service import Service
from characters.service.store import FencedError
from characters.service.tables import StoreError

__all__ = ["drop_half_sent", "grant_body", "make_app", "make_runner", "read_in_pieces"]


log = logging.getLogger(__name__)

HEADER_SECONDS = 10.0
MOST_HALF_SENT = 32
JUST_CAME, MOST_JUST_CAME = 0.3, 256  # seconds; many come at once where a node was lost
READ_AT_ONCE = 8 * 1024  # bytes of one connection, before others take a turn
BUSY = web.AppKey("busy", set[object])  # connections that are answered now
SERVED = web.AppKey("served", set[object])  # those that were answered before


async def drop_half_sent(
    runner: web.AppRunner, within: float = HEADER_SECONDS, most: int | None = MOST_HALF_SENT
) -> None:
    """Close connections that send no whole request `within` seconds, until cancelled.

    Of one address at most so many that never sent one are kept, the newest: whoever means it
    sends his request at once, so `MOST_JUST_CAME` are kept of those that have only come. None is
    for a proxy, which holds the connections of many.
    aiohttp bounds the pause between two requests, but not how long the head of one may take.
    """
    busy, served = runner.app[BUSY], runner.app[SERVED]
    idle_since = dict[RequestHandler, float]()
    while runner.server is not None:
        served.intersection_update(runner.server.connections)
        now, by_address = asyncio.get_running_loop().time(), defaultdict[str, int](int)
        newest_first = reversed(runner.server.connections)
        waiting = (each for each in newest_first if each not in busy)
        idle_since = {each: idle_since.get(each, now) for each in waiting}
        for connection in sorted(idle_since, key=idle_since.__getitem__, reverse=True):
            address = (connection.peername or ("",))[0]
            is_new, idle = connection not in served, now - idle_since[connection]
            by_address[address] += is_new
            bound = MOST_JUST_CAME if most is not None and idle <= JUST_CAME else most
            is_one_more = is_new and bound is not None and by_address[address] > bound
            if idle > within or is_one_more:
                connection.force_close()
        await asyncio.sleep(within / 100)


def read_in_pieces(runner: web.AppRunner) -> None:
    """Let a server that is set up read little of a connection before others take a turn.

    What is read at once is parsed at once: 256 KB of the smallest frames or chunks take 20 ms.
    """
    server = runner.server
    assert server is not None
    begin = server.connection_made

    def connection_made(handler: RequestHandler, transport: asyncio.Transport) -> None:
        if hasattr(transport, "max_size"):  # event loops of Windows read 64 KB
            transport.max_size = READ_AT_ONCE
        begin(handler, transport)

    server.connection_made = connection_made  # type: ignore[method-assign]


def make_runner(app: web.Application, shutdown_seconds: float = 1.0) -> web.AppRunner:
    """Return the server of an application; bodies are taken as they are, nothing is unpacked."""
    return web.AppRunner(
        app,
        access_log=None,
        # aiohttp's own log repeats the beginning of a bad request, and with it keys and tokens.
        logger=logging.Logger("http", logging.CRITICAL),
        auto_decompress=False,
        lingering_time=0.0,  # see `discard_body`
        read_bufsize=READ_AT_ONCE,  # of a body; the sockets of rooms have their own
        shutdown_timeout=shutdown_seconds,
    )


def make_app(
    service: Service, access: AccessSettings | None = None, admin: AdminSettings | None = None
) -> web.Application:
    """Build the application; without `access` it serves its own machine, without a key."""
    guard = Guard(access or AccessSettings(), service.now)
    routes = _Routes(service, guard)
    app = web.Application(client_max_size=MAX_FRAME, middlewares=[_answers(guard, service)])
    app[BUSY], app[SERVED] = set(), set()
    home = partial(_at_home, service)
    app.add_routes(
        [
            web.post("/connect", routes.connect),
            web.post("/connect/stream", routes.stream),
            web.get("/rooms/{name}", routes.enter),
            web.delete("/sessions/{id}", home(routes.remove)),
            web.post("/sessions/{id}/branch", home(routes.branch)),
            web.get("/sessions/{id}/memory", home(routes.facts)),
            web.patch("/sessions/{id}/memory", home(routes.correct)),
            web.delete("/sessions/{id}/memory", home(routes.forget_fact)),
            web.post("/forget", routes.forget),
            web.get("/health", routes.health),
            *admin_routes(service, admin or AdminSettings()),
        ]
    )
    return app


async def elsewhere(
    service: Service, request: web.Request, session_id: str | None, **more: Any
) -> web.StreamResponse | None:
    """Answer by the node that has a session; None if that is this one."""
    cluster = service.cluster
    return None if cluster is None else await cluster.elsewhere(request, session_id, **more)


def _at_home(service: Service, handler: Handler) -> Handler:
    """Return a handler of requests about a session that the node answers which has it."""

    async def handle(request: web.Request) -> web.StreamResponse:
        answer = await elsewhere(service, request, request.match_info["id"])
        return await handler(request) if answer is None else answer

    return handle


def _refused(error: Exception, request: web.Request, service: Service) -> web.Response:
    # Not in the frame that caught the error: with its traceback that would be garbage in a circle.
    if service.is_draining and isinstance(error, RuntimeError):  # a thread of it has ended
        error = RefusalError(503, "the service is restarting", 1.0)
    refusal = _refusal(error, request.path.strip("/").partition("/")[0])
    if request.path == "/connect":
        service.metrics.connects[str(refusal.status)] += 1
    headers = {REQUEST_ID: request_id()}
    if refusal.status == 401 and request.path.startswith(ADMIN):
        headers["WWW-Authenticate"] = 'Basic realm="Troupe: any name, the administrator\'s key"'
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(refusal.retry_after))
    return web.json_response({"detail": refusal.detail}, status=refusal.status, headers=headers)


def _answers(guard: Guard, service: Service) -> Middleware:
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            guard.check(request)
            await service.loop.turn()
            return await handler(request)
        except ConnectionError:
            raise
        except Exception as error:
            return _refused(error, request, service)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        request.app[BUSY].add(request.protocol)
        request.app[SERVED].add(request.protocol)
        begin_request(request.headers.get(REQUEST_ID, ""), secrets.token_hex(8))
        try:
            response = await answer(request, handler)
            if not request.content.is_eof():
                await response.prepare(request)
                await response.write_eof()
                await discard_body(request, service.loop)
            return response
        finally:
            request.app[BUSY].discard(request.protocol)

    return middleware


def _refusal(error: Exception, route: str) -> RefusalError:
    """Return what a client is told of an error."""
    if isinstance(error, RefusalError):
        log.info("%s refused: %d", route, error.status)
        return error
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return RefusalError(413, f"the body is larger than {MAX_FRAME} bytes")
    if isinstance(error, web.HTTPException):
        return RefusalError(error.status, error.reason)
    if isinstance(error, FencedError):
        return RefusalError(503, "another node has the session; try again", 1.0)
    if isinstance(error, StoreError):
        log.error("%s refused: %s", route, error)
        return RefusalError(503, "the store does not answer; try again", 2.0)
    if isinstance(error, TimeoutError):
        return RefusalError(408, "the body did not arrive in time")
    # No message of the error: it may hold what a player said.
    log.error("%s failed: %s in %s", route, type(error).__name__, place_of(error))
    return RefusalError(500, "the service failed; its log says where")


class _Routes:
    def __init__(self, service: Service, guard: Guard) -> None:
        self._service = service
        self._guard = guard

    # --- HTTP ----------------------------------------------------------------------------

    async def connect(self, request: web.Request) -> web.StreamResponse:
        body = await read_body(request, self._service.loop)
        connect = await self._service.loop.read(read_connect, body, LARGE_BODY)
        self._guard.check_player(request, connect.end_user_id)
        room = connect.room_name or "" if connect.mode == "join" else ""
        last = "*" if connect.takeover else connect.live_id or ""
        session_id = connect.character_session_id
        answer = await elsewhere(
            self._service, request, session_id, room=room, connection=last, body=body
        )
        if answer is not None:
            return answer
        connect = _without_memory(self._guard, connect)
        address = self._guard.stranger_at(request, connect.end_user_id)
        grant = await self._service.connect(connect, address)
        how = grant.room.resumed if grant.is_new else "rejoined"
        self._service.metrics.connects[how] += 1
        log.info("%s, room %s", how, shorten_id(grant.room.name))
        return web.json_response(grant_body(grant, connect, self._guard.origin(request)))

    async def stream(self, request: web.Request) -> web.StreamResponse:
        return await _answer_stream(self._service, self._guard, request)

    async def remove(self, request: web.Request) -> web.StreamResponse:
        session = self._session(request)
        keeps_memory = request.query.get("memory") == "keep"
        await self._service.remove(session.session_id, keeps_memory=keeps_memory)
        return web.json_response({"status": "expired"})

    async def branch(self, request: web.Request) -> web.StreamResponse:
        session = self._session(request)
        body = await read_object(request, self._service.loop)
        at, heard, is_saved = body.get("at"), body.get("heard"), body.get("save", False)
        turns = body.get("turns", 0)
        if not (at is None or (type(at) is int and at >= 0)):
            raise unfit_body("value", "the number of an entry, 0 or more", "at")
        if type(turns) is not int or turns < 0:
            raise unfit_body("value", "how many turns to return, 0 or more", "turns")
        if not isinstance(heard, str | None) or not isinstance(is_saved, bool):
            message = "heard is the id of a line, save is true or false"
            raise unfit_body("value", message, "heard")
        branch, shared = await self._service.branch(session, at, heard, is_saved=is_saved)
        said = (await self._service.turns(branch.session_id))[-turns:] if turns else ()
        rows = [{"speaker": it.speaker, "text": it.text, "was_cut": it.was_cut} for it in said]
        return web.json_response(
            {
                "character_session_id": branch.session_id,
                "at": shared,
                "turns": rows,
                "lasts": await self._service.lasts(branch),
            }
        )

    def _session(self, request: web.Request) -> ServiceSession:
        session = self._service.registry.session(request.match_info["id"])
        if session is None:
            raise RefusalError(404, "session not found")
        self._guard.check_removal(request, session.end_user_id, session)
        return session

    def _pair(self, request: web.Request) -> Pair:
        session = self._session(request)
        if session.end_user_id is None:
            raise RefusalError(404, "the session has no player, so nothing lasts of him")
        return Pair(session.end_user_id, session.character_id)

    async def facts(self, request: web.Request) -> web.StreamResponse:
        pair, session_id = self._pair(request), request.match_info["id"]
        here, elsewhere = await self._service.facts(pair, session_id)
        answer = {"facts": [*map(asdict, here)], "elsewhere": [*map(asdict, elsewhere)]}
        return web.json_response(answer)

    async def correct(self, request: web.Request) -> web.StreamResponse:
        pair = self._pair(request)
        body = await read_object(request, self._service.loop)
        key, value, is_pinned = body.get("key"), body.get("value"), body.get("pinned")
        if isinstance(key, str) and value is None and isinstance(is_pinned, bool):
            is_known = await self._service.pin(pair, request.match_info["id"], key, is_pinned)
            done = "pinned" if is_pinned else "unpinned"
        elif isinstance(key, str) and isinstance(value, str) and is_value(value):
            is_known, done = await self._service.correct(pair, key, value.strip()), "corrected"
        else:
            message = f"key and value are needed, a value of 1 to {MOST_VALUE} characters"
            raise unfit_body("value", message, "value")
        if not is_known:
            raise RefusalError(404, "nothing is known of that key")
        return web.json_response({"status": done})

    async def forget_fact(self, request: web.Request) -> web.StreamResponse:
        pair = self._pair(request)
        words = await self._service.forget_fact(pair, request.query.get("key", ""))
        if not words:
            raise RefusalError(404, "nothing is known of that key")
        return web.json_response({"status": "forgotten", "words": words})

    async def forget(self, request: web.Request) -> web.StreamResponse:
        body = await read_object(request, self._service.loop)
        user = body.get("end_user_id")
        if not isinstance(user, str) or not user:
            raise unfit_body("missing", "Field required", "end_user_id")
        shown_id = str(body.get("character_session_id"))
        answer = await elsewhere(self._service, request, shown_id, body=json.dumps(body).encode())
        if answer is not None:
            return answer
        session = self._service.registry.session(shown_id)
        shown = session if session is not None and session.end_user_id == user else None
        self._guard.check_removal(request, user, shown)
        return web.json_response({"forgotten": await self._service.forget(user)})

    async def health(self, request: web.Request) -> web.StreamResponse:
        registry = self._service.registry
        return web.json_response(
            {
                "service": "troupe",
                **self._guard.proof(request),
                "status": "draining" if self._service.is_draining else "ok",
                "sessions": len(registry),
                "rooms": len(registry.rooms),
                "live": sum(room.live_id is not None for room in registry.rooms),
            }
        )

    # --- the room ------------------------------------------------------------------------

    async def enter(self, request: web.Request) -> web.StreamResponse:
        service, name = self._service, request.match_info["name"]
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if request.headers.get("Upgrade", "").lower() != "websocket":
            raise RefusalError(426, "this is a room: open it as a WebSocket")
        if service.cluster is not None:
            relayed = await service.cluster.enter_elsewhere(request, name)
            if relayed is not None:
                return relayed
        room, live_id = service.registry.enter(name, token, service.now())
        live = service.live_room(room)
        if live is None:
            raise RefusalError(404, "room not found")
        if live.connection.socket is not None:
            live.connection.socket.bye("taken-over")
        response = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,),
            max_msg_size=MAX_FRAME,
            compress=False,
            timeout=1.0,
            autoping=False,  # aiohttp answers pings as fast as they come
        )
        try:
            await response.prepare(request)
            socket = ClientSocket(response, request.transport, service.metrics.drop)
            await service.serve(live, live_id, socket)
        finally:
            service.registry.leave(room, live_id, service.now())
        return response


def grant_body(grant: Grant, request: ConnectRequest, origin: str) -> dict[str, Any]:
    """Return the body of a 200 answer; `origin` is ws://host:port."""
    room = grant.room
    answer = RoomGrant(
        session_id=grant.live_id,
        character_session_id=room.session.session_id,
        room_url=f"{origin}/rooms/{room.name}",
        room_name=room.name,
        token=grant.token,
        end_user_id=request.end_user_id,
        end_user_metadata=request.end_user_metadata,
        request_trace_id=request_id() or grant.live_id[:8],
    )
    return answer.to_dict()


def _without_memory(guard: Guard, connect: ConnectRequest) -> ConnectRequest:
    """Return a request as it is, or one to which nothing of other talks is told.

    Who only says whose name he bears must not hear what that player has told.
    """
    return connect if guard.knows_players else replace(connect, lasting_memory=False)


END_EVENT = "connection-stoppped"
FIELDS = ("character_id", "text_input", "character_session_id", "end_user_id", "persona")


async def _answer_stream(
    service: Service, guard: Guard, request: web.Request
) -> web.StreamResponse:
    """Answer a multipart question. Raises RefusalError before the stream begins."""
    form = await read_form(request, service.loop)
    values = {name: form[name] for name in FIELDS if name in form}
    text = values.pop("text_input", None)
    if not isinstance(text, str) or not 0 < len(text.strip()) <= MAX_TEXT:
        raise unfit_body("missing", f"1 to {MAX_TEXT} characters", "text_input")
    connect = read_fields(values)
    guard.check_player(request, connect.end_user_id)
    answer = await elsewhere(service, request, connect.character_session_id, body=form)
    if answer is not None:
        return answer
    connect = _without_memory(guard, connect)
    await asyncio.sleep(guard.wait_to_ask(request, lines_of(PlayerSaid(text.strip()))))
    async with service.question(connect, text.strip()) as (grant, parts):
        stream = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        await stream.prepare(request)
        session_id = grant.room.session.session_id
        ids = {"session_id": grant.live_id, "character_session_id": session_id}
        await _event(stream, {"type": "connection-started", "data": ids})
        async for part in parts:
            if isinstance(part, Say | Feel | Do):
                await _event(stream, _encode_part(part))
        await _event(stream, {"type": END_EVENT, "data": {}})
    await stream.write_eof()
    return stream


def _encode_part(part: Say | Feel | Do) -> Mapping[str, Any]:
    if isinstance(part, Feel):
        return encode_server(BotEmotion(part.emotion, part.scale))
    if isinstance(part, Do):
        return encode_server(ActionResponse(part.actions))
    return encode_server(BotLlmText(part.text))


async def _event(stream: web.StreamResponse, data: Mapping[str, Any]) -> None:
    await stream.write(b"data: " + json.dumps(data).encode() + b"\n\n")
