"""Our WebSocket over aiohttp: `POST /connect`, then one socket for each room.

What the frames mean is decided in `wire`; here is what waits, writes and reads.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import secrets
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import aiohttp

from characters.protocol import link
from characters.protocol.codec import MessageError, json_value, parse_object
from characters.protocol.failures import Failure, classify_http, failure
from characters.protocol.link import SequencedChannel
from characters.protocol.messages import ClientMessage, ConnectRequest, RoomGrant
from characters.protocol.network_conditions import NetworkConditions
from characters.transport.base import (
    Branch,
    BranchRequest,
    Connection,
    Incoming,
    RememberedFact,
    Said,
    TransportError,
)
from characters.transport.livekit import LiveKitRooms
from characters.transport.simulated import DelayQueue
from characters.transport.wire import WireProtocol

__all__ = [
    "is_our_room",
    "MAX_AUDIO",
    "WebSocketConnection",
    "WebSocketTransport",
    "WireConnection",
]


MAX_AUDIO = 50  # one second of 20 ms frames
MAX_HELD_BACK = 4096  # frames, while a simulated network lets nothing through
MAX_BODY = 1 << 20
MAX_MESSAGE = 1 << 20
CLOSE_SECONDS = 1.0

log = logging.getLogger(__name__)


class WebSocketTransport:
    """Reaches one endpoint, ours or Convai's; make it and use it in one event loop.

    A granted room is entered as its URL says: by our WebSocket, or through `livekit`. `clock` is
    the clock of `Connection.last_received`. `player_token` returns the token of the player at each
    connect, "" where none is demanded; with an `admin_key` none is needed.

    Before an id is sent, the endpoint is asked who it is (`GET /health`): our own fields go to a
    service of ours alone, and an embedded service proves that it knows the `secret` that the game
    gave it, so that nobody who takes the port of a dead one is told an id.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        api_key: str | None = None,
        admin_key: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        livekit: LiveKitRooms | None = None,
        player_token: Callable[[], str] = str,
        secret: str | None = None,
    ) -> None:
        self._livekit = livekit or LiveKitRooms(clock)
        self._endpoint = endpoint.rstrip("/")
        keys = {"X-API-Key": api_key, "X-Admin-Key": admin_key}
        self._headers = {name: key for name, key in keys.items() if key}
        self._clock = clock
        self._player_token = player_token
        self._secret = secret
        self._is_ours: bool | None = None  # not asked yet
        self._session: aiohttp.ClientSession | None = None
        self._connections: list[WebSocketConnection] = []

    async def connect(self, request: ConnectRequest) -> RoomGrant:
        """Ask for a room. Raises TransportError."""
        with _told_as_failure():
            request_id = secrets.token_hex(8)
            log.info("connecting, request %s", request_id)
            async with self._asking() as (http, is_ours):
                body, own = request.to_dict(own=is_ours), {link.REQUEST_ID: request_id}
                _check_body(body)
                return _read_grant(*await self._ask(http, "POST", "connect", body, own))

    async def branch(self, request: BranchRequest) -> Branch:
        """Make a session that shares the past of another; see `BranchingTransport`."""
        with _told_as_failure():
            async with self._asking() as (http, is_ours):
                if not is_ours:
                    raise TransportError(failure("session.cannot_branch"))
                path = f"{_path_of(request.session_id)}/branch"
                return _read_branch(*await self._ask(http, "POST", path, request.to_dict()))

    async def forget(self, session_id: str, *, keeps_memory: bool = False) -> None:
        """Delete a session; see `KeepingTransport`."""
        query = "?memory=keep" if keeps_memory else ""
        await self._ask_kept("DELETE", f"{_path_of(session_id)}{query}")

    async def facts(self, session_id: str) -> tuple[RememberedFact, ...]:
        """Return what is known of the player; see `KeepingTransport`."""
        answer = await self._ask_kept("GET", f"{_path_of(session_id)}/memory")
        with _told_as_failure():
            here = [_remembered(it, is_here=True) for it in answer.get("facts") or ()]
            others = [_remembered(it, is_here=False) for it in answer.get("elsewhere") or ()]
            return (*here, *others)

    async def correct(self, session_id: str, key: str, value: str) -> None:
        """Put another value in place of what is known."""
        body = {"key": key, "value": value}
        await self._ask_kept("PATCH", f"{_path_of(session_id)}/memory", body)

    async def pin(self, session_id: str, key: str, is_pinned: bool) -> None:
        """Let only a correction change what is known, or let it be as before."""
        body = {"key": key, "pinned": is_pinned}
        await self._ask_kept("PATCH", f"{_path_of(session_id)}/memory", body)

    async def forget_fact(self, session_id: str, key: str) -> tuple[str, ...]:
        """Delete one thing that is known of the player, and return its words."""
        path = f"{_path_of(session_id)}/memory?{urlencode({'key': key})}"
        return tuple((await self._ask_kept("DELETE", path)).get("words") or ())

    async def _ask_kept(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the answer to a request about what the endpoint keeps. Raises TransportError."""
        with _told_as_failure():
            async with self._asking() as (http, _):
                status, answer, headers = await self._ask(http, method, path, body)
            if status in (405, 501):  # it keeps nothing that could be asked for, or deleted
                raise TransportError(failure("connection.not_found", f"HTTP {status}"))
            return _read_answer(status, answer or b"{}", headers)

    async def _ask(
        self,
        http: aiohttp.ClientSession,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        own: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """Return status, body and headers of the answer to a request, with `own` headers added."""
        url, headers = f"{self._endpoint}/{path}", {**self._all_headers(), **(own or {})}
        async with http.request(method, url, json=body, headers=headers) as answer:
            return answer.status, await _read_body(answer.content), answer.headers

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[tuple[aiohttp.ClientSession, bool]]:
        """Give what asks the endpoint, and whether that is a service of ours.

        Ids and facts are for a service that has proved who it is where it can. It is asked over the
        same connection then, or not at all: once it is dead its port may be somebody else's.
        """
        if self._secret is not None:
            async with _one_connection() as http:
                yield http, await self._ask_who_it_is(http)
            return
        if self._is_ours is None:
            self._is_ours = await self._ask_who_it_is(self._http())
        yield self._http(), self._is_ours

    def _all_headers(self) -> dict[str, str]:
        token = self._player_token()
        return self._headers | ({"X-Player-Token": token} if token else {})

    async def _ask_who_it_is(self, http: aiohttp.ClientSession) -> bool:
        """Return whether the endpoint is a service of ours. Raises TransportError, ClientError."""
        challenge = secrets.token_hex(16)
        url, headers = f"{self._endpoint}/health", {link.CHALLENGE: challenge}
        async with http.get(url, headers=headers) as answer:
            if answer.status >= 500:  # it will say who it is when it is well again
                raise TransportError(
                    classify_http(answer.status, None, _retry_after(answer.headers))
                )
            try:
                body: Any = json.loads(await _read_body(answer.content))
            except ValueError:
                body = None
        said: dict[str, Any] = body if isinstance(body, dict) else {}
        if self._secret is not None:
            expected = link.proof_of(self._secret, challenge)
            proof = str(said.get("proof")).encode("utf-8", "replace")
            if not hmac.compare_digest(proof, expected.encode()):
                raise TransportError(failure("connection.impostor"))
        return said.get("service") == "troupe"

    async def join(self, grant: RoomGrant, channel: SequencedChannel) -> Connection:
        """Enter the granted room. Raises TransportError."""
        if not is_our_room(grant.room_url):
            return await self._livekit.join(grant, channel, partial(self._disconnect, grant))
        self._connections = [c for c in self._connections if c.ended is None or not c.ended.done()]
        try:
            websocket = await self._http().ws_connect(
                grant.room_url,
                protocols=(link.SUBPROTOCOL,),
                headers={
                    "Authorization": f"Bearer {grant.token}",
                    link.REQUEST_ID: grant.request_trace_id or "",
                },
                max_msg_size=MAX_MESSAGE,
                compress=0,
                autoping=True,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
            )
        except TransportError:
            raise
        except aiohttp.WSServerHandshakeError as error:
            code = "connection.room_gone" if error.status == 404 else "transport.join_refused"
            raise TransportError(failure(code, f"HTTP {error.status}")) from error
        except Exception as error:
            raise TransportError(_connect_failure(error)) from error
        connection = WebSocketConnection(websocket, channel, self._clock)
        self._connections.append(connection)
        try:
            await connection.greet()
        except BaseException:
            connection.abort()
            raise
        return connection

    async def _disconnect(self, grant: RoomGrant) -> None:
        """Tell the cloud that a talk is over, so that it no longer counts towards its limit."""
        url = f"{self._endpoint}/disconnect?session_id={quote(grant.session_id, safe='')}"
        with suppress(aiohttp.ClientError, OSError, TransportError, TimeoutError, RuntimeError):
            async with asyncio.timeout(CLOSE_SECONDS):
                async with self._http().post(url, headers=self._headers):
                    pass

    async def close(self) -> None:
        """Abort the live connections, leave every room and close the sockets."""
        await self._livekit.close()
        for connection in self._connections:
            connection.abort()
        endings = [item.ended for item in self._connections if item.ended is not None]
        if endings:
            await asyncio.wait(endings, timeout=CLOSE_SECONDS)
        self._connections = []
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            # No pool of old connections: after a fault they are the first to be dead.
            connector = aiohttp.TCPConnector(force_close=True, limit=0)
            self._session = _client(connector, _no_redirects())
        return self._session


def is_our_room(room_url: str) -> bool:
    """Tell a room of our own WebSocket (`ws://host/rooms/NAME`) from a LiveKit server's URL."""
    try:
        return "/rooms/" in urlsplit(room_url).path
    except ValueError:  # no URL at all: our own way of entering says so
        return True


class WireConnection:
    """A `Connection` around a `WireProtocol`: it waits, and it simulates bad networks.

    A subclass owns the socket: it writes what `outgoing` returns, hands in what it reads with
    `frame_received`, and calls `lost` when the socket is gone.
    """

    welcome: link.Welcome
    """What the service answered to the hello; `enter` sets it."""

    def __init__(self, channel: SequencedChannel, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._wire = WireProtocol(channel, clock())
        self._queue = link.FrameQueue(MAX_AUDIO)
        self._outbound = DelayQueue[str | bytes](clock, self._enqueue, len)
        self._inbound = DelayQueue[str | bytes](clock, self._let_in, len)
        self._readable = asyncio.Event()
        self._writable = asyncio.Event()
        self._written = asyncio.Event()

    @property
    def last_received(self) -> float:
        """When the last frame of any kind arrived."""
        return self._wire.last_received

    @property
    def round_trip_seconds(self) -> float | None:
        """How long the last answered ping took."""
        return self._wire.round_trip_seconds

    @property
    def is_lost(self) -> bool:
        """Whether the connection has ended."""
        return self._wire.failure is not None

    async def receive(self) -> Incoming:
        """Wait for what comes next. Raises TransportError once the connection has ended."""
        while True:
            event = self._wire.next_event()
            self._move()
            if event is not None:
                return event
            if self._wire.failure is not None:
                raise TransportError(self._wire.failure)
            self._readable.clear()
            await self._readable.wait()

    def send(self, message: ClientMessage) -> None:
        """Queue a message. Raises TransportError(transport.overflow)."""
        self._wire.send(message)
        self._move()

    def send_audio(self, pcm: bytes, timestamp: float) -> None:
        """Queue microphone audio; the oldest is dropped when too much waits."""
        self._wire.send_audio(pcm, timestamp)
        self._move()
        self._outbound.thin(bytes, MAX_AUDIO)

    def ping(self) -> None:
        """Ask for a sign of life."""
        self._wire.send_link(link.Ping(self._clock()))
        self._move()

    def set_conditions(self, conditions: NetworkConditions) -> None:
        """Make frames late, slow or lost from now on, or end that."""
        self._outbound.set_conditions(conditions)
        self._inbound.set_conditions(conditions)

    # --- for the socket --------------------------------------------------------------------

    def enter(self, welcome: link.Welcome) -> None:
        """Take the welcome; what the service missed is queued. Raises TransportError."""
        self._wire.enter(welcome)
        self.welcome = welcome
        self._move()

    def frame_received(self, data: str | bytes) -> None:
        """Take a frame of the socket; one that breaks the protocol ends the connection."""
        if self.is_lost:
            return
        if not self._inbound.is_taken:
            self._let_in(data)
        elif len(self._inbound) >= MAX_HELD_BACK:
            self.lost(failure("transport.overflow", "nothing is let through"))
        else:
            self._inbound.put(data)

    async def outgoing(self) -> str | bytes | None:
        """Wait for the next frame to write; None once the connection has ended."""
        while not self._queue:
            if self.is_lost:
                return None
            if not self._outbound:
                self._written.set()
            self._writable.clear()
            await self._writable.wait()
        return self._queue.pop()

    async def say_goodbye(self) -> None:
        """Queue the goodbye of a deliberate disconnect, and wait until all is written or lost."""
        self._wire.send_link(link.Bye("disconnect"))
        self._move()
        if (self._queue or self._outbound) and not self.is_lost:
            self._written.clear()
            await self._written.wait()

    def lost(self, why: Failure) -> None:
        """End the connection; what arrived before can still be received."""
        self._wire.end(why)
        self._queue.clear()
        self._outbound.clear()
        self._inbound.clear()
        for event in (self._readable, self._writable, self._written):
            event.set()

    def _let_in(self, data: str | bytes) -> None:
        self._wire.receive(data, self._clock())
        self._readable.set()
        self._move()

    def _move(self) -> None:
        """Queue what the protocol has to send, or note that it ended the connection."""
        for frame in self._wire.data_to_send():
            if self._outbound.is_taken:
                self._outbound.put(frame)
            else:
                self._enqueue(frame)
        if self._wire.failure is not None:
            self.lost(self._wire.failure)

    def _enqueue(self, frame: str | bytes) -> None:
        self._queue.put(frame)
        self._writable.set()


class WebSocketConnection(WireConnection):
    """One socket; `ended` is done when its tasks are over and the socket is closed."""

    def __init__(
        self,
        websocket: aiohttp.ClientWebSocketResponse,
        channel: SequencedChannel,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(channel, clock)
        self._hello = link.Hello(channel.received)
        self._socket = websocket
        self._tasks: list[asyncio.Task[None]] = []
        self.ended: asyncio.Task[None] | None = None

    async def greet(self) -> None:
        """Say hello, wait for the welcome, start to read and write. Raises TransportError."""
        try:
            await self._socket.send_str(json.dumps(link.encode_link(self._hello)))
            first = await self._socket.receive()
        except (aiohttp.ClientError, ConnectionError) as error:
            raise TransportError(failure("transport.signal_disconnected")) from error
        self.enter(_read_welcome(first))
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._write())]

    def abort(self) -> None:
        """Drop the connection at once."""
        self._end(failure("transport.signal_disconnected", "aborted here"))

    async def close(self) -> None:
        """Say bye and close, within about `CLOSE_SECONDS`."""
        if not self.is_lost:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self.say_goodbye()
                    # The service closes when it has read the bye; the reader then sees the end.
                    await asyncio.wait(self._tasks[:1])
        self._end(failure("session.ended", "closed here"))
        if self.ended is not None:
            await asyncio.wait((self.ended,), timeout=CLOSE_SECONDS)

    async def _read(self) -> None:
        async for frame in self._socket:
            if frame.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                break
            self.frame_received(frame.data)
            if self.is_lost:
                break
        self._end(failure("transport.signal_disconnected"))

    async def _write(self) -> None:
        try:
            while (item := await self.outgoing()) is not None:
                if isinstance(item, bytes):
                    await self._socket.send_bytes(item)
                else:
                    await self._socket.send_str(item)
        except (aiohttp.ClientError, ConnectionError):
            self._end(failure("transport.signal_disconnected"))

    def _end(self, why: Failure) -> None:
        self.lost(why)
        _reset(self._socket)
        if self.ended is None:
            self.ended = asyncio.create_task(self._release())

    async def _release(self) -> None:
        """Close the dead socket; nothing here waits for the peer."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(aiohttp.ClientError, ConnectionError, RuntimeError, TimeoutError):
            await self._socket.close()


def _no_redirects() -> aiohttp.TraceConfig:
    """Follow no redirect: keys, tokens and session ids are for the endpoint that was chosen."""

    async def refuse(_: object, __: object, to: aiohttp.TraceRequestRedirectParams) -> None:
        where = to.response.headers.get("Location", "")[:200]
        raise TransportError(failure("connection.redirected", f"To {where}"))

    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(refuse)
    return trace


def _one_connection() -> aiohttp.ClientSession:
    """Return what asks over one connection, and fails with the first that needs another."""
    made: list[object] = []

    async def refuse_another(_: object, __: object, asked: object) -> None:
        if made:
            raise TransportError(failure("connection.failed", "it ended after the proof"))
        made.append(asked)

    trace = _no_redirects()
    trace.on_connection_create_start.append(refuse_another)
    return _client(aiohttp.TCPConnector(limit=1), trace)


def _client(connector: aiohttp.TCPConnector, trace: aiohttp.TraceConfig) -> aiohttp.ClientSession:
    """Return a client without time-outs: the session bounds every step by its policy."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=None),
        connector=connector,
        trust_env=False,
        trace_configs=[trace],
    )


