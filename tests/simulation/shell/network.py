"""A simulated network under the real transport and the real service: only sockets are fake.

The client's `WebSocketTransport` gets a session whose requests and WebSockets travel here; the
service's connection handler gets the other end. Nothing is lost or changes places on a connection
that lives; one that is reset loses what is on its way; a black hole swallows without a word.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from io import BytesIO
from json import dumps
from types import SimpleNamespace
from typing import Any

import aiohttp
from aiohttp import WSMessage, WSMsgType

from characters.transport.websocket import WebSocketTransport
from tests.simulation.shell.loop import ShellLoop

__all__ = ["SimulatedConnection", "RemoteEnd", "Route", "Socket", "SimulatedTransport"]

ENDPOINT = "http://simulated"
REPEATED = 0.002
END = WSMessage(WSMsgType.CLOSED, None, None)
Spy = Callable[[bool, str | bytes], None]
"""Sees a frame as it arrives; the first argument tells whether at the service."""


class SimulatedConnection:
    """One connection: two sockets and what travels between them."""

    def __init__(self, loop: ShellLoop, spy: Spy) -> None:
        self._loop = loop
        self._spy = spy
        self._seconds = loop.random.uniform(0.0005, 0.06)
        self.client, self.service = Socket(self, is_service=False), Socket(self, is_service=True)
        self._ways: dict[bool, deque[str | bytes | None]] = {True: deque(), False: deque()}
        self.is_black_hole = self.is_reset = False

    def send(self, data: str | bytes | None, *, up: bool) -> None:
        """Send a frame, or None for the end."""
        self._ways[up].append(data)
        self._loop.call_later(self._seconds, self._arrive, up)

    def _arrive(self, up: bool) -> None:
        # In the order of sending: two timers of one moment may change places, a queue does not.
        data = self._ways[up].popleft()
        if self.is_reset or self.is_black_hole:
            return
        end = self.service if up else self.client
        if data is not None and not end.is_over:
            self._spy(up, data)
        end.put(data)
        # A proxy that cannot confirm a message repeats it.
        if isinstance(data, str) and '"seq"' in data and self._loop.random.random() < REPEATED:
            end.put(data)

    def reset(self, after: float = 0.001) -> None:
        """Break: what is on its way is lost, and both ends notice unless in a black hole."""
        self.is_reset = True
        if not self.is_black_hole:
            self._loop.call_later(after, self.client.put, None)
            self._loop.call_later(after, self.service.put, None)


class Socket:
    """One end, as aiohttp's WebSockets are at both."""

    def __init__(self, cable: SimulatedConnection, *, is_service: bool) -> None:
        self._cable = cable
        self._is_service = is_service
        self._arrived: deque[WSMessage] = deque()
        self._wake = asyncio.Event()
        self.is_over = False

    def put(self, data: str | bytes | None) -> None:
        if data is None:
            self.is_over = True
        kind = WSMsgType.BINARY if isinstance(data, bytes) else WSMsgType.TEXT
        self._arrived.append(END if data is None else WSMessage(kind, data, None))
        self._wake.set()

    async def receive(self) -> WSMessage:
        while not self._arrived:
            if self.is_over:
                return END
            self._wake.clear()
            await self._wake.wait()
        return self._arrived.popleft()

    async def send_str(self, data: str) -> None:
        await self._send(data)

    async def send_bytes(self, data: bytes) -> None:
        await self._send(data)

    async def _send(self, data: str | bytes) -> None:
        if self.is_over:
            raise ConnectionResetError("closing")
        self._cable.send(data, up=not self._is_service)

    async def close(self) -> None:
        if not self.is_over:
            self._cable.send(None, up=not self._is_service)
            self.put(None)

    def abort(self) -> None:
        """Drop the connection, as the service's transport does."""
        self.shutdown(0)

    def get_extra_info(self, name: str) -> Socket:
        return self

    def setsockopt(self, *options: object) -> None:
        """Take the wish not to linger."""

    def shutdown(self, how: int) -> None:
        """Drop the connection, as the client's socket does."""
        if not self.is_over:
            self.put(None)
            self._cable.reset(0.0)

    def __aiter__(self) -> Socket:
        return self

    async def __anext__(self) -> WSMessage:
        message = await self.receive()
        if message is END:
            raise StopAsyncIteration
        return message


