"""A stand-in for an OpenAI-compatible model server: it can do every odd thing that real ones do.

It runs on a loop of its own, so that a game or a service in another process can be its client:

    with model_server() as server:
        server.answers = answer("Good day.")
"""

from __future__ import annotations

import asyncio
import importlib
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, TypeAlias

from aiohttp import web

__all__ = [
    "Answer",
    "answer",
    "body",
    "delta",
    "event",
    "ModelServer",
    "model_server",
    "strict",
    "tool_call",
]

Answer: TypeAlias = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


PATIENCE = 60.0  # seconds until a test lets an answer go on


def event(chunk: object) -> bytes:
    """Return one event of a stream."""
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def delta(**fields: object) -> dict[str, object]:
    """Return a chunk with a piece of the answer."""
    return {"choices": [{"delta": fields}]}


def tool_call(name: str, arguments: str, *, pieces: int = 1, index: int = 0) -> list[bytes]:
    """Return a call of a tool, in so many pieces."""
    size = max(1, -(-len(arguments) // pieces))
    parts = [arguments[at : at + size] for at in range(0, len(arguments), size)] or [""]
    first = {"index": index, "id": "c1", "type": "function", "function": {"name": name}}
    calls = [first, *({"index": index, "function": {"arguments": part}} for part in parts)]
    return [event(delta(tool_calls=[call])) for call in calls]


def answer(
    *pieces: str | bytes | float | threading.Event,
    done: bool = True,
    finish: str | None = "stop",
    usage: tuple[int, int] | None = (20, 5),
    content_type: str = "text/event-stream",
    status: int = 200,
    breaks: bool = False,
    stalls: bool = False,
) -> Answer:
    """Return an answer: texts, bytes as they are, and seconds or events to wait for in between."""

    async def send(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers={"Content-Type": content_type})
        await response.prepare(request)
        for piece in pieces:
            if isinstance(piece, float):
                await asyncio.sleep(piece)
            elif isinstance(piece, threading.Event):
                assert await asyncio.to_thread(piece.wait, PATIENCE)
            else:
                await response.write(
                    piece if isinstance(piece, bytes) else event(delta(content=piece))
                )
        if breaks and request.transport is not None:
            request.transport.abort()
        if stalls:
            await asyncio.Event().wait()
        if finish:
            await response.write(event({"choices": [{"delta": {}, "finish_reason": finish}]}))
        if usage:
            sent, received = usage
            counted = {"prompt_tokens": sent, "completion_tokens": received}
            await response.write(event({"choices": [], "usage": counted}))
        if done:
            await response.write(b"data: [DONE]\n\n")
        return response

    return send


def body(
    content: object, *, status: int = 200, headers: dict[str, str] | None = None,
    content_type: str = "application/json",
) -> Answer:  # fmt: skip
    """Return an answer in one piece: JSON, or a text as it is."""

    async def send(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
        text = content if isinstance(content, str) else json.dumps(content)
        return web.Response(text=text, status=status, headers=headers, content_type=content_type)

    return send


def strict(then: Answer, *, system: bool = True, tools: bool = True) -> Answer:
    """Return an answer of a server that refuses what a strict chat template does."""

    async def send(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
        roles = [message["role"] for message in asked["messages"]]
        if not system and roles[0] == "system":
            return await refuse("System role not supported")(request, asked)
        if not tools and asked.get("tools"):
            return await refuse("this model does not support tools")(request, asked)
        spoken = roles[1:] if roles[0] == "system" else roles
        wanted = ["user", "assistant"] * len(spoken)
        if spoken != wanted[: len(spoken)] or spoken[-1:] != ["user"]:
            words = "Conversation roles must alternate user/assistant/user/assistant/..."
            return await refuse(words, status=500)(request, asked)
        return await then(request, asked)

    return send


def refuse(words: str, status: int = 400) -> Answer:
    """Return a refusal in the words of a server."""
    return body({"error": {"message": words, "type": "invalid_request_error"}}, status=status)


class ModelServer:
    """Answers what it is told to, and keeps what it was asked; `queue` goes before `answers`."""

    def __init__(self) -> None:
        self.answers: Answer = answer("Good", " day", ".")
        self.queue: list[Answer] = []
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.was_left = threading.Event()  # a client went before the end of an answer
        self.peers: set[Any] = set()
        self.url = ""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages of the last request."""
        messages: list[dict[str, Any]] = self.asked[-1]["messages"]
        return messages

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Answer `/chat/completions`."""
        asked = await request.json()
        self.asked.append(asked)
        self.headers.append(dict(request.headers))
        assert request.transport is not None
        self.peers.add(request.transport.get_extra_info("peername"))
        send = self.queue.pop(0) if self.queue else self.answers
        try:
            return await send(request, asked)
        except (ConnectionError, asyncio.CancelledError):
            self.was_left.set()
            raise

    async def models(self, request: web.Request) -> web.StreamResponse:
        """Answer `/models`."""
        return web.json_response({"object": "list", "data": [{"id": "any"}, {"id": "other"}]})


@contextmanager
def model_server() -> Iterator[ModelServer]:
    """Run a server for as long as the context is open."""
    importlib.import_module("openai")  # it takes a second, which no test is about
    server, is_up = ModelServer(), threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def run() -> None:
        async with _listening(server):
            is_up.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    assert is_up.wait(30)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        with suppress(RuntimeError):
            loop.close()


@asynccontextmanager
async def _listening(server: ModelServer) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.complete)
    app.router.add_get("/v1/models", server.models)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield
    finally:
        await runner.cleanup()