def _reset(websocket: aiohttp.ClientWebSocketResponse) -> None:
    """Drop a socket without a handshake, so that nothing lingers and the peer knows at once."""
    raw = websocket.get_extra_info("socket")
    if raw is not None:
        with suppress(OSError):
            # Shutting down wakes the event loop, which closes; no lingering makes that a reset.
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raw.shutdown(socket.SHUT_RDWR)


async def _read_body(content: aiohttp.StreamReader) -> bytes:
    """Read all of an answer, in whatever pieces it comes, up to `MAX_BODY`."""
    body = bytearray()
    while piece := await content.read(16 * 1024):
        body += piece
        if len(body) > MAX_BODY:
            raise TransportError(failure("connection.unexpected_status", "an endless answer"))
    return bytes(body)


def _read_welcome(frame: aiohttp.WSMessage) -> link.Welcome:
    if frame.type is not aiohttp.WSMsgType.TEXT:
        raise TransportError(failure("transport.join_refused", "closed before the welcome"))
    try:
        welcome = link.decode_link(parse_object(frame.data))
    except MessageError as problem:
        raise TransportError(failure("transport.protocol", str(problem))) from None
    if isinstance(welcome, link.Bye):
        code = "connection.room_gone" if welcome.reason == "room-gone" else "transport.join_refused"
        raise TransportError(failure(code, f"bye {welcome.reason}", welcome.retry_after))
    if not isinstance(welcome, link.Welcome):
        raise TransportError(failure("transport.protocol", "no welcome"))
    return welcome


