"""The proxy does what it says, so that the faults behind it mean something."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.faults.proxy import Direction, Faults, Proxy

Play = Callable[[Proxy, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(4096):
        writer.write(data)
    writer.write(b"end")
    writer.close()


def through(play: Play) -> None:
    async def run() -> None:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with asyncio.timeout(60), Proxy("127.0.0.1", port) as proxy:
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"
            await play(proxy, reader, writer)
            writer.close()
        server.close()

    asyncio.run(run())


def test_a_healthy_line_passes_everything_both_ways() -> None:
    async def play(
        proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(b"x" * 100_000)
        assert await reader.readexactly(100_000) == b"x" * 100_000

    through(play)


def test_slicing_and_throttling_keep_the_bytes_in_order() -> None:
    async def play(
        proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        proxy.faults = Faults(delay=0.01, jitter=0.01, slice_bytes=3, bytes_per_second=20_000)
        writer.write(bytes(range(200)))
        assert await reader.readexactly(200) == bytes(range(200))

    through(play)


def test_a_reset_is_seen_as_a_reset() -> None:
    async def play(
        proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            await reader.read(1)

    through(play)


def test_a_watch_resets_at_the_chunk_it_chooses() -> None:
    async def play(
        proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        proxy.watch = lambda direction, data, count: (direction, count) == (Direction.TO_SERVER, 2)
        writer.write(b"second")
        with pytest.raises(ConnectionResetError):
            await reader.read(1)

    through(play)


def test_a_black_hole_holds_everything_until_it_is_healed() -> None:
    async def play(
        proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        proxy.black_hole()
        writer.write(b"lost?")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.05)
        proxy.heal()
        assert await reader.readexactly(5) == b"lost?"

    through(play)


def test_a_half_close_ends_one_direction_only() -> None:
    async def play(
        proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        proxy.half_close(Direction.TO_SERVER)
        assert await reader.read() == b"end"

    through(play)


def test_a_refusing_proxy_resets_newcomers() -> None:
    async def play(
        proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        proxy.faults = Faults(refuse=True)
        other, late = await asyncio.open_connection("127.0.0.1", proxy.port)
        with pytest.raises(ConnectionResetError):
            await other.read(1)
        late.close()

    through(play)
