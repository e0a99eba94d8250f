"""One client's WebSocket: a bounded queue out, a checked frame in.

A client that reads too slowly loses voice first (the oldest), and its connection when more
than `MAX_WAITING` frames wait or one takes longer than `SEND_SECONDS`: its room lives on, and
what it missed is repeated when it comes back.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgpack
from aiohttp import WSMessage, web

from characters.core.link import Bye, LinkFrame, Ping, encode_link

__all__ = ["MAX_FRAME", "Peer"]

MAX_FRAME = 64 * 1024
MAX_WAITING = 2048
MAX_VOICE = 100
SEND_SECONDS = 10.0
VOICE = 2

log = logging.getLogger(__name__)


class Peer:
    """The shell around one accepted WebSocket; `run` writes until the end."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        self._socket = socket
        self._transport = transport
        self._queue: deque[str | bytes | None] = deque()
        self._voice_waiting = 0
        self._voice_sent = 0
        self._wake = asyncio.Event()
        self._ended = False

    def send(self, frame: Mapping[str, Any]) -> None:
        """Queue a JSON frame."""
        self._put(json.dumps(frame, separators=(",", ":")))
        if len(self._queue) > MAX_WAITING:
            log.warning("a client reads too slowly: %d frames wait; dropped", len(self._queue))
            self.abort()

    def link(self, frame: LinkFrame) -> None:
        """Queue a frame about the connection."""
        self.send(encode_link(frame))

    def send_voice(self, pcm: bytes, timestamp: float, sample_rate: int) -> None:
        """Queue a piece of voice; the oldest goes when too much waits."""
        self._voice_sent += 1
        if self._voice_waiting >= MAX_VOICE:
            oldest = next(item for item in self._queue if isinstance(item, bytes))
            self._queue.remove(oldest)
            self._voice_waiting -= 1
        self._voice_waiting += 1
        self._put(msgpack.packb([VOICE, self._voice_sent, timestamp, pcm, sample_rate]))

    def drop_voice(self) -> None:
        """Forget the voice that is not on its way yet."""
        self._queue = deque(item for item in self._queue if not isinstance(item, bytes))
        self._voice_waiting = 0

    def bye(self, reason: str, retry_after: float | None = None) -> None:
        """Say goodbye after all that waits, then close."""
        if not self._ended:
            self.link(Bye(reason, retry_after))
            self._put(None)
            self._ended = True

    @property
    def is_saying_goodbye(self) -> bool:
        """Whether nothing more is taken."""
        return self._ended

    def probe(self, t: float) -> None:
        """Ask for a sign of life."""
        self.link(Ping(t))

    def close(self) -> None:
        """Close after what waits, without a word."""
        self._put(None)
        self._ended = True

    def abort(self) -> None:
        """Drop the connection at once."""
        self._ended = True
        self._queue.clear()
        self._put(None)
        if self._transport is not None:
            self._transport.abort()

    def _put(self, item: str | bytes | None) -> None:
        if not self._ended or item is None:
            self._queue.append(item)
            self._wake.set()

    async def receive(self, within: float) -> WSMessage:
        """Wait for the next frame. Raises TimeoutError."""
        async with asyncio.timeout(within):
            return await self._socket.receive()

    async def run(self) -> None:
        """Write what is queued, until the goodbye; returns when the connection is closed."""
        try:
            while await self._write_all():
                await self._wake.wait()
                self._wake.clear()
            async with asyncio.timeout(SEND_SECONDS):
                await self._socket.close()
        except (ConnectionError, TimeoutError, RuntimeError):
            # RuntimeError is aiohttp's word for a socket that is closing already.
            self.abort()
        finally:
            with suppress(RuntimeError):
                self._queue.clear()

    async def _write_all(self) -> bool:
        while self._queue:
            item = self._queue.popleft()
            if item is None:
                return False
            async with asyncio.timeout(SEND_SECONDS):
                if isinstance(item, bytes):
                    self._voice_waiting -= 1
                    await self._socket.send_bytes(item)
                else:
                    await self._socket.send_str(item)
        return True