def _check_body(body: Mapping[str, Any]) -> None:
    """Raise TransportError for what no service would take, before it is sent."""
    for name, value in body.items():
        try:
            json_value(value)
        except ValueError as problem:
            raise TransportError(failure("connection.validation", f"{name} {problem}")) from None


def _read_grant(status: int, body: bytes, headers: Mapping[str, str]) -> RoomGrant:
    try:
        return RoomGrant.from_dict(_read_answer(status, body, headers))
    except ValueError as problem:
        raise TransportError(failure("connection.unexpected_status", str(problem))) from None


def _read_branch(status: int, body: bytes, headers: Mapping[str, str]) -> Branch:
    # What has no such address says so in words of its own; ours names the session.
    if status in (405, 501) or (status == 404 and b"session" not in body):
        raise TransportError(failure("session.cannot_branch"))
    raw = _read_answer(status, body, headers)
    try:
        said = tuple(
            Said(str(row["speaker"]), str(row["text"]), bool(row.get("was_cut")))
            for row in raw.get("turns") or ()
        )
        lasts = raw.get("lasts") is True
        return Branch(str(raw["character_session_id"]), int(raw["at"]), said, lasts)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise TransportError(failure("connection.unexpected_status", "no branch")) from None


def _path_of(session_id: str) -> str:
    return f"sessions/{quote(session_id, safe='', errors='replace')}"


