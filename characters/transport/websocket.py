"""Our WebSocket over aiohttp: `POST /connect`, then one socket for each room."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import struct
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import aiohttp

from characters.protocol.codec import MessageError, parse_object
from characters.protocol.failures import Failure, classify_http, failure
from characters.protocol.link import (
    SUBPROTOCOL,
    Bye,
    Hello,
    SequencedChannel,
    Welcome,
    decode_link,
    encode_link,
)
from characters.protocol.messages import ConnectRequest, RoomGrant
from characters.transport.base import TransportError
from characters.transport.wire import WireConnection

__all__ = ["WebSocketConnection", "WebSocketTransport"]


MAX_BODY = 1 << 20
MAX_MESSAGE = 1 << 20
CLOSE_SECONDS = 1.0

log = logging.getLogger(__name__)


class WebSocketTransport:
    """Reaches one endpoint; make it and use it in one event loop.

    `clock` is the clock of `Connection.last_received`.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        api_key: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._headers = {"X-API-Key": api_key} if api_key else {}
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._connections: list[WebSocketConnection] = []

    async def connect(self, request: ConnectRequest) -> RoomGrant:
        """Ask for a room. Raises TransportError."""
        try:
            async with self._http().post(
                f"{self._endpoint}/connect", json=request.to_dict(), headers=self._headers
            ) as answer:
                body = await _read_body(answer.content)
                return _read_grant(answer.status, body, answer.headers)
        except TransportError:
            raise
        except Exception as error:
            raise TransportError(_connect_failure(error)) from error

    async def join(self, grant: RoomGrant, link: SequencedChannel) -> WebSocketConnection:
        """Enter the granted room. Raises TransportError."""
        self._connections = [c for c in self._connections if c.ended is None or not c.ended.done()]
        try:
            line = await self._http().ws_connect(
                grant.room_url,
                protocols=(SUBPROTOCOL,),
                headers={"Authorization": f"Bearer {grant.token}"},
                max_msg_size=MAX_MESSAGE,
                compress=0,
                autoping=True,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
            )
        except aiohttp.WSServerHandshakeError as error:
            raise TransportError(_join_failure(error.status)) from error
        except Exception as error:
            raise TransportError(_connect_failure(error)) from error
        connection = WebSocketConnection(line, link, self._clock)
        self._connections.append(connection)
        try:
            await connection.greet()
        except BaseException:
            connection.abort()
            raise
        return connection

    async def close(self) -> None:
        """Abort what is live and give the sockets back."""
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
            # No time-outs of our own: the driver bounds every step by its policy. No pool of old
            # connections either, because after a fault they are the first thing to be dead.
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=None),
                connector=aiohttp.TCPConnector(force_close=True, limit=0),
                trust_env=False,
            )
        return self._session


class WebSocketConnection(WireConnection):
    """One socket; `ended` is done when its tasks are over and the socket is given back."""

    def __init__(
        self,
        line: aiohttp.ClientWebSocketResponse,
        link: SequencedChannel,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(link, clock)
        self._line = line
        self._tasks: list[asyncio.Task[None]] = []
        self.ended: asyncio.Task[None] | None = None

    async def greet(self) -> None:
        """Say hello, wait for the welcome, start to read and write. Raises TransportError."""
        hello = Hello(self._link.inbox.received)
        try:
            await self._line.send_str(json.dumps(encode_link(hello)))
            first = await self._line.receive()
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
            self.queue_bye()
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self.flushed()
                    # The service closes when it has read the bye; the reader then sees the end.
                    await asyncio.wait(self._tasks[:1])
        self._end(failure("session.ended", "closed here"))
        if self.ended is not None:
            await asyncio.wait((self.ended,), timeout=CLOSE_SECONDS)

    async def _read(self) -> None:
        async for frame in self._line:
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
                    await self._line.send_bytes(item)
                else:
                    await self._line.send_str(item)
        except (aiohttp.ClientError, ConnectionError):
            self._end(failure("transport.signal_disconnected"))

    def _end(self, why: Failure) -> None:
        self.lost(why)
        _reset(self._line)
        if self.ended is None:
            self.ended = asyncio.create_task(self._release())

    async def _release(self) -> None:
        """Let go of the dead socket; nothing of this waits for the peer."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(aiohttp.ClientError, ConnectionError, RuntimeError, TimeoutError):
            await self._line.close()


def _reset(line: aiohttp.ClientWebSocketResponse) -> None:
    """Drop a socket without a handshake, so that nothing lingers and the peer knows at once."""
    raw = line.get_extra_info("socket")
    if raw is not None:
        with suppress(OSError):
            # Shutting down wakes the event loop, which closes; no lingering makes that a reset.
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raw.shutdown(socket.SHUT_RDWR)


async def _read_body(content: aiohttp.StreamReader) -> bytes:
    """Read all of an answer, in whatever pieces it comes, up to `MAX_BODY`."""
    body = bytearray()
    async for piece in content.iter_chunked(16 * 1024):
        body += piece
        if len(body) > MAX_BODY:
            raise TransportError(failure("connection.unexpected_status", "an endless answer"))
    return bytes(body)


def _read_welcome(frame: aiohttp.WSMessage) -> Welcome:
    if frame.type is not aiohttp.WSMsgType.TEXT:
        raise TransportError(failure("transport.join_refused", "closed before the welcome"))
    try:
        welcome = decode_link(parse_object(frame.data))
    except MessageError as problem:
        raise TransportError(failure("transport.protocol", str(problem))) from None
    if isinstance(welcome, Bye):
        code = "connection.room_gone" if welcome.reason == "room-gone" else "transport.join_refused"
        raise TransportError(failure(code, f"bye {welcome.reason}", welcome.retry_after))
    if not isinstance(welcome, Welcome):
        raise TransportError(failure("transport.protocol", "no welcome"))
    return welcome


def _read_grant(status: int, body: bytes, headers: Mapping[str, str]) -> RoomGrant:
    try:
        raw: Any = json.loads(body)
    except ValueError:
        raw = None
    if status != 200:
        detail = raw.get("detail") if isinstance(raw, dict) else None
        raise TransportError(classify_http(status, detail, _retry_after(headers)))
    if not isinstance(raw, dict):
        raise TransportError(failure("connection.unexpected_status", "the answer is not JSON"))
    try:
        return RoomGrant.from_dict(raw)
    except ValueError as problem:
        raise TransportError(failure("connection.unexpected_status", str(problem))) from None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return Retry-After in seconds; a date is not worth a wall clock here."""
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds <= 86400 else None


def _join_failure(status: int) -> Failure:
    code = "connection.room_gone" if status == 404 else "transport.join_refused"
    return failure(code, f"HTTP {status}")


def _connect_failure(error: Exception) -> Failure:
    for kind, code in _CODES:
        if isinstance(error, kind):
            return failure(code)
    return failure("connection.failed", type(error).__name__)


# Looked through in order, because the later ones include the earlier.
_CODES: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.InvalidURL, "connection.invalid_url"),
    (aiohttp.ClientSSLError, "connection.tls"),
    (aiohttp.ClientConnectorDNSError, "connection.dns"),
    (aiohttp.ClientConnectorError, "connection.refused"),
    (TimeoutError, "connection.timeout"),
)
