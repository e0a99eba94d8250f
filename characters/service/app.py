"""HTTP and WebSocket around the service; nothing is decided here."""

from __future__ import annotations

import asyncio
import hmac
import logging
import math
import traceback

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from characters.core.link import SUBPROTOCOL
from characters.core.messages import MessageError, parse_object
from characters.service.peer import MAX_FRAME, Peer
from characters.service.requests import read_connect
from characters.service.rooms import RefusalError
from characters.service.service import Service, grant_body
from characters.service.stream import answer_stream
from characters.service.visit import Visit

__all__ = ["make_app"]

log = logging.getLogger(__name__)

BODY_SECONDS = 10.0


def make_app(service: Service, api_key: str | None = None) -> web.Application:
    """Build the application; with `api_key`, every call must carry it."""
    shell = _Shell(service)
    app = web.Application(
        client_max_size=MAX_FRAME, middlewares=[_errors, _no_browsers, _authorise(api_key)]
    )
    app.add_routes(
        [
            web.post("/connect", shell.connect),
            web.post("/connect/stream", shell.stream),
            web.get("/rooms/{name}", shell.enter),
            web.delete("/sessions/{id}", shell.remove),
            web.post("/forget", shell.forget),
            web.get("/health", shell.health),
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
    where = request.path.split("/")[1]
    try:
        return await handler(request)
    except RefusalError as refusal:
        log.info("%s refused: %d", where, refusal.status)
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
        # No message of the error: it may hold what somebody said.
        last = traceback.extract_tb(error.__traceback__)[-1]
        at = f"{last.name}:{last.lineno}"
        log.error("%s failed: %s in %s", where, type(error).__name__, at)
        return _refused(RefusalError(500, "the service failed; its log says where"))


@web.middleware
async def _no_browsers(request: web.Request, handler: Handler) -> web.StreamResponse:
    # Any web page that the player has open can reach the loopback address; none may talk here.
    if "Origin" in request.headers:
        raise RefusalError(403, "not allowed: web pages are not served")
    return await handler(request)


def _authorise(api_key: str | None) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        open_to_all = request.path == "/health" or request.path.startswith("/rooms/")
        given = request.headers.get("X-API-Key") or request.headers.get("API-AUTH-TOKEN") or ""
        if api_key and not open_to_all and not _same(given, api_key):
            raise RefusalError(401, "invalid API key")
        return await handler(request)

    return middleware


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


class _Shell:
    def __init__(self, service: Service) -> None:
        self._service = service

    # --- HTTP ----------------------------------------------------------------------------

    async def connect(self, request: web.Request) -> web.StreamResponse:
        ask = read_connect(await _body(request))
        grant = await self._service.connect(ask)
        return web.json_response(grant_body(grant, ask, f"ws://{request.host}"))

    async def stream(self, request: web.Request) -> web.StreamResponse:
        return await answer_stream(self._service, request)

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
                "status": "draining" if self._service.draining else "ok",
                "sessions": len(registry),
                "rooms": len(registry.rooms),
                "live": sum(room.live_id is not None for room in registry.rooms),
            }
        )

    # --- the room ------------------------------------------------------------------------

    async def enter(self, request: web.Request) -> web.StreamResponse:
        service = self._service
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if request.headers.get("Upgrade", "").lower() != "websocket":
            raise RefusalError(426, "this is a room: open it as a WebSocket")
        known = service.registry.room(request.match_info["name"])
        before = service.live(known) if known is not None else None
        room, live_id = service.registry.enter(request.match_info["name"], token, service.now())
        live = service.live(room)
        if live is None:
            raise RefusalError(404, "room not found")
        if before is not None and before.peer is not None:
            before.peer.bye("taken-over")
        socket = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,), max_msg_size=MAX_FRAME, compress=False, timeout=1.0
        )
        try:
            await socket.prepare(request)
            peer = Peer(socket, request.transport)
            await Visit(service, live, room, live_id, peer).run()
        finally:
            service.registry.leave(room, live_id, service.now())
        return socket


async def _body(request: web.Request) -> bytes:
    async with asyncio.timeout(BODY_SECONDS):
        return await request.read()
