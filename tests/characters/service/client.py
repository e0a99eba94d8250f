"""A bare client for the service's tests: HTTP and raw frames, no help from our own transport."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from characters.service.service import ServiceSettings
from tests.characters.transport.stages import AT_ONCE, WebSocketStage, service_stage

__all__ = ["Bare", "Guest", "kind", "serve", "words_in"]

DEADLINE = 60.0


def kind(frame: dict[str, Any]) -> str:
    """Return the type of a frame, whatever its shape."""
    if frame.get("type") == "server-message":
        return str(frame["data"]["type"])
    return str(frame.get("type"))


def words_in(frames: list[dict[str, Any]]) -> str:
    """Return what the character says in some frames."""
    return "".join(f["data"]["text"] for f in frames if kind(f) == "bot-llm-text")


class Guest:
    """One raw WebSocket in a room."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, **frame: Any) -> None:
        await self.socket.send_str(json.dumps(frame))

    async def link(self, type_: str, **fields: Any) -> None:
        await self.send(label="troupe", type=type_, **fields)

    async def say(self, text: str, **fields: Any) -> None:
        await self.send(type="user_text_message", data={"text": text}, **fields)

    async def type_line(self, text: str, message_id: str) -> None:
        """Say a line that is to be taken once."""
        await self.send(type="user_text_message", data={"text": text, "message_id": message_id})

    async def ask_to_respond(self, **data: Any) -> None:
        """Ask for an answer, as the game does."""
        await self.send(type="context-update", data={"run_llm": "true", **data})

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(DEADLINE):
            message = await self.socket.receive()
        assert message.type is aiohttp.WSMsgType.TEXT, message
        frame = json.loads(message.data)
        assert isinstance(frame, dict)
        return frame

    async def until(self, wanted: str) -> list[dict[str, Any]]:
        """Return every frame up to the first of that type, which is the last."""
        frames = [await self.next()]
        while kind(frames[-1]) != wanted:
            frames.append(await self.next())
        return frames

    async def ended(self) -> list[dict[str, Any]]:
        """Return what still comes until the service closes."""
        frames = []
        async with asyncio.timeout(DEADLINE):
            async for message in self.socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    frames.append(json.loads(message.data))
        return frames


class Bare:
    """The service's address and a raw HTTP client."""

    def __init__(self, stage: WebSocketStage, http: aiohttp.ClientSession) -> None:
        self.stage = stage
        self.url = stage.url
        self.http = http

    async def connect(self, **body: Any) -> dict[str, Any]:
        status, answer = await self.post("/connect", character_id="counter", **body)
        assert status == 200, answer
        return answer

    async def post(self, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
        async with self.http.post(self.url + path, json=body) as answer:
            return answer.status, await answer.json()

    @asynccontextmanager
    async def enter(self, grant: dict[str, Any], token: str | None = None) -> AsyncIterator[Guest]:
        headers = {"Authorization": f"Bearer {token or grant['token']}"}
        async with self.http.ws_connect(
            grant["room_url"], protocols=("troupe.v1",), headers=headers
        ) as socket:
            yield Guest(socket)

    @asynccontextmanager
    async def room(self, **body: Any) -> AsyncIterator[tuple[Guest, dict[str, Any]]]:
        """Connect, enter, greet and wait until the character has fallen silent."""
        grant = await self.connect(**body)
        async with self.enter(grant) as guest:
            await guest.link("hello", received=0)
            await guest.until("bot-turn-completed")
            yield guest, grant

    async def health(self) -> dict[str, Any]:
        async with self.http.get(self.url + "/health") as answer:
            body = await answer.json()
            assert isinstance(body, dict)
            return body


def serve(
    play: Callable[[Bare], Awaitable[None]],
    settings: ServiceSettings | None = None,
    api_key: str | None = None,
    **parts: Any,
) -> None:
    """Run a play against a service of its own; `parts` are `agents`, `speech` and `path`."""

    async def run() -> None:
        async with (
            asyncio.timeout(60),
            service_stage(settings or ServiceSettings(timing=AT_ONCE), api_key, **parts) as stage,
            aiohttp.ClientSession() as http,
        ):
            await play(Bare(stage, http))

    asyncio.run(run())
