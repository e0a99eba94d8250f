"""The service over HTTP: `/connect`, rooms as WebSockets, `/connect/stream`, and the rest.

Nothing is decided here. `POST /connect/stream` answers one question by text as server-sent events,
without a room; its end event is spelled `connection-stoppped`, as the public service spells it.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import math
import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from characters.agents.agent import Do, Feel, Part
from characters.protocol.codec import MessageError, encode_server, parse_object
from characters.protocol.link import MAX_FRAME, SUBPROTOCOL
from characters.protocol.messages import MAX_TEXT, ActionResponse, BotEmotion, BotLlmText
from characters.service.registry import RefusalError
from characters.service.requests import read_connect, read_fields
from characters.service.room_connection import ClientSocket
from characters.service.service import Service, grant_body

__all__ = ["drop_half_sent", "LOOPBACK", "make_app", "make_runner"]


log = logging.getLogger(__name__)

BODY_SECONDS = 10.0
HOST = re.compile(r"[\w.\-\[\]:]+")


HEADER_SECONDS = 10.0
BUSY = web.AppKey("busy", set[object])


async def drop_half_sent(runner: web.AppRunner, within: float = HEADER_SECONDS) -> None:
    """Close connections that send no whole request `within` seconds, until cancelled.

    aiohttp bounds the pause between two requests, but not how long the head of one may take.
    """
    busy, idle_since = runner.app[BUSY], dict[object, float]()
    while runner.server is not None:
        now, waiting = asyncio.get_running_loop().time(), dict[object, float]()
        for connection in runner.server.connections:
            if connection in busy:
                continue
            waiting[connection] = idle_since.get(connection, now)
            if now - waiting[connection] > within:
                connection.force_close()
        idle_since = waiting
        await asyncio.sleep(within / 10)


def make_runner(app: web.Application, shutdown_seconds: float = 1.0) -> web.AppRunner:
    """Return the server of an application; bodies are taken as they are, nothing is unpacked."""
    return web.AppRunner(
        app, access_log=None, auto_decompress=False, shutdown_timeout=shutdown_seconds
    )


LOOPBACK = ("127.0.0.1", "::1", "localhost")


def make_app(
    service: Service, api_key: str | None = None, *, allow_remote: bool = False
) -> web.Application:
    """Build the application; with `api_key`, every call must carry it.

    Unless `allow_remote`, only requests to a loopback name are answered: a web page that gives its
    own name a loopback address (DNS rebinding) is not.
    """
    routes = _Routes(service)
    guards = [_errors, _no_browsers, _check_host(allow_remote), _authorise(api_key)]
    app = web.Application(client_max_size=MAX_FRAME, middlewares=guards)
    app[BUSY] = set()
    app.add_routes(
        [
            web.post("/connect", routes.connect),
            web.post("/connect/stream", routes.stream),
            web.get("/rooms/{name}", routes.enter),
            web.delete("/sessions/{id}", routes.remove),
            web.post("/forget", routes.forget),
            web.get("/health", routes.health),
        ]
    )
    return app


def _refused(refusal: RefusalError) -> web.Response:
    headers = {}
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(refusal.retry_after))
    return web.json_response({"detail": refusal.detail}, status=refusal.status, headers=headers)


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    route = request.path.split("/")[1]
    request.app[BUSY].add(request.protocol)
    try:
        return await handler(request)
    except RefusalError as refusal:
        log.info("%s refused: %d", route, refusal.status)
        return _refused(refusal)
    except web.HTTPRequestEntityTooLarge:
        return _refused(RefusalError(413, f"the body is larger than {MAX_FRAME} bytes"))
    except web.HTTPException as error:
        return _refused(RefusalError(error.status, error.reason))
    except TimeoutError:
        return _refused(RefusalError(408, "the body did not arrive in time"))
    except ConnectionError:
        raise
    except Exception as error:
        # No message of the error: it may hold what a player said.
        last = traceback.extract_tb(error.__traceback__)[-1]
        line = f"{last.name}:{last.lineno}"
        log.error("%s failed: %s in %s", route, type(error).__name__, line)
        return _refused(RefusalError(500, "the service failed; its log says where"))
    finally:
        request.app[BUSY].discard(request.protocol)


@web.middleware
async def _no_browsers(request: web.Request, handler: Handler) -> web.StreamResponse:
    # Any web page that the player has open can reach the loopback address; none is served.
    if "Origin" in request.headers:
        raise RefusalError(403, "not allowed: web pages are not served")
    return await handler(request)


def _check_host(allow_remote: bool) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            name = urlsplit(f"//{request.host}").hostname
        except ValueError:
            name = None
        if name is None or not HOST.fullmatch(request.host):
            raise RefusalError(400, "the Host header is no host name")
        if not allow_remote and name not in LOOPBACK:
            raise RefusalError(403, "not allowed: this service answers its own machine only")
        return await handler(request)

    return middleware


def _authorise(api_key: str | None) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        # A room is opened with the token that `/connect` granted.
        is_open = request.path == "/health" or request.path.startswith("/rooms/")
        key = request.headers.get("X-API-Key") or request.headers.get("API-AUTH-TOKEN") or ""
        if api_key and not is_open and not _is_same(key, api_key):
            raise RefusalError(401, "invalid API key")
        return await handler(request)

    return middleware


def _is_same(key: str, api_key: str) -> bool:
    return hmac.compare_digest(key.encode("utf-8", "replace"), api_key.encode())


class _Routes:
    def __init__(self, service: Service) -> None:
        self._service = service

    # --- HTTP ----------------------------------------------------------------------------

    async def connect(self, request: web.Request) -> web.StreamResponse:
        connect = read_connect(await _body(request))
        grant = await self._service.connect(connect)
        return web.json_response(grant_body(grant, connect, f"ws://{request.host}"))

    async def stream(self, request: web.Request) -> web.StreamResponse:
        return await _answer_stream(self._service, request)

    async def remove(self, request: web.Request) -> web.StreamResponse:
        if not await self._service.remove(request.match_info["id"]):
            raise RefusalError(404, "session not found")
        return web.json_response({"status": "expired"})

    async def forget(self, request: web.Request) -> web.StreamResponse:
        try:
            user = parse_object(await _body(request)).get("end_user_id")
        except MessageError as problem:
            raise RefusalError(400, problem.message) from None
        if not isinstance(user, str) or not user:
            raise RefusalError(
                422, [{"type": "missing", "loc": ["body", "end_user_id"], "msg": "Field required"}]
            )
        return web.json_response({"forgotten": await self._service.forget(user)})

    async def health(self, request: web.Request) -> web.StreamResponse:
        registry = self._service.registry
        return web.json_response(
            {
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
        room, live_id = service.registry.enter(name, token, service.now())
        live = service.live_room(room)
        if live is None:
            raise RefusalError(404, "room not found")
        if live.connection.socket is not None:
            live.connection.socket.bye("taken-over")
        response = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,), max_msg_size=MAX_FRAME, compress=False, timeout=1.0
        )
        try:
            await response.prepare(request)
            await service.serve(live, live_id, ClientSocket(response, request.transport))
        finally:
            service.registry.leave(room, live_id, service.now())
        return response


async def _body(request: web.Request) -> bytes:
    with _unreadable():
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()


async def _form(request: web.Request) -> Mapping[str, Any]:
    with _unreadable():
        async with asyncio.timeout(BODY_SECONDS):
            return await request.post()


@contextmanager
def _unreadable() -> Iterator[None]:
    """Answer 400 for a body that aiohttp cannot read.

    Its errors are of many kinds: ValueError for a missing boundary or bad base64, LookupError for
    an unknown charset, RuntimeError for an unknown encoding, AssertionError for a nested form.
    """
    try:
        yield
    except (TimeoutError, ConnectionError, web.HTTPException):
        raise
    except Exception as error:
        kind = type(error).__name__
        raise RefusalError(400, f"the body cannot be read: {kind}") from None


END_EVENT = "connection-stoppped"
FIELDS = ("character_id", "text_input", "character_session_id", "end_user_id", "persona")


async def _answer_stream(service: Service, request: web.Request) -> web.StreamResponse:
    """Answer a multipart question. Raises RefusalError before the stream begins."""
    form = await _form(request)
    values = {name: form[name] for name in FIELDS if name in form}
    text = values.pop("text_input", None)
    if not isinstance(text, str) or not 0 < len(text.strip()) <= MAX_TEXT:
        message = f"1 to {MAX_TEXT} characters"
        problem = {"type": "missing", "loc": ["body", "text_input"], "msg": message}
        raise RefusalError(422, [problem])
    connect = read_fields(values)
    async with service.question(connect, text.strip()) as (grant, parts):
        stream = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        await stream.prepare(request)
        session_id = grant.room.session.session_id
        ids = {"session_id": grant.live_id, "character_session_id": session_id}
        await _event(stream, {"type": "connection-started", "data": ids})
        async for part in parts:
            await _event(stream, _encode_part(part))
        await _event(stream, {"type": END_EVENT, "data": {}})
    await stream.write_eof()
    return stream


def _encode_part(part: Part) -> Mapping[str, Any]:
    if isinstance(part, Feel):
        return encode_server(BotEmotion(part.emotion, part.scale))
    if isinstance(part, Do):
        return encode_server(ActionResponse(part.actions))
    return encode_server(BotLlmText(part.text))


async def _event(stream: web.StreamResponse, data: Mapping[str, Any]) -> None:
    await stream.write(b"data: " + json.dumps(data).encode() + b"\n\n")
