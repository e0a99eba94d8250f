"""Many clients of one server, in a process of their own.

    python -m tests.bench.load_client URLS KIND COUNT JOINERS

They join so many at a time, by turns at each of the URLs (spaces between them), and come back when
they are told to if they are refused. A line "mic" on standard input opens their microphones (50
frames a second), "quiet" closes them, "in?" asks for how many are in and how often one was refused.
Each pings once a second.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from time import monotonic

import aiohttp

from characters.protocol.audio_frames import pack_microphone
from tests.bench.echo import FRAME_BYTES

__all__ = ["Crowd", "Seat"]

FRAME = pack_microphone(1, 0.0, bytes(FRAME_BYTES))
FRAME_SECONDS = 0.02
SLICES = 10  # of the clients: each sends at its own moment of the 20 ms
BEATS = 500  # the same, of the second between two pings
LINE = '{"type":"user_text_message","data":{"text":"Who are you?","message_id":"1"}}'
ENDED = '"bot-turn-completed"'
PING = '{"label":"troupe","type":"ping","t":1.0}'
PONG = PING[:27]  # a pong's beginning, or its own that an echo sends back


class Seat:
    """One client in its room, or at the echo."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._pongs: deque[asyncio.Future[None]] = deque()
        self.is_gone = False
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for frame in self._socket:
            is_pong = frame.type is aiohttp.WSMsgType.TEXT and frame.data.startswith(PONG)
            if is_pong and self._pongs:
                pong = self._pongs.popleft()
                if not pong.done():
                    pong.set_result(None)
        self.is_gone = True

    async def speak(self) -> None:
        """Send 20 ms of sound."""
        with suppress(ConnectionError):
            await self._socket.send_bytes(FRAME)

    async def ping(self) -> float:
        """Return the seconds that a ping took."""
        began = monotonic()
        pong = await self.beat()
        async with asyncio.timeout(30):
            await pong
        return monotonic() - began

    async def beat(self) -> asyncio.Future[None]:
        """Send a ping; return what is done when it is answered."""
        pong = asyncio.get_running_loop().create_future()
        self._pongs.append(pong)
        with suppress(ConnectionError):
            await self._socket.send_str(PING)
        return pong

    async def talk(self) -> None:
        """Say a line, hear the whole answer, and leave."""
        self._reader.cancel()
        with suppress(asyncio.CancelledError):
            await self._reader
        await self._socket.send_str(LINE)
        async for frame in self._socket:
            # The greeting's turn ends too; an echo sends the line back.
            if frame.data == LINE or ('"message_id":"1"' in frame.data and ENDED in frame.data):
                break
        await self._socket.close()


class Crowd:
    """The clients of one process, by turns at each of some URLs; of an "echo", or of a service."""

    def __init__(self, http: aiohttp.ClientSession, urls: Sequence[str], server: str) -> None:
        self._http = http
        self._urls = itertools.cycle(urls)
        self._joined = itertools.count()
        self._is_echo = server == "echo"
        self.seats: list[Seat] = []
        self.refused = 0
        self.has_microphones = False

    async def fill(self, count: int, joiners: int = 8) -> None:
        """Join so many, `joiners` of them at a time."""
        waiting = iter(range(count))

        async def join() -> None:
            for _ in waiting:
                seat = await self.join()
                self.seats.append(seat)

        await asyncio.gather(*(join() for _ in range(joiners)))

    async def join(self) -> Seat:
        """Join, when the server lets us."""
        url = next(self._urls)
        if self._is_echo:
            return Seat(await self._http.ws_connect(url, compress=0))
        while True:
            # Each a player of his own: the characters of one wait for one another.
            body = {"character_id": "porter-3e8f", "end_user_id": f"bench{next(self._joined)}"}
            async with self._http.post(f"{url}/connect", json=body) as answer:
                if answer.status == 200:
                    grant = await answer.json()
                    break
                self.refused += 1
                await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))
        token = {"Authorization": f"Bearer {grant['token']}"}
        socket = await self._http.ws_connect(
            grant["room_url"], protocols=("troupe.v1",), headers=token, compress=0
        )
        await socket.send_str('{"label":"troupe","type":"hello","received":0}')
        await socket.receive()
        return Seat(socket)

    async def run(self) -> None:
        """Send what clients send, each at its own moment, until cancelled."""
        due, turn = monotonic(), 0
        while True:
            due += FRAME_SECONDS / SLICES
            await asyncio.sleep(max(0.0, due - monotonic()))
            turn += 1
            for seat in self.seats[turn % SLICES :: SLICES] if self.has_microphones else ():
                await seat.speak()
            for seat in self.seats[turn % BEATS :: BEATS]:
                await seat.beat()
            if turn % BEATS == 0:
                self.seats = [seat for seat in self.seats if not seat.is_gone]

    def told(self) -> str:
        """Return how many are in, and how often one was refused."""
        return json.dumps({"in": len(self.seats), "refused": self.refused})


async def _obey(crowd: Crowd, next_order: Callable[[], Awaitable[str]]) -> None:
    while order := (await next_order()).strip():
        if order == "in?":
            print(crowd.told(), flush=True)
        else:
            crowd.has_microphones = order == "mic"


async def main(urls: Sequence[str], server: str, count: int, joiners: int) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession(connector=connector) as http:
        crowd = Crowd(http, urls, server)
        running = [asyncio.create_task(it) for it in (crowd.fill(count, joiners), crowd.run())]
        await _obey(crowd, lambda: loop.run_in_executor(None, sys.stdin.readline))
        for task in running:
            task.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1].split(), sys.argv[2], *map(int, sys.argv[3:])))