class RemoteEnd:
    """What answers at the other end; None of it while nobody listens."""

    async def post(self, path: str, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Answer a request to connect, or to make a branch."""
        raise NotImplementedError

    def remove(self, session_id: str, *, keeps_memory: bool = False) -> None:
        """Take a request to delete a session."""
        raise NotImplementedError

    async def enter(self, room_name: str, token: str, cable: SimulatedConnection) -> int:
        """Let a connection in; return the status of the handshake, 101 if it may."""
        raise NotImplementedError


class Route:
    """One character's way to the service, with network conditions of its own."""

    def __init__(self, loop: ShellLoop, far: Callable[[], RemoteEnd | None], spy: Spy) -> None:
        self.loop = loop
        self._far = far
        self._spy = spy
        self.cables: list[SimulatedConnection] = []
        self.is_cut_off = self.is_black_hole = False

    async def pass_on(self) -> RemoteEnd:
        """Wait as long as the way takes. Raises what a socket raises when nobody is there."""
        await asyncio.sleep(self.loop.random.uniform(0.0005, 0.1))
        if self.is_black_hole:
            await self.loop.create_future()
        far = self._far()
        if self.is_cut_off or far is None:
            key: Any = SimpleNamespace(host="simulated", port=0, ssl=None)
            raise aiohttp.ClientConnectorError(key, ConnectionRefusedError())
        return far

    def lay(self) -> SimulatedConnection:
        """Lay a cable for one connection."""
        self.cables = [cable for cable in self.cables if not cable.client.is_over]
        self.cables.append(SimulatedConnection(self.loop, self._spy))
        return self.cables[-1]

    def reset(self) -> None:
        """Reset every connection."""
        for cable in self.cables:
            cable.reset()

    def set_black_hole(self, is_open: bool) -> None:
        """Swallow everything from now on; a connection that was swallowed stays dead."""
        self.is_black_hole = is_open
        for cable in self.cables if is_open else ():
            cable.is_black_hole = True


def _answer(status: int, headers: Mapping[str, str], body: bytes) -> SimpleNamespace:
    pieces = BytesIO(body)

    async def read(size: int) -> bytes:
        return pieces.read(size)

    return SimpleNamespace(status=status, headers=headers, content=SimpleNamespace(read=read))


class Session:
    """What the transport takes for an `aiohttp.ClientSession`."""

    def __init__(self, route: Route) -> None:
        self._road = route

    @asynccontextmanager
    async def request(
        self, method: str, url: str, *, json: Any, headers: Mapping[str, str]
    ) -> AsyncIterator[SimpleNamespace]:
        far = await self._road.pass_on()
        path = url.removeprefix(f"{ENDPOINT}/")
        answer: tuple[int, Mapping[str, str], bytes] = (200, {}, b"{}")
        if method == "DELETE":
            session_id, _, query = path.removeprefix("sessions/").partition("?")
            far.remove(session_id, keeps_memory=query == "memory=keep")
        else:
            answer = await far.post(path, dumps(json).encode())
        await self._road.pass_on()
        yield _answer(*answer)

    @asynccontextmanager
    async def get(self, url: str, *, headers: Mapping[str, str]) -> AsyncIterator[SimpleNamespace]:
        await self._road.pass_on()
        await self._road.pass_on()
        yield _answer(200, {}, b'{"service": "troupe"}')

    async def ws_connect(self, url: str, *, headers: Mapping[str, str], **options: Any) -> Socket:
        far = await self._road.pass_on()
        cable = self._road.lay()
        token = headers["Authorization"].removeprefix("Bearer ")
        status = await far.enter(url.rpartition("/")[2], token, cable)
        if status != 101:
            raise aiohttp.WSServerHandshakeError(None, (), status=status)  # type: ignore[arg-type] # only the status is read
        await self._road.pass_on()
        return cable.client

    async def close(self) -> None:
        """Nothing is held."""


class SimulatedTransport(WebSocketTransport):
    """The real transport over a simulated way."""

    def __init__(self, route: Route) -> None:
        super().__init__(ENDPOINT, clock=route.loop.time)
        self._road = route

    def _http(self) -> Any:
        return Session(self._road)