def _remembered(raw: Mapping[str, Any], *, is_here: bool) -> RememberedFact:
    return RememberedFact(
        str(raw["key"]),
        str(raw["value"]),
        is_here,
        is_lasting=raw.get("learnt_at") is not None,
        is_pinned=bool(raw.get("is_pinned")),
        since=raw.get("since"),
        told_in=str(raw.get("told_in") or ""),
        also_in=tuple(raw.get("also_in") or ()),
    )


def _read_answer(status: int, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the object in an answer. Raises TransportError for a refusal."""
    try:
        raw: Any = json.loads(body)
    except ValueError:
        raw = None
    if status != 200:
        detail = raw.get("detail") if isinstance(raw, dict) else None
        raise TransportError(classify_http(status, detail, _retry_after(headers)))
    if not isinstance(raw, dict):
        raise TransportError(failure("connection.unexpected_status", "the answer is not JSON"))
    return raw


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return Retry-After in seconds; a date is not worth a wall clock here."""
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds <= 86400 else None


@contextmanager
def _told_as_failure() -> Iterator[None]:
    """Raise TransportError for whatever a request to the endpoint raises."""
    try:
        yield
    except TransportError:
        raise
    except Exception as error:
        raise TransportError(_connect_failure(error)) from error


def _connect_failure(error: Exception) -> Failure:
    for kind, code in _CODES:
        if isinstance(error, kind):
            return failure(code)
    return failure("connection.failed", type(error).__name__)


# Looked through in order, because the later ones include the earlier.
_CODES: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.InvalidURL, "connection.invalid_url"),
    (aiohttp.NonHttpUrlClientError, "connection.invalid_url"),
    (UnicodeError, "connection.invalid_url"),  # a name that no network has a spelling for
    (aiohttp.ClientSSLError, "connection.tls"),
    (aiohttp.ClientConnectorDNSError, "connection.dns"),
    (aiohttp.ClientConnectorError, "connection.refused"),
    (TimeoutError, "connection.timeout"),
)
