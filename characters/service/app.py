"""HTTP and WebSocket around the service; nothing is decided here.

One connection's stay in a room: hello, welcome, then frames until one side has enough.

`POST /connect/stream`: one question by text, the answer as server-sent events.

No room is opened: the session is resumed or made, the mind answers once, all is kept. The end
event is spelled `connection-stoppped`, as the public service spells it.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import math
import traceback
from collections.abc import Mapping
from typing import Any

import msgpack
from aiohttp import WSMessage, WSMsgType, web
from aiohttp.typedefs import Handler, Middleware

from characters.agents.agent import Do, Feel, Part
from characters.protocol.codec import MessageError, encode_server, parse_object
from characters.protocol.link import (
    SUBPROTOCOL,
    Ack,
    Bye,
    Hello,
    Ping,
    Pong,
    ReplayError,
    Welcome,
    decode_link,
    is_link,
)
from characters.protocol.messages import ActionResponse, BotEmotion, BotLlmText
from characters.service.registry import RefusalError, Room
from characters.service.requests import read_connect, read_fields
from characters.service.room import MAX_FRAME, ClientSocket, LiveRoom, short
from characters.service.service import Service, grant_body

__all__ = ["ConnectionHandler", "make_app"]


log = logging.getLogger(__name__)

MICROPHONE = 1
MAX_PCM = 8192  # a quarter of a second at 16 kHz


class ConnectionHandler:
    """One accepted connection, from its hello to its end."""

    def __init__(
        self, service: Service, live: LiveRoom, room: Room, live_id: str, peer: ClientSocket
    ) -> None:
        self._service = service
        self._live = live
        self._room = room
        self._live_id = live_id
        self._peer = peer
        self._audio_frames = 0
        self._earliest_audio: float | None = None
        self._said_goodbye = False

    async def run(self) -> None:
        """Stay until the connection ends; it is given back when this returns."""
        writer = asyncio.create_task(self._peer.run())
        try:
            if await self._greet():
                await self._read()
        except TimeoutError:
            log.info("room %s: the client is silent; dropped", short(self._room.name))
            self._peer.abort()
        finally:
            self._live.left(self._peer, for_good=self._said_goodbye)
            log.info(
                "room %s: connection ended, %d audio frames, the earliest at %s",
                short(self._room.name),
                self._audio_frames,
                "-" if self._earliest_audio is None else f"{self._earliest_audio:.3f} s",
            )
            if not self._peer.is_saying_goodbye:
                self._peer.close()
            await writer

    async def _greet(self) -> bool:
        raw = await self._peer.receive(self._service.settings.hello_within)
        try:
            hello = decode_link(parse_object(raw.data)) if raw.type is WSMsgType.TEXT else None
        except MessageError:
            hello = None
        if not isinstance(hello, Hello):
            self._peer.bye("protocol")
            return False
        try:
            missed = self._live.link.missed(hello.received)
        except ReplayError:
            # What it missed is gone: only a new room helps, and the session is untouched.
            self._peer.bye("room-gone")
            self._live.end("room-gone")
            return False
        self._peer.link(self._welcome(len(missed)))
        self._live.welcome(self._peer, missed)
        return True

    def _welcome(self, replayed: int) -> Welcome:
        link, room = self._live.link, self._room
        resumed = "rejoined" if self._live.was_entered else room.resumed
        next_seq = link.outbox.confirmed + 1
        return Welcome(link.inbox.received, replayed, next_seq, resumed, room.last_seen_seconds)

    async def _read(self) -> None:
        silent = self._service.settings.silent_client
        while True:
            frame = await self._peer.receive(silent)
            if frame.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            if self._room.live_id != self._live_id:
                return
            self._service.registry.heard(self._room, self._service.now())
            if not self._take(frame):
                return

    def _take(self, frame: WSMessage) -> bool:
        try:
            if frame.type is WSMsgType.BINARY:
                self._audio(frame.data)
                return True
            raw = parse_object(frame.data)
            if is_link(raw):
                return self._link(raw)
        except MessageError as problem:
            self._live.refuse(problem)
            return True
        if not self._live.take(raw):
            self._peer.bye("protocol")
            return False
        self._confirm(now=False)
        return True

    def _link(self, raw: dict[str, object]) -> bool:
        frame = decode_link(raw)
        if isinstance(frame, Bye):
            self._said_goodbye = True
            return False
        if isinstance(frame, Ping):
            self._peer.link(Pong(frame.t))
            self._confirm(now=True)
        if isinstance(frame, Ack):
            self._live.confirmed(frame.received)
        return True

    def _confirm(self, *, now: bool) -> None:
        ack = self._live.link.ack(now=now)
        if ack is not None:
            self._peer.link(ack)

    def _audio(self, data: bytes) -> None:
        try:
            # Its size is bounded: the socket takes no message above MAX_FRAME.
            kind, _, timestamp, pcm = msgpack.unpackb(data)
            timestamp = float(timestamp)
        except Exception:
            raise MessageError("parse-error", "Failed to parse audio frame") from None
        usable = isinstance(pcm, bytes) and len(pcm) % 2 == 0 and len(pcm) <= MAX_PCM
        if kind != MICROPHONE or not usable or not math.isfinite(timestamp):
            raise MessageError("validation-error", "Malformed audio frame")
        self._audio_frames += 1
        if self._earliest_audio is None or timestamp < self._earliest_audio:
            self._earliest_audio = timestamp
        self._live.hear(pcm, timestamp)


END_EVENT = "connection-stoppped"
FIELDS = ("character_id", "text_input", "character_session_id", "end_user_id", "persona")


async def answer_stream(service: Service, request: web.Request) -> web.StreamResponse:
    """Answer a multipart question. Raises RefusalError before the stream begins."""
    form = await request.post()
    values = {name: form[name] for name in FIELDS if name in form}
    text = values.pop("text_input", None)
    if not isinstance(text, str) or not 0 < len(text.strip()) <= 2000:
        raise RefusalError(
            422,
            [{"type": "missing", "loc": ["body", "text_input"], "msg": "1 to 2000 characters"}],
        )
    ask = read_fields(values)
    async with service.question(ask, text.strip()) as (grant, parts):
        answer = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        await answer.prepare(request)
        session_id = grant.room.session.session_id
        ids = {"session_id": grant.live_id, "character_session_id": session_id}
        await _event(answer, {"type": "connection-started", "data": ids})
        async for part in parts:
            await _event(answer, _encode(part))
        await _event(answer, {"type": END_EVENT, "data": {}})
    await answer.write_eof()
    return answer


def _encode(part: Part) -> Mapping[str, Any]:
    if isinstance(part, Feel):
        return encode_server(BotEmotion(part.emotion, part.scale))
    if isinstance(part, Do):
        return encode_server(ActionResponse(part.actions))
    return encode_server(BotLlmText(part.text))


async def _event(answer: web.StreamResponse, data: Mapping[str, Any]) -> None:
    await answer.write(b"data: " + json.dumps(data).encode() + b"\n\n")


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
            peer = ClientSocket(socket, request.transport)
            await ConnectionHandler(service, live, room, live_id, peer).run()
        finally:
            service.registry.leave(room, live_id, service.now())
        return socket


async def _body(request: web.Request) -> bytes:
    async with asyncio.timeout(BODY_SECONDS):
        return await request.read()
