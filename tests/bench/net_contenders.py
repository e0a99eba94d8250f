"""Round trips over the loopback: ours through the real service, and echo servers beside it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from pathlib import Path
from time import perf_counter

import aiohttp

from characters.client.service_process import ServiceProcess
from characters.protocol.link import SequencedChannel
from characters.protocol.messages import (
    BotLlmText,
    BotReady,
    BotTurnCompleted,
    ConnectRequest,
    ResetIdleTimer,
    ServerMessage,
    ServerResponse,
    UserTextMessage,
)
from characters.transport.base import Connection
from characters.transport.websocket import WebSocketTransport
from tests.bench.echo import FRAME_BYTES
from tests.characters.agents.model_server import answer, model_server

__all__: list[str] = []

ROOT = Path(__file__).parent.parent.parent
FRAME = bytes(FRAME_BYTES)
TRIPS = 200
TALKS, AT_ONCE = 48, 8  # of a round, and of them at a time
Trip = Callable[[], Awaitable[float]]
Setup = Callable[[], AsyncIterator[Trip]]


def rounds(setup: Setup, trips: int) -> Iterator[list[float]]:
    """Yield the seconds of each of so many trips, again and again, over a connection each time.

    One that only waited for its turn would be cut: nobody answers its pings meanwhile.
    """
    with asyncio.Runner() as runner:
        while True:
            yield runner.run(one_round(setup, trips))


async def one_round(setup: Setup, trips: int) -> list[float]:
    async with asynccontextmanager(setup)() as trip:
        return [await trip() for _ in range(trips)]


def clocked(action: Callable[[], Awaitable[None]]) -> Trip:
    """Return the trip that takes as long as the action."""

    async def trip() -> float:
        began = perf_counter()
        await action()
        return perf_counter() - began

    return trip


def shared(action: Callable[[], Awaitable[None]]) -> Trip:
    """Return the trip that is each action's share of the time that many take, some at once."""

    async def trip() -> float:
        slots = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with slots:
                await action()

        began = perf_counter()
        await asyncio.gather(*(one() for _ in range(TALKS)))
        return (perf_counter() - began) / TALKS

    return trip


@contextmanager
def echo_server(kind: str, folder: Path = ROOT) -> Iterator[int]:
    command = [sys.executable, "-m", "tests.bench.echo", kind, str(folder)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=ROOT, text=True)
    assert process.stdin and process.stdout
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def tcp_echo(folder: Path) -> Iterator[list[float]]:
    async def setup() -> AsyncIterator[Trip]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def there_and_back() -> None:
            writer.write(FRAME)
            await reader.readexactly(FRAME_BYTES)

        yield clocked(there_and_back)
        writer.close()

    with echo_server("tcp") as port:
        yield from rounds(setup, TRIPS)


def aiohttp_echo(folder: Path, path: str = "") -> Iterator[list[float]]:
    async def setup() -> AsyncIterator[Trip]:
        async with aiohttp.ClientSession() as http, http.ws_connect(url) as socket:

            async def there_and_back() -> None:
                await socket.send_bytes(FRAME)
                await socket.receive_bytes()

            yield clocked(there_and_back)

    with echo_server("aiohttp", folder) as port:
        url = f"http://127.0.0.1:{port}/{path}"
        yield from rounds(setup, TRIPS)


def kept_echo(folder: Path) -> Iterator[list[float]]:
    """Yield the seconds of an echo that comes once SQLite has flushed what was sent."""
    return aiohttp_echo(folder, "kept")


def open_and_echo(folder: Path, many: bool = False) -> Iterator[list[float]]:
    """Yield the seconds of a request for an address, a socket opened there, and one echo.

    Of `many` at once it is the share of each.
    """

    async def setup() -> AsyncIterator[Trip]:
        async with aiohttp.ClientSession() as http:

            async def there_and_back() -> None:
                async with http.post(f"{url}/where", json={"character_id": "porter"}) as answer:
                    where = (await answer.json())["url"]
                async with http.ws_connect(f"{url}{where}") as socket:
                    await socket.send_bytes(FRAME)
                    await socket.receive_bytes()

            yield shared(there_and_back) if many else clocked(there_and_back)

    with echo_server("aiohttp", folder) as port:
        url = f"http://127.0.0.1:{port}"
        yield from rounds(setup, 1 if many else 20)


def websockets_echo(folder: Path) -> Iterator[list[float]]:
    async def setup() -> AsyncIterator[Trip]:
        connect = import_module("websockets").connect
        async with connect(f"ws://127.0.0.1:{port}/", compression=None) as socket:

            async def there_and_back() -> None:
                await socket.send(FRAME)
                await socket.recv()

            yield clocked(there_and_back)

    with echo_server("websockets") as port:
        yield from rounds(setup, TRIPS)


# --- ours: the real service as a process ------------------------------------------------------


