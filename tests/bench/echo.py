"""Echo servers to compare with: `python -m tests.bench.echo tcp FOLDER`; prints its port."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from importlib import import_module
from pathlib import Path

from aiohttp import WSMsgType, web

__all__ = ["FRAME_BYTES"]

FRAME_BYTES = 640  # 20 ms of 16 kHz, 16 bit


async def tcp() -> int:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(await reader.readexactly(FRAME_BYTES))

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    return int(server.sockets[0].getsockname()[1])


async def aiohttp() -> int:
    database = sqlite3.connect(Path(sys.argv[2]) / "echo.db", isolation_level=None)
    for order in ("journal_mode = WAL", "synchronous = FULL"):
        database.execute(f"PRAGMA {order}")
    database.execute("CREATE TABLE lines (frame BLOB)")

    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        async for frame in socket:
            if frame.type is WSMsgType.BINARY:
                if request.path == "/kept":
                    database.execute("INSERT INTO lines VALUES (?)", (frame.data,))
                await socket.send_bytes(frame.data)
            else:
                await socket.send_str(frame.data)
        return socket

    async def where(request: web.Request) -> web.Response:
        return web.json_response(await request.json() | {"url": "/"})

    app = web.Application()
    app.router.add_get("/", echo)
    app.router.add_get("/kept", echo)
    app.router.add_post("/where", where)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return int(runner.addresses[0][1])


async def websockets() -> int:
    async def echo(socket: object) -> None:
        async for frame in socket:  # type: ignore[attr-defined]  # a peer's, not always installed
            await socket.send(frame)  # type: ignore[attr-defined]  # the same

    serve = import_module("websockets").serve
    server = await serve(echo, "127.0.0.1", 0, compression=None)
    return int(next(iter(server.sockets)).getsockname()[1])


async def run(kind: str) -> None:
    port = await {"tcp": tcp, "aiohttp": aiohttp, "websockets": websockets}[kind]()
    print(port, flush=True)
    # Until the bench closes our standard input.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1]))
