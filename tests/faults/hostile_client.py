"""Clients that do their worst to a service, each attack a coroutine of (http, url).

    python -m tests.faults.hostile_client ATTACK URL SECONDS CLIENTS

runs one of `ATTACKS` in a process of its own, so that what it costs here disturbs nobody.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import urlencode, urlsplit

import aiohttp
import msgpack

__all__ = ["ATTACKS", "enter", "half_sent"]

Attack = Callable[[aiohttp.ClientSession, str], Awaitable[None]]
CHARACTER = "porter-3e8f"
MANY = 10_000
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def enter(http: aiohttp.ClientSession, url: str) -> aiohttp.ClientWebSocketResponse:
    """Return a socket in a room of its own, greeted."""
    async with http.post(f"{url}/connect", json={"character_id": CHARACTER}) as answer:
        grant = await answer.json()
        if answer.status != 200:
            raise ConnectionError(str(grant))
    headers = {"Authorization": f"Bearer {grant['token']}"}
    socket = await http.ws_connect(grant["room_url"], protocols=("troupe.v1",), headers=headers)
    await socket.send_str('{"label":"troupe","type":"hello","received":0}')
    return socket


async def contexts(http: aiohttp.ClientSession, url: str) -> None:
    """Fill the level's text, then ask for its acknowledgement again and again; read nothing."""
    socket = await enter(http, url)
    for text in ["\U0001f600" * 7500] * 15 + ["a"] * MANY:
        frame = {"type": "context-update", "data": {"text": text}}
        await socket.send_str(json.dumps(frame, ensure_ascii=False))


async def audio(http: aiohttp.ClientSession, url: str) -> None:
    """Send noise as fast as it is taken."""
    socket, pcm = await enter(http, url), os.urandom(8192)
    for number in range(1, MANY):
        await socket.send_bytes(msgpack.packb([1, number, number * 0.256, pcm]))


async def lines(http: aiohttp.ClientSession, url: str) -> None:
    """Type long lines without waiting for an answer; read nothing."""
    socket = await enter(http, url)
    for number in range(MANY):
        text = f"{number} why do you tell me that my name is Ada? " * 40
        await socket.send_str(json.dumps({"type": "user_text_message", "data": {"text": text}}))


async def nesting(http: aiohttp.ClientSession, url: str) -> None:
    """Send JSON of the greatest depth, from one room after the other."""
    while True:
        socket = await enter(http, url)
        with suppress(ConnectionError):
            for _ in range(100):
                await socket.send_str("[" * 30_000 + "]" * 30_000)
        await socket.close()


async def pings(http: aiohttp.ClientSession, url: str) -> None:
    """Send the smallest message as fast as it is taken; read nothing."""
    socket = await enter(http, url)
    for _ in range(MANY * 100):
        await socket.send_str('{"label":"troupe","type":"ping","t":1}')


async def rooms(http: aiohttp.ClientSession, url: str) -> None:
    """Ask for rooms of an hour and enter none."""
    for _ in range(400):
        body = {"character_id": CHARACTER, "room_rejoin_ttl_seconds": 3600}
        async with http.post(f"{url}/connect", json=body) as answer:
            await answer.read()


async def half_sent(http: aiohttp.ClientSession, url: str) -> None:
    """Begin a hundred requests and send a byte a second."""
    place = urlsplit(url)
    lines = [await asyncio.open_connection(place.hostname, place.port) for _ in range(100)]
    for _, writer in lines:
        writer.write(b"GET /health HTTP/1.1\r\n")
    while True:
        await asyncio.sleep(1.0)
        for _, writer in lines:
            writer.write(b"X")


async def socket_pings(http: aiohttp.ClientSession, url: str) -> None:
    """Send the pings of the WebSocket itself as fast as they are taken."""
    socket = await enter(http, url)
    for _ in range(MANY * 100):
        await socket.ping()


async def values(http: aiohttp.ClientSession, url: str) -> None:
    """Send messages of thousands of values in few bytes."""
    socket, things = await enter(http, url), [{"a": [0] * 240}] * 20
    for each in ([{"a": [[]] * 20_000}], *[things] * MANY):
        frame = {"type": "update-scene-metadata", "data": {"scene_metadata": each}}
        await socket.send_str(json.dumps(frame, separators=(",", ":")))


async def forms(http: aiohttp.ClientSession, url: str) -> None:
    """Ask by forms of a thousand fields, again and again."""
    field = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    await _again(http, f"{url}/connect/stream", field * 1000 + b"--x--\r\n", headers)


async def mistakes(http: aiohttp.ClientSession, url: str) -> None:
    """Ask for a persona in a large file that is none, again and again."""
    body = {"character_id": CHARACTER, "persona": "personas/shared/small-talk.toml"}
    await _again(http, f"{url}/connect", json.dumps(body).encode(), {})


async def schemas(http: aiohttp.ClientSession, url: str) -> None:
    """Ask for rooms with a hundred schemas of actions."""
    names = [f"a{number}" for number in range(100)]
    schema = {"description": "", "parameters": {}}
    config = {"actions": names, "functions": [{"name": name, **schema} for name in names]}
    body = {"character_id": CHARACTER, "action_config": config}
    await _again(http, f"{url}/connect", json.dumps(body, separators=(",", ":")).encode(), {})


async def branches(http: aiohttp.ClientSession, url: str) -> None:
    """Branch off one session again and again."""
    async with http.post(f"{url}/connect", json={"character_id": CHARACTER}) as answer:
        session = (await answer.json())["character_session_id"]
    await _again(http, f"{url}/sessions/{session}/branch", b"{}", {})


async def chunks(http: aiohttp.ClientSession, url: str) -> None:
    """Send bodies that nobody needs, without end, a byte in a chunk."""
    place = urlsplit(url)
    head = b"POST /health HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    while True:
        _, writer = await asyncio.open_connection(place.hostname, place.port)
        with suppress(OSError):
            writer.write(head)
            while not writer.transport.is_closing():
                writer.write(b"1\r\nx\r\n" * 1000)
                await writer.drain()


async def questions(http: aiohttp.ClientSession, url: str) -> None:
    """Ask long questions by text, five at once."""
    form = {"character_id": CHARACTER, "text_input": "why do you say that I am Ada? " * 60}
    await _again(http, f"{url}/connect/stream", urlencode(form).encode(), FORM)


async def _again(
    http: aiohttp.ClientSession, url: str, data: bytes, headers: dict[str, str]
) -> None:
    async def ask() -> None:
        for _ in range(MANY):
            async with http.post(url, data=data, headers=headers) as answer:
                await answer.read()

    await asyncio.gather(*(ask() for _ in range(5)))


ATTACKS: dict[str, Attack] = {
    it.__name__: it
    for it in (
        *(contexts, audio, lines, nesting, pings, rooms, half_sent),
        *(socket_pings, values, forms, mistakes, schemas, branches, chunks, questions),
    )
}


async def _attack(name: str, url: str, seconds: float, clients: int) -> None:
    async def one() -> None:
        async with aiohttp.ClientSession() as http:
            with suppress(OSError, aiohttp.ClientError):
                await ATTACKS[name](http, url)
                await asyncio.sleep(seconds)  # its sockets stay open

    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.gather(*(one() for _ in range(clients)))


if __name__ == "__main__":
    # It would say of each frame that the service has closed the connection.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    asyncio.run(_attack(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])))