@contextmanager
def service(folder: Path, *more: str) -> Iterator[str]:
    fast = ("--words-per-second", "0", "--think", "0", "--no-speech", "--seed", "1", *more)
    process = ServiceProcess(folder, ROOT / "assets", arguments=fast)
    try:
        yield process.start()
    finally:
        process.kill()


async def until(connection: Connection, kind: type[ServerMessage]) -> None:
    while not isinstance(await connection.receive(), kind):
        pass


async def enter(transport: WebSocketTransport) -> Connection:
    request = ConnectRequest(character_id="porter-3e8f", end_user_id="bench")
    grant = await transport.connect(request)
    connection = await transport.join(grant, SequencedChannel(grant.room_name))
    await until(connection, BotReady)
    return connection


def acknowledged_message(folder: Path) -> Iterator[list[float]]:
    """Yield the seconds from a numbered message to the service's word that it was taken."""

    async def setup() -> AsyncIterator[Trip]:
        transport = WebSocketTransport(url)
        connection = await enter(transport)

        async def there_and_back() -> None:
            connection.send(ResetIdleTimer())
            await until(connection, ServerResponse)

        yield clocked(there_and_back)
        await connection.close()
        await transport.close()

    with service(folder) as url:
        yield from rounds(setup, TRIPS)


def connect_to_ready(folder: Path, many: bool = False) -> Iterator[list[float]]:
    """Yield the seconds from asking for a new session to the character's ready signal.

    Of `many` at once it is the share of each.
    """

    async def setup() -> AsyncIterator[Trip]:
        transport = WebSocketTransport(url)

        async def there_and_back() -> None:
            connection = await enter(transport)
            connection.abort()

        yield shared(there_and_back) if many else clocked(there_and_back)
        await transport.close()

    with service(folder) as url:
        yield from rounds(setup, 1 if many else 20)


def line_to_first_word(folder: Path) -> Iterator[list[float]]:
    """Yield the seconds from a typed line to the first word of the answer, nothing paced."""
    yield from talk(folder, BotLlmText, 20)


def line_to_turn_completed(folder: Path) -> Iterator[list[float]]:
    """Yield the seconds from a typed line to the end of the turn, durable by then."""
    yield from talk(folder, BotTurnCompleted, 20)


def model_to_first_word(folder: Path) -> Iterator[list[float]]:
    """Yield the seconds from a typed line to the first word of a model that answers at once."""
    with model_server() as model:
        yield from talk(folder, BotLlmText, 20, "--model-url", model.url, "--model-name", "any")


def answer_cut_short(folder: Path) -> Iterator[list[float]]:
    """Yield the seconds from a line that is typed into a model's answer to the end of that."""

    async def setup() -> AsyncIterator[Trip]:
        transport = WebSocketTransport(url)
        connection = await enter(transport)
        await until(connection, BotTurnCompleted)  # the greeting
        connection.send(UserTextMessage(text="Talk."))
        await until(connection, BotLlmText)

        async def trip() -> float:
            await asyncio.sleep(0.5)
            began = perf_counter()
            connection.send(UserTextMessage(text="Stop."))
            await until(connection, BotTurnCompleted)
            took = perf_counter() - began
            await until(connection, BotLlmText)  # the next answer, which the next line ends
            return took

        yield trip
        await connection.close()
        await transport.close()

    with model_server() as model:
        model.answers = answer(*(piece for n in range(400) for piece in (f" word{n}", 0.02)))
        with service(folder, "--model-url", model.url, "--model-name", "any") as url:
            yield from rounds(setup, 20)


def bare_model_request(folder: Path) -> Iterator[list[float]]:
    """Yield the seconds from a request to that model to the first word in it, and nothing more."""

    async def setup() -> AsyncIterator[Trip]:
        async with aiohttp.ClientSession() as http:

            async def trip() -> float:
                began = perf_counter()
                async with http.post(f"{model.url}/chat/completions", json=request) as answer:
                    async for line in answer.content:
                        if b"content" in line:
                            break
                    took = perf_counter() - began
                    await answer.read()  # so that the connection is kept
                return took

            yield trip

    request = {"model": "any", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    with model_server() as model:
        yield from rounds(setup, 20)


def talk(
    folder: Path, kind: type[ServerMessage], lines: int, *options: str
) -> Iterator[list[float]]:
    async def setup() -> AsyncIterator[Trip]:
        transport = WebSocketTransport(url)
        connection = await enter(transport)
        await until(connection, BotTurnCompleted)  # the greeting
        connection.send(UserTextMessage(text="Hello."))  # what is loaded late is there after it
        await until(connection, BotTurnCompleted)

        async def trip() -> float:
            began = perf_counter()
            connection.send(UserTextMessage(text="Tell me some gossip."))
            await until(connection, kind)
            took = perf_counter() - began
            if kind is not BotTurnCompleted:  # the next line begins a turn of its own
                await until(connection, BotTurnCompleted)
            return took

        yield trip
        await connection.close()
        await transport.close()

    with service(folder, *options) as url:
        yield from rounds(setup, lines)
